"""Choosing in a survey, by the link in a message: no login, once a person, changeable until it closes.

The record says that somebody answered, never what they chose. The choices and the words that come with them are kept
apart: the team reads the words as a reply like any other, and counts of the choices.
"""

from collections import Counter
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Count, QuerySet

from bell.alerts import ballots
from bell.alerts.models import Alert
from bell.audit.record import record
from bell.conversations import web
from bell.conversations.models import Vote
from bell.lib import clock
from bell.lib.problems import FieldProblems
from bell.residents import rules as resident_rules
from bell.residents.models import Resident

CLOSED = "This survey is closed, so choices can no longer be sent. You can still write to the team."
FORGOTTEN = (
    "We no longer hold who this message was sent to, so we cannot make sure that you choose only once. You can still "
    "write to the team."
)


class NotKept(FieldProblems):
    """What was sent is not kept. `problems` maps a field of the page (choices, text) to words."""


def answer(token: str, *, chosen: Sequence[int] = (), text: str = "") -> Alert:
    """Keep choices (places in the list of choices, from 0), words, or both; the survey.

    Raises web.UnknownLink, or NotKept with words; then nothing is kept.
    """
    with transaction.atomic():
        alert, delivery = web.open_link(token)
        survey = ballots.of(alert)
        if survey is None:
            raise web.UnknownLink("This link leads to no survey.")
        resident = resident_rules.resident_by_key(delivery.recipient_key)
        if chosen:
            vote(survey, resident=resident, chosen=chosen)
        elif not text.strip():
            raise NotKept({"choices": "Choose an answer, or write to the team."})
        if text.strip():
            web.write(text.strip(), alert, delivery, resident)
    return survey


@transaction.atomic
def vote(survey: Alert, *, resident: Resident | None, chosen: Sequence[int]) -> Vote:
    """Keep what somebody chose; it replaces what they chose before. Raises NotKept with words."""
    offered, most, wanted = ballots.choices(survey.fields), ballots.most(survey.fields), sorted(set(chosen))
    if not ballots.is_open(survey):
        raise NotKept({"choices": CLOSED})
    if resident is None:
        raise NotKept({"choices": FORGOTTEN})
    if not wanted or wanted[0] < 0 or wanted[-1] >= len(offered):
        raise NotKept({"choices": "Choose from the list."})
    if len(wanted) > most:
        raise NotKept({"choices": f"Choose {ballots.MOST_WORDS[most]}, not more."})
    words = "\n".join(offered[place] for place in wanted)
    facts = {"chosen": words, "at": clock.now()}
    kept, _ = Vote.objects.update_or_create(alert=survey, resident=resident, defaults=facts)
    record("survey answered", survey, by=resident)
    return kept


def counts(survey: Alert) -> tuple[int, list[tuple[str, int]]]:
    """How many people answered, and (choice, how many chose it) in the survey's order. Exact: faces hide small ones."""
    rows = Vote.objects.filter(alert=survey).order_by().values_list("chosen").annotate(number=Count("pk"))
    people, each = 0, Counter[str]()
    for chosen, number in rows:
        people += number
        each.update(dict.fromkeys(chosen.splitlines(), number))
    return people, [(choice, each[choice]) for choice in ballots.choices(survey.fields)]


def over(before: QuerySet[Vote]) -> QuerySet[Vote]:
    """Of some votes those of surveys in which nobody can choose any more, with who gave them still known."""
    surveys = Alert.objects.filter(pk__in=before.order_by().values("alert").distinct())
    still = [survey.pk for survey in surveys if ballots.is_open(survey)]
    return before.exclude(resident=None).exclude(alert__in=still)


def forget_who(ids: Sequence[int]) -> int:
    """Forget who gave these votes; the numbers stay."""
    return Vote.objects.filter(pk__in=ids).update(resident=None)
