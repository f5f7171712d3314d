"""The cast of the post room's tests: a text, an audience, a mailing with its outbox full."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
from django.db.models import QuerySet

from bell.delivery import post, slots
from bell.delivery.models import Delivery, Lane, Mailing, State
from bell.lib import clock, keys

APPROVED = post.Authority("approval", "1:abc")
Person = tuple[int, str, str]  # recipient key, channel, address


def a_content(**changes: Any) -> post.Content:
    """An alert's text, as the room above hands it in."""
    fields: dict[str, Any] = {
        "sender_name": "Derbyshire Alert",
        "subject": "Bicycle thefts in Belper",
        "text": f"Lock your bicycle.\n\nAnswer: https://alert.example/r/{slots.ANSWER}/\n"
        f"No more: https://alert.example/u/{slots.UNSUBSCRIBE}/\n",
        "html": f'<p>Lock your <b>bicycle</b>.</p><p><a href="https://alert.example/r/{slots.ANSWER}/">Answer</a></p>',
        "sms": f"Lock your bicycle. https://alert.example/r/{slots.ANSWER}/",
        "list_id": "crime",
    }
    return post.Content(**{**fields, **changes})


def a_mailing(content: post.Content | None = None, **changes: Any) -> Mailing:
    """An open mailing on the routine lane."""
    given: dict[str, Any] = {"authority": APPROVED, "stream": "1.crime", "lane": Lane.ROUTINE, "reference": "DA-1"}
    return post.open_mailing(content or a_content(), **{**given, **changes})


def an_audience(people: Iterable[Person], *, due_at: datetime | None = None) -> QuerySet[Delivery, Any]:
    """A query with the columns that fill asks for: here over rows of old mailings, one for each person."""
    now = clock.now()
    made = []
    for recipient_key, channel, address in people:
        source = a_mailing(stream="source")
        made.append(
            Delivery(
                mailing=source,
                recipient_key=recipient_key,
                channel=channel,
                address=address,
                address_key=keys.address_key(channel, address),
                state=State.CANCELLED,
                due_at=due_at or now,
                state_at=now,
            )
        )
    Delivery.objects.bulk_create(made)
    columns = ("recipient_key", "channel", "address", "address_key", "due_at")
    return Delivery.objects.filter(mailing__stream="source").values(*columns)


def emails(count: int) -> list[Person]:
    """So many people with an invented email address each."""
    return [(n, "email", f"person{n}@mail.example") for n in range(1, count + 1)]


def filled(people: Iterable[Person], content: post.Content | None = None, **changes: Any) -> Mailing:
    """A mailing with its whole audience in the outbox."""
    mailing = a_mailing(content, **changes)
    audience = an_audience(people)
    step = post.fill(mailing, audience)
    assert step.finished
    post.close(mailing)
    Delivery.objects.filter(mailing__stream="source").delete()
    Mailing.objects.filter(stream="source").delete()
    return mailing


@pytest.fixture
def states():
    """{address: state} of a mailing's rows."""

    def read(mailing: Mailing) -> dict[str, str]:
        return dict(Delivery.objects.filter(mailing=mailing).values_list("address", "state"))

    return read
