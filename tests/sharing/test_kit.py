"""The share kit: limits always hold, the reference and the link always survive, no visible character is split."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bell.sharing import kit, measure
from bell.sharing.kit import NETWORKS, Message

LINK = "https://www.derbyshire-alert.example/a/DA-7K3PQ/"
FAMILY = "👩‍👩‍👧‍👦"
SCOT = "🏴󠁧󠁢󠁳󠁣󠁴󠁿"
PIECES = st.sampled_from([
    "van", "Heanor", FAMILY, SCOT, "🇬🇧", "👍🏽", "e\u0301", "日本語", "https://a.example/" + "x" * 300,
    "bbc.co.uk", "a@b.example", " ", "\n", "\n\n", "\r\n", "\t", "…", "\u200d", "\ufe0f", "x" * 600,
    "‘quoted’", "\x00", "\u202e", "🇬",
])  # fmt: skip
WORDS = st.one_of(st.text(max_size=700), st.lists(PIECES, max_size=400).map("".join))
MESSAGES = st.builds(
    Message,
    reference=st.just("DA-7K3PQ"),
    link=st.sampled_from([LINK, "http://localhost:8000/a/DA-7K3PQ/"]),
    title=WORDS,
    body=WORDS,
    banner=st.sampled_from(["", "Update", "Stand-down"]),
    facts=st.lists(st.tuples(st.sampled_from(["Look for", "When"]), WORDS), max_size=3).map(tuple),
    sender=st.just("Testshire Police, Heanor SNT"),
    routes=st.just(("Emergency 999", "Not an emergency 101")),
    answers=st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_every_post_is_within_its_limit_and_keeps_reference_and_link(message):
    found = kit.posts(message)
    assert [post.network for post in found] == list(NETWORKS)
    for post in found:
        assert post.used == post.network.count(post.text) <= post.network.limit
        assert message.reference in post.text.split()
        assert message.link in post.text.split(), "the link stands alone, so that networks make it one"


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_a_post_holds_no_control_characters(message):
    for post in kit.posts(message):
        assert not any(unicodedata.category(one) == "Cc" and one != "\n" for one in post.text)
        assert "\u202e" not in post.text


@settings(max_examples=60, deadline=None)
@given(WORDS, st.integers(0, 120))
def test_what_is_cut_is_a_beginning_within_the_limit(words, limit):
    cut = kit.fit(words, limit, measure.points)
    assert len(cut) <= limit
    if cut != words and cut:
        beginning = cut.removesuffix("…")
        assert words.startswith(beginning) and measure.may_cut(words, len(beginning))


@pytest.mark.parametrize("whole", [FAMILY, SCOT, "🇬🇧", "👍🏽", "e\u0301", "❤️", "각", "\r\n"])
def test_no_visible_character_is_split(whole):
    words = whole * 3
    ends = [at for at in range(len(words) + 1) if measure.may_cut(words, at)]
    assert ends == [0, len(whole), 2 * len(whole), 3 * len(whole)]


def test_lengths_as_x_counts_them():
    # From the table of "Counting characters" in X's own documentation.
    assert measure.weighted("a" * 280) == 280
    assert measure.weighted("日本") == 4
    assert measure.weighted("£’–") == 3
    assert measure.weighted(f"See {LINK}") == 4 + 23
    assert measure.weighted("See bbc.co.uk") == 4 + 23, "X makes a link of a bare name, too"
    assert measure.weighted("e\u0301") == 1
    assert measure.weighted(FAMILY) >= 2
    assert measure.weighted("http://localhost:8000/a/DA-7K3PQ/") == 33, "no link on X: it costs its letters"


def test_a_short_message_is_whole_everywhere():
    message = Message("DA-1", LINK, "Sheds broken into", "Did you see a white van?", facts=(("Look for", "A van"),))
    for post in kit.posts(message):
        assert not post.shortened
        assert "Sheds broken into" in post.text and "white van?" in post.text and "Look for: A van" in post.text


def test_a_long_message_says_that_it_was_shortened_and_where_it_goes_on():
    message = Message("DA-1", LINK, "Sheds broken into", "word " * 800, routes=("Emergency 999",), answers=True)
    by_key = {post.network.key: post for post in kit.posts(message)}
    assert by_key["x"].shortened and by_key["x"].text.startswith("Sheds broken into\n\nword word")
    assert "…\n\nDA-1 " in by_key["x"].text and by_key["x"].used > 200
    assert not by_key["facebook"].shortened and "Emergency 999" in by_key["facebook"].text
    assert "comments" in by_key["nextdoor"].text


def test_an_update_is_named_as_one():
    assert kit.posts(Message("DA-1", LINK, "Van found", banner="Update"))[0].text.startswith("Update: Van found")


@settings(max_examples=60, deadline=None)
@given(MESSAGES, WORDS)
def test_the_words_for_the_picture_stay_short(message, where):
    assert len(kit.alt(message, where)) <= 420


def test_the_words_for_the_picture_say_what_it_shows():
    words = kit.alt(Message("DA-1", LINK, "Sheds", sender="Testshire Police"), "West Ward")
    assert words == "Card from Testshire Police: “Sheds”. Reference DA-1. A small map shows West Ward."
