"""What is done with paper and at the door: printing, bundles, entering forms, forgetting. The rest: paper_confirm."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import IntegrityError, transaction

from bell.audit.record import record
from bell.delivery.models import Channel
from bell.lib import clock, scans
from bell.organisations import kinds
from bell.organisations.models import Officer, Team
from bell.residents import paper_confirm, paper_rules
from bell.residents.actions import Spot
from bell.residents.models import Bundle, PaperForm, PendingJoin, PrintedForm, PrintRun, SourceCode
from bell.residents.paper_rules import NotAccepted, NotAllowed
from bell.residents.rules import Reach

WHY_ENTER = "entering a paper form"
WHY_DOOR = "joining somebody at the door"
_EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


@dataclass(frozen=True)
class Entry:
    """What stands on a form, or was said at the door. `serial` as typed; the rest checked and normalised."""

    spot: Spot
    reaches: Sequence[Reach] = ()
    name: str = ""
    postal: str = ""
    serial: str = ""
    email_kinds: list[str] = field(default_factory=list)
    sms_kinds: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    organisations: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of an entry: somebody known already, or waiting; and by which channels they were asked to confirm."""

    known: bool = False
    asked: tuple[str, ...] = ()
    pending: PendingJoin | None = None


@transaction.atomic
def make_source(team: Team, *, label: str, by: Officer, officer: Officer | None = None) -> SourceCode:
    """A code for a poster or QR code of a team, or of one of its officers."""
    if not paper_rules.works_for(by, team):
        raise NotAllowed("Posters of this team are made by its own officers.")
    made = SourceCode.objects.create(
        code=paper_rules.new_source_code(), label=label.strip()[:80], team=team, officer=officer, made_at=clock.now()
    )
    record("source made", made, by=by, team=team.pk)
    return made


def _own_source(team: Team, label: str, *, by: Officer, officer: Officer | None = None) -> SourceCode:
    """The team's source of this name, made when it is first needed."""
    known = SourceCode.objects.filter(team=team, officer=officer, label=label[:80]).first()
    return known or make_source(team, label=label, by=by, officer=officer)


@transaction.atomic
def print_forms(team: Team, *, count: int, by: Officer) -> PrintRun:
    """A run of sign-up forms, each with a serial number of its own and today's wording of the consent."""
    paper_rules.check_paper(by, team)
    if not 1 <= count <= paper_rules.MOST_FORMS:
        raise NotAccepted({"count": f"Print 1 to {paper_rules.MOST_FORMS} forms at a time"})
    source = _own_source(team, "Paper forms", by=by)
    wording = paper_rules.wording(team.organisation)
    run = PrintRun.objects.create(team=team, source=source, by=by, made_at=clock.now(), wording=wording)
    PrintedForm.objects.bulk_create([PrintedForm(run=run, serial=paper_rules.new_serial()) for _ in range(count)])
    record("forms printed", run, by=by, team=team.pk, count=count)
    return run


@transaction.atomic
def open_bundle(team: Team, *, received_on: date, size: int, by: Officer) -> Bundle:
    """A bundle of forms that came back together, numbered from one."""
    paper_rules.check_paper(by, team)
    if not 1 <= size <= paper_rules.MOST_FORMS:
        raise NotAccepted({"size": f"A bundle has 1 to {paper_rules.MOST_FORMS} forms"})
    if received_on > clock.local(clock.now()).date():
        raise NotAccepted({"received_on": "The day the forms came must be today or in the past"})
    bundle = Bundle.objects.create(team=team, received_on=received_on, by=by, made_at=clock.now())
    PaperForm.objects.bulk_create([PaperForm(bundle=bundle, number=number) for number in range(1, size + 1)])
    record("bundle opened", bundle, by=by, team=team.pk, size=size)
    return bundle


def keep_scans(bundle: Bundle, files: Sequence[tuple[str, BinaryIO, int]], *, by: Officer) -> int:
    """Keep scans, (name, open file, bytes) each, with the forms that have none, in order; returns how many.

    All or none: one bad file would shift the others to the wrong forms. NotAccepted names the bad ones.
    """
    paper_rules.check_paper(by, bundle.team)
    without = list(bundle.forms.filter(scan_name="", state=PaperForm.State.WAITING))
    problems = [f"{name[:60]}: {words}." for name, file, size in files if (words := _trouble(file, size))]
    if not files:
        problems.append("Choose the scans first.")
    if len(files) > len(without):
        problems.append(f"{len(files)} files, but only {len(without)} forms wait without a scan.")
    if problems:
        raise NotAccepted({"scans": " ".join(problems)})
    with transaction.atomic():
        for form, (_, file, size) in zip(without, files, strict=False):
            keep_scan(form, file, size, by=by)
    return len(files)


