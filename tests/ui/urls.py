"""The room by itself: its style page and its error pages, whatever the faces above are doing."""

from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path


def _raise(error: Exception):
    def view(request: HttpRequest) -> HttpResponse:
        raise error

    return view


urlpatterns = [
    path("ui/", include("bell.ui.urls")),
    path("bad/", _raise(BadRequest("no"))),
    path("forbidden/", _raise(PermissionDenied())),
    path("missing/", _raise(Http404())),
    path("broken/", _raise(RuntimeError("on purpose"))),
]
handler400 = "bell.ui.views.bad_request"
handler403 = "bell.ui.views.forbidden"
handler404 = "bell.ui.views.not_found"
handler500 = "bell.ui.views.server_error"
