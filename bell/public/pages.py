"""Pages of words: the promise, accessibility, contact, what robots may read, and the goodbye."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bell.organisations.models import Agreement, Organisation, Route
from bell.public import routes
from bell.public.headers import own_page
from bell.public.promise import PROMISES

_CLOSED_TO_ROBOTS = ("/r/", "/u/", "/join/", "/sign-in/", "/account/", "/desk/", "/accounts/", "/gateways/", "/demo/")


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """What we promise, sentence by sentence."""
    agreements = Agreement.objects.public().select_related("organisation").order_by("organisation__name", "-starts")
    return render(request, "public/privacy.html", {"promises": PROMISES, "agreements": agreements})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """How well everybody can use the site, and what is not good enough yet."""
    return render(request, "public/accessibility.html")


@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Every other way to reach the force and its partners."""
    found = Organisation.objects.public().order_by("sort", "name")
    organisations = [(one, routes.of(one)) for one in found]
    context = {"organisations": organisations, "social": Route.Sort.SOCIAL, "urgent": Route.Sort.EMERGENCY}
    return render(request, "public/contact.html", context)


@own_page
@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """Goodbye, after leaving from the account."""
    return render(request, "public/left.html")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines may read what everybody may read, and nothing whose address is a secret."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in _CLOSED_TO_ROBOTS)]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
