"""The proofs of the further acts notice what they are there to notice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from bell.alerts.models import State
from bell.audit.record import record
from bell.conversations.models import Vote
from bell.proving.rehearse import acts, surveyed
from bell.proving.rehearse.acts import Acts, Slept
from bell.proving.rehearse.expected import Due
from bell.proving.rehearse.spools import Copy
from tests.cast import Cast

CAR = "Cars that go too fast"
MORNING = datetime(2026, 11, 2, 7, tzinfo=UTC)


def copy(reference: str, to: str, text: str = "", channel: str = "email") -> Copy:
    """One copy in a spool."""
    return Copy(channel, MORNING, to, "Subject", text, "", reference, None, {})


def sent(reference: str, **expected: str) -> Any:
    """What the director remembers of one alert; `expected` are addresses by person."""
    alert = SimpleNamespace(reference=reference, pk=reference, state=State.SENT)
    pairs = {(int(key[1:]), "email"): Due(address, 1) for key, address in expected.items()}
    return SimpleNamespace(version=SimpleNamespace(alert=alert), expected=pairs)


def test_a_stand_down_that_misses_somebody_or_tells_a_stranger_is_seen() -> None:
    story = {"missing": sent("TP-1"), "stand-down": sent("TP-2")}
    asked = [copy("TP-1", "a@home.example"), copy("TP-1", "+447700900001", channel="sms")]
    told = [copy("TP-2", "a@home.example"), copy("TP-2", "+447700900001", channel="sms")]
    assert acts.stand_down(story, asked + told, provable=True).holds is True
    assert acts.stand_down(story, asked + told[:1], provable=True).wrong == ["asked and never told: sms"]
    stranger = copy("TP-2", "b@home.example")
    assert acts.stand_down(story, [*asked, *told, stranger], provable=True).wrong == ["told and never asked: email"]
    assert acts.stand_down(story, [], provable=True).holds is False
    assert acts.stand_down(story, [], provable=False).holds is None


def test_somebody_who_is_woken_or_forgotten_in_quiet_hours_is_seen(cast: Cast) -> None:
    alert = cast.draft()
    story = {"quiet": sent("TP-1", k7="a@home.example"), "urgent": sent("TP-2", k7="a@home.example")}
    story["urgent"].version.alert.pk = alert.pk
    record("quiet hours broken", alert, by=None, people=1)
    done = Acts(slept=[Slept(7, MORNING)], until=MORNING)
    woken = [copy("TP-2", "a@home.example")]
    assert acts.quiet(done, story, woken, provable=True).holds is True
    both = [*woken, copy("TP-1", "a@home.example")]
    assert acts.quiet(done, story, both, provable=True).wrong == ["person 7 was woken by a routine alert"]
    assert acts.quiet(done, story, [], provable=True).wrong == ["person 7 never got the urgent alert"]
    late = Acts(slept=[Slept(7, MORNING + timedelta(minutes=30))], until=MORNING)
    assert acts.quiet(late, story, woken, provable=True).holds is False
    nobody = acts.quiet(Acts(until=MORNING), story, woken, provable=True)
    assert nobody.wrong == [
        "nobody slept, so it proved nothing",
        "the record says 1 people were woken, not 0",
    ]


def test_what_was_returned_and_arrives_all_the_same_is_seen(cast: Cast) -> None:
    _, version = cast.approved()
    story: Any = {"returned": SimpleNamespace(version=version)}
    arrived = [copy(version.alert.reference, "a@home.example", f"It says {acts.RETURNED}.")]
    wrong = acts.returned(story, arrived, provable=True).wrong
    assert any("1 copies of what was returned" in words for words in wrong)
    assert any("decided as ['approve']" in words for words in wrong), "nothing was returned here"


def test_a_vote_too_many_too_few_or_of_another_choice_is_seen(cast: Cast) -> None:
    meg, tom = cast.resident(), cast.resident()
    alert = cast.draft(kind="survey", fields={"choices": "\n".join(surveyed.CHOICES), "most": "1"})
    Vote.objects.create(alert=alert, resident=meg, chosen="Litter", at=MORNING)
    done = surveyed.Surveyed(alert, {meg.key: "Litter"}, {"a@home.example": "/r/x/"}, refused=True)
    mail = [copy(alert.reference, "a@home.example", "Choose: https://alert.example/r/x/")]
    assert surveyed.proof(done, mail, provable=True).holds is True
    assert surveyed.proof(done, [], provable=True).wrong == ["the mail to a@home.example lacks its link"]
    assert surveyed.proof(replace(done, refused=False), mail, provable=True).holds is False
    assert surveyed.proof(replace(done, chosen={meg.key: CAR}), mail, provable=True).holds is False
    Vote.objects.create(alert=alert, resident=tom, chosen="Litter", at=MORNING)
    assert surveyed.proof(done, mail, provable=True).holds is False
    assert surveyed.proof(done, mail, provable=False).holds is None
