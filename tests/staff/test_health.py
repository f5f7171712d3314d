"""The health page and /metrics: who sees them, and that they tell the truth."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache

from bell.audit.models import Entry
from bell.audit.record import named
from bell.delivery import control, health, inbound, leasing, limits, post, pulse
from bell.delivery.content import Content
from bell.delivery.models import Alarm, Heartbeat, Lane, Limit, Pulse
from bell.delivery.post import Address, Authority
from bell.lib import clock, keys

pytestmark = pytest.mark.django_db
TOKEN = "a token of the monitoring system"


@pytest.fixture(autouse=True)
def fresh():
    """Dear counts are kept a minute: not from one test to the next."""
    cache.clear()


def waiting(lane=Lane.NOW):
    """One message that is due."""
    address = "canary@home.example"
    to = Address(keys.random_key(), "email", address)
    content = Content(sender_name="Test", subject="Code", text="123456", html="<p>123456</p>", sms="")
    return post.post(content, authority=Authority("code", "1"), stream="1.code", lane=lane, to=to)


def test_an_administrator_sees_what_waits(client, cast):
    client.force_login(cast.administrator)
    row = waiting()
    row.batch.due_at = clock.now() - timedelta(minutes=10)
    row.batch.save()
    inbound.store("simulator", "1", "receipt", b"{}")
    page = client.get("/desk/health/")
    words = page.content.decode()
    assert page.status_code == 200
    assert "Nothing is going out: no worker has ever run here." in words
    assert "canary" not in words
    now = health.read()
    assert now.lanes[0].messages == 1 and now.lanes[1].messages == 0 and now.unread == 1 and now.last_receipt
    health.beat()
    assert "Messages wait: the oldest should have gone 10 minutes ago." in client.get("/desk/health/").content.decode()
    assert b"/desk/health/" in client.get("/desk/").content


STOP = "/desk/health/stop/?way=email"


def test_an_administrator_stops_email_and_lets_it_go_on(client, cast):
    client.force_login(cast.administrator)
    health.beat()
    batch = waiting().batch
    assert "Everything is going out." in client.get("/desk/health/").content.decode()
    assert "codes included" in client.get(STOP).content.decode() and list(leasing.due()) == [batch]
    assert "Say why" in client.post(STOP, {"why": " "}).content.decode() and list(leasing.due()) == [batch]
    assert client.post(STOP, {"why": "the relay signs wrongly"}).url == "/desk/health/"
    assert not leasing.due().exists()
    shown = client.get("/desk/health/").content.decode()
    assert "Email is stopped: the relay signs wrongly." in shown and "stop-email" not in shown and "stop-sms" in shown
    assert "the relay signs wrongly" in client.get("/desk/health/resume/?way=email").content.decode()
    assert not leasing.due().exists()
    client.post("/desk/health/resume/?way=email", {"why": "signed again"})
    assert list(leasing.due()) == [batch]
    entries = (
        Entry.objects.filter(verb__startswith="sending").order_by("pk").values_list("verb", "by_type", "by_key", "why")
    )
    who = named(cast.administrator)
    assert list(entries) == [
        ("sending stopped", *who, "the relay signs wrongly"), ("sending resumed", *who, "signed again"),
    ]  # fmt: skip
    assert client.get("/desk/health/resume/?way=email").status_code == 302


def test_only_ways_out_can_be_stopped(client, cast):
    client.force_login(cast.administrator)
    for way in ("", "post", "email:a@b", "rate:email"):
        assert client.post(f"/desk/health/stop/?way={way}", {"why": "x"}).status_code == 404
    assert not Limit.objects.exists()


def test_an_alarm_is_seen_and_the_live_part_says_it(client, cast):
    client.force_login(cast.administrator)
    health.beat()
    limits.trip("email:example.com", "550 5.7.1 policy")
    shown = client.get("/desk/health/").content.decode()
    assert "Email to example.com is stopped. Everything else is going out. 1 alarm to look at." in shown
    ask = re.search(r'hx-get="([^"]+)"', shown[shown.index('id="health-live"') :])[1].replace("&amp;", "&")
    assert client.get(ask).status_code == 204
    alarm = Alarm.objects.get()
    client.post(f"/desk/health/alarms/{alarm.pk}/seen/")
    client.post(f"/desk/health/alarms/{alarm.pk}/seen/")
    alarm.refresh_from_db()
    assert alarm.ended_at and Entry.objects.filter(verb="alarm seen").count() == 1
    fresh = client.get(ask)
    assert fresh.status_code == 200 and "I have seen it" not in fresh.content.decode()


def test_the_last_hour_is_drawn_with_its_table(client, cast):
    client.force_login(cast.administrator)
    pulse.forget()
    now = clock.now().replace(second=0, microsecond=0)
    Pulse.objects.create(bucket=now, channel="email", sent=1234, failed=5)
    shown = client.get("/desk/health/").content.decode()
    assert 'class="staff-pulse__good"' in shown and 'class="staff-pulse__bad"' in shown
    assert ">1,234</td>" in shown and ">5</td>" in shown and "Email by the relay" in shown


OURS = ["", "live/", "stop/?way=email", "resume/?way=email"]


@pytest.mark.parametrize("who", ["author", "approver", "media", "stranger", "outsider", "dpo"])
def test_nobody_else_does(client, cast, who):
    client.force_login(getattr(cast, who))
    limits.raise_alarm("email", "x")
    control.hold("email", "x", by="x")
    for page in OURS:
        assert client.get(f"/desk/health/{page}").status_code == 404
        assert client.post(f"/desk/health/{page}", {"why": "x"}).status_code == 404
    assert client.post(f"/desk/health/alarms/{Alarm.objects.get().pk}/seen/").status_code == 404
    assert control.alarms() and control.holds()
    assert b"/desk/health/" not in client.get("/desk/").content


def test_a_visitor_is_sent_to_sign_in(client):
    assert client.get("/desk/health/").status_code == 302


def test_looking_changes_nothing(client, cast):
    client.force_login(cast.administrator)
    assert client.post("/desk/health/").status_code == 405
    client.get("/desk/health/")
    assert not Heartbeat.objects.exists()


def test_a_silent_worker_is_silent_after_a_minute():
    assert not health.read().worker_alive
    health.beat()
    assert health.read().worker_alive
    Heartbeat.objects.update(at=clock.now() - timedelta(seconds=61))
    assert not health.read().worker_alive
    health.beat()
    assert Heartbeat.objects.count() == 1


@pytest.mark.parametrize("given", ["", "Bearer ", "Bearer wrong", TOKEN[:-1], "Bearer ünlaut"])
def test_metrics_do_not_exist_without_the_token(client, settings, given):
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"Authorization": given}).status_code == 404
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": given}).status_code == 404


def test_metrics_are_what_prometheus_reads(client, settings):
    settings.METRICS_TOKEN = TOKEN
    waiting()
    health.beat()
    limits.trip("sms", "the gateway refuses us")
    Pulse.objects.create(bucket=clock.now(), channel="email", sent=100)
    reply = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == 200 and reply["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = reply.content.decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['bell_waiting_messages{lane="now"}'] == "1"
    assert samples["bell_open_breakers"] == samples["bell_open_alarms"] == "1"
    assert samples['bell_channel_stopped{channel="sms"}'] == "1"
    assert samples['bell_channel_stopped{channel="email"}'] == "0"
    assert float(samples['bell_sent_per_second{channel="email",provider=""}']) >= 100 / 70
    assert float(samples["bell_worker_seconds"]) < 5 and samples["bell_backup_seconds"] == "-1"
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {name.split("{")[0] for name in samples} == named
    assert "canary" not in reply.content.decode()
