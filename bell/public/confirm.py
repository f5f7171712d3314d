"""Confirming what was written on a paper form or said at the door: by link, or by the code of a text or letter.

Opening the page changes nothing; a press of its button does. The page shows nothing of the person: messages are
forwarded, and letters opened by others.
"""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bell.lib import clock, links
from bell.public.headers import own_page, secret_link
from bell.public.methods import page
from bell.residents import paper_confirm, paper_rules
from bell.ui.forms import Form


class CodeForm(Form):
    """The code of a letter or text."""

    mark_optional = False
    code = forms.CharField(
        label="Your code",
        help_text="It has 12 letters and digits, like BCDF-GHJK-MNPQ. It does not matter whether you type the dashes.",
        max_length=60,
        widget=forms.TextInput(
            attrs={"class": "govuk-input--width-20 app-mono", "autocomplete": "off", "autocapitalize": "characters",
                   "spellcheck": "false"}
        ),
        error_messages={"required": "Enter the code", "max_length": "A code has 12 letters and digits"},
    )  # fmt: skip

    def clean_code(self) -> str:
        """A code that is of use now."""
        typed: str = self.cleaned_data["code"]
        if paper_rules.confirmation(typed) is None:
            raise forms.ValidationError("This code is not right, or it has run out. Check each letter and digit")
        return paper_rules.shown(paper_rules.squeezed(typed))


@own_page
@page
def ask(request: HttpRequest) -> HttpResponse:
    """Type the code of a letter or text."""
    form = CodeForm(request.POST) if request.method == "POST" else CodeForm()
    if request.method == "POST" and form.is_valid():
        return redirect(links.confirm(form.cleaned_data["code"]))
    return render(request, "public/confirm/ask.html", {"form": form})


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "public/confirm/gone.html", status=404)


@secret_link
@page
def confirm(request: HttpRequest, code: str) -> HttpResponse:
    """What was asked for, and the button that confirms it."""
    if request.method == "POST":
        person = paper_confirm.confirm(code)
        return redirect(f"{links.confirm()}done/") if person else _gone(request)
    found = paper_rules.confirmation(code)
    pending = found.pending if found else None
    if pending is None:
        return _gone(request)
    context = {
        "paper": pending.how == pending.How.PAPER,
        "team": pending.team,
        "day": clock.local(pending.made_at).date(),
        "wording": pending.wording,
        "second": pending.resident_id is not None,
        "action": links.confirm(code),
    }
    return render(request, "public/confirm/confirm.html", context)


@secret_link
@require_POST
def refuse(request: HttpRequest, code: str) -> HttpResponse:
    """It was not them: what was written down goes at once."""
    if not paper_confirm.refuse(code):
        return _gone(request)
    return render(request, "public/confirm/refused.html")


@own_page
@require_safe
def done(request: HttpRequest) -> HttpResponse:
    """Confirmed."""
    return render(request, "public/confirm/done.html")
