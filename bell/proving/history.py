"""The demo county's past and present: alerts that went out, what people answered, one that waits, one draft.

All of it is made by the project's own verbs, then moved back in time. Nothing of the past was really sent: its
deliveries are closed as `delivered` by `close_as_history`, which exists for the demo alone. The audit record is left as
it is: it says when the rows were truly made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from bell.alerts import actions, approving, audience, closing, dispatch, find
from bell.alerts.models import Alert, Relation, State
from bell.conversations import actions as conversations
from bell.conversations import votes
from bell.conversations.actions import Words
from bell.conversations.models import Answer, Choice, Conversation, Turn, Vote
from bell.delivery.models import Batch, Channel, Delivery, Mailing
from bell.delivery.models import State as Delivered
from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Role, Team
from bell.proving import starters, tongues
from bell.residents.models import Group, Resident

HEANOR = "Heanor and Ripley"
MEDIA = "Media Team"
ILKESTON_ROAD = (-1.3462, 53.0108)


@dataclass(frozen=True)
class _Desk:
    """A team with one who writes and one who approves."""

    team: Team
    author: Officer
    approver: Officer


def write(teams: dict[str, Team], groups: Sequence[Group], personas: Sequence[Resident]) -> None:
    """Everything that the desk and the public pages show on the first day."""
    heanor, media = _desk(teams[HEANOR]), _desk(teams[MEDIA])
    by_slug = {group.slug: group.pk for group in groups}
    now = clock.now()
    _missing(media, teams["Alfreton and Belper"], personas, now)
    _event(heanor, now - timedelta(days=8))
    _scam(media, now - timedelta(days=4))
    _survey(heanor, now - timedelta(days=3))
    _sheds(heanor, by_slug, personas, now - timedelta(hours=20))
    # Notices and answers of the past are past too: nobody is told today what waited last week.
    for mailing in Mailing.objects.filter(authority_kind__in=["notice", "answer"]):
        close_as_history(mailing, mailing.created_at)
    _waiting(heanor)
    _draft(heanor)
    starters.keep(media.team, heanor.team)


def _desk(team: Team) -> _Desk:
    """Who writes and who approves in a team of the demo."""
    officers = Officer.objects.filter(grants__team=team).order_by("pk")
    approver = officers.filter(grants__role=Role.APPROVER, grants__team=team)[0]
    author = officers.exclude(pk=approver.pk).exclude(grants__role=Role.ADMINISTRATOR)[0]
    return _Desk(team, author, approver)


def close_as_history(mailing: Mailing, at: datetime) -> None:
    """Mark every waiting row of a mailing as delivered at a past moment although nothing was sent. Demo only."""
    Batch.objects.filter(mailing=mailing).update(state=Batch.State.DONE, due_at=at)
    rows = Delivery.objects.filter(mailing=mailing)
    rows.filter(state=Delivered.QUEUED).update(state=Delivered.DELIVERED, attempts=1, reason="demo history")
    rows.update(due_at=at, state_at=at)
    Mailing.objects.filter(pk=mailing.pk).update(created_at=at, filled_at=at)


def _went_out(alert: Alert, desk: _Desk, at: datetime) -> Alert:
    """Submit, approve and dispatch an alert by the real verbs, then let it have happened at `at`."""
    version = actions.submit(alert, by=desk.author, everyone=audience.count(find.rule(alert)).people)
    why = "Agreed with the Media Team." if approving.needs_reason(version) else ""
    held = actions.approve(version, by=desk.approver, digest=version.digest, reason=why)
    Alert.objects.filter(pk=held.pk).update(hold_until=at)
    dispatch.begin(held)
    while dispatch.fill_step(version):
        pass
    version.refresh_from_db()
    assert version.mailing is not None, "the demo's own alert was refused at sending"
    close_as_history(version.mailing, at)
    dispatch.finish(version)
    minutes = timedelta(minutes=1)
    version.approvals.update(at=at - 2 * minutes)
    alert.versions.update(at=at - 9 * minutes, filled_at=at)
    Alert.objects.filter(pk=alert.pk).update(created_at=at - 25 * minutes, sent_at=at, finished_at=at + minutes)
    alert.refresh_from_db()
    return alert


def _draft_of(desk: _Desk, kind: Kind, **content: Any) -> Alert:
    """A draft of the desk's author."""
    return actions.draft(team=desk.team, kind=kind, by=desk.author, **content)


def _area_ids(team: Team) -> list[int]:
    """The areas of a team's patch."""
    return list(team.patch.values_list("pk", flat=True))


def _circle(metres: float) -> dict[str, Any]:
    """A circle round Ilkeston Road, Heanor, as the map draws it."""
    shape = shapes.to_geojson(shapes.circle(*ILKESTON_ROAD, metres))
    return {"type": "Feature", "properties": {}, "geometry": shape}


