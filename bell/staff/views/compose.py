"""Writing an alert: choosing its kind, the composer, and the fragments that count and preview while one writes."""

import copy
from typing import Any

from django.contrib import messages
from django.forms import MultipleChoiceField
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.alerts import actions, approving, checks, content, counting, find, practice, rules, sittings
from bell.alerts.models import Alert, Version
from bell.lib import clock
from bell.lib.shapes import ShapeError
from bell.organisations.models import Officer
from bell.places import find as places
from bell.residents import hours
from bell.residents.models import Group
from bell.staff import ground, importing, nearby, shell, showing, words
from bell.staff.access import officer_required
from bell.staff.forms import audience as narrowing
from bell.staff.forms.audience import collection
from bell.staff.forms.compose import ComposeForm, NewForm
from bell.staff.forms.saved import SavedForm
from bell.staff.forms.shapes import MOST_SHAPES, circle
from bell.staff.views import saved, saving, templates
from bell.staff.views.finding import alert_of

_HALF = (
    "The page had not come completely when you sent it, so nothing was saved. Your words stand here. "
    "Look through what is ticked, then send it again."
)
_AUDIENCE = ("areas", "shapes", "groups", *narrowing.NARROWING, "channels")


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Choose the kind (and the team), then write."""
    form = NewForm(request.POST or None, officer=officer)
    if request.method == "POST" and form.is_valid():
        return templates.begin(request, officer, form.cleaned_data["team"], form.cleaned_data["kind"])
    return shell.page(request, officer, "staff/new.html", {"form": form})


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The composer. The buttons of its form say by `do` what is to be done."""
    alert = alert_of(officer, reference)
    if not rules.may_edit(officer, alert):
        words = practice.refusal(officer, alert) or "This alert cannot be changed now, or not by you."
        messages.error(request, words)
        return redirect("staff-alert", alert.reference)
    if request.method != "POST":
        return _composer(request, officer, ComposeForm(alert=alert))
    if "whole" not in request.POST:
        return _halfway(request, officer, alert)
    do = request.POST.get("do", "save")
    if do in ("save", "submit", "picture"):
        return _keep(request, officer, alert, do)
    return _adjust(request, officer, alert, do)


def _composer(request: HttpRequest, officer: Officer, form: ComposeForm, **more: Any) -> HttpResponse:
    """The page, with everything that was typed."""
    status = more.pop("status", 200)
    patch = ground.bounds(form.alert.team)
    context = {"form": form, "alert": form.alert, "patch": patch, **_preview(form), **_chosen(form), **more}
    context |= _out(form)
    context.setdefault("kept", SavedForm(officer=officer, team=form.alert.team))
    sitting = sittings.tidy(request.POST.get("sitting", "")) or sittings.new()
    context |= {"sitting": sitting, "saved_at": sittings.said(form.alert.saved_at) if form.alert.saved_at else ""}
    return shell.page(request, officer, "staff/compose.html", context, status=status)


def _keep(request: HttpRequest, officer: Officer, alert: Alert, do: str) -> HttpResponse:
    """Save the draft, then submit it or go on to its picture; nothing that was typed is ever lost."""
    form = ComposeForm(request.POST, alert=alert)
    if not form.is_valid():
        return _composer(request, officer, form)
    try:
        alert = actions.edit(alert, by=officer, **saving.asked(request, form), **form.changes())
    except actions.Changed as changed:
        return _both(request, officer, form, str(changed))
    if do == "picture":
        return redirect("staff-picture", alert.reference)
    if do == "save":
        messages.success(request, "Draft saved.")
        return redirect("staff-edit", alert.reference)
    try:
        version = actions.submit(alert, by=officer, everyone=form.cleaned_data["everyone"])
    except rules.Unfinished as unfinished:
        form = _again(request, alert, seen=str(alert.edit))
        form.show(unfinished.problems)
        return _composer(request, officer, form, saved=True)
    messages.success(request, _asked(version))
    return redirect("staff-alert", alert.reference)


def _halfway(request: HttpRequest, officer: Officer, alert: Alert) -> HttpResponse:
    """Only the beginning of a form came, from a page on a slow line that had not come whole.

    What is missing would read as unticked, and the alert would go to others than before: so nothing is saved, what was
    typed stands in the page, and what can be ticked is as it was saved.
    """
    form = ComposeForm(alert=alert)
    typed = [name for name, field in form.fields.items() if not isinstance(field, MultipleChoiceField)]
    form.initial.update({name: request.POST[name] for name in typed if name in request.POST})
    messages.error(request, _HALF)
    return _composer(request, officer, form, unsaved=True)


