"""What every page of the desk knows: who is signed in, and what waits, kept fresh in the navigation."""

from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from bell.alerts import find as alerts
from bell.alerts import partners
from bell.conversations import find as conversations
from bell.insight import scope
from bell.organisations import rules
from bell.organisations.models import Officer
from bell.residents import rules as resident_rules
from bell.staff import live


def navigation(officer: Officer, here: str) -> live.Part:
    """The items of the navigation with how much waits. `here` is the path of the page that shows them."""
    waiting = alerts.waiting_for(officer)
    mine = conversations.inbox(officer, "mine").filter(waiting_since__isnull=False).count()
    newest = conversations.stamp(officer)
    return live.part(
        "nav",
        f"{reverse('staff-live', args=['nav'])}?{urlencode({'here': here})}",
        "staff/parts/nav.html",
        {
            "request": SimpleNamespace(path=here),
            "waiting": len(waiting),
            "mine": mine,
            "together": partners.waiting_for(officer),
            "protects": rules.may_protect(officer),
            "looks_after": rules.may_look_after(officer),
            "agrees": rules.may_agree(officer),
            "groups": rules.may_administer(officer) or resident_rules.keeps_scheme(officer),
            "keeps": rules.may_administer(officer),
            "insight": scope.may_look(officer),
            "administers": rules.may_administer(officer),
        },
        news=f"{newest} {','.join(str(version.pk) for version in waiting)}",
        says="Something new came in. See the desk.",
        tag="li",
    )


def context(request: HttpRequest, officer: Officer) -> dict[str, Any]:
    """What the shell's template needs."""
    return {
        "officer": officer,
        "navigation": navigation(officer, request.path),
        "practises": rules.practises(officer),
        "practising": [team.name for team in rules.teams_in_practice(officer)],
    }


def page(
    request: HttpRequest, officer: Officer, template: str, given: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A whole page of the desk."""
    return render(request, template, {**context(request, officer), **given}, status=status)
