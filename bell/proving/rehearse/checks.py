"""I1 to I5 of promises.md, checked from the catchers' own spools against what brute force expects (more: proofs).

`holds` is true, false, or None where somebody else's relay or gateway makes it unprovable. Nothing checked is no pass.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from bell.alerts import content, rules
from bell.alerts.models import Approval, Version
from bell.audit.models import Entry
from bell.delivery.models import Delivery
from bell.delivery.models import State as Delivered
from bell.proving.rehearse import acts, digested, people_proofs, proofs, spools, surveyed, wrongs
from bell.proving.rehearse.desk import Sent
from bell.proving.rehearse.expected import Pair
from bell.proving.rehearse.spools import Copy, masked
from bell.proving.rehearse.story import GRACE, Story
from bell.proving.rehearse.verdict import Verdict

_ENDS = {
    Delivered.SENT, Delivered.DELIVERED, Delivered.BOUNCED, Delivered.FAILED, Delivered.SUPPRESSED,
    Delivered.CANCELLED, Delivered.EXPIRED, Delivered.UNCERTAIN,
}  # fmt: skip
_ACCEPTED = {Delivered.SENT, Delivered.DELIVERED, Delivered.BOUNCED}
_MAY_BE_EITHER = {Delivered.UNCERTAIN, Delivered.FAILED}  # a text that the gateway took may fail later
_MACHINES = {"code", "receipt", "answer", "notice"}


@dataclass(frozen=True)
class Row:
    """One delivery as the database has it."""

    pk: int
    pair: Pair
    state: str
    address: str
    retried: bool
    organisation: int
    """Whose stream it went by."""


class Evidence:
    """The spools and the tables, read once, after everything was over."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.doors = story.doors
        self.copies = spools.read(self.doors.spool)
        self.practice = spools.read(self.doors.practice)
        self.names = {one.version.alert.reference: one for one in story.sent}

    @property
    def whole(self) -> bool:
        """Whether every copy went to catchers that we can read."""
        return self.doors.own_relay and self.doors.own_gateway

    @cached_property
    def authority(self) -> dict[int, tuple[str, int]]:
        """By which authority each delivery in the spools left: (kind, mailing)."""
        return _authorities(self.copies)

    def is_footage_receipt(self, copy: Copy) -> bool:
        """Whether a copy is our receipt for a file: it names an alert, but carries none."""
        kind, _ = self.authority.get(copy.delivery_id or 0, ("", 0))
        return kind == "receipt" and copy.channel == "email" and copy.subject.startswith("Your footage arrived")

    @cached_property
    def digests(self) -> digested.Digests:
        """The digests among the copies."""
        return digested.Digests(self.authority)

    @cached_property
    def alerts(self) -> list[Copy]:
        """The copies of alerts, as far as one can tell by the reference in them. A digest is none: it has several."""
        found = [copy for copy in self.copies if copy.reference and not self.is_footage_receipt(copy)]
        return [copy for copy in found if not self.digests.has(copy)]

    def seen(self, channel: str) -> bool:
        """Whether the copies of a channel can be seen."""
        return self.doors.own_relay if channel == "email" else self.doors.own_gateway

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """The deliveries of each alert that was sent, by its name."""
        found: dict[str, list[Row]] = {}
        for one in self.story.sent:
            columns = ("pk", "recipient_key", "channel", "state", "address", "retried", "mailing__stream")
            rows = Delivery.objects.filter(mailing__in=one.mailings()).values_list(*columns)
            found[one.name] = [self._row(*row) for row in rows]
        return found

    def _row(self, pk: int, key: int, way: str, state: str, to: str, again: bool, stream: str) -> Row:
        """One delivery; that of the person who was erased is theirs again."""
        organisation = int(stream.partition(".")[0])
        before = self.story.erased.deliveries.get(pk) if self.story.erased else None
        if before is not None:
            return Row(pk, before.pair, state, before.address, again, organisation)
        return Row(pk, (key, way), state, to, again, organisation)

    @cached_property
    def arrived(self) -> dict[tuple[str, str, str], list[Copy]]:
        """Copies of alerts that were sent, by (alert's name, channel, address)."""
        found: dict[tuple[str, str, str], list[Copy]] = defaultdict(list)
        for copy in self.alerts:
            sent = self.names.get(copy.reference)
            if sent is not None:
                found[sent.name, copy.channel, copy.to].append(copy)
        return found


