"""Imports of areas, for administrators of the force: upload, choose, see what would change, apply, put back."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.organisations.models import Officer
from bell.residents import area_import, area_rules
from bell.residents.area_models import BUSY, AreaImport
from bell.residents.area_models import ImportState as State
from bell.staff import area_map, area_showing, live, shell
from bell.staff.access import fresh_factor, looks_after, officer_required
from bell.staff.forms.areas import ColumnsForm, FileForm, TypedForm, show

_A_PAGE = 60
# States in which the changes that were found are worth a look.
_SHOWN = (State.CHECKED, State.APPLIED, State.PUT_BACK)


def _run(officer: Officer, number: int) -> AreaImport:
    return get_object_or_404(AreaImport.objects.visible_to(officer), pk=number)


@officer_required
@looks_after
@require_http_methods(["GET", "HEAD", "POST"])
def areas(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The kinds of area there are, the imports so far, and a file to begin with."""
    form = FileForm(request.POST, request.FILES) if request.method == "POST" else FileForm()
    if form.is_bound and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            made = area_import.upload(file.read(), filename=file.name or "", by=officer)
        except area_rules.NotAnImport as error:
            show(error.problems, form)
        else:
            return redirect("staff-area-import", made.pk)
    runs = AreaImport.objects.visible_to(officer).select_related("uploaded_by", "applied_by", "put_back_by")
    given = {
        "form": form,
        "kinds": area_showing.kinds(),
        "page": Paginator(runs, 20).get_page(request.GET.get("page")),
    }
    return shell.page(request, officer, "staff/areas/list.html", given)


@officer_required
@looks_after
@require_safe
def run(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """One import, whatever it waits for."""
    return _page(request, officer, _run(officer, number))


def _page(request: HttpRequest, officer: Officer, one: AreaImport, form: ColumnsForm | None = None) -> HttpResponse:
    given: dict[str, Any] = {"run": one, "busy": one.state in BUSY}
    if area_rules.may_move(one, State.READING):
        given["form"] = form or ColumnsForm(run=one, kinds=[kind["kind"] for kind in area_showing.kinds()])
    if given["busy"]:
        given["live"] = _part(one)
    if one.state in _SHOWN:
        changes = Paginator(one.changes.order_by("-moved_m2", "pk"), _A_PAGE).get_page(request.GET.get("page"))
        given |= {
            "counts": area_showing.counts(one),
            "people": area_showing.people(one.people),
            "page": changes,
            "rows": [area_showing.row(change) for change in changes],
            "drawing": area_map.drawing(one),
            "touched": area_showing.touched(one) if one.state == State.CHECKED else None,
            "most": area_map.MOST,
            "tones": area_showing.TONES,
        }
    return shell.page(request, officer, "staff/areas/import.html", given)


@officer_required
@looks_after
@require_safe
def run_live(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """How far it is; when the work is done the page comes anew."""
    one = _run(officer, number)
    if one.state not in BUSY:
        return HttpResponse(headers={"HX-Refresh": "true"})
    return _part(one).reply(request)


def _part(one: AreaImport) -> live.Part:
    url = reverse("staff-area-live", args=[one.pk])
    return live.part("area-live", url, "staff/parts/area_progress.html", area_showing.progress(one))


@officer_required
@looks_after
@require_safe
def run_map(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Ground or changes as GeoJSON for the map."""
    one = _run(officer, number)
    if one.state not in _SHOWN:
        raise Http404
    ground, changes = area_map.collections(one)
    return JsonResponse(ground if request.GET.get("layer") == "ground" else changes)


@officer_required
@looks_after
@require_safe
def file(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """The file as it came."""
    one = _run(officer, number)
    response = HttpResponse(area_import.content(one), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="areas-{one.pk}-{one.sha256[:12]}.bin"'
    return response


@officer_required
@looks_after
@require_POST
def check(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Let it be found out what the file would change."""
    one = _run(officer, number)
    form = ColumnsForm(request.POST, run=one, kinds=[kind["kind"] for kind in area_showing.kinds()])
    if form.is_valid():
        try:
            area_import.check(one, form.columns(), by=officer)
        except area_rules.NotAnImport as error:
            show(error.problems, form)
        else:
            return redirect("staff-area-import", one.pk)
    if not area_rules.may_move(one, State.READING):
        return _say(request, one, form)
    return _page(request, officer, one, form)


@officer_required
@looks_after
@fresh_factor
@require_http_methods(["GET", "HEAD", "POST"])
def apply(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Ask for the typed word, then apply."""
    return _confirm(request, officer, number, State.WRITING, area_import.apply, "staff/areas/apply.html")


@officer_required
@looks_after
@fresh_factor
@require_http_methods(["GET", "HEAD", "POST"])
def put_back(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Ask for the typed word, then put everything back."""
    return _confirm(request, officer, number, State.UNDOING, area_import.put_back, "staff/areas/put_back.html")


def _confirm(
    request: HttpRequest, officer: Officer, number: int, state: State, act: Callable[..., Any], template: str
) -> HttpResponse:
    one = _run(officer, number)
    if not area_rules.may_move(one, state):
        messages.info(request, f"This import is now: {one.get_state_display().lower()}.")
        return redirect("staff-area-import", one.pk)
    form = TypedForm(request.POST if request.method == "POST" else None, run=one)
    if form.is_bound and form.is_valid():
        try:
            act(one, typed=form.cleaned_data["typed"], by=officer)
        except area_rules.NotAnImport as error:
            show(error.problems, form)
        else:
            return redirect("staff-area-import", one.pk)
    given = {"form": form, "run": one, "counts": area_showing.counts(one), "people": area_showing.people(one.people)}
    return shell.page(request, officer, template, given)


@officer_required
@looks_after
@require_POST
def drop(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Do nothing with this file."""
    one = _run(officer, number)
    try:
        area_import.drop(one, by=officer)
    except area_rules.NotAnImport as error:
        messages.info(request, str(error))
        return redirect("staff-area-import", one.pk)
    messages.success(request, f"{one.filename} was dropped. Nothing was changed.")
    return redirect("staff-areas")


def _say(request: HttpRequest, one: AreaImport, form: ColumnsForm) -> HttpResponse:
    """What cannot be done, on the page of the import."""
    for words in form.non_field_errors():
        messages.info(request, str(words))
    return redirect("staff-area-import", one.pk)
