"""Every address of the site: the faces, sign-in of staff, and the demo's stage where it is on."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from bell.api.metrics import metrics

urlpatterns: list[URLPattern | URLResolver] = [
    path("desk/", include("bell.staff.urls")),
    path("gateways/", include("bell.api.urls")),
    path("metrics", metrics),
    path("accounts/", include("bell.staff.account_urls")),
    path("", include("bell.public.urls")),
]
if settings.DEMO:
    urlpatterns = [path("demo/", include("bell.proving.urls")), path("ui/", include("bell.ui.urls")), *urlpatterns]

handler400 = "bell.ui.views.bad_request"
handler403 = "bell.ui.views.forbidden"
handler404 = "bell.ui.views.not_found"
handler500 = "bell.ui.views.server_error"
