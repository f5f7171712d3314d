"""Killed at every named point, the post room converges; the relay's own spool says how many copies there are."""

import os
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import IntegerField, Value

from bell.delivery import crash, inbound, outbox, post
from bell.delivery.models import Batch, Delivery, DigestItem, Inbound, Limit, Mailing
from bell.lib import clock
from tests.delivery.child import A_STOP
from tests.delivery.conftest import a_mailing, an_audience, emails, filled
from tests.delivery.servers import Relay

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]

# (point, n-th passing, most addresses with a second copy: those accepted in the slice that was not yet settled)
SENDING = [
    ("before-claim", 1, 0),
    ("after-claim", 1, 0),
    ("after-connect", 1, 0),
    ("after-mail", 1, 0),
    ("after-mail", 3, 2),
    ("after-rcpt", 1, 0),
    ("after-rcpt", 3, 2),
    ("mid-data", 1, 0),
    ("mid-data", 3, 2),
    ("after-final-dot", 1, 1),
    ("after-final-dot", 3, 3),
    ("after-reply-before-commit", 1, 1),
    ("after-reply-before-commit", 4, 4),
    ("after-commit", 1, 0),
    ("after-commit", 2, 0),
]
STORING = ("before-store-commit", "after-store-commit")
DIGESTS = ("mid-digest", "mid-digest-settle")
OTHERS = (*STORING, *DIGESTS, "mid-fill", "before-sweep-commit", "before-inbound-commit", "after-inbound-commit")


def child_command(job, point, relay_url="smtp://127.0.0.1:1"):
    """(command, environment) of a worker in a process of its own, on the tests' database."""
    db = connection.settings_dict
    url = f"sqlite:///{db['NAME']}"
    if connection.vendor == "postgresql":
        host, user = db["HOST"].replace("/", "%2F"), db["USER"]
        word = f":{db['PASSWORD']}" if db["PASSWORD"] else ""
        url = f"postgres://{user}{word}@{host}:{db['PORT'] or 5432}/{db['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "tests.delivery.child_settings",
        "BELL_SMTP_URL": relay_url,
        "BELL_LEASE_SECONDS": "1",
        "CRASHPOINT": point,
        "PYTHONPATH": str(ROOT),
    }
    return [sys.executable, "-m", "tests.delivery.child", job], environment


def child(job, point, relay_url="smtp://127.0.0.1:1"):
    """Run a worker and return its exit status."""
    command, environment = child_command(job, point, relay_url)
    return subprocess.run(command, env=environment, timeout=60).returncode


def converge():
    """What a worker does after the fault, with the ten minutes before a second try let pass at once."""
    for _ in range(6):
        outbox.sweep()
        while outbox.run_once("survivor"):
            pass
        Limit.objects.all().delete()
        Batch.objects.filter(state="ready").update(due_at=clock.now())
    outbox.close()


@pytest.mark.parametrize(("point", "nth", "most"), SENDING)
def test_sending_converges_after_a_kill(point, nth, most, settings):
    mailing = filled(emails(12))
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        assert child("send", f"{point}:{nth}", relay.url) == 137
        time.sleep(1.1)  # the lease of the dead runs out
        converge()
        copies = Counter(relay.to())
    rows = {row.address: row for row in Delivery.objects.filter(mailing=mailing)}
    assert post.tally(mailing) == {"email": {"sent": 12}}
    assert set(copies) == set(rows)  # I1: nobody is forgotten
    twice = {address for address, count in copies.items() if count > 1}
    assert max(copies.values()) <= 2 and len(twice) <= most  # I2
    assert all(rows[address].retried for address in twice)  # a second copy is never hidden
    assert not post.waiting(mailing)


def test_filling_resumes_after_a_kill():
    mailing = a_mailing()
    an_audience(emails(10))
    assert child("fill", "mid-fill:2") == 137
    assert Delivery.objects.filter(mailing=mailing).count() == 3  # the first step only
    assert child("fill", "") == 0
    assert post.tally(mailing) == {"email": {"queued": 10}}
    assert not Delivery.objects.filter(mailing=mailing, batch=None).exists()


def kept_for_digests(people):
    """Two mailings of which everybody wants the email in a digest that is due."""
    mailings = [a_mailing(stream="1.crime") for _ in range(2)]
    audience = an_audience(people).annotate(waits=Value(1, output_field=IntegerField()))
    for mailing in mailings:
        assert post.fill(mailing, audience).finished
        post.close(mailing)
    Delivery.objects.filter(mailing__stream="source").delete()
    return mailings


