"""The demo's templates: one for everyone, three of a neighbourhood team."""

from bell.alerts import starters
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Role, Team


def keep(media: Team, local: Team) -> None:
    """Made by who approves in each team, by the real verbs."""
    by = {team: Officer.objects.filter(grants__team=team, grants__role=Role.APPROVER)[0] for team in (media, local)}
    starters.keep(
        by=by[media], team=None, kind=Kind.MISSING, name="Missing person",
        title="Can you help us find [first name and age]?",
        body=(
            "[First name], [age], was last seen [when] [where]. We are worried and would like to know they are safe."
            "\n\nIf you see them **now**, call 999. If you saw them earlier, answer this message."
        ),
        sms_text="Have you seen [first name], [age], last seen [where]? Call 999 if you see them now.",
    )  # fmt: skip
    starters.keep(
        by=by[local], team=local, kind=Kind.FOOTAGE, name="Burglary: doorbells and dash-cams",
        title="Burglary near [street]: does your camera look this way?",
        body=(
            "A home near **[street]** was broken into [when]. Please look at what your doorbell, CCTV or dash-cam kept "
            "of that time, and tell us what you find, even if nothing is there."
        ),
    )  # fmt: skip
    starters.keep(
        by=by[local], team=local, kind=Kind.EVENT, name="Bike marking",
        title="Free bike marking at [place]",
        body="Bring your bicycle to [place]. It takes ten minutes and costs nothing.",
    )  # fmt: skip
    starters.keep(
        by=by[local], team=local, kind=Kind.SURVEY, name="What should we work on?",
        title="What matters most to you in [place]?",
        body="We choose what to spend our time on from [month] to [month]. Please choose what matters most to you.",
    )  # fmt: skip
