"""The data protection officer's pages. For everybody else they do not exist (404)."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer
from bell.privacy import actions, download, erase, looks
from bell.privacy import person as persons
from bell.privacy.actions import Unknown
from bell.privacy.models import Restriction, Withheld, today
from bell.privacy.rules import BadDay, NotAllowed
from bell.residents.models import Resident
from bell.staff import shell
from bell.staff.access import View, fresh_factor, officer_required
from bell.staff.forms.privacy import HoldForm, LookUpForm, ReviewForm, WithholdForm
from bell.ui.forms import Form

_page = require_http_methods(["GET", "HEAD", "POST"])


def protectors(view: Callable[..., HttpResponse]) -> View:
    """A page for data protection officers of the force; nobody else learns that it exists."""

    @officer_required
    @wraps(view)
    def guarded(request: HttpRequest, officer: Officer, *args: Any, **kwargs: Any) -> HttpResponse:
        if not organisation_rules.may_protect(officer):
            raise Http404
        try:
            return view(request, officer, *args, **kwargs)
        except Unknown as error:
            raise Http404 from error

    return guarded


def _refuse(form: Form, error: Exception) -> None:
    form.add_error("review_on" if isinstance(error, BadDay) else None, str(error))


@protectors
@_page
def desk(request: HttpRequest, officer: Officer) -> HttpResponse:
    """What waits for a review, and looking a person up with a reason."""
    form = LookUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        where = form.cleaned_data["address"]
        try:
            found = actions.look_up(where.channel, where.address, by=officer, why=form.cleaned_data["why"])
        except Unknown as error:
            form.add_error("address", str(error))
        else:
            return redirect("staff-person", found.key)
    context = {
        "form": form,
        "withheld": Withheld.objects.visible_to(officer).standing().select_related("by", "entry"),
        "restrictions": Restriction.objects.visible_to(officer).standing().select_related("by"),
        "today": today(),
    }
    return shell.page(request, officer, "staff/privacy/desk.html", context)


@protectors
@require_safe
def person(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """One person: what is held as numbers, every look at them, what must be kept. Opening it is a look."""
    resident, entries = actions.open_person(_checked(key), by=officer)
    hidden = {one.entry_id: one for one in Withheld.objects.visible_to(officer).standing()}
    context = {
        "key": key,
        "resident": resident,
        "looks": [(look, hidden.get(look.entry)) for look in looks.said(entries)],
        "talks": persons.conversations(persons.of(resident)).select_related("alert", "team"),
        "held": erase.preview(resident),
    }
    return shell.page(request, officer, "staff/privacy/person.html", context)


def _checked(key: int) -> int:
    if key >= 2**63:
        raise Http404
    return key


def _looked_up(key: int, officer: Officer) -> Resident:
    """The person this officer looked up within the hour."""
    return actions.check_reasoned(_checked(key), by=officer)


@protectors
@_page
def withhold(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """Hide one look from the person until a day."""
    resident = _looked_up(key, officer)
    entry = looks.entries(resident).filter(pk=number).first()
    if entry is None:
        raise Http404
    form = WithholdForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.withhold(number, of=resident, by=officer, **form.cleaned_data)
        except (BadDay, NotAllowed) as error:
            _refuse(form, error)
        else:
            messages.success(request, "Withheld. The person does not see this look until the review day.")
            return redirect("staff-person", key)
    context = {"form": form, "key": key, "look": looks.said([entry])[0]}
    return shell.page(request, officer, "staff/privacy/withhold.html", context)


@protectors
@_page
def hold(request: HttpRequest, officer: Officer, key: int, talk: int) -> HttpResponse:
    """Keep one conversation out of erasure and retention."""
    resident = _looked_up(key, officer)
    found = get_object_or_404(persons.conversations(persons.of(resident)), key=_checked(talk))
    form = HoldForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.hold(found, person_key=resident.key, by=officer, **form.cleaned_data)
        except (BadDay, NotAllowed) as error:
            _refuse(form, error)
        else:
            messages.success(request, "Held. Erasure and retention leave this conversation alone.")
            return redirect("staff-person", key)
    return shell.page(request, officer, "staff/privacy/hold.html", {"form": form, "key": key, "talk": found})


@protectors
@fresh_factor
@require_POST
def copy(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """A copy of everything, for a person who asked by letter: with internal notes, to be looked through first."""
    made = download.take(_looked_up(key, officer), by=officer, notes=True)
    response = HttpResponse(made, content_type="application/zip")
    response.headers["Content-Disposition"] = 'attachment; filename="person.zip"'
    return response


@protectors
@fresh_factor
@_page
def erase_person(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Erase a person who asked; what must be kept is shown first."""
    resident = _looked_up(key, officer)
    if request.method == "POST":
        done = erase.erase(resident, by=officer, why="asked the data protection officer")
        messages.success(request, f"Erased. {len(done.held)} things are restricted and listed here.")
        return redirect("staff-privacy")
    context = {"key": key, "held": erase.preview(resident)}
    return shell.page(request, officer, "staff/privacy/erase.html", context)


@protectors
@_page
def withheld(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Withhold longer, or let the person see it now."""
    found = get_object_or_404(Withheld.objects.visible_to(officer).standing(), pk=number)
    if request.method == "POST" and request.POST.get("do") == "show":
        actions.show(found, by=officer)
        messages.success(request, "The person sees this look now.")
        return redirect("staff-privacy")
    return _longer(request, officer, {"withheld": found}, actions.renew, "Withheld until the new day.")


@protectors
@_page
def restriction(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """Keep something longer, or let it go."""
    found = get_object_or_404(Restriction.objects.visible_to(officer).standing(), pk=number)
    if request.method == "POST" and request.POST.get("do") == "release":
        erase.release(found, by=officer)
        messages.success(request, "Released. What belonged to an erased person is deleted.")
        return redirect("staff-privacy")
    return _longer(request, officer, {"restriction": found}, actions.keep_longer, "Kept until the new day.")


def _longer(
    request: HttpRequest, officer: Officer, shown: dict[str, Any], act: Callable[..., Any], done: str
) -> HttpResponse:
    """The page of the one thing in `shown`, named as its template is: a new day and why, which `act` takes."""
    ((name, found),) = shown.items()
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            act(found, by=officer, **form.cleaned_data)
        except (BadDay, NotAllowed) as error:
            _refuse(form, error)
        else:
            messages.success(request, done)
            return redirect("staff-privacy")
    return shell.page(request, officer, f"staff/privacy/{name}.html", {"form": form, **shown})
