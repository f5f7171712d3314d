"""What a rehearsal came to: one object for machines, one table for people, one exit status."""

from collections import Counter
from typing import Any

from bell.evidence.models import Exhibit, Scan
from bell.proving.rehearse import wrongs
from bell.proving.rehearse.checks import Evidence
from bell.proving.rehearse.story import Story
from bell.proving.rehearse.verdict import Verdict
from bell.proving.rehearse.wrongs import Tried

_SHOWN = 3
HELD, BROKEN, UNPROVABLE = 0, 1, 2


def whole(
    story: Story,
    evidence: Evidence,
    verdicts: dict[str, Verdict],
    promises: dict[str, Verdict],
    *,
    seconds: float,
    facts: dict[str, Any],
) -> dict[str, Any]:
    """The object that --json prints."""
    rows = evidence.rows["main"]
    replies = story.replies.counted(story.main.version.alert)
    stopped = Counter(row.state for row in evidence.rows["stopped"])
    return {
        **facts,
        "people_in_shape": story.in_shape,
        "eligible": len({key for key, _ in story.main.expected}),
        "sent": _accepted([(row.pair[1], row.state) for row in rows]),
        "states": dict(sorted(Counter(row.state for row in rows).items())),
        "replies": replies,
        "replies_threaded": sum(way["threaded"] for way in replies.values()),
        "carried": _by_the_partner(story, evidence),
        "group": _to_the_group(story, evidence),
        "footage": _footage(story),
        "paper": {
            "forms": len(story.paper.asked) + bool(story.paper.known),
            "confirmed": len(story.paper.confirmed) if story.doors.own_relay else 0,
            "silent": len(story.paper.silent),
        },
        "erased": len(story.erased.waited) if story.erased else None,
        "receipts_replayed": story.replayed.told,
        "opted_out": len(story.opted_out),
        "stopped": {"accepted": sum(stopped[one] for one in ("sent", "delivered")), "cancelled": stopped["cancelled"]},
        "tried": {one.name: _outcome(one) for one in story.tried},
        "seconds": round(seconds, 1),
        "invariants": _as_json(verdicts),
        "promises": _as_json(promises),
    }


def _as_json(verdicts: dict[str, Verdict]) -> dict[str, Any]:
    return {name: {"holds": one.holds, "checked": one.checked} for name, one in verdicts.items()}


def _by_the_partner(story: Story, evidence: Evidence) -> dict[str, int]:
    """People whom only the partner's stream reached, and copies that it brought."""
    partner = story.world.partner.organisation.pk
    rows = [row for row in evidence.rows["main"] if row.organisation == partner]
    accepted = sum(_accepted([(row.pair[1], row.state) for row in rows]).values())
    return {"people": len({row.pair[0] for row in rows}), "sent": accepted}


def _to_the_group(story: Story, evidence: Evidence) -> dict[str, int]:
    """Members who should get the group's alert, and copies that were sent."""
    sent = next(one for one in story.sent if one.name == "group")
    accepted = _accepted([(row.pair[1], row.state) for row in evidence.rows["group"]])
    return {"people": len({key for key, _ in sent.expected}), "sent": accepted["email"]}


def _footage(story: Story) -> dict[str, int]:
    """Who said that they have some, files that were sent by each way, and what became of them."""
    sent = story.footage
    ways = Counter(parcel.way.replace(" ", "_") for parcel in sent.parcels)
    scans = Counter(Exhibit.objects.values_list("scan", flat=True))
    return {
        "tapped": sent.tapped,
        "sent": len(sent.parcels),
        **ways,
        "resumed": sum(parcel.resumed_at > 0 for parcel in sent.parcels),
        "sealed": Exhibit.objects.count(),
        "infected": scans[Scan.INFECTED],
        "not_scanned": scans[Scan.NONE] + scans[Scan.DOWN] + scans[Scan.TOO_LARGE],
    }


def _outcome(tried: Tried) -> str:
    """What became of something that should not go out."""
    if tried.practice:
        return "caught"
    return "refused" if tried.refused and not wrongs.gone_out(tried) else "let through"


def _accepted(rows: list[tuple[str, str]]) -> dict[str, int]:
    """Copies that were accepted, by channel."""
    taken = Counter(channel for channel, state in rows if state in ("sent", "delivered", "bounced"))
    return {"email": taken["email"], "sms": taken["sms"]}


def status(found: dict[str, Any]) -> int:
    """1 when an invariant is broken, checked nothing, or a reply was lost; 2 when one cannot be proved here; else 0."""
    holds = [one["holds"] for one in [*found["invariants"].values(), *found.get("promises", {}).values()]]
    lost = any(way["threaded"] != way["sent"] for way in found["replies"].values())
    if False in holds or lost:
        return BROKEN
    return UNPROVABLE if None in holds else HELD


def table(found: dict[str, Any], verdicts: dict[str, Verdict]) -> str:
    """The same for people."""
    replies = ", ".join(f"{way} {one['threaded']} of {one['sent']}" for way, one in found["replies"].items())
    lines = [
        ("People in the shape", f"{found['people_in_shape']:,}"),
        ("Eligible", f"{found['eligible']:,}"),
        ("Sent by email", f"{found['sent']['email']:,}"),
        ("Sent by text", f"{found['sent']['sms']:,}"),
        ("By the partner alone", f"{found['carried']['people']:,} people, {found['carried']['sent']:,} sent"),
        ("To one group", f"{found['group']['people']:,} people, {found['group']['sent']:,} sent"),
        ("Replies threaded", replies),
        ("Footage sealed", _footage_words(found["footage"])),
        ("Paper forms", f"{found['paper']['forms']} entered, {found['paper']['confirmed']} confirmed"),
        ("Erased meanwhile", "nobody" if found["erased"] is None else f"1 person, {found['erased']} copies waited"),
        ("Receipts told again", f"{found['receipts_replayed']:,}"),
        ("Opted out meanwhile", f"{found['opted_out']}"),
        ("Second alert, stopped", f"{found['stopped']['accepted']:,} sent, {found['stopped']['cancelled']:,} not"),
        ("Seconds", f"{found['seconds']}"),
    ]
    words = {True: "holds", False: "BROKEN", None: "cannot be proved here"}
    lines += [(name.capitalize(), f"{words[one.holds]} ({one.checked:,} checked)") for name, one in verdicts.items()]
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(f"{name:<{width}}{value}" for name, value in lines)


def _footage_words(sent: dict[str, int]) -> str:
    """Files, and what was special about some of them."""
    words = f"{sent['sealed']} of {sent['sent']} files, {sent['resumed']} resumed"
    return f"{words}, {sent['infected']} infected, {sent['not_scanned']} not scanned"


def troubles(verdicts: dict[str, Verdict]) -> list[str]:
    """What is wrong, in words: the first few of each invariant."""
    found: list[str] = []
    for name, verdict in verdicts.items():
        found += [f"{name}: {words}" for words in verdict.wrong[:_SHOWN]]
        if len(verdict.wrong) > _SHOWN:
            found.append(f"{name}: and {len(verdict.wrong) - _SHOWN:,} more")
        if not verdict.wrong and verdict.holds is False:
            found.append(f"{name}: nothing was checked")
    return found
