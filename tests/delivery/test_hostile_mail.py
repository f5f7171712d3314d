"""Hostile mail: read in milliseconds, never a failure, and what a person wrote is still there."""

import random
import time
from email.message import EmailMessage

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bell.delivery import inbound
from bell.delivery.email import bounces, mime, plain, reading
from tests.delivery.mails import reply_address, settled

pytestmark = pytest.mark.django_db


# Hostile mail

HOSTILE = {
    "deep comments": b"From: " + b"(" * 5000 + b"a@b.example\r\n\r\nhello",
    "many quotes": b'From: "' + b'\\"' * 5000 + b"\r\n\r\nhello",
    "groups": b"To: " + b"a:" * 5000 + b";\r\n\r\nhello",
    "open encoded words": b"Subject: " + b"=?utf-8?q?=" * 900 + b"\r\n\r\nhello",
    "strange encoded words": b"Subject: =?idna?b?" + b"eA==" * 100 + b"?= =?unknown?q?x?= =?utf-8?b?x?=\r\n\r\nhello",
    "wrote": b"\r\n\r\n" + b"On x wrote:\n" * 900,
    "on": b"\r\n\r\n" + b"On " * 3400,
    "gt": b"\r\n\r\n" + b">" * 10_000,
    "gt lines": b"\r\n\r\n" + b">\n" * 5000,
    "from lines": b"\r\n\r\n" + b"From: alert.example\n" * 500,
    "rules": b"\r\n\r\n" + b"_" * 10_000,
    "underscored lines": b"\r\n\r\n" + (b"_" * 30 + b"\n") * 330,
    "spaces": b"\r\n\r\n" + b" " * 10_000,
    "one long line": b"\r\n\r\n" + b"a" * 10_000,
    "no end of header": b"X: " + b"y" * 10_000,
    "only colons": b":" * 10_000,
    "header storm": b"X: y\r\n" * 1600 + b"\r\nhello",
    "parameters": b"Content-Type: text/plain; " + b'x="' * 3000 + b"\r\n\r\nhello",
    "parameters again": b"Content-Type: text/plain; charset*0*=a'b'" + b"; charset*1=x" * 600 + b"\r\n\r\nhello",
    "charset": b"Content-Type: text/plain; charset=unicode_escape\r\n\r\n\\x41" + b"\xff" * 100,
    "charset zip": b"Content-Type: text/plain; charset=zlib_codec\r\n\r\nhello",
    "charset utf-16": b"Content-Type: text/plain; charset=utf-16\r\n\r\nhello",
    "charset utf-7": b"Content-Type: text/plain; charset=utf-7\r\n\r\n+ADw" * 50,
    "base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"A" * 9999 + b"\xff!",
    "quoted-printable": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 9000,
    "html open": b"Content-Type: text/html\r\n\r\n" + b"<" * 9000,
    "html open tags": b"Content-Type: text/html\r\n\r\n" + b"<a " * 3000,
    "html comments": b"Content-Type: text/html\r\n\r\n" + b"<!--" * 2500,
    "html styles": b"Content-Type: text/html\r\n\r\n" + b"<style>" * 1400,
    "html mixed end": b"Content-Type: text/html\r\n\r\n" + b"<!-- <script " * 700 + b">",
    "html quotes": b"Content-Type: text/html\r\n\r\n" + b"<blockquote>" * 800,
    "html entities": b"Content-Type: text/html\r\n\r\n" + b"&" * 9000 + b"&#99999999999;" * 50,
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\nhello",
    "empty boundary": b'Content-Type: multipart/mixed; boundary=""\r\n\r\nhello',
    "wrong boundary": b"Content-Type: multipart/mixed; boundary=x\r\n\r\nhello",
    "boundary storm": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 2000,
    "boundaries alike": b"Content-Type: multipart/mixed; boundary=" + b"-" * 60 + b"\r\n\r\n" + b"-" * 9000,
    "own boundary": b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
    + b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 150,
    "nested": b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(180)),
    "nested rfc822": b"Content-Type: message/rfc822\r\n\r\n" * 300,
    "nul": b"From: a\0@b.example\r\nSubject: x\0y\r\n\r\nhel\0lo",
    "bytes": bytes(range(256)) * 40,
    "surrogates": "Subject: \ud800\r\n\r\n\udfff".encode("utf-8", "surrogatepass"),
    "empty": b"",
    "line ends": b"\r\n" * 5000,
    "returns": b"\r" * 10_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_ten_hostile_kilobytes_take_milliseconds_and_are_still_heard(name):
    """Of our own CPU time, here and below: what else the machine does is not the mail's fault."""
    raw = HOSTILE[name]
    started = time.thread_time()
    found = reading.read(raw, envelope_from="a@mail.example")
    assert time.thread_time() - started < 0.25
    assert found.text and "\0" not in found.text + found.subject + found.sender + found.message_id
    found.text.encode()
    row = settled(raw, reply_address(1))
    assert row.what in ("human", "auto") and row.state in ("settled", "done")
    if b"hello" in raw:
        assert "hello" in inbound.read_mail(row).text


