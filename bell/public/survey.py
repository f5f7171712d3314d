"""Choosing in a survey, from the link in a message: no login, never by GET, and nothing chosen before is shown."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html

from bell.alerts import ballots, content
from bell.alerts.models import Alert
from bell.conversations import votes
from bell.insight import surveys
from bell.lib import clock, links
from bell.organisations import languages
from bell.public.forms import MOST_WORDS
from bell.public.shown import show
from bell.ui.forms import Checkboxes, CountedTextarea, Form, Radios

SAID = "choices"
TOO_OFTEN = "You have answered many times in the last hour. Wait a while, or call 101."


class SurveyForm(Form):
    """The choices, as long as the survey is open, and a box for words. After validation `chosen` are places in it."""

    mark_optional = False

    def __init__(self, data: Any = None, *, survey: Alert, language: str = "") -> None:
        super().__init__(data)
        if ballots.is_open(survey):
            self.fields["choices"] = _choices(survey, language)
        team = survey.team.name
        self.fields["text"] = forms.CharField(
            label=f"Anything else? Write to {team}",
            help_text="They read it as a reply from you, with the address that this message was sent to.",
            required="choices" not in self.fields,
            max_length=MOST_WORDS,
            widget=CountedTextarea(MOST_WORDS),
            error_messages={
                "required": f"Write to {team}",
                "max_length": f"Your message must be {MOST_WORDS:,} characters or fewer",
            },
        )

    @property
    def chosen(self) -> list[int]:
        """Places of what was chosen, from 0."""
        given = self.cleaned_data.get("choices") or []
        return [int(place) for place in ([given] if isinstance(given, str) else given)]


def _choices(survey: Alert, language: str) -> forms.Field:
    """One or several of the choices, each with what it says in the reader's language."""
    offered, most = ballots.choices(survey.fields), ballots.most(survey.fields)
    marks = content.marked(languages.of(language))
    hints = {
        str(place): format_html("<span{}>{}</span>", marks, words)
        for place, words in enumerate(ballots.spoken(survey, language))
    }
    sort, widget = (forms.ChoiceField, Radios) if most == 1 else (forms.MultipleChoiceField, Checkboxes)
    end = ballots.until(survey)
    until = f"The survey is open until {clock.said(end)}. " if end else ""
    return sort(
        label=f"Choose {ballots.MOST_WORDS[most]}",
        help_text=f"{until}You can change your mind until it closes: send your choice again, and the last one counts.",
        required=False,
        choices=[(str(place), choice) for place, choice in enumerate(offered)],
        widget=widget(hints=hints),
        error_messages={"invalid_choice": "Choose from the list"},
    )


def _page(
    request: HttpRequest, token: str, alert: Alert, survey: Alert, form: SurveyForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "alert": show(survey),
        "followed": alert.pk != survey.pk,
        "form": form,
        "action": links.answer(token),
        "open": "choices" in form.fields,
        "result": surveys.public(survey),
    }
    return render(request, "public/survey.html", context, status=status)


def respond(
    request: HttpRequest, token: str, alert: Alert, survey: Alert, language: str, may_answer: Callable[[str], bool]
) -> HttpResponse:
    """The page; by POST keep what was sent and say thank you on another page, so that reloading sends nothing twice.

    `may_answer` counts one try of the link.
    """
    form = SurveyForm(request.POST if request.method == "POST" else None, survey=survey, language=language)
    if request.method != "POST" or not form.is_valid():
        return _page(request, token, alert, survey, form)
    if not may_answer(token):
        form.add_error(None, TOO_OFTEN)
        return _page(request, token, alert, survey, form, status=429)
    try:
        votes.answer(token, chosen=form.chosen, text=form.cleaned_data["text"])
    except votes.NotKept as refused:
        for name, words in refused.problems.items():
            form.add_error(name if name in form.fields else None, words.rstrip("."))
        return _page(request, token, alert, survey, form)
    return redirect(f"{links.answer(token)}thanks/?said={SAID if form.chosen else 'words'}")
