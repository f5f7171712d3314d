"""A worker in a process of its own, killed by CRASHPOINT: python -m tests.delivery.child send|sweep|settle|fill."""

import sys

import django

django.setup()

from bell.delivery import inbound, outbox, post  # noqa: E402 (Django must be ready first)
from bell.delivery.models import Delivery, Mailing  # noqa: E402


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


{"send": send, "sweep": outbox.sweep, "settle": inbound.settle, "fill": fill}[sys.argv[1]]()
