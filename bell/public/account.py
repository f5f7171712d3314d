"""A member's own account: all that is held, and a page to change each part. Looking changes nothing."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from bell.lib import clock, links
from bell.organisations import kinds, languages
from bell.organisations.models import Organisation
from bell.public import session, where
from bell.public.choosing import GroupsForm, KindsForm, OrganisationsForm
from bell.public.forms import LabelledPinForm, LabelledPlaceForm, PauseForm, QuietForm, shown
from bell.public.headers import View, own_page
from bell.public.methods import page
from bell.residents import actions, digests, rules
from bell.residents.actions import Choices, TooManyPlaces
from bell.residents.models import Following, GroupMember, Place, Resident

MemberView = Callable[..., HttpResponse]
PLACES = f"{links.account()}places/"


def members(view: MemberView) -> View:
    """A page for the member who is signed in; anybody else is asked to sign in first."""

    @own_page
    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        member = session.resident(request)
        if member is None:
            return redirect(links.sign_in())
        return view(request, member, *args, **kwargs)

    return wrapped


def saved(request: HttpRequest, words: str, to: str = links.account()) -> HttpResponse:
    """Say what was done and go on."""
    messages.success(request, words)
    return redirect(to)


def day_said(at: datetime) -> str:
    """A day as people say it: "tomorrow", "on Friday 20 November"."""
    day = clock.said(at).rpartition(" at ")[0]
    return day if day in ("today", "tomorrow", "yesterday") else f"on {day}"


def _groups(member: Resident) -> list[int]:
    return list(GroupMember.objects.of(member).values_list("group_id", flat=True))


def _group_words(one: GroupMember) -> str:
    """A group's name; of one that was only asked for, the number by which its team knows the person."""
    if one.state == GroupMember.State.MEMBER:
        return one.group.name
    return f"{one.group.name} (you asked to join; the team knows you as number {one.number})"


def _organisations(member: Resident) -> list[int]:
    return list(Following.objects.of(member).values_list("organisation_id", flat=True))


def _labels(chosen: list[str]) -> list[str]:
    return [str(kinds.Kind(kind).label) for kind in chosen]


def _quiet_said(member: Resident) -> str:
    """A member's quiet hours in words, "" when there are none."""
    if member.quiet_from is None or member.quiet_until is None:
        return ""
    return f"From {clock.minute_said(member.quiet_from)} until {clock.minute_said(member.quiet_until)}"


@members
@require_safe
def account(request: HttpRequest, member: Resident) -> HttpResponse:
    """Everything held, on one page."""
    contacts = {one.channel: shown(one.channel, one.address) for one in member.contacts.all()}
    names = [
        _group_words(one)
        for one in GroupMember.objects.of(member).select_related("group", "resident").order_by("group__name")
    ]
    paused = member.paused_until if member.paused_until and member.paused_until > clock.now() else None
    heard = Organisation.objects.public().filter(pk__in=_organisations(member)).order_by("sort", "name")
    silenced = rules.silenced(member)
    context = {
        "email": contacts.get("email", ""),
        "mobile": contacts.get("sms", ""),
        "places": list(member.places.all()),
        "map": where.pins(member.places.all()),
        "by_email": _labels([kind for kind in kinds.of_bits(member.email_kinds) if kind not in silenced]),
        "by_text": _labels(kinds.of_bits(member.sms_kinds)),
        "newer": _labels(kinds.of_bits(kinds.ALL_BITS & ~(kinds.TICKED_BITS | member.email_kinds | member.sms_kinds))),
        "groups": names,
        "organisations": [one.name for one in heard],
        "quiet": _quiet_said(member),
        "language": languages.of(member.language),
        "often": digests.said(member),
        "paused": day_said(paused) if paused else "",
        "joined": clock.said(member.joined_at),
    }
    return render(request, "public/account/account.html", context)


@members
@require_safe
def places(request: HttpRequest, member: Resident) -> HttpResponse:
    """The places a member cares about."""
    found = list(member.places.order_by("pk"))
    context = {"places": found, "map": where.pins(member.places.all()), "full": len(found) >= actions.MOST_PLACES}
    return render(request, "public/account/places.html", {**context, "most": actions.MOST_PLACES})


@members
@page
def add_place(request: HttpRequest, member: Resident) -> HttpResponse:
    """One more place, by postcode."""
    form = LabelledPlaceForm(request.POST) if request.method == "POST" else LabelledPlaceForm()
    return _add(request, member, form, "public/account/add_place.html")


@members
@page
def add_pin(request: HttpRequest, member: Resident) -> HttpResponse:
    """One more place, by a pin on the map."""
    form = LabelledPinForm(request.POST) if request.method == "POST" else LabelledPinForm()
    return _add(request, member, form, "public/account/add_pin.html")


