"""The data protection officer's pages: they work, leave a trace, and do not exist for anybody else."""

import io
import zipfile
from datetime import timedelta

import pytest
from django.test import Client

from bell.audit.models import Entry
from bell.conversations import actions as talk
from bell.conversations.actions import Words, hear
from bell.lib import clock
from bell.organisations.models import Agreement, Organisation
from bell.privacy import looks, retention
from bell.privacy.models import Restriction, RetentionRun, Withheld, today
from bell.residents.models import Resident

MEG = "meg@home.example"
LATER = today() + timedelta(days=40)


def day(name, on):
    """A day as its three boxes send it."""
    return {f"{name}_day": str(on.day), f"{name}_month": str(on.month), f"{name}_year": str(on.year)}


@pytest.fixture
def meg(cast):
    """A member who wrote something that an officer opened."""
    person = cast.resident(email=MEG)
    turn = hear(Words(text="A white van", way="web"), team=cast.team, resident=person)
    talk.look(turn.conversation, by=cast.author, why="answering a reply")
    return person


@pytest.fixture
def dpo(at_desk):
    return at_desk("dpo")


def look_up(client, address=MEG, why="She asked for her data by letter"):
    return client.post("/desk/privacy/", {"address": address, "why": why})


def paths(meg):
    entry = Entry.objects.get(verb="conversation read")
    key = meg.conversations.get().key
    return [
        "/desk/privacy/",
        f"/desk/privacy/people/{meg.key}/",
        f"/desk/privacy/people/{meg.key}/copy/",
        f"/desk/privacy/people/{meg.key}/erase/",
        f"/desk/privacy/people/{meg.key}/withhold/{entry.pk}/",
        f"/desk/privacy/people/{meg.key}/hold/{key}/",
        "/desk/privacy/withheld/1/",
        "/desk/privacy/restrictions/1/",
    ]


@pytest.mark.parametrize("who", ["author", "approver", "media", "administrator", "stranger", "outsider"])
def test_for_everybody_else_they_do_not_exist(cast, at_desk, meg, who):
    look_up(at_desk("dpo"))
    client = at_desk(who)
    for path in paths(meg):
        assert client.get(path).status_code in (404, 405), path
        assert client.post(path, {"address": MEG, "why": "curious"}).status_code == 404, path
    assert Resident.objects.filter(pk=meg.pk).exists()
    assert not Entry.objects.filter(by_key=str(getattr(cast, who).key), verb__startswith="person").exists()
    assert b"Privacy" not in client.get("/desk/").content


def test_a_partner_cannot_have_a_data_protection_officer_here(cast, at_desk, meg):
    thief = cast.officer("Pat Partner", cast.outsider.grants.get(role="author").team, "dpo", "administrator")
    for path in [*paths(meg), "/desk/agreements/", "/desk/privacy/retention/"]:
        assert at_desk(thief).get(path).status_code in (404, 405), path


def test_without_signing_in_nobody_gets_in(client, meg):
    for path in paths(meg):
        assert client.get(path)["Location"].startswith("/accounts/login/")


def test_looking_up_needs_a_reason_and_is_seen_by_the_person(dpo, cast, meg):
    assert "Say why" in look_up(dpo, why=" ").content.decode()
    assert not Entry.objects.filter(verb="person looked up").exists()
    assert look_up(dpo)["Location"] == f"/desk/privacy/people/{meg.key}/"
    page = dpo.get(f"/desk/privacy/people/{meg.key}/").content.decode()
    assert "answering a reply" in page and MEG not in page
    said = looks.said(list(looks.seen_by(meg)))
    assert [(one.what, one.why) for one in said][:2] == [
        ("Opened your account", "She asked for her data by letter"),
        ("Looked up your account", "She asked for her data by letter"),
    ]
    assert all("Media Team" in one.team for one in said[:2])
    assert cast.dpo.name not in str(said)


