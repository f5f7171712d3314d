"""Templates: who keeps them, who may begin with one, and blanks that hold an alert back until they are filled in."""

import pytest

from bell.alerts import actions, blanks, rules, starters
from bell.alerts.models import Alert, Template
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.models import Entry
from bell.organisations.kinds import Kind
from tests.alerts.test_languages import POLISH

WORDS = {"name": "Burglary", "title": "Burglary in [street]", "body": "A home in **[street]** was broken into [when]."}


def kept(cast, **changes) -> Template:
    given = {"by": cast.approver, "team": cast.team, "kind": Kind.CRIME, **WORDS} | changes
    return starters.keep(**given)


def test_an_alert_begins_with_its_words(cast):
    template = kept(cast, sms_text="Burglary in [street].")
    alert = starters.begin(template, team=cast.team, by=cast.author)
    assert (alert.title, alert.body, alert.sms_text) == (template.title, template.body, template.sms_text)
    assert alert.by_sms and alert.kind == Kind.CRIME and alert.author == cast.author
    assert Entry.objects.filter(verb="template made", target_key=str(template.pk)).exists()


def test_nothing_goes_while_a_blank_is_left(cast):
    alert = starters.begin(kept(cast), team=cast.team, by=cast.author)
    alert = actions.edit(alert, by=cast.author, audience={"areas": [cast.west.pk], "shapes": [], "groups": []})
    with pytest.raises(Unfinished) as raised:
        actions.submit(alert, by=cast.author)
    assert raised.value.problems == {
        "title": "Fill in [street], or take it out.",
        "body": "Fill in [street], [when], or take it out.",
    }
    filled = actions.edit(alert, by=cast.author, title="Burglary in Mill Lane", body="Did you see anyone?")
    assert actions.submit(filled, by=cast.author)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("", []),
        ("[place]", ["[place]"]),
        ("At [place] on [day], again [place]", ["[place]", "[day]"]),
        ("[our page](https://alert.example/)", []),
        ("[our page](https://alert.example/) in [place]", ["[place]"]),
        ("[1] and [ ] and []", []),
        ("[Straße]", ["[Straße]"]),
        ("[" + "a" * 61 + "]", []),
        ("[a\nb]", []),
    ],
)
def test_what_a_blank_is(text, left):
    assert blanks.of(text) == left


def test_blanks_in_facts_and_translations_hold_it_back_too(cast):
    fields = {"from_time": "9pm", "to_time": "11pm", "look_for": "[colour] van"}
    alert = cast.draft(kind=Kind.FOOTAGE, fields=fields, languages={"pl": POLISH | {"body": "W [miejsce]"}})
    assert set(rules.problems(alert)) == {"look_for", "lang_pl_body"}


@pytest.mark.parametrize("who", ["author", "stranger", "outsider", "dpo"])
def test_only_those_who_answer_for_a_team_keep_its_templates(cast, who):
    by = getattr(cast, who)
    with pytest.raises(NotAllowed):
        kept(cast, by=by)
    template = kept(cast)
    with pytest.raises(NotAllowed):
        starters.keep(template, by=by, team=cast.team, kind=Kind.CRIME, **WORDS)
    with pytest.raises(NotAllowed):
        starters.drop(template, by=by)
    assert Template.objects.count() == 1


def test_an_approver_keeps_none_for_everyone_nor_moves_one_there(cast):
    template = kept(cast)
    for moved in (None, cast.other_team):
        with pytest.raises(NotAllowed):
            kept(cast, team=moved, name="Other")
        with pytest.raises(NotAllowed):
            starters.keep(template, by=cast.approver, team=moved, kind=Kind.CRIME, **WORDS)


@pytest.mark.parametrize("who", ["media", "administrator"])
def test_for_everyone_the_media_team_and_administrators(cast, who):
    template = kept(cast, by=getattr(cast, who), team=None)
    assert starters.begin(template, team=cast.other_team, by=cast.stranger).title == WORDS["title"]


def test_another_teams_and_another_organisations_templates_are_not_used(cast):
    template = kept(cast)
    for team, officer in ((cast.other_team, cast.stranger), (cast.outsider.grants.first().team, cast.outsider)):
        with pytest.raises(NotAllowed):
            starters.begin(template, team=team, by=officer)
    assert not Alert.objects.exists()
    assert not Template.objects.visible_to(cast.stranger).exists()
    assert not Template.objects.visible_to(cast.outsider).exists()
    assert Template.objects.visible_to(cast.author).get() == template == Template.objects.visible_to(cast.media).get()


def test_what_is_not_whole_is_refused_in_words(cast):
    for given, field in (
        ({"name": " "}, "name"),
        ({"title": "", "body": " "}, "body"),
        ({"title": "x" * 101}, "title"),
        ({"kind": Kind.OUTCOME}, "kind"),
    ):
        with pytest.raises(Unfinished) as raised:
            kept(cast, **given)
        assert set(raised.value.problems) == {field}


@pytest.mark.parametrize("everyone", [False, True])
def test_a_name_stands_for_one_template(cast, everyone):
    given = {"by": cast.media, "team": None if everyone else cast.team}
    kept(cast, **given)
    with pytest.raises(Unfinished) as raised:
        kept(cast, **given)
    assert set(raised.value.problems) == {"name"} and Template.objects.count() == 1
    kept(cast, **given, kind=Kind.SCAM)


def test_a_deleted_template_leaves_its_drafts_alone(cast):
    template = kept(cast)
    alert = starters.begin(template, team=cast.team, by=cast.author)
    starters.drop(template, by=cast.approver)
    alert.refresh_from_db()
    assert alert.title == WORDS["title"] and not Template.objects.exists()
