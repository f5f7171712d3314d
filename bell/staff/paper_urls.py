"""Addresses of paper and door, below desk/paper/ (bell.staff.urls, which registers the converters)."""

from django.urls import URLPattern, URLResolver, path

from bell.staff.views import bundle, paper

urlpatterns: list[URLPattern | URLResolver] = [
    path("", paper.home, name="staff-paper"),
    path("forms/<key:key>/", paper.run_pdf, name="staff-forms"),
    path("posters/", paper.sources, name="staff-sources"),
    path("posters/<slug:code>/", paper.source_poster, name="staff-poster"),
    path("alerts/<reference:reference>/poster/", paper.alert_poster, name="staff-alert-poster"),
    path("alerts/<reference:reference>/slips/", paper.alert_slips, name="staff-alert-slips"),
    path("door/", bundle.door, name="staff-door"),
    path("bundles/new/", bundle.new, name="staff-bundle-new"),
    path("bundles/<key:key>/", bundle.bundle, name="staff-bundle"),
    path("bundles/<key:key>/scans/", bundle.scans, name="staff-scans"),
    path("bundles/<key:key>/<int:number>/", bundle.enter, name="staff-enter"),
    path("bundles/<key:key>/<int:number>/skip/", bundle.skip, name="staff-skip"),
    path("bundles/<key:key>/<int:number>/back/", bundle.reopen, name="staff-reopen"),
    path("bundles/<key:key>/<int:number>/again/", bundle.again, name="staff-again"),
    path("bundles/<key:key>/<int:number>/letter/", bundle.letter, name="staff-letter"),
    path("bundles/<key:key>/<int:number>/scan/", bundle.scan, name="staff-scan"),
]
