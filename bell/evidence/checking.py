"""Verify all evidence from the bytes up: originals, ledgers, their mirror in the record, and what lies about."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from bell.audit.record import verify as verify_record
from bell.evidence import custody, store
from bell.evidence.models import Exhibit, Upload


@dataclass
class Report:
    """How much was checked, and everything that is broken: (reference, words)."""

    originals: int = 0
    lines: int = 0
    record: int = 0
    broken: list[tuple[str, str]] = field(default_factory=list)


def verify(*, tell: Callable[[str], None] = lambda _: None) -> Report:
    """Check every exhibit; `tell` hears of each as it is done."""
    report = Report()
    for exhibit in Exhibit.objects.select_related("alert", "upload").order_by("pk").iterator(chunk_size=200):
        found = [*_original(exhibit), *_ledger(exhibit, report)]
        report.originals += 1
        report.broken += [(exhibit.reference, words) for words in found]
        tell(f"{'BROKEN' if found else 'whole '}  {exhibit.reference}")
    report.broken += [("originals", words) for words in _strays()]
    record = verify_record()
    report.record = record.checked
    if record.broken:
        report.broken.append(("the record", record.broken))
    return report


def _original(exhibit: Exhibit) -> list[str]:
    path = store.original(exhibit.upload.key)
    try:
        with store.open_original(exhibit.upload.key) as file:
            sha256, size = store.digest(file)
    except store.Gone:
        return ["the original is missing"]
    except OSError as error:
        return [f"the original cannot be read: {error.strerror}"]
    broken = []
    if size != exhibit.size:
        broken.append(f"the original has {size} bytes instead of {exhibit.size}")
    elif sha256 != exhibit.sha256:
        broken.append("the original was changed: its SHA-256 is another")
    if path.stat().st_mode & 0o222:
        broken.append("the original could be written to")
    return broken


def _ledger(exhibit: Exhibit, report: Report) -> list[str]:
    found = custody.verify(exhibit)
    report.lines += found.checked
    sealed = exhibit.custody.filter(what="sealed").first()
    broken = list(found.broken)
    if sealed is None or sealed.facts.get("sha256") != exhibit.sha256:
        broken.append("the ledger does not seal this SHA-256")
    return broken


def _strays() -> list[str]:
    """Files among the originals that no exhibit and no upload on its way to one knows."""
    root = Path(settings.EVIDENCE_DIR) / "originals"
    if not root.is_dir():
        return []
    states = (Upload.State.SEALED, Upload.State.RECEIVED, Upload.State.DAMAGED)
    known = {store.original(key) for key in Upload.objects.filter(state__in=states).values_list("key", flat=True)}
    return [f"{path.name} belongs to no exhibit" for path in sorted(root.glob("*/*")) if path not in known]
