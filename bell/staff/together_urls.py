"""Addresses of the desk's pages between organisations: together, organisations, groups."""

from django.urls import URLPattern, URLResolver, path

from bell.staff.views import approval, groups, organisations, together

urlpatterns: list[URLPattern | URLResolver] = [
    path("together/", together.together, name="staff-together"),
    path("together/ground/", together.ground_of, name="staff-together-ground"),
    path("together/invitations/<int:number>/", together.invitation, name="staff-invitation"),
    path("together/requests/<int:number>/", together.request_of, name="staff-request"),
    path("together/alerts/<reference:reference>/", together.pass_on, name="staff-pass-on"),
    path("alerts/<reference:reference>/ask/", together.ask, name="staff-ask"),
    path("organisations/", organisations.organisations, name="staff-organisations"),
    path("organisations/new/", organisations.new, name="staff-organisation-new"),
    path("organisations/<int:number>/", organisations.organisation, name="staff-organisation"),
    path("approval/", approval.approval, name="staff-approval"),
    path("groups/", groups.groups, name="staff-groups"),
    path("groups/new/", groups.new, name="staff-group-new"),
    path("groups/<int:number>/", groups.group, name="staff-group"),
]
