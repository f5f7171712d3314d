"""Groups: administrators define, change and close them; requests to join are decided by number, without details."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from bell.organisations import rules
from bell.organisations.models import Officer
from bell.residents import groups as verbs
from bell.residents import hours
from bell.residents import rules as resident_rules
from bell.residents.models import Group, GroupMember
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.groups import GroupForm


def _check(officer: Officer) -> None:
    """Only administrators change groups; whoever decides on requests may look."""
    if not rules.may_administer(officer):
        raise verbs.NotAllowed("Only an administrator of your organisation can change its groups.")


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The groups of the officer's organisation, and who asks to join: random numbers only."""
    keeps = rules.may_administer(officer)
    asked = GroupMember.objects.visible_to(officer).select_related("group", "resident").order_by("pk")
    decides = keeps or resident_rules.keeps_scheme(officer)
    if not decides:
        raise verbs.NotAllowed("Groups are looked after by administrators and by the coordinators of schemes.")
    if request.method == "POST":
        return _decide(request, officer)
    own = Group.objects.visible_to(officer).select_related("scheme_team")
    rows = [(group, hours.said(group.active_hours)) for group in own]
    context = {"rows": rows, "asked": asked, "keeps": keeps}
    return shell.page(request, officer, "staff/together/groups.html", context)


def _decide(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Let one person in, or refuse: the button carries the number of the request."""
    do, _, number = request.POST.get("do", "").partition(":")
    if do not in ("approve", "refuse") or not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    asked = GroupMember.objects.visible_to(officer).filter(pk=int(number)).first()
    if asked is None:
        messages.info(request, "This request was decided already.")
    elif do == "approve":
        verbs.approve(asked, by=officer)
        messages.success(request, f"They belong to {asked.group.name} now.")
    else:
        verbs.refuse(asked, by=officer)
        messages.success(request, "Refused. They may ask again.")
    return redirect("staff-groups")


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Define a group."""
    _check(officer)
    form = GroupForm(request.POST if request.method == "POST" else None, officer=officer)
    if request.method == "POST" and form.is_valid():
        try:
            group = verbs.define(form.terms(), by=officer)
        except verbs.NotAGroup as error:
            form.show(error.problems)
        else:
            messages.success(request, f"{group.name} can be chosen from now on.")
            return redirect("staff-groups")
    return shell.page(request, officer, "staff/together/group.html", {"form": form})


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def group(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Change a group, close it, or open it again."""
    _check(officer)
    one = get_object_or_404(Group.objects.visible_to(officer), pk=number)
    form = GroupForm(officer=officer, group=one)
    if request.method == "POST" and request.POST.get("do") in ("close", "open"):
        verbs.set_open(one, active=request.POST["do"] == "open", by=officer)
        messages.success(request, "Open again." if request.POST["do"] == "open" else "Closed. Nobody is written to.")
        return redirect("staff-groups")
    if request.method == "POST":
        form = GroupForm(request.POST, officer=officer)
        if form.is_valid():
            try:
                verbs.change(one, form.terms(), by=officer)
            except verbs.NotAGroup as error:
                form.show(error.problems)
            else:
                messages.success(request, "Saved.")
                return redirect("staff-groups")
    return shell.page(request, officer, "staff/together/group.html", {"form": form, "group": one})
