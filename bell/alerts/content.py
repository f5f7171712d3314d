"""From a frozen version to what people read: the same words by email, by text and in the previews."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bell.alerts import ballots, calendars
from bell.alerts.models import Picture, Relation
from bell.delivery import post, slots
from bell.lib import links, markup, text
from bell.organisations import kinds, languages
from bell.organisations.models import Organisation, Route, Team

# How a field of a kind is named to readers.
FIELD_LABELS = {
    "from_time": "Footage from",
    "to_time": "Footage until",
    "look_for": "Look for",
    "event_time": "When",
    "event_place": "Where",
    "description": "Description",
    "choices": "Choices",
    "most": "You may choose",
    "closes": "Open until",
    "dates": "When",
    "find_out": "Find out more",
}
_PRACTICE = "PRACTICE, not a real alert. "


@dataclass(frozen=True)
class Shown:
    """A picture as templates show it: where it comes from, the words for it, its size in pixels and bytes."""

    sha256: str
    alt: str
    width: int
    height: int
    size: int

    @property
    def shown_width(self) -> int:
        """How wide it is shown, in pixels: a mail's column takes 552."""
        return min(self.width, 552)

    @property
    def cid(self) -> str:
        """Its Content-ID in a mail (RFC 2392), without brackets."""
        return f"{self.sha256[:32]}@{settings.MAIL_DOMAIN}"


@dataclass(frozen=True)
class Parts:
    """What the templates of a message show."""

    reference: str
    kind: str
    title: str
    body_html: str
    body_plain: str
    facts: list[tuple[str, str]]
    organisation: str
    team: str
    routes: list[Route]
    answers: bool
    practice: bool
    banner: str
    on_behalf_of: str = ""
    carrier: str = ""
    language: languages.Language = languages.ENGLISH
    picture: Shown | None = None
    votes: bool = False
    # When retention deleted the picture that it had.
    picture_gone: datetime | None = None

    @property
    def facts_plain(self) -> list[str]:
        """The facts for a plain email: what has several lines begins on a line of its own."""
        return [f"{label}:{chr(10) if chr(10) in words else ' '}{words}" for label, words in self.facts]


def parts(frozen: dict[str, Any], carrier: Organisation | None = None) -> Parts:
    """What the message shows, from the frozen data and the organisation's own; a missing field of its kind is empty."""
    organisation = Organisation.objects.get(pk=frozen["organisation"])
    kind = kinds.Kind(frozen["kind"])
    shown, gone = _picture(frozen)
    return Parts(
        reference=frozen["reference"],
        kind=kind.label,
        title=frozen["title"],
        body_html=markup.html(frozen["body"]),
        body_plain=markup.plain(frozen["body"]),
        facts=facts(frozen),
        organisation=organisation.name,
        team=Team.objects.get(pk=frozen["team"]).name,
        routes=list(organisation.routes.filter(in_alerts=True)),
        answers=_answers(frozen),
        votes=ballots.invites(frozen),
        practice=frozen["practice"],
        banner=Relation(frozen["relation"]).label if frozen["relation"] else "",
        on_behalf_of=Organisation.objects.get(pk=behalf).name if (behalf := frozen.get("on_behalf_of")) else "",
        carrier=carrier.name if carrier else "",
        language=languages.of(frozen.get("language", "")),
        picture=shown,
        picture_gone=gone,
    )


def picture(frozen: dict[str, Any]) -> Shown | None:
    """The frozen picture, or none."""
    return _picture(frozen)[0]


def _picture(frozen: dict[str, Any]) -> tuple[Shown | None, datetime | None]:
    """The frozen picture; or none, and since when it is deleted."""
    named = frozen.get("picture")
    found = Picture.objects.filter(sha256=named["sha256"]).defer("data").first() if named else None
    if not named or found is None or found.deleted_at is not None:
        return None, found.deleted_at if found else None
    return Shown(found.sha256, named["alt"], found.width, found.height, found.size), None


def facts(frozen: dict[str, Any]) -> list[tuple[str, str]]:
    """(label, words) of the fields of its kind; a missing one is empty, one that may be missing is left out."""
    facts, fields = kinds.FACTS[frozen["kind"]], frozen["fields"]
    names = kinds.fields_of(frozen["kind"], follows=bool(frozen["follows"]))
    shown = [name for name in names if fields.get(name) or name not in facts.optional]
    return [(FIELD_LABELS[name], ballots.said(name, str(fields.get(name, "")))) for name in shown]


def in_language(frozen: dict[str, Any], tag: str) -> dict[str, Any]:
    """The frozen data as readers of a language get it; a fact that was not translated stays as it is."""
    translated = frozen["languages"][tag]
    words = {name: translated.get(name, "") for name in ("title", "body", "sms_text")}
    facts = {name: value for name, value in translated.get("fields", {}).items() if value.strip()}
    return {**frozen, **words, "fields": {**frozen["fields"], **facts}, "language": tag}


