"""Footage on the desk: the exhibits of an alert, one exhibit with its ledger, download, triage, export, and closing."""

from typing import cast

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.alerts import closing
from bell.alerts.models import PUBLISHED, Alert
from bell.alerts.rules import NotAllowed as AlertNotAllowed
from bell.alerts.rules import Unfinished
from bell.evidence import actions, find, package, rules
from bell.evidence.models import Exhibit
from bell.evidence.rules import NotAllowed
from bell.organisations.models import Officer
from bell.staff import exhibits, live, shell
from bell.staff.access import fresh_factor, officer_required
from bell.staff.forms.evidence import CloseForm, TriageForm, WhyForm
from bell.staff.views.finding import alert_of

# A derived copy is only ever drawn by an <img>: opened by itself it may do nothing at all.
_LOCKED = "sandbox; default-src 'none'"


def panel(officer: Officer, alert: Alert) -> live.Part:
    """The exhibits of an alert, kept fresh on its page."""
    found = [exhibits.shown(one) for one in find.of_alert(alert, officer)]
    own = alert.organisation_id == officer.organisation_id
    context = {
        "alert": alert,
        "exhibits": found,
        "shows": bool(found) or (own and alert.state in PUBLISHED and rules.takes_footage(alert)),
        "arriving": find.arriving(alert) if own else 0,
        "may_export": rules.may_handle(officer, alert),
        "may_close": closing.may_close(officer, alert),
    }
    url = reverse("staff-exhibits-live", args=[alert.reference])
    news = ",".join(str(one.number) for one in found)
    return live.part("exhibits-live", url, "staff/evidence/panel.html", context, news=news, says="New footage arrived.")


@officer_required
@require_safe
def panel_live(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The live part of the page."""
    return panel(officer, alert_of(officer, reference)).reply(request)


def _exhibit(officer: Officer, reference: str, number: int) -> Exhibit:
    """The exhibit, for those who may see it; for everyone else there is none."""
    seen = Exhibit.objects.visible_to(officer).select_related("alert__team", "alert__organisation", "upload")
    return get_object_or_404(seen, alert__reference=reference, number=number)


@officer_required
@require_safe
def exhibit(request: HttpRequest, officer: Officer, reference: str, number: int) -> HttpResponse:
    """One exhibit: what it is, what its sender said, its ledger. Looking is itself a line of the ledger."""
    one = _exhibit(officer, reference, number)
    return _page(request, officer, one, WhyForm(), TriageForm(initial={"triage": one.triage}))


def _page(request: HttpRequest, officer: Officer, one: Exhibit, why: WhyForm, triage: TriageForm) -> HttpResponse:
    """The page of an exhibit, also when it comes back with a form that was wrong: whoever is shown it has looked."""
    ledger = actions.look(one, by=officer)
    context = {
        "alert": one.alert,
        "exhibit": exhibits.shown(one),
        "lines": exhibits.lines(ledger),
        "why": why,
        "triage": triage,
        "forms": [why, triage],
        "may_handle": rules.may_handle(officer, one.alert),
    }
    return shell.page(request, officer, "staff/evidence/exhibit.html", context)


@officer_required
@require_safe
def preview(request: HttpRequest, officer: Officer, reference: str, number: int) -> HttpResponse:
    """The derived copy, never the file itself."""
    one = _exhibit(officer, reference, number)
    try:
        data = actions.open_preview(one, by=officer)
    except (NotAllowed, FileNotFoundError) as error:
        raise Http404 from error
    response = HttpResponse(data, content_type="image/jpeg")
    response.headers["Content-Disposition"] = f'attachment; filename="{one.alert.reference}-{one.number}-preview.jpg"'
    response.headers["Content-Security-Policy"] = _LOCKED
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@officer_required
@fresh_factor
@require_POST
def download(request: HttpRequest, officer: Officer, reference: str, number: int) -> HttpResponse:
    """The original, as an attachment of no type, for a reason."""
    one = _exhibit(officer, reference, number)
    rules.check_may_handle(officer, one)
    form = WhyForm(request.POST)
    if form.is_valid():
        try:
            accept = form.cleaned_data["infected"]
            file = actions.download(one, by=officer, why=form.cleaned_data["why"], accept_infected=accept)
        except NotAllowed as error:
            form.add_error("infected" if "infected" in str(error) else "why", str(error))
        else:
            name = package.safe_name(one) + (".quarantined" if exhibits.shown(one).infected else "")
            response = FileResponse(
                file, as_attachment=True, filename=name, content_type="application/octet-stream"
            )  # fmt: skip
            response.headers["Content-Security-Policy"] = _LOCKED
            return cast("HttpResponse", response)
    return _page(request, officer, one, form, TriageForm(initial={"triage": one.triage}))


@officer_required
@require_POST
def triage(request: HttpRequest, officer: Officer, reference: str, number: int) -> HttpResponse:
    """Keep, ask for more, not relevant."""
    one = _exhibit(officer, reference, number)
    rules.check_may_handle(officer, one)
    form = TriageForm(request.POST)
    if not form.is_valid():
        return _page(request, officer, one, WhyForm(), form)
    try:
        actions.triage(one, as_=form.cleaned_data["triage"], by=officer, why=form.cleaned_data["why"])
    except NotAllowed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Kept in the ledger.")
    return redirect("staff-exhibit", reference, number)


@officer_required
@fresh_factor
@require_http_methods(["GET", "HEAD", "POST"])
def export(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Everything of an alert in one package, for a reason."""
    alert = alert_of(officer, reference)
    found = find.of_alert(alert, officer)
    if not found or not rules.may_handle(officer, alert):
        raise Http404
    form = WhyForm(request.POST) if request.method == "POST" else WhyForm()
    if form.is_bound and form.is_valid():
        try:
            chosen = actions.export(alert, by=officer, why=form.cleaned_data["why"])
        except NotAllowed as error:
            form.add_error("why", str(error))
        else:
            response = StreamingHttpResponse(package.written(alert, chosen), content_type="application/zip")
            response.headers["Content-Disposition"] = f'attachment; filename="{alert.reference}-evidence.zip"'
            return cast("HttpResponse", response)
    context = {"alert": alert, "form": form, "exhibits": [exhibits.shown(one) for one in found]}
    return shell.page(request, officer, "staff/evidence/export.html", context)


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Close an alert; an appeal with the outcome that everyone who was asked will hear."""
    alert = alert_of(officer, reference)
    if not closing.may_close(officer, alert):
        messages.error(request, "This alert cannot be closed now, or not by you.")
        return redirect("staff-alert", alert.reference)
    needs = closing.needs_outcome(alert)
    form = CloseForm(request.POST if request.method == "POST" and needs else None, initial={"title": alert.title})
    if request.method == "POST" and (not needs or form.is_valid()):
        said = form.cleaned_data if needs else {"title": "", "outcome": ""}
        try:
            closing.close(alert, by=officer, title=said["title"], outcome=said["outcome"])
        except Unfinished as error:
            for name, words in error.problems.items():
                form.add_error(name if name in form.fields else None, words)
        except AlertNotAllowed as error:
            messages.error(request, str(error))
            return redirect("staff-alert", alert.reference)
        else:
            then = (
                " The outcome waits for a colleague’s approval, then goes to everyone who was asked." if needs else ""
            )
            messages.success(request, f"Closed.{then}")
            return redirect("staff-alert", alert.reference)
    context = {"alert": alert, "form": form, "needs": needs, "outcome": closing.outcome_of(alert)}
    return shell.page(request, officer, "staff/evidence/close.html", context)
