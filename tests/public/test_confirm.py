"""The pages of confirming, and where a sign-up came from: a look changes nothing, a press of the button does."""

import pytest
from django.test import Client

from bell.lib import clock, links
from bell.residents import paper, paper_confirm
from bell.residents.models import PaperForm, PendingJoin, Resident
from tests.public.conftest import NEW, plain, the_code
from tests.residents.paper_people import entry, file, png
from tests.residents.test_paper_confirm import code_to


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.PAPER_DIR = tmp_path / "paper"
    settings.SITE_URL = "https://alert.example"


@pytest.fixture
def link(cast) -> str:
    """The link in the message to somebody whose form was entered."""
    bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=1, by=cast.author)
    paper.keep_scans(bundle, [file(png())], by=cast.author)
    filled = entry("canary@home.example", name="Canary Wharf", postal="1 Canary Row")
    paper.enter(bundle.forms.get(), filled, by=cast.author)
    return links.confirm(code_to("canary@home.example"))


def test_opening_the_link_changes_nothing(client, link):
    for method in (client.get, client.head, client.options):
        method(link)
    page = client.get(link)
    assert page.status_code == 200 and PendingJoin.objects.count() == 1 and not Resident.objects.exists()
    assert "no-store" in page["Cache-Control"] and page["Referrer-Policy"] == "no-referrer"
    assert "noindex" in page["X-Robots-Tag"]


def test_the_page_shows_nothing_of_the_person(client, link):
    words = client.get(link).content.decode()
    assert "Canary" not in words and "canary" not in words and "DE75" not in words
    assert "Heanor SNT" in words and "may send me messages" in words


def test_the_button_confirms_with_no_cookie_and_no_token(link):
    strict = Client(enforce_csrf_checks=True)
    done = strict.post(link)
    assert done.status_code == 302 and done["Location"] == "/confirm/done/"
    assert strict.get("/confirm/done/").status_code == 200
    assert Resident.objects.get().name == "Canary Wharf"
    assert "resident" not in strict.session, "a forwarded link signs nobody in"
    again = strict.post(link)
    assert again.status_code == 404 and "used already" in again.content.decode()
    assert Resident.objects.count() == 1


def test_it_was_not_me(client, link):
    assert client.get(f"{link}no/").status_code == 405
    assert client.post(f"{link}no/").status_code == 200
    assert not PendingJoin.objects.exists() and PaperForm.objects.get().state == PaperForm.State.REFUSED
    assert client.post(f"{link}no/").status_code == 404 and client.get(link).status_code == 404


def test_a_typed_code_leads_to_the_same_page(client, link):
    code = link.split("/")[2]
    there = client.post("/confirm/", {"code": f" {code.lower().replace('-', ' ')} "})
    assert there.status_code == 302 and there["Location"] == link
    assert not Resident.objects.exists(), "typing is not agreeing"


@pytest.mark.parametrize("typed", ["", "1234", "BCDF-GHJK-MNPQ", "x" * 4000, "\0", "<script>"])
def test_a_wrong_code_is_said_in_words(client, link, typed):
    page = client.post("/confirm/", {"code": typed})
    assert page.status_code == 200 and "There is a problem" in page.content.decode()


@pytest.mark.parametrize("code", ["BCDF-GHJK-MNPQ", "x", "..%2f", "%00", "é" * 30, "x" * 900])
def test_links_of_nothing(client, cast, code):
    assert client.get(f"/confirm/{code}/").status_code == 404
    assert client.post(f"/confirm/{code}/").status_code == 404


def test_used_and_unknown_look_alike(client, link):
    paper_confirm.confirm(link.split("/")[2])
    used, unknown = client.get(link), client.get("/confirm/BCDF-GHJK-MNPQ/")
    assert used.status_code == unknown.status_code == 404 and plain(used.content) == plain(unknown.content)


def join_online(client: Client) -> Resident:
    client.post("/join/place/", {"postcode": "DE75 7AB"})
    client.post("/join/contact/", {"email": NEW})
    client.post("/join/code/", {"email": the_code(NEW)})
    client.post("/join/kinds/", {"email_kinds": ["crime"]})
    client.post("/join/groups/", {})
    page = client.get("/join/finish/")
    chosen = page.context["form"]["organisations"].value()
    client.post("/join/finish/", {"organisations": chosen})
    return Resident.objects.get()


def test_a_posters_code_is_kept_until_one_has_joined(client, cast):
    source = paper.make_source(cast.team, label="Heanor library", by=cast.author)
    client.get(f"/join/?from={source.code.lower()}")
    assert join_online(client).source == source.code


@pytest.mark.parametrize("code", ["", "BCDFGH", "x" * 500, "%00", "é", "<script>", "'; --"])
def test_a_code_that_is_none_of_ours_is_forgotten(client, cast, code):
    assert client.get(f"/join/?from={code}").status_code == 200
    assert "source" not in client.session
    assert join_online(client).source == ""
