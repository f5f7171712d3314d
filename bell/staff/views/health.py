"""How the service is, for administrators of the force: what goes out and how fast, what is stopped; stop and resume."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.delivery import control, health, pulse
from bell.delivery.models import Channel
from bell.lib import clock, folders
from bell.organisations.models import Officer
from bell.staff import charts, live, shell, words
from bell.staff.access import looks_after, officer_required
from bell.staff.forms.sending import WhyForm

_MINUTES = 60
_TONES = {"good": "success", "warning": "warning", "bad": "error"}
_NAMES = {Channel.EMAIL.value: "Email", Channel.SMS.value: "Text messages"}
_USUAL = {Channel.EMAIL.value: "the relay", Channel.SMS.value: "the gateway"}


@officer_required
@looks_after
@require_safe
def page(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The health page."""
    return shell.page(request, officer, "staff/health.html", {"live": _part(), "folders": _folders()})


@officer_required
@looks_after
@require_safe
def page_live(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The live part of the page."""
    return _part().reply(request)


@officer_required
@looks_after
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Ask before a way out is stopped, then stop it."""
    way = _way(request)
    form = WhyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        held = control.hold(way, form.cleaned_data["why"], by=officer)
        messages.success(request, f"{held.words} stopped. What waits stays where it is.")
        return redirect("staff-health")
    asked = {"form": form, "way": way, "words": control.said(way), "everything": way in Channel.values}
    return shell.page(request, officer, "staff/health_stop.html", asked)


@officer_required
@looks_after
@require_http_methods(["GET", "HEAD", "POST"])
def resume(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Ask before a way out goes on, then let it."""
    way = request.GET.get("way", "")
    held = next((one for one in control.holds() if one.name == way), None)
    if held is None:
        messages.info(request, "It is not stopped any more.")
        return redirect("staff-health")
    form = WhyForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        control.resume(way, by=officer, why=form.cleaned_data["why"])
        messages.success(request, f"{held.words}: going on.")
        return redirect("staff-health")
    return shell.page(request, officer, "staff/health_resume.html", {"form": form, "held": held})


@officer_required
@looks_after
@require_POST
def seen(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """An administrator has seen an alarm. Pressing twice does it once."""
    alarm = next((one for one in control.alarms() if one.pk == number), None)
    if alarm is not None and control.acknowledge(alarm, by=officer):
        messages.success(request, "Noted. It comes again if its cause does.")
    return redirect("staff-health")


def _way(request: HttpRequest) -> str:
    """The way that the address names; 404 for anything that is none."""
    try:
        return control.check(request.GET.get("way", ""))
    except control.BadWay as error:
        raise Http404 from error


def _part() -> live.Part:
    """What changes while one looks."""
    now = health.read()
    verdict = health.verdict(now)
    shown = {
        "now": now,
        "verdict": verdict,
        "tone": _TONES[verdict.tone],
        "ways": [_provider(one) for one in now.providers],
        "alarms": [(one, control.said(one.name)) for one in now.alarms],
        "slow": [(one.words, words.rate(one.per_second), one.why) for one in now.slow],
        "stoppable": [
            (way.value, _NAMES[way.value]) for way in Channel if way not in {one.name for one in now.stopped}
        ],
        **_hour(),
    }
    news = f"{verdict.tone} {','.join(str(one.pk) for one in now.alarms)}"
    return live.part(
        "health-live", reverse("staff-health-live"), "staff/parts/health_live.html", shown,
        news=news, says=verdict.words,
    )  # fmt: skip


def _provider(one: health.Provider) -> dict[str, Any]:
    """A way as the table shows it."""
    return {
        "name": f"{_NAMES[one.channel]} by {one.name or _USUAL[one.channel]}",
        "minute": words.rate(one.minute),
        "ten": words.rate(one.ten_minutes),
        "success": one.success,
        "trouble": one.trouble,
    }


def _hour() -> dict[str, Any]:
    """The last hour drawn, a bar a minute, and the same by ten minutes for the table beside it."""
    last = clock.now().replace(second=0, microsecond=0)
    starts = [last - timedelta(minutes=_MINUTES - 1 - number) for number in range(_MINUTES)]
    good, bad = dict.fromkeys(starts, 0), dict.fromkeys(starts, 0)
    for one in pulse.minutes(_MINUTES):
        if one.start in good:
            good[one.start] += one.sent
            bad[one.start] += one.trouble
    points = [(good[start], bad[start]) for start in starts]
    tens = range(0, _MINUTES, 10)
    told = [f"{clock.local(starts[number]):%H:%M}" for number in tens]
    rows = [
        (name, sum(one for one, _ in points[start : start + 10]), sum(one for _, one in points[start : start + 10]))
        for start, name in zip(tens, told, strict=True)
    ]
    return {"chart": charts.timeline(points, list(zip(tens, told, strict=True))), "hour": rows}


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
