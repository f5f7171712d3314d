"""The messages of one area, and the list of areas: for people who look without joining."""

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bell.lib import links
from bell.places.models import Area
from bell.public.headers import PUBLIC_SECONDS, cacheable
from bell.public.shown import show_all
from bell.sharing import find

A_PAGE = 30
_LONGEST_KIND, _LONGEST_CODE = 32, 200
_MOST_LISTED = 400


def area_of(kind: str, code: str) -> Area:
    """The area of a kind and code; 404 for all else, and for what cannot be either."""
    if len(kind) > _LONGEST_KIND or len(code) > _LONGEST_CODE or not (kind + code).isprintable():
        raise Http404
    found = Area.objects.public().filter(kind=kind, code=code).select_related("parent__parent__parent").first()
    if found is None:
        raise Http404
    return found


def path_of(area: Area) -> str:
    """The address of an area's page."""
    return f"/area/{quote(area.kind, safe='')}/{quote(area.code)}/"


def embed_of(area: Area) -> str:
    """The address of an area's page for other sites' frames."""
    return f"/embed/{quote(area.kind, safe='')}/{quote(area.code)}/"


@require_safe
def areas(request: HttpRequest) -> HttpResponseBase:
    """Every area down to the level where the list would become too long, as a tree of links."""
    rows = list(Area.objects.public().offered().defer("boundary").order_by("name", "pk"))
    within: dict[int | None, list[Area]] = {}
    for row in rows:
        within.setdefault(row.parent_id, []).append(row)
    tree = [_node(row, within, depth=2) for row in within.get(None, [])[:_MOST_LISTED]]
    return cacheable(render(request, "public/areas.html", {"tree": tree}), PUBLIC_SECONDS)


def _node(row: Area, within: dict[int | None, list[Area]], *, depth: int) -> dict[str, Any]:
    """An area with what lies in it, so many levels deep."""
    parts = within.get(row.pk, []) if depth else []
    return {"name": row.name, "path": path_of(row), "within": [_node(one, within, depth=depth - 1) for one in parts]}


@require_safe
def area(request: HttpRequest, kind: str, code: str) -> HttpResponseBase:
    """The newest messages to an area, its feed, and the lines that put it on another site."""
    here = area_of(kind, code)
    found = find.of_area(here, most=A_PAGE)
    context = {
        "area": here,
        "alerts": show_all(found),
        "above": [(one.name, path_of(one)) for one in _above(here)],
        "within": [(one.name, path_of(one)) for one in here.children.filter(retired_at=None).order_by("name", "pk")],
        "feed": f"{path_of(here)}feed.atom",
        "embed_path": embed_of(here),
        "embed": links.absolute(embed_of(here)),
    }
    seconds = PUBLIC_SECONDS if all(map(find.lasting, found)) else 0
    return cacheable(render(request, "public/area.html", context), seconds)


def _above(here: Area) -> list[Area]:
    """The areas that hold this one, the largest first; a circle in the tree ends."""
    found: list[Area] = []
    while here.parent is not None and here.parent not in found:
        here = here.parent
        found.insert(0, here)
    return found
