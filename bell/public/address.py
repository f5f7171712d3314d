"""A member's email address and mobile number: add, replace or remove, each proved by a code first.

Two proofs: a code to an address that was theirs before, so that whoever finds a browser signed in cannot add their own
and prove by it that they are the member; and a code to the new one.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from bell.delivery.models import Channel
from bell.lib import links
from bell.public import session
from bell.public.account import MemberView, members, saved
from bell.public.forms import CodeForm, EmailForm, MobileForm, shown
from bell.public.join import AGAIN
from bell.public.methods import page
from bell.public.mydata import fresh
from bell.public.session import Typed
from bell.residents import actions, codes
from bell.residents.actions import AddressTaken
from bell.residents.models import Resident
from bell.ui.forms import Form

_FORMS: dict[str, tuple[Channel, type[Form]]] = {
    "email": (Channel.EMAIL, EmailForm),
    "mobile": (Channel.SMS, MobileForm),
}
_NAMES = {"email": "email address", "mobile": "mobile number"}


def _path(way: str, more: str = "") -> str:
    return f"{links.account()}{way}/{more}"


def _chosen(way: str) -> tuple[Channel, type[Form]]:
    """The channel and form behind a word in the path."""
    if way not in _FORMS:
        raise Http404
    return _FORMS[way]


def _still_them(more: str = "") -> Callable[[MemberView], MemberView]:
    """Inside `members`: only after a fresh code, and then back to the page of this way; `more`: to which of them."""

    def wrap(view: MemberView) -> MemberView:
        @wraps(view)
        def wrapped(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
            _chosen(way)  # a way that is none is not found, rather than asked for a code
            return fresh(f"{way}{more}")(view)(request, member, way)

        return wrapped

    return wrap


@members
@page
@_still_them()
def change(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
    """Which new address? A code goes there, whoever may use it already."""
    channel, kind = _chosen(way)
    form = kind(request.POST) if request.method == "POST" else kind()
    if request.method == "POST" and form.is_valid():
        where = form.cleaned_data["address"]
        codes.send_code(where, name=settings.SITE_NAME)
        session.keep_address(request, where)
        return redirect(_path(way, "code/"))
    now = member.contacts.filter(channel=channel).first()
    context = {
        "form": form,
        "way": way,
        "name": _NAMES[way],
        "now": shown(now.channel, now.address) if now else "",
        "only": not member.contacts.exclude(channel=channel).exists(),
    }
    return render(request, "public/account/address.html", context)


@members
@page
@_still_them("-code")
def code(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
    """The code that proves it; then the new address takes the place of the old one."""
    channel, _ = _chosen(way)
    where = session.address(request, channel)
    if where is None:
        return redirect(_path(way))
    posted = request.POST if request.method == "POST" else None
    form = CodeForm(posted, addresses=[Typed(where.channel, where.address)])
    if posted is not None and form.is_valid():
        if codes.check_code(where, form.codes[0][1]):
            return _attach(request, member, way)
        form.refuse(channel)
    return render(request, "public/account/code.html", {"form": form, "way": way, "name": _NAMES[way]})


def _attach(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
    """Make a proved address the member's; its owner hears it when it is another member's too."""
    where = session.address(request, _chosen(way)[0])
    session.drop_address(request)
    assert where is not None  # the caller looked
    try:
        actions.add_contact(member, where, by=member)
    except AddressTaken:
        messages.error(
            request, "Another account already uses this address. Sign out, sign in with it, and leave there first."
        )
        return redirect(_path(way))
    return saved(request, f"Your {_NAMES[way]} is now {shown(where.channel, where.address)}.")


@members
@require_POST
@_still_them("-code")
def again(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
    """Send the code again, as far as the limits go."""
    where = session.address(request, _chosen(way)[0])
    if where is None:
        return redirect(_path(way))
    codes.send_code(where, name=settings.SITE_NAME)
    messages.info(request, AGAIN)
    return redirect(_path(way, "code/"))


@members
@require_POST
@_still_them()
def remove(request: HttpRequest, member: Resident, way: str) -> HttpResponse:
    """Forget an address; the last one stays, since leaving is another thing."""
    channel, _ = _chosen(way)
    if not member.contacts.exclude(channel=channel).exists():
        messages.error(request, "This is the only way to reach you. To stop everything, leave instead.")
        return redirect(_path(way))
    actions.remove_contact(member, channel, by=member)
    return saved(request, f"Your {_NAMES[way]} is removed.")