def _asked(version: Version) -> str:
    """Whom a submission went to."""
    names = [str(one) for one in approving.approvers(version)]
    shown = names[:3] if len(names) <= 3 else [*names[:2], f"{len(names) - 2} others"]
    needs = approving.standing(version).needs
    rule = f" {needs.words}" if needs.people > 1 else ""
    return f"Submitted. Asked to approve: {', '.join(shown)}.{rule}"


def _again(request: HttpRequest, alert: Alert, **changes: str) -> ComposeForm:
    """The form as it was sent, with some values changed by us."""
    data = request.POST.copy()
    for name, value in changes.items():
        data[name] = value
    form = ComposeForm(data, alert=alert)
    form.is_valid()
    return form


def _both(request: HttpRequest, officer: Officer, form: ComposeForm, why: str) -> HttpResponse:
    """A colleague saved meanwhile: this officer's words stay in the form, the colleague's stand beside them."""
    found = saving.conflict(officer, form, why)
    form = _again(request, found["alert"], seen=str(found["alert"].edit))
    return _composer(request, officer, form, theirs=found["theirs"], changed=why, status=409)


def _adjust(request: HttpRequest, officer: Officer, alert: Alert, do: str) -> HttpResponse:
    """What the page does without scripts: add a circle, take a shape away, count, show the preview again."""
    form = _again(request, alert)
    if do == "circle":
        feature, problem = _circle(form)
        if feature is not None:
            form = _again(request, alert, shapes=collection([*_shapes(form), feature]), circle_postcode="")
        elif problem:
            form.add_error("circle_postcode" if "circle_radius" not in form.errors else "circle_radius", problem)
    elif do.startswith("remove:") and do[7:].isascii() and do[7:].isdigit():
        left = [shape for number, shape in enumerate(_shapes(form)) if str(number) != do[7:]]
        form = _again(request, alert, shapes=collection(left))
    elif lists := narrowing.moved(form.cleaned_data, do):
        form = _again(request, alert, **lists)
    elif do == "use":
        data, asked = saved.use(request, officer, alert)
        form = ComposeForm(data, alert=alert)
        form.is_valid()
        return _composer(request, officer, form, kept=asked)
    elif do == "keep":
        return _composer(request, officer, form, kept=saved.keep(request, officer, form))
    elif do.startswith("schedule:"):
        form = _again(request, alert, send_at=do[9:][:19])
    elif do == "import":
        return _import(request, officer, form)
    elif do == "language" or do.startswith("language-out:"):
        form = _with_languages(request, alert, do)
    elif do == "count":
        return _composer(request, officer, form, count=_count(officer, form))
    return _composer(request, officer, form)


def _import(request: HttpRequest, officer: Officer, form: ComposeForm) -> HttpResponse:
    """Shapes of a file or of pasted text, put beside those that are drawn; what was done to them is said."""
    file = request.FILES.get("shape_file")
    raw = file.read(importing.MOST_BYTES + 1) if file else request.POST.get("shape_text", "").encode()
    drawn = _shapes(form)
    try:
        if not raw.strip():
            raise ShapeError("Choose a file, or paste what stands in it")
        made = importing.read(raw, form.alert.team, room=MOST_SHAPES - len(drawn))
    except ShapeError as error:
        form.add_error("shape_text", str(error))
        return _composer(request, officer, form)
    form = _again(request, form.alert, shapes=collection([*drawn, *made.features]), shape_text="")
    return _composer(request, officer, form, imported=made.notes)


def _with_languages(request: HttpRequest, alert: Alert, do: str) -> ComposeForm:
    """The form as it was sent, with one language more, or one less."""
    data = request.POST.copy()
    out = do.partition(":")[2]
    data.setlist("lang", [tag for tag in [*data.getlist("lang"), data.get("add_language", "")] if tag and tag != out])
    form = ComposeForm(data, alert=alert)
    form.is_valid()
    return form


def _shapes(form: ComposeForm) -> list[dict[str, Any]]:
    shapes: list[dict[str, Any]] = form.cleaned_data.get("shapes") or []
    return shapes


def _circle(form: ComposeForm) -> tuple[dict[str, Any] | None, str]:
    """The circle that was asked for by postcode and radius, or what is wrong, in words."""
    if "circle_radius" in form.errors:
        return None, ""
    metres = form.cleaned_data.get("circle_radius")
    if metres is None:
        return None, "Enter how far around the postcode"
    try:
        found = places.postcode(form.cleaned_data.get("circle_postcode") or "")
    except places.PostcodeError as error:
        return None, str(error)
    return circle(found.lon, found.lat, metres), ""


