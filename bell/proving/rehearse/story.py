"""The rehearsal itself: wrongs are tried, two alerts go out, people opt out, one alert is stopped, people answer.

Everything is done by the verbs that the faces use, and travels through the real worker, web, mail door, relay and
gateway, each a process of its own.
"""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bell.alerts import actions, rules
from bell.alerts.models import Alert, Relation, State, Version
from bell.delivery.models import Delivery, Inbound, Mailing
from bell.delivery.models import State as Delivered
from bell.lib import clock
from bell.places import find
from bell.places.models import Area
from bell.proving.rehearse import answers, expected, optouts, spools, wrongs
from bell.proving.rehearse.answers import Replies
from bell.proving.rehearse.expected import Pair
from bell.proving.rehearse.optouts import OptOut
from bell.proving.rehearse.waiting import Patience
from bell.proving.rehearse.world import World, feature
from bell.proving.rehearse.wrongs import Tried
from bell.residents.actions import stream

GRACE = timedelta(seconds=5)
_CHANNELS = ("email", "sms")
_AT_SEA = (Delivered.QUEUED, Delivered.DEFERRED, Delivered.WAITING)
_WENT = (Delivered.SENT, Delivered.DELIVERED, Delivered.UNCERTAIN)


@dataclass(frozen=True)
class Doors:
    """Where copies are caught, and whether relay and gateway are our own catchers, whose spools can be read."""

    folder: Path
    own_relay: bool
    own_gateway: bool

    @property
    def spool(self) -> Path:
        """The catchers' spools."""
        return self.folder / "spool"

    @property
    def practice(self) -> Path:
        """The practice catchers' spools."""
        return self.folder / "practice"


@dataclass
class Sent:
    """One alert that was rightly approved: who should have got it by brute force, and its version."""

    name: str
    version: Version
    expected: dict[Pair, str]


@dataclass
class Story:
    """All that happened, for the checks."""

    world: World
    doors: Doors
    in_shape: int = 0
    sent: list[Sent] = field(default_factory=list)
    tried: list[Tried] = field(default_factory=list)
    opted_out: list[OptOut] = field(default_factory=list)
    stopped_at: datetime | None = None
    replies: Replies = field(default_factory=Replies)

    @property
    def main(self) -> Sent:
        """The alert that the rehearsal is about."""
        return next(one for one in self.sent if one.name == "main")


