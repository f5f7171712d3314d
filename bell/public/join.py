"""Joining, a question a page. Going back is safe, skipping ahead leads to the first question that is open."""

from dataclasses import replace

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bell.delivery.models import Channel
from bell.lib import links
from bell.public import joining, session
from bell.public.choosing import GroupsForm, KindsForm, OrganisationsForm, first_kinds, first_organisations
from bell.public.forms import CodeForm, ContactForm, PinForm, PlaceForm, shown
from bell.public.headers import own_page
from bell.public.methods import page
from bell.residents import paper_rules, rules

AGAIN = (
    "If we may send another code now, it is on its way. It can take a few minutes. "
    "An address that is new to us gets one code an hour, so check your junk folder too."
)


@own_page
@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """What joining is, and the way in. A poster's address carries its code, kept with the visit (never a person's)."""
    if session.resident(request) is not None:
        return redirect(links.account())
    if source := paper_rules.source(request.GET.get("from", "")[:20]):
        session.keep_source(request, source.code)
    return render(request, "public/join/start.html")


def _step(request: HttpRequest, step: str, form: object, **more: object) -> HttpResponse:
    """The page of one step."""
    here = joining.STEPS.index(step)
    back = joining.path(joining.STEPS[here - 1]) if here else links.join()
    context = {"form": form, "steps": joining.bar(step), "step": here + 1, "back": back, **more}
    return render(request, f"public/join/{step}.html", context)


@own_page
@page
def place(request: HttpRequest) -> HttpResponse:
    """Where? By postcode."""
    if elsewhere := joining.gate(request, "place"):
        return elsewhere
    progress = session.joining(request)
    known = {"postcode": progress.spot.postcode} if progress.spot else {}
    form = PlaceForm(request.POST) if request.method == "POST" else PlaceForm(initial=known)
    if request.method == "POST" and form.is_valid():
        return _keep(request, replace(progress, spot=form.spot))
    return _step(request, "place", form)


@own_page
@page
def pin(request: HttpRequest) -> HttpResponse:
    """Where? By a pin on the map."""
    if elsewhere := joining.gate(request, "place"):
        return elsewhere
    progress = session.joining(request)
    known = {"lon": progress.spot.lon, "lat": progress.spot.lat} if progress.spot else {}
    form = PinForm(request.POST) if request.method == "POST" else PinForm(initial=known)
    if request.method == "POST" and form.is_valid():
        return _keep(request, replace(progress, spot=form.spot))
    context = {"form": form, "steps": joining.bar("place"), "step": 1, "back": joining.path("place")}
    return render(request, "public/join/pin.html", context)


@own_page
@page
def contact(request: HttpRequest) -> HttpResponse:
    """How do we reach you? A code goes to each address, whoever it belongs to."""
    if elsewhere := joining.gate(request, "contact"):
        return elsewhere
    progress = session.joining(request)
    known = {
        "email": progress.address(Channel.EMAIL),
        "mobile": shown(Channel.SMS, progress.address(Channel.SMS)),
    }
    form = ContactForm(request.POST) if request.method == "POST" else ContactForm(initial=known)
    if request.method == "POST" and form.is_valid():
        progress = joining.with_addresses(progress, form.reaches)
        joining.send_codes(progress)
        # The kinds already chosen were for other channels, perhaps.
        return _keep(request, replace(progress, email_kinds=None, sms_kinds=None))
    return _step(request, "contact", form)


def _keep(request: HttpRequest, progress: session.Joining) -> HttpResponse:
    """Remember, and go to what is open."""
    session.keep_joining(request, progress)
    return redirect(joining.path(joining.first_missing(progress)))


@own_page
@page
def code(request: HttpRequest) -> HttpResponse:
    """The codes, of those who join."""
    if elsewhere := joining.gate(request, "code"):
        return elsewhere
    return code_page(request, action=joining.path("code"), back=joining.path("contact"), steps=joining.bar("code"))


