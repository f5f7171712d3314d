"""Following an alert up from the desk: corrections, the audience of today, and when an alert is over by itself."""

from datetime import timedelta

import pytest

from bell.alerts import actions, audience, dispatch
from bell.alerts.models import Alert
from bell.delivery.models import Delivery
from bell.lib import clock
from tests.alerts.test_closing import out
from tests.alerts.test_life import release

pytestmark = pytest.mark.django_db


def test_a_stopped_alert_is_corrected_to_exactly_those_who_got_it(cast, at_desk):
    people = [cast.resident() for _ in range(3)]
    alert, _ = cast.approved()
    release(alert)
    while dispatch.run_due():
        pass
    first = Delivery.objects.filter(mailing__reference=alert.reference).order_by("pk")
    Delivery.objects.filter(pk__in=[one.pk for one in first[:2]]).update(state="sent")
    actions.stop(Alert.objects.get(pk=alert.pk), by=cast.approver)
    assert audience.reached(alert.versions.get()) == 2
    desk = at_desk(cast.author)
    page = desk.get(f"/desk/alerts/{alert.reference}/").content.decode()
    assert "Send a correction to the 2 people who already got it" in page
    assert "Send an update" not in page
    made = desk.post(f"/desk/alerts/{alert.reference}/follow/", {"relation": "correction"})
    draft = Alert.objects.get(follows=alert)
    assert made["Location"].endswith(f"/{draft.reference}/edit/") and draft.title == alert.title
    draft = actions.edit(draft, by=cast.author, body="The van was white, not blue.")
    sent = out(cast, alert=draft)
    rows = Delivery.objects.filter(mailing__reference=sent.reference)
    assert {row.recipient_key for row in rows} == {one.recipient_key for one in first[:2]} < {one.key for one in people}
    assert rows[0].mailing.content["subject"] == f"Correction: {alert.title}"
    assert rows[0].mailing.content["sms"].startswith("CORRECTION: ")


def test_the_audience_of_today_is_one_tick(cast, at_desk):
    cast.resident()
    appeal = out(cast)
    cast.resident()
    draft = actions.follow_up(appeal, relation="outcome", by=cast.author)
    desk, path = at_desk(cast.author), f"/desk/alerts/{draft.reference}/edit/"
    assert "Also to everyone whom the first alert would mean today" in desk.get(path).content.decode()
    given = {
        "title": "Two charged",
        "body": "Thank you.",
        "channels": ["email"],
        "do": "save",
        "seen": "0",
        "whole": "1",
    }
    desk.post(path, {**given, "also": "on"})
    assert Alert.objects.get(pk=draft.pk).audience == appeal.audience
    desk.post(path, {**given, "seen": "1"})
    assert Alert.objects.get(pk=draft.pk).audience == {}
    desk.post(path, {**given, "seen": "2", "also": "on"})
    version = actions.submit(Alert.objects.get(pk=draft.pk), by=cast.author)
    assert version.people == 2
    said = at_desk(cast.approver).get(f"/desk/alerts/{draft.reference}/approve/").content.decode()
    assert "everyone whom the first alert would mean today" in said


def test_a_correction_is_not_offered_more_people(cast, at_desk):
    cast.resident()
    draft = actions.follow_up(out(cast), relation="correction", by=cast.author)
    assert "would mean today" not in at_desk(cast.author).get(f"/desk/alerts/{draft.reference}/edit/").content.decode()


def test_the_composer_keeps_it(cast, at_desk):
    draft = cast.draft()
    at = clock.local(clock.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    desk = at_desk(cast.author)
    path = f"/desk/alerts/{draft.reference}/edit/"
    assert "Over after" in desk.get(path).content.decode()
    given = {"title": "T", "body": "B", "channels": ["email"], "areas": [str(cast.west.pk)], "do": "save"}
    given |= {"seen": "0", "whole": "1"}
    desk.post(path, {**given, "expires_at": f"{at:%Y-%m-%dT%H:%M}"})
    assert Alert.objects.get(pk=draft.pk).expires_at == at
    assert "This time has passed" in desk.post(path, {**given, "expires_at": "2020-01-01T10:00"}).content.decode()
