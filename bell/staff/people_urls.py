"""Addresses of the administrators' pages: officers, roles, teams."""

from django.urls import URLPattern, URLResolver, path

from bell.staff.views import people, roles, teams

urlpatterns: list[URLPattern | URLResolver] = [
    path("people/", people.people, name="staff-people"),
    path("people/new/", people.new, name="staff-officer-new"),
    path("people/<key:key>/", people.officer_page, name="staff-officer"),
    path("people/<key:key>/access/", people.access, name="staff-officer-access"),
    path("people/<key:key>/roles/", roles.propose, name="staff-officer-roles"),
    path("people/<key:key>/take/", roles.take, name="staff-officer-take"),
    path("people/proposals/<int:number>/", roles.proposal, name="staff-proposal"),
    path("teams/new/", teams.new, name="staff-team-new"),
    path("teams/<int:number>/", teams.team, name="staff-team"),
]
