"""The living style page, mounted at /ui/ in the demo only."""

from django.urls import path

from bell.ui import views

urlpatterns = [
    path("", views.style, name="ui-style"),
    path("desk/", views.style_desk, name="ui-style-desk"),
    path("fragment/", views.style_fragment, name="ui-style-fragment"),
    path("map/", views.style_map, name="ui-style-map"),
]
