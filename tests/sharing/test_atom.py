"""Atom documents: what RFC 4287 asks, for every text; ids that never change (RFC 4151)."""

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from bell.sharing import atom

NS = {"a": atom.ATOM}
AT = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
TEXT = st.text(max_size=60)
TIMES = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
ENTRIES = st.lists(
    st.builds(
        lambda number, title, html, author, at, later: atom.Entry(
            atom.tag("alert.example", "alert", str(number)), f"https://alert.example/a/{number}/", title, html, author,
            "Crime alert", at, at + timedelta(seconds=later),
        ),
        st.integers(0, 10**6), TEXT, TEXT, TEXT, TIMES, st.integers(0, 10**6),
    ),
    max_size=5,
    unique_by=lambda entry: entry.id,
)  # fmt: skip
FEED = atom.Feed(
    atom.tag("alert.example", "feed"), "Alerts", "https://alert.example/alerts/", "https://alert.example/feed.atom",
    "Testshire", AT,
)  # fmt: skip
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def check(document: bytes) -> ElementTree.Element:
    """Assert what RFC 4287 demands of a feed and its entries (4.1.1, 4.1.2), and return the root."""
    root = ElementTree.fromstring(document)
    assert root.tag == f"{{{atom.ATOM}}}feed"
    for holder in [root, *root.findall("a:entry", NS)]:
        for name in ("id", "title", "updated"):
            assert len(holder.findall(f"a:{name}", NS)) == 1, f"exactly one {name}"
        assert re.fullmatch(r"tag:[a-z0-9.-]+,\d{4}(-\d\d){0,2}:[\w.~%!$&'()*+,;=:@/?-]+", holder.find("a:id", NS).text)
        assert DATE.fullmatch(holder.find("a:updated", NS).text)
        authors = holder.findall("a:author", NS)
        assert authors and all(author.find("a:name", NS).text for author in authors)
        links = holder.findall("a:link", NS)
        assert all(link.get("href") and link.get("rel") for link in links)
        alternates = [(link.get("type"), link.get("hreflang")) for link in links if link.get("rel") == "alternate"]
        assert len(alternates) == len(set(alternates)) == 1
    assert [link.get("rel") for link in root.findall("a:link", NS)].count("self") == 1
    for entry in root.findall("a:entry", NS):
        assert DATE.fullmatch(entry.find("a:published", NS).text)
        content = entry.findall("a:content", NS)
        assert len(content) == 1 and content[0].get("type") == "html" and len(content[0]) == 0
        assert entry.find("a:category", NS).get("term")
    ids = [entry.find("a:id", NS).text for entry in root.findall("a:entry", NS)]
    assert len(ids) == len(set(ids))
    return root


@given(ENTRIES)
def test_every_feed_is_valid(entries):
    root = check(atom.render(FEED, entries))
    assert len(root.findall("a:entry", NS)) == len(entries)
    assert root.find("a:updated", NS).text == f"{max([e.updated for e in entries] or [AT]):%Y-%m-%dT%H:%M:%SZ}"


def test_hostile_words_stay_words():
    bad = 'x</title><script>alert(1)</script>\x00\x0b&amp;\ud800"]]>'
    entry = atom.Entry(atom.tag("a.example", "1"), "https://a.example/", bad, "<p>safe</p>", bad, "k", AT, AT)
    root = check(atom.render(FEED, [entry]))
    assert root.find("a:entry/a:title", NS).text == 'x</title><script>alert(1)</script>&amp;"]]>'
    assert root.find("a:entry/a:content", NS).text == "<p>safe</p>"


def test_tags_escape_what_an_area_code_may_hold():
    assert atom.tag("alert.example", "area", "ward", "W 1/ü") == "tag:alert.example,2026:area/ward/W%201%2F%C3%BC"
