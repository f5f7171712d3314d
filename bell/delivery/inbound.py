"""What comes in: stored raw first, then settled here (bounces, receipts, STOP, machines) or left for the rooms above.

A person's words are never dropped: what cannot be read well is handed on as well as it can be read, and the raw bytes
stay.
"""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Length

from bell.delivery import blocking, crash, early, post, receipts, sms, times
from bell.delivery.content import Address, Authority, Content
from bell.delivery.email import bounces, complaints, events, mime, ours, reading
from bell.delivery.models import Channel, Delivery, Inbound, Lane, State
from bell.delivery.receipts import Heard
from bell.delivery.sms.render import read_reference
from bell.delivery.sms.words import is_stop
from bell.lib import keys, links, phones

log = logging.getLogger(__name__)

_MOST_ATTEMPTS = 20
_TOGETHER, _TOGETHER_BYTES = 50, 8 * 1024 * 1024
STOPPED = "STOP by text"


@dataclass(frozen=True)
class Mail:
    """A person's mail. `delivery_id` is the delivery whose token it was sent to: it alone decides the thread."""

    sender: str  # normalised address, "" when none is usable
    recipients: tuple[str, ...]
    token_kind: str  # "reply", "bounce" (they answered the return path), or ""
    delivery_id: int | None
    subject: str
    text: str
    message_id: str
    auto: bool
    attachments: int = 0


@dataclass(frozen=True)
class Text:
    """A person's text message; numbers in E.164 where they are numbers."""

    sender: str
    to: str
    text: str


def store(
    gateway: str, external_id: str, kind: str, raw: bytes, *, envelope_from: str = "", envelope_to: str = ""
) -> tuple[Inbound, bool]:
    """Keep what came in, before anything reads it: (row, whether it is new).

    `external_id` "" lets us find one: for mail the recipient, Message-ID and body, for callbacks the vendor's id or the
    raw bytes; the same thing delivered again is then the same row. One call a recipient.
    """
    named = {
        "gateway": gateway,
        "external_id": (external_id or _external_id(gateway, kind, raw, envelope_to))[:128],
    }
    try:
        # Nearly always it is new: the table's own constraint says when it is not. A statement alone commits by itself.
        inside = transaction.get_connection().in_atomic_block or crash.armed("before-store-commit")
        with transaction.atomic() if inside else nullcontext():
            kept = Inbound.objects.create(
                **named,
                kind=Inbound.Kind(kind),
                raw=raw,
                envelope_from=mime.clean(envelope_from)[:320],
                envelope_to=mime.clean(envelope_to)[:320],
                received_at=times.now(),
            )
            crash.point("before-store-commit")
        crash.point("after-store-commit")
    except IntegrityError:
        known = Inbound.objects.filter(**named).first()
        if known is None:
            raise
        return known, False
    return kept, True


def settle(limit: int = 200) -> int:
    """Settle what is new, some in a transaction; how many were looked at. What stays is for `waiting`."""
    early.wake()
    rows = Inbound.objects.filter(state=Inbound.State.NEW).order_by("attempts", "id")
    ids = list(rows.values_list("pk", flat=True)[:limit])
    for some in together(ids):
        each(some, _settle_some)
    return len(ids)


def together(ids: Sequence[int]) -> Iterator[list[int]]:
    """The same rows in groups that share a transaction: a commit costs more than a reply.

    A group holds at most 50 rows, and of large ones no more than fit into memory with ease.
    """
    sizes = dict(Inbound.objects.filter(pk__in=ids).values_list("pk", Length("raw")))
    group: list[int] = []
    held = 0
    for number in ids:
        size = sizes.get(number, 0)
        if group and (len(group) == _TOGETHER or held + size > _TOGETHER_BYTES):
            yield group
            group, held = [], 0
        group.append(number)
        held += size
    if group:
        yield group


def each(ids: list[int], act: Callable[[list[int]], None]) -> None:
    """Do something with rows in one transaction; where it fails, with each row in one of its own, and count failures.

    So a message that nobody foresaw does not stop the others.
    """
    try:
        with transaction.atomic():
            act(ids)
            crash.point("before-inbound-commit")
        crash.point("after-inbound-commit")
        return
    except Exception:
        log.exception("inbound %s could not be taken", ids[0] if len(ids) == 1 else f"{ids[0]} to {ids[-1]}")
    if len(ids) == 1:
        failed(Inbound(pk=ids[0]))
        return
    for number in ids:
        each([number], act)


def _settle_some(ids: list[int]) -> None:
    """Settle these, as far as no other worker has them."""
    ends: dict[tuple[str, str, str, datetime | None], list[int]] = defaultdict(list)
    found = Inbound.objects.select_for_update(skip_locked=True).filter(pk__in=ids, state=Inbound.State.NEW)
    for one in found.order_by("attempts", "id"):
        _settle_one(one)
        ends[one.state, one.what, one.outcome, one.again_at].append(one.pk)
    for (state, what, outcome, again), settled in ends.items():
        Inbound.objects.filter(pk__in=settled).update(state=state, what=what, outcome=outcome, again_at=again)


