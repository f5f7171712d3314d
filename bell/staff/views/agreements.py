"""Data-sharing agreements and retention: pages of administrators and data protection officers of the force."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.organisations import actions, rules
from bell.organisations.actions import NotAnAgreement
from bell.organisations.models import Agreement, Officer, Organisation
from bell.privacy import retention
from bell.privacy.models import RetentionRun, today
from bell.staff import shell
from bell.staff.access import View, officer_required
from bell.staff.forms.privacy import AgreementForm, EndForm

_page = require_http_methods(["GET", "HEAD", "POST"])


def keepers(view: Callable[..., HttpResponse]) -> View:
    """A page for those who keep agreements; nobody else learns that it exists."""

    @officer_required
    @wraps(view)
    def guarded(request: HttpRequest, officer: Officer, *args: Any, **kwargs: Any) -> HttpResponse:
        if not rules.may_agree(officer):
            raise Http404
        return view(request, officer, *args, **kwargs)

    return guarded


@keepers
@_page
def agreements(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Every agreement, those that lapsed too, and a new one."""
    form = AgreementForm(request.POST or None, officer=officer)
    if request.method == "POST" and form.is_valid():
        try:
            actions.agree(form.cleaned_data["organisation"], form.terms, by=officer)
        except NotAnAgreement as error:
            form.add_error("ends", str(error))
        else:
            messages.success(request, "The agreement is kept.")
            return redirect("staff-agreements")
    found = list(Agreement.objects.visible_to(officer).select_related("organisation"))
    day = today()
    covered = {one.organisation_id for one in found if one.starts <= day <= one.ends}
    partners = Organisation.objects.visible_to(officer).filter(sort=Organisation.Sort.PARTNER)
    context = {
        "form": form,
        "agreements": [(one, _tone(one)) for one in found],
        "uncovered": [one for one in partners.order_by("name") if one.pk not in covered],
    }
    return shell.page(request, officer, "staff/privacy/agreements.html", context)


def _tone(one: Agreement) -> tuple[str, str]:
    """Where an agreement stands today, in a word and a colour."""
    day = today()
    if day < one.starts:
        return "Not yet", "blue"
    if day > one.ends:
        return "Over", "grey"
    return ("Ends soon", "amber") if (one.ends - day).days <= 60 else ("In force", "green")


@keepers
@_page
def end(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """End an agreement early."""
    found = get_object_or_404(Agreement.objects.visible_to(officer).current(today()), pk=number)
    form = EndForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.end_agreement(found, on=form.cleaned_data["on"], by=officer)
        except NotAnAgreement as error:
            form.add_error("on", str(error))
        else:
            messages.success(request, "The agreement ends on that day.")
            return redirect("staff-agreements")
    return shell.page(request, officer, "staff/privacy/end.html", {"form": form, "agreement": found})


@keepers
@require_safe
def kept(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The retention rules, when each ran last, and how much it did."""
    runs = {run.rule: run for run in RetentionRun.objects.visible_to(officer)}
    context = {"rules": [(rule, runs.get(rule.name)) for rule in retention.RULES]}
    return shell.page(request, officer, "staff/privacy/retention.html", context)
