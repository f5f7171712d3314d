"""An export as one zip, written while it is sent: originals, manifest with the ledgers, and an offline verifier."""

import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, cast

from bell.alerts.models import Alert
from bell.evidence import kinds, offline_verify, rules, store
from bell.evidence.models import Exhibit, Scan
from bell.lib import clock

_README = """\
Evidence of alert {reference}, exported {at}.

originals/     each file exactly as it arrived; the names are ours, what the sender called it stands in manifest.json
manifest.json  what each file is, what its sender declared, its SHA-256, and its ledger from arrival to this export
verify.py      python3 verify.py  checks every file and every line of every ledger; it needs Python 3.8 and nothing else

What proves what: the SHA-256 of an original equals the one on its sender's receipt. Each line of a ledger carries a
hash over itself and the line before. The last line of each ledger stands in the system's own record as well, which
`bell evidence verify` compares. Nothing in the folder originals was opened, changed or converted by us.
"""


class _Spout:
    """A file that only goes forward: what the zip writes is taken out at once and sent."""

    def __init__(self) -> None:
        self._kept: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep until it is taken."""
        self._kept.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing waits here."""

    def tell(self) -> int:
        """Refused, so that the zip knows that it cannot go back."""
        raise OSError("this file only goes forward")

    def take(self) -> bytes:
        """All that was written since."""
        found = b"".join(self._kept)
        self._kept.clear()
        return found


def safe_name(exhibit: Exhibit) -> str:
    """A name of ours: "DA-7K3PQ-1.mp4". Nothing that a sender chose."""
    return f"{exhibit.alert.reference}-{exhibit.number}.{kinds.known(exhibit.content_type).ending}"


def manifest(alert: Alert, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """What the package says of itself, as plain data."""
    return {
        "format": "bell evidence export 1",
        "alert": alert.reference,
        "title": alert.title,
        "organisation": alert.organisation.name,
        "team": alert.team.name,
        "exported_at": clock.now().isoformat(),
        "exhibits": [_described(exhibit) for exhibit in exhibits],
    }


def _described(exhibit: Exhibit) -> dict[str, Any]:
    upload = exhibit.upload
    infected = exhibit.scan == Scan.INFECTED
    return {
        "reference": exhibit.reference,
        "file": "" if infected else f"originals/{safe_name(exhibit)}",
        "left_out": f"infected ({exhibit.scan_words})" if infected else "",
        "sha256": exhibit.sha256,
        "size": exhibit.size,
        "content_type": exhibit.content_type,
        "scan": exhibit.get_scan_display(),
        "triage": exhibit.get_triage_display(),
        "name_as_given": upload.name_given or upload.name,
        "arrived_by": upload.get_way_display(),
        "began": upload.created_at.isoformat(),
        "arrived": upload.received_at.isoformat() if upload.received_at else "",
        "sealed": exhibit.sealed_at.isoformat(),
        "declared": {
            "who": upload.said_who,
            "contact": upload.said_contact,
            "when": upload.said_when,
            "where": upload.said_where,
            "clock_was_right": upload.get_clock_display(),
            "about_the_clock": upload.clock_words,
        },
        "custody": [
            {**rules.plain(entry, exhibit), "seal": entry.seal} for entry in exhibit.custody.order_by("position")
        ],
    }


def written(alert: Alert, exhibits: Sequence[Exhibit]) -> Iterator[bytes]:
    """The zip (stored, not compressed: footage does not shrink), in pieces of about a mebibyte."""
    spout = _Spout()
    said = manifest(alert, exhibits)
    readme = _README.format(reference=alert.reference, at=clock.said(clock.now()))
    verifier = Path(offline_verify.__file__).read_text(encoding="utf-8")
    with zipfile.ZipFile(cast("IO[bytes]", spout), "w", zipfile.ZIP_STORED) as package:
        package.writestr("README.txt", readme)
        package.writestr("verify.py", verifier)
        package.writestr("manifest.json", json.dumps(said, indent=1, ensure_ascii=False))
        yield spout.take()
        for exhibit, described in zip(exhibits, said["exhibits"], strict=True):
            if not described["file"]:
                continue
            entry = zipfile.ZipInfo(described["file"], date_time=clock.local(exhibit.sealed_at).timetuple()[:6])
            with store.open_original(exhibit.upload.key) as file, package.open(entry, "w", force_zip64=True) as into:
                for block in store.chunks(file):
                    into.write(block)
                    yield spout.take()
    yield spout.take()
