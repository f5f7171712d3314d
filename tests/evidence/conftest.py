"""What the tests of evidence share: an appeal that is out, a folder of its own for files, a tus client in ten lines."""

import base64
import hashlib
from pathlib import Path

import pytest
from django.core.cache import cache
from django.test import Client

from bell.evidence import actions, intake, rules
from bell.evidence.intake import Declared
from bell.evidence.models import Exhibit, Upload
from bell.evidence.rules import Ticket
from bell.lib import keys
from bell.organisations.kinds import Kind
from tests.public.conftest import send

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
FIELDS = {"from_time": "1am", "to_time": "3am", "look_for": "a white van"}


@pytest.fixture(autouse=True)
def folder(settings, tmp_path) -> Path:
    """Each test has its own evidence folder, and the disk counts as roomy."""
    cache.clear()
    settings.EVIDENCE_DIR = tmp_path / "evidence"
    settings.UPLOAD_KEEP_FREE_BYTES = 0
    settings.CLAMD = ""
    return settings.EVIDENCE_DIR


@pytest.fixture
def meg(cast):
    """A member with an email address and a mobile."""
    return cast.resident(email="meg@home.example", mobile="07700 900123")


@pytest.fixture
def appeal(cast, meg):
    """An appeal for footage that went out."""
    return send(cast, kind=Kind.FOOTAGE, title="Did your camera see a white van?", fields=FIELDS, by_sms=True)


def ticket(alert, delivery=0):
    """A ticket as the page hands it out."""
    return Ticket(alert.pk, delivery, keys.random_key())


def upload(alert, data=b"some footage", *, name="clip.mp4", delivery=0, sitting=None, **said) -> Upload:
    """A file that arrived whole, through the intake's own doors."""
    given = ticket(alert, delivery)
    if sitting:
        given = given._replace(sitting=sitting)
    made = intake.begin(given, Declared(name=name, **said), length=len(data))
    intake.append(made.key, 0, Bytes(data), expected=len(data))
    return Upload.objects.get(pk=made.pk)


def exhibit(alert, data=b"some footage", **more) -> Exhibit:
    """A file that arrived and was sealed."""
    made = actions.seal(upload(alert, data, **more))
    assert made is not None
    return made


class Bytes:
    """A source that gives its bytes, and then perhaps breaks like a connection."""

    def __init__(self, data: bytes, *, breaks: bool = False) -> None:
        self.data, self.breaks = data, breaks

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        block, self.data = self.data[:size], self.data[size:]
        if not block and self.breaks:
            raise OSError("the connection broke")
        return block


def metadata(**values: str) -> str:
    """Upload-Metadata."""
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


class Phone:
    """A tus client without cookies, by Django's test client."""

    def __init__(self, alert, *, delivery: int = 0) -> None:
        self.client = Client(enforce_csrf_checks=True)
        self.ticket = ticket(alert, delivery)
        self.path = ""

    def create(self, length, **meta):
        """POST."""
        headers = {**TUS, "HTTP_UPLOAD_LENGTH": str(length), "HTTP_UPLOAD_METADATA": metadata(**meta)}
        answer = self.client.post(f"/upload/new/{rules.ticket(self.ticket)}/", **headers)
        self.path = answer.headers.get("Location", "")
        return answer

    def patch(self, at, data, **more):
        """PATCH."""
        return self.client.patch(
            self.path, data=data, content_type="application/offset+octet-stream",
            **{**TUS, "HTTP_UPLOAD_OFFSET": str(at), **more},
        )  # fmt: skip

    def head(self):
        """HEAD."""
        return self.client.head(self.path, **TUS)

    def delete(self):
        """DELETE."""
        return self.client.delete(self.path, **TUS)


def sha(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def live(live_server):
    """Host and port of a real server in a thread."""
    host, _, port = live_server.url.rpartition("/")[2].partition(":")
    return host, int(port)
