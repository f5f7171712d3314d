"""Officers: an administrator sees who works here and with which roles, adds, changes, switches off and on.

For everybody else these pages do not exist; an officer of another organisation does not either.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.organisations import officers, recovery, rules, signin
from bell.organisations.models import GrantProposal, Officer, Team
from bell.organisations.officers import NotAnOfficer
from bell.staff import shell
from bell.staff.access import View, fresh_factor, officer_required
from bell.staff.forms.organisations import show
from bell.staff.forms.people import OfficerForm, ReasonForm, RoleForm

page = require_http_methods(["GET", "HEAD", "POST"])


def administrators(view: Callable[..., HttpResponse]) -> View:
    """A page for administrators; nobody else learns that it exists."""

    @officer_required
    @wraps(view)
    def guarded(request: HttpRequest, officer: Officer, *args: Any, **kwargs: Any) -> HttpResponse:
        if not rules.may_administer(officer):
            raise Http404
        return view(request, officer, *args, **kwargs)

    return guarded


def colleague(by: Officer, key: int) -> Officer:
    """The officer of that key, or 404."""
    if key >= 2**63:
        raise Http404
    return get_object_or_404(Officer.objects.visible_to(by).select_related("organisation"), key=key)


@administrators
@require_safe
def people(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Everybody who works here with their roles, what waits for a second administrator, and the teams."""
    found = Officer.objects.visible_to(officer).prefetch_related("grants__team").order_by("-is_active", "name")
    waiting = GrantProposal.objects.visible_to(officer).waiting().select_related("officer", "team", "proposed_by")
    context = {
        "people": found,
        "waiting": waiting,
        "teams": Team.objects.visible_to(officer).prefetch_related("patch"),
        "alone": len(rules.administrators(officer.organisation)) < 2,
    }
    return shell.page(request, officer, "staff/people/people.html", context)


@administrators
@fresh_factor
@page
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Add an officer; their password for the first sign-in is shown once, on the answer to the button."""
    form = OfficerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, password = officers.add(form.facts(), by=officer)
        except NotAnOfficer as error:
            show(error.problems, form)
        else:
            return _told(request, officer, made, password)
    return shell.page(request, officer, "staff/people/new.html", {"form": form})


def _told(request: HttpRequest, by: Officer, one: Officer, password: str) -> HttpResponse:
    waiting = GrantProposal.objects.visible_to(by).waiting().filter(officer=one).count()
    others = [keeper for keeper in rules.administrators(by.organisation) if keeper.pk != by.pk]
    context = {"one": one, "password": password, "waiting": waiting, "alone": not others}
    return shell.page(request, by, "staff/people/told.html", context)


@administrators
@fresh_factor
@page
def officer_page(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """One officer: who they are, and their roles."""
    one = colleague(officer, key)
    form = OfficerForm(request.POST if request.method == "POST" else None, officer=one)
    if request.method == "POST" and form.is_valid():
        try:
            officers.change(one, form.facts(), by=officer)
        except NotAnOfficer as error:
            show(error.problems, form)
        else:
            messages.success(request, "Saved.")
            return redirect("staff-officer", one.key)
    return officer_shown(request, officer, one, form=form)


def officer_shown(request: HttpRequest, by: Officer, one: Officer, **bound: Any) -> HttpResponse:
    """The page of one officer, with whichever of its forms was sent and is shown again."""
    given = {"form": OfficerForm(officer=one), "role": RoleForm(by=by), "why": ReasonForm(), **bound}
    context = {
        "one": one,
        "oneself": one.pk == by.pk,
        "grants": one.grants.select_related("team").order_by("team__name", "role"),
        "waiting": one.proposals.waiting().select_related("team", "proposed_by"),
        "factor": signin.has_factor(one),
        "forms": list(given.values()),
        **given,
    }
    return shell.page(request, by, "staff/people/officer.html", context)


@administrators
@fresh_factor
@require_POST
def access(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Switch an account off or on, or open it again for somebody who lost every way in: with a reason."""
    one, form = colleague(officer, key), ReasonForm(request.POST)
    do = request.POST.get("do", "")
    if do not in ("off", "on", "again"):
        raise Http404
    if not form.is_valid():
        return officer_shown(request, officer, one, why=form)
    why, password = form.cleaned_data["why"], ""
    if do == "off":
        officers.switch_off(one, by=officer, why=why)
        messages.success(request, "Switched off. Every session is over.")
    elif do == "on":
        one, password = officers.switch_on(one, by=officer, why=why)
    else:
        password = recovery.open_again(one, by=officer, why=why)
    return _told(request, officer, one, password) if password else redirect("staff-officer", one.key)
