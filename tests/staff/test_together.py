"""Organisations at the desk: a partner carries, passes on and asks; it sees texts and numbers, never people."""

import re
from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from bell.alerts import actions, dispatch, together
from bell.alerts.models import Alert, Ask, Carrier, PassedOn, State
from bell.audit.models import Entry
from bell.conversations import actions as conversation_actions
from bell.conversations.actions import Words
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations import actions as organisation_actions
from bell.organisations.actions import Identity
from bell.organisations.kinds import Kind
from bell.organisations.models import Agreement, Organisation, OrganisationName, Role, Team
from bell.organisations.rules import name_on
from bell.staff import urls

INCLUDED = [one for one in urls.urlpatterns if isinstance(one, URLResolver)]
ROUTES = {
    pattern.name: pattern
    for included in INCLUDED
    if included.urlconf_module.__name__ == "bell.staff.together_urls"
    for pattern in included.url_patterns
}
NAME, EMAIL, MOBILE = "Canary Quillfeather", "canary.quillfeather@home.example", "07700 900777"


def go(alert):
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    alert.refresh_from_db()
    return alert


@pytest.fixture
def sent(cast):
    """A public alert of the force that two residents of the council alone have not got."""
    cast.resident()
    for _ in range(7):
        cast.resident(organisations=(cast.partner,))
    alert, _ = cast.approved()
    return go(alert)


@pytest.fixture
def invited(cast):
    """An invitation to the council, for an alert that waits for approval."""
    for _ in range(7):
        cast.resident(organisations=(cast.partner,))
    alert = cast.draft(title="Have you seen this van?", carriers=[cast.partner.pk])
    version = actions.submit(alert, by=cast.author)
    return version.carriers.get()


@pytest.fixture
def own_draft(cast):
    """A draft of the council's own."""
    team = cast.outsider.grants.first().team
    return cast.draft(by=cast.outsider, team=team, title="Gritting tonight", kind=Kind.PREVENTION)


@pytest.fixture
def asked(cast, own_draft):
    return together.ask(own_draft, to=cast.force, by=cast.outsider, note="Before six, please.")


def address(name, cast, invited, asked, sent):
    known = {"staff-invitation": invited.pk, "staff-request": asked.pk, "staff-organisation": cast.partner.pk,
             "staff-group": cast.cctv.pk}  # fmt: skip
    text = str(ROUTES[name].pattern)
    if "reference" in text:
        return reverse(name, args=[asked.alert.reference if name == "staff-ask" else sent.reference])
    return reverse(name, args=[known[name]] if "number" in text else [])


# One town for all routes where nothing may change: to build it takes much longer than to ask.


def test_nobody_gets_in_without_signing_in(cast, invited, asked, sent):
    before = Entry.objects.count()
    for name in ROUTES:
        for method in ("get", "post"):
            response = getattr(Client(), method)(address(name, cast, invited, asked, sent))
            assert response.status_code == 302 and response.url.startswith("/accounts/login/"), name
        assert Entry.objects.count() == before, name


@pytest.mark.parametrize("who", ["author", "administrator", "outsider"])
def test_looking_changes_nothing(who, cast, invited, asked, sent, at_desk):
    client, before = at_desk(who), Entry.objects.count()
    for name in ROUTES:
        response = client.get(address(name, cast, invited, asked, sent))
        assert response.status_code in (200, 403, 404), name
        assert Entry.objects.count() == before and PassedOn.objects.count() == 0, name
        if who == "outsider" and name in ("staff-together", "staff-invitation", "staff-request", "staff-pass-on"):
            assert response.status_code == 200, name


def test_another_partner_finds_nothing_of_ours(cast, invited, asked, own_draft, at_desk):
    other = Organisation.objects.create(sort="partner", name="Other Council", slug="other")
    team = Team.objects.create(organisation=other, name="Desk", slug="desk", whole_force=True)
    thief = cast.officer("Tia Thief", team, Role.AUTHOR, Role.APPROVER)
    client = at_desk(thief)
    for path in (
        reverse("staff-invitation", args=[invited.pk]),
        reverse("staff-request", args=[asked.pk]),
        reverse("staff-ask", args=[own_draft.reference]),
        reverse("staff-pass-on", args=[own_draft.reference]),
        reverse("staff-alert", args=[invited.version.alert.reference]),
    ):
        assert client.get(path).status_code == 404 and client.post(path, {"do": "agree"}).status_code in (404, 405)
    page = client.get(reverse("staff-together")).content.decode()
    assert invited.version.alert.title not in page and own_draft.title not in page


