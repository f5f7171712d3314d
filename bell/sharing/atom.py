"""Atom feeds (RFC 4287) with tag URIs as ids (RFC 4151). Pure: from plain values to bytes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote
from xml.etree import ElementTree

ATOM = "http://www.w3.org/2005/Atom"
MEDIA_TYPE = "application/atom+xml"
# The year from which our names are ours (RFC 4151, 2.1): it never changes, or every reader shows everything again.
TAG_DATE = "2026"
# What XML 1.0 (section 2.2) allows; a control character in a title must not make the whole feed unreadable.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

ElementTree.register_namespace("", ATOM)


@dataclass(frozen=True)
class Entry:
    """One message of a feed; `html` is safe HTML, times are aware."""

    id: str
    link: str
    title: str
    html: str
    author: str
    kind: str
    published: datetime
    updated: datetime


@dataclass(frozen=True)
class Feed:
    """A feed; `updated` is said when there is no entry."""

    id: str
    title: str
    link: str
    here: str
    author: str
    updated: datetime


def tag(authority: str, *specific: str) -> str:
    """A tag URI: tag("alert.example", "area", "ward", "W 1") -> "tag:alert.example,2026:area/ward/W%201"."""
    return f"tag:{authority},{TAG_DATE}:{'/'.join(quote(part, safe='') for part in specific)}"


def newest(feed: Feed, entries: Sequence[Entry]) -> datetime:
    """When the feed last changed in a way that matters."""
    return max((entry.updated for entry in entries), default=feed.updated)


def render(feed: Feed, entries: Sequence[Entry]) -> bytes:
    """The feed as a UTF-8 document."""
    root = ElementTree.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": "en-GB"})
    _text(root, "id", feed.id)
    _text(root, "title", feed.title)
    _text(root, "updated", _moment(newest(feed, entries)))
    _person(root, feed.author)
    _link(root, "self", feed.here, MEDIA_TYPE)
    _link(root, "alternate", feed.link, "text/html")
    for entry in entries:
        _entry(ElementTree.SubElement(root, f"{{{ATOM}}}entry"), entry)
    body: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return body


def _entry(into: ElementTree.Element, entry: Entry) -> None:
    _text(into, "id", entry.id)
    _text(into, "title", entry.title)
    _text(into, "published", _moment(entry.published))
    _text(into, "updated", _moment(entry.updated))
    _person(into, entry.author)
    _link(into, "alternate", entry.link, "text/html")
    ElementTree.SubElement(into, f"{{{ATOM}}}category", {"term": _clean(entry.kind)})
    _text(into, "content", entry.html, type="html")


def _text(into: ElementTree.Element, name: str, words: str, **attributes: str) -> None:
    ElementTree.SubElement(into, f"{{{ATOM}}}{name}", attributes).text = _clean(words)


def _person(into: ElementTree.Element, name: str) -> None:
    _text(ElementTree.SubElement(into, f"{{{ATOM}}}author"), "name", _clean(name).strip() or "Unknown")


def _link(into: ElementTree.Element, relation: str, href: str, media_type: str) -> None:
    ElementTree.SubElement(into, f"{{{ATOM}}}link", {"rel": relation, "type": media_type, "href": href})


def _moment(at: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _clean(words: str) -> str:
    return _NOT_XML.sub("", words)
