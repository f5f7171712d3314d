"""Some people have one email a day: two alerts wait for them, and come in one, each with its own answer link."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from bell.alerts import digests as alert_digests
from bell.alerts.models import Alert, State
from bell.delivery.models import Delivery, DigestItem
from bell.delivery.models import State as Delivered
from bell.lib import tokens
from bell.proving.rehearse import expected
from bell.proving.rehearse.desk import Desk, Sent
from bell.proving.rehearse.spools import Copy, masked
from bell.proving.rehearse.verdict import Verdict
from bell.proving.rehearse.waiting import Patience
from bell.residents import actions as residents
from bell.residents import digests
from bell.residents.models import Often, Resident

NAMES = ("digest one", "digest two")
_PEOPLE = 12
_LEAVES = 2  # of them, while their messages wait
_TOKEN = re.compile(r"/r/([a-z2-7]{24})/")


@dataclass
class Digested:
    """Who waited: by person the rows that waited for them; and of those the people who left before the digest."""

    waited: dict[int, list[int]] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)
    addresses: dict[int, str] = field(default_factory=dict)


def run(
    desk: Desk, audience: dict[str, list[int]], people: dict[int, list[expected.Person]], patience: Patience
) -> Digested:
    """Two alerts to a group of which some chose a digest; some of them leave; the others say that it may come now."""
    chosen = _choose(desk)
    everyone = expected.everyone()
    sent = [
        desk.send(
            name, desk.draft(f"For whom it may keep: {name}", audience, by_sms=False), people, everyone,
            groups=audience["groups"],
        )
        for name in NAMES
    ]  # fmt: skip
    patience.until(lambda: all(_given(one) for one in sent), "the alerts of which some wait for a digest")
    done = Digested()
    rows = Delivery.objects.filter(mailing__in=[one.mailings()[0] for one in sent], state=Delivered.WAITING)
    for key, number, address in rows.order_by("mailing", "pk").values_list("recipient_key", "pk", "address"):
        done.waited.setdefault(key, []).append(number)
        done.addresses[key] = address
    by_key = {one.key: one for one in chosen}
    for number, key in enumerate(sorted(done.waited)):
        if number < _LEAVES:
            residents.leave(by_key[key], by=by_key[key], how="web")
            done.left.add(key)
        else:
            digests.choose(by_key[key], Often.AT_ONCE, by=by_key[key])
    patience.until(lambda: all(one.over() for one in sent), "the digests to be sent")
    return done


def _choose(desk: Desk) -> list[Resident]:
    """Some members of the small group choose a digest."""
    found = Resident.objects.filter(
        left_at=None, quiet_from=None, memberships__group=desk.world.small, memberships__state="member"
    )
    some = list(found.order_by("-pk").distinct()[:_PEOPLE])
    for resident in some:
        digests.choose(resident, Often.DAILY, by=resident)
    return some


def _given(sent: Sent) -> bool:
    """Whether everyone who is to have it at once has it: the alert counts as sent, though some still wait."""
    return sent.filled() and Alert.objects.get(pk=sent.version.alert_id).state == State.SENT


class Digests:
    """The digests in the spools, read once: which messages each brought, and to whom."""

    def __init__(self, authorities: Mapping[int, tuple[str, int]]) -> None:
        self._mailing = {number: mailing for number, (kind, mailing) in authorities.items() if kind == "digest"}
        self.items: dict[int, list[int]] = defaultdict(list)
        """The messages of each digest, by its delivery, in their order."""
        self.of: dict[int, int] = {}
        """The digest of each message, both by their deliveries."""
        bound = DigestItem.objects.exclude(digest=None).order_by("delivery__mailing", "delivery")
        for message, digest in bound.values_list("delivery_id", "digest_id"):
            self.items[digest].append(message)
            self.of[message] = digest

    def has(self, copy: Copy) -> bool:
        """Whether a copy is a digest."""
        return copy.delivery_id in self._mailing

    def brought(self, copies: list[Copy], message: int) -> int:
        """How many digests in the spool brought a message."""
        digest = self.of.get(message)
        return 0 if digest is None else sum(copy.delivery_id == digest for copy in copies)


def is_right(copy: Copy, items: list[int]) -> bool:
    """Whether a digest says exactly what its messages' approved versions say."""
    mailings = list(Delivery.objects.filter(pk__in=items).order_by("mailing").values_list("mailing", flat=True))
    made = alert_digests.write(mailings)
    wanted = (made.subject, masked(made.text), masked(made.html))
    return wanted == (copy.subject, masked(copy.text), masked(copy.html))


def proof(done: Digested, copies: list[Copy], found: Digests, *, provable: bool) -> Verdict:
    """One digest a person with both messages, each with its own answer link; none to who left; one end a message."""
    verdict = Verdict(provable=provable)
    if not provable:
        return verdict
    verdict.check(len(done.waited) > len(done.left) > 0, f"{len(done.waited)} waited for a digest, too few to prove it")
    states = dict(Delivery.objects.filter(pk__in=[one for rows in done.waited.values() for one in rows])
                  .values_list("pk", "state"))  # fmt: skip
    digested = [copy for copy in copies if found.has(copy)]
    for key, rows in done.waited.items():
        theirs = [copy for copy in digested if copy.to == done.addresses[key]]
        if key in done.left:
            verdict.check(not theirs, f"{len(theirs)} digests to one who left")
            ends = {states.get(one) for one in rows}
            verdict.check(ends <= {Delivered.SUPPRESSED, Delivered.CANCELLED}, f"messages of one who left are {ends}")
            continue
        verdict.check(len(rows) == len(NAMES), f"{len(rows)} messages waited for person {key}")
        verdict.check(len(theirs) == 1, f"{len(theirs)} digests to person {key}, not one")
        for copy in theirs:
            links = [tokens.read_int("answer", token) for token in _TOKEN.findall(copy.text)]
            verdict.check(sorted(map(str, links)) == sorted(map(str, rows)), f"the answer links to {key} are {links}")
        for one in rows:
            went = states[one] in (Delivered.SENT, Delivered.DELIVERED)
            verdict.check(went, f"a message of person {key}, in a digest that went, is {states[one]}")
    return verdict
