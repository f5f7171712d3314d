"""Addresses of the desk's imports of areas."""

from django.urls import URLPattern, URLResolver, path

from bell.staff.views import areas

urlpatterns: list[URLPattern | URLResolver] = [
    path("", areas.areas, name="staff-areas"),
    path("<int:number>/", areas.run, name="staff-area-import"),
    path("<int:number>/live/", areas.run_live, name="staff-area-live"),
    path("<int:number>/map.json", areas.run_map, name="staff-area-map"),
    path("<int:number>/file/", areas.file, name="staff-area-file"),
    path("<int:number>/check/", areas.check, name="staff-area-check"),
    path("<int:number>/apply/", areas.apply, name="staff-area-apply"),
    path("<int:number>/put-back/", areas.put_back, name="staff-area-put-back"),
    path("<int:number>/drop/", areas.drop, name="staff-area-drop"),
]
