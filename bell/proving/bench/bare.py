"""The bare Django beside ours: the same settings, a view that does next to nothing, as many requests and bytes."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import URLPattern, path

_SIZE = 10_000


def form(request: HttpRequest, step: int) -> HttpResponse:
    """A page with a form; its POST keeps one value with the visit and leads on, as each step of a journey does."""
    if request.method == "POST":
        request.session[f"step{step}"] = request.POST.get("answer", "")[:100]
        return HttpResponseRedirect(f"/{step + 1}/")
    return HttpResponse(f"<!doctype html><title>{step}</title>{get_token(request)}".ljust(_SIZE))


def page(request: HttpRequest, size: int) -> HttpResponse:
    """So many bytes."""
    return HttpResponse(b" " * size)


urlpatterns: list[URLPattern] = [path("<int:step>/", form), path("page/<int:size>/", page)]


application = get_wsgi_application()
settings.ROOT_URLCONF = __name__
