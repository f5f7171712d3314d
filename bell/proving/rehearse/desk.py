"""What officers do in a rehearsal: draft, submit, approve, follow up; and who should get it, reckoned beforehand."""

from dataclasses import dataclass, field
from typing import Any

from bell.alerts import actions, audience, together
from bell.alerts import find as alerts
from bell.alerts.models import Alert, State, Version
from bell.delivery.models import Delivery, Mailing
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.proving.rehearse import expected
from bell.proving.rehearse.expected import Due, Everyone, Pair, Person
from bell.proving.rehearse.world import World

People = dict[int, list[Person]]
"""Those whom an alert means, by the organisation that writes to them; its own comes first."""

AT_SEA = (Delivered.QUEUED, Delivered.DEFERRED, Delivered.WAITING)
WENT = (Delivered.SENT, Delivered.DELIVERED, Delivered.UNCERTAIN)


@dataclass
class Sent:
    """One alert that was rightly approved: who should have got it by brute force, and its version."""

    name: str
    version: Version
    expected: dict[Pair, Due]

    def mailings(self) -> list[Mailing]:
        """Its own mailing and its carriers', as they are now."""
        self.version.refresh_from_db()
        return self.version.mailings()

    def filled(self) -> bool:
        """Whether all its people are in the outbox, those whom a carrier brings too."""
        self.version.refresh_from_db()
        return bool(self.version.filled_at) and not self.version.carriers.filter(filled_at=None).exists()

    def begun(self) -> bool:
        """Whether its first copies are out."""
        return Delivery.objects.filter(mailing__in=self.mailings(), state__in=WENT).exists()

    def over(self) -> bool:
        """Whether it was sent or stopped, and no copy of it is under way."""
        alert = Alert.objects.get(pk=self.version.alert_id)
        waiting = Delivery.objects.filter(mailing__in=self.mailings(), state__in=AT_SEA)
        return alert.state in (State.SENT, State.STOPPED) and not waiting.exists()

    def reached(self, everyone: Everyone) -> People:
        """Those who were sent it, by whose stream: all that a follow-up is for."""
        meant: People = {}
        for mailing in self.mailings():
            rows = Delivery.objects.filter(mailing=mailing, state__in=WENT)
            keys = set(rows.values_list("recipient_key", flat=True))
            meant[int(mailing.stream.partition(".")[0])] = [one for one in everyone.people if one.key in keys]
        return meant


@dataclass
class Desk:
    """Those who write and approve, and all that they rightly sent."""

    world: World
    sent: list[Sent] = field(default_factory=list)

    def draft(
        self, title: str, audience: dict[str, Any], *, kind: Kind | None = None, urgent: bool = False, **changes: Any
    ) -> Alert:
        """An alert with all its fields, by both channels: an appeal where no kind is named."""
        facts: dict[str, Any] = {
            "title": title,
            "body": "Sheds were broken into **last night**. Please look at your cameras — even “nothing there” helps.",
            "sms_text": f"{title}. Please look at your cameras.",
            "by_sms": True,
            "fields": {"from_time": "1:30am", "to_time": "3:30am", "look_for": "A white van"},
            "audience": audience,
        }
        world = self.world
        alert = actions.draft(team=world.team, kind=kind or world.kind, by=world.author, **(facts | changes))
        return actions.edit(alert, by=world.author, urgent=urgent)

    def send(
        self, name: str, alert: Alert, people: People, everyone: Everyone, *, groups: list[int] | None = None
    ) -> Sent:
        """Submit, have carriers agree, reckon who should get it, and have a colleague approve.

        `people` are those meant, by organisation; organisations without an entry carry nothing.
        """
        sent = self.submit(name, alert, people, everyone, groups=groups)
        version = sent.version
        for colleague in (self.world.approver, self.world.both)[: version.route["people"]]:
            actions.approve(version, by=colleague, digest=version.digest, reason="It is a rehearsal.")
        return sent

    def submit(
        self, name: str, alert: Alert, people: People, everyone: Everyone, *, groups: list[int] | None = None
    ) -> Sent:
        """All of that but the approval."""
        version = actions.submit(alert, by=self.world.author, everyone=audience.count(alerts.rule(alert)).people)
        for carrier in version.carriers.filter(decision="asked"):
            together.decide(carrier, by=self.world.partner.approver, digest=version.digest, agree=True)
        pairs = expected.carried(
            everyone,
            list(people.items()),
            kind=alert.kind,
            channels=[channel for channel, on in (("email", alert.by_email), ("sms", alert.by_sms)) if on],
            groups=groups or [],
            now=clock.now(),
        )
        sent = Sent(name, version, pairs)
        self.sent.append(sent)
        return sent
