"""The composer saves by itself: while one types, after the session ended, and never over a colleague's words."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views.decorators.http import require_http_methods

from bell.alerts import actions, rules, sittings
from bell.alerts.models import Alert
from bell.organisations.models import Officer
from bell.staff import comparing
from bell.staff.access import officer_required
from bell.staff.forms.compose import ComposeForm
from bell.staff.views.finding import alert_of

_ANOTHER = "Somebody else is signed in on this device now. Copy your words, or let the one who wrote them sign in."
_GONE = "This alert cannot be changed now, or not by you. Copy your words before you leave this page."


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def save(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """POST saves what stands in the composer: {"saved", "seen", "but"}, or 409 with {"stopped"} or {"theirs"}.

    GET gives a page that was open while its officer signed in again the token that its next save needs.
    """
    alert = alert_of(officer, reference)
    if request.method != "POST":
        return JsonResponse({"token": get_token(request)})
    if request.POST.get("writer") != str(officer.key):
        return JsonResponse({"stopped": _ANOTHER}, status=409)
    form = ComposeForm(request.POST, alert=alert)
    form.is_valid()  # what is wrong stays as it was, and is named
    try:
        alert = actions.edit(alert, by=officer, quietly=True, **asked(request, form), **form.changes())
    except actions.Changed as changed:
        theirs = render_to_string("staff/parts/theirs.html", conflict(officer, form, str(changed)))
        return JsonResponse({"theirs": theirs}, status=409)
    except rules.NotAllowed:
        return JsonResponse({"stopped": _GONE}, status=409)
    wrong = [str(form[name].label) for name in form.errors if name in form.fields]
    words = f"Saved at {sittings.said(alert.saved_at)}"
    return JsonResponse({"saved": words, "seen": alert.edit, "but": ", ".join(wrong)})


def asked(request: HttpRequest, form: ComposeForm) -> dict[str, Any]:
    """Which page saves, and which edit it showed: what it says when it chose its own words over a colleague's."""
    chosen = request.POST.get("mine", "")
    seen = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else form.cleaned_data.get("seen")
    return {"seen": seen, "sitting": sittings.tidy(request.POST.get("sitting", ""))}


def conflict(officer: Officer, form: ComposeForm, why: str) -> dict[str, Any]:
    """What the page shows when a colleague saved meanwhile: theirs beside mine, and the edit that is theirs."""
    fresh: Alert = alert_of(officer, form.alert.reference)
    return {"theirs": comparing.rows(form.candidate(), fresh), "changed": why, "alert": fresh}
