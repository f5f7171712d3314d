"""A time as people say it, in pages that show a person's data."""

from datetime import datetime

from django import template

from bell.lib import clock

register = template.Library()


@register.filter
def said(at: datetime) -> str:
    """ "today at 2:40pm"."""
    return clock.said(at)
