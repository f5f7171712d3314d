"""Our own DKIM signatures, verified by somebody else's reading of the RFCs; the mail itself by another parser."""

import base64

import dkim as verifier
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.core.checks import run_checks
from fast_mail_parser import parse_email
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from bell.delivery import slots, unsubscribe
from bell.delivery.email import dkim
from bell.delivery.email.render import Form, Person
from tests.delivery.conftest import a_content

PERSON = Person(delivery_id=77, recipient_key=123456789, address="a.person+x@mail.example")
AWKWARD = (
    f"{slots.ANSWER}\n.\n..dots\n trailing   spaces  \t \n\t\ttabs\tinside  \n" + "long " * 60 + "\nFrom here\n"
    f"  {slots.UNSUBSCRIBE}   \nçà £5 – “quoted” = 100%\n{slots.ANSWER}{slots.ANSWER}\n\n \n\t\n\n\n"
)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Private keys as an administrator has them, and the DNS that goes with them."""
    folder = tmp_path_factory.mktemp("keys")
    made = {
        "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ed": ed25519.Ed25519PrivateKey.generate(),
        "short": rsa.generate_private_key(public_exponent=65537, key_size=1024),
        "curve": ec.generate_private_key(ec.SECP256R1()),
    }
    for name, key in made.items():
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "rubbish").write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    public = made["rsa"].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    raw = made["ed"].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    zone = {
        b"r1._domainkey.alert.example.": b"v=DKIM1; k=rsa; p=" + base64.b64encode(public),
        b"e1._domainkey.alert.example.": b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw),
    }
    return folder, zone


@pytest.fixture
def signing(files, settings):
    """An installation that signs twice."""
    folder, zone = files
    settings.DKIM_KEY_FILES, settings.DKIM_SELECTORS = [str(folder / "rsa"), str(folder / "ed")], ["r1", "e1"]
    return zone


def verified(data, zone):
    """[whether it verifies] of each signature, the first one first."""
    one = verifier.DKIM(data)
    count = sum(1 for name, _ in one.headers if name.lower() == b"dkim-signature")

    def verify(place):
        try:
            return one.verify(place, dnsfunc=lambda name, timeout=5: zone.get(name))
        except verifier.ValidationError:
            return False

    return [verify(place) for place in range(count)]


def drawn(**fields):
    return Form(a_content(**fields), stream="1.crime", reference="DA-1").letter(PERSON)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": AWKWARD, "html": ""},
        {"text": AWKWARD, "html": f"<p>\n  {slots.ANSWER}  \n</p>   \n\n"},
        {"subject": "Wärnung:  two  spaces – " + "long words " * 15, "sender_name": "Derbyshire Alërt", "html": ""},
        {"in_reply_to": "<abc@mail.example>", "auto_submitted": True, "replies": False, "list_id": ""},
        {"text": "x", "html": "", "unsubscribe": False},
    ],
)
def test_both_signatures_of_awkward_mails_verify(signing, fields):
    letter = drawn(**fields)
    assert verified(letter.data, signing) == [True, True]
    assert letter.data.startswith(b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=alert.example; s=r1;\r\n")
    assert all(len(line) < 100 for line in letter.data.split(b"\r\n\r\n")[0].split(b"\r\n") if b"://" not in line)


def test_relays_may_fold_and_space_it_anew_but_not_change_it(signing):
    data = drawn(text=AWKWARD, html="").data
    relayed = data.replace(b"List-Id: ", b"LIST-ID:   ").replace(b"\r\nTo: ", b"\r\nTo:\r\n   ") + b"\r\n\r\n"
    assert verified(relayed, signing) == [True, True]
    for old, new in [
        (b"a.person", b"b.person"), (b"long long", b"long short"), (b"Subject: ", b"Subject: No "),
        (b"List-Unsubscribe: <http", b"List-Unsubscribe: <https"),
        (b"\r\nDate: ", b"\r\nReply-To: x@y.example\r\nDate: "),
        (b"\r\nDate: ", b"\r\nFrom: x@y.example\r\nDate: "),
    ]:  # fmt: skip
        assert old in data
        assert verified(data.replace(old, new, 1), signing) == [False, False], (old, new)


@pytest.mark.usefixtures("signing")
@budget(max_examples=60, deadline=None)
@given(text=st.text(alphabet=" \t\nab.=é\r\x0b\x0c", max_size=200), subject=st.text(alphabet=" abé", max_size=80))
def test_any_text_verifies(files, text, subject):
    letter = drawn(text=f"{text}{slots.ANSWER}{text}", html="", subject=f"a{subject}")
    assert verified(letter.data, files[1]) == [True, True]


def test_unless_asked_nothing_is_signed():
    assert b"DKIM-Signature" not in drawn().data


@pytest.mark.parametrize(
    ("names", "selectors", "words"),
    [
        (["rubbish"], ["s"], "no private key"), (["absent"], ["s"], "cannot be read"), (["short"], ["s"], "1024 bits"),
        (["curve"], ["s"], "neither an RSA nor an Ed25519"), (["rsa", "ed"], ["s"], "as many selectors"),
        (["rsa"], [], "as many selectors"),
    ],
)  # fmt: skip
def test_a_bad_key_refuses_to_start(files, settings, names, selectors, words):
    settings.DKIM_KEY_FILES, settings.DKIM_SELECTORS = [str(files[0] / name) for name in names], selectors
    found = [one for one in run_checks() if one.id == "bell.E005"]
    assert len(found) == 1 and words in found[0].msg
    with pytest.raises(dkim.BadKey):
        drawn()


def test_good_keys_start_and_a_selector_alone_is_the_relays(signing, settings):
    assert not [one for one in run_checks() if one.id == "bell.E005"]
    settings.DKIM_KEY_FILES = []
    assert not [one for one in run_checks() if one.id == "bell.E005"] and dkim.keys() == ()


# The MIME structure, by a parser that is not Python's own


def test_another_parser_reads_the_same_mail(signing):
    letter = drawn(text=AWKWARD, html=f"<p>£5 – {slots.ANSWER}</p>", subject="Wärnung – " + "lang " * 30)
    mail = parse_email(letter.data)
    filled = Form(a_content(), stream="1.crime", reference="").letter(PERSON)
    assert mail.subject.split() == ["Wärnung", "–", *["lang"] * 30]
    assert len(mail.text_plain) == len(mail.text_html) == 1 and not mail.attachments
    answer = parse_email(filled.data).text_plain[0].split("/r/")[1].split("/")[0]
    assert mail.text_html[0].rstrip("\r\n") == f"<p>£5 – {answer}</p>"
    token = unsubscribe.token(PERSON.recipient_key, "1.crime")
    expected = AWKWARD.replace(slots.ANSWER, answer).replace(slots.UNSUBSCRIBE, token)
    assert mail.text_plain[0].replace("\r\n", "\n").rstrip() == expected.rstrip()
    assert mail.headers["To"] == [PERSON.address]
    assert mail.headers["List-Unsubscribe-Post"] == ["List-Unsubscribe=One-Click"]
