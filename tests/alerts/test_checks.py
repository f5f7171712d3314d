"""The checks before submitting: what each notices and what it leaves alone, and what follows for the approval."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.alerts import actions, approving, audience, checks, find, routes, rules
from bell.alerts.checks import Level, lists, reach, wording
from bell.alerts.models import Alert
from bell.alerts.rules import NotAllowed, Unfinished
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import Grant
from tests.public.conftest import send

QUIET = {"title": "Sheds broken into", "body": "Lock your shed.", "sms_text": "", "kind": "crime", "fields": {}}


def noticed(text, field="body", kind="crime"):
    """{check: (level, excerpt)} of a text."""
    found = checks.of_text({**QUIET, "kind": kind, field: text})
    return {one.check: (one.level, one.excerpt) for one in found if one.field == field}


@pytest.mark.parametrize(
    ("text", "check", "excerpt"),
    [
        ("We want to speak to Daniel Hargreaves.", "names", "Daniel Hargreaves"),
        ("We want to speak to Aisha O’Neill-Smith today.", "names", "Aisha O’Neill-Smith"),
        ("Please ask Mrs. Pemberton.", "names", "Mrs. Pemberton"),
        ("The suspect, DANIEL HARGREAVES, ran.", "names", "DANIEL HARGREAVES"),
        ("Daniel J. Hargreaves was seen.", "names", "Daniel J. Hargreaves"),
        ("It was Tom Baker.", "names", "Tom Baker"),
        ("Yesterday Daniel Hargreaves was seen.", "names", "Daniel Hargreaves"),
        ("SUSPECT DANIEL HARGREAVES", "names", "DANIEL HARGREAVES"),
        ("ask mr hargreaves", "names", "mr hargreaves"),
        ("a man called daniel hargreaves ran off", "names", "daniel hargreaves"),
        ("we think sarah o is with emma khan in belper", "names", "emma khan"),
        ("at 12 high street, belper", "homes", "12 high street"),
        ("at 14B, The Green", "homes", "14B, The Green"),
        ("house number 23 on Park Lane", "homes", "house number 23"),
        ("It was FD 12 KLM", "plates", "FD 12 KLM"),
        ("It was FD12-KLM", "plates", "FD12-KLM"),
        ("it was fd12 klm", "plates", "fd12 klm"),
        ("Ring (01332) 555 010", "phones", "(01332) 555 010"),
        ("Ring 0044 7700 900123", "phones", "0044 7700 900123"),
        ("tip.off [at] gmail.com", "emails", "tip.off [at] gmail.com"),
        ("write to tip.off at gmail dot com", "emails", "tip.off at gmail dot com"),
        ("He is a known offender.", "wording", "known offender"),
        ("It happened at 14 Sowbury Park Road.", "homes", "14 Sowbury Park Road"),
        ("It happened at 7a High St, Belper.", "homes", "7a High St"),
        ("The door of Flat 12 was open.", "homes", "Flat 12"),
        ("A silver Focus, FD12 KLM, drove off.", "plates", "FD12 KLM"),
        ("An old Mini, ABC 123D.", "plates", "ABC 123D"),
        ("A van, A123 BCD.", "plates", "A123 BCD"),
        ("Ring me on 07700 900123 please.", "phones", "07700 900123"),
        ("Ring +44 (0)1332 555 010.", "phones", "+44 (0)1332 555 010"),
        ("Write to tip.off@gmail.com", "emails", "tip.off@gmail.com"),
        ("A man born on 12/03/1984", "births", "born on 12/03/1984"),
        ("DOB: 3 May 1990.", "births", "DOB: 3 May 1990"),
        ("He has been arrested on suspicion of theft.", "wording", "has been arrested"),
        ("Everyone knows he is GUILTY.", "wording", "guilty"),
        ("See https://totally-real.example/win", "links", "https://totally-real.example/win"),
        ("See bit.ly/3abcd", "links", "bit.ly/3abcd"),
        ("See https://police.uk.evil.example/", "links", "https://police.uk.evil.example/"),
        ("See https://police.uk@evil.example/", "links", "https://police.uk@evil.example/"),
        ("See https://police.uk:x@evil.example/", "links", "https://police.uk:x@evil.example/"),
        ("See https://evil.example#.police.uk", "links", "https://evil.example#.police.uk"),
        ("See https://evil.example?.police.uk", "links", "https://evil.example?.police.uk"),
        ("Look at evil.example.", "links", "evil.example"),
        ("Pay at royalmail-fee.com, it says.", "links", "royalmail-fee.com"),
        ("(parcel.co.uk)", "links", "parcel.co.uk"),
        ("Go to Evil.Example:8080/x?y=1 now", "links", "Evil.Example:8080/x?y=1"),
        ("police.uk.evil.top", "links", "police.uk.evil.top"),
        ("gov.uk-refund.com", "links", "gov.uk-refund.com"),
        ("**dvla.tax-refund.click**", "links", "dvla.tax-refund.click"),
        ("Text to p\u0430ypal.com", "links", "p\u0430ypal.com"),
        ("xn--pypal-4ve.xn--p1ai", "links", "xn--pypal-4ve.xn--p1ai"),
        ("Open 185.12.3.44 to win", "links", "185.12.3.44"),
        ("See t.me", "links", "t.me"),
        ("See bit.ly", "links", "bit.ly"),
        ("Just tinyurl.com", "links", "tinyurl.com"),
        ("a video at youtu.be/xyz", "links", "youtu.be/xyz"),
        ("derby.it", "links", "derby.it"),
    ],
)
def test_what_is_noticed(text, check, excerpt):
    found = noticed(text)
    assert found[check][1] == excerpt
    assert found[check][0] >= Level.CARE


@pytest.mark.parametrize(
    "text",
    [
        "Thieves took two bicycles from Chester Green and one from Florence Road.",
        "The drop-in is at St John Street, near George Street Bridge, on 14 November.",
        "Call 101, or Crimestoppers on 0800 555 111. In an emergency call 999.",
        "Drive carefully on the A6 AND the A38. It is 2 miles to Belper.",
        "Postcodes DE56 1AB and DE5 3QQ.",
        "Between 14 and 21 November, from 6pm to 11pm, reference TP-7K3PQ.",
        "See https://www.derbyshire.police.uk/advice and gov.uk/scams.",
        "Monday Club meets at 6. Reported by John. The Grant Thornton building.",
        "Our officers Sarah and Tom were there.",
        "a man with a grey beard, and will smith the gate shut; mark jones the spot on george smith street.",
        "Farm Watch meets at the Hope Valley Farm Shop. Holiday Cottage Lane is closed. They use the lodge and a barn.",
        "At 2.30pm and 10.30am on 27.11.2026, version 1.2.3 of the plan, 3.5 miles, £1.50.",
        "St.Mary's Church, e.g.this one, i.e.in Belper, Ltd.The firm, a.m. and p.m., J.R. Hartley, U.K., etc.",
        "We have the van.The driver left.He ran off.She called 101.",
        "See derbyshire.police.uk, www.gov.uk, reportfraud.police.uk and Crimestoppers-uk.org.",
        "A 5 minute drive, a 30 mph road, 2 lane road, 3 men on the street, 24 hour road closure, 4 other road users.",
        "ON 12 NOV and BY 15 MAY. ALICE STREET IS CLOSED. Contact PC 4512 Sarah Jones or Sgt Tom Baker at 14 today.",
        "Open at 7.30 in the street on 12 the lane. Ring 101 (24 hours), ref 24000123456 (0123).",
        "Mr.Smith of No.7 and the A6.Traffic is slow. Section 60.1 of 999.999.999.999.",
    ],
)
def test_what_is_left_alone(text):
    found = {check for check, (level, _) in noticed(text).items() if level >= Level.CARE}
    assert found <= ({"names"} if "Grant" in text else set())


def test_a_missing_persons_name_is_expected():
    found = checks.of_text({**QUIET, "kind": Kind.MISSING, "fields": {"description": "Daniel Hargreaves, 14."}})
    assert [(one.check, one.level) for one in found] == [("names", Level.NOTE)]


@pytest.mark.parametrize("text", ["It happened at Rose Cottage.", "near The Old Rectory", "a quad from Top Moor Farm"])
def test_a_house_by_its_name_is_worth_a_look(text):
    level, excerpt = noticed(text)["homes"]
    assert level is Level.NOTE and excerpt in text


@pytest.mark.parametrize(
    "text", ["They left in a van.It was white", "Lock your shed.No tools outside", "a car.Is it yours"]
)
def test_a_full_stop_without_its_space_is_worth_a_look(text):
    level, excerpt = noticed(text)["links"]
    assert level is Level.NOTE and "." in excerpt


@given(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True), st.sampled_from(sorted(lists.words("domain_ends")))
)
def test_every_host_with_a_known_end_is_noticed(name, end):
    """However it stands in a sentence, and in capitals too."""
    for words in (f"See {name}.{end}.", f"({name}.{end})", f"Go to {name.upper()}.{end.upper()}!", f"{name}.{end}/x"):
        assert any(one.check == "links" and one.level >= Level.CARE for one in checks.of_text({**QUIET, "body": words}))


def test_an_email_address_is_no_link():
    assert "links" not in noticed("Write to tip.off@gmail.com or name.com@evil.example")


def test_short_links_and_words_of_a_live_case_need_a_senior():
    assert noticed("See bit.ly")["links"][0] is Level.SENIOR
    assert noticed("See bit.ly/3abcd")["links"][0] is Level.SENIOR
    assert noticed("He has previous convictions.")["wording"][0] is Level.SENIOR


def test_capitals_and_hard_words_are_worth_a_look():
    assert noticed("WARNING THIEVES ABOUT LOCK YOUR DOORS")["capitals"][0] is Level.NOTE
    assert "capitals" not in noticed("Use the RSPCA, the DVLA and 101 for other things than these few words here.")
    hard = (
        "Notwithstanding considerable investigative endeavours undertaken by specialist practitioners and others, the "
        "aforementioned circumstances necessitate supplementary information regarding individuals demonstrating "
        "uncharacteristic "
        "behaviour in residential neighbourhoods throughout preceding evenings, particularly approaching midnight."
    )
    assert noticed(hard)["reading"][0] is Level.NOTE
    assert wording.reading_age("The cat sat on the mat. It was a hot day. We all went out.") < 9


@given(st.text(max_size=300))
def test_no_text_breaks_a_check(text):
    for one in checks.of_text({**QUIET, "title": text, "body": text * 3}):
        assert one.words and one.check


def test_long_hostile_texts_take_no_longer_than_a_blink():
    """Patterns that could run wild would: a title is short, a message has 4,000 characters."""
    for piece in (
        "A1 ",
        "Aa ",
        "AA ",
        "Aa-",
        "aa12 ",
        "(0",
        "a [at] ",
        "a at ",
        "0",
        "a.",
        "A",
        "Flat 1 ",
        "1 Aa ",
        "born on 1",
        "http://",
        "@a.",
        "Mr ",
    ):
        checks.of_text({**QUIET, "body": piece * (4000 // len(piece))})


@pytest.mark.parametrize(
    "name",
    [
        "first_names",
        "not_surnames",
        "shorteners",
        "our_domains",
        "our_numbers",
        "domain_ends",
        "ends_that_are_words",
        "surnames",
        "first_names_that_are_words",
    ],
)
def test_lists_are_plain_words(name):
    found = lists.words(name)
    assert found and all(re.fullmatch(r"[\w.-]+", word) for word in found)


def test_every_line_of_the_wording_has_a_level_and_a_reason():
    assert len(lists.phrases("wording")) > 15
    assert all(phrase and why.endswith((".", ")")) for phrase, _, why in lists.phrases("wording"))


def test_the_same_that_waits_is_noticed_without_its_title(cast):
    cast.resident()
    words = "Two sheds were broken into last night in Heanor. Did you see a white van going up Ilkeston Road at three?"
    first = actions.submit(cast.draft(title="Sheds broken into", body=words), by=cast.author).alert
    second = actions.submit(cast.draft(title="Sheds broken into", body=words), by=cast.author)
    [found] = [one for one in second.checks if one["check"] == "duplicates"]
    assert first.reference in found["words"] and found["excerpt"] == "" and found["level"] == Level.NOTE
    other = actions.submit(cast.draft(title="Coffee with us", body="Come to the hall on Friday."), by=cast.author)
    assert not [one for one in other.checks if one["check"] == "duplicates"]


# What follows.


@pytest.fixture
def submitted(cast):
    """Makes a submitted version of these words."""
    cast.resident()

    def make(body, **changes):
        return actions.submit(cast.draft(body=body, **changes), by=cast.author)

    return make


@pytest.mark.django_db
def test_a_quiet_message_needs_no_reason(cast, submitted):
    version = submitted("Lock your shed.")
    assert version.checks == [] and not approving.needs_reason(version)
    actions.approve(version, by=cast.approver, digest=version.digest)


@pytest.mark.django_db
def test_a_home_is_named_only_with_a_reason_that_is_kept(cast, submitted):
    version = submitted("It happened at 14 Sowbury Park Road.")
    with pytest.raises(Unfinished) as refused:
        actions.approve(version, by=cast.approver, digest=version.digest)
    assert set(refused.value.problems) == {"reason"}
    actions.approve(version, by=cast.approver, digest=version.digest, reason="The shop asked us to name it.")
    assert version.approvals.get().reason == "The shop asked us to name it."


@pytest.mark.django_db
def test_what_is_grave_goes_to_an_approver_for_the_whole_force(cast, submitted):
    version = submitted("Look at bit.ly/3abcd")
    assert approving.approvers(version) == [cast.media]
    with pytest.raises(NotAllowed):
        actions.approve(version, by=cast.approver, digest=version.digest, reason="I know it")
    actions.approve(version, by=cast.media, digest=version.digest, reason="Checked with the bank.")


@pytest.mark.django_db
def test_a_small_force_without_such_an_approver_is_not_stuck(cast, submitted):
    Grant.objects.filter(team=cast.media_team).delete()
    version = submitted("Look at bit.ly/3abcd")
    assert cast.approver in approving.approvers(version)


@pytest.mark.django_db
def test_nearly_the_same_again_is_noticed_unless_it_follows_up(cast):
    cast.resident()
    body = "Garden sheds were broken into in the early hours of Monday near the canal. Bicycles and tools were taken."
    first = send(cast, title="Sheds near the canal", body=body)
    again = actions.submit(cast.draft(title="Sheds near the canal", body=f"{body} Lock yours."), by=cast.author)
    assert [one.check for one in rules.findings(again)] == ["duplicates"]
    assert first.reference in rules.findings(again)[0].words
    other = actions.submit(
        cast.draft(title="Drop-in", body="Come and meet us at the market on Friday."), by=cast.author
    )
    assert rules.findings(other) == []
    follow = actions.follow_up(first, relation="update", by=cast.author)
    follow = actions.edit(follow, by=cast.author, title="Sheds near the canal", body=f"{body} Two more.")
    assert rules.findings(actions.submit(follow, by=cast.author)) == []
    Alert.objects.filter(pk=first.pk).update(sent_at=clock.now() - timedelta(days=15))
    Alert.objects.filter(state="submitted").update(state="withdrawn")
    later = actions.submit(cast.draft(title="Sheds near the canal", body=body), by=cast.author)
    assert rules.findings(later) == []


@pytest.mark.django_db
def test_tired_people_are_counted_over_all_organisations(cast):
    people = [cast.resident() for _ in range(3)]
    for number in range(4):
        send(cast, title=f"Number {number}", body=f"Something quite different number {number} " + "abcd"[number] * 9)
    found = rules.findings(actions.submit(cast.draft(body="And one more."), by=cast.author))
    assert [(one.check, one.level) for one in found] == [("fatigue", Level.NOTE)]
    assert "100 in 100" in found[0].words and "4 alerts" in found[0].words
    Delivery.objects.filter(recipient_key__in=[one.key for one in people[:3]]).update(state="suppressed")
    assert rules.findings(actions.submit(cast.draft(body="And another."), by=cast.author)) == []


@pytest.mark.django_db
def test_everyone_is_meant_only_when_their_number_is_typed(cast, monkeypatch):
    for _ in range(20):
        cast.resident()
    monkeypatch.setattr(reach, "EVERYONE_LEAST", 10)
    alert = cast.draft()
    with pytest.raises(Unfinished) as refused:
        actions.submit(alert, by=cast.author)
    assert set(refused.value.problems) == {"everyone"} and "20" in refused.value.problems["everyone"]
    with pytest.raises(Unfinished):
        actions.submit(alert, by=cast.author, everyone=200)
    alert.refresh_from_db()
    assert alert.state == "draft"
    version = actions.submit(alert, by=cast.author, everyone=21)
    assert routes.gravest(version.checks) == Level.SENIOR
    assert audience.count(find.rule(version.alert)).people == 20


@pytest.mark.django_db
def test_a_long_text_says_what_it_costs(cast):
    cast.resident(mobile="07700 900123")
    version = actions.submit(cast.draft(by_sms=True, sms_text="Lock it up. " * 20), by=cast.author)
    assert "parts" in {one.check for one in rules.findings(version)}
    assert not approving.needs_reason(version)


@pytest.mark.django_db
def test_of_very_many_people_some_are_asked(cast, monkeypatch):
    monkeypatch.setattr(reach, "_ENOUGH", 20)
    for _ in range(60):
        cast.resident()
    for number in range(4):
        send(cast, title=f"Number {number}", body=f"Something quite different number {number} " + "abcd"[number] * 9)
    found = rules.findings(actions.submit(cast.draft(body="And one more."), by=cast.author))
    assert [one.check for one in found] == ["fatigue"] and "100 in 100" in found[0].words
