"""The settings that each vendor of texts cannot work without; loaded before the tables are, so that checks can ask."""

from django.conf import settings

NEEDS = {
    "kannel": ("KANNEL_URL", "KANNEL_USER", "KANNEL_PASSWORD", "KANNEL_SECRET"),
    "notify": ("NOTIFY_API_KEY", "NOTIFY_TEMPLATE", "NOTIFY_CALLBACK_TOKEN"),
    "simulator": ("SMS_GATEWAY_URL", "SMS_GATEWAY_SECRET"),
    "twilio": ("TWILIO_ACCOUNT", "TWILIO_AUTH_TOKEN"),
    "vonage": ("VONAGE_API_KEY", "VONAGE_API_SECRET", "VONAGE_SIGNATURE_SECRET"),
}


def missing(vendor: str) -> str:
    """The first variable that is missing for a vendor, or "". KeyError for one that we do not know."""
    return next((f"BELL_{name}" for name in NEEDS[vendor] if not getattr(settings, name)), "")
