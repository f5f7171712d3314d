"""The picture's page at the desk: chosen without scripts, refused in words, seen by those who may see the alert."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from bell.alerts import actions, pictures
from bell.alerts.models import Alert
from tests.lib.pictures import bomb, photo
from tests.staff.test_composing import path, sent


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


def given(data=None, alt="A grey van", **more):
    file = {} if data is None else {"file": SimpleUploadedFile("van.jpg", data)}
    return {"do": "keep", "alt": alt, **file, **more}


def test_a_picture_is_added_from_the_composer_and_no_word_is_lost(cast, desk, alert):
    response = desk.post(path(alert), sent(cast, do="picture", title="Typed before"))
    assert response.url == path(alert, "picture")
    assert desk.get(response.url).status_code == 200
    assert desk.post(response.url, given(photo())).url == path(alert)
    alert.refresh_from_db()
    assert alert.title == "Typed before" and alert.picture_alt == "A grey van"
    page = desk.get(path(alert)).content.decode()
    url = f"{path(alert, 'picture')}{alert.picture.sha256}.jpg"
    assert page.count(url) == 2 and 'alt="A grey van"' in page and "kB to every email" in page
    seen = desk.get(url)
    assert seen["Content-Type"] == "image/jpeg" and seen.content == bytes(alert.picture.data)
    assert "no-store" in seen["Cache-Control"]


@pytest.mark.parametrize("data", [b"", b"hello", bomb(), photo()[:100]])
def test_what_is_no_picture_is_refused_in_words(desk, alert, data):
    page = desk.post(path(alert, "picture"), given(data)).content.decode()
    assert "There is a problem" in page and 'href="#id_file"' in page
    alert.refresh_from_db()
    assert alert.picture is None


def test_a_picture_needs_words(desk, alert):
    page = desk.post(path(alert, "picture"), given(photo(), alt=" ")).content.decode()
    assert "Describe the picture for people who cannot see it" in page


def test_it_is_described_anew_and_removed(cast, desk, alert):
    pictures.attach(alert, by=cast.author, alt="A van", data=photo())
    desk.post(path(alert, "picture"), given(alt="A grey van"))
    alert.refresh_from_db()
    assert alert.picture_alt == "A grey van"
    assert desk.post(path(alert, "picture"), {"do": "remove"}).url == path(alert)
    alert.refresh_from_db()
    assert alert.picture is None and alert.picture_alt == ""


def test_the_approver_sees_it_and_what_it_adds(cast, at_desk, alert):
    for _ in range(3):
        cast.resident()
    version = actions.submit(pictures.attach(alert, by=cast.author, alt="A van", data=photo()), by=cast.author)
    client = at_desk("approver")
    page = client.get(path(alert, "approve")).content.decode()
    url = f"{path(alert, 'picture')}{version.frozen['picture']['sha256']}.jpg"
    assert url in page and "for 3 emails" in page
    assert client.get(url).status_code == 200


def test_a_changed_picture_is_named_among_the_changes(cast, at_desk, alert):
    version = actions.submit(pictures.attach(alert, by=cast.author, alt="A van", data=photo()), by=cast.author)
    actions.turn_back(version, by=cast.approver, reason="Which van?")
    alert.refresh_from_db()
    actions.submit(pictures.attach(alert, by=cast.author, alt="Another", data=photo(640, 480)), by=cast.author)
    page = at_desk("approver").get(path(alert, "approve")).content.decode()
    # PostgreSQL keeps the keys of JSON in an order of its own.
    assert "Changed: picture, " in page and "picture, sha256" in page and "picture, alt" in page


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_a_stranger_finds_nothing(cast, at_desk, alert, who):
    pictures.attach(alert, by=cast.author, alt="A van", data=photo())
    alert.refresh_from_db()
    client = at_desk(who)
    assert client.get(path(alert, "picture")).status_code == 404
    assert client.post(path(alert, "picture"), given(photo())).status_code == 404
    assert client.get(f"{path(alert, 'picture')}{alert.picture.sha256}.jpg").status_code == 404


def test_who_may_only_look_changes_nothing(cast, at_desk, alert):
    client = at_desk("administrator")
    assert client.post(path(alert, "picture"), given(photo())).status_code == 302
    alert.refresh_from_db()
    assert alert.picture is None


@pytest.mark.parametrize("sha", ["0" * 64, "x", "a" * 300])
def test_no_other_picture_is_given_out(cast, desk, alert, sha):
    other = pictures.attach(cast.draft(), by=cast.author, alt="A van", data=photo())
    assert desk.get(f"{path(alert, 'picture')}{sha}.jpg").status_code == 404
    assert desk.get(f"{path(alert, 'picture')}{other.picture.sha256}.jpg").status_code == 404
