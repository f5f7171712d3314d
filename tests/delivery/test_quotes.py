"""What a person wrote is told from what they quote; when in doubt everything stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bell.delivery.email import quotes

# Quotes

MARKS = ("alert.example", "in.alert.example")
OURS = "Derbyshire Alert <alerts@alert.example>"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Yes.\n\nOn Mon, 1 Jan 2026, {OURS} wrote:\n> Lock it.\n>\n> https://alert.example/r/x/", "Yes."),
        (f"Yes.\n\nOn Mon, 1 Jan 2026\nat 10:00, {OURS}\nwrote:\n\n> Lock it.", "Yes."),
        ("Yes.\nOn 1/1/2026 Derbyshire Alert wrote:\n> see https://alert.example/r/x/", "Yes."),
        (f"Yes.\n\n-----Original Message-----\nFrom: {OURS}\nSent: Monday\nSubject: x\n\nLock it.", "Yes."),
        (f"Yes.\n\n________________________________\nFrom: {OURS}\nSent: Monday\nTo: a\nSubject: x\n\nLock.", "Yes."),
        (f"Yes.\n\nFrom: {OURS}\nSent: Monday\nTo: a\nSubject: x\n\nLock it.", "Yes."),
        ("Yes.\n> quoted by us: alert.example", "Yes."),
    ],
)
def test_our_quoted_mail_is_taken_away(text, kept):
    assert quotes.without_quote(text, MARKS) == kept
    assert quotes.without_quote(text.replace("\n", "\r\n"), MARKS) == kept


@pytest.mark.parametrize(
    "text",
    [
        f"On Mon, {OURS} wrote:\n> Did you see it?\nYes, at noon.\n> And where?\nAt the bridge.",
        f"On Mon, {OURS} wrote:\n> only a quote",
        "They sent me this:\n> Give me your PIN\n> or else",
        "I got this scam:\nFrom: Bank <x@evil.example>\nSent: Monday\nTo: me\nSubject: account\n\nGive me your PIN",
        "I got this:\n-----Original Message-----\nFrom: x@evil.example\nSubject: pay\n\nPay now",
        "On Monday I saw a man.\nHe wrote:\nhello on the wall",
        "> starts with it\nand my words",
        "From: the corner of the street I saw him",
        "",
        "plain",
    ],
)
def test_when_in_doubt_everything_stays(text):
    assert quotes.without_quote(text, MARKS) == text.strip()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                f"On Mon, {OURS} wrote:",
                "> quoted",
                ">",
                "",
                "my words",
                "wrote:",
                "From: a@alert.example",
                "Sent: x",
                "To: y",
                "Subject: z",
                "_" * 30,
                "-----Original Message-----",
            ]
        ),
        max_size=12,
    )
)
def test_the_cut_keeps_a_beginning_and_never_words_before_a_plain_quote(lines):
    text = "\n".join(lines)
    kept = quotes.without_quote(text, MARKS)
    assert text.strip().startswith(kept)
    if text.strip():
        assert kept
    # Our mail's head is its From and two fields more, or one more under a rule; without one nothing of theirs goes.
    fields = {"From: a@alert.example", "Sent: x", "To: y", "Subject: z"} & set(lines)
    ruled = bool({"_" * 30, "-----Original Message-----"} & set(lines))
    if "From: a@alert.example" not in fields or len(fields) < (2 if ruled else 3):
        assert kept.count("my words") == text.count("my words")
