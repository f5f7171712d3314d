"""Templates at the desk: offered after the kind, kept on a page of their own."""

import pytest

from bell.alerts.models import Alert, Template
from tests.alerts.test_starters import WORDS, kept


@pytest.fixture
def desk(at_desk):
    return at_desk("author")


def start(cast, **more):
    return {"kind": "crime", "team": cast.team.pk} | more


def test_templates_of_the_kind_are_offered_after_it(cast, desk):
    template = kept(cast)
    kept(cast, name="Another kind", kind="scam")
    page = desk.post("/desk/new/", start(cast)).content.decode()
    assert "Burglary in [street]" in page and "Another kind" not in page and "An empty page" in page
    assert not Alert.objects.exists()
    response = desk.post("/desk/new/", start(cast, start="1", template=template.pk))
    alert = Alert.objects.get()
    assert response.url == f"/desk/alerts/{alert.reference}/edit/" and alert.title == WORDS["title"]


def test_an_empty_page_is_always_offered(cast, desk):
    kept(cast)
    desk.post("/desk/new/", start(cast, start="1", template="none"))
    assert Alert.objects.get().title == ""


@pytest.mark.parametrize("chosen", [None, "", "9999", "x", "none\0"])
def test_no_choice_or_a_strange_one_is_refused_in_words(cast, desk, chosen):
    kept(cast)
    page = desk.post("/desk/new/", start(cast, start="1", **({} if chosen is None else {"template": chosen})))
    assert b"There is a problem" in page.content and not Alert.objects.exists()


def test_another_teams_template_is_not_taken(cast, desk):
    kept(cast)
    other = kept(cast, by=cast.stranger, team=cast.other_team, name="Theirs")
    page = desk.post("/desk/new/", start(cast, start="1", template=other.pk))
    assert b"There is a problem" in page.content and not Alert.objects.exists()


def form(**changes):
    return {"do": "keep", "kind": "crime", "sms_text": "", **WORDS} | changes


def test_an_approver_keeps_changes_and_deletes_one(cast, at_desk):
    client = at_desk("approver")
    assert client.get("/desk/templates/new/").status_code == 200
    assert client.post("/desk/templates/new/", form(team=cast.team.pk)).url == "/desk/templates/"
    template = Template.objects.get()
    here = f"/desk/templates/{template.pk}/"
    assert WORDS["title"] in client.get(here).content.decode()
    client.post(here, form(team=cast.team.pk, title="Other"))
    template.refresh_from_db()
    assert template.title == "Other" and template.changed_by == cast.approver
    assert "Other" in client.get("/desk/templates/").content.decode()
    assert client.post(here, {"do": "delete"}).url == "/desk/templates/"
    assert not Template.objects.exists()


def test_problems_stand_at_their_fields(cast, at_desk):
    client = at_desk("media")
    page = client.post("/desk/templates/new/", form(name="", team="")).content.decode()
    assert "Enter a name" in page and 'href="#id_name"' in page
    client.post("/desk/templates/new/", form(team=""))
    assert Template.objects.get().team is None
    assert "There is a template of this kind" in client.post("/desk/templates/new/", form(team="")).content.decode()


@pytest.mark.parametrize("team", ["other_team", "media_team"])
def test_none_is_kept_for_a_team_of_others(cast, at_desk, team):
    page = at_desk("approver").post("/desk/templates/new/", form(team=getattr(cast, team).pk))
    assert b"There is a problem" in page.content and not Template.objects.exists()


def test_a_writer_may_look_and_use_but_not_change(cast, desk):
    template = kept(cast)
    page = desk.get("/desk/templates/").content.decode()
    assert template.name in page and f"/desk/templates/{template.pk}/" not in page and "New template" not in page
    for path in ("/desk/templates/new/", f"/desk/templates/{template.pk}/"):
        assert desk.get(path).status_code == 403 and desk.post(path, form(team=cast.team.pk)).status_code == 403
    assert desk.post(f"/desk/templates/{template.pk}/", {"do": "delete"}).status_code == 403
    assert Template.objects.get().title == WORDS["title"]


@pytest.mark.parametrize("who", ["stranger", "outsider"])
def test_a_stranger_finds_nothing(cast, at_desk, who):
    template = kept(cast)
    client = at_desk(who)
    assert template.name not in client.get("/desk/templates/").content.decode()
    assert client.get(f"/desk/templates/{template.pk}/").status_code == 404
    assert client.post(f"/desk/templates/{template.pk}/", {"do": "delete"}).status_code == 404
    assert Template.objects.exists()
