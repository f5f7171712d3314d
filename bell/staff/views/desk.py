"""The desk itself: what waits for me, my team's work, what goes out now, what was sent."""

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from bell.alerts import find as alerts
from bell.alerts.models import PUBLISHED, Alert, State
from bell.conversations import find as conversations
from bell.organisations import actions, rules
from bell.organisations.models import Officer, Role
from bell.staff import live, shell, showing
from bell.staff.access import officer_required

_MOST = 8
_WORKING = (State.DRAFT, State.RETURNED, State.APPROVED)
_GOING = (State.SCHEDULED, State.HELD, State.SENDING)


def _seen(officer: Officer) -> QuerySet[Alert]:
    return Alert.objects.visible_to(officer).select_related("team", "author")


def _inbox(officer: Officer) -> live.Part:
    """My conversations that wait for an answer, longest waiting first, and how many nobody has taken."""
    mine = conversations.inbox(officer, "mine").filter(waiting_since__isnull=False).order_by("waiting_since")
    unassigned = conversations.inbox(officer, "unassigned").count()
    context = {"rows": mine[:_MOST], "more": max(0, mine.count() - _MOST), "unassigned": unassigned}
    return live.part("desk-inbox", reverse("staff-live", args=["inbox"]), "staff/parts/desk_inbox.html", context)


def _approvals(officer: Officer) -> live.Part:
    """Versions that wait for this officer's decision."""
    context = {"versions": alerts.waiting_for(officer)}
    url = reverse("staff-live", args=["approvals"])
    return live.part("desk-approvals", url, "staff/parts/desk_approvals.html", context)


def _sending(officer: Officer) -> live.Part:
    """What goes out now."""
    going = [(alert, alerts.progress(alert)) for alert in _seen(officer).filter(state__in=_GOING)[:_MOST]]
    rows = [(alert, progress, showing.lanes(progress, officer)) for alert, progress in going]
    return live.part(
        "desk-sending",
        reverse("staff-live", args=["sending"]),
        "staff/parts/desk_sending.html",
        {"rows": rows, "officer": officer},
    )


_PARTS = {"inbox": _inbox, "approvals": _approvals, "sending": _sending}


@officer_required
@require_safe
def desk(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The front page of the desk."""
    teams = rules.teams_as(officer, *Role.values)
    context = {
        "teams": teams,
        "looks_after": rules.may_look_after(officer),
        "writes": rules.teams_as(officer, Role.AUTHOR, Role.APPROVER, Role.MEDIA),
        "parts": {name: build(officer) for name, build in _PARTS.items()},
        "drafts": _seen(officer).filter(state__in=_WORKING, team__in=teams)[:_MOST],
        "submitted": _seen(officer).filter(state=State.SUBMITTED, team__in=teams)[:_MOST],
        "latest": _seen(officer).filter(state__in=PUBLISHED).exclude(state=State.SENDING).order_by("-sent_at")[:5],
    }
    return shell.page(request, officer, "staff/desk.html", context)


@officer_required
@require_safe
def part(request: HttpRequest, officer: Officer, name: str) -> HttpResponse:
    """A live part that asks whether it is still fresh."""
    if name == "nav":
        return shell.navigation(officer, request.GET.get("here", "")[:200]).reply(request)
    if name not in _PARTS:
        raise Http404
    return _PARTS[name](officer).reply(request)


@officer_required
@require_POST
def duty(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Go on the duty list, or off it."""
    on = request.POST.get("on") == "yes"
    actions.set_duty(officer, on=on, by=officer)
    messages.success(request, "You are on duty: alerts that need approval come to you." if on else "You are off duty.")
    return redirect("staff-desk")
