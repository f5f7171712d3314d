"""The tags a page builder needs: {% load bell_ui %}. Each has its one-line use in docs/ui.md."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import template
from django.core.paginator import Page
from django.template.context import Context
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from bell.ui.forms import problems
from bell.ui.icons import ICONS, MARK

register = template.Library()

_TAG_COLOURS = {"green", "amber", "red", "blue", "purple", "grey", "solid"}
_NOTE_ICONS = {"success": "check-circle", "warning": "warning", "error": "warning", "info": "info"}


@register.simple_tag
def icon(name: str, label: str = "", **attrs: str) -> SafeString:
    """One of ui/icons.py drawn inline: {% icon "pin" %}. Silent to screen readers unless it has a label."""
    return _drawn(name, label, attrs.get("class", ""))


@lru_cache(maxsize=512)
def _drawn(name: str, label: str, more: str) -> SafeString:
    """The icon's SVG, put together once: every page has a dozen."""
    classes = f"app-icon {more}".strip()
    voice = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    if name == "bell-mark":
        return format_html(
            '<svg class="{}" viewBox="0 0 32 32" width="32" height="32" focusable="false" {}>{}</svg>',
            classes,
            voice,
            mark_safe(MARK),
        )
    return format_html(
        '<svg class="{}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" focusable="false" {}>{}</svg>',
        classes,
        voice,
        mark_safe(ICONS[name]),  # our own drawings; an unknown name is a mistake to hear of at once
    )


@register.simple_tag
def button(text: str, kind: str = "", href: str = "", icon_name: str = "", **attrs: Any) -> SafeString:
    """A button, or a link that looks like one: {% button "Send" kind="secondary" hx_post="/x/" %}.

    `kind`: "" (the one thing to do here), "secondary", "quiet", "warning", "start", or several, "small secondary".
    Attributes: an underscore becomes a hyphen; `name_`-like trailing underscores are dropped; True is a bare attribute.
    """
    classes = ["govuk-button", *(f"govuk-button--{one}" for one in kind.split())]
    if "class" in attrs:
        classes.append(str(attrs.pop("class")))
    inner = format_html("{}{}", icon(icon_name) if icon_name else "", text)
    rest = _attributes(attrs)
    if href:
        return format_html(
            '<a href="{}" role="button" draggable="false" class="{}" data-module="govuk-button"{}>{}</a>',
            href,
            " ".join(classes),
            rest,
            inner,
        )
    kind_of_button = attrs.pop("type", "submit")
    rest = _attributes(attrs)
    return format_html(
        '<button type="{}" class="{}" data-module="govuk-button"{}>{}</button>',
        kind_of_button,
        " ".join(classes),
        rest,
        inner,
    )


@register.simple_tag
def tag(text: str, colour: str = "grey") -> SafeString:
    """A small word of state: {% tag "Sent" "green" %}. Colours: green amber red blue purple grey solid."""
    shade = colour if colour in _TAG_COLOURS else "grey"
    return format_html('<strong class="app-tag app-tag--{}">{}</strong>', shade, text)


@register.simple_tag
def field(bound: Any, **options: Any) -> SafeString:
    """One form field with label, hint and error: {% field form.postcode size="l" heading=True %}.

    Options: size (s m l xl), heading (the label is the page's h1), label, hide_label, optional=False (no "(optional)"),
    shown_when="kind=theft,appeal" (hidden by script until the named field has one of the values).
    """
    context = {"field": bound, **options}
    return mark_safe(str(bound.form.renderer.render("django/forms/field.html", context)))


@register.inclusion_tag("ui/tags/error_summary.html")
def error_summary(*forms: Any) -> dict[str, Any]:
    """ "There is a problem" with links to the fields; nothing when all is well. Stands first in block main."""
    return {"problems": problems(*forms)}


@register.simple_tag(takes_context=True)
def error_prefix(context: Context) -> str:
    """ "Error: " for the title of a page whose `form`, or one of whose `forms`, has errors."""
    found = [context.get("form"), *_iterable(context.get("forms"))]
    return "Error: " if any(problems(form) for form in found if hasattr(form, "non_field_errors")) else ""


@register.inclusion_tag("ui/tags/notification.html")
def notification(text: Any, kind: str = "info", title: str = "") -> dict[str, Any]:
    """A note in the page: {% notification "Saved" kind="success" title="" %}. Kinds: success info warning error."""
    kind = {"debug": "info"}.get(kind, kind)
    kind = kind if kind in _NOTE_ICONS else "info"
    return {"text": text, "kind": kind, "title": title, "icon": _NOTE_ICONS[kind]}


