"""Choosing a digest in a real browser, with scripts; the digest itself as a mail program shows it."""

import re
from email import message_from_bytes, policy

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from bell.alerts import digests as alert_digests
from bell.alerts import dispatch
from bell.delivery.content import Content
from bell.delivery.digests import items_of
from bell.delivery.email import render
from bell.delivery.models import Delivery
from bell.organisations.kinds import Kind
from bell.residents import digests
from bell.residents.models import Often
from tests.alerts.test_digests import out, the_hour
from tests.browser.conftest import shoot
from tests.browser.test_public import look
from tests.cast import Cast
from tests.public.conftest import KNOWN, the_code

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def world(transactional_db, watch):
    """The cast, and Meg."""
    watch.allow("/assets/fonts/")
    cache.clear()
    cast = Cast()
    cast.meg = cast.resident(email=KNOWN)
    return cast


def test_a_member_chooses_a_digest(page, world):
    page.goto("/account/")
    page.get_by_label("Your email address or mobile number").fill(KNOWN)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("by email")).fill(the_code(KNOWN))
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Change how often emails come").click()
    expect(page.get_by_label("At once, each in an email of its own")).to_be_checked()
    look(page, "account-digest")
    page.get_by_label("Once a week, on Friday at 5pm").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your next digest comes")).to_be_visible()
    look(page, "account-with-digest")


def test_what_a_digest_looks_like(page, world):
    digests.choose(world.meg, Often.DAILY, by=world.meg)
    out(world)
    out(world, kind=Kind.PREVENTION, title="Mark your tools before winter", body="Come to us on Saturday. " * 40)
    while dispatch.run_due():
        pass
    the_hour()
    alert_digests.run_due()
    digest = Delivery.objects.select_related("mailing").get(mailing__stream="digest")
    items = items_of(digest.batch_id)[digest.pk]
    form = render.Form(Content.from_json(digest.mailing.content), stream="digest", reference="")
    letter = form.letter(render.Person(digest.pk, digest.recipient_key, KNOWN, items))
    html = message_from_bytes(letter.data, policy=policy.default).get_body(("html",)).get_content()
    page.set_content(html)
    expect(page.get_by_role("heading", name="Mark your tools before winter")).to_be_visible()
    shoot(page, "digest-mail")
