"""A search is over when it is closed, long before its outcome was approved: nothing personal is left anywhere."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.urls import reverse

from bell.alerts import actions, dispatch, pictures, together
from bell.alerts.models import Alert, State
from bell.delivery.models import Delivery
from bell.lib import clock
from bell.organisations.kinds import Kind
from bell.public import kept
from tests.lib.pictures import photo
from tests.public.conftest import send
from tests.sharing.test_atom import NS, check
from tests.sharing.test_public import EVERYWHERE, SECRET, missing

TOLD = "Take down the name and the picture"


@pytest.fixture(autouse=True)
def _empty_cache():
    cache.clear()


def update(cast, alert: Alert) -> Alert:
    draft = actions.follow_up(alert, relation="update", by=cast.author)
    actions.edit(draft, by=cast.author, title=f"{SECRET} seen", body=f"{SECRET} was seen.", fields={"description": "x"})
    return send(cast, alert=Alert.objects.get(pk=draft.pk))


def go_out(alert: Alert) -> None:
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass


def close(cast, at_desk, alert: Alert) -> None:
    """By the button of the desk."""
    words = {"title": "What came of it", "outcome": f"{SECRET} is found safe."}
    at_desk("author").post(f"/desk/alerts/{alert.reference}/close/", words)
    assert Alert.objects.get(pk=alert.pk).state == State.CLOSED


@pytest.mark.parametrize("then", ["nothing", "returned", "rejected"])
def test_a_closed_search_is_gone_at_once_from_all_of_it(cast, client, at_desk, then, monkeypatch):
    monkeypatch.setattr(kept, "SECONDS", 3600.0)
    draft = cast.draft(
        kind=Kind.MISSING, title=f"Missing: {SECRET}", body=f"{SECRET} left home.", fields={"description": SECRET}
    )
    alert = send(cast, alert=pictures.attach(draft, by=cast.author, alt=SECRET, data=photo()))
    seen = update(cast, update(cast, alert))
    pages = [f"/a/{one.reference}/" for one in (alert, seen)]
    paths = [*EVERYWHERE, *pages]
    before = {path: client.get(path).content.decode() for path in paths if "q=" not in path}
    assert all(SECRET in words or path == "/area/" for path, words in before.items())
    assert client.get(f"/a/{alert.reference}/picture.jpg").status_code == 200
    close(cast, at_desk, alert)
    outcome = Alert.objects.get(follows=alert, relation="outcome")
    assert outcome.state == State.SUBMITTED
    if then != "nothing":
        version = outcome.versions.get()
        actions.turn_back(version, by=cast.approver, reason="Not yet.", reject=then == "rejected")
    for path in paths:
        words = client.get(path).content.decode().replace(f'value="{SECRET}', "")
        assert SECRET not in words, path
        assert "q=" not in path or alert.reference not in words, path
    assert "This matter is over" in client.get(f"/genuine/?code={seen.reference}").content.decode()
    assert at_desk("outsider").get(reverse("staff-pass-on", args=[seen.reference])).context["over"]
    for one in (alert, seen):
        assert client.get(f"/a/{one.reference}/picture.jpg").status_code == 404
        kit = at_desk("author").get(f"/desk/alerts/{one.reference}/share/").content.decode()
        assert "The search has ended, so the kit is gone" in kit and "left home" not in kit
        assert kit.partition("<main")[2].count(SECRET) == 1, "the heading of the officers' own page"


def test_a_feed_gives_every_entry_of_a_closed_search_anew(cast, client, at_desk):
    alert = missing(cast)
    update(cast, alert)
    Alert.objects.update(sent_at=clock.now() - timedelta(hours=2), finished_at=None)

    def changed() -> list[str]:
        found = check(client.get("/feed.atom").content).findall("a:entry", NS)
        return [one.find("a:updated", NS).text for one in found]

    before = changed()
    close(cast, at_desk, alert)
    assert len(before) == 2 and all(now > then for now, then in zip(changed(), before, strict=True))


def test_a_search_whose_sending_was_stopped_goes_on_until_it_is_closed(cast, client, at_desk):
    alert = missing(cast)
    Alert.objects.filter(pk=alert.pk).update(state=State.STOPPED, finished_at=clock.now())
    assert SECRET in client.get(f"/a/{alert.reference}/").content.decode()
    close(cast, at_desk, alert)
    assert SECRET not in client.get(f"/a/{alert.reference}/").content.decode()


def test_another_kind_of_appeal_keeps_its_words_when_it_is_closed(cast, client, at_desk):
    alert = send(cast, title=f"Have you seen {SECRET}?")
    close(cast, at_desk, alert)
    assert SECRET in client.get(f"/a/{alert.reference}/").content.decode()


def test_partners_that_carried_it_are_told_on_close_and_not_again_by_the_outcome(cast, at_desk):
    draft = cast.draft(kind=Kind.MISSING, fields={"description": SECRET}, carriers=[cast.partner.pk])
    version = actions.submit(draft, by=cast.author)
    together.decide(version.carriers.get(), by=cast.outsider, digest=version.digest, agree=True)
    actions.approve(version, by=cast.approver, digest=version.digest, reason="Looked at.")
    go_out(draft)
    Delivery.objects.update(state="sent")
    go_out(draft)

    def told() -> int:
        mine = Delivery.objects.filter(mailing__authority_kind="notice", address=cast.outsider.email)
        return sum(TOLD in row.mailing.content["text"] for row in mine)

    assert told() == 0
    close(cast, at_desk, draft)
    assert told() == 1
    outcome = Alert.objects.get(follows=draft)
    frozen = outcome.versions.get()
    actions.approve(frozen, by=cast.approver, digest=frozen.digest, reason="Found safe.")
    go_out(outcome)
    assert Alert.objects.get(pk=outcome.pk).sent_at is not None and told() == 1
