"""What may wait for a resident's digest, and the words of one: each message short, with its own link to answer by.

Whoever chose a digest gets routine alerts by email in it (C7). What is urgent, a missing person, a stand-down, a
correction and practice never wait; neither does what would be over before the digest comes. A message that was stopped,
closed or stood down, or that expired meanwhile, comes in no digest: its row ends as `expired` or `cancelled`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, DateTimeField, F, IntegerField, Q, QuerySet, Value, When
from django.template.loader import render_to_string

from bell.alerts import audience, content, expiry
from bell.alerts.models import PUBLISHED, Alert, Carrier, Relation, State, Version
from bell.delivery import digests, post, slots
from bell.delivery.models import Channel, Mailing
from bell.lib import clock, links, text
from bell.organisations.kinds import Kind
from bell.organisations.models import Organisation
from bell.residents import digests as chosen
from bell.residents.models import Contact, Often

TOO_LATE = "over before the digest was due"
_SHORT = 600  # characters of a message that stand in a digest; the whole is on its page
_AT_ONCE = (Relation.STAND_DOWN, Relation.CORRECTION)
_ENDING = (Relation.STAND_DOWN, Relation.OUTCOME)


def run_due() -> int:
    """One round: make digests that are due, a step at a time, and note what became of those that went."""
    writer = digests.Writer(over=over, write=write)
    done = 0
    while made := digests.build(writer):
        done += made
    digests.close()
    while settled := digests.settle():
        done += settled
    return done


def waits(frozen: Mapping[str, Any]) -> bool:
    """Whether an alert may wait for the digest of somebody who chose one."""
    at_once = frozen["urgent"] or frozen["practice"] or frozen["relation"] in _AT_ONCE
    return not at_once and frozen["kind"] != Kind.MISSING


def columns(found: QuerySet[Contact], frozen: Mapping[str, Any]) -> QuerySet[Contact, Any]:
    """The columns that the post room's `fill` asks for, `waits` among them for what may wait (see audience.columns)."""
    if not waits(frozen):
        return audience.columns(found, urgent=bool(frozen["urgent"]))
    now = clock.now()
    expires = expiry.useful_until(frozen)
    due, kept = [], []
    for often in (Often.DAILY, Often.WEEKLY):
        at = chosen.next_digest(often, now)
        if expires is not None and at >= expires:
            continue
        theirs = Q(channel=Channel.EMAIL, resident__digest=often)
        due.append(When(theirs, then=audience.after_quiet(at, _moment(at))))
        kept.append(When(theirs, then=Value(1)))
    at_once = audience.after_quiet(now, _moment(now))
    asked: QuerySet[Contact, Any] = found.annotate(
        recipient_key=F("resident__key"),
        language=F("resident__language"),
        due_at=Case(*due, default=at_once) if due else at_once,
        waits=Case(*kept, default=Value(0), output_field=IntegerField()),
        **audience.QUIET,
    )
    given: QuerySet[Contact, Any] = asked.values(*audience.NAMES, "waits", *audience.QUIET)
    return given


def _moment(at: datetime) -> Value:
    return Value(at, output_field=DateTimeField())


def keeps(alert: Alert) -> bool:
    """Whether somebody still waits for this alert in a digest."""
    return digests.keeps([mailing.pk for mailing in _mailings(alert)])


def end(alert: Alert) -> int:
    """An alert is over: it comes in no digest any more; how many people had waited for it."""
    return sum(digests.expire(mailing, reason=TOO_LATE) for mailing in _mailings(alert))


def _mailings(alert: Alert) -> list[Mailing]:
    version = alert.versions.exclude(mailing=None).last()
    return version.mailings() if version else []


def _versions(mailings: Collection[int]) -> dict[int, tuple[Version, Organisation | None]]:
    """By mailing: what it says, and the organisation that carries it, if it is not its own."""
    own = Version.objects.filter(mailing__in=mailings).select_related("alert")
    found: dict[int, tuple[Version, Organisation | None]] = {
        one.mailing_id: (one, None) for one in own if one.mailing_id is not None
    }
    for carrier in Carrier.objects.filter(mailing__in=mailings).select_related("version__alert", "organisation"):
        if carrier.mailing_id is not None:
            found[carrier.mailing_id] = (carrier.version, carrier.organisation)
    return found


