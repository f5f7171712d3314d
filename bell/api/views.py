"""Webhooks of gateways: verified by the vendor's file, kept raw, and only then answered with 200."""

import logging

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from bell.delivery import inbound, sms

log = logging.getLogger(__name__)

LARGEST = 256 * 1024


@csrf_exempt
@never_cache
def text(request: HttpRequest, name: str) -> HttpResponse:
    """A text message that somebody sent us."""
    return _keep(request, name, "sms")


@csrf_exempt
@never_cache
def receipt(request: HttpRequest, name: str) -> HttpResponse:
    """What became of text messages that we sent."""
    return _keep(request, name, "receipt")


@never_cache
@require_GET
def health(request: HttpRequest) -> HttpResponse:
    """Whether this process can answer: 200 when the database does, else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError:
        log.exception("the database does not answer")
        return JsonResponse({"ok": False}, status=503)
    return JsonResponse({"ok": True})


def _keep(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """Store a verified callback; 200 only when it is stored, and for each repetition too.

    403 is for a bad signature alone: vendors give up after it. Our own faults are 5xx, so that they try again.
    Where a vendor's callbacks are GETs, such a GET does change something here: it is a machine's message with its
    secret, never a link in a mail, and a GET without the secret changes nothing.
    """
    gateway = sms.named(name)
    if gateway is None:
        return _say("no such gateway", 404)
    if request.method != gateway.method:
        return HttpResponseNotAllowed([gateway.method])
    try:
        body = b"" if gateway.method == "GET" else _body(request)
    except RequestDataTooBig:
        return _say("too large", 413)
    except UnreadablePostError:
        return _say("the body did not arrive", 400)
    if body is None:
        return _say("say how long the body is", 411)
    query = str(request.META.get("QUERY_STRING", ""))
    url = settings.SITE_URL.rstrip("/") + request.path + (f"?{query}" if query else "")
    call = sms.Call(kind, url, query, request.headers, body)
    if not gateway.verify(call):
        return _say("bad signature", 403)
    try:
        inbound.store(name, "", kind, gateway.kept(call))
    except DatabaseError:
        log.exception("a callback could not be kept; the gateway will try again")
        return _say("not kept just now, try again", 503)
    # Some gateways text back to the sender whatever is answered here.
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8")


def _body(request: HttpRequest) -> bytes | None:
    """The raw body; None when its length was not said, RequestDataTooBig when it is too large."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdigit():
        return None
    if int(length) > LARGEST:
        raise RequestDataTooBig
    return request.body


def _say(words: str, status: int) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=status, content_type="text/plain; charset=utf-8")
