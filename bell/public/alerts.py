"""The front page, the alerts and each alert's own page: the same for everybody."""

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from bell.alerts import ballots, calendars, content, find, partners, rules
from bell.alerts.models import Alert
from bell.evidence import rules as evidence
from bell.insight import surveys
from bell.lib import links
from bell.organisations import kinds, languages
from bell.public import routes, where
from bell.public.forms import NearForm
from bell.public.headers import PUBLIC_SECONDS, cacheable
from bell.public.kept import keep
from bell.public.shown import show, show_all, story, takes_answers
from bell.sharing import find as sharing
from bell.sharing import pictures

LATEST = 4
A_PAGE = 20
# An update shows within two seconds wherever a page is kept: one here, one in a browser or a cache before us.
PAGE_SECONDS = 1
_A_DAY = 24 * 60 * 60
_LONGEST_REFERENCE = 12
_LONGEST_SEARCH = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this is; what happened near a postcode, or lately."""
    asked = "postcode" in request.GET
    form = NearForm(request.GET) if asked else NearForm()
    near = None
    if asked and form.is_valid() and form.spot is not None:
        near = show_all(find.near(form.spot.lon, form.spot.lat))
    latest = [] if near is not None else show_all(_first_alerts()[:LATEST])
    response = render(request, "public/home.html", {"form": form, "near": near, "latest": latest})
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _first_alerts() -> QuerySet[Alert]:
    """Public alerts that follow no other, newest first."""
    return (
        Alert.objects.public()
        .filter(follows=None)
        .select_related("team", "organisation")
        .prefetch_related("organisation__names")
        .order_by("-sent_at", "-pk")
    )


@require_safe
def alerts(request: HttpRequest) -> HttpResponse:
    """All public alerts, newest first, or those whose words were searched for."""
    words = request.GET.get("q", "").strip()[:_LONGEST_SEARCH]
    rows = sharing.search(words) if words else _first_alerts()
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "public/alerts.html", {"page": page, "alerts": show_all(page.object_list), "words": words})


def public_alert(reference: str) -> Alert:
    """The public alert of a reference in upper or lower case; 404 for all others."""
    if len(reference) > _LONGEST_REFERENCE or not reference.isascii() or not reference.isprintable():
        raise Http404
    found = Alert.objects.public().select_related("team", "organisation").filter(reference=reference.upper()).order_by()
    alert = next(iter(found), None)
    if alert is None:
        raise Http404
    return alert


def seconds(alert: Alert, most: int = PAGE_SECONDS) -> int:
    """A missing person's page changes at once when the person is found (promises.md): no cache may keep it."""
    first = where.first_of(alert)
    return 0 if first.kind == kinds.Kind.MISSING else most


def _with_line(reference: str) -> tuple[Alert, find.Line]:
    """The public alert and its line, of one moment: what changes after it is seen at the next hit."""
    found = public_alert(reference)
    line = find.Line.around(found)
    return (found if line.holds(found) else public_alert(reference)), line


@require_safe
def alert(request: HttpRequest, reference: str) -> HttpResponseBase:
    """One alert with its facts, its area, what came after, and the other ways to help."""
    found, line = _with_line(reference)
    if reference != found.reference:
        return redirect(links.alert_page(found.reference))
    shown = show(found)
    earlier = Alert.objects.public().filter(pk=found.follows_id).first() if found.follows_id else None
    context = {
        "alert": shown,
        "picture": None if shown.hidden else content.picture(rules.snapshot(found)),
        "tongues": [] if shown.hidden else [languages.of(tag) for tag in found.languages],
        "answers": takes_answers(found),
        "area": "" if shown.hidden else where.said(found),
        "calendar": links.calendar(found.reference)
        if calendars.begins(found.kind, found.fields) and not shown.hidden
        else "",
        "groups": "" if shown.hidden else where.groups(found),
        "votes": (survey := ballots.of(found)) is not None and ballots.is_open(survey),
        "result": surveys.public(survey) if survey else None,
        "map_url": f"{links.alert_page(found.reference)}map.json",
        "story": story(found, hidden=shown.hidden),
        "carried": partners.carrier_names(found),
        "earlier": show(earlier) if earlier else None,
        "footage": links.footage(found.reference) if evidence.takes_footage(evidence.appeal_of(found)) else "",
        "routes": routes.of(found.organisation, in_alerts=True),
        "page_url": links.absolute(links.alert_page(found.reference)),
        "card_url": links.absolute(f"{links.alert_page(found.reference)}card.png"),
        "card_words": pictures.words_of_public(found),
    }
    response = cacheable(render(request, "public/alert.html", context), seconds(found))
    return keep(response, line)


@require_safe
def alert_map(request: HttpRequest, reference: str) -> HttpResponseBase:
    """The alert's areas and shapes as GeoJSON; nothing once its person was found."""
    found, line = _with_line(reference)
    shapes = {"type": "FeatureCollection", "features": []} if show(found).hidden else where.features(found)
    return keep(cacheable(JsonResponse(shapes), seconds(found, PUBLIC_SECONDS)), line)


@require_safe
def event(request: HttpRequest, reference: str) -> HttpResponseBase:
    """An event for one's own calendar; 404 for an alert that is none, or whose time stands in words alone."""
    found = public_alert(reference)
    file = None if show(found).hidden else calendars.of(found)
    if file is None:
        raise Http404
    response = HttpResponse(file, content_type="text/calendar; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{found.reference}.ics"'
    return cacheable(response, PUBLIC_SECONDS)


@gzip_page
@require_safe
def card(request: HttpRequest, reference: str) -> HttpResponseBase:
    """The picture card of a public alert; of an ended search one that says only that."""
    found = public_alert(reference)
    return cacheable(HttpResponse(pictures.of_public(found), content_type="image/png"), seconds(found, PUBLIC_SECONDS))


@require_safe
def base_map(request: HttpRequest) -> HttpResponseBase:
    """Our own areas: the map that everything lies on, with no help from other sites."""
    return cacheable(JsonResponse(where.base()), _A_DAY)
