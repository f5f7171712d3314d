"""A tus 1.0 server (tus.io): creation, expiration, checksum and termination, over evidence.intake.

The address of an upload is a secret that only its sender knows: it is all that is asked, from any network, with no
cookie and no account. So these views look at no cookie and need no CSRF token.
"""

import base64
import binascii
import logging
from collections.abc import Callable
from functools import wraps
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from bell.evidence import actions, find, intake, rules, store
from bell.evidence.intake import Declared
from bell.evidence.models import Upload

log = logging.getLogger(__name__)

VERSION = "1.0.0"
EXTENSIONS = "creation,expiration,checksum,termination"
_BODY = "application/offset+octet-stream"
_CHECKSUM_MISMATCH = 460
_LOCKED = 423

View = Callable[..., HttpResponse]


def _said(status: int, words: str = "", **headers: str) -> HttpResponse:
    response = HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def _speaks_tus(view: View) -> View:
    """Headers of every answer; OPTIONS for all; other versions of the protocol are refused."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest, token: str) -> HttpResponse:
        response = _options() if request.method == "OPTIONS" else view(request, token)
        response.headers["Tus-Resumable"] = VERSION
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return wrapped


def _options() -> HttpResponse:
    """What this server can do."""
    return _said(
        200, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Max_Size=str(settings.UPLOAD_MOST_BYTES),
        Tus_Checksum_Algorithm=",".join(intake.CHECKSUMS),
    )  # fmt: skip


def _other_version(request: HttpRequest) -> HttpResponse | None:
    if request.headers.get("Tus-Resumable") == VERSION:
        return None
    return _said(412, "This server speaks tus 1.0.0", Tus_Version=VERSION)


@_speaks_tus
def create(request: HttpRequest, token: str) -> HttpResponse:
    """POST: make room for one file, under a ticket from the page."""
    if request.method != "POST":
        return _said(405, Allow="OPTIONS, POST")
    if refused := _other_version(request):
        return refused
    ticket = rules.read_ticket(token)
    if ticket is None:
        return _said(404, "This page is too old. Open it again from your message or the appeal.")
    length = _number(request.headers.get("Upload-Length", ""))
    if length is None:
        return _said(400, "Say the length of the file in Upload-Length")
    try:
        upload = intake.begin(ticket, _declared(request.headers.get("Upload-Metadata", "")), length=length)
    except intake.TooLarge as error:
        return _said(413, str(error))
    except intake.TooMany as error:
        return _said(429, str(error), Retry_After="60")
    except intake.Refused as error:
        return _said(400 if length < 1 else 403, str(error))
    except store.DiskFull:
        return _full()
    return _said(201, Location=f"/upload/file/{rules.token_of(upload)}/", Upload_Expires=_expires(upload))


def _full() -> HttpResponse:
    """Disk full is a clear answer, and nothing that was acknowledged is lost."""
    words = "There is no room for this just now. What has arrived is safe: keep the page open, it tries again."
    return _said(507, words, Retry_After="60")


def _expires(upload: Upload) -> str:
    return http_date(upload.expires_at.timestamp())


def _number(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and len(words) <= 18 else None


def _declared(header: str) -> Declared:
    """Upload-Metadata: "key base64, key base64"; what is not understood is left out."""
    found: dict[str, str] = {}
    for part in header.split(","):
        name, _, value = part.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            continue
    names = ("who", "contact", "when", "where", "clock", "clock_words")
    return Declared(name=found.get("filename", ""), **{name: found[name] for name in names if name in found})


@_speaks_tus
def file(request: HttpRequest, token: str) -> HttpResponse:
    """HEAD: how far it came. PATCH: the next bytes. DELETE: take it back while it is not whole."""
    verbs: dict[str, View] = {"HEAD": _head, "PATCH": _patch, "DELETE": _delete}
    method = (request.headers.get("X-HTTP-Method-Override") or "") if request.method == "POST" else request.method
    if method not in verbs:
        return _said(405, Allow="DELETE, HEAD, OPTIONS, PATCH")
    upload = find.upload_at(token)
    if upload is None:
        return _said(404, "There is no such upload")
    if refused := _other_version(request):
        return refused
    if upload.state in (Upload.State.DROPPED, Upload.State.EXPIRED, Upload.State.DAMAGED):
        return _said(410, "This upload has ended. Send the file again.")
    return verbs[str(method)](request, upload)


def _head(request: HttpRequest, upload: Upload) -> HttpResponse:
    length = {"Upload_Length": str(upload.length)} if upload.length is not None else {"Upload_Defer_Length": "1"}
    return _said(200, Upload_Offset=str(upload.offset), Upload_Expires=_expires(upload), **length)


def _delete(request: HttpRequest, upload: Upload) -> HttpResponse:
    if not intake.drop(upload):
        return _said(403, "This file has arrived. It is evidence now, and cannot be taken back here.")
    return _said(204)


class _Asked(NamedTuple):
    """What a PATCH says of itself."""

    offset: int
    size: int
    checksum: tuple[str, bytes] | None


def _asked(request: HttpRequest) -> _Asked | HttpResponse:
    """Read the headers of a PATCH, or answer what is wrong with them."""
    if request.content_type != _BODY:
        return _said(415, f"The body must be {_BODY}")
    offset = _number(request.headers.get("Upload-Offset", ""))
    if offset is None:
        return _said(400, "Say where the bytes belong in Upload-Offset")
    size = _number(request.headers.get("Content-Length", "0") or "0")
    if size is None or "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _said(411, "Say how many bytes come in Content-Length")
    given = request.headers.get("Upload-Checksum")
    if given is None:
        return _Asked(offset, size, None)
    algorithm, _, value = given.partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if algorithm not in intake.CHECKSUMS or not digest:
        return _said(400, f"A checksum is one of {', '.join(intake.CHECKSUMS)}, then base64")
    return _Asked(offset, size, (algorithm, digest))


def _patch(request: HttpRequest, upload: Upload) -> HttpResponse:
    asked = _asked(request)
    if isinstance(asked, HttpResponse):
        return asked
    try:
        offset = intake.append(upload.key, asked.offset, request, expected=asked.size, checksum=asked.checksum)
    except intake.WrongOffset as error:
        return _said(409, str(error))
    except intake.TooLarge as error:
        return _said(413, str(error))
    except intake.WrongChecksum as error:
        return _said(_CHECKSUM_MISMATCH, str(error))
    except intake.Ended:
        return _said(403, "This file has arrived already, or its time is over")
    except store.DiskFull:
        return _full()
    except OSError:
        # The sender is gone; what came is kept. Nobody reads this answer.
        return _said(_LOCKED, "The connection broke")
    seal_small(upload.key)
    return _said(204, Upload_Offset=str(offset), Upload_Expires=_expires(upload))


def seal_small(key: int) -> None:
    """Seal a small file that is whole now, so that its sender sees the receipt at once; the worker seals the others."""
    upload = find.upload_of_key(key)
    if upload is None or upload.state != Upload.State.RECEIVED or upload.offset > actions.SEAL_AT_ONCE_BYTES:
        return
    try:
        actions.seal(upload)
    except OSError:
        log.exception("upload %s was not sealed at once; the worker does it", upload.pk)