class Director:
    """Takes the story from beginning to end."""

    def __init__(self, world: World, doors: Doors, patience: Patience, *, seed: int) -> None:
        self.story = Story(world, doors)
        self.world, self.doors, self.patience = world, doors, patience
        self.rng = random.Random(seed)
        self.stream = stream(world.force.organisation.pk, world.kind)
        self.whole = list(Area.objects.filter(parent=None).order_by("pk"))

    def run(self) -> Story:
        """All of it, in order."""
        whole = [area.pk for area in self.whole]
        self.story.tried = wrongs.attempt(self.world, whole)
        self._see_wrongs_through()
        to_stop, main = self._two_alerts(whole)
        self._have_enough(to_stop, main)
        self._answer(main)
        self._update(main)
        self._settle()
        return self.story

    def _see_wrongs_through(self) -> None:
        """Until the worker has looked at each wrong."""
        self.patience.until(lambda: not wrongs.still_held(self.story.tried), "the wrong alerts to be refused")
        self.patience.until(lambda: not wrongs.practice_going(self.story.tried), "the practice alert to be caught")

    def _draft(self, title: str, audience: dict[str, Any], *, urgent: bool) -> Alert:
        """An appeal with all its fields, by both channels."""
        alert = actions.draft(
            team=self.world.team,
            kind=self.world.kind,
            by=self.world.author,
            title=title,
            body="Sheds were broken into **last night**. Please look at your cameras — even “nothing there” helps.",
            sms_text=f"{title}. Please look at your cameras.",
            by_sms=True,
            fields={"from_time": "1:30am", "to_time": "3:30am", "look_for": "A white van"},
            audience=audience,
        )
        return actions.edit(alert, by=self.world.author, urgent=urgent)

    def _send(self, name: str, alert: Alert, people: list[expected.Person], everyone: expected.Everyone) -> Sent:
        """Submit, reckon who should get it, and have a colleague approve."""
        version = actions.submit(alert, by=self.world.author)
        groups = [group.pk for group in self.world.groups] if name == "main" else []
        pairs = expected.eligible(
            everyone,
            people,
            organisation=self.world.force.organisation.pk,
            kind=self.world.kind,
            channels=_CHANNELS,
            groups=groups,
            now=clock.now(),
        )
        actions.approve(version, by=self.world.approver, digest=version.digest)
        sent = Sent(name, version, pairs)
        self.story.sent.append(sent)
        return sent

    def _two_alerts(self, whole: list[int]) -> tuple[Sent, Sent]:
        """An urgent alert to everybody, and the main one to the shape, which waits behind it."""
        everyone = expected.everyone()
        in_shape = expected.within(everyone, [self.world.shape])
        in_county = expected.within(everyone, [find.shape(area) for area in self.whole])
        self.story.in_shape = len(in_shape)
        to_stop = self._draft("Rehearsal of a stop", {"areas": whole, "shapes": [], "groups": []}, urgent=True)
        groups = [group.pk for group in self.world.groups]
        audience = {"areas": [], "shapes": [feature(self.world.shape)], "groups": groups}
        main = self._draft("Sheds broken into last night", audience, urgent=False)
        return self._send("stopped", to_stop, in_county, everyone), self._send("main", main, in_shape, everyone)

    def _have_enough(self, to_stop: Sent, main: Sent) -> None:
        """While the first is being sent and the main one waits behind it, people opt out; then the first is stopped."""
        self.patience.until(lambda: self._mailing(main) and self._begun(to_stop), "both alerts to be under way")
        mailings = [self._mailing(main), self._mailing(to_stop)]
        self.story.opted_out = optouts.run(
            self.stream,
            [one for one in mailings if one is not None],
            expected.everyone(),
            by_text=self.doors.own_gateway,
            rng=self.rng,
        )
        try:
            actions.stop(to_stop.version.alert, by=self.world.approver)
            self.story.stopped_at = clock.now()
        except rules.NotAllowed:
            pass  # a quick foreign relay had it all before we could: the check says that nothing was stopped
        self.patience.until(lambda: self._over(main) and self._over(to_stop), "the alerts to be sent", seconds=600)

    def _mailing(self, sent: Sent) -> Mailing | None:
        """The mailing of an alert once all its people are in the outbox."""
        sent.version.refresh_from_db()
        return sent.version.mailing if sent.version.filled_at else None

    def _begun(self, sent: Sent) -> bool:
        """Whether the first copies of an alert are out."""
        if self._mailing(sent) is None:
            return False
        return Delivery.objects.filter(mailing=sent.version.mailing, state__in=_WENT).exists()

    def _over(self, sent: Sent) -> bool:
        """Whether an alert was sent or stopped, and no copy of it is under way."""
        sent.version.refresh_from_db()
        alert = Alert.objects.get(pk=sent.version.alert_id)
        waiting = Delivery.objects.filter(mailing=sent.version.mailing, state__in=_AT_SEA)
        return alert.state in (State.SENT, State.STOPPED) and not waiting.exists()

    def _answer(self, main: Sent) -> None:
        """A seeded share of those whom the alert reached answer; wait until each answer is threaded."""
        rows = Delivery.objects.filter(mailing=main.version.mailing, state__in=_WENT)
        keys = dict(rows.values_list("pk", "recipient_key"))
        copies = spools.read(self.doors.spool)
        if not self.doors.own_relay:
            mails = rows.filter(channel="email").order_by("pk").values_list("pk", "address")
            copies = answers.worked_out(list(mails)) + [copy for copy in copies if copy.channel == "sms"]
        in_doubt = _texted_twice(copies)
        copies = [copy for copy in copies if copy.channel == "email" or copy.to not in in_doubt]
        self.story.replies = answers.give(copies, keys, by_text=self.doors.own_gateway, rng=self.rng)
        alert = main.version.alert
        self.patience.maybe(lambda: self.story.replies.all_threaded(alert), seconds=30)

    def _update(self, main: Sent) -> None:
        """An update to those who were sent the main alert, later than five seconds after the last opt-out."""
        latest = max([one.at for one in self.story.opted_out] + [self.story.stopped_at or clock.now()])
        time.sleep(max(0.0, (latest + GRACE + timedelta(seconds=0.5) - clock.now()).total_seconds()))
        alert = actions.follow_up(main.version.alert, relation=Relation.UPDATE, by=self.world.author)
        alert = actions.edit(
            alert,
            by=self.world.author,
            body="Thank you. We know more now: the van was **white** and came back at ten to three.",
            sms_text="Thank you. The van was white and came back at ten to three.",
        )
        reached = Delivery.objects.filter(mailing=main.version.mailing, state__in=_WENT)
        keys = set(reached.values_list("recipient_key", flat=True))
        everyone = expected.everyone()
        update = self._send("update", alert, [one for one in everyone.people if one.key in keys], everyone)
        self.patience.until(lambda: self._mailing(update) and self._over(update), "the update to be sent", seconds=600)

    def _settle(self) -> None:
        """Until nothing waits, nothing that came in is unread, and receipts are in."""
        mailings = [one.version.mailing_id for one in self.story.sent]
        inbound = Inbound.objects.filter(state__in=[Inbound.State.NEW, Inbound.State.SETTLED])
        texts = Delivery.objects.filter(mailing__in=mailings, channel="sms", state=Delivered.SENT)
        self.patience.until(lambda: not inbound.exists(), "everything that came in to be read", seconds=60)
        if self.doors.own_gateway:
            self.patience.maybe(lambda: not texts.exists(), seconds=20)


def _texted_twice(copies: list[spools.Copy]) -> set[str]:
    """Phones that got texts of two alerts: an answer by text from there is nobody's guess, and goes to triage."""
    about: dict[str, set[str]] = {}
    for copy in copies:
        if copy.channel == "sms" and copy.reference:
            about.setdefault(copy.to, set()).add(copy.reference)
    return {number for number, references in about.items() if len(references) > 1}
