"""Insight: members against households, growth, which groups and hours answer, and what came of each appeal."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from bell.insight import answers, members
from bell.insight import scope as scopes
from bell.insight.scope import Scope
from bell.lib import clock, csvs
from bell.organisations.models import Officer
from bell.staff import charts, ground, shell
from bell.staff.access import officer_required

_CLASSES = 5


def _scope(officer: Officer) -> Scope:
    """What the officer may see; for everyone else there is no such page."""
    found = scopes.of(officer)
    if found is None:
        raise Http404
    return found


def _kind(request: HttpRequest, kinds: Sequence[str]) -> str:
    """The kind of area that was asked for; without a question the finest."""
    asked = request.GET.get("kind", "")
    if asked and asked not in kinds:
        raise Http404
    return asked or (kinds[-1] if kinds else "")


@officer_required
@require_safe
def reach(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Members by area against households, how they grew, and where they came from."""
    scope = _scope(officer)
    kinds = members.kinds(scope)
    kind = _kind(request, kinds)
    rows = members.rows(scope, kind=kind)
    grown = members.growth(scope)
    came = members.sources(scope)
    context = {
        "scope": scope,
        "kinds": kinds,
        "kind": kind,
        "rows": rows,
        "classes": _legend(rows),
        "growth": grown,
        "growth_chart": charts.columns([(f"{one.month:%b}", one.members) for one in grown]),
        "sources": came,
        "sources_chart": charts.rows(came),
        "here": "reach",
    }
    return shell.page(request, officer, "staff/insight/reach.html", context)


def _steps(rows: Sequence[members.Row]) -> list[float]:
    """The upper bounds of the map's classes: even steps up to the largest share."""
    most = max((row.share or 0 for row in rows), default=0)
    return [round(most * step / _CLASSES, 2) for step in range(1, _CLASSES + 1)] if most else []


def _class(share: float, steps: Sequence[float]) -> int:
    """Which class a share falls into, from 1."""
    return next((number for number, bound in enumerate(steps, 1) if share <= bound), _CLASSES)


def _legend(rows: Sequence[members.Row]) -> list[tuple[int, str]]:
    """(class, words) of the map's colours."""
    steps = _steps(rows)
    starts = [0.0, *steps]
    return [(number, f"{starts[number - 1]:g} to {bound:g}") for number, bound in enumerate(steps, 1)]


@officer_required
@require_safe
def reach_map(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The areas of a kind as GeoJSON, toned by members per 100 households."""
    scope = _scope(officer)
    rows = members.rows(scope, kind=_kind(request, members.kinds(scope)))
    steps = _steps(rows)
    toned = {row.area.pk: f"share-{_class(row.share, steps)}" if row.share is not None else "quiet" for row in rows}
    said = {row.area.pk: f"{row.area.name}: {_words(row.share)}" for row in rows}
    return JsonResponse(ground.of_areas(toned, said))


def _words(share: float | None) -> str:
    return "not shown" if share is None else f"{share:g} per 100 households"


@officer_required
@require_safe
def response(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Answers per 100 people asked, by group and by hour of the day."""
    scope = _scope(officer)
    found = answers.appeals(officer)
    groups, hours = answers.by_group(found), answers.by_hour(found)
    context = {
        "scope": scope,
        "count": len(found.alerts),
        "groups": groups,
        "groups_chart": charts.rows([(one.name, one.per_100) for one in groups if one.per_100 is not None]),
        "hours": [one for one in hours if one.asked],
        "hours_chart": charts.rows([(one.name, one.per_100) for one in hours if one.per_100 is not None]),
        "least": answers.ASKED_LEAST,
        "here": "response",
    }
    return shell.page(request, officer, "staff/insight/response.html", context)


@officer_required
@require_safe
def ledger(request: HttpRequest, officer: Officer) -> HttpResponse:
    """What came of each appeal."""
    scope = _scope(officer)
    lines = answers.ledger(answers.appeals(officer))
    told = sum(1 for line in lines if line.outcomes)
    context = {"scope": scope, "lines": lines, "told": told, "here": "ledger"}
    return shell.page(request, officer, "staff/insight/ledger.html", context)


def _number(value: float | None) -> Any:
    """A number for a sheet, or the words that stand for it."""
    return "not shown" if value is None else value


def _members_sheet(request: HttpRequest, officer: Officer) -> tuple[Iterable[Any], Iterable[Iterable[Any]]]:
    scope = _scope(officer)
    rows = members.rows(scope, kind=_kind(request, members.kinds(scope)))
    header = ("Area", "Code", "Kind", "Members", "Households", "Members per 100 households", "New in 30 days",
              "New in 90 days")  # fmt: skip
    return header, [
        (row.area.name, row.area.code, row.area.kind, _number(row.members), row.households, _number(row.share),
         _number(row.new_30), _number(row.new_90))
        for row in rows
    ]  # fmt: skip


def _response_sheet(request: HttpRequest, officer: Officer) -> tuple[Iterable[Any], Iterable[Iterable[Any]]]:
    _scope(officer)
    found = answers.appeals(officer)
    lines = [("Group", one) for one in answers.by_group(found)] + [("Hour", one) for one in answers.by_hour(found)]
    body = [(sort, one.name, _number(one.asked), _number(one.per_100)) for sort, one in lines]
    return ("By", "Name", "People asked", "Answers per 100"), body


def _ledger_sheet(request: HttpRequest, officer: Officer) -> tuple[Iterable[Any], Iterable[Iterable[Any]]]:
    _scope(officer)
    header = ("Reference", "Title", "Kind", "Team", "Sent", "People asked", "Answers per 100", "Useful", "Outcome")
    return header, [
        (line.alert.reference, line.alert.title, line.alert.get_kind_display(), line.alert.team.name,
         f"{clock.local(line.alert.sent_at):%Y-%m-%d %H:%M}" if line.alert.sent_at else "", line.asked,
         _number(line.per_100), line.useful, " / ".join(f"{one.title}: {note}" for one, note in line.outcomes))
        for line in answers.ledger(answers.appeals(officer))
    ]  # fmt: skip


_SHEETS: dict[str, Callable[[HttpRequest, Officer], tuple[Iterable[Any], Iterable[Iterable[Any]]]]] = {
    "members": _members_sheet,
    "response": _response_sheet,
    "ledger": _ledger_sheet,
}


@officer_required
@require_safe
def sheet(request: HttpRequest, officer: Officer, name: str) -> HttpResponse:
    """One of the tables as a CSV file, with the same numbers hidden as on the page."""
    if name not in _SHEETS:
        raise Http404
    header, rows = _SHEETS[name](request, officer)
    answer = HttpResponse(csvs.document(header, rows), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
