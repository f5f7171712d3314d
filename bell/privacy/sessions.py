"""Signed-in browsers of a person: their sessions hold the random key, or addresses typed while joining."""

import json
from collections.abc import Iterator

from django.contrib.sessions.models import Session

from bell.lib import clock
from bell.privacy.person import Person


def of(person: Person) -> Iterator[Session]:
    """Sessions that are not over and name the person. Every one is opened: a session is readable only whole."""
    needles = [str(person.resident.key), *(json.dumps(address)[1:-1] for address in person.texts)]
    for session in Session.objects.filter(expire_date__gt=clock.now()).iterator(chunk_size=500):
        words = json.dumps(session.get_decoded())
        if any(needle in words for needle in needles):
            yield session


def end(person: Person) -> int:
    """Sign the person out everywhere; how many sessions."""
    found = [session.pk for session in of(person)]
    return Session.objects.filter(pk__in=found).delete()[0]


def over() -> "list[str]":
    """Keys of sessions whose time has run out, a bounded number."""
    return list(Session.objects.filter(expire_date__lte=clock.now()).values_list("pk", flat=True)[:1000])