def _sheds(desk: _Desk, groups: dict[str, int], personas: Sequence[Resident], at: datetime) -> None:
    """The main job of product.md: a shed burglary in Heanor, and what came back. By email only, so that a text that
    answers a new alert of the stage is not in doubt between two."""
    alert = _draft_of(
        desk,
        Kind.FOOTAGE,
        title="Sheds broken into off Ilkeston Road, Heanor",
        body=(
            "Two garden sheds off **Ilkeston Road** were broken into in the early hours. Bicycles and garden tools "
            "were taken.\n\nIf you have a camera that looks onto the street, or you were out with the dog, please "
            "look at what you have and tell us, even if nothing is there."
        ),
        fields={"from_time": "1:30am last night", "to_time": "3:30am last night",
                "look_for": "A white van, or anyone on foot"},
        audience={"areas": [], "shapes": [_circle(1500)], "groups": [groups["cctv-owners"], groups["dog-walkers"]]},
    )  # fmt: skip
    _went_out(alert, desk, at)
    margaret, imran, joan = personas[0], personas[1], personas[2]
    first = _heard(
        alert, margaret, Conversation.Way.EMAIL, at + timedelta(minutes=41),
        "Our doorbell has a white van going up Ilkeston Road at 2.40. It comes back down at ten to three. "
        "I have saved it. Who do I give it to?",
    )  # fmt: skip
    answer = conversations.answer(
        first.conversation,
        text="Thank you, that is just the time we are looking at. Please keep the clip: I will ring you tomorrow "
        "about how to send it.",
        by=desk.author,
    )
    _move(answer, at + timedelta(minutes=63))
    _heard(
        alert, imran, Conversation.Way.WEB, at + timedelta(minutes=95),
        "I was out with the dog at about half five and the gate at the bottom of the allotments was open. It is "
        "always shut.",
    )  # fmt: skip
    for person, choice in ((margaret, Choice.FOOTAGE), (imran, Choice.SAW), (joan, Choice.NOTHING)):
        conversations.tap(alert, resident=person, choice=choice)
    others = Resident.objects.filter(key__in=_reached(alert)).exclude(pk__in=[one.pk for one in personas])
    for number, person in enumerate(others.order_by("pk")[:9]):
        conversations.tap(alert, resident=person, choice=Choice.SAW if number == 4 else Choice.NOTHING)
    Answer.objects.filter(alert=alert).update(at=at + timedelta(hours=2))


def _scam(desk: _Desk, at: datetime) -> None:
    """A warning to the whole county."""
    alert = _draft_of(
        desk,
        Kind.SCAM,
        title="Callers who say they are from your bank's fraud team",
        body=(
            "Several people in the county were rung by someone who knew their name and said their savings were in "
            "danger. They were asked to move money to a “safe account”.\n\n"
            "- **Hang up.** Your bank never asks you to move money.\n"
            "- Wait five minutes, then ring the number on the back of your card.\n"
            "- Tell a neighbour who may not have had this message."
        ),
        languages=tongues.SCAM,
        audience={"areas": _whole(), "shapes": [], "groups": []},
    )
    _went_out(alert, desk, at)


def _whole() -> list[int]:
    """Every neighbourhood patch, which is the whole force."""
    return list(Team.objects.exclude(patch=None).order_by("pk").values_list("patch", flat=True))


def _event(desk: _Desk, at: datetime) -> None:
    """An evening in a market hall."""
    alert = _draft_of(
        desk,
        Kind.EVENT,
        title="Have your bicycle marked for nothing",
        body="Bring your bicycle and ten minutes. We mark the frame and put it on the register, so that it finds its "
        "way home if it is ever taken. Tea and cake by the watch scheme.",
        fields={"event_time": "Saturday, 10am to 1pm", "event_place": "The market hall, Heanor"},
        audience={"areas": _area_ids(desk.team), "shapes": [], "groups": []},
    )
    _went_out(alert, desk, at)


# What people are asked, and of each fifteen who answer how many choose it.
_PRIORITIES = (
    ("Cars that go too fast", 5), ("Parking outside the schools", 4), ("Sheds and garages broken into", 3),
    ("Off-road bikes on the trail", 2), ("Litter and fly-tipping", 1),
)  # fmt: skip
_CHOSE = 46


def _survey(desk: _Desk, at: datetime) -> None:
    """A survey that is open for another week and a half, and what a few dozen people chose so far."""
    closes = (clock.local(at) + timedelta(days=14)).replace(hour=17, minute=0, second=0, microsecond=0)
    alert = _draft_of(
        desk,
        Kind.SURVEY,
        title="What should your local team work on this winter?",
        body="Every three months we choose **what to spend our time on** in Heanor and Ripley. Please choose what "
        "matters most where you live. We tell you what came of it.",
        fields={
            "choices": "\n".join(choice for choice, _ in _PRIORITIES),
            "most": "2",
            "closes": clock.said(closes),
            "closes_at": closes.isoformat(),
        },
        audience={"areas": _area_ids(desk.team), "shapes": [], "groups": []},
    )
    _went_out(alert, desk, at)
    # Whoever answers chooses this and the next but one, so that the numbers differ without chance.
    wanted = [place for place, (_, often) in enumerate(_PRIORITIES) for _ in range(often)]
    people = Resident.objects.filter(key__in=_reached(alert)).order_by("pk")[:_CHOSE]
    for number, person in enumerate(people):
        first = wanted[number * 4 % len(wanted)]
        also = [] if number % 3 == 0 else [(first + 2) % len(_PRIORITIES)]
        votes.vote(alert, resident=person, chosen=[first, *also])
    Vote.objects.filter(alert=alert).update(at=at + timedelta(hours=5))


