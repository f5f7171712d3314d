"""Forgetting: what the post room knows of a person or an address goes; its counts stay right."""

from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import connection
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.db.models.functions import Lower

from bell.delivery import blocking, naming, times
from bell.delivery.content import Content
from bell.delivery.deadlocks import insist
from bell.delivery.inbound import senders
from bell.delivery.models import OPEN, Delivery, DigestItem, Inbound, Mailing, State, Suppression
from bell.lib import keys, tokens

ERASED = "erased"
# What is written to one person: its text goes with them. (What many received is public or a colleague's.)
PERSONAL = ("code", "receipt", "answer")
ENDED = (
    State.SENT,
    State.DELIVERED,
    State.BOUNCED,
    State.FAILED,
    State.SUPPRESSED,
    State.CANCELLED,
    State.EXPIRED,
    State.UNCERTAIN,
)
_EMPTY = Content(sender_name="", subject="", text="", html="", sms="")


def with_address() -> QuerySet[Delivery]:
    """Deliveries that still say where they went."""
    return Delivery.objects.filter(~Q(address="") | ~Q(provider_ref=""))


def ended() -> Q:
    """Deliveries whose story is over: no try, no retry."""
    return Q(state__in=ENDED) & ~Q(state=State.UNCERTAIN, batch__isnull=False)


def empty_addresses(ids: Sequence[int]) -> int:
    """Take address, quiet hours, gateway reference and any address in a relay's words out of deliveries; how many."""
    rows = Delivery.objects.filter(pk__in=ids)
    quoting = Q(reason__contains="@") | Q(reason__contains="+")
    said = Case(When(quoting, then=Value("")), default=F("reason"))
    return rows.update(address="", provider_ref="", reason=said, quiet_from=None, quiet_until=None)


def empty_contents(ids: Sequence[int]) -> int:
    """Take the words out of mailings to one person; how many."""
    rows = Mailing.objects.filter(pk__in=ids, authority_kind__in=(*PERSONAL, "notice"))
    return rows.update(content=_EMPTY.as_json(), content_hash=_EMPTY.digest())


def with_words(mailings: QuerySet[Mailing]) -> QuerySet[Mailing]:
    """Of these, those that still say something."""
    return mailings.exclude(content__text="", content__html="", content__sms="")


def empty_sent(ids: Sequence[int]) -> int:
    """Take the words and pictures out of mailings to many; how many. `content_hash` still says what was approved, so
    nothing that is empty can be sent in their name."""
    return Mailing.objects.filter(pk__in=ids).update(content=_EMPTY.as_json())


def drop_inline(ids: Sequence[int]) -> None:
    """Take the pictures out of mailings that are over; the words stay."""
    for mailing in Mailing.objects.filter(pk__in=ids):
        mailing.content = {**mailing.content, "inline": {}}
        mailing.save(update_fields=["content"])


def empty_raw(ids: Sequence[int]) -> int:
    """Take the raw bytes and the envelope out of what came in; how many."""
    return Inbound.objects.filter(pk__in=ids).update(raw=b"", envelope_from="", envelope_to="")


def personal_mailings(deliveries: QuerySet[Delivery]) -> QuerySet[Mailing]:
    """Mailings that were written to one person and went by these deliveries."""
    return Mailing.objects.filter(authority_kind__in=PERSONAL, pk__in=deliveries.values("mailing"))


def reply_addresses(delivery_ids: Iterable[int]) -> list[str]:
    """Every address of ours that these deliveries carried: where replies and bounces of them come."""
    prefixes = (("r", "reply"), ("b", "bounce"))
    return [
        f"{letter}-{tokens.sign_int(purpose, number)}@{settings.REPLY_DOMAIN.lower()}"
        for number in delivery_ids
        for letter, purpose in prefixes
    ]


