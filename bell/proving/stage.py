"""The stage: an officer's desk beside any resident's phone and mailbox. Demo only (config.urls).

What is typed here travels the real inbound path: a text through the gateway's signed callback, a mail through LMTP.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST, require_safe

from bell.lib import clock, phones
from bell.organisations.models import Officer
from bell.proving import catchers, county
from bell.residents.models import Resident

_MOST = 30
_LONGEST = 2000


@dataclass(frozen=True)
class Person:
    """A resident as the stage shows them: invented, so nothing here is a look at a real person."""

    key: int
    name: str
    email: str
    mobile: str

    @property
    def phone(self) -> str:
        """The number as people write it."""
        return phones.shown(self.mobile) if self.mobile else ""


def _person(resident: Resident) -> Person:
    by_channel = {contact.channel: contact.address for contact in resident.contacts.all()}
    name = resident.name or by_channel.get("email") or by_channel.get("sms") or "Someone who left"
    return Person(resident.key, name, by_channel.get("email", ""), by_channel.get("sms", ""))


def _chosen(key: int) -> Person:
    return _person(get_object_or_404(Resident, key=key))


def _find(words: str) -> list[Person]:
    """Residents by a part of their name or address; the personas without one."""
    if not words:
        return [_person(one) for one in county.personas()]
    by_name = Resident.objects.filter(name__icontains=words, left_at=None)[:12]
    by_address = Resident.objects.filter(contacts__address__icontains=words)[:12]
    return [_person(one) for one in dict.fromkeys([*by_name, *by_address])]


@require_safe
@never_cache
@csp_update({"frame-src": ["'self'"]})
def stage(request: HttpRequest) -> HttpResponse:
    """The whole stage. `?who=` is a resident's key, `?find=` looks for one, `?mail=` opens a mail by its place."""
    words = request.GET.get("find", "").strip()[:80]
    found = _find(words)
    asked = request.GET.get("who", "")
    person = _chosen(int(asked)) if asked.isdigit() and len(asked) < 20 else (found[0] if found else None)
    officers = Officer.objects.filter(is_active=True).select_related("organisation").order_by("pk")[:12]
    context = {
        "person": person,
        "found": found,
        "words": words,
        "officers": officers,
        "sitting": request.user if request.user.is_authenticated else None,
        **_phone_context(person, ""),
        **_mailbox_context(person, "", request.GET.get("mail", "")),
    }
    return render(request, "proving/stage.html", context)


def _phone_context(person: Person | None, seen: str) -> dict[str, Any]:
    """The phone's texts, oldest first, and a stamp that changes when something arrives."""
    try:
        texts = catchers.texts(person.mobile)[:_MOST] if person and person.mobile else []
    except catchers.Silent as error:
        return {"texts": [], "texts_stamp": "silent", "texts_error": str(error), "person": person}
    for text in texts:
        text["when"] = clock.said(datetime.fromisoformat(text["at"]))
    stamp = f"{len(texts)}-{texts[0]['at']}" if texts else "0"
    return {"texts": texts[::-1], "texts_stamp": stamp, "person": person, "texts_seen": seen}


def _mailbox_context(person: Person | None, seen: str, opened: str) -> dict[str, Any]:
    """The mailbox, newest first; each mail is known by its Message-ID."""
    try:
        mails = catchers.mails(person.email)[:_MOST] if person and person.email else []
    except catchers.Silent as error:
        return {"mails": [], "mails_stamp": "silent", "mails_error": str(error), "person": person}
    for mail in mails:
        mail["when"] = clock.said(datetime.fromisoformat(mail["at"]))
    stamp = f"{len(mails)}-{mails[0]['at']}" if mails else "0"
    chosen = next((mail for mail in mails if mail["message_id"] == opened), mails[0] if mails else None)
    return {"mails": mails, "mails_stamp": stamp, "mail": chosen, "person": person, "mails_seen": seen}


def _fragment(request: HttpRequest, template: str, context: dict[str, Any], stamp: str) -> HttpResponse:
    """The fragment, or 204 when nothing new arrived since the page asked last."""
    if request.GET.get("seen") == stamp:
        return HttpResponse(status=204)
    return render(request, template, context)


@require_GET
@never_cache
def phone(request: HttpRequest, key: int) -> HttpResponse:
    """The texts of one phone."""
    context = _phone_context(_chosen(key), request.GET.get("seen", ""))
    return _fragment(request, "proving/phone.html", context, context["texts_stamp"])


@require_GET
@never_cache
def mailbox(request: HttpRequest, key: int) -> HttpResponse:
    """The list of one mailbox."""
    context = _mailbox_context(_chosen(key), request.GET.get("seen", ""), request.GET.get("mail", ""))
    return _fragment(request, "proving/mailbox.html", context, context["mails_stamp"])


# A letter is shown with its own inline styles, in a sandbox that can run and load nothing.
_LETTER = {
    "default-src": ["'none'"],
    "style-src": ["'unsafe-inline'"],
    "frame-ancestors": ["'self'"],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}


@require_GET
@never_cache
@csp_replace(_LETTER)  # type: ignore[arg-type]  # the library's types forget views with arguments
@xframe_options_sameorigin
def mail(request: HttpRequest, key: int) -> HttpResponse:
    """One mail as a mail program shows it: in a sandbox, its links open beside the stage."""
    person = _chosen(key)
    wanted = request.GET.get("id", "")
    for one in catchers.mails(person.email) if person.email else []:
        if one["message_id"] == wanted:
            return HttpResponse(f'<base target="_blank">{one["html"]}' if one["html"] else _plain(one["text"]))
    raise Http404("No such mail.")


def _plain(text: str) -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<!doctype html><meta charset="utf-8"><title>Mail</title><pre style="white-space:pre-wrap">{escaped}</pre>'


@require_POST
def sit(request: HttpRequest) -> HttpResponse:
    """Sit down at an officer's desk without a password: only here, only in the demo."""
    if not settings.DEMO:
        raise Http404
    officer = get_object_or_404(Officer, pk=request.POST.get("officer") or 0, is_active=True)
    login(request, officer, backend=settings.AUTHENTICATION_BACKENDS[0])
    return redirect(_back(request))


@require_POST
def say(request: HttpRequest, key: int) -> HttpResponse:
    """Type a text or a mail as the resident; it travels the real way in."""
    person, words = _chosen(key), request.POST.get("text", "").strip()[:_LONGEST]
    try:
        if words and request.POST.get("by") == "sms" and person.mobile:
            catchers.type_text(person.mobile, text=words)
        elif words and person.email:
            catchers.type_mail(person.email, message_id=request.POST.get("mail", "")[:300], text=words)
    except catchers.Silent:
        pass  # the page says that the catchers are silent
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """The stage with the same resident chosen."""
    who = request.POST.get("who", "")
    return f"{reverse('stage')}?who={who}" if who.isdigit() else reverse("stage")
