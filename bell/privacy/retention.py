"""Retention that runs: one table of what goes after how many days; a worker does a bounded part at a time."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from bell.alerts import letting_go
from bell.alerts.models import CountAsked
from bell.audit.record import record
from bell.conversations import votes
from bell.conversations.models import Conversation, Turn, Vote
from bell.delivery import digests as post_digests
from bell.delivery import forget
from bell.delivery.models import DigestItem, Inbound, Mailing
from bell.evidence import intake
from bell.evidence.models import Exhibit, Piece, Upload
from bell.lib import clock
from bell.privacy import erase, rules
from bell.privacy.models import Restriction, RetentionRun
from bell.residents.models import Code, Resident

log = logging.getLogger(__name__)

CHUNK = 1000
AGAIN = timedelta(days=1)

Rows = QuerySet[Any, Any]


@dataclass(frozen=True)
class Rule:
    """What goes, after how many days, in which words. `find` says which rows, `do` does it to some of them."""

    name: str
    words: str
    days: int
    find: Callable[[datetime], Rows]
    do: Callable[[Sequence[Any]], int]
    chunk: int = CHUNK
    # Rows that will need it some day; those before the first of them are never walked past again.
    left: Callable[[], Rows] | None = None


def _held_keys() -> list[int]:
    """Random keys of conversations that a restriction keeps."""
    standing = Restriction.objects.standing().filter(target_type="conversation")
    return [int(key) for key in standing.values_list("target_key", flat=True)]


def _addresses(before: datetime) -> Rows:
    return forget.with_address().filter(forget.ended(), state_at__lt=before)


def _raw(before: datetime) -> Rows:
    """Raw bytes that were read; those of held conversations stay, the original is the better evidence."""
    held = Turn.objects.filter(inbound=OuterRef("pk"), conversation__key__in=_held_keys())
    read = Inbound.objects.filter(state=Inbound.State.DONE, received_at__lt=before)
    return read.exclude(raw=b"", envelope_from="", envelope_to="").exclude(Exists(held))


def _unread(before: datetime) -> Rows:
    found = Inbound.objects.filter(state=Inbound.State.UNREADABLE, received_at__lt=before)
    return found.exclude(raw=b"", envelope_from="", envelope_to="")


def _words(*kinds: str) -> Callable[[datetime], Rows]:
    """Texts written to one person that still hold words."""
    return lambda before: Mailing.objects.filter(authority_kind__in=kinds, created_at__lt=before).exclude(
        content__text="", content__sms=""
    )


def _talks(before: datetime, *, useful: bool) -> Rows:
    """Closed conversations, quiet for so long, that no restriction keeps."""
    found = Conversation.objects.filter(state=Conversation.State.CLOSED, last_in_at__lt=before)
    found = found.filter(useful=True) if useful else found.filter(Q(useful=False) | Q(useful=None))
    return found.exclude(key__in=_held_keys())


def _never_arrived(before: datetime) -> Rows:
    """Files that were taken back or not finished. They lose their words at once; those that ended before did not."""
    ended = [Upload.State.DROPPED, Upload.State.EXPIRED]
    return Upload.objects.filter(intake.with_words(), state__in=ended, changed_at__lt=before)


def _damaged(before: datetime) -> Rows:
    """Damaged files that no restriction keeps. While there are pieces, there may be bytes, also of somebody erased."""
    found = Upload.objects.filter(state=Upload.State.DAMAGED, changed_at__lt=before).exclude(
        key__in=rules.held_uploads()
    )
    return found.filter(intake.with_words() | Q(Exists(Piece.objects.filter(upload=OuterRef("pk")))))


def _held_alerts() -> set[int]:
    """Alerts of which a restriction keeps something that came back: what was asked stays with what was answered."""
    held: set[int] = set()
    for kind, model in (("conversation", Conversation), ("exhibit", Exhibit), ("upload", Upload)):
        keys = Restriction.objects.standing().filter(target_type=kind).values_list("target_key", flat=True)
        found = model.objects.filter(key__in=[int(key) for key in keys]).exclude(alert=None)
        held.update(found.values_list("alert", flat=True))
    return held


def _delete(model: Any) -> Callable[[Sequence[Any]], int]:
    return lambda ids: int(model.objects.filter(pk__in=ids).delete()[0])


def _erase_left(ids: Sequence[int]) -> int:
    """People who left, one by one: each is an erasure like any other."""
    for one in Resident.objects.filter(pk__in=ids):
        with suppress(Resident.DoesNotExist):  # another worker was there first
            erase.erase(one, by=None, why="left long ago")
    return len(ids)


RULES: tuple[Rule, ...] = (
    Rule(
        "codes", "One-time codes are deleted.", 1,
        lambda before: Code.objects.filter(made_at__lt=before), _delete(Code),
    ),
    Rule("code words", "Messages with a code lose their words.", 1, _words("code"), forget.empty_contents),
    Rule(
        "addresses", "Messages that reached an end lose the address they went to.", 30,
        _addresses, forget.empty_addresses, left=forget.with_address,
    ),
    Rule(
        "digests", "Which messages came in which digest is forgotten.", 30,
        lambda before: DigestItem.objects.filter(over=True, due_at__lt=before), post_digests.forget_items,
    ),
    Rule("raw", "Replies lose their raw bytes once they are in a conversation.", 30, _raw, forget.empty_raw),
    Rule(
        "answers", "The post room’s copies of answers and notices lose their words.", 30,
        _words("receipt", "answer", "notice"), forget.empty_contents,
    ),
    Rule("unreadable", "Messages that nobody could read lose their raw bytes.", 90, _unread, forget.empty_raw),
    Rule(
        "counts", "The log of who counted which audience is deleted.", 90,
        lambda before: CountAsked.objects.filter(at__lt=before), _delete(CountAsked),
    ),
    Rule(
        "left", "People who left are erased.", 365,
        lambda before: Resident.objects.filter(left_at__lt=before), _erase_left, chunk=20,
    ),
    Rule(
        "conversations", "Closed conversations that helped no inquiry are deleted.", 730,
        lambda before: _talks(before, useful=False), lambda ids: erase.forget_conversations(list(ids)), chunk=200,
    ),
    Rule(
        "useful conversations", "Closed conversations that helped an inquiry are deleted.", 2190,
        lambda before: _talks(before, useful=True), lambda ids: erase.forget_conversations(list(ids)), chunk=200,
    ),
    Rule(
        "survey choices", "Who chose what in a survey that is over is forgotten; the numbers stay.", 30,
        lambda before: votes.over(Vote.objects.filter(at__lt=before)), votes.forget_who,
    ),
    Rule(
        "unused pictures", "Pictures that were put into a draft and never sent are deleted.", 7,
        letting_go.unused_pictures, letting_go.drop_unused, chunk=50,
    ),
    Rule(
        "search pictures", "Pictures of people who were found are deleted after the search.", 30,
        lambda before: letting_go.used_pictures(before, search=True, held=_held_alerts()),
        letting_go.delete_pictures, chunk=50,
    ),
    Rule(
        "search words", "The post room’s copies of a search that is over lose their words and pictures.", 30,
        lambda before: letting_go.search_mailings(before, held=_held_alerts()), forget.empty_sent, chunk=50,
    ),
    Rule(
        "pictures", "Pictures of other alerts are deleted once these are over.", 365,
        lambda before: letting_go.used_pictures(before, search=False, held=_held_alerts()),
        letting_go.delete_pictures, chunk=50,
    ),
    Rule(
        "files that never arrived",
        "Files that were taken back or never finished lose their name and what was said of them.", 1,
        _never_arrived, lambda ids: intake.forget_words(Upload.objects.filter(pk__in=ids)),
    ),
    Rule(
        "damaged files", "Files that arrived damaged are deleted, with their name and what was said of them.", 30,
        _damaged, intake.drop_damaged, chunk=50,
    ),
    Rule(
        "sessions", "Browsers that were signed in and are no more are forgotten.", 1,
        lambda before: Session.objects.filter(expire_date__lt=before), _delete(Session),
    ),
)  # fmt: skip


def cutoff(rule: Rule) -> datetime:
    """The moment before which a rule's rows are due."""
    return clock.now() - timedelta(days=rule.days)


