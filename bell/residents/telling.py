"""Telling a person, at every address they had before, that one of them changed: whoever did it may not be them."""

from collections.abc import Sequence

from django.conf import settings

from bell.audit.models import Entry
from bell.delivery import post
from bell.delivery.models import Channel, Lane
from bell.lib import links
from bell.residents.models import Contact, Resident

_NAMES = {Channel.EMAIL: "email address", Channel.SMS: "mobile number"}
_ARTICLES = {"email address": "an", "mobile number": "a"}


def changed(resident: Resident, before: Sequence[Contact], channel: str, what: str, *, entry: Entry) -> None:
    """Tell all the addresses that the person had before, the one that went included, of what the entry records.

    `what` was done to the address of the channel: "added", "changed" or "removed".

    Neither the old nor the new address is named: phones are read by others too. An address that refuses everything
    hears nothing, and a text waits for the end of the person's quiet hours.
    """
    content = _content(_NAMES[Channel(channel)], what)
    for one in before:
        if post.suppressed(address_key=one.address_key, channel=one.channel):
            continue
        by_text = one.channel == Channel.SMS
        post.post(
            content,
            authority=post.Authority("notice", f"address-{entry.pk}-{one.channel}"),
            stream="notice",
            lane=Lane.ROUTINE if by_text else Lane.NOW,  # which knows no quiet hours, and waits behind no alert to many
            to=post.Address(resident.key, Channel(one.channel), one.address),
            hours=resident.quiet_hours if by_text else None,
        )


def _content(name: str, what: str) -> post.Content:
    """The words by email and by text."""
    happened = f"the {name} of your account was {what}"
    if what == "added":
        happened = f"{_ARTICLES[name]} {name} was added to your account"
    tell_us = links.absolute(links.contact())
    parts = [
        f"{happened.capitalize()}.",
        "If that was you, there is nothing to do.",
        f"If it was not, tell us at once: {tell_us}",
    ]
    html = [*parts[:2], f'If it was not, <a href="{tell_us}">tell us at once</a>.']
    return post.Content(
        sender_name=settings.SITE_NAME,
        subject=f"Your {name} was {what}",
        text="\n\n".join(parts) + "\n",
        html="".join(f"<p>{part}</p>" for part in html),
        sms=f"{settings.SITE_NAME}: {happened}. If that was not you, tell us at once: {tell_us}",
        auto_submitted=True,
        replies=False,
        unsubscribe=False,
    )
