"""Checks of links: where they lead, and whether one can see where."""

import re
from collections.abc import Iterator

from bell.alerts.checks import lists
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.alerts.checks.people import is_known

# What may be a host name of its own, and the rest of its address: "evil.example", "shop.co.uk:8080/x". Not the second
# half of an email address or of something longer.
_BARE = re.compile(r"(?<![\w@./-])([^\W_][\w-]*(?:\.[\w-]+)+)(?![\w@-])(?:[:/?#][^\s<>()\[\]\"']*)?")
_CLOSING = ".,;:!?*_"  # of the sentence, or of Markdown, not of the link
_NUMBER = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)")
# A link with or without its scheme: "https://x.example/y", "www.x.co.uk", "bit.ly/abc".
_LINK = re.compile(r"(?:https?://|\bwww\.)[^\s<>()\[\]\"']+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}/[^\s<>()\[\]\"']*", re.I)


def _host(link: str) -> str:
    """The host that a browser would go to: what stands before an @ is a name, behind ?, # or a slash a path."""
    place = re.split(r"[/?#\\]", re.sub(r"^https?://", "", link, flags=re.I), maxsplit=1)[0]
    return place.rpartition("@")[2].partition(":")[0].lower()


def links(subject: Subject) -> Iterator[Finding]:
    """A link that leaves the domains we know, or hides where it leads, also one that only a phone makes a link of."""
    for field, text in subject.texts.items():
        for link in _in(text):
            bare = _host(link).removeprefix("www.").rstrip(".")
            if bare in lists.words("shorteners"):
                words = (
                    "A short link hides where it leads: people are told not to trust such links. Use the full address."
                )
                yield Finding("links", Level.SENIOR, words, field, link)
            elif is_known(bare, subject.site):
                continue
            elif _is_slip(link):
                words = "Phones make a link of this. Put a space after the full stop."
                yield Finding("links", Level.NOTE, words, field, link)
            else:
                words = f"This leads to {bare}, which is not on the list of ours. Is it the right site?"
                yield Finding("links", Level.CARE, words, field, link)


def _in(text: str) -> Iterator[str]:
    """Everything in a text that is a link or becomes one on a phone, each once, in order of its place."""
    plain = [(found.start(), found.end(), found[0].rstrip(_CLOSING)) for found in _LINK.finditer(text)]
    taken = {place for start, end, _ in plain for place in range(start, end)}
    bare = [
        (found.start(), found.end(), found[0].rstrip(_CLOSING))
        for found in _BARE.finditer(text)
        if found.start() not in taken and _is_host(found[1])
    ]
    return (link for *_, link in sorted(plain + bare))


def has_link(text: str) -> bool:
    """Whether a text holds the address of a page."""
    return next(_in(text), None) is not None


def _is_host(words: str) -> bool:
    """Whether these words with dots between them are a host name: by a known end, or by four numbers."""
    *before, end = words.rstrip(".-").lower().split(".")
    if end in lists.words("domain_ends") or end.startswith("xn--"):
        return len(before) == 1 or any(len(one) > 1 for one in before)  # "e.g.in" is an abbreviation
    return bool(_NUMBER.fullmatch(words))


def _is_slip(link: str) -> bool:
    """Whether this is two sentences without a space rather than a link: "the van.It was"."""
    before, _, end = link.rpartition(".")
    return (
        end.lower() in lists.words("ends_that_are_words")
        and end[:1].isupper()
        and not end[1:].isupper()
        and before[-1:].islower()
        and "." not in before
    )