def test_an_invitation_shows_text_map_and_rounded_numbers_and_is_agreed_to_once(cast, invited, at_desk):
    client, path = at_desk("outsider"), reverse("staff-invitation", args=[invited.pk])
    assert path in client.get("/desk/together/").content.decode()
    page = client.get(path).content.decode()
    assert "About 5 more people" in page and "Have you seen this van?" in page and "Two sheds" in page
    assert str(cast.author) in page and "West Ward" in page and 'id="meant-shapes"' in page
    data = {"digest": invited.version.digest, "do": "agree", "reason": ""}
    for _ in range(2):
        assert client.post(path, data).status_code == 302
    invited.refresh_from_db()
    assert invited.decision == Carrier.Decision.AGREED and invited.digest == invited.version.digest
    assert Entry.objects.filter(verb="carrier agreed").count() == 1
    actions.approve(invited.version, by=cast.approver, digest=invited.version.digest)
    alert = go(invited.version.alert)
    invited.refresh_from_db()
    assert invited.mailing.deliveries.count() == 7
    assert "about 5" in client.get("/desk/together/").content.decode()
    page = at_desk("author").get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Carried by a partner" in page and "Test Council" in page and "Carries it" in page


def test_fewer_than_five_are_never_told(cast, at_desk):
    for _ in range(3):
        cast.resident(organisations=(cast.partner,))
    version = actions.submit(cast.draft(carriers=[cast.partner.pk]), by=cast.author)
    page = at_desk("outsider").get(reverse("staff-invitation", args=[version.carriers.get().pk])).content.decode()
    assert "Fewer than 5 more people" in page and "About 3" not in page


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"do": "decline", "reason": " "}, "Say why"),
        ({"do": "nonsense"}, "Choose agree or decline"),
        ({"do": "decline", "reason": "x" * 501}, "Use 500 characters or fewer"),
    ],
)
def test_a_bad_decision_is_explained(data, words, invited, at_desk):
    client, path = at_desk("outsider"), reverse("staff-invitation", args=[invited.pk])
    assert words in client.post(path, {"digest": invited.version.digest, **data}).content.decode()
    invited.refresh_from_db()
    assert invited.decision == Carrier.Decision.ASKED


def test_declining_says_why_and_the_force_reads_it(invited, at_desk):
    client, path = at_desk("outsider"), reverse("staff-invitation", args=[invited.pk])
    client.post(path, {"digest": invited.version.digest, "do": "decline", "reason": "Not our area"})
    page = at_desk("author").get(f"/desk/alerts/{invited.version.alert.reference}/").content.decode()
    assert "Declined" in page and "Not our area" in page


def test_another_digest_or_an_author_agrees_to_nothing(cast, invited, at_desk):
    path = reverse("staff-invitation", args=[invited.pk])
    at_desk("outsider").post(path, {"digest": "0" * 64, "do": "agree"})
    writer = cast.officer("Wil Writer", cast.outsider.grants.first().team, Role.AUTHOR)
    page = at_desk(writer).get(path).content.decode()
    assert "Only an approver" in page and "Agree to carry it" not in page
    at_desk(writer).post(path, {"digest": invited.version.digest, "do": "agree"})
    invited.refresh_from_db()
    assert invited.decision == Carrier.Decision.ASKED


def test_without_an_agreement_nothing_is_carried(cast, invited, at_desk):
    yesterday = clock.local(clock.now()).date() - timedelta(days=1)
    Agreement.objects.update(starts=yesterday, ends=yesterday)
    client, path = at_desk("outsider"), reverse("staff-invitation", args=[invited.pk])
    assert "no data-sharing agreement" in client.get(path).content.decode()
    client.post(path, {"digest": invited.version.digest, "do": "agree"})
    invited.refresh_from_db()
    assert invited.decision == Carrier.Decision.ASKED


def test_a_partner_passes_on_and_records_its_reach(cast, sent, at_desk):
    client, path = at_desk("outsider"), reverse("staff-pass-on", args=[sent.reference])
    page = client.get(path).content.decode()
    assert "Pass on to the people who chose us" in page and "About 5 more people" in page
    for _ in range(2):
        client.post(path, {"do": "pass"})
    while dispatch.run_due():
        pass
    assert Carrier.objects.get().mailing.deliveries.count() == 7
    client.post(path, {"do": "reach", "way": "Library screens", "reach": "1200"})
    assert PassedOn.objects.get().reach == 1200
    for officer in ("outsider", "author"):
        assert "Library screens" in at_desk(officer).get("/desk/together/").content.decode()


