"""The share kit at the desk: only from what was approved, only for the team, empty the moment it must be."""

import pytest

from bell.alerts import actions
from bell.alerts.models import Alert, State
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer
from bell.sharing import find
from tests.public.conftest import send
from tests.sharing.test_public import SECRET, missing, stand_down

pytestmark = pytest.mark.django_db


def kit_page(client, alert: Alert) -> str:
    response = client.get(f"/desk/alerts/{alert.reference}/share/")
    assert response.status_code == 200
    return response.content.decode()


def test_the_kit_is_made_from_the_approved_version(cast, at_desk):
    alert, _ = cast.approved(title="As approved")
    Alert.objects.filter(pk=alert.pk).update(title="Changed behind its back")
    page = kit_page(at_desk("author"), alert)
    posts = page[page.index("staff-posts") :]
    assert "As approved" in posts and "Changed behind" not in posts
    assert page.count("<textarea") == 8 and f"http://localhost:8000/a/{alert.reference}/" in posts
    assert "post after that" in page
    card = at_desk("author").get(f"/desk/alerts/{alert.reference}/share/card.png")
    assert card.content.startswith(b"\x89PNG") and "no-store" in card.headers["Cache-Control"]


@pytest.mark.parametrize("state", ["draft", "submitted", "returned", "rejected", "withdrawn", "stopped"])
def test_there_is_no_kit_before_approval_nor_after_a_stop(cast, at_desk, state):
    alert, _ = cast.approved(title=SECRET)
    Alert.objects.filter(pk=alert.pk).update(state=state)
    page = kit_page(at_desk("author"), alert)
    assert "<textarea" not in page
    assert at_desk("author").get(f"/desk/alerts/{alert.reference}/share/card.png").status_code == 204


def test_practice_has_no_kit(cast, at_desk):
    for officer in (cast.author, cast.approver):
        Officer.objects.filter(pk=officer.pk).update(practice=True)
        officer.refresh_from_db()
    alert, _ = cast.approved(title=SECRET)
    page = kit_page(at_desk("author"), alert)
    assert "practice" in page and "<textarea" not in page
    assert at_desk("author").get(f"/desk/alerts/{alert.reference}/share/card.png").status_code == 204
    for state in State.values:
        assert find.kit(Alert(pk=alert.pk, state=state, practice=True, kind=alert.kind)) is None


def test_a_found_person_empties_the_kit_of_the_whole_line(cast, at_desk):
    alert = missing(cast)
    assert SECRET in kit_page(at_desk("author"), alert)
    over = stand_down(cast, alert)
    for one in (alert, over):
        page = kit_page(at_desk("author"), one)
        assert "<textarea" not in page and "take those posts down" in page
        assert at_desk("author").get(f"/desk/alerts/{one.reference}/share/card.png").status_code == 204


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_to_strangers_there_is_no_kit(cast, at_desk, who):
    alert = send(cast)
    for path in ("share/", "share/card.png"):
        assert at_desk(who).get(f"/desk/alerts/{alert.reference}/{path}").status_code == 404


def test_the_alert_page_leads_to_its_kit_once_there_is_one(cast, at_desk):
    client, draft = at_desk("author"), cast.draft()
    assert "/share/" not in client.get(f"/desk/alerts/{draft.reference}/").content.decode()
    alert, _ = cast.approved(draft)
    assert f"/desk/alerts/{alert.reference}/share/" in client.get(f"/desk/alerts/{alert.reference}/").content.decode()


def test_an_appeal_says_what_to_look_for_and_not_to_answer_in_comments(cast, at_desk):
    alert = send(
        cast, kind=Kind.FOOTAGE, title="Cameras, please",
        fields={"from_time": "1am", "to_time": "3am", "look_for": "A white van"},
    )  # fmt: skip
    page = kit_page(at_desk("author"), alert)
    assert "Look for: A white van" in page and "comments" in page and "Emergency 999" in page
    assert "social.example" not in page and "@testshire" not in page
    follow = actions.follow_up(alert, relation="update", by=cast.author)
    actions.edit(follow, by=cast.author, title="Van found", body="Thank you.")
    update = send(cast, alert=Alert.objects.get(pk=follow.pk))
    assert "Update: Van found" in kit_page(at_desk("author"), update)