def _missing(desk: _Desk, local: Team, personas: Sequence[Resident], now: datetime) -> None:
    """Someone missing, an answer by text, and the stand-down: old enough that its texts bind no new answer."""
    at = now - timedelta(days=12)
    alert = _draft_of(
        desk,
        Kind.MISSING,
        title="Missing: a man of 71, last seen in Belper",
        body="He left home in **Belper** on foot this morning and may be confused. Please look in sheds, gardens and "
        "outbuildings. If you see him, stay near and call 999.",
        sms_text="Missing from Belper: man, 71, grey anorak, walking stick. Look in sheds and gardens. Seen him? 999.",
        by_sms=True,
        fields={"description": "71, slim, white hair, grey anorak, brown cord trousers, walks with a stick"},
        audience={"areas": _area_ids(local), "shapes": [], "groups": []},
    )
    _went_out(alert, desk, at)
    seen = Resident.objects.filter(key__in=_reached(alert, Channel.SMS)).exclude(pk__in=[one.pk for one in personas])
    turn = _heard(
        alert, seen.order_by("pk")[0], Conversation.Way.SMS, at + timedelta(minutes=34),
        "think i saw him by the river gardens about 11, sat on a bench, grey coat",
    )  # fmt: skip
    conversations.close(turn.conversation, by=desk.approver, useful=True)
    after = actions.follow_up(alert, relation=Relation.STAND_DOWN, by=desk.author)
    actions.edit(
        after,
        by=desk.author,
        title="Found safe: thank you",
        body="The man missing from Belper was found safe by the river. Thank you to everyone who looked.",
        sms_text="The man missing from Belper was found safe. Thank you for looking.",
        fields={"description": "No longer needed"},
    )
    _went_out(after, desk, at + timedelta(hours=2))
    closing.close(alert, by=desk.author)
    Alert.objects.filter(pk=after.pk, state=State.SENT).update(state=State.CLOSED)


def _waiting(desk: _Desk) -> None:
    """One alert that a colleague should look at now; its notice is really sent."""
    alert = _draft_of(
        desk,
        Kind.CRIME,
        title="Tools taken from vans in Ripley",
        body="Three vans were opened overnight near the leisure centre and power tools taken.\n\nTake tools indoors, "
        "and park with the doors against a wall. Did you see anyone trying door handles between midnight and 4am?",
        sms_text="Tools taken from 3 vans in Ripley overnight. Take yours indoors. Saw anyone trying doors?",
        by_sms=True,
        audience={"areas": _area_ids(desk.team), "shapes": [], "groups": []},
    )
    actions.submit(alert, by=desk.author)


def _draft(desk: _Desk) -> None:
    """One alert that its author has only begun."""
    _draft_of(
        desk,
        Kind.PREVENTION,
        title="Darker evenings: leave a light on",
        body="Most break-ins in November are between four and eight in the evening. A lamp on a timer",
        audience={"areas": _area_ids(desk.team), "shapes": [], "groups": []},
    )


def _reached(alert: Alert, channel: str = Channel.EMAIL) -> list[int]:
    """Keys of residents who were sent an alert by a channel."""
    version = alert.versions.exclude(mailing=None).get()
    rows = Delivery.objects.filter(mailing=version.mailing, channel=channel, state=Delivered.DELIVERED)
    return list(rows.values_list("recipient_key", flat=True))


def _heard(alert: Alert, person: Resident, way: Conversation.Way, at: datetime, text: str) -> Turn:
    """What a resident said about an alert, at a moment."""
    channel = Channel.SMS if way == Conversation.Way.SMS else Channel.EMAIL
    address = person.contacts.get(channel=channel).address
    turn = conversations.hear(
        Words(text=text, way=way, reply_channel=channel, reply_address=address, verified=way != Conversation.Way.WEB),
        team=alert.team,
        alert=alert,
        resident=person,
    )
    _move(turn, at)
    return turn


def _move(turn: Turn, at: datetime) -> None:
    """Let a turn have been said at a past moment; a conversation that waits for us has waited since."""
    Turn.objects.filter(pk=turn.pk).update(at=at)
    if turn.direction != Turn.Direction.IN:
        return
    thread = Conversation.objects.filter(pk=turn.conversation_id)
    thread.update(opened_at=at, last_in_at=at)
    thread.filter(waiting_since__isnull=False).update(waiting_since=F("last_in_at"))
