"""Ready questions about uploads and exhibits."""

from dataclasses import dataclass

from bell.alerts.models import Alert
from bell.delivery.models import Channel
from bell.evidence import rules
from bell.evidence.intake import said_size
from bell.evidence.models import Exhibit, Upload
from bell.organisations.models import Officer


@dataclass(frozen=True)
class Sent:
    """One file of a sitting as its sender sees it; `reference` and `sha256` once it is sealed."""

    name: str
    state: str
    size: str
    exact: int
    reference: str = ""
    sha256: str = ""


def upload_at(token: str) -> Upload | None:
    """The upload behind the last part of its address."""
    key = rules.key_of(token)
    return Upload.objects.filter(key=key).first() if key is not None else None


def upload_of_key(key: int) -> Upload | None:
    """The upload as it is now."""
    return Upload.objects.filter(key=key).first()


def receipt_goes(sitting: int) -> bool:
    """Whether a receipt of this sitting is or was emailed: only to the address that the message went to."""
    came = Upload.objects.filter(sitting=sitting, delivery__channel=Channel.EMAIL)
    return came.exclude(delivery__address="").exists()


def sent(sitting: int) -> list[Sent]:
    """Everything that arrived whole in one sitting, oldest first. What is still on its way is not shown."""
    states = (Upload.State.RECEIVED, Upload.State.SEALED, Upload.State.DAMAGED)
    found = []
    for upload in Upload.objects.filter(sitting=sitting, state__in=states).order_by("pk"):
        exhibit = Exhibit.objects.filter(upload=upload).select_related("alert").first()
        sealed = {"reference": exhibit.reference, "sha256": exhibit.sha256} if exhibit else {}
        found.append(Sent(upload.name, str(upload.state), said_size(upload.offset), upload.offset, **sealed))
    return found


def of_alert(alert: Alert, officer: Officer) -> list[Exhibit]:
    """The exhibits of an alert that the officer may see, in the order of their numbers."""
    seen = Exhibit.objects.visible_to(officer).filter(alert=alert)
    return list(seen.select_related("upload", "alert__team"))


def arriving(alert: Alert) -> int:
    """How many files of an alert are on their way or wait to be sealed."""
    return Upload.objects.filter(alert=alert, state__in=[Upload.State.RECEIVING, Upload.State.RECEIVED]).count()
