"""Saved audiences: kept and used in the composer, renamed and deleted on their page, seen by the team only."""

import pytest

from bell.alerts import rules, saved
from bell.alerts.models import Alert, SavedAudience
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from tests.staff.test_composing import circle, drawn, path, sent

PAGE = "/desk/audiences/"


@pytest.fixture
def desk(cast, at_desk):
    return at_desk("author")


@pytest.fixture
def alert(cast) -> Alert:
    return cast.draft()


@pytest.fixture
def kept(cast) -> SavedAudience:
    audience = {
        "areas": [cast.east.pk], "shapes": [circle(300)], "groups": [cast.cctv.pk], "not_areas": [cast.west.pk],
        "also_areas": [cast.far.pk], "not_groups": [cast.dog_walkers.pk],
    }  # fmt: skip
    return saved.keep(team=cast.team, name="Market traders", audience=audience, by=cast.author)


def test_an_audience_is_kept_and_used_again(cast, desk, alert, at_desk):
    given = sent(cast, areas=[str(cast.east.pk)], shapes=drawn(circle(300)), not_groups=[str(cast.cctv.pk)])
    page = desk.post(path(alert), given | {"do": "keep", "save_as": "  Market   traders "}).content.decode()
    assert "“Market traders” is kept for Heanor SNT" in page
    made = SavedAudience.objects.get()
    assert (made.name, made.team, made.by) == ("Market traders", cast.team, cast.author)
    assert made.audience["not_groups"] == [cast.cctv.pk] and "not_areas" not in made.audience
    other = cast.draft(by=cast.approver)
    colleague = at_desk("approver")
    page = colleague.post(path(other), sent(cast, do="use", use_saved=str(made.pk))).content.decode()
    assert "“Market traders” is chosen" in page and "Circle of 300 metres" in page
    assert f'name="areas" value="{cast.east.pk}" id="id_areas_1" checked' in page.replace("id_areas_0", "id_areas_1")
    other.refresh_from_db()
    assert other.audience["areas"] == [cast.west.pk]  # chosen in the form, saved by whoever looks at it and saves
    assert "Bikes taken" in page


def test_what_no_longer_holds_is_said(cast, desk, alert, kept):
    cast.cctv.active = False
    cast.cctv.save()
    cast.team.patch.remove(cast.east)
    cast.far.delete()
    page = desk.post(path(alert), sent(cast, do="use", use_saved=str(kept.pk))).content.decode()
    assert "The group CCTV owners is closed" in page
    assert "East Ward is no longer in the patch of Heanor SNT" in page and "An area is no longer on the map" in page
    assert "There is a problem" not in page
    fits, gone = saved.fitting(kept)
    assert fits == {
        "areas": [], "shapes": kept.audience["shapes"], "groups": [], "not_areas": [cast.west.pk],
        "not_groups": [cast.dog_walkers.pk],
    }  # fmt: skip
    assert len(gone) == 3 and all(words in desk.get(PAGE).content.decode() for words in gone)


def test_a_name_is_needed_and_is_the_teams_own(cast, desk, alert, kept):
    for name, words in (
        ("", "Enter a name"),
        ("market TRADERS", "has an audience of that name"),
        ("x" * 61, "60 char"),
    ):
        page = desk.post(path(alert), sent(cast, do="keep", save_as=name)).content.decode()
        assert words in page and 'id="kept" open' in page
    nothing = sent(cast, areas=[], do="keep", save_as="Nobody")
    assert "Choose who gets it before you keep it" in desk.post(path(alert), nothing).content.decode()
    wrong = sent(cast, areas=["9999999"], do="keep", save_as="Wrong")
    assert "Put right what is wrong" in desk.post(path(alert), wrong).content.decode()
    assert SavedAudience.objects.count() == 1
    theirs = saved.keep(team=cast.other_team, name="Market traders", audience=kept.audience, by=cast.stranger)
    assert theirs.team == cast.other_team


def test_a_team_keeps_so_many(cast, monkeypatch, kept):
    monkeypatch.setattr(saved, "MOST", 1)
    with pytest.raises(Unfinished, match="Delete one"):
        saved.keep(team=cast.team, name="More", audience=kept.audience, by=cast.author)


@pytest.mark.parametrize("chosen", ["", "x", "0", "9" * 25])
def test_nothing_that_is_not_there_is_used(cast, desk, alert, kept, chosen):
    page = desk.post(path(alert), sent(cast, do="use", use_saved=chosen)).content.decode()
    assert "Choose one of your team" in page and "” is chosen" not in page


def test_it_is_renamed_and_deleted(cast, desk, kept):
    page = desk.get(PAGE).content.decode()
    assert "Market traders" in page and "not West Ward" in page and "also Far Ward" in page and "Ana Author" in page
    field = f"n{kept.pk}-name"
    assert desk.post(PAGE, {"do": f"rename:{kept.pk}", field: "Stalls"}).status_code == 302
    kept.refresh_from_db()
    assert kept.name == "Stalls"
    page = desk.post(PAGE, {"do": f"rename:{kept.pk}", field: ""}).content.decode()
    assert "There is a problem" in page and "Enter a name" in page
    assert desk.post(PAGE, {"do": f"delete:{kept.pk}"}).status_code == 302
    assert not SavedAudience.objects.exists()
    verbs = list(Entry.objects.filter(verb__startswith="audience ").order_by("pk").values_list("verb", flat=True))
    assert verbs == ["audience kept", "audience renamed", "audience forgotten"]


@pytest.mark.parametrize("who", ["stranger", "media", "outsider", "dpo"])
def test_no_other_team_sees_or_uses_it(cast, at_desk, kept, who):
    client = at_desk(who)
    assert "Market traders" not in client.get(PAGE).content.decode()
    for do in ("rename", "delete"):
        assert client.post(PAGE, {"do": f"{do}:{kept.pk}", f"n{kept.pk}-name": "Mine"}).status_code == 404
    officer = getattr(cast, who)
    if writes := officer.grants.exclude(role="dpo").first():
        other = cast.draft(by=officer, team=writes.team, audience={"areas": [cast.far.pk], "shapes": [], "groups": []})
        page = client.post(path(other), sent(cast, areas=[], do="use", use_saved=str(kept.pk))).content.decode()
        assert "” is chosen" not in page and "Market traders" not in page
    assert SavedAudience.objects.get().name == "Market traders"


def test_who_writes_for_no_team_may_look_but_not_change(cast, at_desk, kept):
    client = at_desk("administrator")
    page = client.get(PAGE).content.decode()
    assert "Market traders" in page and "Rename or delete" not in page
    assert client.post(PAGE, {"do": f"delete:{kept.pk}"}).status_code == 403
    with pytest.raises(NotAllowed):
        saved.keep(team=cast.team, name="Mine", audience=kept.audience, by=cast.administrator)
    assert SavedAudience.objects.exists()


@pytest.mark.parametrize("do", ["", "delete", "delete:", "delete:x", "delete:²", "burn:1", "delete:" + "9" * 30])
def test_hostile_buttons_are_nothing(cast, desk, kept, do):
    assert desk.post(PAGE, {"do": do}).status_code == 404
    assert SavedAudience.objects.exists()


def test_looking_changes_nothing(cast, desk, kept):
    before = Entry.objects.count()
    desk.get(PAGE)
    assert Entry.objects.count() == before and SavedAudience.objects.get().name == "Market traders"


def test_a_partners_audience_holds_for_a_draft_of_its_own(cast, kept):
    """What is used goes through the same rules as anything drawn by hand."""
    fits, _ = saved.fitting(kept)
    assert rules.problems_with_audience(cast.draft(audience=fits)) == ""