def waiting(limit: int = 200) -> list[Inbound]:
    """People's words that the rooms above have not yet taken; those that failed before come last."""
    rows = Inbound.objects.filter(state=Inbound.State.SETTLED, what=Inbound.What.HUMAN).defer("raw")
    return list(rows.order_by("attempts", "id")[:limit])


def claim(ids: list[int]) -> list[Inbound]:
    """Lock those of `waiting` that no other worker has or had, until the caller's transaction ends."""
    rows = Inbound.objects.select_for_update(skip_locked=True).filter(pk__in=ids, state=Inbound.State.SETTLED)
    return list(rows.order_by("attempts", "id"))


def finish(*taken: Inbound, outcome: str) -> None:
    """Say that a room above took them, in the transaction in which it did."""
    Inbound.objects.filter(pk__in=[one.pk for one in taken]).update(state=Inbound.State.DONE, outcome=outcome[:200])


def failed(inbound: Inbound) -> None:
    """Count a failure; after many the row is set aside as unreadable, where it is counted and shown."""
    Inbound.objects.filter(pk=inbound.pk).update(attempts=F("attempts") + 1)
    Inbound.objects.filter(
        pk=inbound.pk, attempts__gte=_MOST_ATTEMPTS, state__in=[Inbound.State.NEW, Inbound.State.SETTLED]
    ).update(state=Inbound.State.UNREADABLE, outcome=f"failed {_MOST_ATTEMPTS} times")


def read_mail(inbound: Inbound) -> Mail:
    """The words of a stored mail, quote taken away; never fails, whatever the bytes."""
    raw = bytes(inbound.raw)
    found = reading.read(raw, envelope_from=_envelope_from(inbound))
    addresses = (inbound.envelope_to,) if inbound.envelope_to else found.recipients
    kind, delivery_id = ours.read_token(addresses)
    return Mail(
        sender=found.sender,
        recipients=addresses,
        token_kind=kind,
        delivery_id=delivery_id,
        subject=found.subject,
        text=found.text,
        message_id=found.message_id,
        auto=bool(found.machine),
        attachments=found.attachments,
    )


def _envelope_from(inbound: Inbound) -> str | None:
    """Who the envelope says it is from; None where no envelope was told."""
    return inbound.envelope_from if inbound.envelope_to else None


def read_text(inbound: Inbound) -> Text:
    """The words of a stored text message; sms.Unreadable when the callback makes no sense."""
    heard = _vendor(inbound).parse_inbound(bytes(inbound.raw))
    return Text(_number(heard.sender), _number(heard.to), mime.clean(heard.text))


def senders(inbound: Inbound) -> set[str]:
    """Who a stored message says it is from, in small letters: by its envelope and by itself; perhaps nobody."""
    said = {inbound.envelope_from.strip("<> ").casefold()}
    if inbound.kind == Inbound.Kind.MAIL:
        said.add(read_mail(inbound).sender.casefold())
    elif inbound.kind == Inbound.Kind.SMS:
        with suppress(sms.Unreadable):
            said.add(read_text(inbound).sender.casefold())
    return said - {""}


def _settle_one(inbound: Inbound) -> None:
    """Say what one row is and how it ends."""
    by_kind: dict[str, Callable[[Inbound], None]] = {
        Inbound.Kind.MAIL: _settle_mail,
        Inbound.Kind.SMS: _settle_text,
        Inbound.Kind.RECEIPT: _settle_receipt,
    }
    try:
        by_kind[inbound.kind](inbound)
    except (sms.Unreadable, events.Unreadable) as error:
        _end(inbound, Inbound.What.UNKNOWN, str(error), state=Inbound.State.UNREADABLE)


def _end(inbound: Inbound, what: str, outcome: str = "", state: str = Inbound.State.DONE) -> None:
    inbound.what, inbound.outcome, inbound.state = what, outcome[:200], state


def _settle_mail(inbound: Inbound) -> None:
    """A bounce, a machine, or a person."""
    raw = bytes(inbound.raw)
    if not reading.machine(raw, envelope_from=_envelope_from(inbound)):
        _end(inbound, Inbound.What.HUMAN, state=Inbound.State.SETTLED)
        return
    mail = read_mail(inbound)
    kind, report_type = mime.kind_of(raw)
    if kind == "multipart/report" and report_type == "delivery-status":
        done = "bounce without our token"
        if mail.token_kind == "bounce" and mail.delivery_id is not None:
            done = bounces.settle(mail.delivery_id, bounces.read(reading.report(raw)))
        _end(inbound, Inbound.What.BOUNCE, done)
    elif kind == "multipart/report" and report_type == "feedback-report":
        _end(inbound, Inbound.What.RECEIPT, complaints.settle(raw))
    else:
        _end(inbound, Inbound.What.AUTO, "a machine's mail")


