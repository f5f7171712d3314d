"""A small installation with something of everything that a backup must keep. Run by tests as a process of its own."""

import sys
from datetime import timedelta
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402 (Django's settings come first)

from bell.alerts import actions as alerts  # noqa: E402
from bell.alerts import dispatch  # noqa: E402
from bell.alerts.models import Alert  # noqa: E402
from bell.audit.record import seal  # noqa: E402
from bell.evidence import actions, intake, rules  # noqa: E402
from bell.lib import clock, keys  # noqa: E402
from bell.organisations.kinds import Kind  # noqa: E402
from tests.cast import Cast  # noqa: E402


class Bytes:
    """A file that somebody sends."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        block, self.data = self.data[:size], self.data[size:]
        return block


def main() -> None:
    """Twelve residents; one alert that is in the outbox, one that is held; one original; one paper form."""
    cast = Cast()
    for number in range(12):
        cast.resident(email=f"someone{number}@home.example")
    fields = {"from_time": "1am", "to_time": "3am", "look_for": "a white van"}
    sending, _ = cast.approved(kind=Kind.FOOTAGE, fields=fields)
    Alert.objects.filter(pk=sending.pk).update(hold_until=clock.now())
    dispatch.run_due()
    held, _ = cast.approved(title="About to go")
    # Held until the backup is long made; then it would go.
    Alert.objects.filter(pk=held.pk).update(hold_until=clock.now() + timedelta(seconds=float(sys.argv[1])))
    alerts.draft(team=cast.team, kind=Kind.CRIME, by=cast.author, title="A draft")
    ticket = rules.Ticket(sending.pk, 0, keys.random_key())
    made = intake.begin(ticket, intake.Declared(name="clip.mp4"), length=12)
    intake.append(made.key, 0, Bytes(b"some footage"), expected=12)
    made.refresh_from_db()
    assert actions.seal(made) is not None
    Path(settings.PAPER_DIR).mkdir(parents=True, exist_ok=True)
    (Path(settings.PAPER_DIR) / "form.pdf").write_bytes(b"%PDF-1.7 a scan")
    seal()


main()
