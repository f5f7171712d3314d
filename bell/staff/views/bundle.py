"""A bundle of paper forms, entered form by form with the scan beside the fields; and joining at the door."""

from typing import Any

from csp.constants import SELF
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.organisations.models import Officer
from bell.residents import paper, paper_confirm, paper_print, paper_rules
from bell.residents.models import Bundle, PaperForm, PendingJoin
from bell.residents.paper_rules import NotAccepted
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.paper import BundleForm, DoorForm, EntryForm
from bell.staff.views.finding import LARGEST_KEY
from bell.staff.views.paper import pdf_reply

_both = require_http_methods(["GET", "HEAD", "POST"])
_ALREADY = "already joined: nothing was changed"
# A scan is shown beside the fields and nowhere else; it runs nothing. PDF viewers need the last two.
_SCAN_POLICY = (
    "default-src 'none'; img-src 'self'; frame-ancestors 'self'; object-src 'self'; style-src 'unsafe-inline'"
)
_WAYS = {"email": "email", "sms": "text message"}


def _bundle(officer: Officer, key: int) -> Bundle:
    """The bundle with this random key, of one of the officer's teams."""
    if key > LARGEST_KEY:
        raise Http404
    return get_object_or_404(Bundle.objects.visible_to(officer).select_related("team__organisation"), key=key)


def _form(officer: Officer, key: int, number: int) -> PaperForm:
    """One form of such a bundle."""
    forms = _bundle(officer, key).forms.select_related("bundle__team__organisation", "resident")
    return get_object_or_404(forms, number=number)


def asked(channels: tuple[str, ...]) -> str:
    """By which ways somebody was asked to confirm, in words."""
    if not channels:
        return ""
    return f"A confirmation is on its way by {' and '.join(_WAYS[channel] for channel in channels)}."


@officer_required
@_both
def new(request: HttpRequest, officer: Officer) -> HttpResponse:
    """A new bundle."""
    teams = paper_rules.paper_teams(officer)
    form = BundleForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made = paper.open_bundle(given["team"], received_on=given["received_on"], size=given["size"], by=officer)
            return redirect("staff-bundle", made.key)
        except NotAccepted as error:
            for field, words in error.problems.items():
                form.add_error(field, words)
    return shell.page(request, officer, "staff/paper/new.html", {"form": form, "teams": teams})


