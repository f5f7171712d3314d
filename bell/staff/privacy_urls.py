"""Addresses of the data protection officer's pages, of agreements and of retention."""

from django.urls import path

from bell.staff.views import agreements, privacy

urlpatterns = [
    path("privacy/", privacy.desk, name="staff-privacy"),
    path("privacy/people/<key:key>/", privacy.person, name="staff-person"),
    path("privacy/people/<key:key>/copy/", privacy.copy, name="staff-person-copy"),
    path("privacy/people/<key:key>/erase/", privacy.erase_person, name="staff-person-erase"),
    path("privacy/people/<key:key>/withhold/<int:number>/", privacy.withhold, name="staff-withhold"),
    path("privacy/people/<key:key>/hold/<key:talk>/", privacy.hold, name="staff-hold"),
    path("privacy/withheld/<int:number>/", privacy.withheld, name="staff-withheld"),
    path("privacy/restrictions/<int:number>/", privacy.restriction, name="staff-restriction"),
    path("privacy/retention/", agreements.kept, name="staff-retention"),
    path("agreements/", agreements.agreements, name="staff-agreements"),
    path("agreements/<int:number>/end/", agreements.end, name="staff-agreement-end"),
]
