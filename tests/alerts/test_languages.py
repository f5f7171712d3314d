"""An alert in several languages: each gets theirs, all of it is approved, the cost is what it costs."""

import json

import pytest

from bell.alerts import actions, approving, audience, content, dispatch, rules, together
from bell.alerts.checks import Level
from bell.alerts.models import Alert
from bell.alerts.rules import Unfinished
from bell.delivery.models import Delivery, Mailing
from bell.lib import clock, text
from bell.organisations import languages
from bell.organisations.kinds import Kind
from bell.residents import actions as resident_actions

POLISH = {"title": "Włamania do szop", "body": "Widziałeś **białą furgonetkę**?", "sms_text": "Szopy!", "fields": {}}
URDU = {"title": "شیڈ میں چوری", "body": "کیا آپ نے سفید وین دیکھی؟", "sms_text": "", "fields": {}}
BOTH = {"pl": POLISH, "ur": URDU}


def speaks(person, tag):
    resident_actions.set_language(person, language=tag, by=person)
    return person


def test_what_was_frozen_before_there_were_languages_keeps_its_digest(cast):
    frozen = rules.snapshot(cast.draft())
    assert "languages" not in frozen
    assert set(rules.snapshot(cast.draft(languages=BOTH))) - set(frozen) == {"languages"}


def test_each_gets_their_language_and_the_others_english(cast):
    people = {tag: speaks(cast.resident(mobile=""), tag) for tag in ("", "pl", "ur", "cy")}
    alert, version = cast.approved(by_sms=True, languages=BOTH)
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    said = content.post.Content.from_json(Mailing.objects.get(reference=alert.reference).content)
    for tag, person in people.items():
        rows = Delivery.objects.filter(recipient_key=person.key, mailing__reference=alert.reference)
        assert {row.language for row in rows} == {tag} and rows.count() == 2
        theirs = said.in_language(tag)
        assert theirs.subject == {"pl": POLISH, "ur": URDU}.get(tag, {"title": "Shed burglaries in Heanor"})["title"]
    assert "Szopy!" in said.in_language("pl").sms and URDU["title"] in said.in_language("ur").sms
    assert version.frozen["languages"] == BOTH


def test_an_email_says_which_language_it_is_and_which_way_it_is_read(cast):
    said = content.build(rules.snapshot(cast.draft(languages=BOTH)))
    html = said.in_language("ur").html
    assert '<html lang="ur" dir="rtl">' in html and '<div lang="ur" dir="rtl">' in html
    assert 'lang="en-GB" dir="ltr"' in html.split("Answer this appeal")[0]
    assert "/in/ur/" in html and "in English</a>" in html and URDU["body"] in html
    assert "<strong>białą furgonetkę</strong>" in said.in_language("pl").html
    assert '<html lang="en-GB" dir="ltr">' in said.html and "/in/" not in said.html and 'lang="pl"' not in said.html
    said.check()


def test_facts_may_be_translated_and_stay_english_where_they_are_not(cast):
    fields = {"from_time": "9pm", "to_time": "11pm", "look_for": "A white van"}
    spoken = {"pl": POLISH | {"fields": {"look_for": "Biała furgonetka"}}, "ur": URDU}
    frozen = rules.snapshot(cast.draft(kind=Kind.FOOTAGE, fields=fields, languages=spoken))
    assert "Biała furgonetka" in content.build(frozen).in_language("pl").html
    assert "A white van" in content.build(frozen).in_language("ur").html
    assert frozen["fields"] == fields


def test_texts_are_priced_in_the_language_that_each_gets(cast):
    for tag in ("", "pl", "ur", "ur", "cy"):
        speaks(cast.resident(email=None, mobile=""), tag)
    version = actions.submit(cast.draft(by_sms=True, languages=BOTH), by=cast.author)
    frozen = version.frozen
    plain = audience.pence(2, content.sms(frozen))
    polish = audience.pence(1, content.sms(content.in_language(frozen, "pl")))
    urdu = audience.pence(2, content.sms(content.in_language(frozen, "ur")))
    assert text.segments(content.sms(content.in_language(frozen, "ur"))).encoding == "UCS-2"
    assert version.pence == pytest.approx(plain + polish + urdu) and urdu > plain


