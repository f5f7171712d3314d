"""What every page knows: the installation's own name, which is data (organisations)."""

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from bell.organisations.models import Organisation


def _site() -> dict[str, object]:
    """The force's name and strapline; plain words before the first set-up. One question, as every page asks it."""
    forces = Organisation.objects.filter(active=True, sort=Organisation.Sort.FORCE).order_by("pk")
    name, strapline = forces.values_list("name", "strapline").first() or (settings.SITE_NAME, "")
    return {"name": settings.SITE_NAME, "force": name, "strapline": strapline, "demo": settings.DEMO}


def site(request: HttpRequest) -> dict[str, object]:
    """The template variable `site`, read only where a page uses it."""
    return {"site": SimpleLazyObject(_site)}
