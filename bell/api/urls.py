"""Addresses of this face, below /gateways/."""

from django.urls import URLPattern, URLResolver, path

from bell.api import providers, views

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", views.health, name="health"),
    path("email/<str:provider>/tracking/", providers.hook, {"what": "tracking"}, name="email-tracking"),
    path("email/<str:provider>/inbound/", providers.hook, {"what": "inbound"}, name="email-inbound"),
    path("<str:name>/inbound/", views.text, name="inbound"),
    path("<str:name>/receipt/", views.receipt, name="receipt"),
]
