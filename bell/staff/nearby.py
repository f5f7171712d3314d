"""Registered cameras near what an officer draws, in words for the composer."""

from bell.alerts import cameras, find
from bell.alerts.models import Alert
from bell.evidence.rules import TAKING


def said(alert: Alert) -> str:
    """How many stand within 150 metres, and when the first records over today; "" where nothing is drawn or asked."""
    if alert.kind not in TAKING or alert.follows_id is not None:
        return ""
    found = cameras.near(find.rule(alert))
    if found is None:
        return ""
    where = f"within {cameras.NEAR_M:.0f} metres of what you drew"
    if found.cameras == 0 or found.gone_on is None:
        return f"No registered camera stands {where}."
    many = "Fewer than 5" if found.cameras is None else f"About {found.cameras}"
    gone = f"{found.gone_on:%A} {found.gone_on.day} {found.gone_on:%B}"
    return f"{many} registered cameras stand {where}. What the first of them films today is gone on {gone}."
