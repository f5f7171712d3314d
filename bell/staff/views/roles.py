"""Roles: proposed by one administrator, confirmed or refused by another, taken away by one."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from bell.organisations import granting, rules
from bell.organisations.models import GrantProposal, Officer, Team
from bell.organisations.officers import NotAnOfficer
from bell.staff import shell
from bell.staff.access import fresh_factor
from bell.staff.forms.organisations import show
from bell.staff.forms.people import RoleForm
from bell.staff.views.people import administrators, colleague, officer_shown, page


@administrators
@fresh_factor
@require_POST
def propose(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Propose a role."""
    one, form = colleague(officer, key), RoleForm(request.POST, by=officer)
    if form.is_valid():
        given = form.cleaned_data
        try:
            granting.propose(one, given["team"], given["role"], by=officer, why=given["why"])
        except NotAnOfficer as error:
            show(error.problems, form)
        else:
            messages.success(request, "Proposed. It begins when another administrator confirms it.")
            return redirect("staff-officer", one.key)
    return officer_shown(request, officer, one, role=form)


@administrators
@fresh_factor
@require_POST
def take(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Take a role away: the button carries the team and the role."""
    one = colleague(officer, key)
    number, _, role = request.POST.get("grant", "").partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    team = get_object_or_404(Team.objects.visible_to(officer), pk=int(number))
    granting.take(one, team, role, by=officer)
    messages.success(request, "Taken away, from now on.")
    return redirect("staff-officer", one.key)


@administrators
@fresh_factor
@page
def proposal(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """One proposal: what it would allow and why; confirm or refuse it."""
    found = GrantProposal.objects.visible_to(officer).select_related(
        "officer__organisation", "officer__told_by", "team", "proposed_by__organisation", "decided_by"
    )
    one = get_object_or_404(found, pk=number)
    do = request.POST.get("do", "")
    if request.method == "POST" and do == "confirm":
        granting.confirm(one, by=officer)
        messages.success(request, f"{one.officer} has the role from now on.")
        return redirect("staff-people")
    if request.method == "POST" and do == "refuse":
        ended = granting.refuse(one, by=officer)
        messages.success(request, f"{ended.get_state_display()}.")
        return redirect("staff-people")
    context = {
        "proposal": one,
        "waits": GrantProposal.objects.visible_to(officer).waiting().filter(pk=one.pk).exists(),
        "why_not": rules.why_not_confirm(officer, one),
        "own": one.proposed_by_id == officer.pk,
        "teller": rules.told_lately_by(one.officer),
    }
    return shell.page(request, officer, "staff/people/proposal.html", context)
