"""A request that was settled shows the force nothing more of the partner's draft, which goes on for other purposes."""

import pytest
from django.urls import reverse

from bell.alerts import actions, together
from bell.alerts.models import Alert
from bell.organisations.kinds import Kind

SECRET = "Raid on Mill Lane"
PAGES = ("staff-together", "staff-request")
NO_LONGER = "no longer shown"


@pytest.fixture
def asked(cast):
    """The council asks the force to send its draft."""
    team = cast.outsider.grants.first().team
    draft = cast.draft(by=cast.outsider, team=team, title="Gritting tonight", body="Salt.", kind=Kind.PREVENTION)
    return together.ask(draft, to=cast.force, by=cast.outsider, note="Before six, please.")


def rewrite(cast, asked) -> None:
    """The council uses its draft for something else, elsewhere."""
    actions.edit(
        Alert.objects.get(pk=asked.alert_id), by=cast.outsider, title=SECRET, body=f"{SECRET} at dawn",
        audience={"areas": [cast.far.pk], "shapes": [], "groups": []},
    )  # fmt: skip


def seen(client, asked) -> str:
    """All that an officer reads of requests."""
    pages = [client.get(reverse("staff-together")), client.get(reverse("staff-request", args=[asked.pk]))]
    assert all(page.status_code == 200 for page in pages)
    return " ".join(" ".join(page.content.decode() for page in pages).split())


def test_while_it_waits_the_force_reads_what_it_would_send(cast, asked, at_desk):
    rewrite(cast, asked)
    assert f"{SECRET} at dawn" in seen(at_desk("author"), asked)


@pytest.mark.parametrize("who", ["author", "media", "administrator", "stranger"])
def test_a_declined_request_says_why_and_shows_no_text(cast, asked, at_desk, who):
    path = reverse("staff-request", args=[asked.pk])
    at_desk("author").post(path, {"do": "decline", "reason": "The council can"})
    rewrite(cast, asked)
    page = seen(at_desk(who), asked)
    assert SECRET not in page and "Gritting" not in page and "Far Ward" not in page and "Salt." not in page
    assert NO_LONGER in page and "The council can" in page and str(cast.author) in page and "Test Council" in page
    wrong = at_desk(who).post(path, {"do": ""}).content.decode()
    assert SECRET not in wrong


def test_of_a_request_that_was_taken_on_the_force_reads_what_it_made_of_it(cast, asked, at_desk):
    desk, path = at_desk("author"), reverse("staff-request", args=[asked.pk])
    desk.post(path, {"do": "take", "team": str(cast.team.pk)})
    rewrite(cast, asked)
    made = Alert.objects.get(asked_for=asked)
    actions.edit(made, by=cast.author, body="Roads are gritted tonight.")
    page = seen(desk, asked)
    assert SECRET not in page and "Far Ward" not in page
    assert "Gritting tonight" in page and "Roads are gritted tonight." in page and NO_LONGER not in page
    page = seen(at_desk("stranger"), asked)  # of a team that may not open the force's alert
    assert SECRET not in page and "Roads are gritted" not in page and NO_LONGER in page


@pytest.mark.parametrize("do", ["take", "decline"])
def test_the_partner_still_sees_its_own(cast, asked, at_desk, do):
    data = {"do": do, "team": str(cast.team.pk), "reason": "The council can"}
    at_desk("author").post(reverse("staff-request", args=[asked.pk]), data)
    rewrite(cast, asked)
    page = seen(at_desk("outsider"), asked)
    assert f"{SECRET} at dawn" in page and "Far Ward" in page and NO_LONGER not in page


def test_a_draft_that_was_withdrawn_is_read_no_more_and_can_only_be_declined(cast, asked, at_desk):
    actions.withdraw(Alert.objects.get(pk=asked.alert_id), by=cast.outsider)
    desk, path = at_desk("author"), reverse("staff-request", args=[asked.pk])
    page = seen(desk, asked)
    assert "Gritting" not in page and "Test Council has withdrawn it" in page and "Take it on" not in page
    desk.post(path, {"do": "take", "team": str(cast.team.pk)})
    assert not Alert.objects.filter(on_behalf_of=cast.partner).exists()
    desk.post(path, {"do": "decline", "reason": "Withdrawn"})
    assert "Withdrawn" in seen(desk, asked)
