"""Addresses of footage on the desk."""

from django.urls import URLPattern, URLResolver, path

from bell.staff.views import evidence

urlpatterns: list[URLPattern | URLResolver] = [
    path("alerts/<reference:reference>/close/", evidence.close, name="staff-close-alert"),
    path("alerts/<reference:reference>/exhibits/live/", evidence.panel_live, name="staff-exhibits-live"),
    path("alerts/<reference:reference>/exhibits/export/", evidence.export, name="staff-export"),
    path("alerts/<reference:reference>/exhibits/<int:number>/", evidence.exhibit, name="staff-exhibit"),
    path("alerts/<reference:reference>/exhibits/<int:number>/preview/", evidence.preview, name="staff-exhibit-preview"),
    path(
        "alerts/<reference:reference>/exhibits/<int:number>/download/", evidence.download, name="staff-exhibit-download"
    ),
    path("alerts/<reference:reference>/exhibits/<int:number>/triage/", evidence.triage, name="staff-exhibit-triage"),
]