def _trouble(file: BinaryIO, size: int) -> str:
    """Why a file cannot be kept, or nothing."""
    try:
        scans.check(file, size)
    except scans.ScanError as error:
        return str(error)
    return ""


@transaction.atomic
def keep_scan(form: PaperForm, file: BinaryIO, size: int, *, by: Officer) -> None:
    """Keep the scan of one form that is still to be entered, in place of an earlier one."""
    paper_rules.check_paper(by, form.bundle.team)
    try:
        kind = scans.check(file, size)
    except scans.ScanError as error:
        raise NotAccepted({"scans": f"{error}."}) from error
    fresh = PaperForm.objects.select_for_update().get(pk=form.pk)
    if fresh.state != PaperForm.State.WAITING:
        raise NotAccepted({"scans": "This form is done with. Its scan stays as it is."})
    before = fresh.scan_name
    name = f"{secrets.token_hex(16)}.{_EXTENSIONS[kind.media_type]}"
    fresh.scan_sha256 = _store(name, file)
    fresh.scan_name, fresh.scan_type, fresh.scan_bytes = name, kind.media_type, size
    fresh.save(update_fields=["scan_name", "scan_type", "scan_bytes", "scan_sha256"])
    if before:
        transaction.on_commit(lambda: scan_path(before).unlink(missing_ok=True))
    record("scan kept", fresh, by=by, bytes=size, sha256=fresh.scan_sha256)


def scan_path(name: str) -> Path:
    """Where a scan lies."""
    return Path(settings.PAPER_DIR) / name