@pytest.mark.parametrize("reach", ["", "-1", "many", "1e3", "99999999999999999999", "12\0"])
def test_hostile_reach_is_refused_in_words(reach, sent, at_desk):
    path = reverse("staff-pass-on", args=[sent.reference])
    response = at_desk("outsider").post(path, {"do": "reach", "way": "Screens", "reach": reach})
    assert response.status_code == 200 and b"There is a problem" in response.content
    assert not PassedOn.objects.exists()


def test_the_force_passes_nothing_on(sent, at_desk):
    assert at_desk("author").get(reverse("staff-pass-on", args=[sent.reference])).status_code == 404


def test_a_missing_person_who_was_found_is_named_to_no_partner(cast, at_desk):
    cast.resident()
    alert, _ = cast.approved(kind=Kind.MISSING, title="Missing: Ann Sample", fields={"description": "Red coat"})
    go(alert)
    path = reverse("staff-pass-on", args=[alert.reference])
    assert b"Ann Sample" in at_desk("outsider").get(path).content
    after = actions.follow_up(alert, relation="stand-down", by=cast.author)
    actions.edit(after, by=cast.author, title="Found", body="Found safe.", fields={"description": "-"})
    go(cast.approved(after)[0])
    client = at_desk("outsider")
    for page in (client.get(path), client.get("/desk/together/")):
        assert b"Ann Sample" not in page.content and b"Red coat" not in page.content
    assert b"Pass on to the people" not in client.get(path).content
    client.post(path, {"do": "pass"})
    assert not Carrier.objects.filter(organisation=cast.partner).exists()


def test_a_partner_asks_and_the_force_takes_it_on(cast, own_draft, at_desk):
    client = at_desk("outsider")
    page = client.get(reverse("staff-alert", args=[own_draft.reference])).content.decode()
    assert reverse("staff-ask", args=[own_draft.reference]) in page
    client.post(reverse("staff-ask", args=[own_draft.reference]), {"note": "Before six, please."})
    request = Ask.objects.get()
    desk, path = at_desk("author"), reverse("staff-request", args=[request.pk])
    assert path in desk.get("/desk/together/").content.decode()
    page = desk.get(path).content.decode()
    assert "Before six, please." in page and "Gritting tonight" in page and "Two sheds" in page
    response = desk.post(path, {"do": "take", "team": str(cast.team.pk)})
    made = Alert.objects.get(on_behalf_of=cast.partner)
    assert response.url == reverse("staff-edit", args=[made.reference])
    assert "Asked for by Test Council" in desk.get(reverse("staff-alert", args=[made.reference])).content.decode()
    assert "Taken on" in client.get("/desk/together/").content.decode()
    assert "The force took it on" in client.get(reverse("staff-alert", args=[own_draft.reference])).content.decode()
    assert desk.post(path, {"do": "take", "team": str(cast.team.pk)}).status_code == 302
    assert Alert.objects.filter(on_behalf_of=cast.partner).count() == 1


def test_the_force_declines_with_a_reason_and_only_for_own_teams(cast, asked, at_desk):
    desk, path = at_desk("author"), reverse("staff-request", args=[asked.pk])
    assert "Say why" in desk.post(path, {"do": "decline", "reason": ""}).content.decode()
    desk.post(path, {"do": "take", "team": str(cast.other_team.pk)})
    assert not Alert.objects.filter(on_behalf_of=cast.partner).exists()
    assert at_desk("outsider").post(path, {"do": "take"}).status_code == 403
    desk.post(path, {"do": "decline", "reason": "The council can"})
    assert "The council can" in at_desk("outsider").get(path).content.decode()


def test_a_draft_without_words_is_not_offered(cast, at_desk):
    team = cast.outsider.grants.first().team
    draft = actions.draft(team=team, kind=Kind.CRIME, by=cast.outsider)
    response = at_desk("outsider").post(reverse("staff-ask", args=[draft.reference]), {"note": ""})
    assert b"Enter a title" in response.content and not Ask.objects.exists()


def form_of(alert, **changes):
    return {"seen": str(alert.edit), "title": alert.title, "body": alert.body, "channels": ["email"],
            "areas": [str(pk) for pk in alert.audience["areas"]], "do": "save", "whole": "1", **changes}  # fmt: skip


