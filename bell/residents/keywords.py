"""Text-message keywords that are not for an officer: HELP, and START from former members (promises.md)."""

from dataclasses import dataclass

from bell.delivery import post
from bell.delivery.models import Channel, Lane
from bell.lib import keys, links
from bell.residents import rules
from bell.residents.rules import Reach

_HELP = {"HELP", "INFO"}
_START = {"START", "UNSTOP"}


@dataclass(frozen=True)
class Handled:
    """What was done with a keyword."""

    word: str


def _word(text: str) -> str:
    """The whole message as one keyword, or nothing: "help, a car" is not HELP."""
    return text.strip().rstrip(".!").upper()


def is_one(text: str) -> bool:
    """Whether a text is one of these keywords and nothing else."""
    return _word(text) in _HELP | _START


def handle(*, sender: str, text: str, name: str) -> Handled | None:
    """Act on a keyword that is the whole message and answer it; None when the text is for people."""
    word = _word(text)
    where = Reach(Channel.SMS, sender, keys.address_key(Channel.SMS, sender))
    if word in _START:
        contact = rules.contact_at(where)
        if contact is None:
            return None  # a stranger's START is a person's message, not a sign-up
        post.lift(address_key=where.key, channel=Channel.SMS)
        _answer(where, f"{name}: texts are on again. Text STOP to end them.", word)
        return Handled("START")
    if word in _HELP:
        choices = links.absolute(links.account())
        _answer(where, f"{name}: in an emergency call 999. Text STOP to end texts. Your choices: {choices}", word)
        return Handled("HELP")
    return None


def _answer(where: Reach, text: str, word: str) -> None:
    """One automatic answer by text, at once."""
    post.post(
        post.Content(
            sender_name="",
            subject="",
            text=text,
            html="",
            sms=text,
            auto_submitted=True,
            replies=False,
            unsubscribe=False,
        ),
        authority=post.Authority("receipt", word.lower()),
        stream="receipt",
        lane=Lane.NOW,
        to=post.Address(recipient_key=where.key, channel=Channel.SMS, address=where.address),
    )
