"""The page of one alert and what is done on it; the list of alerts."""

from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from bell.alerts import actions, approving, ballots, find, partners, practice, rules
from bell.alerts.models import PUBLISHED, Alert, Relation, State
from bell.conversations import find as conversations
from bell.insight import surveys
from bell.lib import clock
from bell.organisations import kinds
from bell.organisations.models import Officer, Organisation
from bell.staff import ground, history, live, shell, showing
from bell.staff.access import fresh_factor, officer_required
from bell.staff.forms.talk import SearchForm
from bell.staff.views import evidence
from bell.staff.views.finding import alert_of, version_of

_A_PAGE = 25
_MOST_TALKS = 12
_GOING = (State.SENDING, State.SENT, State.STOPPED)


@officer_required
@require_safe
def alerts(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Every alert that this officer may see, newest first."""
    form = SearchForm(request.GET)
    found = Alert.objects.visible_to(officer).select_related("team", "author")
    if form.is_valid():
        if words := form.cleaned_data["q"]:
            found = found.filter(Q(title__icontains=words) | Q(reference__icontains=words))
        if state := form.cleaned_data["state"]:
            found = found.filter(state=state)
    page = Paginator(found, _A_PAGE).get_page(request.GET.get("page"))
    return shell.page(request, officer, "staff/alerts.html", {"form": form, "page": page})


def _part(officer: Officer, alert: Alert) -> live.Part:
    """What changes while one looks: state, what may be done, progress, answers."""
    version = version_of(alert)
    progress = find.progress(alert)
    talks = conversations.of_alert(alert, officer).order_by("-last_in_at", "-pk")
    survey = ballots.of(alert) if alert.state in PUBLISHED else None
    until = ballots.until(survey) if survey else None
    context = {
        "alert": alert,
        "version": version,
        "doing": showing.doing(officer, alert, version),
        "decided": showing.decided(version),
        "standing": approving.said(version) if version and alert.state == State.SUBMITTED else "",
        "until": approving.runs_out(version) if version else None,
        "other_mode": practice.refusal(officer, alert),
        "progress": progress,
        "sending": showing.sending(progress, officer) if alert.state in _GOING else None,
        "lanes": showing.lanes(progress, officer),
        "officer": officer,
        "partner": officer.organisation.sort != Organisation.Sort.FORCE,
        "published": alert.state in PUBLISHED,
        "taps": conversations.taps(alert) if kinds.FACTS[alert.kind].answers else [],
        "survey": surveys.of(survey) if survey else None,
        "survey_until": clock.said(until) if until else "",
        "talks": talks[:_MOST_TALKS],
        "talk_count": talks.count(),
        "events": history.events(alert, officer),
    }
    url = reverse("staff-alert-live", args=[alert.reference])
    return live.part("alert-live", url, "staff/parts/alert_live.html", context)


@officer_required
@require_safe
def alert(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """One alert: what it says, to whom, where it stands, what came back."""
    one = alert_of(officer, reference)
    version = version_of(one)
    # What was frozen is shown as it was frozen; a draft is shown as it is now.
    frozen = version.frozen if version and one.state not in rules.EDITABLE else rules.snapshot(one)
    context = {
        "alert": one,
        "version": version if one.state not in rules.EDITABLE else None,
        "message": showing.message(frozen),
        "spoken": showing.spoken(frozen),
        "meant": showing.meant(one, frozen["audience"]),
        "together": showing.together(one, frozen, version if one.state not in rules.EDITABLE else None),
        "ask": partners.ask_of(one),
        "may_ask": rules.may_edit(officer, one) and bool(partners.may_be_asked(one.organisation)),
        "live": _part(officer, one),
        "footage": evidence.panel(officer, one),
        "patch": ground.bounds(one.team),
        "followers": one.followers.select_related("team").order_by("created_at"),
    }
    return shell.page(request, officer, "staff/alert.html", context)


@officer_required
@require_safe
def alert_live(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The live part of the page."""
    return _part(officer, alert_of(officer, reference)).reply(request)


# What a button does: the verb, the state in which it has been done already, the words afterwards.
_ACTS: dict[str, tuple[Callable[..., Alert], str, str]] = {
    "take-back": (actions.take_back, State.DRAFT, "Taken back. You can change it now; it needs approval again."),
    "withdraw": (actions.withdraw, State.WITHDRAWN, "Withdrawn. Nothing was sent."),
    "send": (actions.send, State.HELD, "About to send. You can still undo."),
    "undo": (actions.undo, State.APPROVED, "Undone. Nothing has left."),
    "stop": (actions.stop, State.STOPPED, "Stopped. No message starts later than five seconds from now."),
}


@officer_required
@require_POST
def act(request: HttpRequest, officer: Officer, reference: str, verb: str) -> HttpResponse:
    """Press one of the page's buttons. Pressing twice does it once. Nothing stands before *Undo* and *Stop*."""
    return (_press_surely if verb == "send" else _press)(request, officer, reference, verb)


def _press(request: HttpRequest, officer: Officer, reference: str, verb: str) -> HttpResponse:
    one = alert_of(officer, reference)
    if verb not in _ACTS:
        raise Http404
    action, done, words = _ACTS[verb]
    if one.state != done and not (verb == "send" and one.state == State.SCHEDULED):
        try:
            one = action(one, by=officer)
        except rules.NotAllowed as error:
            messages.error(request, str(error))
            return redirect("staff-alert", one.reference)
        scheduled = verb == "send" and one.state == State.SCHEDULED
        messages.success(request, "Scheduled again. You can still undo." if scheduled else words)
    return redirect("staff-edit" if verb == "take-back" else "staff-alert", one.reference)


_press_surely = fresh_factor(_press)


@officer_required
@require_POST
def follow(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Draft an update, a stand-down or an outcome to the people who were sent this alert."""
    one = alert_of(officer, reference)
    relation = request.POST.get("relation", "")
    if relation not in Relation.values:
        raise Http404
    try:
        draft = actions.follow_up(one, relation=relation, by=officer)
    except rules.NotAllowed as error:
        messages.error(request, str(error))
        return redirect("staff-alert", one.reference)
    return redirect("staff-edit", draft.reference)