@pytest.mark.parametrize("name", [n for n in HOSTILE if len(HOSTILE[n]) > 5000 and n != "bytes"])
def test_the_time_grows_with_the_size_only(name):
    big = HOSTILE[name] * 40  # about 400 kB
    started = time.thread_time()
    reading.read(big, envelope_from="a@mail.example")
    assert time.thread_time() - started < 2.5


def test_large_mail_with_a_picture_first_is_read_quickly():
    mail = EmailMessage()
    mail["From"] = "a@mail.example"
    mail.add_attachment(random.Random(1).randbytes(8_000_000), maintype="image", subtype="jpeg", filename="a.jpg")
    mail.attach(EmailMessage())
    mail.get_payload()[-1].set_content("The words after the picture.")
    started = time.thread_time()
    found = reading.read(mail.as_bytes())
    assert found.text == "The words after the picture." and found.attachments == 1
    assert time.thread_time() - started < 2


def test_a_mail_with_only_a_picture_says_so():
    mail = EmailMessage()
    mail.add_attachment(b"x", maintype="image", subtype="jpeg", filename="a.jpg")
    assert reading.read(mail.as_bytes()).text == "[This mail has no words, only 1 attached file.]"


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=2000),
    st.sampled_from(["", "multipart/mixed; boundary=x", "text/html", "text/plain; charset=gb18030"]),
)
def test_nothing_makes_reading_fail(data, kind):
    raw = (f"Content-Type: {kind}\r\n".encode() if kind else b"") + data
    found = reading.read(raw)
    found.text.encode(), found.subject.encode(), found.sender.encode()
    bounces.read(reading.report(raw))


def test_words_come_from_the_plain_part_else_from_html():
    mail = EmailMessage()
    mail["From"] = "é <a@mail.example>"
    mail.set_content("plain wörds")
    mail.add_alternative("<p>html words</p>", subtype="html")
    assert reading.read(mail.as_bytes()).text == "plain wörds"
    page = EmailMessage()
    page.set_content(
        "<html><head><style>p{}</style></head><body><p>I saw <b>him</b> &amp; her.</p>Bye<br>Ann"
        "<script>alert(1)</script><!-- x --><blockquote>On x wrote: <p>alert.example</p></blockquote></body>",
        subtype="html",
    )
    assert reading.read(page.as_bytes()).text == "I saw him & her.\n\nBye\nAnn"


def test_html_that_only_looks_like_tags_stays():
    assert plain.from_html("a < b and 3 <4, x<y") == "a < b and 3 <4, x<y"


@pytest.mark.parametrize(("charset", "data", "text"), [
    ("iso-8859-1", b"caf\xe9", "café"), ("windows-1252", b"\x93x\x94", "“x”"), ("", "café".encode(), "café"),
    ("", b"caf\xe9", "café"), ("utf-8", b"caf\xe9", "café"), ("rot13", b"abc", "abc"), ("\0", b"abc", "abc"),
    ("koi8-r", "привет".encode("koi8-r"), "привет"), ("x" * 999, b"abc", "abc"),
])  # fmt: skip
def test_charsets_make_sense_or_are_not_believed(charset, data, text):
    assert mime.decode(data, charset) == text
