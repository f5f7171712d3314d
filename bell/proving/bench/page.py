"""`bell bench page`: an alert's public page, hit by everyone who just got it, beside a bare view of the same bytes.

As it is served, kept in the process while its alerts stand (public.kept), and drawn anew at each hit. One process
serves four visitors at once, so a rate is that of one core. What a cache in front of us answers costs us nothing and is
not measured: the page says for how long it may be kept.
"""

from bell.alerts.models import Alert
from bell.proving import county
from bell.proving.bench.measure import Row, side_by_side
from bell.proving.bench.serving import Broken, Visitor, at_once, gunicorn

_RESIDENTS = 200


def prepare(seed: int) -> str:
    """A small demo county; the path of an alert that went out in it."""
    county.draw(seed=seed, residents=_RESIDENTS)
    alert = Alert.objects.public().order_by("pk").last()
    if alert is None:
        raise Broken("the county has no alert that went out")
    return f"/a/{alert.reference}/"


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` requests a run over four kept connections."""
    path = prepare(seed)
    with (
        gunicorn("bell.config.wsgi") as ours,
        gunicorn("bell.proving.bench.uncached:application") as drawn,
        gunicorn("bell.proving.bench.bare:application") as theirs,
    ):
        size = len(Visitor(ours).get(path))

        def hits(port: int, asked: str) -> None:
            def some(requests: int) -> None:
                visitor = Visitor(port)
                for _ in range(requests):
                    visitor.get(asked)

            at_once(some, count)

        return [
            side_by_side(
                f"an alert's page of {size:,} bytes, {case}",
                count,
                lambda port=port: hits(port, path),  # type: ignore[misc]  # bound now
                lambda: hits(theirs, f"/page/{size}/"),
                comparator="a bare view of the same bytes",
            )
            for case, port in (("cached", ours), ("uncached", drawn))
        ]