@officer_required
@require_safe
def bundle(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Where a bundle stands, form by form."""
    return _page(request, officer, _bundle(officer, key))


def _page(request: HttpRequest, officer: Officer, one: Bundle, problem: str = "") -> HttpResponse:
    forms = list(one.forms.select_related("pending", "printed"))
    waiting = [form for form in forms if form.state == PaperForm.State.WAITING]
    context = {
        "bundle": one,
        "forms": [_row(form) for form in forms],
        "done": len(forms) - len(waiting),
        "size": len(forms),
        "without": sum(1 for form in waiting if not form.scan_name),
        "next": paper_rules.next_waiting(one),
        "problem": problem,
    }
    return shell.page(request, officer, "staff/paper/bundle.html", context, status=400 if problem else 200)


_COLOURS = {
    PaperForm.State.WAITING: "blue",
    PaperForm.State.ENTERED: "amber",
    PaperForm.State.JOINED: "green",
    PaperForm.State.REFUSED: "red",
}


def _row(form: PaperForm) -> dict[str, Any]:
    """One form in the list: never what stands on it."""
    pending: PendingJoin | None = getattr(form, "pending", None)
    waits = pending if form.state == PaperForm.State.ENTERED else None
    return {
        "form": form,
        "colour": _COLOURS.get(PaperForm.State(form.state), "grey"),
        "serial": paper_rules.shown(form.printed.serial) if form.printed else "",
        "letter": bool(waits and waits.postal),
        "again": bool(waits and (waits.email or waits.mobile)),
        "back": form.state in (PaperForm.State.ENTERED, PaperForm.State.SKIPPED, PaperForm.State.KNOWN),
    }


@officer_required
@require_POST
def scans(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Keep scans, in the order in which they were chosen, with the forms that have none."""
    one = _bundle(officer, key)
    files = [(file.name or "scan", file, file.size or 0) for file in request.FILES.getlist("scans")]
    try:
        kept = paper.keep_scans(one, files, by=officer)  # type: ignore[arg-type]
    except NotAccepted as error:
        return _page(request, officer, one, str(error))
    messages.success(request, f"{kept} scan{'s' if kept != 1 else ''} kept.")
    return redirect("staff-bundle", one.key)


@officer_required
@_both
def enter(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """One form: fields beside its scan. Enter saves and goes to the next; what is wrong is said by field."""
    one = _form(officer, key, number)
    if one.state not in (PaperForm.State.WAITING, PaperForm.State.SKIPPED):
        messages.info(request, f"Form {number} is done with. Take it back to enter it again.")
        return redirect("staff-bundle", key)
    form = EntryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        entry = form.entry(one.bundle.team.organisation)
        try:
            outcome = paper.enter(one, entry, by=officer)
        except NotAccepted as error:
            form.refuse(error.problems)
        else:
            words = _ALREADY if outcome.known else "saved. " + (asked(outcome.asked) or _not_asked(entry))
            messages.success(request, f"Form {number}: {words}")
            return _next(one)
    forms = list(one.bundle.forms.values_list("state", flat=True))
    context = {
        "one": one,
        "bundle": one.bundle,
        "form": form,
        "size": len(forms),
        "done": len(forms) - forms.count(PaperForm.State.WAITING),
        "scan_is_pdf": one.scan_type == "application/pdf",
    }
    response = shell.page(request, officer, "staff/paper/enter.html", context)
    response._csp_update = {"frame-src": [SELF]}  # type: ignore[attr-defined]  # what csp_update() sets
    return response


def _not_asked(entry: paper.Entry) -> str:
    """Why no message went: nobody to send it to, or too soon."""
    if not entry.reaches:
        return "Print the letter on the page of the bundle."
    return "This address had a confirmation within the last hour, or three today. Send it again later."


def _next(one: PaperForm) -> HttpResponse:
    """The next form to enter, or the bundle when there is none."""
    following = paper_rules.next_waiting(one.bundle, one.number)
    if following is None:
        return redirect("staff-bundle", one.bundle.key)
    return redirect("staff-enter", one.bundle.key, following.number)


@officer_required
@require_POST
def skip(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """Leave a form aside and go to the next."""
    one = _form(officer, key, number)
    paper.skip(one, by=officer)
    messages.info(request, f"Form {number} skipped.")
    return _next(one)


@officer_required
@require_POST
def reopen(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """Take a form back, to enter it again."""
    one = _form(officer, key, number)
    paper.reopen(one, by=officer)
    return redirect("staff-enter", key, number)


@officer_required
@require_POST
def again(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """Send the confirmation once more, as far as the limits go."""
    channels = paper_confirm.ask_again(_form(officer, key, number), by=officer)
    if channels:
        messages.success(request, f"Form {number}: {asked(channels)}")
    else:
        messages.info(request, f"Form {number}: nothing was sent. An address gets one an hour and three a day.")
    return redirect("staff-bundle", key)


@officer_required
@require_POST
def letter(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """The letter that asks to confirm, with a new code."""
    pending, code = paper_confirm.letter(_form(officer, key, number), by=officer)
    return pdf_reply(paper_print.letter(pending, code), f"letter-{number}")


@officer_required
@_both
def scan(request: HttpRequest, officer: Officer, key: int, number: int) -> HttpResponse:
    """The scan of one form, which only its team may see. POST keeps another in its place."""
    one = _form(officer, key, number)
    if request.method == "POST":
        return _replace(request, officer, one)
    body = paper.look_at_scan(one, by=officer, why=paper.WHY_ENTER)
    if body is None:
        raise Http404
    response = HttpResponse(body, content_type=one.scan_type)
    response.headers["Content-Disposition"] = f'inline; filename="form-{one.number}"'
    response.headers["Content-Security-Policy"] = _SCAN_POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _replace(request: HttpRequest, officer: Officer, one: PaperForm) -> HttpResponse:
    file = request.FILES.get("scan")
    if file is None:
        messages.error(request, "Choose the scan first.")
    else:
        try:
            paper.keep_scan(one, file, file.size or 0, by=officer)  # type: ignore[arg-type]
        except NotAccepted as error:
            messages.error(request, str(error))
    return redirect("staff-enter", one.bundle.key, one.number)


@officer_required
@_both
def door(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Join somebody at their door."""
    teams = paper_rules.paper_teams(officer)
    form = DoorForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        team = form.cleaned_data["team"]
        try:
            outcome = paper.join_at_door(team, form.entry(team.organisation), by=officer)
        except NotAccepted as error:
            form.refuse(error.problems)
        else:
            _say(request, outcome)
            return redirect(reverse("staff-door"))
    context = {"form": form, "teams": teams, "wording": paper_rules.wording(officer.organisation)}
    return shell.page(request, officer, "staff/paper/door.html", context)


def _say(request: HttpRequest, outcome: paper.Outcome) -> None:
    """What came of it, for reading out."""
    if outcome.known:
        messages.info(request, f"They have {_ALREADY}.")
    elif outcome.asked:
        messages.success(request, f"Saved. {asked(outcome.asked)} Ask them to open it and press the button.")
    else:
        messages.info(request, "Saved. A message went to this address within the last hour: that one still works.")
