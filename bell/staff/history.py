"""What happened to an alert, in order, from the record: who did what, and why."""

from dataclasses import dataclass
from datetime import datetime

from bell.alerts.models import Alert, Approval
from bell.audit import find
from bell.audit.models import Entry
from bell.lib import clock
from bell.organisations.models import Officer, Organisation
from bell.organisations.rules import name_on
from bell.staff import words

# What the record calls it -> how the timeline says it, and how it looks.
_VERBS = {
    "alert drafted": ("Begun", ""),
    "alert edited": ("Edited", ""),
    "alert submitted": ("Submitted for approval", ""),
    "alert approved": ("Approved", "done"),
    "alert returned": ("Returned with a reason", "bad"),
    "alert rejected": ("Rejected", "bad"),
    "approval expired": ("Waited too long: back to its author", "bad"),
    "alert taken back": ("Taken back to draft", ""),
    "alert withdrawn": ("Withdrawn", "bad"),
    "alert scheduled": ("Scheduled", "done"),
    "alert undone": ("Sending undone, nothing had left", "bad"),
    "alert refused at sending": ("Not sent: it was not approved as it stood", "bad"),
    "alert sending": ("Sending began", "done"),
    "alert sent": ("Everything is sent", "done"),
    "alert stopped": ("Sending stopped", "bad"),
    "alert closed": ("Closed", "done"),
    "picture deleted": ("Picture deleted by retention", ""),
    "carrier agreed": ("Carried by a partner", "done"),
    "carrier declined": ("A partner declined to carry it", ""),
    "alert passed on": ("Passed on by a partner", "done"),
    "alert carried": ("A partner’s copies began to go", "done"),
    "reach recorded": ("Passed on by a partner’s own channels", ""),
    "force asked to send": ("The force was asked to send it", ""),
    "ask accepted": ("The force took it on", "done"),
    "ask declined": ("The force declined to send it", "bad"),
}
# What another organisation did: it is named, its officers are not.
_PARTNERS = {"carrier agreed", "carrier declined", "alert passed on", "alert carried", "reach recorded"}
_FORCE = {"ask accepted", "ask declined"}


@dataclass
class Event:
    """One thing that happened. `who` is empty where the system did it."""

    title: str
    at: datetime
    who: str
    tone: str
    words: str = ""


def events(alert: Alert, officer: Officer) -> list[Event]:
    """The alert's timeline, oldest first; edits in a row by one person are one."""
    entries = [entry for entry in find.history(alert) if entry.verb in _VERBS]
    keys = {int(entry.by_key) for entry in entries if entry.by_type == "officer" and entry.by_key.isdigit()}
    people = {one.key: str(one) for one in Officer.objects.visible_to(officer).filter(key__in=keys)}
    reasons = _reasons(alert)
    found: list[Event] = []
    for entry in entries:
        title, tone = _VERBS[entry.verb]
        event = Event(title, entry.at, _who(entry, people), tone, _detail(entry, reasons, officer))
        if found and entry.verb == "alert edited" and found[-1].title == title and found[-1].who == event.who:
            found[-1] = event
        else:
            found.append(event)
    return found


def _who(entry: Entry, people: dict[int, str]) -> str:
    if entry.verb in _PARTNERS | _FORCE:
        return _organisation(entry)
    if entry.by_type != "officer" or not entry.by_key.isdigit():
        return ""
    return people.get(int(entry.by_key), "A former colleague")


def _organisation(entry: Entry) -> str:
    """The partner that did something, by its name of that day."""
    if entry.verb in _FORCE:
        return ""
    found = Organisation.objects.public().filter(pk=entry.facts.get("organisation")).first()
    return name_on(found, clock.local(entry.at).date()) if found else "A former partner"


def _reasons(alert: Alert) -> dict[tuple[int, str], str]:
    """(version, decision) -> the reason that was given."""
    decisions = Approval.Decision
    verbs = {decisions.RETURN: "alert returned", decisions.REJECT: "alert rejected"}
    return {
        (version.number, verbs[decisions(one.decision)]): one.reason
        for version in alert.versions.prefetch_related("approvals")
        for one in version.approvals.all()
        if one.decision in verbs
    }


def _detail(entry: Entry, reasons: dict[tuple[int, str], str], officer: Officer) -> str:
    number = entry.facts.get("version")
    if (number, entry.verb) in reasons:
        return reasons[(number, entry.verb)]
    if entry.verb == "alert submitted":
        return f"Version {number}, {words.number(entry.facts.get('people', 0), officer)} people"
    if entry.verb == "alert stopped":
        return f"{words.number(entry.facts.get('cancelled', 0), officer)} messages were not sent"
    return ""