def run(evidence: Evidence) -> dict[str, Verdict]:
    """All eight, by name."""
    checks: dict[str, Callable[[Evidence], Verdict]] = {"I1": _i1, "I2": _i2, "I3": _i3, "I4": _i4, "I5": _i5}
    found = {name: check(evidence) for name, check in checks.items()}
    story = evidence.story
    return {**found, "I6": proofs.i6(story), "I7": proofs.i7(), "I8": proofs.i8(story, evidence.copies)}


def promises(evidence: Evidence) -> dict[str, Verdict]:
    """What people were promised beside these, by name."""
    everything = (evidence.story, evidence.copies, evidence.practice)
    sent = evidence.story.by_name()
    return {
        "paper": people_proofs.paper(*everything),
        "erasure": people_proofs.erased(*everything),
        "returned": acts.returned(sent, evidence.copies, provable=evidence.whole),
        "quiet hours": acts.quiet(evidence.story.acts, sent, evidence.copies, provable=evidence.whole),
        "two approvals": acts.by_two(evidence.story.acts, sent, evidence.copies, provable=evidence.whole),
        "digests": digested.proof(
            evidence.story.acts.digested, evidence.copies, evidence.digests, provable=evidence.whole
        ),
        "survey": surveyed.proof(evidence.story.acts.surveyed, evidence.copies, provable=evidence.whole),
        "stand-down": acts.stand_down(sent, evidence.copies, provable=evidence.whole),
    }


def _i1(evidence: Evidence) -> Verdict:
    """No silent loss: each person and channel of the frozen audience has one end, and the spool agrees with it."""
    verdict = Verdict()
    for sent in evidence.story.sent:
        counted = Counter(row.pair for row in evidence.rows[sent.name])
        states = {row.pair: row for row in evidence.rows[sent.name]}
        for pair, due in sent.expected.items():
            words = f"{sent.name}: {pair[1]} of person {pair[0]}"
            verdict.check(counted[pair] == 1, f"{words} has {counted[pair]} deliveries, not one")
            row = states.get(pair)
            if row is not None:
                verdict.check(row.organisation == due.organisation, f"{words} went by another organisation's stream")
                _check_end(evidence, verdict, sent, row, due.address, words)
        for pair in counted.keys() - sent.expected.keys():
            verdict.check(False, f"{sent.name}: {pair[1]} of person {pair[0]} was nobody's wish")
        verdict.check(
            sum(counted.values()) == len(sent.expected),
            f"{sent.name}: {sum(counted.values())} deliveries for {len(sent.expected)} expected",
        )
    return verdict


def _check_end(evidence: Evidence, verdict: Verdict, sent: Sent, row: Row, address: str, words: str) -> None:
    """One delivery: it came to an end, and what the spool holds is what that end says."""
    verdict.check(row.state in _ENDS, f"{words} is still {row.state}")
    if not evidence.seen(row.pair[1]) or row.state in _MAY_BE_EITHER:
        return
    copies = len(evidence.arrived.get((sent.name, row.pair[1], address), []))
    copies += evidence.digests.brought(evidence.copies, row.pk)
    if row.state in _ACCEPTED:
        verdict.check(copies > 0, f"{words} is {row.state}, but the spool has no copy")
    else:
        verdict.check(copies == 0, f"{words} is {row.state}, but the spool has a copy")


