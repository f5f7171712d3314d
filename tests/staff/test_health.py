"""The health page and /metrics: who sees them, and that they tell the truth."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from bell.delivery import health, inbound, post
from bell.delivery.content import Content
from bell.delivery.models import Heartbeat, Lane
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
    assert "has not said anything" in words and "waited too long" in words
    assert "canary" not in words
    now = health.read()
    assert now.lanes[0].messages == 1 and now.lanes[1].messages == 0 and now.unread == 1 and now.last_receipt
    health.beat()
    assert "has not said anything" not in client.get("/desk/health/").content.decode()
    assert b"/desk/health/" in client.get("/desk/").content


@pytest.mark.parametrize("who", ["author", "approver", "media", "stranger", "outsider", "dpo"])
def test_nobody_else_does(client, cast, who):
    client.force_login(getattr(cast, who))
    assert client.get("/desk/health/").status_code == 404
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
    reply = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert reply.status_code == 200 and reply["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = reply.content.decode().splitlines()
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['bell_waiting_messages{lane="now"}'] == "1"
    assert float(samples["bell_worker_seconds"]) < 5 and samples["bell_backup_seconds"] == "-1"
    named = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    assert {name.split("{")[0] for name in samples} == named
    assert "canary" not in reply.content.decode()
