"""A member's rights, as pages: who looked, why a message came, what was agreed, a copy of everything, erasure."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bell.delivery.models import Channel
from bell.lib import links
from bell.privacy import access, erase, person, why
from bell.privacy import download as copies
from bell.privacy import looks as seen
from bell.privacy.rules import TooOften
from bell.public import session
from bell.public.account import MemberView, members
from bell.public.forms import CodeForm, shown
from bell.public.join import AGAIN
from bell.public.methods import page
from bell.public.session import Typed
from bell.residents import codes
from bell.residents.models import Resident
from bell.residents.rules import Reach
from bell.ui.forms import Form, Radios, offer

_A_PAGE = 25
_PROVE = f"{links.account()}prove/"
# Where a member may be going when we ask for a fresh code: words in an address, never an address from outside.
_GOING = {
    "data": f"{links.account()}data/",
    "erase": f"{links.account()}erase/",
    "email": f"{links.account()}email/",
    "email-code": f"{links.account()}email/code/",
    "mobile": f"{links.account()}mobile/",
    "mobile-code": f"{links.account()}mobile/code/",
}


def fresh(to: str) -> Callable[[MemberView], MemberView]:
    """A page for a member whose code was right within 15 minutes; others are asked for a new one first."""

    def wrap(view: MemberView) -> MemberView:
        @wraps(view)
        def wrapped(request: HttpRequest, member: Resident, *args: object, **kwargs: object) -> HttpResponse:
            if not session.is_fresh(request):
                return redirect(f"{_PROVE}?to={to}")
            return view(request, member, *args, **kwargs)

        return wrapped

    return wrap


def _page(request: HttpRequest, found: Any) -> Page[Any]:
    return Paginator(found, _A_PAGE).get_page(request.GET.get("page"))


@members
@require_safe
def looks(request: HttpRequest, member: Resident) -> HttpResponse:
    """Each look of staff at what is personal: day, team, purpose."""
    part = _page(request, seen.seen_by(member))
    return render(request, "public/mydata/looks.html", {"page": part, "looks": seen.said(list(part))})


@members
@require_safe
def sent(request: HttpRequest, member: Resident) -> HttpResponse:
    """What we sent, what became of it, and which place and choice it was for."""
    found = person.of(member)
    part = _page(request, why.newest(found))
    return render(request, "public/mydata/sent.html", {"page": part, "sent": why.explain(found, list(part))})


@members
@require_safe
def agreed(request: HttpRequest, member: Resident) -> HttpResponse:
    """The consent ledger, with the words that were shown."""
    return render(request, "public/mydata/agreed.html", {"consents": access.consents(member)})


@members
@fresh("data")
@require_safe
def data(request: HttpRequest, member: Resident) -> HttpResponse:
    """What a copy holds, and the button that makes it."""
    counted = [(one.title, len(one.rows)) for one in access.sections(person.of(member)) if one.rows]
    return render(request, "public/mydata/data.html", {"counted": counted})


@members
@require_POST
@fresh("data")
def download(request: HttpRequest, member: Resident) -> HttpResponse:
    """The copy, as a zip."""
    try:
        made = copies.take(member, by=member)
    except TooOften as error:
        messages.error(request, str(error))
        return redirect(_GOING["data"])
    response = HttpResponse(made, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    return response


@members
@page
@fresh("erase")
def erase_all(request: HttpRequest, member: Resident) -> HttpResponse:
    """What goes and what must be kept, and why. Then everything else is gone."""
    if request.method != "POST":
        return render(request, "public/mydata/erase.html", {"held": erase.preview(member)})
    done = erase.erase(member, by=member, why="asked on the web")
    session.sign_out(request)
    # Shown at once and kept nowhere: afterwards there is nobody to show it to.
    return render(request, "public/mydata/erased.html", {"held": done.held})


class WayForm(Form):
    """By which of their addresses a member proves that it is them."""

    mark_optional = False
    channel = forms.ChoiceField(
        label="Where should the code go?",
        widget=Radios(),
        error_messages={"required": "Choose where the code should go"},
    )

    def __init__(self, *args: Any, member: Resident, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        contacts = list(member.contacts.order_by("channel"))
        choices = [(one.channel, shown(one.channel, one.address)) for one in contacts]
        offer(self.fields["channel"], choices)
        self.fields["channel"].initial = choices[0][0] if choices else None


def _reach(member: Resident, channel: str) -> Reach | None:
    """The member's own address of a channel."""
    contact = member.contacts.filter(channel=channel).first()
    return Reach(contact.channel, contact.address, contact.address_key) if contact else None


@members
@page
def prove(request: HttpRequest, member: Resident) -> HttpResponse:
    """Is it still you? A code goes to an address that is yours already."""
    to = request.GET.get("to", "")
    to = to if to in _GOING else "data"
    if session.is_fresh(request):
        return redirect(_GOING[to])
    form = WayForm(request.POST if request.method == "POST" else None, member=member)
    if form.is_bound and form.is_valid():
        where = _reach(member, form.cleaned_data["channel"])
        if where is not None:
            codes.send_code(where, name=settings.SITE_NAME)
            session.keep_proving(request, where.channel, to)
            return redirect(f"{_PROVE}code/")
    return render(request, "public/mydata/prove.html", {"form": form, "changes": to not in ("data", "erase")})


@members
@page
def prove_code(request: HttpRequest, member: Resident) -> HttpResponse:
    """The code; then on to where they were going."""
    going = session.proving(request)
    where = _reach(member, going[0]) if going else None
    if going is None or where is None:
        return redirect(_PROVE)
    form = CodeForm(request.POST if request.method == "POST" else None, addresses=[Typed(where.channel, where.address)])
    if form.is_bound and form.is_valid():
        if codes.check_code(where, form.codes[0][1]):
            session.prove(request)
            return redirect(_GOING.get(going[1], links.account()))
        form.refuse(where.channel)
    by = "text" if where.channel == Channel.SMS else "email"
    context = {"form": form, "by": by, "to": going[1]}
    return render(request, "public/mydata/prove_code.html", context)


@members
@require_POST
def prove_again(request: HttpRequest, member: Resident) -> HttpResponse:
    """Send the code again, as far as the limits go."""
    going = session.proving(request)
    where = _reach(member, going[0]) if going else None
    if where is None:
        return redirect(_PROVE)
    codes.send_code(where, name=settings.SITE_NAME)
    messages.info(request, AGAIN)
    return redirect(f"{_PROVE}code/")