def code_page(
    request: HttpRequest, *, action: str, back: str, steps: list[dict[str, object]] | None = None
) -> HttpResponse:
    """Ask for the codes; a right one for each address leads on. The same for members and strangers."""
    progress = session.joining(request)
    if not progress.unproved:
        return redirect(joining.path(joining.first_missing(progress)))
    posted = request.POST if request.method == "POST" else None
    form = CodeForm(posted, addresses=progress.unproved)
    if posted is not None and form.is_valid():
        progress, wrong = joining.check_codes(progress, form.codes)
        session.keep_joining(request, progress)
        if not progress.unproved:
            return joining.after_codes(request, progress)
        if not wrong:
            return redirect(action)
        form = _wrong(progress, form, wrong)
    proved = [shown(one.channel, one.address) for one in progress.proved]
    context = {"form": form, "steps": steps, "step": 3, "back": back, "action": action, "proved": proved}
    return render(request, "public/join/code.html", context)


def _wrong(progress: session.Joining, typed: CodeForm, wrong: list[str]) -> CodeForm:
    """The form again, without the boxes of what is proved now, and with the wrong codes said."""
    form = CodeForm(typed.data, addresses=progress.unproved)
    form.is_valid()
    for channel in wrong:
        form.refuse(channel)
    return form


@own_page
@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Send the codes again, as far as the limits go; the words are the same either way."""
    if elsewhere := joining.gate(request, "code"):
        return elsewhere
    return again_page(request, joining.path("code"))


def again_page(request: HttpRequest, back_to: str) -> HttpResponse:
    """Send again and go back to the codes."""
    joining.send_codes(session.joining(request))
    messages.info(request, AGAIN)
    return redirect(back_to)


@own_page
@require_POST
def without(request: HttpRequest) -> HttpResponse:
    """Go on with the addresses that are proved, without those whose code never came."""
    if elsewhere := joining.gate(request, "code"):
        return elsewhere
    progress = session.joining(request)
    if not progress.proved:
        return redirect(joining.path("code"))
    return joining.after_codes(request, replace(progress, addresses=tuple(progress.proved)))


@own_page
@page
def kinds(request: HttpRequest) -> HttpResponse:
    """What should we send you?"""
    if elsewhere := joining.gate(request, "kinds"):
        return elsewhere
    progress = session.joining(request)
    channels = [one.channel for one in progress.proved]
    initial = first_kinds(channels)
    if progress.email_kinds is not None:
        initial = {"email_kinds": progress.email_kinds, "sms_kinds": progress.sms_kinds or []}
    posted = request.POST if request.method == "POST" else None
    form = KindsForm(posted, channels=channels, initial=initial)
    if posted is not None and form.is_valid():
        return _keep(request, replace(progress, email_kinds=form.email_kinds, sms_kinds=form.sms_kinds))
    return _step(request, "kinds", form)


@own_page
@page
def groups(request: HttpRequest) -> HttpResponse:
    """Which groups are you in?"""
    if elsewhere := joining.gate(request, "groups"):
        return elsewhere
    progress = session.joining(request)
    posted = request.POST if request.method == "POST" else None
    form = GroupsForm(posted, initial={"groups": [str(number) for number in progress.groups or []]})
    if posted is not None and form.is_valid():
        return _keep(request, replace(progress, groups=form.groups))
    return _step(request, "groups", form)


@own_page
@page
def finish(request: HttpRequest) -> HttpResponse:
    """Who may write, the words one agrees to, and the button that joins."""
    if elsewhere := joining.gate(request, "finish"):
        return elsewhere
    posted = request.POST if request.method == "POST" else None
    form = OrganisationsForm(posted, initial={"organisations": first_organisations()})
    if posted is not None and form.is_valid():
        return joining.finish(request, session.joining(request), form.organisations)
    return _step(request, "finish", form, wording=rules.CONSENT_WORDING)


@own_page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """You have joined."""
    member = session.resident(request)
    if member is None:
        return redirect(links.join())
    return render(request, "public/join/done.html", {"places": list(member.places.all())})
