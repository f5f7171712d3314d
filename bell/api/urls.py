"""Addresses of this face, below /gateways/."""

from django.urls import URLPattern, URLResolver, path

from bell.api import views

app_name = "api"
urlpatterns: list[URLPattern | URLResolver] = [
    path("health/", views.health, name="health"),
    path("<str:name>/inbound/", views.text, name="inbound"),
    path("<str:name>/receipt/", views.receipt, name="receipt"),
]
