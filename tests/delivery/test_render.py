"""Mails drawn once and cut: what a parser reads back is exactly what was written, with each person's own tokens."""

import email
import email.policy
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bell.delivery import slots, unsubscribe
from bell.delivery.email import render
from bell.delivery.email.render import Form, Person
from bell.delivery.sms.render import Form as TextForm
from bell.delivery.sms.render import read_reference
from bell.lib import tokens
from tests.delivery.conftest import a_content

PERSON = Person(delivery_id=77, recipient_key=123456789, address="a.person+x@mail.example")


def drawn(content=None, person=PERSON, **fields):
    letter = Form(content or a_content(**fields), stream="1.crime", reference="DA-1").letter(person)
    return letter, email.message_from_bytes(letter.data, policy=email.policy.default)


def test_every_header_and_token_stands_where_it_should():
    letter, mail = drawn()
    answer, message = tokens.sign_int("answer", 77), tokens.sign_int("message", 77)
    assert letter.sender == f"b-{tokens.sign_int('bounce', 77)}@in.alert.example"
    assert letter.recipient == mail["To"] == PERSON.address
    assert mail["From"] == "Derbyshire Alert <alerts@alert.example>"
    assert mail["Reply-To"] == f"r-{tokens.sign_int('reply', 77)}@in.alert.example"
    assert mail["Message-ID"] == f"<d{message}@alert.example>" == render.message_id(77)
    assert mail["List-Id"] == "<crime.alert.example>"
    token = unsubscribe.token(PERSON.recipient_key, "1.crime")
    assert mail["List-Unsubscribe"] == f"<http://localhost:8000/u/{token}/>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Auto-Submitted"] is None
    assert mail["Date"].datetime.tzinfo is not None
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert f"/r/{answer}/" in text.get_content() and f"/u/{token}/" in text.get_content()
    assert f'href="https://alert.example/r/{answer}/"' in html.get_content()
    assert b"slot0" not in letter.data


def test_what_is_not_asked_for_is_left_out():
    _, mail = drawn(html="", replies=False, unsubscribe=False, list_id="", auto_submitted=True, sender_name="")
    assert mail["Reply-To"] is mail["List-Unsubscribe"] is mail["List-Unsubscribe-Post"] is mail["List-Id"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["From"] == "alerts@alert.example"
    assert mail.get_content_type() == "text/plain"


def test_an_answer_stands_under_the_mail_it_answers():
    _, mail = drawn(in_reply_to="<abc@mail.example>")
    assert mail["In-Reply-To"] == mail["References"] == "<abc@mail.example>"


@pytest.mark.parametrize(
    "address",
    [
        "a@mail.example\r\nBcc: b@mail.example",
        "a@mail.example, b@mail.example",
        "<a@mail.example>",
        '"a b"@mail.example',
        "a@mail.example\n",
        "",
        "a",
        "é@mail.example",
        "A <a@mail.example>",
        "a@mail.example>\r\nRCPT TO:<b@mail.example",
    ],
)
def test_an_address_that_is_more_than_an_address_is_refused(address):
    form = Form(a_content(), stream="1.crime", reference="")
    with pytest.raises(ValueError):
        form.letter(Person(1, 1, address))


LINES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), max_size=300)
PIECES = st.lists(st.one_of(LINES, st.sampled_from(slots.IN_TEXT)), max_size=8).map("".join)


@settings(max_examples=150, deadline=None)
@given(PIECES, PIECES)
@example("." * 100 + "\n.\n..\n", "=" * 200)
@example("x" * 74 + slots.ANSWER + slots.UNSUBSCRIBE + slots.ANSWER + "é" * 40, " \n\t\n x ")
@example("From here\nFrom there", "é" * 75 + slots.ANSWER)
def test_a_parser_reads_exactly_what_was_written(text, html):
    text, html = text + "x", html + "x"
    letter, mail = drawn(a_content(text=text, html=html))
    bodies = [part.get_payload(decode=True).decode() for part in mail.iter_parts()]
    answer, token = tokens.sign_int("answer", 77), unsubscribe.token(PERSON.recipient_key, "1.crime")
    for written, read in zip((text, html), bodies, strict=True):
        expected = written.replace(slots.ANSWER, answer).replace(slots.UNSUBSCRIBE, token)
        assert read.replace("\r\n", "\n") == expected
    assert all(len(line) <= 76 for line in letter.data.split(b"\r\n\r\n", 1)[1].split(b"\r\n"))
    assert letter.data.isascii() and b"\n" not in letter.data.replace(b"\r\n", b"")


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=250),
       st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), max_size=120))  # fmt: skip
def test_no_subject_and_no_name_makes_a_header_of_its_own(subject, name):
    letter, mail = drawn(subject=subject, sender_name=name)
    head = letter.data.split(b"\r\n\r\n", 1)[0].decode("ascii")
    names = [line.split(":")[0] for line in head.split("\r\n") if line[:1] not in (" ", "\t")]
    expected = ["From", "To", "Reply-To", "Subject", "Date", "Message-ID", "List-Id", "List-Unsubscribe",
                "List-Unsubscribe-Post", "X-Alert-Reference", "MIME-Version", "Content-Type"]  # fmt: skip
    assert names == expected
    assert all(len(line) <= 998 for line in head.split("\r\n"))
    assert mail["From"].addresses[0].addr_spec == "alerts@alert.example"
    assert " ".join(str(mail["Subject"]).split()) == " ".join(subject.split())


def test_copies_differ_only_in_their_tokens_and_address():
    form = Form(a_content(), stream="1.crime", reference="")
    first, second = (form.letter(Person(n, n, f"p{n}@mail.example")).data for n in (1, 2))
    token = re.compile(rb"[a-z2-7]{64}|<d[a-z2-7]{24}|[a-z2-7]{24}|p[12]@")
    assert first != second and token.sub(b"", first) == token.sub(b"", second)


def test_a_text_carries_the_answer_link_and_our_reference():
    form = TextForm(a_content(), stream="1.crime")
    text = form.text(delivery_id=9, recipient_key=1, number="+447700900123")
    assert text.text == f"Lock your bicycle. https://alert.example/r/{tokens.sign_int('answer', 9)}/"
    assert read_reference(text.reference) == 9
    assert read_reference(tokens.sign_int("answer", 9)) is None
    for wrong in ("07700900123", "+441332123456", "+447700900123\n", "alert"):
        with pytest.raises(ValueError):
            form.text(delivery_id=9, recipient_key=1, number=wrong)
