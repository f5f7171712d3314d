"""Providers of mail by name: django-anymail's backend of one, and its webhooks if they know it from everybody else."""

import re
from collections.abc import Callable
from typing import Any

from anymail.exceptions import AnymailConfigurationError
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.module_loading import import_string

SMTP = "smtp"
"""The provider's name when there is none: our own relay."""

_NOT_PROVIDERS = ("test", "console", "base", "base_requests")
TRACKING, INBOUND = "tracking", "inbound"
View = Callable[[HttpRequest], HttpResponseBase]


class Unverified(Exception):
    """A webhook whose caller could not be told from anybody else; the message says which setting is missing."""


def backend(name: str) -> Any:
    """A new backend of django-anymail's; ValueError in words when there is none, or its settings are missing."""
    if not re.fullmatch(r"[a-z_]{1,16}", name) or name in _NOT_PROVIDERS:
        raise ValueError(f"{name!r} is no provider of mail that we know")
    try:
        made = import_string(f"anymail.backends.{name}.EmailBackend")()
    except AnymailConfigurationError as error:
        raise ValueError(str(error)) from error
    except ImportError as error:
        raise ValueError(f"{name!r} is no provider of mail that we know") from error
    return made


def view(provider: str, what: str) -> View | None:
    """The library's view for the provider in use (`what`: "tracking" or "inbound"); None when nobody may call it."""
    if provider != settings.EMAIL_PROVIDER or provider == SMTP:
        return None
    try:
        return verified(provider, what)
    except (Unverified, AnymailConfigurationError):
        return None


def verified(provider: str, what: str) -> View | None:
    """The library's view, if it tells the provider from anybody else; None when the provider has no such webhook.

    Raises Unverified, or AnymailConfigurationError when one of the provider's keys is missing.
    """
    found = _view(provider, what) or _view(provider, TRACKING)  # some have one address for both
    if found is None:
        return None
    # The library's own rule: a view that checks signatures does not ask for a shared secret as well.
    made = found.view_class()  # type: ignore[attr-defined]
    if made.warn_if_no_basic_auth and not made.basic_auth:
        raise Unverified(f"BELL_ANYMAIL_WEBHOOK_SECRET is missing: anyone could forge {provider}'s {what} webhook")
    return found


def check(found: View, request: HttpRequest) -> None:
    """Raise AnymailWebhookValidationFailure unless the request is the provider's."""
    found.view_class().run_validators(request)  # type: ignore[attr-defined]


def _view(provider: str, what: str) -> View | None:
    try:
        return resolve(f"/{provider}/{what}/", urlconf="anymail.urls").func
    except Resolver404:
        return None
