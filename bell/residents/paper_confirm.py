"""People of paper and door confirm: asked once by email, text or letter; nothing else is sent to them before it."""

import html as escaping
import time
from pathlib import Path

from django.conf import settings
from django.db import transaction

from bell.audit.record import record
from bell.delivery import post
from bell.delivery.models import Channel, Lane
from bell.lib import clock, links
from bell.organisations import kinds
from bell.organisations.models import Officer
from bell.residents import actions, paper_rules, rules
from bell.residents.actions import AddressTaken, Choices, Spot
from bell.residents.models import Confirmation, PaperForm, PendingJoin, Resident
from bell.residents.paper_rules import NotAllowed
from bell.residents.rules import Reach

STREAM = "code"
_A_DAY_SECONDS = 24 * 60 * 60


def reaches(pending: PendingJoin) -> list[Reach]:
    """The addresses that are still to be confirmed."""
    found = []
    if pending.email and pending.email_key is not None:
        found.append(Reach(Channel.EMAIL, pending.email, pending.email_key))
    if pending.mobile and pending.mobile_key is not None:
        found.append(Reach(Channel.SMS, pending.mobile, pending.mobile_key))
    return found


def _content(pending: PendingJoin, code: str) -> post.Content:
    """The message that asks. It holds no word that anybody typed (promises.md), only our own and the code."""
    name = settings.SITE_NAME
    link = links.absolute(links.confirm(paper_rules.shown(code)))
    days = paper_rules.PENDING_LIFE.days
    where = "on a paper form" if pending.how == PendingJoin.How.PAPER else "with an officer at the door"
    parts = [
        f"Somebody asked to join {name} {where} and gave this address.",
        f"Was it you? Open this page and press the button on it:\n{link}",
        f"They agreed to this: {pending.wording}",
        f"If it was not you, do nothing. We send nothing more, and what was written down is deleted after {days} days.",
    ]
    body = "".join(f"<p>{escaping.escape(part)}</p>" for part in parts)
    linked = escaping.escape(link)
    return post.Content(
        sender_name=name,
        subject=f"Please confirm that you want to join {name}",
        text="\n\n".join(parts),
        html=body.replace(f"\n{linked}", f'<br><a href="{linked}">{linked}</a>'),
        sms=f"{name}: somebody joined with this number. Was it you? Confirm: {link} If not, do nothing.",
        auto_submitted=True,
        replies=False,
        unsubscribe=False,
    )


@transaction.atomic
def ask(pending: PendingJoin) -> tuple[str, ...]:
    """Ask each address once to confirm, as far as its limits go; returns the channels by which one was asked."""
    asked = []
    for where in reaches(pending):
        if not paper_rules.may_ask(where):
            record("confirmation refused", pending, by=None, channel=where.channel)
            continue
        confirmation, code = _make(pending, where.channel, where.key)
        post.post(
            _content(pending, code),
            authority=post.Authority("code", f"confirm {confirmation.pk}"),
            stream=STREAM,
            lane=Lane.NOW,
            to=post.Address(recipient_key=where.key, channel=Channel(where.channel), address=where.address),
        )
        record("confirmation sent", pending, by=None, channel=where.channel)
        asked.append(where.channel)
    return tuple(asked)


def _make(pending: PendingJoin, channel: str, address_key: int | None) -> tuple[Confirmation, str]:
    """A confirmation with its code; an earlier one by the same channel stops working."""
    Confirmation.objects.filter(pending=pending, channel=channel).update(pending=None)
    code = paper_rules.new_code()
    made = Confirmation.objects.create(
        pending=pending,
        channel=channel,
        address_key=address_key,
        digest=paper_rules.digest(code),
        sent_at=clock.now(),
    )
    return made, code


@transaction.atomic
def ask_again(form: PaperForm, *, by: Officer) -> tuple[str, ...]:
    """Ask once more, because the officer says that nothing came; the same limits hold."""
    paper_rules.check_paper(by, form.bundle.team)
    pending = PendingJoin.objects.filter(form=form).first()
    if pending is None:
        return ()
    record("confirmation asked again", form, by=by)
    return ask(pending)


@transaction.atomic
def letter(form: PaperForm, *, by: Officer) -> tuple[PendingJoin, str]:
    """A new code for a letter to somebody with a postal address; an earlier letter's code stops working.

    The caller prints it: a look at a name and address, and recorded as one.
    """
    paper_rules.check_paper(by, form.bundle.team)
    pending = PendingJoin.objects.select_related("team__organisation").filter(form=form, resident=None).first()
    if pending is None or not pending.postal:
        raise NotAllowed("There is no postal address on this form, or it is done with.")
    _, code = _make(pending, Confirmation.POST, None)
    record("letter printed", form, by=by, why="printing the letter that asks to confirm")
    return pending, code


@transaction.atomic
def confirm(code: str) -> Resident | None:
    """The person says yes: they become a member, or their second address is added. None for a code without use.

    Right twice is right once: the second time the code is used up.
    """
    found = paper_rules.confirmation(code)
    if found is None or found.pending_id is None:
        return None
    pending = PendingJoin.objects.select_for_update().filter(pk=found.pending_id).first()
    # Read again behind the lock: another press may have been first.
    if pending is None or not Confirmation.objects.filter(pk=found.pk, pending=pending).exists():
        return None
    person: Resident | None
    proved = [where for where in reaches(pending) if where.channel == found.channel]
    try:
        with transaction.atomic():
            person = _add(pending, proved) if pending.resident else _join(pending, proved)
    except AddressTaken:
        # They joined by themselves meanwhile. The code shows that the address is theirs, so nothing is given away.
        contact = rules.contact_at(proved[0])
        person = contact.resident if contact else None
        _settle(pending, None, PaperForm.State.KNOWN)
        return person
    _used(pending, found.channel, person)
    return person


