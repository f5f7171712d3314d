"""A worker in a process of its own, killed by CRASHPOINT: python -m tests.delivery.child JOB, one of JOBS."""

import sys
from collections.abc import Sequence

import django

if __name__ == "__main__":
    django.setup()

from bell.delivery import digests, inbound, outbox, post, slots
from bell.delivery.models import Delivery, Mailing

A_STOP = b'{"id": "1", "from": "+447700900101", "to": "+447700900100", "text": "STOP"}'


def fill() -> None:
    """Fill the newest mailing from the rows of old ones, step by step."""
    mailing = Mailing.objects.exclude(stream="source").latest("id")
    people = Delivery.objects.filter(mailing__stream="source").values(
        "recipient_key", "channel", "address", "address_key", "due_at"
    )
    after, finished = 0, False
    while not finished:
        step = post.fill(mailing, people, after=after, step=3)
        after, finished = step.after, step.finished


def send() -> None:
    """Send until nothing is due."""
    while outbox.run_once("child"):
        pass


def make_digests() -> None:
    """Make what digests are due, and note what became of those that went."""
    while digests.build(digests.Writer(lambda mailings: {}, a_digest)):
        pass
    digests.close()
    while digests.settle():
        pass


def a_digest(mailings: Sequence[int]) -> post.Content:
    """The answer links of its messages."""
    lines = [f"Message {place}: {slots.answer_item(place)}" for place, _ in enumerate(mailings)]
    return post.Content("Alert", "Digest", "\n".join(lines), items=[[number, "1.crime"] for number in mailings])


def store() -> None:
    """Keep what a gateway's callback says."""
    inbound.store("simulator", "", "sms", A_STOP)


JOBS = {
    "send": send,
    "sweep": outbox.sweep,
    "settle": inbound.settle,
    "fill": fill,
    "store": store,
    "digests": make_digests,
}

if __name__ == "__main__":
    JOBS[sys.argv[1]]()
