"""The composer's fields for other languages: title, message, text message and facts in each that was added."""

from typing import Any

from django import forms

from bell.alerts import content, rules, translations
from bell.alerts.models import Alert
from bell.organisations import kinds, languages
from bell.staff.forms import facts
from bell.ui.forms import CountedTextarea, OneLine

# Facts of kinds that are words; moments are said once, in English.
_WORDS = ("look_for", "event_place", "description", *facts.WORDS)


def chosen(data: Any, alert: Alert) -> list[str]:
    """The tags of a form that shows languages (it says so by `languages`), else those of the alert; at most MOST."""
    if data is None or "languages" not in data:
        return list(alert.languages)
    known = [tag for tag in data.getlist("lang") if languages.is_offered(tag) or tag in alert.languages]
    return list(dict.fromkeys(known))[: translations.MOST]


def fields(tags: list[str], alert: Alert) -> dict[str, forms.Field]:
    """The fields of these languages by name: lang_pl_title, lang_pl_body, ..."""
    found: dict[str, forms.Field] = {}
    for tag in tags:
        one, said = languages.of(tag), alert.languages.get(tag, {})
        for part, field in _of_language(one, _words_of(alert)).items():
            in_facts = part in _WORDS
            field.initial = said.get("fields", {}).get(part, "") if in_facts else said.get(part, "")
            field.required = False
            field.widget.attrs |= {"lang": one.tag, "dir": one.direction}
            found[f"lang_{tag}_{part}"] = field
    return found


def _words_of(alert: Alert) -> list[str]:
    """The facts of an alert that are words."""
    return [name for name in kinds.fields_of(alert.kind, follows=alert.follows_id is not None) if name in _WORDS]


def _of_language(one: languages.Language, names: list[str]) -> dict[str, forms.Field]:
    title_most, body_most = rules.TITLE_MOST, rules.BODY_MOST
    made: dict[str, forms.Field] = {
        "title": OneLine(
            label=f"Title in {one.name}",
            max_length=title_most,
            error_messages={"max_length": f"The title in {one.name} must be {title_most} characters or fewer"},
        ),
        "body": forms.CharField(
            label=f"Message in {one.name}",
            max_length=body_most,
            widget=CountedTextarea(body_most, {"rows": 6, "data-threshold": "75"}),
            error_messages={"max_length": f"The message in {one.name} must be {body_most:,} characters or fewer"},
        ),
        "sms_text": forms.CharField(
            label=f"Text message in {one.name}",
            help_text="Leave empty to send the title",
            max_length=1000,
            widget=forms.Textarea(attrs={"rows": 3}),
            error_messages={"max_length": f"The text message in {one.name} must be 1,000 characters or fewer"},
        ),
    }
    for name in names:
        label = f"{content.FIELD_LABELS[name]} in {one.name}"
        made[name] = facts.field(name, label) or forms.CharField(label=label, max_length=1000)
        made[name].help_text = "Leave empty to show the English"
    if "choices" in made:
        made["choices"].help_text = "In the order of the English. Leave empty to show the English"
    return made


def changes(cleaned: dict[str, Any], tags: list[str], alert: Alert) -> dict[str, Any]:
    """What is kept of each language with any words; a field with an error keeps what the alert has."""
    kept: dict[str, Any] = {}
    for tag in tags:
        old = alert.languages.get(tag, {})
        said: dict[str, Any] = {
            part: cleaned.get(f"lang_{tag}_{part}", old.get(part, "")) for part in ("title", "body", "sms_text")
        }
        told = {
            name: cleaned.get(f"lang_{tag}_{name}", old.get("fields", {}).get(name, "")) for name in _words_of(alert)
        }
        said["fields"] = {name: words for name, words in told.items() if words}
        if any(said.values()):
            kept[tag] = said
    return kept


Part = tuple[languages.Language, list[forms.BoundField], forms.BoundField]


def parts(form: forms.Form, tags: list[str]) -> list[Part]:
    """(language, its fields but the text message's, and that one) for the template."""
    found = []
    for tag in tags:
        names = [name for name in form.fields if name.startswith(f"lang_{tag}_") and not name.endswith("_sms_text")]
        found.append((languages.of(tag), [form[name] for name in names], form[f"lang_{tag}_sms_text"]))
    return found


def to_add(tags: list[str]) -> list[languages.Language]:
    """Languages that may be added; none when there are as many as may be."""
    return [] if len(tags) >= translations.MOST else [one for one in languages.offered() if one.tag not in tags]
