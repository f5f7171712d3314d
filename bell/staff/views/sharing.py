"""The share kit of an alert: a text for each network, and the picture card."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bell.alerts.models import PUBLISHED
from bell.organisations.models import Officer
from bell.sharing import find, kit, pictures
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.views.finding import alert_of


@officer_required
@require_safe
def share(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """What to post where, to copy by a button or by hand; or why there is nothing to post."""
    alert = alert_of(officer, reference)
    found = find.kit(alert)
    context = {
        "alert": alert,
        "none": find.no_kit(alert),
        "posts": kit.posts(found.message) if found else [],
        "alt": kit.alt(found.message, found.where) if found else "",
        "link": found.message.link if found else "",
        "public": alert.state in PUBLISHED,
    }
    return shell.page(request, officer, "staff/sharing/share.html", context)


@officer_required
@require_safe
def card(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The picture card, to look at and to save; no content while there is no kit."""
    alert = alert_of(officer, reference)
    found = find.kit(alert)
    if found is None:
        return HttpResponse(status=204)
    response = HttpResponse(pictures.of_kit(found, alert), content_type="image/png")
    response.headers["Content-Disposition"] = f'inline; filename="{alert.reference}.png"'
    return response
