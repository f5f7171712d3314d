"""How an alert ends, in a real browser: it is stopped half-way and corrected; one is over by itself and says so."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from bell.alerts import actions, dispatch
from bell.alerts.models import Alert, Relation, State
from bell.delivery.models import Delivery
from bell.lib import clock
from tests.browser.test_staff import look, sign_in
from tests.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(transactional_db):
    """The cast, with some residents."""
    made = Cast()
    for number in range(6):
        made.resident((-1.375 + number * 0.001, 53.02))
    return made


def half_gone(cast: Cast) -> Alert:
    """An alert of which two people have their copy, stopped by an officer."""
    alert, _ = cast.approved()
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    dispatch.run_due()
    sent = Delivery.objects.filter(mailing__reference=alert.reference, channel="email").order_by("pk")[:2]
    Delivery.objects.filter(pk__in=[one.pk for one in sent]).update(state="sent", state_at=clock.now())
    return actions.stop(Alert.objects.get(pk=alert.pk), by=cast.approver)


def test_a_stopped_alert_is_corrected_to_those_who_got_it(page, watch, cast):
    alert = half_gone(cast)
    sign_in(page, cast.author, f"/desk/alerts/{alert.reference}/")
    look(page, "alert-stopped")
    page.get_by_role("button", name=re.compile("^Send a correction to the 2 people")).click()
    page.wait_for_url(re.compile("/edit/$"))
    page.get_by_label("Message", exact=True).fill("The street was wrong: it is Ray Street, not Bay Street.")
    expect(page.locator("#preview")).to_contain_text("it is Ray Street")
    page.get_by_role("button", name="Submit for approval").click()
    expect(page.get_by_text("Submitted. Asked to approve")).to_be_visible()
    correction = Alert.objects.get(follows=alert)
    assert correction.relation == Relation.CORRECTION and correction.versions.get().people == 2
    look(page, "correction-submitted")


def test_an_alert_that_names_its_end_is_over_by_itself(page, watch, cast):
    draft = cast.draft(title="Market hall closed today")
    sign_in(page, cast.author, f"/desk/alerts/{draft.reference}/edit/")
    soon = clock.local(clock.now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    page.get_by_label("Over after").fill(soon)
    with page.expect_navigation():
        page.get_by_role("button", name="Save draft").click()
    draft.refresh_from_db()
    assert draft.expires_at is not None
    alert, _ = cast.approved(draft)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent", state_at=clock.now())
    dispatch.run_due()
    page.goto(f"/a/{alert.reference}/")
    expect(page.get_by_role("heading", name="Market hall closed today")).to_be_visible()
    Alert.objects.filter(pk=alert.pk).update(expires_at=clock.now() - timedelta(minutes=5), state=State.SENT)
    page.wait_for_timeout(1100)  # a page is kept for a second
    page.goto(f"/a/{alert.reference}/")
    expect(page.get_by_text(re.compile("[Oo]ver since")).first).to_be_visible()
    page.goto(f"/desk/alerts/{alert.reference}/")
    look(page, "alert-over")