def test_an_unknown_address_is_said_to_be_unknown(dpo, cast):
    assert "We hold nobody with this address" in look_up(dpo, "nobody@home.example").content.decode()
    assert "There is a problem" in look_up(dpo, "rubbish").content.decode()


def test_a_guessed_key_leads_nowhere_without_a_reasoned_look_up(dpo, cast, meg):
    for path in paths(meg)[1:6]:
        assert dpo.get(path).status_code in (404, 405)
        assert dpo.post(path).status_code in (404, 405)
    other = cast.resident()
    look_up(dpo)
    assert dpo.get(f"/desk/privacy/people/{other.key}/").status_code == 404
    assert dpo.get(f"/desk/privacy/people/{2**64 - 1}/").status_code == 404
    # The reason is good for an hour.
    Entry.objects.filter(verb="person looked up").update(at=clock.now() - timedelta(hours=2))
    assert dpo.get(f"/desk/privacy/people/{meg.key}/").status_code == 404


def test_one_officers_reason_is_no_other_officers(cast, at_desk, dpo, meg):
    look_up(dpo)
    second = cast.officer("Del Second", cast.media_team, "dpo")
    assert at_desk(second).get(f"/desk/privacy/people/{meg.key}/").status_code == 404


def test_withholding_needs_reason_and_day_and_can_be_renewed_or_ended(dpo, meg):
    look_up(dpo)
    path = paths(meg)[4]
    assert "Say why" in dpo.post(path, day("review_on", LATER)).content.decode()
    late = dpo.post(path, {"reason": "An inquiry", **day("review_on", today() + timedelta(days=900))})
    assert "within two years" in late.content.decode()
    assert not Withheld.objects.exists()
    assert dpo.post(path, {"reason": "An inquiry", **day("review_on", LATER)}).status_code == 302
    assert "conversation read" not in {one.verb for one in looks.seen_by(meg)}
    assert "already" in dpo.post(path, {"reason": "Again", **day("review_on", LATER)}).content.decode()
    one = Withheld.objects.get()
    manage = f"/desk/privacy/withheld/{one.pk}/"
    assert "An inquiry" in dpo.get("/desk/privacy/").content.decode()
    assert dpo.post(manage, day("review_on", LATER + timedelta(days=5))).status_code == 302
    one.refresh_from_db()
    assert one.review_on == LATER + timedelta(days=5)
    dpo.post(manage, {"do": "show"})
    assert "conversation read" in {one.verb for one in looks.seen_by(meg)}
    assert dpo.get(manage).status_code == 404
    # Nothing about withholding is recorded against the person.
    assert not Entry.objects.filter(target_type="resident", verb__contains="withh").exists()


def test_an_entry_of_somebody_else_cannot_be_withheld(dpo, cast, meg):
    turn = hear(Words(text="x", way="web"), team=cast.team, resident=cast.resident())
    talk.look(turn.conversation, by=cast.author, why="answering a reply")
    theirs = Entry.objects.filter(verb="conversation read").latest("pk")
    look_up(dpo)
    assert dpo.get(f"/desk/privacy/people/{meg.key}/withhold/{theirs.pk}/").status_code == 404
    assert dpo.get(f"/desk/privacy/people/{meg.key}/withhold/{10**30}/").status_code == 404


def test_a_hold_survives_erasure_and_goes_when_released(dpo, meg):
    look_up(dpo)
    one = meg.conversations.get()
    talk_path = paths(meg)[5]
    assert dpo.post(talk_path, {"reason": "A court asked", **day("review_on", LATER)}).status_code == 302
    assert "A court asked" in dpo.get(f"/desk/privacy/people/{meg.key}/erase/").content.decode()
    assert dpo.post(f"/desk/privacy/people/{meg.key}/erase/").status_code == 302
    assert not Resident.objects.filter(pk=meg.pk).exists() and type(one).objects.filter(pk=one.pk).exists()
    held = Restriction.objects.get()
    page = f"/desk/privacy/restrictions/{held.pk}/"
    assert dpo.post(page, day("review_on", LATER + timedelta(days=9))).status_code == 302
    assert dpo.post(page, {"do": "release"}).status_code == 302
    assert not type(one).objects.filter(pk=one.pk).exists()


