"""One-time codes: how a person proves that an address is theirs. The same for known and unknown addresses."""

import hashlib
import hmac
import secrets

from django.conf import settings
from django.db import transaction

from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Channel, Lane
from bell.lib import clock
from bell.residents import rules
from bell.residents.models import Code
from bell.residents.rules import Reach

STREAM = "code"


def _digest(where: Reach, digits: str) -> str:
    """Keyed hash of a code for one address: a stolen table shows no code."""
    words = f"{where.channel}\0{where.key}\0{digits}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), words, hashlib.sha256).hexdigest()


def _content(digits: str, name: str) -> post.Content:
    """The message with the code. It holds no word that a stranger typed (promises.md)."""
    minutes = int(rules.CODE_LIFE.total_seconds() // 60)
    text = (
        f"Your {name} code is {digits}.\n\n"
        f"Type it on the page where you asked for it. It works for {minutes} minutes.\n\n"
        "We will never ask you for it by phone. If you did not ask for a code, ignore this message: nothing happens."
    )
    html = "".join(f"<p>{part}</p>" for part in text.replace(digits, f"<strong>{digits}</strong>").split("\n\n"))
    return post.Content(
        sender_name=name,
        subject=f"{digits} is your {name} code",
        text=text,
        html=html,
        sms=f"{digits} is your {name} code. It works for {minutes} minutes. Never tell it to anyone.",
        auto_submitted=True,
        replies=False,
        unsubscribe=False,
    )


@transaction.atomic
def send_code(where: Reach, *, name: str) -> None:
    """Send a six-digit code to an address, unless it had its share already; the caller cannot tell which."""
    if not rules.may_send_code(where):
        record("code refused", None, by=None, channel=where.channel)
        return
    digits = f"{secrets.randbelow(1_000_000):06d}"
    now = clock.now()
    Code.objects.filter(channel=where.channel, address_key=where.key, used_at=None).update(expires_at=now)
    code = Code.objects.create(
        channel=where.channel,
        address_key=where.key,
        digest=_digest(where, digits),
        made_at=now,
        expires_at=now + rules.CODE_LIFE,
    )
    record("code sent", code, by=None, channel=where.channel)
    post.post(
        _content(digits, name),
        authority=post.Authority("code", str(code.pk)),
        stream=STREAM,
        lane=Lane.NOW,
        to=post.Address(recipient_key=where.key, channel=Channel(where.channel), address=where.address),
    )


@transaction.atomic
def check_code(where: Reach, digits: str) -> bool:
    """Whether these digits are the live code of this address; a right one is used up, a wrong one counts."""
    now = clock.now()
    code = (
        Code.objects.select_for_update()
        .filter(channel=where.channel, address_key=where.key, used_at=None, expires_at__gt=now)
        .order_by("-made_at")
        .first()
    )
    if code is None or code.tries >= rules.CODE_TRIES:
        return False
    typed = "".join(ch for ch in digits if ch.isdigit())
    if not hmac.compare_digest(code.digest, _digest(where, typed)):
        code.tries += 1
        code.save(update_fields=["tries"])
        return False
    code.used_at = now
    code.save(update_fields=["used_at"])
    return True
