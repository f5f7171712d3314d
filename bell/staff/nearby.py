"""Registered cameras near what an officer draws, in words for the composer."""

from bell.alerts import cameras, find
from bell.alerts.models import Alert
from bell.evidence.rules import TAKING


def said(alert: Alert) -> str:
    """About how many lie within 150 metres, and how soon today is recorded over; "" where nothing is drawn or asked."""
    if alert.kind not in TAKING or alert.follows_id is not None:
        return ""
    found = cameras.near(find.rule(alert))
    if found is None:
        return ""
    where = f"within {cameras.NEAR_M:.0f} metres of what you drew"
    if found.cameras is None:
        return f"Fewer than 5 places with registered cameras, perhaps none, lie {where}."
    many = f"About {found.cameras} places with registered cameras lie {where}."
    if found.gone_on is None:
        return many
    gone = f"{found.gone_on:%A} {found.gone_on.day} {found.gone_on:%B}"
    return f"{many} A quarter of all registered cameras will have recorded over today by {gone}."