def inbound_naming(addresses: Iterable[str]) -> QuerySet[Inbound]:
    """What came in from, or names, any of these addresses: by the envelope, or whole anywhere in the raw bytes.

    A mobile number is looked for by its digits without the country's prefix, so that every way to write it in a
    gateway's callback is found.
    """
    known = list(addresses)
    enveloped, meant = Q(pk__in=[]), Q(pk__in=[])
    for address in known:
        enveloped |= Q(envelope_from__iexact=address) | Q(envelope_to__iexact=address)
        meant |= Q(text__contains=address.casefold() if "@" in address else address.lstrip("+")[-10:])
    # Bytes as text: the same on both databases for everything that an address is made of.
    sql = "encode(raw, 'escape')" if connection.vendor == "postgresql" else "CAST(raw AS TEXT)"
    maybe = Inbound.objects.annotate(text=Lower(RawSQL(sql, []))).filter(meant).values_list("pk", "raw")
    # The database finds a part of a longer address too, which is somebody else's.
    named = [
        number
        for number, raw in maybe.iterator(chunk_size=50)
        if any(naming.names(bytes(raw), address) for address in known)
    ]
    return Inbound.objects.filter(enveloped | Q(pk__in=named))


def words_of_others(rows: QuerySet[Inbound], addresses: Iterable[str]) -> list[int]:
    """Of these, what somebody said who has none of the addresses: a person's words, or an answering machine's.

    Callbacks, receipts and bounces are nobody's words.
    """
    own = {address.casefold() for address in addresses}
    unsaid = Q(what="") & ~Q(kind=Inbound.Kind.RECEIPT)
    said = rows.filter(Q(what__in=[Inbound.What.HUMAN, Inbound.What.AUTO]) | unsaid)
    return [one.pk for one in said.iterator(chunk_size=50) if own.isdisjoint(senders(one))]


def inbound_of_deliveries(delivery_ids: Sequence[int]) -> QuerySet[Inbound]:
    """What came in as an answer to, or a bounce of, these deliveries."""
    meant = reply_addresses(delivery_ids)
    found = Inbound.objects.annotate(to=Lower("envelope_to"))
    return found.filter(to__in=meant) if meant else found.none()


@insist
def forget(*, deliveries: QuerySet[Delivery], addresses: Sequence[tuple[str, int]], inbound: Sequence[int]) -> int:
    """Detach a person from everything here; how many deliveries.

    `addresses` are (channel, address key) pairs: of each only a keyed hash stays, to keep silent. Counts by state stay.
    """
    # First wait for fills under way: one of them may be queueing a message to this person.
    blocking.hold_withdrawal()
    ids = list(deliveries.values_list("pk", flat=True))
    rows = Delivery.objects.filter(pk__in=ids)
    blocking.take_back(rows.filter(state__in=OPEN), reason=ERASED)
    # What came together in a digest would still say which rows were one person's.
    DigestItem.objects.filter(Q(delivery__in=ids) | Q(digest__in=ids)).delete()
    empty_contents(list(personal_mailings(rows).values_list("pk", flat=True)))
    fresh = list(rows.only("pk"))
    for one in fresh:
        # A new random key a row: rows of the same person cannot be put together again.
        one.recipient_key, one.address_key = keys.random_key(), keys.random_key()
        one.address, one.provider_ref, one.reason = "", "", ERASED
        one.quiet_from = one.quiet_until = None
    columns = ["recipient_key", "address_key", "address", "provider_ref", "reason", "quiet_from", "quiet_until"]
    Delivery.objects.bulk_update(fresh, columns, batch_size=200)
    for number in inbound:
        Inbound.objects.filter(pk=number).update(
            raw=b"", envelope_from="", envelope_to="", outcome=ERASED, external_id=f"{ERASED} {number}"
        )
    for channel, key in addresses:
        _keep_silent(channel, key)
    return len(ids)


def _keep_silent(channel: str, address_key: int) -> None:
    """One suppression of everything; those by stream would still say what the person had chosen."""
    known = Suppression.objects.filter(channel=channel, address_key=address_key)
    dead = known.filter(stream="", reason__in=blocking.DEAD).exists()
    known.exclude(stream="").delete()
    if not dead:
        Suppression.objects.update_or_create(
            channel=channel, address_key=address_key, stream="", defaults={"reason": ERASED, "since": times.now()}
        )
