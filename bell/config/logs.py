"""Logs that a machine can read and that name nobody: JSON lines, a request's id, and a filter that takes people out.

`BELL_LOG_FORMAT=json` chooses the lines. The filter works in either format: it is the last thing before the handler, so
that words of a library, of a traceback or of a database's error pass through it too.
"""

import contextvars
import json
import logging
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)*", re.ASCII | re.IGNORECASE)
# International numbers, and British ones as people write them: 07700 900123, (0115) 496 0123.
_NUMBER = re.compile(r"\+\d[\d ()-]{6,17}\d|(?<![\w.:-])\(?0[1-37]\d{2,4}\)?[ -]?\d{3}[ -]?\d{3,4}(?![\w:-])")
# What messages carry in paths (lib.links), and every signed token wherever it stands (lib.tokens: base32, lower case).
_PATH = re.compile(r"(/(?:r|u|confirm|upload/(?:new|file|send|sent))/)[^/\s\"'?]{5,}")
_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?=[a-z2-7]*[2-7])[a-z2-7]{22,}(?![A-Za-z0-9])")
_POSTCODE = re.compile(r"(?<![A-Z0-9-])[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![A-Z0-9-])")

_now: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="")


def redact(words: str) -> str:
    """The same words without addresses, numbers, postcodes and tokens."""
    words = _PATH.sub(r"\1[token]", words)
    words = _EMAIL.sub("[address]", words)
    words = _TOKEN.sub("[token]", words)
    words = _NUMBER.sub("[number]", words)
    return _POSTCODE.sub("[postcode]", words)


class Redact(logging.Filter):
    """Takes people out of a record: its message and its traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record pass, changed."""
        try:
            words = record.getMessage()
        except (TypeError, ValueError, KeyError):
            words = "a message that could not be put together"
        record.msg, record.args = redact(words), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the request's id where there is a request."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        # Django logs an answer of 400 or more after the last middleware: then only the record knows the request.
        if request := _now.get() or getattr(getattr(record, "request", None), "log_id", ""):
            line["request"] = request
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(self.formatException(record.exc_info))
        if record.exc_text:
            line["error"] = record.exc_text
        return json.dumps(line, ensure_ascii=False)


class RequestId:
    """Middleware: each request has an id of its own, in its log lines and in the answer's X-Request-Id.

    It is made here and never taken from outside: what a stranger sends does not get into the logs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request under its id."""
        made = secrets.token_hex(8)
        token = _now.set(made)
        request.log_id = made  # type: ignore[attr-defined]
        try:
            response = self.get_response(request)
            response["X-Request-Id"] = made
            return response
        finally:
            _now.reset(token)
