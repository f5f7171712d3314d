"""Links: paths stay on the site whatever is put into them."""

import pytest

from bell.lib import links


def test_absolute_links_begin_with_the_site(settings):
    settings.SITE_URL = "https://alert.example/"
    assert links.absolute(links.home()) == "https://alert.example/"
    assert links.absolute(links.account()) == "https://alert.example/account/"
    assert links.absolute("join/") == "https://alert.example/join/"


@pytest.mark.parametrize("path", [links.alert_page, links.answer, links.unsubscribe, links.confirm])
def test_values_cannot_leave_their_place_in_the_path(path):
    made = path("../../x?y#z /é")
    assert made.count("/") == 3
    assert not set("?# é") & set(made)


def test_the_paths_the_messages_carry():
    assert links.alert_page("DA-7K3") == "/a/DA-7K3/"
    assert links.answer("abc") == "/r/abc/"
    assert links.unsubscribe("abc") == "/u/abc/"
    assert links.join_from("BCD") == "/join/?from=BCD"
    assert links.confirm() == "/confirm/"
    assert links.confirm("BCDF-GHJK-MNPQ") == "/confirm/BCDF-GHJK-MNPQ/"