@register.inclusion_tag("ui/tags/crumbs.html")
def crumbs(*parts: str) -> dict[str, Any]:
    """The trail: {% crumbs "Home" "/" "Messages" "/m/" "This one" %}; a last text without an address is this page."""
    pairs = [(parts[i], parts[i + 1] if i + 1 < len(parts) else "") for i in range(0, len(parts), 2)]
    return {"trail": pairs}


@register.simple_tag
def back(href: str, text: str = "Back") -> SafeString:
    """A way back, in block before: {% back "/join/" %}."""
    return format_html('<nav aria-label="Back"><a href="{}" class="govuk-back-link">{}</a></nav>', href, text)


@register.simple_tag(takes_context=True)
def nav_link(
    context: Context, text: str, href: str, count: int = 0, icon_name: str = "", exact: bool = False
) -> SafeString:
    """An item of a shell's navigation: {% nav_link "Inbox" "/desk/inbox/" count=3 %}. Marks the page one is on."""
    request = context.get("request")
    path = getattr(request, "path", "")
    here = path == href or (not exact and href != "/" and path.startswith(href))
    return format_html(
        '<li class="app-nav__item"><a class="app-nav__link" href="{}"{}>{}{}{}</a></li>',
        href,
        mark_safe(' aria-current="page"') if here else "",
        icon(icon_name) if icon_name else "",
        text,
        format_html(' <span class="app-count">{}</span>', count) if count else "",
    )


@register.inclusion_tag("ui/tags/pagination.html", takes_context=True)
def pagination(context: Context, page: Page[Any], label: str = "Pages") -> dict[str, Any]:
    """Links to the other pages of a list, keeping the query: {% pagination page %} (a Django Page)."""
    numbers = list(page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1))
    return {"page": page, "numbers": numbers, "label": label, "request": context.get("request")}


@register.inclusion_tag("ui/tags/summary.html")
def summary(rows: Iterable[Any]) -> dict[str, Any]:
    """Keys and values: {% summary rows %}; a row is a dict key, value, href, action or a tuple in that order."""
    names = ("key", "value", "href", "action")
    dicts = [row if isinstance(row, dict) else dict(zip(names, row, strict=False)) for row in rows]
    return {"rows": dicts, "any_action": any(row.get("href") for row in dicts)}


@register.simple_tag
def stat(number: Any, words: str, note: str = "", tone: str = "") -> SafeString:
    """A figure to see at once: {% stat 41200 "residents" note="+312 this week" tone="good" %} inside app-stats."""
    return format_html(
        '<div class="app-stat{}"><dt class="app-stat__words">{}</dt><dd class="app-stat__number">{}{}</dd></div>',
        f" app-stat--{tone}" if tone else "",
        words,
        f"{number:,}" if isinstance(number, int) else number,
        format_html('<span class="app-stat__note">{}</span>', note) if note else "",
    )


@register.simple_tag
def map_assets(edit: bool = False) -> SafeString:
    """In block head of every page with a class app-map; edit=True adds drawing."""
    sheets = ["leaflet/leaflet.css", *(["geoman/leaflet-geoman.css"] if edit else []), "ui/css/map.css"]
    scripts = ["leaflet/leaflet.js", *(["geoman/leaflet-geoman.min.js"] if edit else [])]
    return format_html(
        '{}{}<script type="module" src="{}"></script>',
        format_html_join("", '<link rel="stylesheet" href="{}">', ((static(path),) for path in sheets)),
        format_html_join("", '<script src="{}" defer></script>', ((static(path),) for path in scripts)),
        static("ui/js/map.js"),
    )


@register.simple_tag
def help_details(text: str, body: str) -> SafeString:
    """A closed part that opens by a click: {% help_details "Why we ask" "…" %}."""
    return mark_safe(render_to_string("ui/tags/details.html", {"text": text, "body": body}))


def _attributes(attrs: dict[str, Any]) -> SafeString:
    pairs = [(name.rstrip("_").replace("_", "-"), value) for name, value in attrs.items() if value not in (False, None)]
    return format_html_join(
        "", "{}", ((format_html(" {}", n) if v is True else format_html(' {}="{}"', n, v),) for n, v in pairs)
    )


def _iterable(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
