"""Emails: ordinary addresses pass, whatever was copied along with them; others are refused in helpful words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.lib import emails


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ann@post.example", "ann@post.example"),
        ("  Ann.Smith@POST.Example \n", "Ann.Smith@post.example"),
        ("<ann@post.example>", "ann@post.example"),
        ("mailto:ann@post.example", "ann@post.example"),
        ("\u200bann@post.example\ufeff", "ann@post.example"),
        ("o'neill+alerts@mail.post.example", "o'neill+alerts@mail.post.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        ("x" * 64 + "@post.example", "x" * 64 + "@post.example"),
    ],
)
def test_addresses_that_pass(typed, address):
    assert emails.email(typed) == address


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Enter an email address"),
        (" \t ", "Enter an email address"),
        ("ann", "one @"),
        ("ann@b@post.example", "one @"),
        ("@post.example", "before the @"),
        ("ann@", "after the @"),
        ("ann@localhost", "ending"),
        ("ann@post,example", "comma"),
        ("ann@post..example", "not the name"),
        ("ann@-post.example", "not the name"),
        ("ann@post.example.", "not the name"),
        ("ann@[127.0.0.1]", "not the name"),
        ("ann@127.0.0.1", "not the name"),
        ("ann@" + "x" * 64 + ".example", "not the name"),
        ("ann smith@post.example", "no spaces"),
        ("ann@post.example\nBcc: all@post.example", "no spaces"),
        ("ann\r\n@post.example", "no spaces"),
        ("ann\0@post.example", "no spaces"),
        ("ann\ud800@post.example", "no spaces|plain letters"),
        (".ann@post.example", "before the @"),
        ("ann.@post.example", "before the @"),
        ("a..b@post.example", "before the @"),
        ('"ann"@post.example', "before the @"),
        ("ann<x>@post.example", "before the @"),
        ("x" * 65 + "@post.example", "too long"),
        ("a@" + "x.example." * 30 + "example", "too long"),
        ("josé@post.example", "accents"),
        ("ann@bücher.example", "accents"),
        ("аnn@post.example", "plain letters"),  # a Cyrillic a
    ],
)
def test_refusals_say_why(typed, words):
    with pytest.raises(emails.EmailError, match=words):
        emails.email(typed)


@given(st.text(max_size=80) | st.emails())
def test_anything_is_a_safe_address_or_refused_in_words(typed):
    try:
        address = emails.email(typed)
    except emails.EmailError as error:
        assert str(error)
    else:
        assert emails.email(address) == address
        assert address.count("@") == 1 and address.isascii() and len(address) <= 254
        assert not set(address) & set(' \t\r\n\0<>",;:()[]\\')


def test_two_spellings_of_one_address():
    assert emails.same_key("Ann@post.example") == emails.same_key("ann@POST.example ")


def test_who_is_invented():
    for invented in ["a@b.example", "a@b.TEST", "a@x.invalid", "a@example.com", "a@mail.example.org", "a@Example.NET"]:
        assert emails.is_invented(invented)
    for real in ["a@example.co.uk", "a@notexample.com", "a@post.example.uk", "a@test.com", "example.com@real.uk"]:
        assert not emails.is_invented(real)


@given(st.text(alphabet="ab.@-+é A1\n", max_size=20) | st.from_regex(r"[a-z.+]{1,8}@[a-z.-]{1,12}", fullmatch=True))
def test_an_address_that_looks_plain_is_its_own_normal_form(text):
    if emails.is_plain(text):
        assert emails.email(text) == text


@pytest.mark.parametrize("address", ["a@b.example", "A.b+c@d-e.example", "x" * 64 + "@b.example"])
def test_ordinary_addresses_look_plain(address):
    assert emails.is_plain(address)
    assert not emails.is_plain("x" * 65 + "@b.example")
