"""Stopping messages from the link in a mail: a press of a button for people, one POST for mail programs (RFC 8058).

The token is the proof: no cookie, no CSRF token and no body is looked at, and the address alone says what to do.
Opening a page changes nothing, and no page sends itself.
"""

from dataclasses import dataclass, replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import get_text_list
from django.views.decorators.http import require_safe

from bell.delivery import unsubscribe as tokens
from bell.delivery.digests import STREAM as DIGEST
from bell.lib import links
from bell.organisations import kinds
from bell.organisations.models import Organisation
from bell.public.headers import secret_link
from bell.public.methods import page
from bell.residents import actions, digests, rules
from bell.residents.models import Resident


@dataclass(frozen=True)
class Wish:
    """What a genuine link asks: whose messages, of which stream; the kind in words where we know it.

    `source`: the organisation whose messages stop, where `others` (in words) go on writing that kind.
    """

    key: int
    stream: str
    kind: str
    source: str = ""
    others: str = ""

    @property
    def digest(self) -> bool:
        """Whether it is a person's digests that stop, and no kind."""
        return self.stream == DIGEST

    @property
    def words(self) -> str:
        """What stops, such as "crime alert messages"."""
        if self.digest:
            return "digests"
        return f"{self.of_kind} from {self.source}" if self.source else self.of_kind

    @property
    def of_kind(self) -> str:
        """The kind alone, such as "crime alert messages"."""
        return f"{kinds.Kind(self.kind).label.lower()} messages" if self.kind else "these messages"


def _read(token: str) -> Wish | None:
    found = tokens.read(token)
    if found is None:
        return None
    key, stream = found
    number, kind = rules.of_stream(stream)
    wish = Wish(key, stream, kind)
    person = rules.member_by_key(key)
    others = rules.still_writing(person, stream) if person is not None else []
    source = next((one.name for one in Organisation.objects.public() if str(one.pk) == number), "")
    if not others or not source:
        return wish
    return replace(wish, source=source, others=get_text_list([one.name for one in others], "and"))


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "public/gone.html", {"stopping": True}, status=404)


def _still_on(person: Resident | None, wish: Wish) -> bool:
    """Whether the person would still get what the link stops."""
    if wish.digest:
        return person is not None and person.left_at is None and bool(person.digest) and not digests.is_stopped(person)
    if person is None or person.left_at is not None or not wish.kind or rules.is_refused(person, wish.stream):
        return False
    return bool(person.email_kinds & kinds.FACTS[wish.kind].bit)


@secret_link
@page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """For people, a page with a button. A POST here comes from a mail program, and is obeyed at once."""
    wish = _read(token)
    if wish is None:
        return _gone(request)
    if request.method == "POST":
        actions.unsubscribe(recipient_key=wish.key, stream=wish.stream, by="one-click")
        return HttpResponse(f"Done: no more {wish.words} by email.\n", content_type="text/plain; charset=utf-8")
    context = {"wish": wish, "action": f"{links.unsubscribe(token)}stop/", "all": f"{links.unsubscribe(token)}leave/"}
    return render(request, "public/unsubscribe.html", context)


@secret_link
@page
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Where the page's button leads; afterwards it says what was done."""
    wish = _read(token)
    if wish is None:
        return _gone(request)
    if request.method == "POST":
        actions.unsubscribe(recipient_key=wish.key, stream=wish.stream, by="link")
        return redirect(request.path)
    if _still_on(rules.resident_by_key(wish.key), wish):
        return redirect(links.unsubscribe(token))
    return render(request, "public/unsubscribed.html", {"wish": wish, "all": f"{links.unsubscribe(token)}leave/"})


@secret_link
@page
def leave(request: HttpRequest, token: str) -> HttpResponse:
    """Leaving altogether, from the link alone: it proves that one holds the mail. Only the button does it."""
    wish = _read(token)
    if wish is None:
        return _gone(request)
    member = rules.member_by_key(wish.key)
    if request.method == "POST":
        if member is not None:
            actions.leave(member, by=member, how="email")
        return redirect(f"{links.unsubscribe(token)}left/")
    return render(request, "public/leave.html", {"action": request.path, "back": links.unsubscribe(token)})


@secret_link
@require_safe
def left(request: HttpRequest, token: str) -> HttpResponse:
    """You have left; to those who have not, the question."""
    wish = _read(token)
    if wish is None:
        return _gone(request)
    if rules.member_by_key(wish.key) is not None:
        return redirect(f"{links.unsubscribe(token)}leave/")
    return render(request, "public/left.html")