def _join(pending: PendingJoin, proved: list[Reach]) -> Resident:
    """Make a member of the person, with the consent that they signed and the scan of it."""
    return actions.join(
        contacts=proved,
        places=[Spot(pending.lon, pending.lat, postcode=pending.postcode)],
        choices=Choices(
            kinds.of_bits(pending.email_kinds),
            kinds.of_bits(pending.sms_kinds),
            list(pending.groups),
            list(pending.organisations),
        ),
        how=pending.how,
        name=pending.name,
        source=pending.source,
        wording=pending.wording,
        proof=pending.form,
    )


def _add(pending: PendingJoin, proved: list[Reach]) -> Resident:
    """The second address of somebody who confirmed the first; one that they have meanwhile is left as it is."""
    person = pending.resident
    assert person is not None
    taken = {contact.channel for contact in person.contacts.all()}
    for where in proved:
        if where.channel not in taken and person.left_at is None:
            actions.add_contact(person, where, by=person)
    return person


def _used(pending: PendingJoin, channel: str, person: Resident) -> None:
    """The code of this channel is used up; what was typed goes, except an address that may still be confirmed."""
    Confirmation.objects.filter(pending=pending, channel=channel).update(pending=None)
    waiting = Confirmation.objects.filter(pending=pending).exclude(channel=Confirmation.POST).exists()
    if not waiting:
        _settle(pending, person, PaperForm.State.JOINED)
        return
    pending.resident, pending.name, pending.postal = person, "", ""
    if channel == Channel.EMAIL:
        pending.email, pending.email_key = "", None
    elif channel == Channel.SMS:
        pending.mobile, pending.mobile_key = "", None
    pending.save()
    _mark(pending, PaperForm.State.JOINED, person)


def _settle(pending: PendingJoin, person: Resident | None, state: str) -> None:
    """Nothing is pending any more."""
    _mark(pending, state, person)
    pending.delete()


def _mark(pending: PendingJoin, state: str, person: Resident | None) -> None:
    """Say on the form, where there is one, what became of it; a member it proves stays."""
    form = pending.form
    if form is not None and form.resident_id is None:
        form.state, form.resident = state, person
        form.save(update_fields=["state", "resident"])


@transaction.atomic
def refuse(code: str) -> bool:
    """The person says that it was not them: what was typed and the scan go at once. False for a code without use."""
    found = paper_rules.confirmation(code)
    pending = found.pending if found else None
    if pending is None:
        return False
    record("joining refused", pending, by=None)
    _drop(pending, PaperForm.State.REFUSED)
    return True


def _drop(pending: PendingJoin, state: str) -> None:
    """Forget a pending person; the scan too, unless it proves the consent of somebody who joined."""
    form = pending.form
    pending.delete()
    if form is not None and form.resident_id is None:
        _drop_scan(form, state)


def _drop_scan(form: PaperForm, state: str) -> None:
    """Delete a form's scan."""
    name = form.scan_name
    PaperForm.objects.filter(pk=form.pk).update(state=state, scan_name="", scan_type="", scan_bytes=0, scan_sha256="")
    if name:
        path = Path(settings.PAPER_DIR) / name
        transaction.on_commit(lambda: path.unlink(missing_ok=True))


@transaction.atomic
def forget_forms(person: Resident, *, by: object) -> int:
    """Delete the scans of somebody's forms and what else waits under their name, because they are erased."""
    forms = list(PaperForm.objects.filter(resident=person))
    for form in forms:
        _drop_scan(form, PaperForm.State.LAPSED)
    PaperForm.objects.filter(resident=person).update(resident=None)
    PendingJoin.objects.filter(resident=person).delete()
    record("paper forms forgotten", person, by=by, count=len(forms))
    return len(forms)


def forget_unconfirmed() -> int:
    """Delete people who did not confirm within 30 days, the scans of their forms and of those never entered.

    Also files that no form names: left by a crash, or by the erasure of somebody. Returns how much was forgotten.
    """
    now = clock.now()
    old = now - paper_rules.PENDING_LIFE
    forgotten = 0
    with transaction.atomic():
        for pending in PendingJoin.objects.filter(made_at__lt=old).select_related("form"):
            record("unconfirmed forgotten", pending, by="worker", how=pending.how)
            _drop(pending, PaperForm.State.LAPSED)
            forgotten += 1
        never = PaperForm.objects.filter(bundle__made_at__lt=old, resident=None, pending=None).exclude(scan_name="")
        for form in never:
            record("scan forgotten", form, by="worker")
            _drop_scan(form, PaperForm.State.LAPSED if form.state == PaperForm.State.ENTERED else form.state)
            forgotten += 1
        # Beyond the day that limits look back on, a used code is of no use to anyone.
        Confirmation.objects.filter(pending=None, sent_at__lt=now - 2 * paper_rules.A_DAY).delete()
    return forgotten + _sweep_files()


def _sweep_files() -> int:
    """Delete files older than a day that no form names."""
    folder = Path(settings.PAPER_DIR)
    if not folder.is_dir():
        return 0
    old = [path for path in folder.iterdir() if path.is_file() and _age(path) > _A_DAY_SECONDS]
    named = set(PaperForm.objects.filter(scan_name__in=[path.name for path in old]).values_list("scan_name", flat=True))
    swept = [path for path in old if path.name not in named]
    for path in swept:
        path.unlink(missing_ok=True)
    if swept:
        record("scans swept", None, by="worker", count=len(swept))
    return len(swept)


def _age(path: Path) -> float:
    """Seconds since a file was written; 0 for one that is gone meanwhile."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