def _i2(evidence: Evidence) -> Verdict:
    """Bounded duplicates: one accepted copy each, except rows marked as uncertain."""
    verdict = Verdict(provable=evidence.whole)
    marked = {
        (name, row.pair[1], row.address)
        for name, rows in evidence.rows.items()
        for row in rows
        if row.retried or row.state == Delivered.UNCERTAIN
    }
    for place, copies in evidence.arrived.items():
        verdict.check(len(copies) == 1 or place in marked, f"{place[0]}: {len(copies)} copies by {place[1]} to one")
    by_delivery = Counter(copy.delivery_id for copy in evidence.copies if copy.delivery_id is not None)
    uncertain = set(
        Delivery.objects.filter(pk__in=[pk for pk, count in by_delivery.items() if count > 1])
        .filter(retried=True)
        .values_list("pk", flat=True)
    )
    for number, count in by_delivery.items():
        verdict.check(count == 1 or number in uncertain, f"delivery {number} arrived {count} times")
    return verdict


def _i3(evidence: Evidence) -> Verdict:
    """Stop means stop: nothing of an alert arrives later than five seconds after an opt-out or a stop."""
    story = evidence.story
    verdict = Verdict(provable=evidence.whole)
    # One click ends one kind of alert; STOP and leaving end them all.
    kinds = {name: sent.version.alert.kind for name, sent in story.by_name().items()}
    by_address: dict[tuple[str, str], list[tuple[str, Copy]]] = defaultdict(list)
    for (name, channel, address), copies in evidence.arrived.items():
        by_address[channel, address] += [(kinds[name], copy) for copy in copies]
    for one in story.opted_out:
        for channel, address in one.addresses.items():
            ended = [story.world.kind] if one.way == "one-click" else list(kinds.values())
            theirs = [copy for kind, copy in by_address[channel, address] if kind in ended]
            late = [copy for copy in theirs if copy.at > one.at + GRACE]
            verdict.check(not late, f"{len(late)} by {channel} after {one.way} of person {one.key}")
        ends = Delivery.objects.filter(pk__in=one.waited).exclude(state__in=_ENDS)
        verdict.check(not ends.exists(), f"something still waits for person {one.key} after {one.way}")
    if evidence.whole:
        verdict.check(len(story.opted_out) > 0, "nobody opted out while it was being sent")
        verdict.check(any(one.waited for one in story.opted_out), "nothing waited for those who opted out")
        verdict.check(story.stopped_at is not None, "the alert was over before it could be stopped")
    if story.stopped_at is not None:
        _check_stop(evidence, verdict)
    return verdict


def _check_stop(evidence: Evidence, verdict: Verdict) -> None:
    """The alert that was stopped: what had not begun by then never came, and there was some of that."""
    cancelled = 0
    for row in evidence.rows["stopped"]:
        cancelled += row.state == Delivered.CANCELLED
    if evidence.whole:
        verdict.check(cancelled > 0, "the stop cancelled nothing, so it proved nothing")
    limit = (evidence.story.stopped_at or evidence.copies[-1].at) + GRACE
    for (name, channel, _), copies in evidence.arrived.items():
        if name == "stopped":
            late = [copy for copy in copies if copy.at > limit]
            verdict.check(not late, f"{len(late)} by {channel} after the stop")


def _i4(evidence: Evidence) -> Verdict:
    """Approval: all that arrived had it, or was a machine's notice or receipt; no wrong that was tried arrived."""
    verdict = Verdict(provable=evidence.whole)
    for tried in evidence.story.tried:
        verdict.check(tried.refused, f"{tried.name}: the rules let it through")
        seen = [copy for copy in evidence.copies if tried.mark in f"{copy.subject}\n{copy.text}\n{copy.html}"]
        verdict.check(not seen, f"{tried.name}: {len(seen)} copies in the spools")
        caught = sum(tried.mark in copy.text for copy in evidence.practice)
        if tried.practice:
            verdict.check(caught > 0, "the practice alert did not reach the practice catchers either")
        else:
            verdict.check(caught == 0, f"{tried.name}: {caught} copies at the practice catchers")
            verdict.check(not wrongs.gone_out(tried), f"{tried.name}: it was sent")
    approved = {mailing.pk for one in evidence.story.sent if _is_approved(one.version) for mailing in one.mailings()}
    for copy in evidence.copies:
        kind, mailing = evidence.authority.get(copy.delivery_id or 0, ("", 0))
        if kind == "digest":
            _check_digest(evidence, verdict, copy, approved)
            continue
        machine = kind in _MACHINES and (not copy.reference or evidence.is_footage_receipt(copy))
        verdict.check(
            machine or (kind == "approval" and mailing in approved),
            f"a copy by {copy.channel} of {copy.reference or 'something'} without an approval that counts",
        )
    return verdict


