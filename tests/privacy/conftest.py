"""A canary: a person about whom every kind of row exists, and a scan of the whole database for traces of them."""

import json
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.cache import cache
from django.db import connection

from bell.alerts import dispatch
from bell.alerts.models import Alert
from bell.conversations import actions as talk
from bell.conversations import receive, votes, web
from bell.conversations.models import Conversation
from bell.delivery import inbound, post
from bell.delivery.models import Delivery, DigestItem
from bell.evidence import custody
from bell.evidence.models import Exhibit, Piece, Upload
from bell.lib import clock, keys, tokens
from bell.residents import actions as resident_actions
from bell.residents import cameras, codes, rules
from bell.residents.models import Bundle, Confirmation, PaperForm, PendingJoin, Resident

CANARY = "canary"
EMAIL = "canary@home.example"
MOBILE = "+447700900777"
# Far above every other key, so that a foreign key to the person is known by its number.
FIRST = 7_770_001_000


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def sent(cast: Any, **changes: Any) -> Alert:
    """An alert that went out, its rows marked as the post room would."""
    alert, _ = cast.approved(by_sms=True, **changes)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    Delivery.objects.filter(mailing__reference=alert.reference).update(state="sent", state_at=clock.now())
    dispatch.run_due()
    return Alert.objects.get(pk=alert.pk)


def delivery_of(alert: Alert, person: Resident, channel: str = "email") -> Delivery:
    return Delivery.objects.get(mailing__reference=alert.reference, recipient_key=person.key, channel=channel)


def mail(to: str, words: str, sender: str = EMAIL) -> None:
    """A mail that came in by LMTP."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, "Re: an alert"
    message["Message-ID"] = f"<{abs(hash((to, words, sender)))}@home.example>"
    message.set_content(words)
    raw = message.as_bytes()
    inbound.store("lmtp", f"{to} {len(raw)} {hash(raw)}", "mail", raw, envelope_from=sender, envelope_to=to)


def text(words: str, sender: str = MOBILE) -> None:
    """A text that came in by the gateway."""
    raw = json.dumps({"id": words, "from": sender, "to": settings.SMS_NUMBER, "text": words}).encode()
    inbound.store("simulator", words, "sms", raw)


def reply_to(delivery: Delivery) -> str:
    return f"r-{tokens.sign_int('reply', delivery.pk)}@{settings.REPLY_DOMAIN}"


def _high_numbers() -> None:
    """Let the person's own row have a number that nothing else has."""
    table = Resident._meta.db_table
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {FIRST})")
    else:
        Resident.objects.create(pk=FIRST).delete()


