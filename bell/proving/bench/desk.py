"""The desk of benchmarks: an alert to the whole invented force, written, approved and due, by the real verbs."""

from datetime import timedelta

from bell.alerts import actions, audience, find
from bell.alerts.models import Alert, Version
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.organisations.models import ApprovalRoute, Officer, Role
from bell.places.models import Area
from bell.proving import county, towns

_TITLE = "Sheds broken into overnight across the county"
_BODY = (
    "Garden sheds were broken into in the early hours. Bicycles and garden tools were taken.\n\n"
    "If you have a camera that looks onto the street, please look at what you have and tell us, even if nothing is "
    "there."
)


def officers(force: county.Force) -> tuple[Officer, Officer]:
    """One of the Media Team who writes, another who approves; the teams are founded with them."""
    county.add_teams(force, {name: [name] for name in towns.TEAMS}, kind="team")
    # With a rule of its own this force asks nobody a second time, however many residents the benchmark has.
    ApprovalRoute.objects.create(organisation=force.organisation, reason=True)
    team = Officer.objects.filter(grants__team=force.teams[county.MEDIA])
    approver = team.filter(grants__role=Role.APPROVER)[0]
    return team.filter(grants__role=Role.MEDIA).exclude(pk=approver.pk)[0], approver


def approved(
    force: county.Force, desk: tuple[Officer, Officer], *, areas: list[int] | None = None, urgent: bool = False
) -> Version:
    """An alert, by email and text, approved and due now: the next round of the dispatcher begins it."""
    author, approver = desk
    alert = actions.draft(
        team=force.teams[county.MEDIA],
        kind=Kind.CRIME,
        by=author,
        title=_TITLE,
        body=_BODY,
        by_sms=True,
        sms_text="Sheds were broken into overnight. Look at your cameras, please.",
        audience={"areas": areas or whole(), "shapes": [], "groups": []},
    )
    if alert.urgent != urgent:
        alert = actions.edit(alert, by=author, urgent=urgent)
    version = actions.submit(alert, by=author, everyone=audience.count(find.rule(alert)).people)
    held = actions.approve(version, by=approver, digest=version.digest, reason="A benchmark means everyone.")
    Alert.objects.filter(pk=held.pk).update(hold_until=clock.now() - timedelta(seconds=1))
    return version


def whole() -> list[int]:
    """The area of the whole force."""
    return list(Area.objects.public().filter(kind="force").values_list("pk", flat=True))
