"""The rehearsal itself: wrongs are tried, alerts go out, people opt out, one alert is stopped, people answer.

Everything is done by the verbs that the faces use, and travels through the real worker, web, mail door, relay and
gateway, each a process of its own.
"""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bell.alerts import actions, audience, rules, together
from bell.alerts import find as alerts
from bell.alerts.models import Alert, Relation, State, Version
from bell.delivery.models import Delivery, Inbound, Mailing
from bell.delivery.models import State as Delivered
from bell.evidence.models import Exhibit, Scan, Upload
from bell.lib import clock
from bell.places import find
from bell.places.models import Area
from bell.proving.rehearse import answers, erasure, expected, footage, optouts, paper, replay, spools, wrongs
from bell.proving.rehearse.answers import Replies
from bell.proving.rehearse.erasure import Erased
from bell.proving.rehearse.expected import Due, Pair
from bell.proving.rehearse.footage import Footage
from bell.proving.rehearse.optouts import OptOut
from bell.proving.rehearse.paper import Bundle
from bell.proving.rehearse.replay import Replayed
from bell.proving.rehearse.waiting import Patience
from bell.proving.rehearse.world import World, feature
from bell.proving.rehearse.wrongs import Tried
from bell.residents.actions import stream

People = dict[int, list[expected.Person]]
"""Those whom an alert means, by the organisation that writes to them; its own comes first."""