def test_the_composer_keeps_carriers_and_the_hour(cast, at_desk):
    alert, at = cast.draft(), clock.local(clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    client, path = at_desk("author"), reverse("staff-edit", args=[alert.reference])
    assert "Carry together with" in client.get(path).content.decode()
    client.post(path, form_of(alert, carriers=[str(cast.partner.pk)], send_at=f"{at:%Y-%m-%dT%H:%M}"))
    alert.refresh_from_db()
    assert alert.carriers == [cast.partner.pk] and alert.send_at == at
    assert f'value="{at:%Y-%m-%dT%H:%M}"' in client.get(path).content.decode()
    page = client.get(reverse("staff-alert", args=[alert.reference])).content.decode()
    assert "Together with Test Council" in page and clock.said(at) in page
    version = actions.submit(alert, by=cast.author)
    approving = at_desk("approver").get(reverse("staff-approve", args=[alert.reference])).content.decode()
    assert clock.said(at) in approving and "Asked" in approving
    actions.approve(version, by=cast.approver, digest=version.digest)
    alert.refresh_from_db()
    assert alert.state == State.SCHEDULED
    page = client.get(reverse("staff-alert", args=[alert.reference])).content.decode()
    assert "do-undo" in page and "Scheduled" in page
    client.post(reverse("staff-act", args=[alert.reference, "undo"]))
    alert.refresh_from_db()
    assert alert.state == State.APPROVED
    for _ in range(2):  # pressing twice schedules once, and says no error
        after = client.post(reverse("staff-act", args=[alert.reference, "send"]), follow=True).content.decode()
        assert "Goes" in after and "cannot be done" not in after
    alert.refresh_from_db()
    assert alert.state == State.SCHEDULED


def spring():
    """An hour that London's clocks skip, within a year."""
    day = clock.now()
    for _ in range(366 * 24):
        after = day + timedelta(hours=1)
        if clock.local(after).utcoffset() > clock.local(day).utcoffset():
            return f"{clock.local(after):%Y-%m-%dT}01:30"
        day = after
    raise AssertionError("the clocks no longer change")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ("2001-01-01T10:00", "This time has passed"),
        ("2199-01-01T10:00", "Check the year"),
        ("tomorrow", "Enter a date and a time"),
        ("2026-02-31T10:00", "Enter a date and a time"),
        ("spring", "The clocks change that night"),
    ],
)
def test_a_time_that_cannot_be_is_refused_in_words(when, words, cast, at_desk):
    alert = cast.draft()
    path, when = reverse("staff-edit", args=[alert.reference]), spring() if when == "spring" else when
    page = at_desk("author").post(path, form_of(alert, send_at=when)).content.decode()
    assert words in page and alert.title in page
    alert.refresh_from_db()
    assert alert.send_at is None


def test_only_partners_with_an_agreement_are_offered(cast, at_desk):
    alert = cast.draft()
    path = reverse("staff-edit", args=[alert.reference])
    page = at_desk("author").post(path, form_of(alert, carriers=["999"])).content.decode()
    assert "has no agreement today" in page
    Agreement.objects.all().delete()
    assert "Carry together with" not in at_desk("author").get(path).content.decode()


# --- thieves ---


def paths(patterns, prefix=""):
    """Every address under the desk, with the parts that it takes."""
    for pattern in patterns:
        text = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield text
        else:
            yield from paths(pattern.url_patterns, text)


@pytest.fixture
def watched(cast, own_draft, invited, asked):
    """The council's alert reached a resident with a memorable name, who answered it in words."""
    person = cast.resident(email=EMAIL, mobile=MOBILE, organisations=(cast.partner, cast.force))
    type(person).objects.filter(pk=person.pk).update(name=NAME)
    person.refresh_from_db()
    colleague = cast.officer("Una Second", cast.outsider.grants.first().team, Role.APPROVER)
    version = actions.submit(own_draft, by=cast.outsider)
    alert = go(actions.approve(version, by=colleague, digest=version.digest))
    words = Words("The road is icy.", "email", reply_channel="email", reply_address=EMAIL, verified=True)
    talk = conversation_actions.hear(words, team=alert.team, alert=alert, resident=person).conversation
    return alert, talk, person


def test_no_address_of_the_desk_tells_a_partner_who_anyone_is(cast, watched, invited, asked, at_desk):
    alert, talk, person = watched
    client, seen = at_desk("outsider"), 0
    kept = {"reference": [alert.reference], "key": [str(talk.key)], "name": ["nav", "inbox", "approvals", "sending"],
            "number": [str(invited.pk), str(asked.pk), str(person.pk)], "verb": ["undo"]}  # fmt: skip
    for text in paths(next(one for one in get_resolver().url_patterns if str(one.pattern) == "desk/").url_patterns):
        wanted = re.search(r"<(?:\w+:)?(\w+)>", text)
        for value in kept.get(wanted[1], ["1"]) if wanted else [""]:
            path = "/desk/" + re.sub(r"<(?:\w+:)?\w+>", value, text)
            for response in (client.get(path), client.get(path, headers={"HX-Request": "true"})):
                body = b"".join(response.streaming_content) if response.streaming else response.content
                page = body.decode("utf-8", "replace")
                seen += response.status_code == 200
                for secret in ("Quillfeather", EMAIL, MOBILE, MOBILE.replace(" ", ""), str(person.key)):
                    assert secret not in page, f"{path} tells {secret}"
    assert seen > 20
    page = client.get(f"/desk/inbox/{talk.key}/").content.decode()
    assert "The road is icy." in page and "A resident" in page


