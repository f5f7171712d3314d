"""Who approves: administrators keep the rules, say which accounts are one person's, and who practises."""

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from bell.alerts import routes
from bell.organisations import approvals, rules
from bell.organisations.actions import NotAllowed
from bell.organisations.models import ApprovalRoute, Officer, Team
from bell.staff import shell
from bell.staff.access import fresh_factor, officer_required
from bell.staff.forms.approval import PersonForm, PractiseForm, RuleForm
from bell.staff.forms.organisations import show
from bell.ui.forms import Form

_MOST = 200
_NOBODY = "There is no account with this email that you look after"


@officer_required
@fresh_factor
@require_http_methods(["GET", "HEAD", "POST"])
def approval(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The rules of approval, accounts of one person, practice mode: one page, each button one act."""
    if not rules.may_administer(officer):
        raise NotAllowed("Only an administrator of your organisation says who approves.")
    if request.method == "POST" and ":" in request.POST.get("do", ""):
        messages.success(request, _press(officer, request.POST["do"]))
        return redirect("staff-approval")
    forms = _forms(request, officer)
    words = _typed(request, officer, forms) if request.method == "POST" else ""
    if words:
        messages.success(request, words)
        return redirect("staff-approval")
    return shell.page(request, officer, "staff/approval.html", {**_shown(officer), "forms": forms, **forms})


def _forms(request: HttpRequest, officer: Officer) -> dict[str, Form]:
    """The three forms; the one whose button was pressed holds what was typed."""
    do = request.POST.get("do", "")
    given = {name: request.POST if do == name else None for name in ("rule", "person", "practise")}
    return {
        "rule": RuleForm(given["rule"], officer=officer),
        "person": PersonForm(given["person"]),
        "practise": PractiseForm(given["practise"]),
    }


def _shown(officer: Officer) -> dict[str, object]:
    kept = list(ApprovalRoute.objects.visible_to(officer).select_related("team"))
    shared = Officer.objects.of(officer).exclude(person="").values("person").alias(n=Count("pk")).filter(n__gt=1)
    accounts = Officer.objects.of(officer).filter(person__in=shared.order_by()).select_related("organisation")
    return {
        "rows": list(routes.described(kept)),
        "standard": [] if kept else list(routes.described(routes.defaults(officer.organisation_id))),
        "teams": Team.objects.visible_to(officer),
        "practising": Officer.objects.visible_to(officer).filter(practice=True).order_by("name"),
        "accounts": accounts.order_by("person", "email")[:_MOST],
    }


def _typed(request: HttpRequest, officer: Officer, forms: dict[str, Form]) -> str:
    """Do what a form says; words when it is done, nothing when the form must be shown again."""
    do = request.POST.get("do", "")
    form = forms.get(do)
    if form is None:
        raise Http404
    if not form.is_valid():
        return ""
    try:
        if isinstance(form, RuleForm):
            approvals.add_rule(form.terms(), by=officer)
            return "The rule is kept. It holds for alerts that are submitted from now on."
        found = _account(officer, form, do)
        if found is None:
            form.add_error("email", _NOBODY)
            return ""
        if do == "person":
            approvals.name_person(found, number=form.cleaned_data["number"], by=officer)
            return f"Kept for {found}."
        approvals.set_practice(found, on=True, by=officer)
    except approvals.NotARule as error:
        show(error.problems, form)
        return ""
    return f"{found} practises now."


def _account(officer: Officer, form: Form, do: str) -> Officer | None:
    mine = Officer.objects.of(officer) if do == "person" else Officer.objects.visible_to(officer)
    found: Officer | None = mine.filter(email__iexact=form.cleaned_data["email"]).first()
    return found


def _press(officer: Officer, do: str) -> str:
    """What a button beside a row does: `remove:4`, `practise-team:2`, `end-team:2`, `end-officer:7`."""
    verb, _, number = do.partition(":")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    if verb == "remove":
        rule = ApprovalRoute.objects.visible_to(officer).filter(pk=int(number)).first()
        if rule is not None:
            approvals.remove_rule(rule, by=officer)
        return "The rule is taken away. What was submitted before keeps it."
    if verb in ("practise-team", "end-team"):
        team = get_object_or_404(Team.objects.visible_to(officer), pk=int(number))
        approvals.set_practice(team, on=verb == "practise-team", by=officer)
        return f"{team} practises now." if verb == "practise-team" else f"{team} is back to the real thing."
    if verb == "end-officer":
        one = get_object_or_404(Officer.objects.visible_to(officer), pk=int(number))
        approvals.set_practice(one, on=False, by=officer)
        return f"{one} is back to the real thing."
    raise Http404
