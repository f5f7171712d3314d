"""Filters of the desk's templates: {% load staff %}."""

from datetime import datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bell.alerts import checks, find
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations.models import Officer
from bell.residents.area_models import AreaImport
from bell.staff import area_showing, words
from bell.ui.templatetags import bell_ui

register = template.Library()


@register.filter
def said(at: datetime) -> str:
    """A moment as people say it: {{ alert.sent_at|said }}."""
    return clock.said(at) if at else ""


@register.filter
def time_of(at: datetime) -> str:
    """The hour, minute and second on London's clocks, for what happens within the minute."""
    return f"{clock.local(at):%H:%M:%S}"


@register.filter
def in_mail(size: int, copies: int = 1) -> str:
    """What a picture of so many bytes adds to so many mails, base64 included: {{ picture.size|in_mail }} is 164 kB."""
    return words.bytes_said(size * copies * 37 // 27)


@register.filter
def pounds(pence: float) -> str:
    """Money: {{ version.pence|pounds }}."""
    return words.pounds(pence)


@register.filter
def area_tag(run: AreaImport) -> SafeString:
    """The state of an import of areas as a coloured word."""
    return bell_ui.tag(str(run.get_state_display()), area_showing.COLOURS[run.state])


@register.filter
def state_tag(alert: Alert) -> SafeString:
    """The state of an alert as a coloured word."""
    return bell_ui.tag(str(alert.get_state_display()), words.STATE_COLOURS.get(alert.state, "grey"))


@register.filter
def level_tag(level: checks.Level) -> SafeString:
    """What a finding of the checks means for the approval, as a coloured word."""
    said, colour = words.LEVELS[level]
    return bell_ui.tag(said, colour)


@register.filter
def public_title(alert: Alert) -> str:
    """An alert's title for whoever passes it on: none of a missing person's once the search is over (promises.md)."""
    return "This search has ended" if find.search_is_over(alert) else alert.title or "No title yet"


@register.filter
def for_officer(number: int, officer: Officer) -> str:
    """A count of people as this officer may see it: {{ version.people|for_officer:officer }}."""
    return words.number(number, officer)


@register.filter
def waiting_clock(since: datetime | None) -> SafeString | str:
    """How long someone has waited, with its clock: {{ conversation.waiting_since|waiting_clock }}."""
    told, tone = words.waited(since)
    if not told:
        return ""
    extra = f" app-clock--{tone}" if tone else ""
    return format_html('<span class="app-clock{}">{}{}</span>', extra, bell_ui.icon("clock"), told)
