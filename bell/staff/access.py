"""The door of the desk: only active officers; refusals in words; nothing kept in a browser's cache."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from bell.alerts.rules import NotAllowed as AlertNotAllowed
from bell.conversations.rules import NotAllowed as ConversationNotAllowed
from bell.organisations.actions import NotAllowed as OfficerNotAllowed
from bell.organisations.models import Officer
from bell.privacy.rules import NotAllowed as PrivacyNotAllowed
from bell.residents.groups import NotAllowed as GroupNotAllowed
from bell.residents.paper_rules import NotAllowed as PaperNotAllowed
from bell.staff import shell

REFUSALS = (
    AlertNotAllowed,
    ConversationNotAllowed,
    GroupNotAllowed,
    OfficerNotAllowed,
    PaperNotAllowed,
    PrivacyNotAllowed,
)

View = Callable[..., HttpResponse]


def officer_required(view: View) -> View:
    """Call the view with the officer who is signed in; send everyone else to the sign-in page.

    What a rule refuses becomes a page (403) that says why.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        officer = request.user = get_user(request)  # the officer, not a lazy stand-in: the record names who acts
        if not (isinstance(officer, Officer) and officer.is_active):
            return _to_sign_in(request)
        try:
            response = view(request, officer, *args, **kwargs)
        except REFUSALS as error:
            page = {"words": str(error), **shell.context(request, officer)}
            response = render(request, "staff/refused.html", page, status=403)
        add_never_cache_headers(response)
        return response

    return guarded


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; a fragment that asks sends the whole page there, never draws the form inside itself."""
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL))
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    return redirect_to_login("")
