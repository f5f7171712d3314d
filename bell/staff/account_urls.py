"""Sign-in of staff: in, out, and the page of an account that was switched off. Nothing else of the library."""

from allauth.account.views import account_inactive, logout
from django.urls import path

from bell.staff.views.signin import SignIn

urlpatterns = [
    path("login/", SignIn.as_view(), name="account_login"),
    path("logout/", logout, name="account_logout"),
    path("inactive/", account_inactive, name="account_inactive"),
]
