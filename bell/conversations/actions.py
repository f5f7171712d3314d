"""What is done in conversations: words and taps come in, officers answer, note, claim and close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bell.alerts.models import Alert
from bell.audit.record import drawn, record, record_all
from bell.conversations import rules
from bell.conversations.models import Answer, Choice, Conversation, Turn
from bell.conversations.rules import NotAllowed
from bell.delivery import inbound, post
from bell.delivery.content import is_message_id
from bell.delivery.models import Channel, Inbound, Lane
from bell.lib import clock, markup
from bell.organisations import notices
from bell.organisations.models import Officer, Team
from bell.residents.models import Resident

MOST_TEXT = 20_000


class Empty(ValueError):
    """There are no words to send or keep."""


@dataclass(frozen=True)
class Words:
    """What a person said: how it came, the text, and a way back if there is one."""

    text: str
    way: str
    subject: str = ""
    who: str = ""
    reply_channel: str = ""
    reply_address: str = ""
    verified: bool = False


@dataclass(frozen=True)
class Heard:
    """Words with where they belong: an alert's conversation with the resident, one that is known already, or a team."""

    words: Words
    team: Team
    alert: Alert | None = None
    resident: Resident | None = None
    conversation: Conversation | None = None
    source: Inbound | None = None


def hear(
    words: Words,
    *,
    team: Team,
    alert: Alert | None = None,
    resident: Resident | None = None,
    conversation: Conversation | None = None,
    source: Inbound | None = None,
) -> Turn:
    """Keep what a person said, in their conversation about this alert, and tell the officer that something came."""
    return hear_all([Heard(words, team, alert, resident, conversation, source)])[0]


@transaction.atomic
def hear_all(heard: Sequence[Heard]) -> list[Turn]:
    """Keep what people said, in their order; each officer is told once."""
    now = clock.now()
    threads = _threads(heard, now)
    for thread, one in zip(threads, heard, strict=True):
        _note_arrival(thread, one.words, now)
    once = {id(thread): thread for thread in threads}.values()
    for thread in once:
        if thread.pk:
            thread.save(update_fields=_ARRIVAL)  # one by one: Django's bulk_update takes several times as long
    Conversation.objects.bulk_create([thread for thread in once if not thread.pk])
    turns = Turn.objects.bulk_create(
        [
            Turn(
                conversation=thread,
                direction=Turn.Direction.IN,
                way=one.words.way,
                text=one.words.text[:MOST_TEXT],
                subject=one.words.subject[:200],
                at=now,
                inbound=one.source,
                verified=one.words.verified,
            )
            for thread, one in zip(threads, heard, strict=True)
        ]
    )
    record_all(
        [
            drawn("reply received", thread, by=one.resident or "someone", way=one.words.way)
            for thread, one in zip(threads, heard, strict=True)
        ]
    )
    to_tell = {
        (thread.officer, rules.is_practice(thread)): turn
        for thread, turn in zip(threads, turns, strict=True)
        if thread.officer
    }
    for (officer, practice), turn in to_tell.items():
        if officer.is_active:
            words = "A resident has replied."
            notices.notify(officer, words, key=f"turn {turn.pk}", once_in=notices.OFTEN, practice=practice)
    return turns


def _threads(heard: Sequence[Heard], now: datetime) -> list[Conversation]:
    """The conversation of each: the person's about the alert, or a new one, not yet kept.

    Someone unknown always gets a new one.
    """
    pairs = [(one.alert, one.resident) for one in heard if one.alert and one.resident and not one.conversation]
    known: dict[tuple[Alert | None, Resident | None], Conversation] = {}
    if pairs:
        found = Conversation.objects.filter(
            alert__in={alert.pk for alert, _ in pairs}, resident__in={resident.pk for _, resident in pairs}
        )
        known = {(one.alert, one.resident): one for one in found.select_related("alert", "resident", "officer")}
    same = {one.pk: one for one in known.values()}
    threads = []
    for one in heard:
        thread = one.conversation or known.get((one.alert, one.resident)) or _new(one, now)
        thread = same.setdefault(thread.pk, thread) if thread.pk else thread
        if one.alert is not None and one.resident is not None:
            known.setdefault((one.alert, one.resident), thread)
        threads.append(thread)
    return threads


def _new(one: Heard, now: datetime) -> Conversation:
    """A conversation that begins."""
    alert = one.alert
    return Conversation(
        team=alert.team if alert else one.team,
        alert=alert,
        resident=one.resident,
        officer=alert.author if alert and alert.author.is_active else None,
        opened_at=now,
    )


_ARRIVAL = ["last_in_at", "way", "state", "waiting_since", "reply_channel", "reply_address", "who"]


def _note_arrival(thread: Conversation, words: Words, now: datetime) -> None:
    """Newest words decide how our answer goes back; a closed conversation opens again (what changes: _ARRIVAL)."""
    thread.last_in_at, thread.way, thread.state = now, Conversation.Way(words.way), Conversation.State.OPEN
    thread.waiting_since = thread.waiting_since or now
    if words.reply_address:
        thread.reply_channel, thread.reply_address = words.reply_channel, words.reply_address
    if words.who:
        thread.who = words.who[:120]


@transaction.atomic
def tap(alert: Alert, *, resident: Resident | None, choice: str) -> bool:
    """Keep a one-tap answer; a later tap replaces an earlier one. False when it said the same before."""
    facts = {"choice": Choice(choice), "at": clock.now()}
    if resident is None:
        Answer.objects.create(alert=alert, resident=None, **facts)
        return True
    before = Answer.objects.filter(alert=alert, resident=resident).values_list("choice", flat=True).first()
    Answer.objects.update_or_create(alert=alert, resident=resident, defaults=facts)
    record("answer tapped", alert, by=resident, choice=choice)
    return before != choice