def over(mailings: Collection[int]) -> dict[int, str]:
    """Of these mailings those that come too late for a digest, with why."""
    now = clock.now()
    return {number: TOO_LATE for number, (version, _) in _versions(mailings).items() if _is_over(version, now)}


def _is_over(version: Version, now: datetime) -> bool:
    alert = version.alert
    until = expiry.useful_until(version.frozen)
    if alert.state not in (State.SENDING, State.SENT) or (until is not None and until <= now):
        return True
    return alert.followers.filter(relation__in=_ENDING, state__in=PUBLISHED).exists()


@dataclass(frozen=True)
class Item:
    """One message as a digest shows it; `marked`: the attributes that name its language, where it is not English."""

    parts: content.Parts
    words: str
    shortened: bool
    marked: str
    answer_url: str
    stop_url: str
    page_url: str
    genuine_url: str


def write(mailings: Sequence[int]) -> post.Content:
    """The digest of these mailings, in this order, for everybody who waits for exactly them.

    In a language that one of them speaks, that one is said in it and the others in English.
    """
    known = _versions(mailings)
    told = [known[number] for number in mailings]
    tags = sorted({tag for version, _ in told for tag in version.frozen.get("languages", {})})
    streams = dict(Mailing.objects.filter(pk__in=mailings).values_list("pk", "stream"))
    return post.Content(
        sender_name=_sender([content.parts(version.frozen, carrier) for version, carrier in told]),
        list_id=digests.STREAM,
        items=[[number, streams[number]] for number in mailings],
        languages={tag: _said(told, tag) for tag in tags},
        **_said(told),
    )


def _said(told: Sequence[tuple[Version, Organisation | None]], tag: str = "") -> dict[str, Any]:
    """Subject and both bodies, for readers of one language."""
    items = [_item(place, version, carrier, tag) for place, (version, carrier) in enumerate(told)]
    context = {
        "items": items,
        "count": len(items),
        "more": len(items) - 1,
        "routes": _routes(items),
        "how_often_url": links.absolute(links.how_often()),
        "account_url": links.absolute(links.account()),
        "unsubscribe_url": links.absolute(links.unsubscribe(slots.UNSUBSCRIBE)),
        "promise_url": links.absolute(links.privacy()),
    }
    return {
        "subject": subject([one.parts.title for one in items]),
        "text": render_to_string("alerts/digest.txt", context),
        "html": render_to_string("alerts/digest.html", context),
    }


def subject(titles: Sequence[str]) -> str:
    """ "Digest: Shed burglary in Heanor", "Digest: Shed burglary in Heanor, and 2 more"."""
    more = f", and {len(titles) - 1} more" if len(titles) > 1 else ""
    return f"Digest: {titles[0]}{more}"


def _sender(found: Sequence[content.Parts]) -> str:
    """Who writes: the one organisation, or the first and "partners"."""
    names = list(dict.fromkeys(one.carrier or one.organisation for one in found))
    return names[0] if len(names) == 1 else f"{names[0]} and partners"


def _routes(items: Sequence[Item]) -> list[Any]:
    """Other ways to reach somebody, each once."""
    return list({(route.label, route.value): route for one in items for route in one.parts.routes}.values())


def _item(place: int, version: Version, carrier: Organisation | None, tag: str) -> Item:
    spoken = tag in version.frozen.get("languages", {})
    parts = content.parts(content.in_language(version.frozen, tag) if spoken else version.frozen, carrier)
    words, shortened = text.shortened(parts.body_plain, _SHORT)
    return Item(
        parts=parts,
        words=words,
        shortened=shortened,
        marked=content.marked(parts.language) if spoken else "",
        answer_url=links.absolute(links.answer(slots.answer_item(place))),
        stop_url=links.absolute(links.unsubscribe(slots.stop_item(place))),
        page_url=links.absolute(links.alert_page(parts.reference, tag if spoken else "")),
        genuine_url=links.absolute(links.genuine(parts.reference)),
    )
