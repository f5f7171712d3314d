"""An event for one's own calendar, read back by a calendar's eyes."""

from datetime import datetime

import pytest
from icalendar import Calendar

from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.public.conftest import send

pytestmark = pytest.mark.django_db
WORDS = {"event_time": "Saturday 4 July at 10am", "event_place": "The market hall, Heanor; upstairs"}
AT = datetime(clock.now().year + 1, 7, 4, 10, 0, tzinfo=clock.LONDON)


@pytest.fixture
def event(cast):
    """Makes an event that went out."""
    cast.resident()

    def make(**fields):
        words = {"title": "Drop-in, with tea", "body": "Come and **meet** us."}
        return send(cast, kind=Kind.EVENT, fields=WORDS | fields, **words)

    return make


def test_when_where_and_what(event, client):
    alert = event(event_time_at=AT.isoformat())
    reply = client.get(f"/a/{alert.reference}/event.ics")
    assert reply["Content-Type"].startswith("text/calendar") and alert.reference in reply["Content-Disposition"]
    (found,) = Calendar.from_ical(reply.content).walk("VEVENT")
    assert found.decoded("dtstart") == AT and found.decoded("dtend") > AT
    assert str(found["summary"]) == "Drop-in, with tea" and str(found["location"]) == WORDS["event_place"]
    assert "Come and meet us." in str(found["description"]) and alert.reference in str(found["uid"])
    assert all(len(line) <= 75 for line in reply.content.split(b"\r\n"))
    path = f"/a/{alert.reference}/event.ics"
    assert path in client.get(f"/a/{alert.reference}/").content.decode()
    assert all(path in alert.versions.last().mailing.content[part] for part in ("text", "html"))


@pytest.mark.parametrize("moment", ["", "on Saturday", "2026-13-40", "x" * 500])
def test_a_time_in_words_alone_has_no_file(event, client, moment):
    alert = event(event_time_at=moment)
    assert client.get(f"/a/{alert.reference}/event.ics").status_code == 404
    assert "event.ics" not in client.get(f"/a/{alert.reference}/").content.decode()
    assert "event.ics" not in str(alert.versions.last().mailing.content)


def test_other_alerts_and_drafts_have_none(cast, client):
    cast.resident()
    assert client.get(f"/a/{send(cast).reference}/event.ics").status_code == 404
    draft = cast.draft(kind=Kind.EVENT, fields=WORDS | {"event_time_at": AT.isoformat()})
    assert client.get(f"/a/{draft.reference}/event.ics").status_code == 404