def _may(officer: Officer, conversation: Conversation) -> None:
    if not rules.may_answer(officer, conversation):
        raise NotAllowed("This conversation belongs to another team.")


@transaction.atomic
def answer(conversation: Conversation, *, text: str, by: Officer) -> Turn:
    """Answer by the channel the person used; the clock stops."""
    _may(by, conversation)
    if refused := rules.practice_refusal(by, conversation):
        raise NotAllowed(refused)
    words = text.strip()
    if not words:
        raise Empty("Write your answer first.")
    if not conversation.reply_address:
        raise NotAllowed("This person left no way to answer. Log what you did as a note instead.")
    turn = Turn.objects.create(
        conversation=conversation,
        direction=Turn.Direction.OUT,
        way=Conversation.Way(conversation.reply_channel),
        text=words[:MOST_TEXT],
        at=clock.now(),
        officer=by,
    )
    turn.delivery = post.post(
        _answer_content(conversation, words, by),
        authority=post.Authority("answer", str(turn.pk)),
        stream="answer",
        lane=Lane.NOW,
        to=post.Address(
            conversation.resident.key if conversation.resident else conversation.key,
            Channel(conversation.reply_channel),
            conversation.reply_address,
        ),
        practice=rules.is_practice(conversation),
    )
    turn.save(update_fields=["delivery"])
    conversation.state, conversation.waiting_since = Conversation.State.PENDING, None
    conversation.officer = conversation.officer or by
    conversation.save(update_fields=["state", "waiting_since", "officer"])
    record("answered", conversation, by=by, way=turn.way)
    return turn


def _answer_content(conversation: Conversation, words: str, by: Officer) -> post.Content:
    """An officer's answer: signed with rank, name and team; a reply to it comes back to the same conversation."""
    about = f"{conversation.alert.title} ({conversation.alert.reference})" if conversation.alert else "your message"
    signed = f"{by}, {conversation.team.name}"
    return post.Content(
        sender_name=f"{conversation.team.organisation.name} ({conversation.team.name})",
        subject=f"Re: {about}",
        text=f"{words}\n\n{signed}\nIn an emergency call 999.\n",
        html=f"{markup.html(words)}<p>{markup.html(signed)}</p><p>In an emergency call 999.</p>",
        sms=f"{words}\n{signed}",
        unsubscribe=False,
        in_reply_to=_last_message_id(conversation),
    )


def _last_message_id(conversation: Conversation) -> str:
    """The Message-ID of the mail being answered, so that the person's mail program shows both together.

    "" for one that no header of ours could hold: the answer matters more than how it is sorted.
    """
    last = conversation.turns.filter(inbound__kind=Inbound.Kind.MAIL).select_related("inbound").last()
    found = inbound.read_mail(last.inbound).message_id if last and last.inbound else ""
    return found if is_message_id(found) else ""


@transaction.atomic
def note(conversation: Conversation, *, text: str, by: Officer) -> Turn:
    """Keep an internal note: never sent."""
    _may(by, conversation)
    if not text.strip():
        raise Empty("Write the note first.")
    turn = Turn.objects.create(
        conversation=conversation,
        direction=Turn.Direction.NOTE,
        text=text.strip()[:MOST_TEXT],
        at=clock.now(),
        officer=by,
    )
    record("note kept", conversation, by=by)
    return turn


@transaction.atomic
def log(
    *,
    team: Team,
    text: str,
    way: str,
    by: Officer,
    alert: Alert | None = None,
    who: str = "",
    useful: bool | None = None,
) -> Turn:
    """Keep what someone said by phone or in person, in the officer's words."""
    if way not in (Conversation.Way.PHONE, Conversation.Way.PERSON):
        raise NotAllowed("Only what came by phone or in person is logged by hand.")
    if not text.strip():
        raise Empty("Write what they said first.")
    thread = Conversation.objects.create(
        team=alert.team if alert else team,
        alert=alert,
        officer=by,
        way=way,
        who=who.strip()[:120],
        opened_at=clock.now(),
        last_in_at=clock.now(),
        useful=useful,
    )
    _may(by, thread)
    turn = Turn.objects.create(
        conversation=thread,
        direction=Turn.Direction.IN,
        way=way,
        text=text.strip()[:MOST_TEXT],
        at=clock.now(),
        officer=by,
    )
    record("answer logged", thread, by=by, way=way)
    return turn


@transaction.atomic
def claim(conversation: Conversation, *, by: Officer) -> None:
    """Take a conversation on."""
    _may(by, conversation)
    conversation.officer = by
    conversation.save(update_fields=["officer"])
    record("conversation claimed", conversation, by=by)


@transaction.atomic
def close(conversation: Conversation, *, by: Officer, useful: bool | None = None) -> None:
    """Nothing more is to be done; new words open it again."""
    _may(by, conversation)
    conversation.state, conversation.waiting_since, conversation.useful = Conversation.State.CLOSED, None, useful
    conversation.save(update_fields=["state", "waiting_since", "useful"])
    record("conversation closed", conversation, by=by, useful=useful)


@transaction.atomic
def look(conversation: Conversation, *, by: Officer, why: str) -> list[Turn]:
    """Open a conversation: a look at personal data is an act too, and is recorded (house.md, rule 2)."""
    _may(by, conversation)
    record("conversation read", conversation.resident or conversation, by=by, why=why, team=conversation.team_id)
    return list(conversation.turns.select_related("officer", "delivery"))
