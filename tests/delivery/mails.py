"""Mails as they come in: a person's, and how they are stored and settled."""

import email.policy
from email.message import EmailMessage

from bell.delivery import inbound
from bell.lib import tokens


def reply_address(delivery_id):
    return f"r-{tokens.sign_int('reply', delivery_id)}@in.alert.example"


def bounce_address(delivery_id):
    return f"b-{tokens.sign_int('bounce', delivery_id)}@in.alert.example"


def a_mail(text="I saw a red Ford.", **headers):
    mail = EmailMessage()
    mail["From"] = "Ann Person <Ann@Mail.example>"
    mail["Subject"] = "Re: Bicycle thefts"
    mail["Message-ID"] = "<1@mail.example>"
    for name, value in headers.items():
        del mail[name.replace("_", "-")]
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes(policy=email.policy.SMTP)


def store(raw, to, sender="ann@mail.example"):
    return inbound.store("lmtp", "", "mail", raw, envelope_from=sender, envelope_to=to)


def settled(raw, to, sender="ann@mail.example"):
    row, _ = store(raw, to, sender)
    inbound.settle()
    row.refresh_from_db()
    return row
