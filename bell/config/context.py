"""What every page knows: the installation's own name and routes, which are data (organisations)."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from bell.organisations.models import Organisation, Route


def _site() -> dict[str, object]:
    """The force's name, strapline and routes; plain words before the first set-up."""
    force = Organisation.objects.public().filter(sort=Organisation.Sort.FORCE).first()
    routes = list(Route.objects.filter(organisation=force)) if force else []
    return {
        "name": settings.SITE_NAME,
        "force": force.name if force else settings.SITE_NAME,
        "strapline": force.strapline if force else "",
        "address": force.postal_address if force else "",
        "routes": routes,
        "demo": settings.DEMO,
    }


def site(request: HttpRequest) -> dict[str, object]:
    """The template variable `site`, read only where a page uses it."""
    return {"site": SimpleLazyObject(_site)}
