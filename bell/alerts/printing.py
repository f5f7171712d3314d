"""An alert on paper, for people with no email: a poster for a notice board, four slips to a sheet for letter boxes."""

from pathlib import Path
from typing import Any

from bell.alerts import content, find
from bell.alerts.models import PUBLISHED, Alert
from bell.alerts.rules import NotAllowed
from bell.lib import clock, links, pdf

_FOLDER = Path(__file__).resolve().parent / "print"
_MOST_ON_SLIP = 650
_MORE = "The whole message is on the page below."


def check_printable(alert: Alert) -> None:
    """Refuse (NotAllowed) paper of an alert that has no public page, or whose missing person was found."""
    if alert.practice:
        raise NotAllowed("This is practice: there is nothing to put up.")
    if alert.state not in PUBLISHED:
        raise NotAllowed("Only an alert that was sent can be printed: its paper leads to its public page.")
    if find.search_is_over(alert):
        raise NotAllowed("This search has ended. To protect the person, nothing more is printed: take posters down.")


def poster(alert: Alert) -> bytes:
    """The alert on A4 as a PDF, with a QR code to its public page; NotAllowed where nothing may be printed."""
    data = _data(alert)
    words = _length(data)
    data["size"] = 17 if words < 500 else 14 if words < 1400 else 11
    return pdf.make(_FOLDER / "poster.typ", data)


def slips(alert: Alert) -> bytes:
    """The alert four times on A4, to cut; a long message is shortened and says where the whole is."""
    data = _data(alert)
    # The list of a survey's choices takes the place of words.
    data["body"] = _shortened(data["body"], max(120, _MOST_ON_SLIP - max(0, _facts_length(data) - 120)))
    words = _length(data)
    data["size"] = 10.5 if words < 400 else 9.5 if words < 800 else 8.5
    return pdf.make(_FOLDER / "slips.typ", data)


def _length(data: dict[str, Any]) -> int:
    """How many characters the body and the facts have; a line of a list takes a line, however short."""
    return sum(len(part) for part in data["body"]) + _facts_length(data)


def _facts_length(data: dict[str, Any]) -> int:
    return sum(max(len(line), 30) for _, words in data["facts"] for line in words.splitlines())


def _data(alert: Alert) -> dict[str, Any]:
    """What both show, from the version that was sent."""
    check_printable(alert)
    version = alert.versions.exclude(mailing=None).last()
    if version is None:
        raise NotAllowed("Only an alert that was sent can be printed: its paper leads to its public page.")
    message = content.parts(version.frozen)
    path = links.alert_page(message.reference)
    return {
        "title": message.title,
        "kind": message.kind,
        "banner": message.banner,
        "body": [part for part in message.body_plain.split("\n\n") if part.strip()],
        # A list begins on a line of its own.
        "facts": [[label, f"\n{words}" if "\n" in words else words] for label, words in message.facts if words],
        "organisation": message.organisation,
        "team": message.team,
        # A number stays on one line.
        "routes": [[route.label, route.value.replace(" ", "\u00a0")] for route in message.routes],
        "answers": message.answers,
        "reference": message.reference,
        "when": _when(alert),
        "url": links.absolute(path),
        "short_url": links.absolute(path).partition("://")[2].rstrip("/"),
        "qr": pdf.qr(links.absolute(path)),
    }


def _when(alert: Alert) -> str:
    """The day it was sent, whole: paper hangs for weeks."""
    day = clock.local(alert.sent_at or clock.now())
    return f"{day.day} {day:%B %Y}"


def _shortened(body: list[str], most: int) -> list[str]:
    """As many words as a slip holds, cut between two words."""
    whole = "\n\n".join(body)
    if len(whole) <= most:
        return body
    cut = whole[:most].rsplit(None, 1)[0].rstrip(" ,;:-–—.")
    return [*(part for part in f"{cut}…".split("\n\n") if part.strip()), _MORE]