def due(rule: Rule) -> int:
    """How many rows are due now. Changes nothing."""
    return rule.find(cutoff(rule)).count()


def run() -> int:
    """The worker's turn: a part of each rule that has not finished within the day; how many rows."""
    return sum(step(rule) for rule in RULES if _is_due(rule))


def _is_due(rule: Rule) -> bool:
    last = RetentionRun.objects.filter(rule=rule.name).values_list("finished_at", flat=True).first()
    return last is None or last < clock.now() - AGAIN


def run_all() -> dict[str, int]:
    """Every rule to its end, whenever it ran last: {rule: rows}."""
    done: dict[str, int] = {}
    for rule in RULES:
        done[rule.name] = 0
        while part := step(rule):
            done[rule.name] += part
    return done


def step(rule: Rule) -> int:
    """One bounded part of a rule; how many rows. The part that finds the end writes the entry with the count."""
    if rule.do is _erase_left:
        # Each erasure is its own transaction: one that fails must not undo the others.
        ids = _claim(rule)
        if ids is None:
            return 0
        rule.do(ids)
        return _settle(rule, ids)
    with transaction.atomic():
        # The rule's row stays locked to the end, so that no second worker does and counts the same.
        ids = _claim(rule)
        if ids is None:
            return 0
        rule.do(ids)
        return _settle(rule, ids)


@transaction.atomic
def _claim(rule: Rule) -> list[Any] | None:
    """The next rows of a rule. None when another worker is at it."""
    RetentionRun.objects.get_or_create(rule=rule.name)
    run = RetentionRun.objects.select_for_update(skip_locked=True).filter(rule=rule.name).first()
    if run is None:
        return None
    if run.began_at is None or (run.finished_at and run.finished_at >= run.began_at):
        run.began_at, run.done, run.through = clock.now(), 0, run.start_after
        run.save(update_fields=["began_at", "done", "through"])
    found = rule.find(cutoff(rule))
    if rule.left is not None:
        found = found.filter(pk__gt=run.through)
    return list(found.order_by("pk").values_list("pk", flat=True)[: rule.chunk])


def _settle(rule: Rule, ids: Sequence[Any]) -> int:
    """Note how far a rule came."""
    run = RetentionRun.objects.get(rule=rule.name)
    run.done += len(ids)
    if rule.left is not None and ids:
        run.through = ids[-1]
    if len(ids) < rule.chunk:
        run.finished_at = clock.now()
        if rule.left is not None:
            run.start_after = _start(rule, run.start_after)
        record("retention run", run, by=None, why=rule.name, rows=run.done, days=rule.days)
    run.save(update_fields=["done", "through", "finished_at", "start_after"])
    return len(ids)


def _start(rule: Rule, after: int) -> int:
    """The key before the first row that still has something to lose."""
    assert rule.left is not None  # the caller looked
    first = rule.left().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True).first()
    return int(first) - 1 if first is not None else after
