"""What data protection officers do: look a person up with a reason, withhold, hold, renew, release."""

from datetime import date

from django.db import IntegrityError, transaction

from bell.audit.models import Entry
from bell.audit.record import named, record
from bell.conversations.models import Conversation
from bell.delivery.models import Mailing
from bell.lib import clock
from bell.organisations import notices
from bell.organisations.models import Officer, Role
from bell.privacy import looks, rules
from bell.privacy import person as persons
from bell.privacy.models import Restriction, Withheld, today
from bell.privacy.rules import NotAllowed
from bell.residents.models import Resident


class Unknown(LookupError):
    """Nobody is known by this; the message says so in plain words."""


def team_of(officer: Officer) -> int | None:
    """The team in which the officer protects data: what the person sees instead of a name."""
    return officer.grants.filter(role=Role.DPO).values_list("team", flat=True).first()


@transaction.atomic
def look_up(channel: str, address: str, *, by: Officer, why: str) -> Resident:
    """Find a person by an address that is or was theirs. The look is recorded, and the person sees it."""
    rules.check_protects(by)
    if not why.strip():
        raise NotAllowed("Say why you look this person up. They see the reason.")
    found = persons.at(channel, address)
    if found is None:
        record("nobody looked up", None, by=by, why=why, channel=channel)
        raise Unknown("We hold nobody with this address.")
    record("person looked up", found, by=by, why=why, team=team_of(by))
    return found


@transaction.atomic
def open_person(key: int, *, by: Officer) -> tuple[Resident, list[Entry]]:
    """The person behind a key and every look at them, withheld ones too; only within the hour of a reasoned look-up."""
    resident = check_reasoned(key, by=by)
    record("person opened", resident, by=by, why=rules.gave_reason(by, resident), team=team_of(by))
    return resident, list(looks.entries(resident)[:500])


def check_reasoned(key: int, *, by: Officer) -> Resident:
    """The person behind a key whom this officer looked up with a reason within the hour; else Unknown."""
    rules.check_protects(by)
    resident = Resident.objects.filter(key=key).first()
    if resident is None or not rules.gave_reason(by, resident):
        raise Unknown("Look the person up first, and say why.")
    return resident


@transaction.atomic
def withhold(entry_id: int, *, of: Resident, reason: str, review_on: date, by: Officer) -> Withheld:
    """Hide one look from the person until a day. The entry is not touched; the decision is an entry of its own."""
    rules.check_protects(by)
    rules.check_day(review_on)
    entry = looks.entries(of).filter(pk=entry_id).first()
    if entry is None:
        raise Unknown("This person has no such entry.")
    if not reason.strip():
        raise NotAllowed("Say why the person may not see this yet.")
    try:
        with transaction.atomic():
            kept = Withheld.objects.create(
                entry=entry, reason=reason.strip()[:300], review_on=review_on, by=by, at=clock.now()
            )
    except IntegrityError as error:
        raise NotAllowed("This entry is withheld already.") from error
    # About the decision, not about the person: the person's own page must not show that something is hidden.
    record("entry withheld", kept, by=by, review_on=review_on.isoformat(), entry=entry.pk)
    return kept


@transaction.atomic
def renew(withheld: Withheld, *, review_on: date, by: Officer) -> Withheld:
    """Hide an entry longer, before its day has come."""
    rules.check_protects(by)
    rules.check_day(review_on)
    fresh = Withheld.objects.select_for_update().get(pk=withheld.pk)
    if fresh.ended_at is not None or fresh.review_on <= today():
        raise NotAllowed("The person sees this entry already.")
    fresh.review_on = review_on
    fresh.save(update_fields=["review_on"])
    record("withholding renewed", fresh, by=by, review_on=review_on.isoformat())
    return fresh


@transaction.atomic
def show(withheld: Withheld, *, by: Officer) -> Withheld:
    """Stop withholding at once."""
    rules.check_protects(by)
    fresh = Withheld.objects.select_for_update().get(pk=withheld.pk)
    if fresh.ended_at is None:
        fresh.ended_at = clock.now()
        fresh.save(update_fields=["ended_at"])
        record("withholding ended", fresh, by=by)
    return fresh


def review() -> int:
    """The worker's turn: end withholdings whose day has come, and tell the data protection officers once a day."""
    done = 0
    for one in Withheld.objects.filter(ended_at=None, review_on__lte=today()):
        with transaction.atomic():
            ended = Withheld.objects.filter(pk=one.pk, ended_at=None).update(ended_at=clock.now())
            if ended:
                record("withholding ended", one, by=None, why="its review date came")
                done += 1
    due = Restriction.objects.standing().filter(review_on__lte=today()).count()
    if due:
        _tell(f"{due} restrictions wait for your review.", key=f"restrictions {today()}")
    return done


def _tell(words: str, *, key: str) -> None:
    """One notice a day to each data protection officer."""
    for officer in Officer.objects.filter(grants__role=Role.DPO, is_active=True).distinct():
        name = f"{key} {officer.pk}"
        if not Mailing.objects.filter(authority_kind="notice", authority_key=name).exists():
            notices.notify(officer, words, key=name)


@transaction.atomic
def hold(talk: Conversation, *, person_key: int | None, reason: str, review_on: date, by: Officer) -> Restriction:
    """Keep a conversation out of retention and erasure, for a reason, until a decision after the review date."""
    rules.check_protects(by)
    rules.check_day(review_on)
    if not reason.strip():
        raise NotAllowed("Say why this must be kept. The person sees the reason.")
    kind, key = named(talk)
    kept, _ = Restriction.objects.update_or_create(
        target_type=kind,
        target_key=key,
        released_at=None,
        defaults={
            "person_key": person_key, "reason": reason.strip()[:300], "review_on": review_on, "by": by,
            "at": clock.now(),
        },
    )  # fmt: skip
    record("restricted", talk, by=by, review_on=review_on.isoformat())
    return kept


@transaction.atomic
def keep_longer(restriction: Restriction, *, review_on: date, by: Officer) -> Restriction:
    """Decide at the review that something is still needed."""
    rules.check_protects(by)
    rules.check_day(review_on)
    fresh = Restriction.objects.select_for_update().get(pk=restriction.pk)
    if fresh.released_at is not None:
        raise NotAllowed("This was released already.")
    fresh.review_on = review_on
    fresh.save(update_fields=["review_on"])
    record("restriction renewed", fresh, by=by, review_on=review_on.isoformat())
    return fresh
