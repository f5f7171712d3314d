"""Pages of words, and what all pages have in common."""

import re

import pytest

from bell.lib import links
from bell.organisations.models import Organisation, Route
from tests.public.conftest import answer_link, send, stop_link

OPEN = [
    "/",
    "/alerts/",
    "/privacy/",
    "/accessibility/",
    "/contact/",
    "/join/",
    "/join/place/",
    "/join/place/map/",
    "/sign-in/",
    "/left/",
]


def test_contact_shows_the_data_of_the_force_and_its_partners(client, cast):
    Route.objects.create(
        organisation=cast.partner,
        sort=Route.Sort.ONLINE,
        label="Website",
        value="council.example",
        url="https://council.example/",
    )
    words = client.get("/contact/").content.decode()
    for held in (
        "999",
        "101",
        "Crimestoppers",
        "@testshire",
        "https://social.example/@testshire",
        "Police House<br>",
        "Test Council",
    ):
        assert held in words
    Organisation.objects.filter(pk=cast.partner.pk).update(active=False)
    assert "Test Council" not in client.get("/contact/").content.decode()


def test_robots_stay_away_from_secret_addresses(client, db):
    words = client.get("/robots.txt").content.decode().splitlines()
    assert words[0] == "User-agent: *"
    for path in ("/r/", "/u/", "/join/", "/account/", "/sign-in/", "/desk/"):
        assert f"Disallow: {path}" in words


@pytest.mark.parametrize("path", OPEN)
def test_pages_have_one_heading_a_title_and_nothing_inline(client, cast, path):
    words = client.get(path).content.decode()
    assert len(re.findall(r"<h1[ >]", words)) == 1
    assert re.search(r"<title>[^<]{4,} – Derbyshire Alert</title>", words)
    assert 'lang="en-GB"' in words and 'href="tel:999"' in words
    assert " style=" not in words and "<script>" not in words and not re.search(r"\son[a-z]+=", words)


@pytest.mark.parametrize("path", OPEN)
def test_nothing_is_loaded_from_elsewhere(client, cast, path):
    words = client.get(path).content.decode()
    assert not re.findall(r'(?:src|<link[^>]+href)="(?:https?:)?//', words)


def test_the_paths_that_messages_carry_are_served(client, cast, meg):
    alert = send(cast)
    for path in (
        links.home(),
        links.alert_page(alert.reference),
        links.join(),
        links.sign_in(),
        links.privacy(),
        answer_link(alert, meg),
        stop_link(meg, cast.force),
    ):
        assert client.get(path).status_code == 200
    assert client.get(links.account())["Location"] == links.sign_in()


@pytest.mark.parametrize("path", [path for path in OPEN if path != "/left/"])
def test_every_link_of_ours_leads_somewhere(client, cast, path):
    words = client.get(path).content.decode()
    ours = set(re.findall(r'href="(/[^"#]*)"', words)) - set(re.findall(r'href="(/static[^"]*)"', words))
    assert ours
    for link in ours:
        assert client.get(link.replace("&amp;", "&")).status_code in (200, 302), link
