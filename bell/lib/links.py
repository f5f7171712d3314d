"""Every path that messages carry, in one place, so that no room below reverses a face's URL.

The faces' URLconfs serve these paths; a test holds the two together.
"""

from urllib.parse import quote, urlsplit

from django.conf import settings


def absolute(path: str) -> str:
    """The full address of a path on this site."""
    return f"{settings.SITE_URL.rstrip('/')}/{path.lstrip('/')}"


def host() -> str:
    """The host name of this site."""
    return urlsplit(settings.SITE_URL).hostname or "localhost"


def home() -> str:
    """The public front page."""
    return "/"


def alert_page(reference: str, language: str = "") -> str:
    """The public page of one alert by its reference; with a language's tag, the page in that language."""
    page = f"/a/{quote(reference, safe='')}/"
    return f"{page}in/{quote(language, safe='')}/" if language else page


def picture(reference: str) -> str:
    """The picture of an alert."""
    return f"{alert_page(reference)}picture.jpg"


def calendar(reference: str) -> str:
    """The calendar file of an event."""
    return f"{alert_page(reference)}event.ics"


def answer(token: str) -> str:
    """The page that answers one delivery, without signing in (token of purpose "answer")."""
    return f"/r/{quote(token, safe='')}/"


def footage(reference: str) -> str:
    """The page where anyone sends footage to an appeal: the one that posters carry as a QR code."""
    return f"{alert_page(reference)}footage/"


def answer_footage(token: str) -> str:
    """The page where the person of one delivery sends footage (token of purpose "answer")."""
    return f"{answer(token)}footage/"


def unsubscribe(token: str) -> str:
    """The page and one-click target (RFC 8058) that ends one stream for one person."""
    return f"/u/{quote(token, safe='')}/"


def join() -> str:
    """Where a resident signs up."""
    return "/join/"


def join_from(code: str) -> str:
    """The same from a poster or form with this source code."""
    return f"/join/?from={quote(code, safe='')}"


def confirm(code: str = "") -> str:
    """Where somebody from paper or door confirms: with a code its own page, without one the page that asks for it."""
    return f"/confirm/{quote(code, safe='')}/" if code else "/confirm/"


def sign_in() -> str:
    """Where a resident signs in by a one-time code."""
    return "/sign-in/"


def account() -> str:
    """A resident's own preferences."""
    return "/account/"


def how_often() -> str:
    """Where a resident chooses between messages at once and a daily or weekly digest."""
    return f"{account()}digest/"


def genuine(reference: str = "") -> str:
    """How to tell whether a message is really ours; with a reference, what is known of it."""
    return f"/genuine/?code={quote(reference, safe='')}" if reference else "/genuine/"


def privacy() -> str:
    """The privacy promise."""
    return "/privacy/"


def contact() -> str:
    """How to reach us otherwise."""
    return "/contact/"


def desk() -> str:
    """The officers' front page."""
    return "/desk/"


def receipt(gateway: str, reference: str) -> str:
    """Where a gateway that knows no reference of ours reports what became of a text (token of purpose "text")."""
    return f"/gateways/{gateway}/receipt/?ref={quote(reference, safe='')}"
