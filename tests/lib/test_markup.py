"""Markup: a small Markdown becomes safe HTML and readable words; nothing hostile comes through."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import markup


def test_the_subset():
    made = markup.html(
        "# Big\n\n**b** *i*\nsecond line\n\n- one\n- two\n\n3. three\n4. four\n\n> said\n\n[w](https://e.example/a?b=1&c=2)"
    )
    assert "<h3>Big</h3>" in made
    assert "<strong>b</strong> <em>i</em><br>" in made
    assert re.search(r"<ul>\s*<li>one</li>\s*<li>two</li>\s*</ul>", made)
    assert '<ol start="3">' in made
    assert re.search(r"<blockquote>\s*<p>said</p>\s*</blockquote>", made)
    assert '<a href="https://e.example/a?b=1&amp;c=2" rel="noopener">w</a>' in made


@pytest.mark.parametrize("level", range(1, 7))
def test_every_heading_is_of_one_level(level):
    assert markup.html("#" * level + " Words") == "<h3>Words</h3>\n"


@pytest.mark.parametrize("url", ["https://e.example/", "http://e.example", "mailto:a@e.example", "tel:+441332000000"])
def test_links_that_may_be(url):
    assert f'href="{url}"' in markup.html(f"[w]({url})")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "&#106;avascript:alert(1)",
        "java&#10;script:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "file:///etc/passwd",
        "/account/",
        "//e.example/",
        "e.example",
        "https:",
        "http:///x",
        "mailto:",
        "tel:",
        "javascript://e.example/%0aalert(1)",
        "\x01javascript:alert(1)",
        "http://[",
        "ftp://e.example/",
    ],
)
def test_links_that_may_not_be_stay_as_typed(url):
    assert "<a" not in markup.html(f"[w]({url})")
    assert "w" in markup.html(f"[w]({url})")


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg/onload=alert(1)>",
        "![x](https://spy.example/pixel.gif)",
        "![x][p]\n\n[p]: https://spy.example/pixel.gif",
        "<a href='javascript:x'>y</a>",
        '[x](https://e.example/"onmouseover="alert(1))',
        "[x](<https://e.example/ onload=x>)",
        '<https://e.example/?"><script>>',
        "```html\n<script>alert(1)</script>\n```",
        "    <script>alert(1)</script>",
        "<!-- comment --> <style>body{display:none}</style>",
        "[x](https://e.example 'title\" onclick=\"x')",
        "\0<b>bold</b>",
    ],
)
def test_hostile_input_is_words(hostile):
    assert _strange(markup.html(hostile)) == []
    assert "spy.example" not in markup.html(hostile)


@given(st.text(st.sampled_from("ab <>[]()!*_#->`\"'&;:/\\\n\t1.htps@"), max_size=120))
def test_only_allowed_tags_ever_come_out(source):
    assert _strange(markup.html(source)) == []
    markup.plain(source)


def test_an_image_leaves_its_words():
    assert markup.html("![A blue *van*](https://spy.example/x.png)") == "<p>A blue <em>van</em></p>\n"
    assert markup.plain("![A blue *van*](https://spy.example/x.png)") == "A blue van"


def test_plain_words():
    source = (
        "# Burglary\n\nSeen **anything**?\nTell us.\n\n- one\n- two *three*\n  - inner\n\n1. first\n2. second\n\n"
        "> quoted\n> twice\n\n[Our page](https://e.example/) <https://f.example> [mail](mailto:a@e.example) "
        "<a@e.example> [101](tel:101)\n\nTom & Jerry &amp; \\*co\\*"
    )
    assert markup.plain(source) == (
        "Burglary\n\nSeen anything?\nTell us.\n\n- one\n- two three\n  - inner\n\n1. first\n2. second\n\n"
        "> quoted\n> twice\n\nOur page (https://e.example/) https://f.example mail (a@e.example) a@e.example "
        "101\n\nTom & Jerry & *co*"
    )


def test_loose_lists_and_empty_texts():
    assert markup.plain("- a\n\n- b\n\n  more") == "- a\n\n- b\n\n  more"
    assert markup.plain("") == "" and markup.html("") == ""
    assert markup.plain("-\n- b") == "-\n- b"


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 20_000,
        "*" * 20_000,
        "> " * 10_000,
        "- " * 10_000,
        "![" * 10_000,
        "`" * 20_000,
        "<" * 20_000,
        "*a_ " * 5_000,
        "[a](" * 5_000,
        "a\n" * 10_000,
        "&" * 20_000,
        "**a" * 5_000,
    ],
)
def test_bombs_take_seconds_at_most(bomb):
    began = time.thread_time()
    assert _strange(markup.html(bomb)) == []
    markup.plain(bomb)
    assert time.thread_time() - began < 10


def _strange(html):
    """Tags and attributes outside the allow-list."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag not in markup.TAGS:
                found.append(tag)
            for name, value in attrs:
                if (tag, name) not in {("a", "href"), ("a", "rel"), ("ol", "start")}:
                    found.append((tag, name))
                if name == "href" and value.split(":")[0].lower() not in markup.SCHEMES:
                    found.append(value)
                if name == "rel" and value != "noopener":
                    found.append(value)

        def handle_comment(self, data):
            found.append(data)

    Reader().feed(html)
    return found
