"""The small page that other sites may put into a frame: the newest messages of one area.

It is the only page that may be framed elsewhere. It sets no cookie, reads no session, runs no script and has no form,
so that a frame has nothing to steal a click for.
"""

from csp.constants import NONE, SELF
from csp.decorators import csp_replace
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import require_safe

from bell.lib import links
from bell.public.areas import area_of, path_of
from bell.public.headers import PUBLIC_SECONDS, cacheable
from bell.public.shown import show_all
from bell.sharing import find

MOST = 6
_POLICY = {
    "default-src": [NONE],
    "script-src": [NONE],
    "style-src": [SELF],
    "font-src": [SELF],
    "img-src": [SELF],
    "connect-src": [NONE],
    "manifest-src": [NONE],
    "form-action": [NONE],
    "frame-ancestors": ["*"],
}


@xframe_options_exempt
@csp_replace(_POLICY)  # type: ignore[arg-type]  # the library knows only views without arguments
@require_safe
def embed(request: HttpRequest, kind: str, code: str) -> HttpResponseBase:
    """The newest messages of an area, each a link that opens our own page in a new tab."""
    here = area_of(kind, code)
    found = find.of_area(here, most=MOST)
    shown = [(one, links.absolute(links.alert_page(one.reference))) for one in show_all(found)]
    context = {"area": here, "alerts": shown, "page": links.absolute(path_of(here))}
    seconds = PUBLIC_SECONDS if all(map(find.lasting, found)) else 0
    return cacheable(render(request, "public/embed.html", context), seconds)
