"""Templates: the page that keeps them, and the step of a new alert that offers them."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.alerts import actions, rules, starters
from bell.alerts.models import Template
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Team
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.templates import StartForm, TemplateForm


def begin(request: HttpRequest, officer: Officer, team: Team, kind: str) -> HttpResponse:
    """After kind and team: begin at once where there is no template, else ask which (B3)."""
    offered = list(Template.objects.visible_to(officer).fit_for(team, kind))
    if not offered:
        return redirect("staff-edit", actions.draft(team=team, kind=kind, by=officer).reference)
    form = StartForm(request.POST if "start" in request.POST else None, offered=offered)
    if form.is_bound and form.is_valid():
        chosen = form.chosen()
        if chosen is None:
            return redirect("staff-edit", actions.draft(team=team, kind=kind, by=officer).reference)
        return redirect("staff-edit", starters.begin(chosen, team=team, by=officer).reference)
    context = {"form": form, "team": team, "kind": Kind(kind)}
    return shell.page(request, officer, "staff/start.html", context)


@officer_required
@require_safe
def templates(request: HttpRequest, officer: Officer) -> HttpResponse:
    """All that this officer may use."""
    found = Template.objects.visible_to(officer).select_related("team", "changed_by")
    rows = [(one, starters.may_keep(officer, one)) for one in found]
    keeps = bool(starters.teams(officer)) or starters.may_keep_for_all(officer)
    return shell.page(request, officer, "staff/templates.html", {"rows": rows, "keeps": keeps})


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Make one."""
    if not (starters.teams(officer) or starters.may_keep_for_all(officer)):
        raise rules.NotAllowed("Templates are kept by approvers, the Media Team and administrators.")
    return _form(request, officer, None)


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Change one, or delete it."""
    template = get_object_or_404(Template.objects.visible_to(officer).select_related("team"), pk=number)
    if not starters.may_keep(officer, template):
        raise rules.NotAllowed("Templates are kept by approvers, the Media Team and administrators of their team.")
    if request.method == "POST" and request.POST.get("do") == "delete":
        starters.drop(template, by=officer)
        messages.success(request, "The template is deleted. Drafts that began with it keep their words.")
        return redirect("staff-templates")
    return _form(request, officer, template)


def _form(request: HttpRequest, officer: Officer, template: Template | None) -> HttpResponse:
    form = TemplateForm(request.POST or None, officer=officer, template=template)
    if request.method == "POST" and form.is_valid():
        try:
            starters.keep(template, by=officer, **form.words())
        except rules.Unfinished as unfinished:
            form.show(unfinished.problems)
        else:
            messages.success(request, "The template is kept.")
            return redirect("staff-templates")
    return shell.page(request, officer, "staff/template.html", {"form": form, "template": template})