def test_a_translation_is_whole_or_not_there(cast):
    alert = cast.draft(languages={"pl": POLISH | {"title": " "}, "ur": URDU | {"body": ""}, "tlh": POLISH})
    with pytest.raises(Unfinished) as raised:
        actions.submit(alert, by=cast.author)
    assert set(raised.value.problems) == {"lang_pl_title", "lang_ur_body", "lang_tlh_title"}
    assert raised.value.problems["lang_pl_title"] == "Enter the title in Polish, or take Polish out."


def test_a_text_that_is_too_long_in_its_alphabet_is_refused(cast):
    alert = cast.draft(by_sms=True, languages={"ur": URDU | {"sms_text": "چوری " * 100}})
    assert list(rules.problems(alert)) == ["lang_ur_sms_text"]
    assert not rules.problems(cast.draft(by_sms=False, languages={"ur": URDU | {"sms_text": "چوری " * 100}}))


def test_the_checks_look_into_every_language_and_say_what_they_cannot_read(cast):
    said = POLISH | {"body": "Zadzwoń 07700 900123 lub https://bit.ly/abc, AB12 CDE", "fields": {}}
    version = actions.submit(cast.draft(languages={"pl": said}), by=cast.author)
    found = {(one.check, one.field): one for one in rules.findings(version)}
    assert {("phones", "lang_pl_body"), ("links", "lang_pl_body"), ("plates", "lang_pl_body")} <= set(found)
    assert found[("links", "lang_pl_body")].words.startswith("In Polish: ")
    assert found[("languages", "lang_pl_title")].level == Level.CARE
    assert approving.needs_reason(version)


def test_a_change_of_one_word_in_one_language_is_another_version(cast):
    alert, version = cast.approved(languages=BOTH)
    Alert.objects.filter(pk=alert.pk).update(languages={"pl": POLISH | {"body": "Co innego"}, "ur": URDU})
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    assert not dispatch.begin(Alert.objects.get(pk=alert.pk))
    assert not Mailing.objects.filter(reference=alert.reference).exists()
    assert approving.is_approved(version)


def test_a_language_that_is_not_offered_is_not_chosen(cast):
    person = cast.resident()
    for tag in ("tlh", "en-GB", "pl\0", "x" * 13):
        with pytest.raises(ValueError, match="list"):
            resident_actions.set_language(person, language=tag, by=person)
    person.refresh_from_db()
    assert person.language == ""


def test_the_list_of_languages_is_sound():
    tags = [one.tag for one in languages.offered()]
    assert len(set(tags)) == len(tags) > 15
    assert all(len(tag) <= 12 and tag.isascii() for tag in tags)
    assert {one.tag for one in languages.offered() if one.direction == "rtl"} >= {"ur", "ar", "fa"}
    assert {one.direction for one in languages.offered()} == {"ltr", "rtl"}
    content.post.Content(
        sender_name="A", subject="B", text="C", languages={tag: {"subject": "D", "text": "E"} for tag in tags}
    ).check()


def test_translations_are_plain_data(cast):
    assert json.loads(json.dumps(rules.snapshot(cast.draft(languages=BOTH)))) == rules.snapshot(Alert.objects.get())


def test_a_partners_translations_come_with_its_request(cast):
    asked = cast.draft(by=cast.outsider, team=cast.outsider.grants.first().team, languages=BOTH, audience={})
    ask = together.ask(asked, to=cast.force, by=cast.outsider)
    assert actions.take_on(ask, team=cast.team, by=cast.author).languages == BOTH
