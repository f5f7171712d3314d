"""Teams: administrators make and change them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect

from bell.organisations import teams as verbs
from bell.organisations.models import Officer, Team
from bell.organisations.teams import NotATeam
from bell.staff import shell
from bell.staff.access import fresh_factor
from bell.staff.forms.organisations import show
from bell.staff.forms.people import TeamForm
from bell.staff.views.people import administrators, page


@administrators
@fresh_factor
@page
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Make a team."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = verbs.make(form.terms(), by=officer)
        except NotATeam as error:
            show(error.problems, form)
        else:
            messages.success(request, f"{made.name} is made. Nobody has a role in it yet.")
            return redirect("staff-people")
    return shell.page(request, officer, "staff/people/team.html", {"form": form})


@administrators
@fresh_factor
@page
def team(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Change a team, and see who has a role in it."""
    one = get_object_or_404(Team.objects.visible_to(officer), pk=number)
    form = TeamForm(request.POST if request.method == "POST" else None, team=one)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.change(one, form.terms(), by=officer)
        except NotATeam as error:
            show(error.problems, form)
        else:
            messages.success(request, "Saved.")
            return redirect("staff-people")
    grants = one.grants.select_related("officer").order_by("officer__name", "role")
    return shell.page(request, officer, "staff/people/team.html", {"form": form, "team": one, "grants": grants})