def subject(frozen: dict[str, Any]) -> str:
    """The email's subject: marked when practice, and when it follows an earlier alert."""
    banner = f"{Relation(frozen['relation']).label}: " if frozen["relation"] else ""
    return f"{_PRACTICE if frozen['practice'] else ''}{banner}{frozen['title']}"


def sms(frozen: dict[str, Any], carrier: Organisation | None = None) -> str:
    """The whole text message: the officer's words, how to answer, the other routes. GSM-7 where the words allow it."""
    organisation = Organisation.objects.get(pk=frozen["organisation"])
    banner = f"{Relation(frozen['relation']).label.upper()}: " if frozen["relation"] else ""
    words = frozen["sms_text"].strip() or f"{frozen['title'].strip().rstrip('.')}."
    reply = "Reply to this text"
    if _answers(frozen):
        reply += f" or {links.absolute(links.answer(slots.ANSWER))}"
    elif ballots.invites(frozen):
        reply = f"Choose here: {links.absolute(links.answer(slots.ANSWER))}"
    routes = organisation.routes.exclude(text_words="").values_list("text_words", flat=True)
    lines = [
        f"{_PRACTICE if frozen['practice'] else ''}{banner}{words}",
        f"{f'{carrier.name} with ' if carrier else ''}{organisation.name} {frozen['reference']}",
        reply,
        ". ".join([*routes, "STOP to end texts"]),
    ]
    return text.to_gsm("\n".join(lines))[0]


def _answers(frozen: dict[str, Any]) -> bool:
    """Whether people are asked to answer: by kind, and not when the matter is over."""
    over = frozen["relation"] in (Relation.STAND_DOWN, Relation.OUTCOME)
    return kinds.FACTS[frozen["kind"]].answers and not over


def _has_calendar(frozen: dict[str, Any]) -> bool:
    """Whether an event's moment is known, and not only its words; what is practice has no page."""
    return not frozen["practice"] and calendars.begins(frozen["kind"], frozen["fields"]) is not None


def _from(message: Parts) -> str:
    """Who a message is from, as mail programs show it."""
    return f"{message.organisation} ({message.team})"


def marked(language: languages.Language) -> SafeString:
    """The attributes of an element that is written in this language."""
    return format_html(' lang="{}" dir="{}"', language.tag, language.direction)


def build(frozen: dict[str, Any], carrier: Organisation | None = None) -> post.Content:
    """What the post room is given: subject, both email bodies and the text message, with its slots.

    A carrier's copy has the same words; it says who brings it, so that a person knows why they got it.
    """
    message = parts(frozen, carrier)
    spoken = {tag: said(in_language(frozen, tag), carrier) for tag in frozen.get("languages", {})}
    return post.Content(
        sender_name=f"{message.carrier} with {message.organisation}" if carrier else _from(message),
        list_id=f"{carrier.pk if carrier else frozen['organisation']}-{frozen['kind']}",
        languages=spoken,
        inline=_inline(message.picture),
        **said(frozen, carrier),
    )


def _inline(shown: Shown | None) -> dict[str, str]:
    """The picture's bytes by its Content-ID, in base64."""
    if shown is None:
        return {}
    return {shown.cid: base64.b64encode(Picture.objects.get(sha256=shown.sha256).data).decode("ascii")}


def said(frozen: dict[str, Any], carrier: Organisation | None = None) -> dict[str, Any]:
    """Subject, both email bodies and the text message, in one language."""
    message, tag = parts(frozen, carrier), frozen.get("language", "")
    context = {
        "m": message,
        "ours": marked(languages.ENGLISH) if tag else "",  # what is not translated, within what is
        "theirs": marked(message.language) if tag else "",  # once more: mail programs drop what stands on <html>
        "answer_url": links.absolute(links.answer(slots.ANSWER)),
        "page_url": links.absolute(links.alert_page(message.reference, tag)),
        "english_url": links.absolute(links.alert_page(message.reference)) if tag else "",
        "calendar_url": links.absolute(links.calendar(message.reference)) if _has_calendar(frozen) else "",
        "genuine_url": links.absolute(links.genuine(message.reference)),
        "unsubscribe_url": links.absolute(links.unsubscribe(slots.UNSUBSCRIBE)),
        "account_url": links.absolute(links.account()),
        "promise_url": links.absolute(links.privacy()),
    }
    return {
        "subject": subject(frozen),
        "text": render_to_string("alerts/email.txt", context),
        "html": render_to_string("alerts/email.html", context),
        "sms": sms(frozen, carrier),
    }
