"""The tags of bell_ui."""

import pytest
from django.core.paginator import Paginator
from django.template import Context, RequestContext, Template

from bell.ui.icons import ICONS

NASTY = '"><script>alert(1)</script>'


def render(source, request=None, **values):
    context = RequestContext(request, values) if request else Context(values)
    return Template("{% load bell_ui %}" + source).render(context)


@pytest.mark.parametrize(
    "source",
    [
        "{% button text %}",
        "{% button text href=text %}",
        "{% button text name=text hx_post=text %}",
        "{% tag text text %}",
        "{% notification text title=text kind=text %}",
        "{% crumbs text text text %}",
        "{% back text text %}",
        "{% nav_link text text %}",
        "{% stat text text note=text %}",
        "{% help_details text text %}",
        "{% summary rows %}",
        '{% icon "pin" label=text %}',
    ],
)
def test_no_tag_lets_text_become_markup(source):
    html = render(source, text=NASTY, rows=[(NASTY, NASTY, NASTY, NASTY)])
    assert "<script>" not in html
    assert "alert(1)" in html


def test_a_button_carries_attributes_with_hyphens():
    html = render('{% button "Go" kind="secondary small" hx_post="/x/" disabled=True name="act" value="go" %}')
    assert 'class="govuk-button govuk-button--secondary govuk-button--small"' in html
    for part in (' hx-post="/x/"', " disabled", ' name="act"', ' value="go"', 'type="submit"'):
        assert part in html
    assert "disabled=" not in html


def test_a_link_that_looks_like_a_button_is_a_link():
    assert render('{% button "Go" href="/x/" %}').startswith('<a href="/x/" role="button"')


def test_navigation_marks_the_page_one_is_on_and_its_children(rf):
    inside = rf.get("/desk/inbox/7/")
    assert "aria-current" in render('{% nav_link "Inbox" "/desk/inbox/" %}', inside)
    assert "aria-current" not in render('{% nav_link "Desk" "/desk/" exact=True %}', inside)
    assert "aria-current" not in render('{% nav_link "Home" "/" %}', inside)


def test_pagination_keeps_the_query_and_is_silent_on_one_page(rf):
    html = render("{% pagination page %}", rf.get("/x/?q=van&page=2"), page=Paginator(range(100), 10).page(2))
    assert "?q=van&amp;page=3" in html
    assert 'aria-current="page"' in html
    assert render("{% pagination page %}", rf.get("/x/"), page=Paginator(range(5), 10).page(1)).strip() == ""


def test_every_icon_draws_and_an_unknown_one_is_an_error():
    for name in [*ICONS, "bell-mark"]:
        assert render(f'{{% icon "{name}" %}}').startswith("<svg")
    with pytest.raises(KeyError):
        render('{% icon "crown" %}')


def test_a_silent_icon_is_hidden_and_a_speaking_one_has_a_name():
    assert 'aria-hidden="true"' in render('{% icon "pin" %}')
    assert 'role="img" aria-label="Where"' in render('{% icon "pin" label="Where" %}')