GRACE = timedelta(seconds=5)
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
    expected: dict[Pair, Due]

    def mailings(self) -> list[Mailing]:
        """Its own mailing and its carriers', as they are now."""
        self.version.refresh_from_db()
        return self.version.mailings()

    def filled(self) -> bool:
        """Whether all its people are in the outbox, those whom a carrier brings too."""
        self.version.refresh_from_db()
        return bool(self.version.filled_at) and not self.version.carriers.filter(filled_at=None).exists()


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
    paper: Bundle = field(default_factory=Bundle)
    footage: Footage = field(default_factory=Footage)
    erased: Erased | None = None
    replayed: Replayed = field(default_factory=Replayed)

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
        self.story.paper = paper.enter(self.world)
        self.story.tried = wrongs.attempt(self.world, whole)
        self._see_wrongs_through()
        if self.doors.own_relay:
            paper.confirm(self.story.paper, self.doors.spool, self.patience)
        to_stop, main = self._three_alerts(whole)
        self._have_enough(to_stop, main)
        self._answer(main)
        self.story.footage = footage.give(self.story.replies.said, self.rng)
        self._update(main)
        self._settle()
        self.story.replayed = replay.run(self.rng, self._until_read)
        return self.story

    def _see_wrongs_through(self) -> None:
        """Until the worker has looked at each wrong."""
        self.patience.until(lambda: not wrongs.still_held(self.story.tried), "the wrong alerts to be refused")
        self.patience.until(lambda: not wrongs.practice_going(self.story.tried), "the practice alert to be caught")

    def _draft(self, title: str, audience: dict[str, Any], *, urgent: bool = False, **changes: Any) -> Alert:
        """An appeal with all its fields, by both channels."""
        facts: dict[str, Any] = {
            "title": title,
            "body": "Sheds were broken into **last night**. Please look at your cameras — even “nothing there” helps.",
            "sms_text": f"{title}. Please look at your cameras.",
            "by_sms": True,
            "fields": {"from_time": "1:30am", "to_time": "3:30am", "look_for": "A white van"},
            "audience": audience,
        }
        world = self.world
        alert = actions.draft(team=world.team, kind=world.kind, by=world.author, **(facts | changes))
        return actions.edit(alert, by=world.author, urgent=urgent)

    def _send(
        self, name: str, alert: Alert, people: People, everyone: expected.Everyone, *, groups: list[int] | None = None
    ) -> Sent:
        """Submit, have carriers agree, reckon who should get it, and have a colleague approve.

        `people` are those meant, by organisation; organisations without an entry carry nothing.
        """
        version = actions.submit(alert, by=self.world.author, everyone=audience.count(alerts.rule(alert)).people)
        for carrier in version.carriers.all():
            together.decide(carrier, by=self.world.partner.approver, digest=version.digest, agree=True)
        pairs = expected.carried(
            everyone,
            list(people.items()),
            kind=self.world.kind,
            channels=[channel for channel, on in (("email", alert.by_email), ("sms", alert.by_sms)) if on],
            groups=groups or [],
            now=clock.now(),
        )
        actions.approve(version, by=self.world.approver, digest=version.digest, reason="It is a rehearsal.")
        sent = Sent(name, version, pairs)
        self.story.sent.append(sent)
        return sent

    def _three_alerts(self, whole: list[int]) -> tuple[Sent, Sent]:
        """An urgent alert to everybody; the main one, which a partner carries, and one to a group wait behind it."""
        everyone = expected.everyone()
        in_shape = expected.within(everyone, [self.world.shape])
        in_county = expected.within(everyone, [find.shape(area) for area in self.whole])
        self.story.in_shape = len(in_shape)
        force, partner = self.world.force.organisation.pk, self.world.partner.organisation.pk
        to_stop = self._draft("Rehearsal of a stop", {"areas": whole, "shapes": [], "groups": []}, urgent=True)
        groups = [group.pk for group in self.world.groups]
        audience = {"areas": [], "shapes": [feature(self.world.shape)], "groups": groups}
        main = self._draft("Sheds broken into last night", audience, carriers=[partner])
        # By email only: somebody who got texts of two alerts cannot answer by text without a guess.
        small = [self.world.small.pk]
        group = self._draft("For your group only", {"areas": whole, "shapes": [], "groups": small}, by_sms=False)
        stopped = self._send("stopped", to_stop, {force: in_county}, everyone)
        self._send("group", group, {force: in_county}, everyone, groups=small)
        return stopped, self._send("main", main, {force: in_shape, partner: in_shape}, everyone, groups=groups)

    def _have_enough(self, to_stop: Sent, main: Sent) -> None:
        """While the first is being sent and the main one waits behind it, people opt out; then the first is stopped."""
        waiting = self.story.sent
        self.patience.until(
            lambda: all(one.filled() for one in waiting) and self._begun(to_stop), "the alerts to be under way"
        )
        self.story.opted_out = optouts.run(
            self.stream,
            [main.mailings()[0], *to_stop.mailings()],
            expected.everyone(),
            by_text=self.doors.own_gateway,
            rng=self.rng,
            stay=self.story.paper.members(),
        )
        try:
            actions.stop(to_stop.version.alert, by=self.world.approver)
            self.story.stopped_at = clock.now()
        except rules.NotAllowed:
            pass  # a quick foreign relay had it all before we could: the check says that nothing was stopped
        self.patience.until(lambda: all(self._over(one) for one in waiting), "the alerts to be sent", seconds=600)

    def _begun(self, sent: Sent) -> bool:
        """Whether the first copies of an alert are out."""
        return Delivery.objects.filter(mailing__in=sent.mailings(), state__in=_WENT).exists()

    def _over(self, sent: Sent) -> bool:
        """Whether an alert was sent or stopped, and no copy of it is under way."""
        alert = Alert.objects.get(pk=sent.version.alert_id)
        waiting = Delivery.objects.filter(mailing__in=sent.mailings(), state__in=_AT_SEA)
        return alert.state in (State.SENT, State.STOPPED) and not waiting.exists()

    def _answer(self, main: Sent) -> None:
        """A seeded share of those whom the alert reached answer; wait until each answer is threaded."""
        rows = Delivery.objects.filter(mailing__in=main.mailings(), state__in=_WENT)
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
        everyone = expected.everyone()
        meant: People = {}
        for mailing in main.mailings():
            rows = Delivery.objects.filter(mailing=mailing, state__in=_WENT)
            keys = set(rows.values_list("recipient_key", flat=True))
            meant[int(mailing.stream.partition(".")[0])] = [one for one in everyone.people if one.key in keys]
        update = self._send("update", alert, meant, everyone)
        self.patience.until(update.filled, "the update to be under way")
        self._erase(update, main.version.alert)
        self.patience.until(lambda: self._over(update), "the update to be sent", seconds=600)

    def _erase(self, update: Sent, answered: Alert) -> None:
        """Somebody to whom the update is on its way is forgotten; rather one who wrote to us, and no witness."""
        replies = self.story.replies
        witnesses = self.story.footage.senders() | self.story.paper.members()
        key = erasure.choose(update.mailings(), rather=replies.by_words(), never=witnesses)
        if key is not None:
            replies.remember(key, answered)
            self.story.erased = erasure.run(key)

    def _settle(self) -> None:
        """Until nothing waits, nothing that came in is unread, files are scanned, and receipts are in and out."""
        self._until_read()
        mailings = [mailing for one in self.story.sent for mailing in one.mailings()]
        texts = Delivery.objects.filter(mailing__in=mailings, channel="sms", state=Delivered.SENT)
        if self.doors.own_gateway:
            self.patience.maybe(lambda: not texts.exists(), seconds=20)
        scans = Exhibit.objects.filter(scan=Scan.WAITING)
        self.patience.maybe(lambda: not scans.exists(), seconds=60)
        due = Upload.objects.filter(state=Upload.State.SEALED, receipt_at=None, delivery__channel="email")
        out = Delivery.objects.filter(mailing__authority_kind="receipt", state__in=_AT_SEA)
        self.patience.maybe(lambda: not due.exists() and not out.exists(), seconds=60)

    def _until_read(self) -> None:
        """Until the worker has read all that came in."""
        inbound = Inbound.objects.filter(state__in=[Inbound.State.NEW, Inbound.State.SETTLED])
        self.patience.until(lambda: not inbound.exists(), "everything that came in to be read", seconds=60)


def _texted_twice(copies: list[spools.Copy]) -> set[str]:
    """Phones that got texts of two alerts: an answer by text from there is nobody's guess, and goes to triage."""
    about: dict[str, set[str]] = {}
    for copy in copies:
        if copy.channel == "sms" and copy.reference:
            about.setdefault(copy.to, set()).add(copy.reference)
    return {number for number, references in about.items() if len(references) > 1}
