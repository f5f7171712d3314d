"""`bell bench signup`: the whole joining journey over HTTP, beside a bare Django journey of as many requests.

Codes are read from the outbox, as a person reads them from a mail. Nothing is sent: no worker runs.
"""

import random
from itertools import count as numbers

from django.db import connection

from bell.delivery.models import Delivery
from bell.places.models import Postcode
from bell.proving import county
from bell.proving.bench.measure import Row, side_by_side
from bell.proving.bench.serving import Broken, Visitor, at_once, gunicorn
from bell.residents.models import Resident

REQUESTS = 14
"""Seven pages and seven answers: start is a page alone, and so is the end."""


def prepare(seed: int) -> int:
    """The demo's ground, force and groups; nobody in it yet. Returns the force's number."""
    county.draw_ground(random.Random(seed))
    return int(county.found_force().organisation.pk)


def the_code(address: str) -> str:
    """The code that waits for an address: its subject begins with it."""
    row = Delivery.objects.filter(address=address, mailing__stream="code").select_related("mailing").latest("pk")
    return str(row.mailing.content["subject"][:6])


def join(port: int, address: str, postcode: str, force: int) -> None:
    """One person joins: every page is opened, every form is sent."""
    visitor = Visitor(port)
    visitor.get("/join/")
    steps: tuple[tuple[str, dict[str, str | list[str]]], ...] = (
        ("place", {"postcode": postcode}),
        ("contact", {"email": address, "mobile": ""}),
        ("code", {}),
        ("kinds", {"email_kinds": ["crime", "scam"]}),
        ("groups", {}),
        ("finish", {"organisations": [str(force)]}),
    )
    for step, answers in steps:
        visitor.get(f"/join/{step}/")
        visitor.post(f"/join/{step}/", **({"email": the_code(address)} if step == "code" else answers))
    visitor.get("/join/done/")


def bare(port: int, journeys: int) -> None:
    """The same number of pages and forms, with nothing behind them, by a visitor who is new each time."""
    for _ in range(journeys):
        visitor = Visitor(port)
        visitor.get("/0/")
        for step in range(1, 7):
            visitor.get(f"/{step}/")
            visitor.post(f"/{step}/", answer="x")
        visitor.get("/7/")


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` people join in each run, four at a time; one process serves them, so the rate is that of one core."""
    force = prepare(seed)
    postcodes = [row.code for row in Postcode.objects.public().order_by("code")[:500]]
    number = numbers()
    with gunicorn("bell.config.wsgi") as ours, gunicorn("bell.proving.bench.bare:application") as theirs:

        def some(people: int) -> None:
            try:
                for _ in range(people):
                    here = next(number)
                    join(ours, f"joiner{here}@home.example", postcodes[here % len(postcodes)], force)
            finally:
                connection.close()  # this thread's own

        def joins() -> None:
            before = Resident.objects.count()
            at_once(some, count)
            if Resident.objects.count() != before + count:
                raise Broken("not everybody who joined is there")

        def plain() -> None:
            at_once(lambda journeys: bare(theirs, journeys), count)

        words = f"a bare Django journey of {REQUESTS} requests"
        return [side_by_side("the whole joining journey", count, joins, plain, comparator=words)]
