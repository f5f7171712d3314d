"""What goes on between organisations, to look at: counts of what was carried, never people (G2-G4)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from bell.alerts import audience
from bell.alerts.models import Alert, Ask, Carrier, PassedOn, State, Version
from bell.delivery import post
from bell.delivery.models import Channel
from bell.lib import clock
from bell.organisations.models import Officer, Organisation, Role
from bell.organisations.rules import name_on

_LATEST = 8
FEW = 5


def invitations(officer: Officer) -> list[Carrier]:
    """Versions that the officer's organisation is asked to carry and has not decided on; the newest of each alert."""
    asked = Carrier.objects.visible_to(officer).filter(decision=Carrier.Decision.ASKED)
    found = asked.select_related("version__alert__organisation", "version__alert__team").order_by("-pk")
    return [one for one in found if one.version_id == one.version.alert.versions.values_list("pk", flat=True).last()]


def waiting_for(officer: Officer) -> int:
    """How many invitations and requests wait for the officer's organisation, for those who may decide on them."""
    if not officer.grants.filter(role__in=[Role.APPROVER, Role.MEDIA, Role.AUTHOR]).exists():
        return 0
    waiting = Ask.objects.visible_to(officer).filter(to=officer.organisation_id, decision=Ask.Decision.WAITING)
    return len(invitations(officer)) + waiting.count()


def carried(officer: Officer) -> list[Carrier]:
    """What the officer's organisation carries or declined, newest first."""
    decided = Carrier.objects.visible_to(officer).exclude(decision=Carrier.Decision.ASKED)
    return list(decided.select_related("version__alert__organisation", "mailing", "officer").order_by("-at")[:_LATEST])


def carried_for(officer: Officer) -> list[Carrier]:
    """What partners were asked to carry of the alerts that the officer may see, or took up by themselves."""
    ours = Alert.objects.visible_to(officer).values("pk")
    found = Carrier.objects.filter(version__alert__in=ours).select_related("version__alert", "organisation", "mailing")
    return list(found.order_by("-pk")[: 2 * _LATEST])


def carriers_of(alert: Alert) -> list[Carrier]:
    """Who was asked to carry the newest version of an alert, and who does."""
    version = alert.versions.last()
    return list(version.carriers.select_related("organisation", "mailing", "officer")) if version else []


def carrier_names(alert: Alert) -> list[str]:
    """The organisations that carried an alert, by their names of the day it went out: for everybody to read."""
    day = clock.local(alert.sent_at or clock.now()).date()
    found = Organisation.objects.filter(carried__version__alert=alert, carried__mailing__isnull=False).distinct()
    return [name_on(one, day) for one in found.prefetch_related("names").order_by("name")]


def passed_on(officer: Officer) -> list[PassedOn]:
    """What was passed on by other means, and its reach: by the officer's organisation, or of the alerts they see."""
    ours = Alert.objects.visible_to(officer).values("pk")
    found = PassedOn.objects.filter(Q(organisation=officer.organisation_id) | Q(alert__in=ours))
    return list(found.select_related("alert", "organisation").order_by("-at")[:_LATEST])


def to_pass_on(officer: Officer) -> list[Alert]:
    """The latest public alerts of the force that are not over."""
    found = Alert.objects.public().filter(organisation__sort=Organisation.Sort.FORCE, follows=None)
    return list(found.exclude(state="closed").select_related("team", "organisation").order_by("-sent_at")[:_LATEST])


def asks(officer: Officer) -> list[Ask]:
    """Requests to or from the officer's organisation: those that wait first, then newest."""
    found = Ask.objects.visible_to(officer).select_related("alert__organisation", "to", "by", "decided_by", "made")
    return sorted(found[: 3 * _LATEST], key=lambda one: (one.decision != Ask.Decision.WAITING, -one.at.timestamp()))


def with_texts(officer: Officer, asks: Iterable[Ask]) -> list[tuple[Ask, Alert | None]]:
    """Requests, each with the alert whose text the officer may read there; None where nothing is shown any more.

    A partner reads its own draft. Whom it asked reads the draft while the request waits and the draft stands; then only
    what they made of it themselves, as far as the officer may open that: the draft goes on for the partner's own ends.
    """
    found = list(asks)
    ours = Alert.objects.visible_to(officer).filter(pk__in=[one.made_id for one in found if one.made_id])
    made = {one.pk: one for one in ours.select_related("organisation", "team", "follows")}

    def text(one: Ask) -> Alert | None:
        waits = one.decision == Ask.Decision.WAITING and one.alert.state != State.WITHDRAWN
        if waits or one.alert.organisation_id == officer.organisation_id:
            return one.alert
        return made.get(one.made_id) if one.made_id else None

    return [(one, text(one)) for one in found]


def ask_of(alert: Alert) -> Ask | None:
    """The newest request to send an alert."""
    return alert.asks.select_related("to", "by", "decided_by", "made").first()


def may_be_asked(organisation: Organisation) -> list[Organisation]:
    """The force, for a partner; nobody else sends for others."""
    if organisation.sort == Organisation.Sort.FORCE:
        return []
    return list(Organisation.objects.public().filter(sort=Organisation.Sort.FORCE).order_by("pk"))


def may_carry_with(organisation: Organisation) -> list[Organisation]:
    """Partners with an agreement of today that an alert of this organisation may be carried together with."""
    found = Organisation.objects.public().exclude(pk=organisation.pk).filter(sort=Organisation.Sort.PARTNER)
    return list(found.order_by("name"))


def reach_beyond(version: Version, organisation: Organisation) -> int | None:
    """How many followers of an organisation would get this who do not get it already: rounded to 5; None under 5."""
    carrier = audience.Rule.of(version.frozen, carrier=organisation.pk)
    found = audience.people(carrier)
    mailings = [one.pk for one in version.mailings()]
    if mailings:
        found = audience.people(audience.Rule.of(version.frozen, carrier=organisation.pk, but_not=tuple(mailings)))
    else:
        own = audience.people(audience.Rule.of(version.frozen))
        found = found.exclude(resident__in=own.values("resident"))
    return audience.hidden(found.values("resident").distinct().count())


@dataclass(frozen=True)
class Count:
    """Messages of one channel in one state; `number` is None where there are fewer than five."""

    channel: str
    state: str
    number: int | None


def counts(carrier: Carrier) -> list[Count]:
    """What became of a carrier's own mailing, each number rounded to 5 and hidden under 5: nothing to subtract."""
    if carrier.mailing is None:
        return []
    return _counts(post.tally(carrier.mailing).items())


def _counts(tally: Iterable[tuple[str, dict[str, int]]]) -> list[Count]:
    return [
        Count(str(Channel(channel).label), state, audience.hidden(number))
        for channel, states in sorted(tally)
        for state, number in sorted(states.items())
        if number
    ]