def _store(name: str, file: BinaryIO) -> str:
    """Write a file that only we can read, and return its SHA-256. Left-overs of a crash are swept up later."""
    folder = Path(settings.PAPER_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    running = hashlib.sha256()
    path = folder / name
    path.touch(mode=0o600)
    with path.open("wb") as kept:
        while part := file.read(256 * 1024):
            running.update(part)
            kept.write(part)
    return running.hexdigest()


@transaction.atomic
def look_at_scan(form: PaperForm, *, by: Officer, why: str) -> bytes | None:
    """The scan's bytes, or None when there is none. A look at personal data, and recorded as one (house.md, rule 2)."""
    paper_rules.check_paper(by, form.bundle.team)
    path = scan_path(form.scan_name)
    if not form.scan_name or not path.is_file():
        return None
    record("paper form read", form.resident or form, by=by, why=why, team=form.bundle.team_id)
    return path.read_bytes()


@transaction.atomic
def enter(form: PaperForm, entry: Entry, *, by: Officer) -> Outcome:
    """Enter one form: a member's address changes nothing, anyone else is asked to confirm.

    NotAccepted, and nothing is changed, when the scan is missing, an address or the serial number is there twice.
    """
    paper_rules.check_paper(by, form.bundle.team)
    form = _locked(form)
    if form.state not in (PaperForm.State.WAITING, PaperForm.State.SKIPPED):
        raise NotAccepted({"": "This form was entered already."})
    if not form.scan_name:
        raise NotAccepted({"scan": "Add the scan of this form first: it is the proof that they agreed"})
    if not entry.reaches and not entry.postal.strip():
        raise NotAccepted({"postal": "Enter an email address, a mobile number or a postal address"})
    team = form.bundle.team
    sign = paper_rules.printed(paper_rules.serial(entry.serial), team) if entry.serial.strip() else None
    paper_rules.check_duplicates(form, list(entry.reaches), sign)
    if _known(list(entry.reaches), team, by=by, why=WHY_ENTER):
        _settle(form, PaperForm.State.KNOWN, sign)
        record("form known", form, by=by)
        return Outcome(known=True)
    _settle(form, PaperForm.State.ENTERED, sign)
    pending = _pending(entry, team, how=PendingJoin.How.PAPER, by=by, form=form)
    record("form entered", form, by=by, serial=bool(sign))
    return Outcome(asked=paper_confirm.ask(pending), pending=pending)


def _locked(form: PaperForm) -> PaperForm:
    """The form as it stands, and nobody else's until we are done."""
    return (
        PaperForm.objects.select_for_update(of=("self",)).select_related("bundle__team__organisation").get(pk=form.pk)
    )


def _settle(form: PaperForm, state: PaperForm.State, sign: PrintedForm | None) -> None:
    """Note what became of a form, and which printed form it is."""
    form.state, form.printed = state, sign
    try:
        with transaction.atomic():
            form.save(update_fields=["state", "printed"])
    except IntegrityError as error:  # somebody entered the same number at the same moment
        raise NotAccepted({"serial": "This serial number was entered just now, with another form"}) from error


def _known(reaches: list[Reach], team: Team, *, by: Officer, why: str) -> bool:
    """Whether a member has one of these addresses. That the officer learns this is a look, and stands in the record."""
    members = {person.pk: person for person in paper_rules.members_at(reaches)}
    for person in members.values():
        record("address compared", person, by=by, why=why, team=team.pk)
    return bool(members)


def _pending(
    entry: Entry, team: Team, *, how: PendingJoin.How, by: Officer, form: PaperForm | None = None
) -> PendingJoin:
    """Keep what stands on a form until the person confirms."""
    by_channel = {where.channel: where for where in entry.reaches}
    email, mobile = by_channel.get(Channel.EMAIL), by_channel.get(Channel.SMS)
    run = form.printed.run if form and form.printed else None
    if how == PendingJoin.How.DOOR:
        source = _own_source(team, "At the door", by=by, officer=by)
    else:
        source = run.source if run else _own_source(team, "Paper forms", by=by)
    return PendingJoin.objects.create(
        how=how,
        team=team,
        by=by,
        form=form,
        made_at=clock.now(),
        wording=run.wording if run else paper_rules.wording(team.organisation),
        source=source.code,
        name=entry.name.strip()[:120],
        postal=entry.postal.strip()[:400],
        postcode=entry.spot.postcode,
        lon=entry.spot.lon,
        lat=entry.spot.lat,
        email=email.address if email else "",
        email_key=email.key if email else None,
        mobile=mobile.address if mobile else "",
        mobile_key=mobile.key if mobile else None,
        email_kinds=kinds.bits(entry.email_kinds),
        sms_kinds=kinds.bits(entry.sms_kinds),
        groups=entry.groups,
        organisations=entry.organisations,
    )


@transaction.atomic
def join_at_door(team: Team, entry: Entry, *, by: Officer) -> Outcome:
    """Take somebody's word at the door; they confirm by the message that comes, like those on paper."""
    paper_rules.check_paper(by, team)
    if not entry.reaches:
        raise NotAccepted({"email": "Enter an email address or a mobile number"})
    if _known(list(entry.reaches), team, by=by, why=WHY_DOOR):
        record("door known", None, by=by)
        return Outcome(known=True)
    pending = _pending(entry, team, how=PendingJoin.How.DOOR, by=by)
    record("door entered", pending, by=by)
    return Outcome(asked=paper_confirm.ask(pending), pending=pending)


@transaction.atomic
def skip(form: PaperForm, *, by: Officer) -> None:
    """Leave a form aside: not signed, not readable, there twice. It can still be entered later."""
    paper_rules.check_paper(by, form.bundle.team)
    if PaperForm.objects.filter(pk=form.pk, state=PaperForm.State.WAITING).update(state=PaperForm.State.SKIPPED):
        record("form skipped", form, by=by)


@transaction.atomic
def reopen(form: PaperForm, *, by: Officer) -> None:
    """Take a form back to enter it again, while nobody has confirmed it; what was typed is deleted."""
    paper_rules.check_paper(by, form.bundle.team)
    fresh = PaperForm.objects.select_for_update().get(pk=form.pk)
    again = (PaperForm.State.ENTERED, PaperForm.State.SKIPPED, PaperForm.State.KNOWN)
    if fresh.state not in again:
        return
    PendingJoin.objects.filter(form=fresh, resident=None).delete()
    fresh.state, fresh.printed = PaperForm.State.WAITING, None
    fresh.save(update_fields=["state", "printed"])
    record("form taken back", fresh, by=by)


def serials_of(run: PrintRun) -> list[str]:
    """The serial numbers of a run in the order of printing."""
    return list(run.forms.values_list("serial", flat=True))
