"""Sign-in by an identity provider: there and back, linking one's own account, and a word on signing out there too."""

import logging
from dataclasses import asdict
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bell.lib import clock, links, oidc
from bell.organisations import sso
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Officer
from bell.staff.access import fresh_factor, officer_required

log = logging.getLogger(__name__)

_PENDING = "oidc-pending"
_NO = "That did not work. Try again, or sign in with your password."


def _provider(name: str) -> oidc.Provider:
    found = sso.provider(name)
    if found is None:
        raise Http404
    return found


def _back(name: str) -> str:
    return links.absolute(reverse("staff-sso-back", args=[name]))


@never_cache
@require_safe
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Off to the provider. Only the session remembers that we asked."""
    given = _provider(name)
    try:
        url, pending = oidc.begin(given, back=_back(name))
    except oidc.Unreachable as error:
        return _refused(request, given, error)
    request.session[_PENDING] = asdict(pending)
    return redirect(url)


@officer_required
@fresh_factor
@require_POST
def link(request: HttpRequest, officer: Officer, name: str) -> HttpResponse:
    """Begin to link one's own account: a page with the way there (a form may not lead off this site)."""
    given = _provider(name)
    if request.POST.get("do") == "unlink":
        sso.unlink(officer, issuer=given.issuer, by=officer)
        messages.success(request, "The link is taken away.")
        return redirect("mfa_index")
    try:
        url, pending = oidc.begin(given, back=_back(name), again=True)
    except oidc.Unreachable as error:
        return _refused(request, given, error, to="mfa_index")
    request.session[_PENDING] = {**asdict(pending), "officer": officer.pk}
    return render(request, "account/sso_link.html", {"provider": given, "url": url})


@never_cache
@require_safe
def back(request: HttpRequest, name: str) -> HttpResponse:
    """What the provider's answer means. The question it answers is in the session, and is gone after this."""
    given = _provider(name)
    kept: dict[str, Any] = request.session.pop(_PENDING, None) or {}
    linking = kept.pop("officer", None)
    if kept.get("provider") != name:
        return _refused(request, given, oidc.Refused("nobody asked"))
    answer = {key: request.GET[key] for key in ("code", "state", "iss", "error") if key in request.GET}
    try:
        identity = oidc.finish(given, oidc.Pending(**kept), answer, back=_back(name), now=clock.now())
    except (oidc.Refused, oidc.Unreachable) as error:
        return _refused(request, given, error, to="account_login" if linking is None else "mfa_index")
    return _linked(request, identity, linking) if linking is not None else _signed_in(request, given, identity)


def _signed_in(request: HttpRequest, given: oidc.Provider, identity: oidc.Identity) -> HttpResponse:
    officer = sso.find(identity)
    if officer is None:
        messages.error(
            request,
            f"Nobody here is linked to this account of {given.label}. Sign in with your password, then link it under "
            "“How you sign in”.",
        )
        return redirect("account_login")
    return sso.sign_in(request, officer, given, identity)


def _linked(request: HttpRequest, identity: oidc.Identity, linking: object) -> HttpResponse:
    officer = request.user
    if not (isinstance(officer, Officer) and officer.is_active and officer.pk == linking):
        return redirect("account_login")
    try:
        sso.link(identity, by=officer)
    except NotAllowed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "Linked. You can sign in that way from now on.")
    return redirect("mfa_index")


def _refused(request: HttpRequest, given: oidc.Provider, error: Exception, to: str = "account_login") -> HttpResponse:
    """Back to the sign-in with plain words; the log says what was wrong."""
    log.warning("sign-on by %s refused: %s", given.name, error)
    away = isinstance(error, oidc.Unreachable)
    messages.error(request, f"{given.label} does not answer. Sign in with your password." if away else _NO)
    return redirect(to)


@never_cache
@require_safe
def signed_out(request: HttpRequest, name: str) -> HttpResponse:
    """Signed out here; the provider's own session goes on until one ends it there."""
    given = _provider(name)
    url = oidc.way_out(given, back=links.absolute(links.home()))
    return render(request, "account/signed_out.html", {"provider": given, "url": url})
