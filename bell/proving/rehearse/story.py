"""The rehearsal itself: wrongs are tried, alerts go out, people opt out, one alert is stopped, people answer.

Everything is done by the verbs that the faces use, and travels through the real worker, web, mail door, relay and
gateway, each a process of its own.
"""

import random
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from bell.alerts import actions, rules
from bell.alerts.models import Alert, Relation
from bell.delivery.models import Delivery, Inbound
from bell.delivery.models import State as Delivered
from bell.evidence.models import Exhibit, Scan, Upload
from bell.lib import clock
from bell.places import find
from bell.places.models import Area
from bell.proving.rehearse import acts, answers, erasure, expected, footage, optouts, paper, replay, spools, wrongs
from bell.proving.rehearse.acts import Acts
from bell.proving.rehearse.answers import Replies
from bell.proving.rehearse.desk import AT_SEA, WENT, Desk, Sent
from bell.proving.rehearse.erasure import Erased
from bell.proving.rehearse.footage import Footage
from bell.proving.rehearse.optouts import OptOut
from bell.proving.rehearse.paper import Bundle
from bell.proving.rehearse.replay import Replayed
from bell.proving.rehearse.waiting import Patience
from bell.proving.rehearse.world import World, feature
from bell.proving.rehearse.wrongs import Tried
from bell.residents.actions import stream

GRACE = timedelta(seconds=5)


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
    acts: Acts = field(default_factory=Acts)

    @property
    def main(self) -> Sent:
        """The alert that the rehearsal is about."""
        return self.by_name()["main"]

    def by_name(self) -> dict[str, Sent]:
        """All that was rightly sent."""
        return {one.name: one for one in self.sent}


class Director:
    """Takes the story from beginning to end."""

    def __init__(self, world: World, doors: Doors, patience: Patience, *, seed: int) -> None:
        self.story, self.desk = Story(world, doors), Desk(world)
        self.story.sent = self.desk.sent
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
        self.story.acts = acts.run(self.desk, self.patience)
        self._settle()
        self.story.replayed = replay.run(self.rng, self._until_read)
        return self.story

    def _see_wrongs_through(self) -> None:
        """Until the worker has looked at each wrong."""
        self.patience.until(lambda: not wrongs.still_held(self.story.tried), "the wrong alerts to be refused")
        self.patience.until(lambda: not wrongs.practice_going(self.story.tried), "the practice alert to be caught")

    def _three_alerts(self, whole: list[int]) -> tuple[Sent, Sent]:
        """An urgent alert to everybody; the main one, which a partner carries, and one to a group wait behind it."""
        everyone = expected.everyone()
        in_shape = expected.within(everyone, [self.world.shape])
        in_county = expected.within(everyone, [find.shape(area) for area in self.whole])
        self.story.in_shape = len(in_shape)
        force, partner = self.world.force.organisation.pk, self.world.partner.organisation.pk
        to_stop = self.desk.draft("Rehearsal of a stop", {"areas": whole, "shapes": [], "groups": []}, urgent=True)
        groups = [group.pk for group in self.world.groups]
        audience = {"areas": [], "shapes": [feature(self.world.shape)], "groups": groups}
        main = self.desk.draft("Sheds broken into last night", audience, carriers=[partner])
        # By email only: somebody who got texts of two alerts cannot answer by text without a guess.
        small = [self.world.small.pk]
        group = self.desk.draft("For your group only", {"areas": whole, "shapes": [], "groups": small}, by_sms=False)
        stopped = self.desk.send("stopped", to_stop, {force: in_county}, everyone)
        self.desk.send("group", group, {force: in_county}, everyone, groups=small)
        return stopped, self.desk.send("main", main, {force: in_shape, partner: in_shape}, everyone, groups=groups)

    def _have_enough(self, to_stop: Sent, main: Sent) -> None:
        """While the first is being sent and the main one waits behind it, people opt out; then the first is stopped."""
        waiting = self.story.sent
        self.patience.until(
            lambda: all(one.filled() for one in waiting) and to_stop.begun(), "the alerts to be under way"
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
        self.patience.until(lambda: all(one.over() for one in waiting), "the alerts to be sent", seconds=600)

    def _answer(self, main: Sent) -> None:
        """A seeded share of those whom the alert reached answer; wait until each answer is threaded."""
        rows = Delivery.objects.filter(mailing__in=main.mailings(), state__in=WENT)
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
        update = self.desk.send("update", alert, main.reached(everyone), everyone)
        self.patience.until(update.filled, "the update to be under way")
        self._erase(update, main.version.alert)
        self.patience.until(lambda: update.over(), "the update to be sent", seconds=600)

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
        out = Delivery.objects.filter(mailing__authority_kind="receipt", state__in=AT_SEA)
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
