"""Notices to officers, by the lane `now`: that something waits, never what (the content stays behind sign-in)."""

from bell.delivery import post
from bell.delivery.models import Channel, Lane
from bell.lib import links, phones
from bell.organisations.models import Officer


def notify(officer: Officer, words: str, *, key: str) -> None:
    """Tell one officer by work email, and by work mobile where one is known. `key` names the cause."""
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
        post.post(content, authority=post.Authority("notice", key), stream="notice", lane=Lane.NOW, to=address)
