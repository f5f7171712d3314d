"""Tokens: what was signed is read, nothing else is, and links outlive a rotation of keys."""

import base64

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import tokens

payloads = st.binary(max_size=60)
purposes = st.sampled_from(["answer", "reply", "unsubscribe", "sign-in"])


@given(purposes, payloads)
def test_what_was_signed_is_read(purpose, payload):
    token = tokens.sign(purpose, payload)
    assert tokens.read(purpose, token) == payload
    assert tokens.read(purpose, token.upper()) == payload
    assert len(token) == tokens.length(len(payload))
    assert token.isalnum() and token == token.lower()


@given(st.integers(0, tokens.INT_MAX))
def test_numbers_come_back_in_24_characters(number):
    token = tokens.sign_int("answer", number)
    assert len(token) == tokens.INT_LENGTH == 24
    assert tokens.read_int("answer", token) == tokens.read_int("answer", token.upper()) == number


@pytest.mark.parametrize("number", [-1, tokens.INT_MAX + 1, 2**64])
def test_numbers_out_of_range_are_refused(number):
    with pytest.raises(ValueError, match="between"):
        tokens.sign_int("answer", number)


def test_a_token_serves_one_purpose_only():
    assert tokens.read("reply", tokens.sign("answer", b"7")) is None
    assert tokens.read_int("reply", tokens.sign_int("answer", 7)) is None
    # "ab" + "c" must not be "a" + "bc"
    assert tokens.read("a", tokens.sign("ab", b"c")) is None


def test_every_changed_character_is_noticed():
    token = tokens.sign_int("answer", 123_456)
    for at, letter in enumerate(token):
        other = "a" if letter != "a" else "b"
        assert tokens.read_int("answer", token[:at] + other + token[at + 1 :]) is None


def test_spare_bits_give_no_second_spelling():
    token = tokens.sign("answer", b"ab")  # 18 bytes: the last character has one spare bit
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    spellings = [token[:-1] + letter for letter in alphabet if tokens.read("answer", token[:-1] + letter)]
    assert spellings == [token]


@pytest.mark.parametrize(
    "rubbish",
    ["", "a", "=", "a" * 24, "1" * 24, "ſ" * 24, "é" * 24, "a" * 100_000, "aaaa aaaa", "\0" * 24, " " * 24, "🂡" * 24],
)
def test_rubbish_is_none_and_never_an_error(rubbish):
    assert tokens.read("answer", rubbish) is None
    assert tokens.read_int("answer", rubbish) is None


def test_letters_that_turn_ascii_in_upper_case_are_refused():
    token = tokens.sign("answer", b"x" * 40)
    assert "s" in token or "i" in token
    assert tokens.read("answer", token.replace("s", "ſ").replace("i", "ı")) is None


@given(st.text(max_size=70))
def test_no_text_is_a_token_by_chance(text):
    assert tokens.read("answer", text) is None
    assert tokens.read_int("answer", text) is None


def test_old_keys_still_verify_and_the_first_one_signs(settings):
    settings.TOKEN_KEYS = ["old"]
    old = tokens.sign_int("answer", 5)
    settings.TOKEN_KEYS = ["new", "old"]
    assert tokens.read_int("answer", old) == 5
    new = tokens.sign_int("answer", 5)
    assert new != old
    settings.TOKEN_KEYS = ["new"]
    assert tokens.read_int("answer", new) == 5
    assert tokens.read_int("answer", old) is None


def test_without_a_key_nothing_is_signed(settings):
    settings.TOKEN_KEYS = [""]
    with pytest.raises(ImproperlyConfigured):
        tokens.sign("answer", b"1")


def test_a_token_is_not_just_the_payload(settings):
    token = tokens.sign("answer", b"abcde")
    raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    assert raw[:5] == b"abcde" and len(raw) == 21
    assert tokens.read("answer", base64.b32encode(b"abcde").decode().lower()) is None


@given(st.integers(0, tokens.INT_MAX))
def test_those_who_sign_by_the_million_get_the_same_tokens(number):
    purposes = ["answer", "reply", "bounce"]
    assert tokens.signer(purposes)(number) == [tokens.sign_int(purpose, number) for purpose in purposes]
