"""What people read: every message says who, what, how to answer, the other routes, and its reference."""

import pytest

from bell.alerts import content, rules
from bell.delivery import slots
from bell.lib import text
from bell.organisations.kinds import Kind

FIELDS = {
    "from_time": "9pm", "to_time": "11pm", "look_for": "A white van", "event_time": "Friday 7pm",
    "event_place": "Town hall", "description": "Red coat", "choices": "Speeding\nParking", "find_out": "Call 101",
}  # fmt: skip


def built(cast, **changes):
    frozen = rules.snapshot(cast.draft(by_sms=True, fields=FIELDS, **changes))
    return frozen, content.build(frozen)


@pytest.mark.parametrize("kind", [kind for kind in Kind.values if kind != Kind.OUTCOME])
def test_every_kind_ends_with_the_other_routes_and_its_reference(cast, kind):
    frozen, made = built(cast, kind=kind)
    for words in (made.text, made.html):
        for needed in ("999", "101", "0800 555 111", "@testshire", frozen["reference"], slots.UNSUBSCRIBE):
            assert needed in words
    assert "Emergency 999" in made.sms and "101" in made.sms and frozen["reference"] in made.sms
    assert "STOP" in made.sms
    assert (slots.ANSWER in made.sms) == (slots.ANSWER in made.html) == (slots.ANSWER in made.text)


def test_markdown_is_sanitised_and_reads_as_plain_text_too(cast):
    _, made = built(
        cast, body="**Bold** <script>alert(1)</script> [here](javascript:alert(1)) ![x](https://x.example/p.png)"
    )
    assert "<strong>Bold</strong>" in made.html
    assert "<script" not in made.html and 'href="javascript' not in made.html and "<img" not in made.html
    assert "**" not in made.text


def test_no_pixel_no_remote_thing(cast):
    _, made = built(cast)
    for loads in ("<img", "src=", "url(", "<link", "@import", "<script"):
        assert loads not in made.html


def test_a_title_cannot_break_a_header_or_the_page(cast):
    _, made = built(cast, title="A & B <b> “quoted”")
    assert "<b>" not in made.html
    made.check()


def test_typographic_marks_do_not_make_a_text_dear(cast):
    _, made = built(cast, sms_text="It’s “gone” – look out…")
    assert text.segments(made.sms).encoding == "GSM-7"
    assert "It's" in made.sms


def test_practice_says_so_everywhere(cast):
    cast.author.practice = True
    _, made = built(cast)
    for words in (made.subject, made.text, made.html, made.sms):
        assert "practice" in words.lower()
