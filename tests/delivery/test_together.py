"""Several at once: two workers never send the same row, and an opt-out is never overtaken by a fill under way."""

import subprocess
import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from bell.delivery import post
from bell.delivery.models import Batch, Delivery
from tests.delivery.conftest import a_mailing, an_audience, emails, filled
from tests.delivery.servers import Relay
from tests.delivery.test_crash import child_command

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_workers_share_the_work_and_send_nothing_twice(settings):
    settings.BATCH_SIZE = 20
    mailing = filled(emails(300))
    with Relay() as relay:
        command, environment = child_command("send", "", relay.url)
        workers = [subprocess.Popen(command, env=environment) for _ in range(2)]
        assert [worker.wait(60) for worker in workers] == [0, 0]
        copies = Counter(relay.to())
    assert len(copies) == 300 and set(copies.values()) == {1}
    assert post.tally(mailing) == {"email": {"sent": 300}}
    assert set(Batch.objects.values_list("attempts", flat=True)) == {1}


def in_a_thread(work):
    def run():
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_an_opt_out_while_a_fill_is_under_way_still_takes_its_rows_back():
    audience = an_audience(emails(3))
    mailing = a_mailing()
    filling = threading.Event()

    def fill():
        with transaction.atomic():
            post.fill(mailing, audience)
            filling.set()
            time.sleep(0.5)

    thread = in_a_thread(fill)
    filling.wait(10)
    assert post.withdraw(recipient_key=2) == 1  # waits for the fill, then sees its row
    thread.join()
    assert Delivery.objects.get(mailing=mailing, recipient_key=2).state == "suppressed"


def test_a_stop_while_a_fill_is_under_way_cancels_its_rows_too():
    audience = an_audience(emails(3))
    mailing = a_mailing()
    filling = threading.Event()

    def fill():
        with transaction.atomic():
            post.fill(mailing, audience, step=2)
            filling.set()
            time.sleep(0.5)

    thread = in_a_thread(fill)
    filling.wait(10)
    assert post.stop(mailing, reason="stopped") == 2
    thread.join()
    assert post.fill(mailing, audience, after=2) == post.Step(0, 0, 2, True)
    assert post.tally(mailing) == {"email": {"cancelled": 2}}
