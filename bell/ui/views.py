"""Error pages, and the style page where every component can be looked at (demo only)."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.csrf import requires_csrf_token

from bell.ui.examples import AREAS, SHAPES, ExampleForm
from bell.ui.icons import ICONS


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Status 400."""
    return render(request, "400.html", status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Status 403."""
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Status 404, also for what a stranger may not know of."""
    return render(request, "404.html", status=404)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Status 500, drawn without the request: whatever failed may be what the context needs, such as the database."""
    return HttpResponse(render_to_string("500.html", {"site": {"name": settings.SITE_NAME}}), status=500)


def _context(request: HttpRequest) -> dict[str, Any]:
    data = request.GET if "postcode" in request.GET else None
    return {
        "form": ExampleForm(data, initial={"born": date(2026, 3, 27)}),
        "icons": sorted(ICONS),
        "page": Paginator(range(240), 20).page(5),
        "areas": AREAS,
        "shapes": SHAPES,
        "rows": [
            ("Postcode", "ZZ1 1ZZ", "/ui/"),
            ("Email", "jo@post.example", "/ui/"),
            ("Since", "Friday 20 November", "/ui/"),
        ],
    }


def style(request: HttpRequest) -> HttpResponse:
    """Every component in the public shell."""
    return render(request, "ui/style/public.html", _context(request))


def style_desk(request: HttpRequest) -> HttpResponse:
    """Every component of the staff shell."""
    return render(request, "ui/style/desk.html", _context(request))


def style_map(request: HttpRequest) -> HttpResponse:
    """The three uses of the map: to look at, to draw on, to put a pin."""
    return render(request, "ui/style/map.html", _context(request))


def style_fragment(request: HttpRequest) -> HttpResponse:
    """What htmx fetches on the desk's style page: it announces itself and brings a component of its own."""
    return render(request, "ui/style/fragment.html", _context(request))