def test_the_copy_for_a_letter_has_the_notes_and_is_seen_by_the_person(dpo, cast, meg):
    talk.note(meg.conversations.get(), text="Sounds sure", by=cast.author)
    look_up(dpo)
    with zipfile.ZipFile(io.BytesIO(dpo.post(f"/desk/privacy/people/{meg.key}/copy/").content)) as archive:
        assert "Sounds sure" in archive.read("data.json").decode()
    assert "Made a copy of your data for you" in {one.what for one in looks.said(list(looks.seen_by(meg)))}


@pytest.mark.parametrize("who", ["author", "approver", "media", "stranger", "outsider"])
def test_agreements_and_retention_are_not_everybodys(at_desk, cast, who):
    for path in ("/desk/agreements/", f"/desk/agreements/{cast.agreement.pk}/end/", "/desk/privacy/retention/"):
        assert at_desk(who).get(path).status_code == 404
        assert at_desk(who).post(path).status_code in (404, 405)


@pytest.mark.parametrize("who", ["administrator", "dpo"])
def test_an_agreement_is_kept_and_ended_and_the_public_sees_it(at_desk, cast, client, who):
    desk = at_desk(who)
    Agreement.objects.all().delete()
    assert "Without an agreement" in desk.get("/desk/agreements/").content.decode()
    assert cast.partner not in Organisation.objects.public()
    form = {"organisation": cast.partner.pk, "what": "Numbers", "purpose": "Safer streets", "basis": "Public task",
            "document": "DSA-9", **day("starts", today()), **day("ends", today() - timedelta(days=1))}  # fmt: skip
    assert "must end on or after" in desk.post("/desk/agreements/", form).content.decode()
    assert desk.post("/desk/agreements/", form | day("ends", LATER)).status_code == 302
    assert cast.partner in Organisation.objects.public()
    assert "DSA-9" in client.get("/privacy/").content.decode()
    one = Agreement.objects.get()
    assert desk.post(f"/desk/agreements/{one.pk}/end/", day("on", today())).status_code == 302
    one.refresh_from_db()
    assert one.ends == today()
    bad = form | {"organisation": cast.force.pk} | day("ends", LATER)
    assert (
        "Choose the organisation" in desk.post("/desk/agreements/", bad).content.decode()
        or Agreement.objects.count() == 1
    )


def test_the_retention_page_shows_each_rule_and_its_last_run(at_desk, cast):
    retention.run()
    page = at_desk("dpo").get("/desk/privacy/retention/").content.decode()
    assert all(rule.words in page for rule in retention.RULES)
    assert RetentionRun.objects.exclude(finished_at=None).count() == len(retention.RULES)


def test_opening_pages_changes_nothing_but_the_record_of_looks(dpo, meg):
    look_up(dpo)
    before = (Entry.objects.count(), Withheld.objects.count(), Restriction.objects.count())
    for path in [*paths(meg)[:1], *paths(meg)[3:6], "/desk/agreements/", "/desk/privacy/retention/"]:
        assert dpo.get(path).status_code == 200, path
    assert (Entry.objects.count(), Withheld.objects.count(), Restriction.objects.count()) == before
    dpo.get(f"/desk/privacy/people/{meg.key}/")
    assert Entry.objects.count() == before[0] + 1


def test_officers_at_other_doors_see_no_more_than_before(cast, at_desk, meg):
    for client in (Client(), at_desk("author")):
        for path in ("/account/looks/", "/account/data/"):
            assert client.get(path)["Location"] == "/sign-in/"
