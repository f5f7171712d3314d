"""The approver's page: the frozen version as people will read it, where it goes, and three buttons."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from bell.alerts import actions, approving, rules
from bell.alerts.models import Alert, Approval, State, Version
from bell.lib import clock
from bell.organisations.models import Officer
from bell.staff import compared, ground, shell, showing
from bell.staff.access import fresh_factor, officer_required
from bell.staff.forms.decide import DecideForm
from bell.staff.views.finding import alert_of, version_of


@officer_required
@fresh_factor
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Show the newest version, and take the decision on exactly the version that was shown."""
    alert = alert_of(officer, reference)
    version = version_of(alert)
    if version is None:
        messages.info(request, "This alert has not been submitted yet.")
        return redirect("staff-alert", alert.reference)
    if request.method == "POST":
        return _decide(request, officer, alert, version)
    return _page(request, officer, alert, version, DecideForm(version=version))


def _page(request: HttpRequest, officer: Officer, alert: Alert, version: Version, form: DecideForm) -> HttpResponse:
    waits = alert.state == State.SUBMITTED
    context = {
        "alert": alert,
        "version": version,
        "form": form,
        "message": showing.message(version.frozen, emails=version.emails),
        "spoken": showing.spoken(version.frozen),
        "meant": showing.meant(alert, version.frozen["audience"]),
        "together": showing.together(alert, version.frozen, version),
        "waits": waits,
        "patch": ground.bounds(alert.team),
        "barred": approving.barred_from_approving(officer, version) if waits else "",
        "returns": waits and not approving.barred(officer, version),
        "standing": approving.said(version) if waits else "",
        "until": approving.waits_until(version) if waits else None,
        "needs": approving.standing(version).needs,
        "last": approving.standing(version).left <= 1,
        "mine": version.approvals.filter(officer=officer, decision=Approval.Decision.APPROVE).exists(),
        "decided": showing.decided(version),
        "hold": rules.hold_seconds(alert),
        "again": version.number > 1,
        "changes": compared.since_last(version),
        "last_reason": _last_reason(version),
        "findings": rules.findings(version),
        "needs_reason": approving.needs_reason(version),
    }
    return shell.page(request, officer, "staff/approve.html", context)


def _last_reason(version: Version) -> Approval | None:
    """Why the version before was turned back, so that the approver sees whether it was heeded."""
    before = version.alert.versions.filter(number__lt=version.number).last()
    return before.approvals.select_related("officer").exclude(reason="").last() if before else None


def _decide(request: HttpRequest, officer: Officer, alert: Alert, version: Version) -> HttpResponse:
    """One decision; the same one again changes nothing."""
    form = DecideForm(request.POST, version=version)
    if not form.is_valid() and "reason" not in form.errors:
        messages.error(request, "This page was out of date. Look at the newest version.")
        return redirect("staff-approve", alert.reference)
    if not form.is_valid():
        return _page(request, officer, alert, version, form)
    shown = alert.versions.filter(number=form.cleaned_data["number"]).select_related("alert__team").first()
    if shown is None:
        messages.error(request, "This page was out of date. Look at the newest version.")
        return redirect("staff-approve", alert.reference)
    mine = shown.approvals.filter(officer=officer).exists()
    if alert.state != State.SUBMITTED and not mine:
        messages.error(request, f"This alert is {alert.get_state_display().lower()}: there is nothing to decide now.")
        return redirect("staff-alert", alert.reference)
    try:
        words = _act(request.POST.get("do", ""), officer, shown, form)
    except rules.NotAllowed as error:
        messages.error(request, str(error))
        return redirect("staff-approve", alert.reference)
    except rules.Unfinished as unfinished:
        form.add_error("reason", unfinished.problems["reason"])
        return _page(request, officer, alert, version, form)
    messages.success(request, words)
    return redirect("staff-alert", alert.reference)


def _act(do: str, officer: Officer, version: Version, form: DecideForm) -> str:
    """Approve, return or reject; the words for afterwards. NotAllowed for anything else."""
    if do == "approve":
        given = {"digest": form.cleaned_data["digest"], "reason": form.cleaned_data["reason"]}
        alert = actions.approve(version, by=officer, **given)
        if alert.state == State.SCHEDULED and alert.hold_until:
            return f"Approved. It goes {clock.said(alert.hold_until)}; you can undo it until then."
        if alert.state == State.SUBMITTED:
            return f"Approved. {approving.said(version)}"
        return "Approved." if alert.state != State.HELD else "Approved. It is about to go; you can still undo."
    if do in ("return", "reject"):
        reject = do == "reject"
        actions.turn_back(version, by=officer, reason=form.cleaned_data["reason"], reject=reject)
        return "Rejected." if reject else "Returned to its author with your reason."
    raise rules.NotAllowed("Choose approve, return or reject.")