def _settle_text(inbound: Inbound) -> None:
    """STOP as the whole message, or a person's words."""
    text = read_text(inbound)
    try:
        sender = phones.mobile(text.sender, invented=settings.INVENTED_ONLY)
    except phones.PhoneError:
        sender = ""
    if sender and is_stop(text.text):
        _end(inbound, Inbound.What.STOP, _stop(sender, inbound))
    else:
        _end(inbound, Inbound.What.HUMAN, state=Inbound.State.SETTLED)


def _stop(number: str, inbound: Inbound) -> str:
    """No more texts to this number; said once, by a text that also says that email goes on."""
    key = keys.address_key(Channel.SMS, number)
    if not blocking.suppress(address_key=key, channel=Channel.SMS, reason=STOPPED):
        return "was stopped already"
    known = Delivery.objects.filter(address_key=key, channel=Channel.SMS).order_by("-id").first()
    words = (
        "You will get no more texts from us. Emails, if you have them, go on: "
        f"end them by the link in each, or at {links.absolute(links.account())}"
    )
    post.post(
        Content(sender_name="", subject="", text="", sms=words, auto_submitted=True, replies=False, unsubscribe=False),
        authority=Authority("receipt", f"{blocking.STOP_KEY}{inbound.pk}"),
        stream="receipt",
        lane=Lane.NOW,
        to=Address(known.recipient_key if known else key, Channel.SMS, number),
    )
    return "stopped and confirmed"


def _settle_receipt(inbound: Inbound) -> None:
    """Move each delivery that the callback names; what names one that is not there yet is looked at again."""
    heard = Counter(_heard(inbound))
    done, unknown = heard[Heard.CHANGED], heard[Heard.EARLY] + heard[None]
    outcome = f"{done} changed, {unknown} unknown"
    if heard[Heard.EARLY]:
        if early.keep(inbound):
            inbound.outcome = outcome
            return
        outcome = early.GIVEN_UP
    known = heard[Heard.CHANGED] + heard[Heard.NOTHING]
    _end(inbound, Inbound.What.RECEIPT if known or not unknown else Inbound.What.UNKNOWN, outcome)


def _heard(inbound: Inbound) -> Iterator[Heard | None]:
    """What each report of a callback did; None for one that names nothing of ours. Raises Unreadable."""
    raw = bytes(inbound.raw)
    if inbound.gateway.startswith(events.GATEWAY):
        yield events.settle(inbound.gateway.removeprefix(events.GATEWAY), raw)
        return
    for receipt in _vendor(inbound).parse_receipt(raw):
        number = read_reference(receipt.reference)
        yield None if number is None else receipts.hear(number, State(receipt.state), receipt.reason)


def _vendor(inbound: Inbound) -> sms.Gateway:
    vendor = sms.VENDORS.get(inbound.gateway)
    if vendor is None:
        raise sms.Unreadable("no vendor of this name")
    return vendor()


def _number(text: str) -> str:
    """A number in E.164 where it is one of ours; else what was said, cleaned."""
    try:
        return phones.mobile(text, invented=settings.INVENTED_ONLY)
    except phones.PhoneError:
        return mime.clean(text).strip()[:64]


def _external_id(gateway: str, kind: str, raw: bytes, envelope_to: str) -> str:
    """A name under which the same thing, delivered again, is found again."""
    if kind == Inbound.Kind.MAIL:
        return _mail_id(raw, envelope_to)
    digest = hashlib.sha256(raw).hexdigest()
    if kind == Inbound.Kind.SMS and gateway in sms.VENDORS:
        try:
            heard = sms.VENDORS[gateway]().parse_inbound(raw)
        except sms.Unreadable:
            return f"{kind} {digest}"
        if heard.external_id:
            # With sender and words: a vendor that counts from one again must not make us drop somebody's text.
            name = "\0".join((heard.external_id, heard.sender, heard.text))
            return f"sms {hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()}"
    return f"{kind} {digest}"


def _mail_id(raw: bytes, envelope_to: str) -> str:
    """By recipient, Message-ID and body: relays add headers on the way, and not every Message-ID is unique."""
    message_id = mime.value(mime.headers(raw), "Message-ID")
    body = mime.body(raw) if message_id else raw
    digest = hashlib.sha256()
    for piece in (envelope_to.lower().encode("utf-8", "replace"), message_id.encode("utf-8", "replace"), body):
        digest.update(hashlib.sha256(piece).digest())
    return f"mail {digest.hexdigest()}"
