"""A worker and somebody who takes messages back hold each other's rows: the no is taken all the same."""

import threading
from contextlib import nullcontext

import pytest
from django.db import OperationalError, connection, transaction

from bell.delivery import post
from bell.delivery.models import Delivery
from tests.delivery.conftest import emails, filled
from tests.waiting import until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer, and nobody to wait for"),
]


def as_user(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def waiting_for_a_row() -> bool:
    """Whether somebody waits in our own database: whoever waits for a transaction's end says not in which one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE NOT granted AND locktype = 'transactionid' AND datname = current_database()"
        )
        return bool(cursor.fetchone()[0])


class Worker:
    """One that holds a row until somebody waits for it, and then wants another."""

    def __init__(self, held: int, wanted: int) -> None:
        self.held, self.wanted = held, wanted
        self.holds, self.came = threading.Event(), ""
        self.thread = threading.Thread(target=self._work)
        self.thread.start()
        assert self.holds.wait(20)

    def _work(self) -> None:
        try:
            as_user("SET deadlock_timeout = '60s'")  # it is never this one that is thrown out
            with transaction.atomic():
                Delivery.objects.filter(pk=self.held).update(attempts=1)
                self.holds.set()
                until(waiting_for_a_row)
                Delivery.objects.filter(pk=self.wanted).update(attempts=1)
            self.came = "done"
        except OperationalError as error:
            self.came = str(error)
        finally:
            connection.close()


WAYS = {
    "stop": lambda mailing: post.stop(mailing, reason="stopped by an officer"),
    "withdraw": lambda mailing: post.withdraw(recipient_key=1),
}


@pytest.mark.parametrize("way", ["stop", "withdraw"])
@pytest.mark.parametrize("within", [False, True])
def test_who_takes_back_gives_way_and_does_it_then(way, within, caplog):
    people = [(1, "email", "ann@home.example"), (1, "sms", "+447700900001")]
    mailing = filled(people)
    rows = Delivery.objects.filter(mailing=mailing)
    one, other = rows.order_by("id").values_list("id", flat=True)
    as_user("SET deadlock_timeout = '2s'")
    try:
        # Which row is come by first is the database's affair: one of the two ways round they hold each other's.
        for held, wanted in ((other, one), (one, other)):
            rows.update(state="queued", attempts=0)
            worker = Worker(held, wanted)
            with transaction.atomic() if within else nullcontext():
                assert WAYS[way](mailing) == 2
            worker.thread.join(30)
            assert worker.came == "done"
            assert {row.state for row in rows} <= {"cancelled", "suppressed"}
            assert set(rows.values_list("attempts", flat=True)) == {1}
    finally:
        as_user("RESET deadlock_timeout")
    assert "waited for each other; once more" in caplog.text


def test_what_is_no_deadlock_is_not_tried_again(monkeypatch):
    mailing = filled(emails(1))
    tried = []

    def broken(**_: object) -> None:
        tried.append(1)
        raise OperationalError("the disk is full")

    monkeypatch.setattr("bell.delivery.blocking.hold_digests", broken)
    with pytest.raises(OperationalError, match="disk"):
        post.stop(mailing, reason="stopped by an officer")
    assert tried == [1]
