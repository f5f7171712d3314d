"""The journey of joining and signing in: its steps, what each needs, and what a right code leads to.

Signing in and joining are one journey up to the code, so that nobody can see from outside who is a member.
"""

from dataclasses import replace

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from bell.lib import links
from bell.public import session
from bell.public.session import Joining, Typed
from bell.residents import actions, codes, rules
from bell.residents.actions import AddressTaken, Choices
from bell.residents.models import Resident
from bell.residents.rules import Reach

STEPS = ("place", "contact", "code", "kinds", "groups", "finish")
NAMES = {
    "place": "Place",
    "contact": "Contact",
    "code": "Code",
    "kinds": "Messages",
    "groups": "Groups",
    "finish": "Agree",
}


def _done(progress: Joining) -> dict[str, bool]:
    """Which steps are behind somebody."""
    return {
        "place": progress.spot is not None,
        "contact": bool(progress.addresses),
        "code": bool(progress.addresses) and not progress.unproved,
        "kinds": progress.email_kinds is not None,
        "groups": progress.groups is not None,
        "finish": False,
    }


def first_missing(progress: Joining) -> str:
    """The first step that is still to be taken."""
    done = _done(progress)
    return next(step for step in STEPS if not done[step])


def path(step: str) -> str:
    """The address of a step."""
    return f"{links.join()}{step}/"


def gate(request: HttpRequest, step: str) -> HttpResponse | None:
    """Where to go instead of this step: members to their account, those who skip ahead to what is missing."""
    if session.resident(request) is not None:
        return redirect(links.account())
    missing = first_missing(session.joining(request))
    return redirect(path(missing)) if STEPS.index(step) > STEPS.index(missing) else None


def bar(step: str) -> list[dict[str, object]]:
    """The steps for the bar at the top of each page."""
    here = STEPS.index(step)
    return [
        {"name": NAMES[one], "done": number < here, "here": number == here, "number": number + 1}
        for number, one in enumerate(STEPS)
    ]


def send_codes(progress: Joining) -> None:
    """A code to each address that needs one; whoever asks too often gets none, and cannot tell."""
    for one in progress.unproved:
        codes.send_code(one.reach, name=settings.SITE_NAME)


def with_addresses(progress: Joining, reaches: list[Reach]) -> Joining:
    """The same with these addresses; one that was proved before stays proved."""
    known = {(one.channel, one.address): one for one in progress.proved}
    typed = tuple(known.get((one.channel, one.address), Typed(one.channel, one.address)) for one in reaches)
    return replace(progress, addresses=typed)


def check_codes(progress: Joining, typed: list[tuple[str, str]]) -> tuple[Joining, list[str]]:
    """Try the codes; returns the progress with what is proved now, and the channels whose code was wrong."""
    wrong = []
    for channel, digits in typed:
        one = next(one for one in progress.unproved if one.channel == channel)
        if codes.check_code(one.reach, digits):
            progress = progress.prove(channel)
        else:
            wrong.append(channel)
    return progress, wrong


def after_codes(request: HttpRequest, progress: Joining) -> HttpResponse:
    """Every address is proved: members are signed in, everybody else goes on joining.

    A proof of a while ago signs nobody in: at a shared computer somebody else may go on where a member stopped.
    """
    member = owner([one for one in progress.proved if one.fresh])
    if member is None and owner(progress.proved) is not None:
        session.forget_joining(request)
        messages.info(request, "It is a while since you typed a code. Sign in with a new one.")
        return redirect(links.sign_in())
    if member is None:
        session.keep_joining(request, progress)
        if progress.spot is None:
            words = "This address is confirmed. No account uses it yet, so you can join now."
            messages.success(request, words)
        return redirect(path(first_missing(progress)))
    welcome(request, member, progress)
    return redirect(links.account())


def owner(proved: list[Typed]) -> Resident | None:
    """The member who uses one of these proved addresses; the email's if both have one."""
    found = (rules.contact_at(one.reach) for one in proved)
    return next((contact.resident for contact in found if contact is not None), None)


def welcome(request: HttpRequest, member: Resident, progress: Joining) -> None:
    """Sign a member in; a second address that was proved just now is theirs if both sides are free."""
    taken = {contact.channel for contact in member.contacts.all()}
    for one in progress.proved:
        if one.fresh and one.channel not in taken and rules.contact_at(one.reach) is None:
            actions.add_contact(member, one.reach, by=member)
    session.sign_in(request, member)
    if progress.spot is not None:
        messages.info(request, "You joined before with this address, so we have signed you in to your account.")


def finish(request: HttpRequest, progress: Joining, organisations: list[int]) -> HttpResponse:
    """Make the person a member. Pressing twice does it once: the second press signs in."""
    assert progress.spot is not None  # the gate saw to it
    wanted = Choices(progress.email_kinds or [], progress.sms_kinds or [], progress.groups or [], organisations)
    try:
        member = actions.join(
            contacts=[one.reach for one in progress.proved],
            places=[progress.spot],
            choices=wanted,
            how="web",
            source=session.source(request),
        )
    except AddressTaken:
        return after_codes(request, progress)
    session.sign_in(request, member)
    return redirect(f"{links.join()}done/")
