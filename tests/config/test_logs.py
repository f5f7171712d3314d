"""Logs name nobody: the filter against hostile words, JSON lines, and a canary through requests and a worker."""

import io
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bell.config.logs import JsonLines, Redact, redact
from bell.delivery import inbound
from bell.lib import tokens
from bell.residents.models import Resident
from bell.worker import loop
from tests.cast import Cast

EMAIL, MOBILE, NAME = "canary.bird@home.example", "+447700900555", "Canaria Quillfeather"


@pytest.fixture
def logged():
    """Every line of the root logger as our JSON handler writes it."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(Redact())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.mark.parametrize(
    "words",
    [
        "to canary.bird@home.example now",
        "Key (address)=(canary.bird@home.example) already exists.",
        "<canary.bird@home.example>: 550 5.1.1",
        "mailto:canary.bird+tag@home.example",
        "CANARY.BIRD@HOME.EXAMPLE",
        "text to +447700900555 failed",
        "text to +44 7700 900 555 failed",
        "call 07700 900555",
        "call 07700900555.",
        "Not Found: /r/aaaaae4kw33zqpwb6wn42dho/",
        "Not Found: /u/mfrggzdfmztwq2lk/",
        "GET /r/aaaaae4kw33zqpwb6wn42dho/footage/ 404",
        "Bad Request: /upload/file/aaaaae4kw33zqpwb6wn42dho/",
        "Not Found: /confirm/7KQ2MX/no/",
        "bounce for b-aaaaae4kw33zqpwb6wn42dho@in.alert.example",
        "token aaaaae4kw33zqpwb6wn42dho",
        "lives at DE75 7AB",
    ],
)
def test_people_are_taken_out(words):
    said = redact(words).lower()
    for secret in ("canary", "900", "aaaaae4k", "mfrggz", "7kq2mx", "de75"):
        assert secret not in said


@pytest.mark.parametrize(
    "words",
    [
        "2026-11-22 09:20:36,161 the worker begins, 2 of it sending",
        "email pauses for 0.8 s: no connection: Connection refused",
        "Not Found: /a/DA-7K3PQ/",
        "batch 1234567 of mailing 890",
        "2606 files in 0.123456789 s at 127.0.0.1:8025",
        "manifest 5c99cb7c1a4b2f0e8d7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e",
    ],
)
def test_everything_else_stays(words):
    assert redact(words) == words


@given(st.text(max_size=300))
def test_any_words_at_all_are_taken_and_the_line_is_json(words):
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, words, (), None)
    assert Redact().filter(record)
    assert json.loads(JsonLines().format(record))["message"] == redact(words)
    assert "\n" not in JsonLines().format(record)


def test_arguments_and_tracebacks_pass_the_filter_too(logged):
    try:
        raise ValueError(f"no such address {EMAIL}")
    except ValueError:
        logging.getLogger("bell.test").exception("could not write to %s at %s", EMAIL, MOBILE)
    logging.getLogger("bell.test").warning("%s %s", "too few")
    first, second = (json.loads(line) for line in logged.getvalue().splitlines())
    assert first["message"] == "could not write to [address] at [number]"
    assert "ValueError: no such address [address]" in first["error"] and first["level"] == "ERROR"
    assert second["message"] == "a message that could not be put together"


@pytest.mark.django_db
def test_each_request_has_an_id_of_its_own(client, logged):
    first = client.get("/nowhere/", headers={"X-Request-Id": "canary"})
    second = client.get("/nowhere/")
    ids = [json.loads(line).get("request") for line in logged.getvalue().splitlines() if "Not Found" in line]
    assert ids == [first["X-Request-Id"], second["X-Request-Id"]] and ids[0] != ids[1]
    assert "canary" not in logged.getvalue()


@pytest.mark.django_db(transaction=True)
def test_a_canary_leaves_no_trace(client, transactional_db, logged, settings):
    """A person joins, signs in, is written to and replies, with everything that goes wrong on the way."""
    settings.SMTP_URL = "smtp://127.0.0.1:9"
    cast = Cast()
    canary = cast.resident(email=EMAIL, mobile=MOBILE)
    Resident.objects.filter(pk=canary.pk).update(name=NAME)
    cast.approved(by_sms=True)
    token = tokens.sign_int("answer", 1)
    for path in (f"/r/{token}/", f"/u/{token}/", f"/confirm/{token}/", "/account/", f"/sign-in/?email={EMAIL}"):
        client.get(path)
        client.post(path, {"email": EMAIL, "text": NAME, "mobile": MOBILE})
    raw = f"From: {NAME} <{EMAIL}>\r\nTo: r-{token}@in.alert.example\r\nSubject: {NAME}\r\n\r\n{NAME}\r\n".encode()
    inbound.store("lmtp", "", "mail", raw)
    inbound.store("simulator", "", "sms", f'{{"id": 1, "from": "{MOBILE}", "to": "x", "text": {NAME}'.encode())
    loop.once()
    said = logged.getvalue()
    assert len(said.splitlines()) > 3
    for secret in (EMAIL, "canary.bird", MOBILE, "7700900555", "7700 900555", NAME, "Quillfeather", token):
        assert secret not in said, [line for line in said.splitlines() if secret in line][:3]


def test_a_real_process_writes_json(tmp_path):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BELL_", "DATABASE_", "DJANGO"))}
    given = {"BELL_DEMO": "1", "BELL_VAR_DIR": str(tmp_path), "BELL_LOG_FORMAT": "json"}
    done = subprocess.run(
        [sys.executable, "-m", "bell.cli", "worker", "--once"],
        env=kept | given,
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=120,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines and all({"time", "level", "logger", "message"} <= set(json.loads(line)) for line in lines)
