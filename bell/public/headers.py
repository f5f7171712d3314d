"""What pages tell browsers, caches and search engines about themselves."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponseBase

View = Callable[..., HttpResponseBase]

PUBLIC_SECONDS = 60


def secret_link(view: View) -> View:
    """A page whose address is a secret: kept by no cache or search engine, named to no page one goes to from here.

    A browser that is told "no-referrer" sends "Origin: null" with the form, which Django's CSRF check would refuse.
    These pages need no such check: whoever posts must know the address, and no cookie is looked at.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]  # what csrf_exempt() sets
    return wrapped


def own_page(view: View) -> View:
    """A page of one person's session: kept by no cache or search engine; other sites never hear its address."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store, private"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    return wrapped


def cacheable(response: HttpResponseBase, seconds: int = PUBLIC_SECONDS) -> HttpResponseBase:
    """The same for everybody: may be kept by anyone for so many seconds (0: asked for again each time)."""
    response.headers["Cache-Control"] = f"public, max-age={seconds}" if seconds else "no-cache"
    return response
