"""Ready questions about conversations, asked through the officer who looks."""

from collections import Counter

from django.db.models import QuerySet

from bell.alerts.models import Alert
from bell.conversations.models import Answer, Choice, Conversation
from bell.organisations.models import Officer

TABS = {"mine": "Mine", "unassigned": "Unassigned", "team": "Team", "closed": "Closed"}


def inbox(officer: Officer, tab: str) -> QuerySet[Conversation]:
    """Conversations of one tab of the inbox, newest words first."""
    seen = Conversation.objects.visible_to(officer).select_related("alert", "officer", "team", "resident")
    if tab == "closed":
        return seen.filter(state=Conversation.State.CLOSED)
    live = seen.exclude(state=Conversation.State.CLOSED)
    if tab == "mine":
        return live.filter(officer=officer)
    if tab == "unassigned":
        return live.filter(officer=None)
    return live


def tallies(officer: Officer) -> dict[str, int]:
    """How many conversations stand in each tab, closed ones left out."""
    return {tab: inbox(officer, tab).count() for tab in TABS if tab != "closed"}


def stamp(officer: Officer) -> str:
    """Changes whenever something new came to this officer's teams: a page asks for it to know whether to redraw."""
    newest = Conversation.objects.visible_to(officer).order_by("-last_in_at").values_list("pk", "last_in_at").first()
    return f"{newest[0]}-{newest[1].timestamp()}" if newest else "none"


def taps(alert: Alert) -> list[tuple[str, int]]:
    """One-tap answers of an alert: (label, how many), in the order of `Choice`."""
    counted = Counter(Answer.objects.filter(alert=alert).values_list("choice", flat=True))
    return [(choice.label, counted.get(choice.value, 0)) for choice in Choice]


def of_alert(alert: Alert, officer: Officer) -> QuerySet[Conversation]:
    """Conversations about an alert that the officer may see."""
    return Conversation.objects.visible_to(officer).filter(alert=alert).select_related("officer", "resident")
