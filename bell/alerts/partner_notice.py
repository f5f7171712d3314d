"""What a partner notice must have: where to ask or find out more, by a phone number or a page that we know."""

from bell.alerts.checks import Subject, people
from bell.alerts.checks import links as checked
from bell.alerts.models import Alert
from bell.lib import links
from bell.organisations.kinds import Kind


def problems(alert: Alert) -> dict[str, str]:
    """What is wrong with where to ask: field to words. That it is missing is said elsewhere (alerts.rules)."""
    words = str(alert.fields.get("find_out", "")).strip()
    if alert.kind != Kind.PARTNER or not words:
        return {}
    away = list(checked.links(Subject({"fields": {"find_out": words}}, site=links.host())))
    if away:
        return {"find_out": f"{away[0].words} Give a page at a domain of ours, such as gov.uk, or a phone number."}
    if not people.has_phone(words) and not checked.has_link(words):
        return {"find_out": "Enter a phone number, like 0300 123 2040, or the address of a page."}
    return {}
