"""A person's no, kept by address: it outlives what they save for another reason, and ends when they choose anew."""

import pytest

from bell.delivery.email import complaints
from bell.delivery.models import Delivery, Suppression
from bell.organisations.kinds import Kind, of_bits
from bell.residents import actions
from tests.public.conftest import send


@pytest.fixture
def complained(cast, meg):
    """Meg called the force's crime alert spam."""
    alert = send(cast)
    row = Delivery.objects.get(mailing__reference=alert.reference, recipient_key=meg.key, channel="email")
    assert complaints.complain(row.pk)
    return meg


def ticked(page):
    """Kinds by email that a page of choices has ticked."""
    return list(page.context["kinds"]["email_kinds"].value())


def save(member, page, **changes):
    """Save the page as it is drawn, but for the changes."""
    drawn = {name: page.context[form][name].value() for form, name in (
        ("kinds", "email_kinds"), ("kinds", "sms_kinds"), ("groups", "groups"), ("who", "organisations")
    )}  # fmt: skip
    assert member.post("/account/choices/", drawn | changes)["Location"] == "/account/"


def gets(cast, person, **changes):
    """Whether an alert that goes out now reaches the person by email."""
    alert = send(cast, title="Another", **changes)
    rows = Delivery.objects.filter(mailing__reference=alert.reference, recipient_key=person.key, channel="email")
    return rows.filter(state="sent").exists()


def test_a_complaint_outlives_what_is_saved_for_another_reason(cast, complained):
    chosen = actions.Choices(
        email_kinds=of_bits(complained.email_kinds),
        sms_kinds=of_bits(complained.sms_kinds),
        groups=[cast.cctv.pk],
        organisations=[cast.force.pk],
    )
    actions.set_choices(complained, chosen, by=complained)
    assert Suppression.objects.count() == 1 and not gets(cast, complained)


def test_what_a_complaint_stopped_is_shown_as_off_and_stays_off(cast, member, complained):
    page = member.get("/account/choices/")
    assert Kind.CRIME not in ticked(page) and Kind.SCAM in ticked(page)
    assert Kind.CRIME in page.context["kinds"]["sms_kinds"].value()  # texts are as they were
    save(member, page, groups=[cast.cctv.pk])
    assert not gets(cast, complained)
    assert gets(cast, complained, kind=Kind.MISSING, fields={"description": "A red coat"})


def test_ticking_it_again_is_a_choice(cast, member, complained):
    page = member.get("/account/choices/")
    save(member, page, email_kinds=[*ticked(page), Kind.CRIME])
    assert Kind.CRIME in ticked(member.get("/account/choices/"))
    assert not Suppression.objects.exists() and gets(cast, complained)


def test_an_organisation_that_is_chosen_anew_may_write_what_is_chosen(cast, complained):
    for organisations in ([], [cast.force.pk]):
        chosen = actions.Choices(email_kinds=[Kind.CRIME], organisations=organisations)
        actions.set_choices(complained, chosen, by=complained)
    assert gets(cast, complained)