def _check_digest(evidence: Evidence, verdict: Verdict, copy: Copy, approved: set[int]) -> None:
    """A digest brings approved messages only, and says what they say."""
    items = evidence.digests.items[copy.delivery_id or 0]
    mailings = set(Delivery.objects.filter(pk__in=items).values_list("mailing", flat=True))
    verdict.check(bool(mailings) and mailings <= approved, "a digest with a message that has no approval that counts")
    verdict.check(digested.is_right(copy, items), "a digest does not say what was approved")


def _authorities(copies: list[Copy]) -> dict[int, tuple[str, int]]:
    """By which authority each delivery left: (kind, mailing)."""
    wanted = list({copy.delivery_id for copy in copies if copy.delivery_id is not None})
    found: dict[int, tuple[str, int]] = {}
    for start in range(0, len(wanted), 500):
        rows = Delivery.objects.filter(pk__in=wanted[start : start + 500])
        for number, kind, mailing in rows.values_list("pk", "mailing__authority_kind", "mailing_id"):
            found[number] = (kind, mailing)
    return found


def _is_approved(version: Version) -> bool:
    """Approved, for exactly this content, by as many as its route asks for who neither wrote, edited nor submitted it.

    Read from the rows alone, and from the record of who edited: not by asking alerts.rules.
    """
    alert = version.alert
    edits = Entry.objects.filter(verb__in=["alert drafted", "alert edited"], target_key=str(alert.pk))
    writers = {str(alert.author.key), str(alert.last_editor.key), str(version.by.key)}
    writers |= set(edits.filter(target_type="alert").values_list("by_key", flat=True))
    given = version.approvals.filter(decision=Approval.Decision.APPROVE, digest=version.digest)
    others = {one.officer.key for one in given.select_related("officer") if str(one.officer.key) not in writers}
    return len(others) >= int(version.route["people"])


def _i5(evidence: Evidence) -> Verdict:
    """What was approved is what was sent: each copy's hash, tokens masked, is that of the approved version."""
    verdict = Verdict(provable=evidence.whole)
    for sent in evidence.story.sent:
        frozen = sent.version.frozen
        digest = rules.digest(frozen)
        verdict.check(digest == sent.version.digest, f"{sent.name}: the frozen version is not what was hashed")
        approved = sent.version.approvals.filter(decision=Approval.Decision.APPROVE, digest=digest)
        verdict.check(approved.exists(), f"{sent.name}: what was approved has another hash")
        right = _fingerprints(sent)
        for copy in evidence.alerts:
            if copy.reference == sent.version.alert.reference:
                own = right.get(evidence.authority.get(copy.delivery_id or 0, ("", 0))[1], {})
                verdict.check(
                    _fingerprint(copy.channel, copy.subject, copy.text, copy.html) == own.get(copy.channel),
                    f"{sent.name}: a copy by {copy.channel} is not what was approved",
                )
                answers = copy.answer_token is None or copy.answer_token == copy.delivery_id
                verdict.check(answers, f"{sent.name}: a copy by {copy.channel} carries another person's answer link")
    return verdict


def _fingerprints(sent: Sent) -> dict[int, dict[str, str]]:
    """What a copy must be, by mailing and channel, worked out anew from the approved text and who carries it."""
    carriers = {one.mailing_id: one.organisation for one in sent.version.carriers.select_related("organisation")}
    found = {}
    for mailing in sent.mailings():
        whole = content.build(sent.version.frozen, carrier=carriers.get(mailing.pk))
        found[mailing.pk] = {
            "email": _fingerprint("email", whole.subject, whole.text, whole.html),
            "sms": _fingerprint("sms", "", whole.sms, ""),
        }
    return found


def _fingerprint(channel: str, subject: str, text: str, html: str) -> str:
    """One hash over what a reader gets, without what differs from person to person."""
    return rules.digest({"channel": channel, "subject": subject, "text": masked(text), "html": masked(html)})
