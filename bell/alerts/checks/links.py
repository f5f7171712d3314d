"""Checks of links: where they lead, and whether one can see where."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.alerts.checks.people import is_known

# A link with or without its scheme: "https://x.example/y", "www.x.co.uk", "bit.ly/abc".
_LINK = re.compile(r"(?:https?://|\bwww\.)[^\s<>()\[\]\"']+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>()\[\]\"']*", re.I)


def links(subject: Subject) -> Iterator[Finding]:
    """A link that leaves the domains we know, or hides where it leads."""
    for field, text in subject.texts.items():
        for found in _LINK.finditer(text):
            host = re.sub(r"^https?://", "", found[0], flags=re.I).split("/")[0].split(":")[0].lower()
            bare = host.rpartition("@")[2].removeprefix("www.").rstrip(".")
            if bare in lists.words("shorteners"):
                words = (
                    "A short link hides where it leads: people are told not to trust such links. Use the full address."
                )
                yield Finding("links", Level.SENIOR, words, field, found[0])
            elif not is_known(bare, subject.site):
                words = f"This leads to {bare}, which is not on the list of ours. Is it the right site?"
                yield Finding("links", Level.CARE, words, field, found[0])
