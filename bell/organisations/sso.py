"""Single sign-on of officers by an identity provider (decision 16): linked once from a session, then a way in.

It makes no account and reads no email address. Who is linked is found by issuer and subject.
"""

from functools import lru_cache
from typing import cast

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from bell.audit.record import record
from bell.lib import clock, oidc
from bell.organisations import notices
from bell.organisations.actions import NotAllowed
from bell.organisations.models import Officer, SignOnLink
from bell.organisations.signin import CAME_BY


@lru_cache(maxsize=4)
def _read(text: str) -> tuple[oidc.Provider, ...]:
    return oidc.providers(text)


def providers() -> tuple[oidc.Provider, ...]:
    """Those of BELL_OIDC_PROVIDERS, in its order. Raises BadProvider (config/checks.py refuses that at the start)."""
    return _read(settings.OIDC_PROVIDERS)


def provider(name: str) -> oidc.Provider | None:
    """The provider of that name."""
    return next((one for one in providers() if one.name == name), None)


def links(officer: Officer) -> list[tuple[oidc.Provider, bool]]:
    """Every provider, with whether the officer is linked there."""
    linked = set(SignOnLink.objects.filter(officer=officer).values_list("issuer", flat=True))
    return [(one, one.issuer in linked) for one in providers()]


def find(identity: oidc.Identity) -> Officer | None:
    """The officer who is linked, switched off or not."""
    found = SignOnLink.objects.filter(issuer=identity.issuer, subject=identity.subject).select_related("officer")
    link = found.first()
    return link.officer if link else None


@transaction.atomic
def link(identity: oidc.Identity, *, by: Officer) -> SignOnLink:
    """Link one's own account there, from a session that passed the second factor just now."""
    if not by.is_active:
        raise NotAllowed("This account is switched off.")
    Officer.objects.select_for_update().get(pk=by.pk)
    known = SignOnLink.objects.filter(officer=by, issuer=identity.issuer).first()
    if known is not None and known.subject == identity.subject:
        return known
    if known is not None:
        raise NotAllowed("Another account there is linked to yours. Take that link away first.")
    try:
        with transaction.atomic():
            made = SignOnLink.objects.create(
                officer=by, issuer=identity.issuer, subject=identity.subject, linked_at=clock.now()
            )
    except IntegrityError as error:
        raise NotAllowed("That account is linked to another officer.") from error
    record("sign-on linked", by, by=by, link=made.pk)
    notices.notify(by, "Another way to sign in was linked to your account.", key=f"link {made.pk}")
    return made


@transaction.atomic
def unlink(officer: Officer, *, issuer: str, by: Officer) -> None:
    """Take one's own link away. Twice does it once."""
    if by.pk != officer.pk:
        raise NotAllowed("You can only take your own links away.")
    if SignOnLink.objects.filter(officer=officer, issuer=issuer).delete()[0]:
        record("sign-on unlinked", officer, by=by)


def sign_in(request: HttpRequest, officer: Officer, given: oidc.Provider, identity: oidc.Identity) -> HttpResponse:
    """Sign a linked officer in. Unless the provider saw a second factor, ours is asked for as after a password."""
    record_authentication(request, officer, "socialaccount", provider=given.name)
    if not identity.mfa:
        response: HttpResponse = perform_login(request, Login(user=officer))
    else:
        adapter = get_adapter(request)
        facts = {"email_verification": "none", "signal_kwargs": None, "email": None, "signup": False}
        refused = adapter.pre_login(request, officer, redirect_url=None, **facts)
        if refused is not None:
            return cast("HttpResponse", refused)
        record_authentication(request, officer, "mfa", type="provider")
        adapter.login(request, officer)
        response = redirect(settings.LOGIN_REDIRECT_URL)
    request.session[CAME_BY] = given.name
    return response
