"""Is this message genuine? A reference in, a plain answer out: real, updated, over, stopped, or not from us.

Only what went out is known here: a draft, a practice alert and a reference that never was give the same answer.
"""

import re

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from bell.alerts import expiry, find
from bell.alerts.models import Alert, Relation, State
from bell.lib import links
from bell.organisations.models import Organisation
from bell.public.headers import own_page
from bell.public.shown import show
from bell.ui.forms import Form

_LONGEST = 60


class ReferenceForm(Form):
    """What stands in a message."""

    mark_optional = False
    code = forms.CharField(
        label="The reference in the message",
        help_text="Letters and digits, like DA-7K3PQ. Every message of ours has one",
        max_length=_LONGEST,
        widget=forms.TextInput(
            attrs={"class": "govuk-input--width-10 app-mono", "autocomplete": "off", "autocapitalize": "characters",
                   "spellcheck": "false"}
        ),
        error_messages={
            "required": "Enter the reference", "max_length": "A reference is short, like DA-7K3PQ. Enter only that",
        },
    )  # fmt: skip


@own_page
@require_safe
def genuine(request: HttpRequest) -> HttpResponse:
    """Ask, and the answer below. A GET form: it changes nothing, and messages link to it with their own reference."""
    asked = "code" in request.GET
    form = ReferenceForm(request.GET) if asked else ReferenceForm()
    context = {"form": form, "asked": asked and form.is_valid()}
    if context["asked"]:
        context |= _answer(form.cleaned_data["code"])
    return render(request, "public/genuine.html", context)


def _answer(code: str) -> dict[str, object]:
    """What is known of a reference."""
    alert = _sent(code)
    if alert is None:
        return {"alert": None}
    line = find.line_of(alert)
    later = [
        one
        for one in line
        if one.pk != alert.pk and (one.sent_at or one.created_at) > (alert.sent_at or one.created_at)
    ]
    newest = later[-1] if later else None
    over = (
        alert.state == State.CLOSED
        or expiry.over_since(alert) is not None
        or alert.relation in find.ENDED
        or any(one.relation in find.ENDED for one in later)
        or find.search_is_over(alert)
    )
    return {
        "alert": show(alert),
        "stopped": alert.state == State.STOPPED,
        "over": over,
        "newest": show(newest) if newest is not None else None,
        "newest_says": _said(newest) if newest is not None else "",
        "page": links.alert_page(alert.reference),
        "newest_page": links.alert_page(newest.reference) if newest is not None else "",
    }


def _said(newest: Alert) -> str:
    """ "an update", "a correction"."""
    words = Relation(newest.relation).label.lower() if newest.relation else "update"
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _sent(code: str) -> Alert | None:
    """The public alert that somebody means, however they typed its reference."""
    squeezed = re.sub(r"[^A-Z0-9]", "", code.upper())
    prefixes = Organisation.objects.public().exclude(reference_prefix="").values_list("reference_prefix", flat=True)
    meant = [
        f"{prefix}-{squeezed.removeprefix(prefix)}" for prefix in set(prefixes) if squeezed.startswith(prefix.upper())
    ]
    found = Alert.objects.public().select_related("team", "organisation").filter(reference__in=meant)
    return found.order_by("-sent_at").first()
