"""Organisations: administrators of the force add partners, keep their dated names and their routes (G1, G6)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.organisations import actions, rules
from bell.organisations.models import Officer, Organisation
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.organisations import IdentityForm, NameForm, RouteForm, show


def _check(officer: Officer) -> None:
    if not rules.may_keep_partners(officer):
        raise actions.NotAllowed("Only an administrator of the force keeps organisations.")


@officer_required
@require_safe
def organisations(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Every organisation, with whether it may write today."""
    _check(officer)
    every = Organisation.objects.visible_to(officer).order_by("sort", "name")
    rows = [(one, rules.has_agreement(one)) for one in every]
    return shell.page(request, officer, "staff/together/organisations.html", {"rows": rows})


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Add a partner."""
    _check(officer)
    data = request.POST if request.method == "POST" else None
    named, form = NameForm(data), IdentityForm(data)
    if data is not None and named.is_valid() and form.is_valid():
        try:
            made = actions.add_partner(**named.cleaned_data, identity=form.identity(), by=officer)
        except actions.NotAPartner as error:
            show(error.problems, named, form)
        else:
            messages.success(request, f"{made.name} is added. It needs an agreement before it may write to anyone.")
            return redirect("staff-organisation", made.pk)
    return shell.page(request, officer, "staff/together/organisation_new.html", {"forms": [named, form]})


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def organisation(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """One organisation: how it presents itself, its names with their days, its routes."""
    _check(officer)
    one = get_object_or_404(Organisation.objects.visible_to(officer), pk=number)
    named, form, route = NameForm(), IdentityForm(organisation=one), RouteForm()
    do = request.POST.get("do", "")
    if request.method == "POST":
        named = NameForm(request.POST) if do == "rename" else named
        form = IdentityForm(request.POST) if do == "change" else form
        route = RouteForm(request.POST) if do == "route" else route
        try:
            words = _act(request, officer, one, named, form, route)
        except actions.NotAPartner as error:
            show(error.problems, next((bound for bound in (named, form, route) if bound.is_bound), form))
            words = ""
        if words:
            messages.success(request, words)
            return redirect("staff-organisation", one.pk)
    context = {
        "organisation": one,
        "names": one.names.order_by("-since"),
        "routes": one.routes.all(),
        "agreements": one.agreements.all()[:10],
        "named": named,
        "form": form,
        "route": route,
        "forms": [named, form, route],
    }
    return shell.page(request, officer, "staff/together/organisation.html", context)


def _act(
    request: HttpRequest, officer: Officer, one: Organisation, named: NameForm, form: IdentityForm, route: RouteForm
) -> str:
    """Do what the pressed button says; words when it is done, nothing when a form must be shown again."""
    do, _, number = request.POST.get("do", "").partition(":")
    if do == "rename" and named.is_valid():
        actions.rename(one, **named.cleaned_data, by=officer)
        return "The name is kept, with its day."
    if do == "change" and form.is_valid():
        actions.change_organisation(one, identity=form.identity(), by=officer)
        return "Saved."
    if do == "route" and route.is_valid():
        actions.add_route(one, route.way(), by=officer)
        return "The route is added."
    if do == "remove" and number.isascii() and number.isdigit() and len(number) < 19:
        found = one.routes.filter(pk=int(number)).first()
        if found is not None:
            actions.remove_route(found, by=officer)
        return "The route is taken away."
    return ""
