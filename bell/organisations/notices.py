"""Notices to officers, by the lane `now`: that something waits, never what (the content stays behind sign-in)."""

from datetime import timedelta

from bell.delivery import post
from bell.delivery.models import Channel, Delivery, Lane
from bell.lib import clock, links, phones
from bell.organisations.models import Officer

# A hundred replies to one appeal are not a hundred texts to an officer: the page shows them all.
OFTEN = timedelta(seconds=60)


def notify(officer: Officer, words: str, *, key: str, once_in: timedelta | None = None, practice: bool = False) -> None:
    """Tell one officer by work email, and by work mobile where one is known. `key` names the cause.

    With `once_in`, nothing goes to an officer who had a notice within that time. What is of a practice alert reaches
    nothing but the catchers.
    """
    if once_in is not None and _told_since(officer, once_in):
        return
    url = links.absolute(links.desk())
    whole = f"{words} Sign in to see it: {url}"
    content = post.Content(
        sender_name="Alert desk",
        subject=words,
        text=f"{whole}\n",
        html=f'<p>{words}</p><p><a href="{url}">Sign in to see it</a></p>',
        sms=whole,
        auto_submitted=True,
        replies=False,
        unsubscribe=False,
    )
    addresses = [post.Address(officer.key, Channel.EMAIL, officer.email)]
    if officer.mobile:
        addresses.append(post.Address(officer.key, Channel.SMS, phones.mobile(officer.mobile)))
    for address in addresses:
        post.post(
            content,
            authority=post.Authority("notice", key),
            stream="notice",
            lane=Lane.NOW,
            to=address,
            practice=practice,
        )


def _told_since(officer: Officer, within: timedelta) -> bool:
    """Whether a notice was made for this officer within a time."""
    told = Delivery.objects.filter(recipient_key=officer.key, mailing__authority_kind="notice")
    return told.filter(mailing__created_at__gt=clock.now() - within).exists()