def _add(
    request: HttpRequest, member: Resident, form: LabelledPlaceForm | LabelledPinForm, template: str
) -> HttpResponse:
    """Add what the form says, or show it again with words."""
    if form.is_bound and form.is_valid() and form.spot is not None:
        label = form.cleaned_data["label"]
        spot = actions.Spot(form.spot.lon, form.spot.lat, label=label, postcode=form.spot.postcode)
        try:
            actions.add_place(member, spot, by=member)
        except TooManyPlaces as error:
            form.add_error(None, str(error))
        else:
            return saved(request, f"{label} is added. You will hear what happens near it.", PLACES)
    return render(request, template, {"form": form, "back": PLACES})


@members
@page
def remove_place(request: HttpRequest, member: Resident, number: int) -> HttpResponse:
    """Are you sure? Then a place is gone."""
    place = get_object_or_404(Place.objects.of(member), pk=number)
    if request.method == "POST":
        actions.remove_place(member, place, by=member)
        return saved(request, f"{place.label} is removed.", PLACES)
    only = not Place.objects.of(member).exclude(pk=place.pk).exists()
    return render(request, "public/account/remove_place.html", {"place": place, "only": only, "back": PLACES})


@members
@page
def choices(request: HttpRequest, member: Resident) -> HttpResponse:
    """Kinds of message, groups, and who may write."""
    channels = list(member.contacts.order_by("channel").values_list("channel", flat=True))
    posted = request.POST if request.method == "POST" else None
    # What the address refuses is shown as off: then ticking it is an act, and saving something else is none.
    silenced = rules.silenced(member)
    by_email = [kind for kind in kinds.of_bits(member.email_kinds) if kind not in silenced]
    chosen = {"email_kinds": by_email, "sms_kinds": kinds.of_bits(member.sms_kinds)}
    kinds_form = KindsForm(posted, channels=channels, must_choose=False, initial=chosen)
    groups_form = GroupsForm(posted, initial={"groups": [str(one) for one in _groups(member)]})
    heard = [str(one) for one in _organisations(member)]
    who_form = OrganisationsForm(posted, must_choose=False, initial={"organisations": heard})
    forms = [kinds_form, groups_form, who_form]
    # Every form is asked, also after a wrong one, so that all errors are said at once.
    valid = posted is not None and len([form for form in forms if form.is_valid()]) == len(forms)
    if valid:
        wanted = Choices(
            kinds_form.email_kinds,
            kinds_form.sms_kinds,
            groups_form.groups,
            who_form.organisations,
            again=[kind for kind in kinds_form.email_kinds if kind in silenced],
        )
        actions.set_choices(member, wanted, by=member)
        return saved(request, "Your choices are saved.")
    context = {"forms": forms, "kinds": kinds_form, "groups": groups_form, "who": who_form}
    context["refused"] = [
        (str(kinds.Kind(kind).label).lower(), one.name)
        for kind, organisations in rules.refused(member).items()
        if kind not in silenced
        for one in organisations
    ]
    return render(request, "public/account/choices.html", context)


@members
@page
def quiet(request: HttpRequest, member: Resident) -> HttpResponse:
    """Hours in which only what is urgent comes."""
    begins, ends = member.quiet_from, member.quiet_until
    has = begins is not None and ends is not None
    shown = {"wanted": "yes", "begins": str(begins), "ends": str(ends)} if has else {"wanted": "no"}
    form = QuietForm(request.POST) if request.method == "POST" else QuietForm(initial=shown)
    if request.method == "POST" and form.is_valid():
        actions.set_quiet(member, hours=form.hours, by=member)
        return saved(request, "Your quiet hours are saved." if form.hours else "You have no quiet hours now.")
    return render(request, "public/account/quiet.html", {"form": form})


@members
@page
def pause(request: HttpRequest, member: Resident) -> HttpResponse:
    """Send nothing until a day."""
    form = PauseForm(request.POST) if request.method == "POST" else PauseForm()
    if request.method == "POST" and form.is_valid():
        actions.pause(member, until=form.starts_again, by=member)
        return saved(request, f"Messages are paused. They start again {day_said(form.starts_again)}.")
    return render(request, "public/account/pause.html", {"form": form})


@members
@require_POST
def resume(request: HttpRequest, member: Resident) -> HttpResponse:
    """Go on sending at once."""
    actions.pause(member, until=None, by=member)
    return saved(request, "Messages are on again.")


@members
@page
def leave(request: HttpRequest, member: Resident) -> HttpResponse:
    """Are you sure? Then everything stops."""
    if request.method == "POST":
        actions.leave(member, by=member, how="web")
        session.sign_out(request)
        return redirect("/left/")
    return render(request, "public/account/leave.html")
