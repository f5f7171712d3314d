"""The picture on the public page; and how name and picture of a missing person go everywhere at once."""

import pytest

from bell.alerts import actions, dispatch, pictures
from bell.alerts.models import Alert
from bell.lib import clock
from bell.organisations.kinds import Kind
from tests.alerts.test_languages import POLISH
from tests.lib.pictures import photo

NAME = "Joan Example"


def sent(cast, **changes):
    alert = pictures.attach(cast.draft(**changes), by=cast.author, alt="Smiling, grey hair", data=photo())
    cast.approved(alert)
    return out(alert)


def out(alert):
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    return Alert.objects.get(pk=alert.pk)


def test_it_stands_on_the_page_from_our_own_path(cast, client):
    alert = sent(cast)
    page = client.get(f"/a/{alert.reference}/").content.decode()
    assert f'src="/a/{alert.reference}/picture.jpg?v=' in page and 'alt="Smiling, grey hair"' in page
    got = client.get(f"/a/{alert.reference}/picture.jpg")
    assert got["Content-Type"] == "image/jpeg" and got.content == bytes(alert.picture.data)
    assert "public" in got["Cache-Control"] and got["X-Content-Type-Options"] == "nosniff"


def test_without_one_there_is_none(cast, client):
    alert, _ = cast.approved()
    alert = out(alert)
    assert client.get(f"/a/{alert.reference}/picture.jpg").status_code == 404
    assert "picture.jpg" not in client.get(f"/a/{alert.reference}/").content.decode()


@pytest.mark.parametrize("practice", [False, True])
def test_what_did_not_go_out_shows_none(cast, client, practice):
    alert = pictures.attach(cast.draft(), by=cast.author, alt="A van", data=photo())
    Alert.objects.filter(pk=alert.pk).update(practice=practice, state="sent" if practice else "draft")
    assert client.get(f"/a/{alert.reference}/picture.jpg").status_code == 404


@pytest.mark.parametrize("relation", ["stand-down", "outcome"])
def test_once_found_name_and_picture_are_gone_everywhere(cast, client, at_desk_of, relation):
    alert = sent(
        cast, kind=Kind.MISSING, title=f"Missing: {NAME}", body=f"Have you seen {NAME}?",
        fields={"description": f"{NAME} wears a red coat"}, languages={"pl": POLISH | {"title": f"Zaginiona: {NAME}"}},
    )  # fmt: skip
    here = f"/a/{alert.reference}/"
    places = [
        here, f"{here}in/pl/", f"{here}map.json", f"{here}picture.jpg", "/", "/alerts/", f"/alerts/?q={NAME}",
        "/feed.atom", "/area/ward/W1/", "/area/ward/W1/feed.atom", f"/genuine/?code={alert.reference}",
    ]  # fmt: skip
    before = [client.get(place) for place in places]
    assert NAME in before[0].content.decode() and before[3].status_code == 200
    assert before[0]["Cache-Control"] == before[3]["Cache-Control"] == "no-cache"
    follow = actions.follow_up(alert, relation=relation, by=cast.author)
    assert follow.picture is None
    follow = actions.edit(follow, by=cast.author, title="Found", body="Thank you.")
    version = actions.submit(follow, by=cast.author)
    actions.approve(version, by=cast.approver, digest=version.digest, reason="Found.")
    follow = out(follow)
    for place in [*places, f"/a/{follow.reference}/", f"/a/{follow.reference}/picture.jpg"]:
        for words in (NAME, "red coat", "Smiling", "picture.jpg"):
            searched = place.endswith(words)  # a search shows what was searched for
            assert searched or words not in client.get(place, follow=True).content.decode(), (place, words)
    assert client.get(f"{here}picture.jpg").status_code == 404
    kit = at_desk_of("author").get(f"/desk/alerts/{alert.reference}/share/").content.decode().split("<main")[1]
    assert "red coat" not in kit and kit.count(NAME) == 1  # the heading of the officers' own page