@pytest.mark.parametrize("point", DIGESTS)
def test_digests_are_made_once_whenever_their_maker_dies(point, settings):
    mailings = kept_for_digests(emails(5))
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        if point == "mid-digest-settle":
            assert child("digests", "") == 0
            converge()
        assert child("digests", point) == 137
        assert {state for one in mailings for states in post.tally(one).values() for state in states} == {"waiting"}
        assert child("digests", "") == 0
        converge()
        assert child("digests", "") == 0
        assert Counter(relay.to()) == {address: 1 for _, _, address in emails(5)}
    assert [post.tally(one) for one in mailings] == [{"email": {"sent": 5}}] * 2
    assert not DigestItem.objects.filter(over=False).exists()


def test_sweeping_is_whole_or_not_at_all():
    filled(emails(3))
    lease = outbox.lease("gone")
    outbox._persist(lease, {}, [], 2)
    Batch.objects.update(lease_until=clock.now())
    time.sleep(0.01)
    assert child("sweep", "before-sweep-commit") == 137
    assert set(Delivery.objects.values_list("state", flat=True)) == {"queued"}
    assert outbox.sweep() == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["queued", "uncertain", "uncertain"]


@pytest.mark.parametrize(("point", "kept"), [(STORING[0], 0), (STORING[1], 1)])
def test_what_comes_in_is_kept_once_whenever_the_door_dies(point, kept):
    """The gateway got no answer, and tries again."""
    assert child("store", point) == 137
    assert Inbound.objects.count() == kept
    assert child("store", "") == 0
    inbound.settle()
    assert list(Inbound.objects.values_list("state", "what")) == [("done", "stop")]


@pytest.mark.parametrize("point", ["before-inbound-commit", "after-inbound-commit"])
def test_stop_is_confirmed_once_whenever_the_reader_dies(point):
    inbound.store("simulator", "", "sms", A_STOP)
    assert child("settle", point) == 137
    inbound.settle()
    assert list(Inbound.objects.values_list("state", "what")) == [("done", "stop")]
    assert Mailing.objects.filter(stream="receipt").count() == 1


@pytest.mark.parametrize("how", ["stopped", "opted out"])
def test_a_no_that_meets_a_dying_worker_is_uncertain_and_not_tried_again(how, settings):
    """Two of four messages were begun when the worker died; the no came while nobody knew."""
    mailing = filled(emails(4))
    lease = outbox.lease("gone")
    begun = {row.id for row in outbox._persist(lease, {}, [], 2)}
    if how == "stopped":
        post.stop(mailing, reason=how)
    else:
        for row in Delivery.objects.filter(mailing=mailing):
            post.suppress(address_key=row.address_key, channel="email", reason=how)
    Batch.objects.update(lease_until=clock.now())
    time.sleep(0.01)
    assert outbox.sweep() == 1
    rows = {row.pk: row for row in Delivery.objects.filter(mailing=mailing)}
    assert {number for number, row in rows.items() if row.state == "uncertain"} == begun
    assert all(how in rows[number].reason and rows[number].batch is None for number in begun)
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        converge()
    assert not relay.spool and not post.waiting(mailing)


def test_every_point_is_in_the_code_and_has_a_test():
    code = "".join(path.read_text() for path in (ROOT / "bell" / "delivery").rglob("*.py"))
    assert (
        set(re.findall(r'crash\.point\("([a-z-]+)"\)', code))
        == set(crash.POINTS)
        == {*(point for point, _, _ in SENDING), *OTHERS}
    )


def test_a_worker_whose_lease_ran_out_while_it_was_frozen_writes_nothing(settings):
    """SIGSTOP past the lease: the other worker finishes, the frozen one wakes and is refused by the fence."""
    mailing = filled(emails(4))
    with Relay() as relay:
        settings.SMTP_URL = relay.url
        frozen = outbox.lease("frozen")
        rows = outbox._persist(frozen, {}, [], 2)
        Batch.objects.update(lease_until=clock.now())
        time.sleep(0.01)
        converge()
        states = list(Delivery.objects.order_by("id").values_list("state", "attempts", "retried"))
        with pytest.raises(outbox.LeaseLost):
            outbox._persist(frozen, {rows[0].id: outbox.Result(outbox.Outcome.TEMPORARY, "450")}, rows, 2)
    assert list(Delivery.objects.order_by("id").values_list("state", "attempts", "retried")) == states
    assert post.tally(mailing) == {"email": {"sent": 4}}