def test_the_force_still_sees_who_answered(cast, at_desk):
    person = cast.resident()
    type(person).objects.filter(pk=person.pk).update(name=NAME)
    person.refresh_from_db()
    words = Words("A van.", "email", reply_channel="email", reply_address=EMAIL, verified=True)
    talk = conversation_actions.hear(words, team=cast.team, alert=cast.draft(), resident=person).conversation
    assert NAME in at_desk("author").get(f"/desk/inbox/{talk.key}/").content.decode()


def test_a_partner_reads_no_number_under_five(cast, watched, at_desk):
    alert, _, _ = watched
    assert Delivery.objects.filter(mailing__reference=alert.reference).exists()
    page = at_desk("outsider").get(f"/desk/alerts/{alert.reference}/").content.decode()
    shown = re.findall(r"app-stat__number[^>]*>([^<]+)<", page)
    people = alert.versions.get().people
    assert people == 8 and "10" in shown and "8" not in shown
    numbers = re.findall(r'numeric">([^<]+)</td>', page)
    assert numbers and all(number.strip() in {"fewer than 5", "10"} for number in numbers)


# --- names and administration ---


def test_names_have_days(cast):
    today = clock.local(clock.now()).date()
    organisation_actions.rename(cast.partner, name="New Council", since=today, by=cast.administrator)
    cast.partner.refresh_from_db()
    assert cast.partner.name == "New Council"
    assert name_on(cast.partner, today) == "New Council"
    assert name_on(cast.partner, today - timedelta(days=1)) == "Test Council"
    for days in (1, -1):
        since = today + timedelta(days=days)
        with pytest.raises(organisation_actions.NotAPartner):
            organisation_actions.rename(cast.partner, name="Other", since=since, by=cast.administrator)


def test_administrators_of_the_force_add_and_change_partners(cast, at_desk):
    client = at_desk("administrator")
    today = f"{clock.local(clock.now()):%Y-%m-%d}"
    data = {"named-name": "Fire and Rescue", "named-since": today, "strapline": "Fires", "reference_prefix": "fr",
            "active": "on"}  # fmt: skip
    response = client.post("/desk/organisations/new/", data)
    made = Organisation.objects.get(name="Fire and Rescue")
    assert response.url == f"/desk/organisations/{made.pk}/" and made.reference_prefix == "FR"
    assert OrganisationName.objects.get(organisation=made).since == datetime.fromisoformat(today).date()
    assert made not in Organisation.objects.public(), "it has no agreement yet"
    again = client.post("/desk/organisations/new/", data).content.decode()
    assert "There is an organisation of this name already" in again
    route = {"do": "route", "route-sort": "phone", "route-label": "Fire", "route-value": "01332 000000"}
    client.post(f"/desk/organisations/{made.pk}/", route)
    assert made.routes.get().label == "Fire"
    client.post(f"/desk/organisations/{made.pk}/", {"do": f"remove:{made.routes.get().pk}"})
    assert not made.routes.exists()
    client.post(f"/desk/organisations/{made.pk}/", {"do": "change", "reference_prefix": "FR"})
    made.refresh_from_db()
    assert not made.active
    verbs = set(Entry.objects.values_list("verb", flat=True))
    assert {"organisation added", "organisation changed", "route added", "route removed"} <= verbs


@pytest.mark.parametrize("who", ["author", "outsider", "dpo"])
def test_nobody_else_keeps_organisations(who, cast, at_desk):
    for path in ("/desk/organisations/", "/desk/organisations/new/", f"/desk/organisations/{cast.force.pk}/"):
        assert at_desk(who).get(path).status_code == 403
        assert at_desk(who).post(path, {"do": "change", "reference_prefix": "XX"}).status_code in (403, 405)
    with pytest.raises(organisation_actions.NotAllowed):
        organisation_actions.change_organisation(cast.partner, identity=Identity(), by=getattr(cast, who))


def test_the_force_cannot_be_switched_off(cast, at_desk):
    path = f"/desk/organisations/{cast.force.pk}/"
    page = at_desk("administrator").post(path, {"do": "change", "reference_prefix": "TP"}).content.decode()
    assert "The force cannot be switched off" in page
