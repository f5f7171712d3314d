"""Webhooks of the mail provider in use: /gateways/email/NAME/tracking/ and /inbound/.

403 is for a caller who is not the provider, and for nobody else: providers give up after it (some after 406 as well).
Whatever goes wrong with us is 503, so that they try again; 2xx is said only when everything is stored.
"""

import logging

from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from bell.delivery import hooks
from bell.delivery.email import named

log = logging.getLogger(__name__)
_LISTENING = hooks.keep_event, hooks.keep_mail  # they listen from the moment they are imported

LARGEST = 40 * 1024 * 1024
"""A mail of 25 MiB in base64, and its frame."""


@csrf_exempt
@never_cache
@require_http_methods(["POST", "HEAD"])
def hook(request: HttpRequest, provider: str, what: str) -> HttpResponseBase:
    """What the provider says of mails we sent ("tracking"), or a mail that came ("inbound")."""
    found = named.view(provider, what)
    if found is None:
        return _say("no such webhook", 404)
    try:
        if not _take_body(request):
            return _say("say how long the body is", 411)
        return found(request)
    except AnymailWebhookValidationFailure:
        log.warning("somebody who is not %s called its webhook", provider)
        return _say("not verified", 403)
    except RequestDataTooBig:
        log.exception("a callback of %s was too large", provider)
        return _say("too large", 413)
    except UnreadablePostError:
        return _say("the body did not arrive", 400)
    except (DatabaseError, AnymailConfigurationError):
        log.exception("a callback of %s could not be kept; it will come again", provider)
        return _say("not kept just now, try again", 503)
    except Exception:
        log.exception("a callback of %s could not be read", provider)
        return _unread(request, found, provider, what)


def _unread(request: HttpRequest, found: named.View, provider: str, what: str) -> HttpResponse:
    """What the library cannot read is kept as it came, if it really is the provider's: its words must not be lost."""
    try:
        named.check(found, request)
        hooks.keep_unread(what, request.body)
    except AnymailWebhookValidationFailure:
        return _say("not verified", 403)
    except Exception:
        log.exception("a callback of %s could not be kept either; it will come again", provider)
        return _say("not kept just now, try again", 503)
    return _say("kept, unread", 200)


def _take_body(request: HttpRequest) -> bool:
    """Read the body here, whatever its size up to LARGEST: Django's own bound is for forms. False without a length."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if request.method != "POST":
        return True
    if not length.isdigit():
        return False
    if int(length) > LARGEST:
        raise RequestDataTooBig
    try:
        # Where HttpRequest.body keeps what it read; forms are parsed from there as well.
        vars(request)["_body"] = request.read(int(length))
    except OSError as error:
        raise UnreadablePostError(*error.args) from error
    return True


def _say(words: str, status: int) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
