"""`bell bench page`: an alert's public page, hit by everyone who just got it, beside a bare view of the same bytes.

What a cache in front of us answers costs us nothing: the page says for how long it may be kept, and that is checked
here, not measured. Measured is what reaches us.
"""

from bell.alerts.models import Alert
from bell.proving import county
from bell.proving.bench.measure import Row, side_by_side
from bell.proving.bench.serving import Broken, Visitor, gunicorn

_RESIDENTS = 200


def prepare(seed: int) -> str:
    """A small demo county; the path of an alert that went out in it."""
    county.draw(seed=seed, residents=_RESIDENTS)
    alert = Alert.objects.public().order_by("pk").last()
    if alert is None:
        raise Broken("the county has no alert that went out")
    return f"/a/{alert.reference}/"


def run(*, count: int, seed: int = 1) -> list[Row]:
    """`count` requests a run over a kept connection."""
    path = prepare(seed)
    with gunicorn("bell.config.wsgi") as ours, gunicorn("bell.proving.bench.bare:application") as theirs:
        size = len(Visitor(ours).get(path))

        def hits(port: int, asked: str) -> None:
            visitor = Visitor(port)
            for _ in range(count):
                visitor.get(asked)

        case = f"an alert's page of {size:,} bytes, uncached"
        return [
            side_by_side(
                case,
                count,
                lambda: hits(ours, path),
                lambda: hits(theirs, f"/page/{size}/"),
                comparator="a bare view of the same bytes",
            )
        ]
