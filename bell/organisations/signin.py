"""Staff sign-in: what we ask of django-allauth, and who passed a second factor."""

import base64
import hashlib
import secrets
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url

from bell.lib import clock
from bell.organisations.models import Officer, SignOnLink

# Recovery codes alone are no factor: they stand in for one that was set up.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
FRESH_SECONDS = 15 * 60
"""After so long an officer proves again who they are before sending, approving and exporting."""


_BEGAN = "sessions-ended"
CAME_BY = "came-by-provider"
"""In a session: the name of the identity provider by which it was signed in."""


class OfficerAdapter(DefaultAccountAdapter):
    """Officers are made by administrators; nobody signs themselves up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def pre_login(self, request: HttpRequest, user: Officer, **kwargs: Any) -> HttpResponse | None:
        """The first proof was right: note which of the officer's sessions this one belongs to."""
        request.session[_BEGAN] = user.sessions_ended
        refused: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return refused

    def login(self, request: HttpRequest, user: Officer) -> None:
        """Every proof was right. Whoever was stopped between the first and the last begins again."""
        if request.session.get(_BEGAN) != user.sessions_ended:
            raise ImmediateHttpResponse(redirect("account_login"))
        super().login(request, user)

    def set_password(self, user: Officer, password: str) -> None:
        """One of their own choice: nobody has to choose any more."""
        user.must_choose = False
        super().set_password(user, password)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        """Whoever came by an identity provider is still signed in there: say so."""
        name = request.session.get(CAME_BY)
        if isinstance(name, str):
            return str(resolve_url("staff-signed-out", name))
        return str(super().get_logout_redirect_url(request))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """On to the desk."""
        return str(settings.LOGIN_REDIRECT_URL)

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Whoever has a factor proves it again before changing factors: a stolen session cannot add its own."""
        user = self.request.user
        return isinstance(user, Officer) and has_factor(user)


class FactorAdapter(DefaultMFAAdapter):
    """Second factors: their secrets are encrypted in the tables, and the last one cannot be taken away."""

    def encrypt(self, text: str) -> str:
        """With a key made from BELL_SECRET_KEY (Fernet: AES-128-CBC with HMAC-SHA256)."""
        return _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Back; after BELL_SECRET_KEY was changed nobody can, and the factor is set up anew."""
        try:
            return _box().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return ""

    def generate_authenticator_name(self, user: Officer, type: Authenticator.Type) -> str:
        """What a new one is called at first."""
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """An officer without one could not come in: set up the new one first."""
        others = Authenticator.objects.filter(user_id=authenticator.user_id, type__in=FACTORS)
        return authenticator.type not in FACTORS or others.exclude(pk=authenticator.pk).exists()


def _box() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    made = (hashlib.blake2b(str(key).encode(), digest_size=32, person=b"second factor").digest() for key in keys)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in made])


# Letters and digits that cannot be mistaken for one another when read out.
_SPOKEN = "abcdefghjkmnpqrstvwxyz23456789"


def tell_password(officer: Officer, *, by: Officer | None) -> str:
    """Give an officer a password for the next sign-in only (then they choose one), and end their sessions.

    In the caller's transaction. It is returned once, to be told by voice, and kept nowhere. `by` None: an operator.
    """
    password = "-".join("".join(secrets.choice(_SPOKEN) for _ in range(5)) for _ in range(4))
    officer.set_password(password)
    officer.must_choose, officer.told_by, officer.told_at = True, by, clock.now()
    officer.save(update_fields=["password", "must_choose", "told_by", "told_at"])
    end_sessions(officer)
    return password


def end_sessions(officer: Officer) -> None:
    """End every session of an officer, also those that began and are not signed in yet; none comes to life again.

    Each session carries a hash over the password and this number (Django looks at it on every request).
    """
    Officer.objects.filter(pk=officer.pk).update(sessions_ended=F("sessions_ended") + 1)
    officer.refresh_from_db(fields=["sessions_ended"])


def has_factor(officer: Officer) -> bool:
    """Whether a second factor is set up."""
    return bool(Authenticator.objects.filter(user_id=officer.pk, type__in=FACTORS).exists())


def has_app(officer: Officer) -> bool:
    """Whether one of them is an authenticator app (codes)."""
    return bool(Authenticator.objects.filter(user_id=officer.pk, type=Authenticator.Type.TOTP).exists())


def forget_factors(officer: Officer) -> None:
    """Take all factors and recovery codes away, and the links to identity providers: every other way in."""
    Authenticator.objects.filter(user_id=officer.pk).delete()
    SignOnLink.objects.filter(officer=officer).delete()


def newest(officer: Officer, kind: str) -> Authenticator | None:
    """The factor of this kind that was set up last."""
    return Authenticator.objects.filter(user_id=officer.pk, type=kind).order_by("-pk").first()


def by_password(request: HttpRequest, officer: Officer) -> bool:
    """Whether this session did not begin at an identity provider."""
    methods = {one.get("method") for one in get_authentication_records(request, officer)}
    return "password" in methods or "socialaccount" not in methods


def passed(request: HttpRequest, officer: Officer, *, within: float | None = None) -> bool:
    """Whether this session passed a second factor of this officer, within so many seconds (None: ever)."""
    now = time.time()
    records = (one for one in get_authentication_records(request, officer) if one.get("method") == "mfa")
    return any(within is None or now - float(one.get("at", 0)) < within for one in records)
