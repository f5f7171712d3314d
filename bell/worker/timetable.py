"""What the worker does, and how often: one line each. Sending is not here: it goes on all the time (loop.py)."""

from collections.abc import Callable
from dataclasses import dataclass

from bell.alerts import digests, dispatch, expiry, lapsing
from bell.audit import heads
from bell.audit.record import seal
from bell.conversations import receive
from bell.delivery import health, holding, outbox
from bell.evidence import actions as evidence
from bell.evidence import intake, preview, receipts, scan
from bell.privacy import actions as privacy
from bell.privacy import retention
from bell.residents import area_work, dead_email, paper_confirm


@dataclass(frozen=True)
class Entry:
    """A piece of work: its name in the log, seconds from one start to the next, what to call (it says how much)."""

    name: str
    every: float
    work: Callable[[], int]
    # Work on files, which may take minutes, has a thread of its own: no alert waits for it.
    apart: bool = False


TIMETABLE = (
    Entry("heartbeat", health.BEAT_SECONDS, health.beat),  # this worker is alive (doctor, health page, metrics)
    Entry("dispatch", 0.5, dispatch.run_due),  # alerts whose time has come, into the outbox, a step at a time
    Entry("approvals", 30.0, lapsing.lapse_due),  # what waited too long for approval, back to its author
    Entry("over", 5.0, expiry.run_due),  # alerts whose time has passed: what has not gone goes no more
    Entry("digests", 5.0, digests.run_due),  # residents' daily and weekly digests, and what became of them
    Entry("receive", 0.5, receive.run),  # replies, texts, bounces and receipts, out of the raw bytes
    Entry("trouble", 15.0, holding.hold_troubled),  # a send that too many complain of is held, and a person called
    Entry("sweep", 2.0, outbox.sweep),  # batches of workers that are gone, back into the outbox
    Entry("paper", 3600.0, paper_confirm.forget_unconfirmed),  # people of paper and door who never confirmed, gone
    Entry("dead email", 60.0, dead_email.ask_for_another),  # whose email comes back is asked by text for another
    Entry("seal", 1.0, seal),  # audit entries, into the chain
    Entry("audit head", 600.0, heads.write_due),  # once a day, to a file outside the database
    Entry("uploads", 2.0, evidence.seal_due, apart=True),  # files that arrived whole, sealed exactly once
    Entry("scan", 3.0, scan.scan_due, apart=True),  # exhibits that no scanner has seen
    Entry("previews", 3.0, preview.preview_due, apart=True),  # copies to look at, made in a locked-up child
    Entry("areas", 1.0, area_work.run_due, apart=True),  # an import of areas, some seconds at a time
    Entry("footage receipts", 5.0, receipts.send_due),  # to those who came by a message
    Entry("expire", 300.0, intake.expire_due),  # files that nobody went on sending
    Entry("retention", 60.0, retention.run),  # what we keep no longer, a part a minute until the day's share is done
    Entry("review", 600.0, privacy.review),  # what is withheld becomes visible on its day
)
