"""What an alert has beside its English words: pages in other languages, which a member may choose, and its picture."""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from bell.alerts import content, find, rules
from bell.alerts.models import Alert
from bell.lib import links, markup
from bell.organisations import languages
from bell.public.account import members, saved
from bell.public.alerts import public_alert, seconds
from bell.public.headers import PUBLIC_SECONDS, cacheable
from bell.public.methods import page
from bell.public.shown import show
from bell.residents import actions
from bell.residents.models import Resident
from bell.ui.forms import Form, Radios, offer


class LanguageForm(Form):
    """One language, or English."""

    mark_optional = False
    language = forms.ChoiceField(
        label="Which language do you read best?",
        help_text="Alerts are written in English. If one was written in your language too, you get that.",
        required=False,
        widget=Radios(),
        error_messages={"invalid_choice": "Choose from the list"},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(one.tag, f"{one.own} ({one.name})") for one in languages.offered()]
        offer(self.fields["language"], [("", "English"), *offered])


@members
@page
def choose(request: HttpRequest, member: Resident) -> HttpResponse:
    """The language in which a member gets alerts, where there is one."""
    form = LanguageForm(request.POST or None, initial={"language": member.language})
    if request.method == "POST" and form.is_valid():
        actions.set_language(member, language=form.cleaned_data["language"], by=member)
        return saved(request, "Your language is saved.")
    return render(request, "public/account/language.html", {"form": form})


def offered(alert: Alert) -> list[languages.Language]:
    """The languages in which an alert may be read, beside English; none once its search is over."""
    return [] if find.search_is_over(alert) else [languages.of(tag) for tag in alert.languages]


@require_safe
def picture(request: HttpRequest, reference: str) -> HttpResponseBase:
    """The picture of a public alert, from our own path; gone at once when its search is over (promises.md)."""
    found = public_alert(reference)
    if found.picture is None or find.search_is_over(found):
        raise Http404
    response = HttpResponse(bytes(found.picture.data), content_type="image/jpeg")
    response.headers["X-Robots-Tag"] = "noindex, noimageindex"
    return cacheable(response, seconds(found, PUBLIC_SECONDS))


@require_safe
def alert_in(request: HttpRequest, reference: str, tag: str) -> HttpResponseBase:
    """One alert in another language; of an ended search only its own page speaks."""
    found = public_alert(reference)
    if tag not in found.languages:
        raise Http404
    if reference != found.reference or find.search_is_over(found):
        return redirect(links.alert_page(found.reference))
    said = content.in_language(rules.snapshot(found), tag)
    context = {
        "alert": show(found),
        "language": languages.of(tag),
        "title": said["title"],
        "html": markup.html(said["body"]),
        "facts": [fact for fact in content.facts(said) if fact[1]],
        "picture": content.picture(said),
        "others": [one for one in offered(found) if one.tag != tag],
        "page_url": links.absolute(links.alert_page(found.reference, tag)),
    }
    return cacheable(render(request, "public/alert_in.html", context), seconds(found))