def _count(officer: Officer, form: ComposeForm) -> tuple[str, bool, str]:
    """How many the audience reaches, in words; whether it is a number (else what is in the way); cameras nearby."""
    for name in _AUDIENCE:
        if name in form.errors:
            return str(form.errors[name][0]), False, ""
    made = form.candidate()
    if not (made.by_email or made.by_sms):
        return "Choose email, text message or both to count.", False, ""
    if problem := rules.problems_with_audience(made):
        return problem, False, ""
    try:
        sms = content.sms(rules.snapshot(made))
        rough = counting.roughly(find.rule(made), by=officer, sms_text=sms, team=made.team)
    except counting.TooManyCounts as error:
        return str(error), False, ""
    return words.counted(rough, by_email=made.by_email, by_sms=made.by_sms), True, nearby.said(made)


def _preview(form: ComposeForm) -> dict[str, Any]:
    """The message as it would be read, from what stands in the form, right or wrong."""
    made = form.candidate() if form.is_bound else copy.copy(form.alert)
    for name, most in (("title", 300), ("body", 8000), ("sms_text", 2000)):
        setattr(made, name, str(form[name].value() or "")[:most])
    frozen = rules.snapshot(made)
    return {"message": showing.message(frozen), "spoken": showing.spoken(frozen), "findings": checks.of_text(frozen)}


def _chosen(form: ComposeForm) -> dict[str, Any]:
    """The drawn shapes in words, and the ticked areas for the map."""
    if form.alert.follows_id:
        return {"described": [], "chosen": ground.of_audience(form.alert.follows.audience)}  # type: ignore[union-attr]
    rule = form.candidate().audience if form.is_bound else form.alert.audience
    return {
        "described": ground.described(rule),
        "chosen": ground.of_audience(rule, drawn=False),
        "drawn": narrowing.drawn(rule),
        "narrowed": any(rule.get(key) for key in narrowing.NARROWING),
        "narrowing_errors": any(form[key].errors for key in narrowing.NARROWING),
    }


def _out(form: ComposeForm) -> dict[str, Any]:
    """When the people of the chosen groups are usually out, and the next time to send for that (F2)."""
    rule = (form.candidate() if form.is_bound else form.alert).audience
    chosen = Group.objects.public().filter(pk__in=rule.get("groups", []), organisation=form.alert.organisation_id)
    timed = [group for group in chosen if group.active_hours and not form.alert.follows_id]
    now = clock.now()
    starts = [hours.next_start(group.active_hours, now) for group in timed]
    soonest = min((at for at in starts if at is not None), default=None)
    offer = None
    if soonest is not None and not any(hours.is_now(group.active_hours, now) for group in timed):
        offer = (f"{clock.local(soonest):%Y-%m-%dT%H:%M}", clock.said(soonest))
    words = [f"{group.name} are usually out {hours.said(group.active_hours)}." for group in timed]
    return {"outings": words, "offer": offer}


def _bound(request: HttpRequest, officer: Officer, reference: str) -> ComposeForm:
    """The form behind a fragment: only for those who may edit."""
    alert = alert_of(officer, reference)
    if not rules.may_edit(officer, alert):
        raise rules.NotAllowed("This alert cannot be changed now, or not by you.")
    return _again(request, alert)


@officer_required
@require_POST
def count(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The live count, the list of drawn shapes and the ticked areas."""
    form = _bound(request, officer, reference)
    context = {"form": form, "alert": form.alert, "count": _count(officer, form), "fragment": True, **_chosen(form)}
    context |= _out(form)
    return render(request, "staff/parts/count.html", context)


@officer_required
@require_POST
def preview(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The live preview, and what the text message takes; nothing new for a page that was submitted meanwhile."""
    if alert_of(officer, reference).state not in rules.EDITABLE:
        return HttpResponse(status=204)
    form = _bound(request, officer, reference)
    return render(request, "staff/parts/preview.html", {**_preview(form), "alert": form.alert, "fragment": True})


@officer_required
@require_POST
def circle_round(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """One circle by postcode and radius, as the map draws it: JSON {"feature"} or {"problem"}."""
    form = _bound(request, officer, reference)
    feature, problem = _circle(form)
    if feature is None:
        return JsonResponse({"problem": problem or form.errors["circle_radius"][0]})
    return JsonResponse({"feature": feature})


@officer_required
@require_safe
def ground_of(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The ground of the alert's team as GeoJSON, for every map about the alert."""
    return JsonResponse(ground.of_team(alert_of(officer, reference).team))
