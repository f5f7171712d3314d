"""Checks of links: where they lead, and whether one can see where."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.alerts.checks.people import is_known

# A link with or without its scheme: "https://x.example/y", "www.x.co.uk", "bit.ly/abc".
_LINK = re.compile(r"(?:https?://|\bwww\.)[^\s<>()\[\]\"']+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>()\[\]\"']*", re.I)


def _host(link: str) -> str:
    """The host that a browser would go to: what stands before an @ is a name, behind ?, # or a slash a path."""
    place = re.split(r"[/?#\\]", re.sub(r"^https?://", "", link, flags=re.I), maxsplit=1)[0]
    return place.rpartition("@")[2].partition(":")[0].lower()


def links(subject: Subject) -> Iterator[Finding]:
    """A link that leaves the domains we know, or hides where it leads."""
    for field, text in subject.texts.items():
        for found in _LINK.finditer(text):
            bare = _host(found[0]).removeprefix("www.").rstrip(".")
            if bare in lists.words("shorteners"):
                words = (
                    "A short link hides where it leads: people are told not to trust such links. Use the full address."
                )
                yield Finding("links", Level.SENIOR, words, field, found[0])
            elif not is_known(bare, subject.site):
                words = f"This leads to {bare}, which is not on the list of ours. Is it the right site?"
                yield Finding("links", Level.CARE, words, field, found[0])
