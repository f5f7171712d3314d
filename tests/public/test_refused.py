"""A person's no, kept by address: it outlives what they save for another reason, and ends when they choose anew."""

import pytest

from bell.delivery.email import complaints
from bell.delivery.models import Delivery, Suppression
from bell.organisations.kinds import Kind, of_bits
from bell.residents import actions
from tests.public.conftest import send, signed_in, stop_link


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
    forms = [page.context[form] for form in ("kinds", "groups", "who")]
    drawn = {name: form[name].value() for form in forms for name in form.fields}
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


@pytest.fixture
def both(cast):
    """Someone who hears the force and the council, and stopped the council's crime alerts by its link."""
    person = cast.resident(email="both@home.example", organisations=(cast.force, cast.partner))
    stream = actions.stream(cast.partner.pk, Kind.CRIME)
    assert actions.unsubscribe(recipient_key=person.key, stream=stream, by="one-click")
    person.refresh_from_db()
    return person


NONE = "You get no crime alert messages from Test Council by email, because you stopped them."


def test_stopping_a_partners_kind_leaves_the_forces(cast, both):
    assert Kind.CRIME in of_bits(both.email_kinds) and gets(cast, both)
    assert Suppression.objects.get().stream == actions.stream(cast.partner.pk, Kind.CRIME)


def test_stopping_the_last_that_writes_a_kind_ends_the_kind(cast, both):
    stream = actions.stream(cast.force.pk, Kind.CRIME)
    actions.unsubscribe(recipient_key=both.key, stream=stream, by="link")
    both.refresh_from_db()
    assert Kind.CRIME not in of_bits(both.email_kinds) and Kind.SCAM in of_bits(both.email_kinds)


def test_without_an_address_the_kind_itself_keeps_the_no(cast):
    person = cast.resident(mobile="07700 900777", organisations=(cast.force, cast.partner))
    actions.remove_contact(person, "email", by=person)
    stream = actions.stream(cast.partner.pk, Kind.CRIME)
    actions.unsubscribe(recipient_key=person.key, stream=stream, by="link")
    person.refresh_from_db()
    assert Kind.CRIME not in of_bits(person.email_kinds)


def test_the_page_says_whose_kind_is_off_and_saving_it_lifts_nothing(client, cast, both):
    member = signed_in(client, "both@home.example")
    page = member.get("/account/choices/")
    assert Kind.CRIME in ticked(page) and NONE in page.text and page.text.count("because you stopped them") == 1
    save(member, page, groups=[cast.cctv.pk])
    assert Suppression.objects.count() == 1 and NONE in member.get("/account/choices/").text


def test_as_the_page_says_choosing_the_organisation_anew_brings_it_back(client, cast, both):
    member = signed_in(client, "both@home.example")
    save(member, member.get("/account/choices/"), organisations=[cast.force.pk])
    save(member, member.get("/account/choices/"), organisations=[cast.force.pk, cast.partner.pk])
    assert not Suppression.objects.exists() and NONE not in member.get("/account/choices/").text


def test_the_links_pages_say_whose_messages_stop_and_whose_go_on(client, cast):
    person = cast.resident(organisations=(cast.force, cast.partner))
    link = stop_link(person, cast.partner)
    page = client.get(link).text
    assert "Stop crime alert messages from Test Council by email?" in page
    assert "You will go on getting crime alert messages from Testshire Police" in page
    assert client.get(f"{link}stop/")["Location"] == link
    done = client.get(client.post(f"{link}stop/")["Location"]).text
    assert "You will get no more crime alert messages from Test Council by email" in done
    assert "You will go on getting crime alert messages from Testshire Police" in done
    assert "untick Test Council and save, then tick it and save again" in done
    assert "from Test Council by email" in client.post(link).text
