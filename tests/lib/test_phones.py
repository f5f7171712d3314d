"""Phones: mobiles of the UK and the Crown Dependencies pass however typed; others are refused in helpful words."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import phones


@pytest.mark.parametrize(
    "typed",
    [
        "07700 900123",
        "07700900123",
        "+447700900123",
        "+44 7700 900 123",
        "+44 (0)7700 900123",
        "0044 (0) 7700 900123",
        "0044 7700 900123",
        "447700900123",
        "7700900123",
        "(07700) 900-123",
        "07700.900.123",
        "  07700\u00a0900\u2011123 ",
        "\u202a07700 900123\u202c",
        "tel:+447700900123",
        "０７７００ ９００１２３",
        "٠٧٧٠٠٩٠٠١٢٣",
    ],
)
def test_one_number_however_it_is_typed(typed):
    try:
        assert phones.mobile(typed) == "+447700900123"
    except phones.PhoneError:
        # Digits of other scripts may be refused, never misread.
        assert not typed.isascii() and not re.search("[0-9]", typed)


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("07400 123456", "+447400123456"),
        ("07911 123456", "+447911123456"),  # Guernsey
        ("07781 123456", "+447781123456"),  # Guernsey
        ("07797 712345", "+447797712345"),  # Jersey
        ("07624 123456", "+447624123456"),  # Isle of Man
        ("07700 900000", "+447700900000"),
        ("07700 900999", "+447700900999"),
    ],
)
def test_real_mobiles_and_drama_numbers(typed, e164):
    assert phones.mobile(typed) == e164


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter a mobile number"),
        ("   ", "Enter a mobile number"),
        ("01332 123456", "landline"),
        ("01629 761000", "landline"),
        ("0203 4567890", "landline"),
        ("070 1234 5678", "personal number"),
        ("0901 234 5678", "premium"),
        ("0870 123 4567", "premium"),
        ("0843 123 4567", "charges its callers|premium"),
        ("0800 123456", "freephone"),
        ("0300 123 4567", "business|not in use"),
        ("07640 123456", "pager"),
        ("056 1234 5678", "internet phone|not in use"),
        ("+8816 1234 5678", "UK, Jersey"),
        ("+33 6 12 34 56 78", "UK, Jersey"),
        ("+1 202 555 0143", "UK, Jersey"),
        ("+999123456", "UK, Jersey"),
        ("+2", "mobile"),
        ("077009", "too short"),
        ("999", "too short"),
        ("60777", "too short"),
        ("0770090012345", "too long"),
        ("0" * 41, "too long"),
        ("07700 CALLME", "digits"),
        ("07700 900123 x45", "digits"),
        ("07700 900123;ext=1", "digits"),
        ("ann@post.example", "email address"),
        ("++447700900123", "digits"),
        ("+", "digits"),
        ("\0", "digits"),
        ("07700 90012\ud800", "digits"),
    ],
)
def test_refusals_say_why(typed, words):
    with pytest.raises(phones.PhoneError, match=words):
        phones.mobile(typed)


def test_numbers_of_invented_people_only_where_asked_for():
    assert phones.mobile("+999 123 456", invented=True) == "+999123456"
    with pytest.raises(phones.PhoneError):
        phones.mobile("+999 123 456")
    with pytest.raises(phones.PhoneError):
        phones.mobile("+999", invented=True)


def test_who_is_invented():
    assert phones.is_invented("+447700900000") and phones.is_invented("+447700900999")
    assert phones.is_invented("+99912345678")
    for real in ["+447700901000", "+447700899999", "+447400123456", "+4477009001234", "07700900123", "+999", ""]:
        assert not phones.is_invented(real)


def test_numbers_as_people_read_them():
    assert phones.shown("+447700900123") == "07700 900123"
    assert phones.shown("+447797712345") == "07797 712345"
    assert phones.shown("+999123456") == "+999123456"


@given(st.text(max_size=45) | st.from_regex(r"\+?[0-9 ()-]{0,20}", fullmatch=True))
def test_anything_is_a_number_in_e164_or_refused_in_words(typed):
    try:
        e164 = phones.mobile(typed)
    except phones.PhoneError as error:
        assert str(error)
    else:
        assert re.fullmatch(r"\+447[0-9]{9}", e164)
        assert phones.mobile(e164) == e164
        assert phones.mobile(phones.shown(e164)) == e164
