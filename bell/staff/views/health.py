"""How the service is, for administrators of the force: lanes, last signs, the worker, the folders, the backup."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from bell.delivery import health
from bell.lib import folders
from bell.organisations import rules
from bell.organisations.models import Officer
from bell.staff import shell
from bell.staff.access import officer_required


@officer_required
@require_safe
def page(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The health page. Whoever does not look after the service finds nothing here."""
    if not rules.may_look_after(officer):
        raise Http404
    now = health.read()
    return shell.page(request, officer, "staff/health.html", {"now": now, "folders": _folders(), "late": _late(now)})


def _folders() -> list[dict[str, Any]]:
    """Where files lie, in words; their paths are for `bell doctor`."""
    named = (
        ("Footage", settings.EVIDENCE_DIR),
        ("Paper forms", settings.PAPER_DIR),
        ("Everything else", settings.VAR_DIR),
    )
    return [
        {"name": name, "wrong": one.wrong, "missing": not one.path.is_dir(), "free": folders.gigabytes(one.free)}
        for name, path in named
        for one in [folders.look(path)]
    ]


def _late(now: health.Health) -> str:
    """How late the oldest message is, in words; "" within a minute."""
    minutes = int(now.late.total_seconds() // 60)
    if minutes < 1:
        return ""
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
