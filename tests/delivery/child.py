"""A worker in a process of its own, killed by CRASHPOINT: python -m tests.delivery.child JOB, one of JOBS."""

import sys

import django

if __name__ == "__main__":
    django.setup()

from bell.delivery import inbound, outbox, post
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


def store() -> None:
    """Keep what a gateway's callback says."""
    inbound.store("simulator", "", "sms", A_STOP)


JOBS = {"send": send, "sweep": outbox.sweep, "settle": inbound.settle, "fill": fill, "store": store}

if __name__ == "__main__":
    JOBS[sys.argv[1]]()
