"""Saved audiences: used and kept from the composer, renamed and deleted on their own page."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from bell.alerts import saved
from bell.alerts.models import Alert, SavedAudience
from bell.alerts.rule import KEYS
from bell.alerts.rules import Unfinished
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer
from bell.staff import comparing, shell
from bell.staff.access import officer_required
from bell.staff.forms.audience import collection
from bell.staff.forms.compose import ComposeForm
from bell.staff.forms.saved import NameForm, SavedForm


def use(request: HttpRequest, officer: Officer, alert: Alert) -> tuple[QueryDict, SavedForm]:
    """What was sent, with a saved audience in place of the one that was chosen; words for what no longer holds."""
    form = SavedForm(request.POST, officer=officer, team=alert.team)
    data = request.POST.copy()
    chosen = form.cleaned_data.get("use_saved") if form.is_valid() else None
    if chosen is None:
        if not form.errors:
            form.add_error("use_saved", "Choose one of your team's audiences")
        return data, form
    audience, gone = saved.fitting(chosen)
    for key in KEYS:
        value = audience.get(key, [])
        if key.endswith("shapes"):
            data[key] = collection(value)
        else:
            data.setlist(key, [str(pk) for pk in value])
    messages.success(request, f"“{chosen.name}” is chosen. Look at it, then save.")
    if gone:
        messages.warning(request, f"Not all of it holds any more. {' '.join(gone)}")
    return data, SavedForm(officer=officer, team=alert.team)


def keep(request: HttpRequest, officer: Officer, form: ComposeForm) -> SavedForm:
    """Keep what stands in the composer under a name."""
    team = form.alert.team
    asked = SavedForm(request.POST, officer=officer, team=team)
    if not asked.is_valid():
        return asked
    if any(key in form.errors for key in KEYS):
        asked.add_error("save_as", "Put right what is wrong with the audience first")
        return asked
    try:
        made = saved.keep(team=team, name=asked.cleaned_data["save_as"], audience=form.candidate().audience, by=officer)
    except Unfinished as unfinished:
        asked.show(unfinished.problems)
        return asked
    messages.success(request, f"“{made.name}” is kept for {team.name}.")
    return SavedForm(officer=officer, team=team)


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def audiences(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The audiences of the officer's teams: their names and words; `do` is "rename:N" or "delete:N"."""
    wrong: tuple[int, NameForm] | None = None
    if request.method == "POST":
        do, _, number = request.POST.get("do", "").partition(":")
        if do not in ("rename", "delete") or not (number.isascii() and number.isdigit() and len(number) < 19):
            raise Http404
        one = get_object_or_404(SavedAudience.objects.visible_to(officer).select_related("team"), pk=int(number))
        if do == "delete":
            saved.forget(one, by=officer)
            messages.success(request, f"“{one.name}” is deleted. Alerts that were made with it keep theirs.")
            return redirect("staff-audiences")
        form = NameForm(request.POST, prefix=f"n{one.pk}")
        if form.is_valid():
            try:
                saved.rename(one, name=form.cleaned_data["name"], by=officer)
            except Unfinished as unfinished:
                form.add_error("name", unfinished.problems["name"].rstrip("."))
            else:
                messages.success(request, "The name is changed.")
                return redirect("staff-audiences")
        wrong = one.pk, form
    found = SavedAudience.objects.visible_to(officer).select_related("team", "by").order_by("team__name", "name")
    rows = [
        {
            "saved": one,
            "words": comparing.audience_words(Alert(organisation=one.team.organisation, team=one.team), one.audience),
            "gone": saved.fitting(one)[1],
            "form": wrong[1] if wrong and wrong[0] == one.pk else _name(one),
            "open": wrong is not None and wrong[0] == one.pk,
            "may": organisation_rules.may_write(officer, one.team),
        }
        for one in found
    ]
    context = {"rows": rows, "form": wrong[1] if wrong else None}
    return shell.page(request, officer, "staff/audiences.html", context)


def _name(one: SavedAudience) -> NameForm:
    return NameForm(prefix=f"n{one.pk}", initial={"name": one.name})
