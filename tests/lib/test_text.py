"""Text messages: segments counted as handsets count them, replacements shown, nothing silently lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import text

gsm = st.text(st.sampled_from(text.BASIC.replace("\r", "") + text.EXTENSION), max_size=700)


def test_the_alphabet_has_its_size():
    assert len(text.BASIC) == len(set(text.BASIC)) == 127  # 128 codes without the escape
    assert len(text.EXTENSION) == len(set(text.EXTENSION)) == 10
    assert not set(text.BASIC) & set(text.EXTENSION)


@pytest.mark.parametrize(
    ("message", "encoding", "units", "count", "left"),
    [
        ("", "GSM-7", 0, 0, 160),
        ("a", "GSM-7", 1, 1, 159),
        ("a" * 160, "GSM-7", 160, 1, 0),
        ("a" * 161, "GSM-7", 161, 2, 145),
        ("a" * 306, "GSM-7", 306, 2, 0),
        ("a" * 307, "GSM-7", 307, 3, 152),
        ("€" * 80, "GSM-7", 160, 1, 0),
        ("€" * 81, "GSM-7", 162, 2, 143),  # 76 fit in the first, its last septet stays empty
        ("a" * 159 + "€", "GSM-7", 161, 2, 145),
        ("a" * 152 + "€" + "a" * 10, "GSM-7", 164, 2, 141),  # the sign would straddle: moves whole
        ("a" * 152 + "€" + "a" * 151, "GSM-7", 305, 2, 0),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3, 152),
        ("ł", "UCS-2", 1, 1, 69),
        ("ł" * 70, "UCS-2", 70, 1, 0),
        ("ł" * 71, "UCS-2", 71, 2, 63),
        ("😀" * 35, "UCS-2", 70, 1, 0),
        ("😀" * 36, "UCS-2", 72, 2, 61 - 1 + 1),
        ("ł" * 66 + "😀" + "ł" * 10, "UCS-2", 78, 2, 55),  # the pair is not split
    ],
)
def test_counts_at_the_borders(message, encoding, units, count, left):
    found = text.segments(message)
    expected_left = left
    if message == "😀" * 36:
        expected_left = 67 - 2 * 3  # 33 pairs in the first segment, 3 in the second
    assert (found.encoding, found.units, found.count, found.left) == (encoding, units, count, expected_left)


@given(st.text(max_size=500))
def test_segments_by_another_road(message):
    """Cut greedily, character by character, into real segments; they must agree in number and room."""
    found = text.segments(message)
    sizes = [_size(character, found.encoding) for character in found.text]
    alone, chained = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert found.units == sum(sizes)
    if found.encoding == "UCS-2":
        assert found.units == len(found.text.encode("utf-16-be")) // 2
    if sum(sizes) <= alone:
        assert found.count == (1 if sizes else 0) and found.left == alone - sum(sizes)
        return
    segments = [[]]
    for size in sizes:
        if sum(segments[-1]) + size > chained:
            segments.append([])
        segments[-1].append(size)
    assert found.count == len(segments) and found.left == chained - sum(segments[-1])


def _size(character, encoding):
    if encoding == "GSM-7":
        return 2 if character in text.EXTENSION else 1
    return len(character.encode("utf-16-be")) // 2


@given(gsm)
def test_the_alphabet_itself_is_never_touched(message):
    found = text.segments(message)
    assert (found.text, found.replaced, found.unusual, found.encoding) == (message, (), (), "GSM-7")


@given(st.text(max_size=200))
def test_what_is_sent_can_be_sent_and_is_stable(message):
    sent, replaced = text.to_gsm(message)
    sent.encode("utf-16-be")  # no half surrogate pair is left
    assert text.to_gsm(sent) == (sent, ())
    assert all(typed != plain for typed, plain in replaced)
    assert not any(ord(character) < 32 and character not in "\n\f" for character in sent)


def test_typographic_signs_become_plain_and_are_shown():
    sent, replaced = text.to_gsm("“It’s” 5–6pm… at\u00a0home — ok “yes”")
    assert sent == '"It\'s" 5-6pm... at home - ok "yes"'
    assert replaced == (("“", '"'), ("’", "'"), ("”", '"'), ("–", "-"), ("…", "..."), ("\u00a0", " "), ("—", "-"))
    assert text.segments("“It’s” 5–6pm…").encoding == "GSM-7"


def test_names_keep_their_accents_and_the_screen_can_say_which_cost_more():
    found = text.segments("Zoë and Łukasz: café, Łódź")
    assert found.encoding == "UCS-2" and found.text == "Zoë and Łukasz: café, Łódź"
    assert found.unusual == ("ë", "Ł", "ó", "ź")
    assert "?" not in found.text


def test_separate_accents_are_joined_first():
    assert text.segments("cafe\u0301").encoding == "GSM-7"
    assert text.to_gsm("cafe\u0301") == ("café", ())


def test_lines_end_in_one_way():
    assert text.to_gsm("a\r\nb\rc\nd") == ("a\nb\nc\nd", ())


@pytest.mark.parametrize("hidden", ["\u200b", "\ufeff", "\u202e", "\u00ad", "\x00", "\x1b", "\x07", "\x9f"])
def test_what_does_not_show_is_dropped_and_said(hidden):
    assert text.to_gsm(f"a{hidden}b") == ("ab", ((hidden, ""),))


def test_half_a_surrogate_pair_is_shown_as_missing():
    assert text.to_gsm("a\ud83d") == ("a\ufffd", (("\ud83d", "\ufffd"),))


def test_no_replacement_leads_outside_the_alphabet():
    allowed = set(text.BASIC) | set(text.EXTENSION)
    assert all(set(plain) <= allowed for plain in text.REPLACEMENTS.values())
    assert not set(text.REPLACEMENTS) & allowed
