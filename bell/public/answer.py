"""Answering from the link in a message, without signing in. The link lets one add, and shows nothing said before."""

import hashlib

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from bell.alerts import ballots
from bell.alerts.models import Alert
from bell.conversations import web
from bell.conversations.models import Choice
from bell.evidence import rules as evidence
from bell.lib import links
from bell.public import routes, survey
from bell.public.forms import WordsForm
from bell.public.headers import secret_link
from bell.public.methods import page
from bell.public.shown import show, story, takes_answers

MOST_AN_HOUR = 20
_HOUR = 3600
_ICONS = {Choice.SAW: "eye", Choice.NOTHING: "check-circle", Choice.FOOTAGE: "camera"}


def _may_answer(token: str) -> bool:
    """Count one try of this link; False once there were twenty in an hour. The cache never learns the link."""
    key = f"answer:{hashlib.sha256(token.lower().encode()).hexdigest()}"
    if cache.add(key, 1, _HOUR):
        return True
    try:
        return cache.incr(key) <= MOST_AN_HOUR
    except ValueError:  # it ran out between the two
        return True


def _gone(request: HttpRequest) -> HttpResponse:
    """The link is not one of ours, or damaged."""
    return render(request, "public/gone.html", status=404)


def _context(alert: Alert, token: str, form: WordsForm) -> dict[str, object]:
    ways = routes.of(alert.organisation, in_alerts=True)
    shown = show(alert)
    news = story(alert, hidden=shown.hidden)
    return {
        "alert": shown,
        "news": news[-1] if news else None,
        "form": form,
        "action": links.answer(token),
        "taps": [(choice.value, choice.label, _ICONS[choice]) for choice in Choice] if takes_answers(alert) else [],
        "anonymous": routes.anonymous(ways),
        "upload": links.answer_footage(token) if evidence.takes_footage(evidence.appeal_of(alert)) else "",
    }


@secret_link
@page
def answer(request: HttpRequest, token: str) -> HttpResponse:
    """The alert in short, one-tap answers, and a box for words."""
    try:
        alert, delivery = web.open_link(token)
    except web.UnknownLink:
        return _gone(request)
    if (asked := ballots.of(alert)) is not None:
        return survey.respond(request, token, alert, asked, delivery.language, _may_answer)
    if request.method == "POST":
        return _answered(request, token, alert)
    return render(request, "public/answer.html", _context(alert, token, WordsForm()))


def _answered(request: HttpRequest, token: str, alert: Alert) -> HttpResponse:
    """Keep a tap, words or both, and say thank you on another page, so that reloading sends nothing twice."""
    choice = request.POST.get("choice", "")
    choice = choice if choice in Choice.values and takes_answers(alert) else ""
    form = WordsForm(request.POST)
    form.fields["text"].required = not choice
    if not form.is_valid():
        return render(request, "public/answer.html", _context(alert, token, form))
    if not _may_answer(token):
        form.add_error(None, survey.TOO_OFTEN)
        return render(request, "public/answer.html", _context(alert, token, form), status=429)
    web.answer(token, choice=choice, text=form.cleaned_data["text"])
    return redirect(f"{links.answer(token)}thanks/?said={choice or 'words'}")


@secret_link
@require_safe
def thanks(request: HttpRequest, token: str) -> HttpResponse:
    """Thank you, and what happens next."""
    try:
        alert, _ = web.open_link(token)
    except web.UnknownLink:
        return _gone(request)
    said = request.GET.get("said", "")
    context = _context(alert, token, WordsForm())
    known = {survey.SAID} if ballots.of(alert) else set(Choice.values)
    return render(request, "public/thanks.html", {**context, "said": said if said in known else "words"})
