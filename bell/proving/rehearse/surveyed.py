"""A survey: people choose from the link in their mail, some change their mind, some only look; then it closes."""

from collections import Counter
from dataclasses import dataclass, field

from bell.alerts import closing
from bell.alerts.models import Alert
from bell.conversations import votes
from bell.conversations.models import Vote
from bell.delivery.models import Delivery
from bell.lib import http, links, tokens
from bell.organisations.kinds import Kind
from bell.proving.rehearse import expected, visitor
from bell.proving.rehearse.desk import WENT, Desk
from bell.proving.rehearse.spools import Copy
from bell.proving.rehearse.verdict import Verdict
from bell.proving.rehearse.waiting import Patience
from bell.residents import digests
from bell.residents.models import Often, Resident

CHOICES = ("Cars that go too fast", "Parking by the school", "Litter")
_PEOPLE = 15
_DEADLINE = 20.0  # seconds for a page
_LOOK, _CHANGE = 3, 4  # of them, so many only open the link, and so many send a second choice


@dataclass
class Surveyed:
    """The survey, what each person chose last, and the links they used, by address."""

    alert: Alert | None = None
    chosen: dict[int, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    """Whether a choice after the end was turned away."""


def run(
    desk: Desk, audience: dict[str, list[int]], people: dict[int, list[expected.Person]], patience: Patience
) -> Surveyed:
    """A survey to the small group: each who got it acts on the page behind their own link."""
    for resident in Resident.objects.filter(left_at=None).exclude(digest=Often.AT_ONCE).order_by("pk"):
        digests.choose(resident, Often.AT_ONCE, by=resident)  # what waits for tomorrow is no survey of today
    fields = {"choices": "\n".join(CHOICES), "most": "1"}
    alert = desk.draft(
        "What matters most?", audience, by_sms=False, kind=Kind.SURVEY, body="Please choose.", fields=fields
    )
    sent = desk.send("survey", alert, people, expected.everyone(), groups=audience["groups"])
    patience.until(sent.over, "the survey to be sent")
    done = Surveyed(sent.version.alert)
    rows = Delivery.objects.filter(mailing__in=sent.mailings(), state__in=WENT).order_by("pk")[:_PEOPLE]
    for number, row in enumerate(rows):
        path = links.answer(tokens.sign_int("answer", row.pk))
        done.links[row.address] = path
        http.get(links.absolute(f"{path}?choices=0"), deadline=_DEADLINE)
        if number < _LOOK:
            continue
        wanted = [number % 3, (number + 1) % 3] if number < _LOOK + _CHANGE else [number % 3]
        for place in wanted:
            visitor.fill_in(path, {"choices": str(place)}, wants="choices")
        done.chosen[row.recipient_key] = CHOICES[wanted[-1]]
    closing.close(Alert.objects.get(pk=alert.pk), by=desk.world.author)
    late = next(iter(done.links.values()))
    try:
        visitor.fill_in(late, {"choices": "0"}, wants="choices")
    except visitor.NotTaken:
        done.refused = True
    return done


def proof(done: Surveyed, copies: list[Copy], *, provable: bool) -> Verdict:
    """Each who chose is counted once with their last choice, who only looked is not; every link stood in its mail."""
    verdict = Verdict(provable=provable)
    if not provable or done.alert is None:
        return verdict
    kept = dict(Vote.objects.filter(alert=done.alert).values_list("resident__key", "chosen"))
    verdict.check(len(done.chosen) > 0, "nobody chose, so it proved nothing")
    verdict.check(kept == done.chosen, f"{len(kept)} votes are kept that are not the {len(done.chosen)} sent")
    people, each = votes.counts(done.alert)
    verdict.check(people == len(done.chosen), f"{people} people are counted, not {len(done.chosen)}")
    verdict.check(dict(each) == {one: Counter(done.chosen.values())[one] for one in CHOICES}, f"counted as {each}")
    verdict.check(done.refused, "a choice was taken after the survey had closed")
    mails = {copy.to: copy for copy in copies if copy.reference == done.alert.reference}
    for address, path in done.links.items():
        mail = mails.get(address)
        verdict.check(mail is not None and path in f"{mail.text}\n{mail.html}", f"the mail to {address} lacks its link")
    return verdict
