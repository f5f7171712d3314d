"""How often emails of routine kinds come: at once, or in a daily or weekly digest (C7)."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from bell.lib import clock
from bell.public.account import members, saved
from bell.public.methods import page
from bell.residents import digests
from bell.residents.models import Often, Resident
from bell.ui.forms import Form, Radios

_AT_ONCE = "at-once"  # a radio button needs a value


class DigestForm(Form):
    """One choice. After validation `often` is a residents' Often."""

    mark_optional = False
    often = forms.ChoiceField(
        label="When should emails that are not urgent come?",
        choices=[(often.value or _AT_ONCE, words) for often, words in digests.WORDS.items()],
        widget=Radios(),
        error_messages={"required": "Choose when emails should come", "invalid_choice": "Choose one of these times"},
    )

    @property
    def chosen(self) -> Often:
        """What was chosen."""
        given = self.cleaned_data["often"]
        return Often.AT_ONCE if given == _AT_ONCE else Often(given)


@members
@page
def choose(request: HttpRequest, member: Resident) -> HttpResponse:
    """The choice and what it changes."""
    form = DigestForm(request.POST if request.method == "POST" else None, initial={"often": member.digest or _AT_ONCE})
    if request.method == "POST" and form.is_valid():
        digests.choose(member, form.chosen, by=member)
        if form.chosen == Often.AT_ONCE:
            return saved(request, "Every email comes at once now.")
        return saved(request, f"Your next digest comes {clock.said(digests.due(member, clock.now()))}.")
    context = {"form": form, "stopped": digests.is_stopped(member)}
    return render(request, "public/account/digest.html", context)
