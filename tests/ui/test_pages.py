"""The style page and the error pages render in the shells."""

import pytest
from django.views.csrf import csrf_failure

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.ui.urls")]


@pytest.mark.parametrize("path", ["/ui/", "/ui/desk/", "/ui/map/"])
def test_the_style_pages_render_without_inline_style_or_script(client, path):
    html = client.get(path).content.decode()
    assert '<main class="app-main' in html
    assert " style=" not in html
    assert "<script>" not in html
    assert " onclick=" not in html


def test_an_error_puts_the_word_in_front_of_the_title_and_links_to_each_field(client):
    html = client.get("/ui/?postcode=").content.decode()
    assert "<title>Error: Style" in html
    assert "There is a problem" in html
    for target in ("id_postcode", "id_way_0", "id_agree"):
        assert f'<a href="#{target}">' in html
        assert f'id="{target}"' in html


def test_a_page_without_errors_has_neither(client):
    html = client.get("/ui/").content.decode()
    assert "<title>Style" in html
    assert "There is a problem" not in html


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/bad/", 400, "could not understand"),
        ("/forbidden/", 403, "cannot open this page"),
        ("/missing/", 404, "Page not found"),
        ("/broken/", 500, "our mistake, not yours"),
    ],
)
def test_errors_keep_the_shell_and_say_what_happened(client, path, status, words):
    client.raise_request_exception = False
    response = client.get(path)
    html = response.content.decode()
    assert response.status_code == status
    assert words in html
    assert '<header class="app-top">' in html
    assert "on purpose" not in html


def test_a_form_without_its_token_gets_the_page_about_trying_again(settings, rf):
    html = csrf_failure(rf.post("/x/"), reason="none").content.decode()
    assert "Please try that again" in html
