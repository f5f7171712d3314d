"""Paper and posters: print sign-up forms, posters with QR codes, one alert on paper; what came of each."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.alerts import printing
from bell.alerts.models import Alert
from bell.insight import hiding
from bell.organisations.models import Officer, Organisation
from bell.residents import paper, paper_print, paper_rules
from bell.residents.models import Bundle, PaperForm, PrintRun, SourceCode
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.paper import PrintForm, SourceForm
from bell.staff.views.finding import alert_of

_LATEST = 12
_both = require_http_methods(["GET", "HEAD", "POST"])


def pdf_reply(body: bytes, name: str) -> HttpResponse:
    """A PDF to keep or print."""
    response = HttpResponse(body, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.pdf"'
    return response


@officer_required
@_both
def home(request: HttpRequest, officer: Officer) -> HttpResponse:
    """What there is: forms to print, bundles to enter. POST prints a run."""
    teams = paper_rules.paper_teams(officer)
    form = PrintForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        run = paper.print_forms(form.cleaned_data["team"], count=form.cleaned_data["count"], by=officer)
        messages.success(request, f"{form.cleaned_data['count']} forms are ready. Download and print them.")
        return redirect(f"{request.path}#run-{run.key}")
    bundles = Bundle.objects.visible_to(officer).select_related("team").prefetch_related("forms")[:_LATEST]
    context = {
        "form": form,
        "teams": teams,
        "runs": PrintRun.objects.visible_to(officer).select_related("team", "by").prefetch_related("forms")[:_LATEST],
        "bundles": [(bundle, *_done(bundle)) for bundle in bundles],
    }
    return shell.page(request, officer, "staff/paper/home.html", context)


def _done(bundle: Bundle) -> tuple[int, int]:
    """How many forms of a bundle are done with, and how many there are."""
    states = [form.state for form in bundle.forms.all()]
    return len(states) - states.count(PaperForm.State.WAITING), len(states)


@officer_required
@require_safe
def run_pdf(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """The forms of a run."""
    found = PrintRun.objects.visible_to(officer).select_related("team__organisation", "source")
    run = get_object_or_404(found, key=key)
    return pdf_reply(paper_print.forms(run), f"sign-up-forms-{run.source.code}")


@officer_required
@_both
def sources(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Posters and QR codes, and about how many joined by each. POST makes one.

    Rounded for everybody, with none and one alike, and no sum of them: whoever puts a poster into each letter box must
    not see which household joined. A partner counts its own followers alone.
    """
    teams = paper_rules.poster_teams(officer)
    form = SourceForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        made = paper.make_source(
            given["team"], label=given["label"], by=officer, officer=officer if given["mine"] else None
        )
        messages.success(request, f"The poster “{made.label}” is ready to print.")
        return redirect(request.path)
    found = SourceCode.objects.visible_to(officer).select_related("team", "officer")
    partner = officer.organisation.sort == Organisation.Sort.PARTNER
    joined = paper_rules.sign_ups(found, following=officer.organisation if partner else None)
    rows = [(one, hiding.shown(joined.get(one.code, 0))) for one in found]
    return shell.page(request, officer, "staff/paper/sources.html", {"form": form, "teams": teams, "rows": rows})


@officer_required
@require_safe
def source_poster(request: HttpRequest, officer: Officer, code: str) -> HttpResponse:
    """One poster."""
    found = SourceCode.objects.visible_to(officer).select_related("team__organisation")
    source = get_object_or_404(found, code=code)
    return pdf_reply(paper_print.poster(source), f"poster-{source.code}")


@officer_required
@require_safe
def alert_poster(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """One alert for a notice board."""
    return _printed(alert_of(officer, reference), printing.poster, "poster")


@officer_required
@require_safe
def alert_slips(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """One alert as four slips for letter boxes."""
    return _printed(alert_of(officer, reference), printing.slips, "slips")


def _printed(alert: Alert, make: Callable[[Alert], bytes], what: str) -> HttpResponse:
    return pdf_reply(make(alert), f"{alert.reference}-{what}")
