"""Answers of a seeded share of those whom the alert reached: by email, by text and on the web, as people give them."""

import random
from dataclasses import dataclass, field
from email.utils import format_datetime

from django.conf import settings

from bell.alerts.models import Alert
from bell.conversations.models import Answer, Choice, Turn
from bell.lib import clock, links, tokens
from bell.proving import letters
from bell.proving.rehearse import visitor
from bell.proving.rehearse.spools import Copy

MOST = 30
_SHARES = {"email": 0.12, "text": 0.35, "web": 0.15}


@dataclass
class Said:
    """What one person answered, and in which words or tap it must be found again."""

    way: str
    key: int
    words: str = ""
    choice: str = ""
    link: str = ""
    """The path of the page on which they answered, if they did it there."""
    seen: bool = False
    """Whether it stood under the alert before the person was erased."""


@dataclass
class Replies:
    """All answers, and those that stand under the alert, with the right person and officer."""

    said: list[Said] = field(default_factory=list)

    def counted(self, alert: Alert) -> dict[str, dict[str, int]]:
        """{way: {"sent", "threaded"}}."""
        found = {way: {"sent": 0, "threaded": 0} for way in _SHARES}
        for one in self.said:
            found[one.way]["sent"] += 1
            found[one.way]["threaded"] += _threaded(one, alert)
        return found

    def all_threaded(self, alert: Alert) -> bool:
        """Whether none is missing."""
        return all(_threaded(one, alert) for one in self.said)

    def remember(self, key: int, alert: Alert) -> None:
        """Note what of a person stands under the alert, who is about to be erased."""
        for one in self.said:
            one.seen = one.key == key and _threaded(one, alert)

    def by_words(self) -> set[int]:
        """The keys of those who wrote something."""
        return {one.key for one in self.said if one.words}


def _threaded(one: Said, alert: Alert) -> bool:
    """Whether an answer stands under this alert, is this person's, and is with the officer who wrote the alert."""
    if one.seen:
        return True
    if one.choice and not Answer.objects.filter(alert=alert, resident__key=one.key, choice=one.choice).exists():
        return False
    if not one.words:
        return True
    return Turn.objects.filter(
        direction=Turn.Direction.IN,
        text=one.words,
        conversation__alert=alert,
        conversation__resident__key=one.key,
        conversation__officer=alert.author,
    ).exists()


def give(copies: list[Copy], keys: dict[int, int], *, by_text: bool, rng: random.Random) -> Replies:
    """Answer copies of the alert; `keys` says whose delivery is whose. Each person answers once."""
    replies = Replies()
    mails = [copy for copy in copies if copy.channel == "email" and copy.delivery_id in keys]
    texts = [copy for copy in copies if copy.channel == "sms" and copy.delivery_id in keys and by_text]
    rng.shuffle(mails)
    rng.shuffle(texts)
    done: set[int] = set()
    for way, pool in (("text", texts), ("email", mails), ("web", mails)):
        wanted = max(3, min(MOST, round(len(pool) * _SHARES[way])))
        for copy in pool:
            key = keys[copy.delivery_id or 0]
            if wanted and key not in done:
                done.add(key)
                wanted -= 1
                replies.said.append(_give(way, copy, key, len(replies.said)))
    return replies


def _give(way: str, copy: Copy, key: int, number: int) -> Said:
    """One answer through the real door."""
    words = f"Answer {number} of the rehearsal: white van, going up the hill at 2.40"
    if way == "email":
        reply = letters.reply(letters.parse(copy.line), sender=copy.to, to="", subject="", text=words)
        host, port = settings.LMTP_LISTEN.rsplit(":", 1)
        outcome = letters.deliver(reply, to=str(reply["To"]), host=host, port=int(port))
        if not outcome.accepted:
            raise visitor.NotTaken(f"the mail door answered {outcome.code} {outcome.words}")
        return Said("email", key, words)
    if way == "text":
        visitor.text(copy.to, words)
        return Said("text", key, words)
    choice = (Choice.NOTHING, Choice.FOOTAGE, Choice.SAW)[number % 3]
    said = Said("web", key, words if number % 2 else "", choice, copy.answer_link)
    visitor.fill_in(copy.answer_link, {"choice": choice, "text": said.words}, wants="text")
    return said


def worked_out(rows: list[tuple[int, str]]) -> list[Copy]:
    """What people hold whose copies went to somebody else's relay, as far as answering goes: we made its tokens.

    `rows` are (delivery id, address) of mails that the relay took.
    """
    return [
        Copy(
            channel="email",
            at=clock.now(),
            to=address,
            subject="",
            text=links.answer(tokens.sign_int("answer", number)),
            html="",
            reference="",
            delivery_id=number,
            line={"data": _as_mailed(number)},
        )
        for number, address in rows
    ]


def _as_mailed(number: int) -> str:
    """The little of a mail that a person's mail program needs to reply to it."""
    headers = {
        "From": f"{settings.SITE_NAME} <alerts@{settings.MAIL_DOMAIN}>",
        "Reply-To": f"r-{tokens.sign_int('reply', number)}@{settings.REPLY_DOMAIN}",
        "Subject": "An alert",
        "Date": format_datetime(clock.now()),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\nAn alert.\r\n"