@dataclass
class Canary:
    """The person, and what was done with them."""

    cast: Any
    resident: Resident = field(init=False)
    alert: Alert = field(init=False)
    other: Resident = field(init=False)

    def __post_init__(self) -> None:
        cast = self.cast
        _high_numbers()
        self.resident = cast.resident(email=EMAIL, mobile=MOBILE, groups=(cast.cctv,))
        Resident.objects.filter(pk=self.resident.pk).update(name="Canary Person", source="canary poster")
        self.resident.refresh_from_db()
        self.other = cast.resident(email="other@home.example", mobile="07700 900888", groups=(cast.cctv,))
        shape = {"type": "Feature", "properties": {"radius_m": 900},
                 "geometry": {"type": "Point", "coordinates": [-1.375, 53.02804]}}  # fmt: skip
        self.alert = sent(cast, audience={"areas": [cast.west.pk], "shapes": [shape], "groups": [cast.cctv.pk]})
        self._digests()
        self._survey()
        Delivery.objects.filter(recipient_key=self.resident.key).update(
            provider_ref="ref-canary", reason=f"250 {EMAIL} accepted"
        )
        self._talks()
        self._codes()
        self._files()
        self._paper()
        cameras.add_camera(
            self.resident, self.resident.places.get(), direction=90, days_kept=7, note="canary cage", by=self.resident
        )

    def _digests(self) -> None:
        """A message that came in a digest."""
        DigestItem.objects.create(delivery=delivery_of(self.alert, self.resident), due_at=clock.now(), over=True)

    def _survey(self) -> None:
        """A survey in which they chose."""
        facts = {"choices": "Speeding\nParking", "most": "1"}
        self.survey = sent(self.cast, kind="survey", title="What matters most to you?", fields=facts)
        votes.answer(tokens.sign_int("answer", delivery_of(self.survey, self.resident).pk), chosen=[0])

    def _files(self) -> None:
        """A file that never arrived whole."""
        self.unfinished = self._upload(state="receiving", offset=0)

    def _upload(self, **facts: Any) -> Upload:
        now = clock.now()
        return Upload.objects.create(
            sitting=keys.random_key(), alert=self.alert, resident=self.resident, way="link", name="canary.mp4",
            said_who="Canary Person", said_contact=EMAIL, said_where="canary road", length=3,
            delivery=delivery_of(self.alert, self.resident), created_at=now, changed_at=now, expires_at=now, **facts,
        )  # fmt: skip

    def seal(self) -> None:
        """A file that arrived whole and was sealed, and an officer who looked at it."""
        now = clock.now()
        upload = self._upload(state="sealed", offset=3, received_at=now)
        Piece.objects.create(upload=upload, start=0, length=3, sha256="0" * 64)
        self.exhibit = Exhibit.objects.create(
            alert=self.alert, number=1, upload=upload, sha256="0" * 64, size=3, content_type="video/mp4", sealed_at=now
        )
        custody.note(self.exhibit, "viewed", by=self.cast.author, why="watching the footage")

    def _paper(self) -> None:
        """A form that was signed, with its scan, and a sign-up at the door that waits."""
        now = clock.now()
        bundle = Bundle.objects.create(
            team=self.cast.team, received_on=clock.local(now).date(), by=self.cast.author, made_at=now
        )
        self.form = PaperForm.objects.create(
            bundle=bundle, number=1, state="joined", resident=self.resident, scan_name="canary-scan", scan_bytes=3
        )
        folder = Path(settings.PAPER_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "canary-scan").write_bytes(b"pdf")
        waiting = PendingJoin.objects.create(
            how="door", team=self.cast.team, by=self.cast.author, made_at=now, wording="I agree", name="Canary Person",
            postal="1 Canary Road", lon=-1.375, lat=53.02, email=EMAIL, email_key=self.keys[0],
        )  # fmt: skip
        Confirmation.objects.create(
            pending=waiting, channel="email", address_key=self.keys[0], digest="d" * 64, sent_at=now
        )

    def _talks(self) -> None:
        cast, alert = self.cast, self.alert
        mail(reply_to(delivery_of(alert, self.resident)), "The canary saw a van")
        mail(reply_to(delivery_of(alert, self.other)), "Somebody else saw it too", sender="other@home.example")
        receive.run()
        self.talk = Conversation.objects.get(resident=self.resident)
        talk.look(self.talk, by=cast.author, why="answering a reply")
        talk.answer(self.talk, text="Thank you, canary", by=cast.author)
        talk.note(self.talk, text="The canary sounds sure", by=cast.author)
        web.answer(tokens.sign_int("answer", delivery_of(alert, self.resident).pk), choice="saw", text="canary again")
        text("canary by text, about nothing")
        mail(f"hello@{settings.REPLY_DOMAIN}", "canary, to nobody in particular")
        receive.run()

    def _codes(self) -> None:
        codes.send_code(rules.reach("email", EMAIL), name="Alert")
        store = SessionStore()
        store["resident"] = self.resident.key
        store.save()
        resident_actions.set_choices(
            self.resident,
            resident_actions.Choices(["crime"], ["crime"], [self.cast.cctv.pk], [self.cast.force.pk]),
            by=self.resident,
        )
        post.suppress(address_key=self.keys[0], channel="email", stream="1.event", reason="unsubscribed")

    @property
    def keys(self) -> list[int]:
        """Keyed hashes of both addresses."""
        return [keys.address_key("email", EMAIL), keys.address_key("sms", MOBILE)]

    @property
    def marks(self) -> list[str]:
        """What gives the person away, wherever it stands."""
        return [CANARY, "7700900777", str(self.resident.key), str(self.resident.pk), *map(str, self.keys)]


@pytest.fixture
def canary(cast: Any, settings: Any, tmp_path: Path) -> Canary:
    settings.PAPER_DIR = str(tmp_path / "paper")
    settings.EVIDENCE_DIR = str(tmp_path / "evidence")
    return Canary(cast)


def scan(marks: list[str]) -> dict[tuple[str, str], str]:
    """Every row of every table in which a mark stands: {(table, primary key): the column}."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                for column, value in zip(columns, row, strict=True):
                    words = bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)
                    if any(mark in words.lower() for mark in marks):
                        found[table, str(row[0])] = column
    return found
