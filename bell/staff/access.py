"""The door of the desk: only active officers; refusals in words; nothing kept in a browser's cache."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.cache import add_never_cache_headers
from django_htmx.http import HttpResponseClientRedirect

from bell.alerts.rules import NotAllowed as AlertNotAllowed
from bell.conversations.rules import NotAllowed as ConversationNotAllowed
from bell.evidence.rules import NotAllowed as EvidenceNotAllowed
from bell.organisations import rules, signin
from bell.organisations.actions import NotAllowed as OfficerNotAllowed
from bell.organisations.models import Officer
from bell.privacy.rules import NotAllowed as PrivacyNotAllowed
from bell.residents.area_rules import NotAllowed as AreaNotAllowed
from bell.residents.groups import NotAllowed as GroupNotAllowed
from bell.residents.paper_rules import NotAllowed as PaperNotAllowed
from bell.staff import shell

REFUSALS = (
    AlertNotAllowed,
    AreaNotAllowed,
    ConversationNotAllowed,
    EvidenceNotAllowed,
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
        if settings.SECOND_FACTOR and not signin.passed(request, officer):
            return _to_factor(request, officer)
        if officer.must_choose and signin.by_password(request, officer):  # which somebody told them
            return _go(request, resolve_url("account_change_password"))
        try:
            response = view(request, officer, *args, **kwargs)
        except REFUSALS as error:
            page = {"words": str(error), **shell.context(request, officer)}
            response = render(request, "staff/refused.html", page, status=403)
        add_never_cache_headers(response)
        return response

    return guarded


def looks_after(view: View) -> View:
    """Inside `officer_required`: whoever does not look after the service finds nothing there."""

    @wraps(view)
    def guarded(request: HttpRequest, officer: Officer, *args: Any, **kwargs: Any) -> HttpResponse:
        if not rules.may_look_after(officer):
            raise Http404
        return view(request, officer, *args, **kwargs)

    return guarded


def fresh_factor(view: View) -> View:
    """Inside `officer_required`, for what sends, approves or takes data out: the second factor must be recent.

    A page is shown only then, so that nobody writes a reason and loses it; a button that comes too late leads back to
    its page.
    """

    @wraps(view)
    def guarded(request: HttpRequest, officer: Officer, *args: Any, **kwargs: Any) -> HttpResponse:
        if settings.SECOND_FACTOR and not signin.passed(request, officer, within=signin.FRESH_SECONDS):
            return _to_factor(request, officer)
        return view(request, officer, *args, **kwargs)

    return guarded


def _to_factor(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Where the second factor is asked for, or set up by whoever has none; and then back."""
    if not signin.has_factor(officer):
        return _go(request, resolve_url("mfa_index"))
    way = "mfa_reauthenticate" if signin.has_app(officer) else "mfa_reauthenticate_webauthn"
    back = request.get_full_path() if request.method in ("GET", "HEAD") else _before(request)
    return _go(request, f"{resolve_url(way)}?{urlencode({'next': back})}")


def _before(request: HttpRequest) -> str:
    """The page of ours from which a button was pressed, or the desk."""
    came = urlsplit(request.headers.get("Referer", ""))
    here = came.netloc == request.get_host() and came.path.startswith("/desk/")
    return came.path if here else resolve_url("staff-desk")


def _go(request: HttpRequest, url: str) -> HttpResponse:
    """To another page, the whole window and never a fragment alone."""
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else redirect(url)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; a fragment that asks sends the whole page there, never draws the form inside itself."""
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(resolve_url(settings.LOGIN_URL))
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    return redirect_to_login("")
