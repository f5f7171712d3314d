"""What an alert says in other languages: what each must have, how its texts are priced, and who reads which.

A translation is {"title", "body", "sms_text", "fields"}, kept under its language's tag (organisations.languages). Whose
language an alert does not speak gets the English.
"""

from typing import Any

from django.db.models import Count

from bell.alerts import audience, ballots, content
from bell.alerts.audience import Rule
from bell.delivery.models import Channel
from bell.lib import text
from bell.organisations import languages

MOST = 8
# Other alphabets travel in UCS-2, 67 signs a part, and the lines we add take two of them.
SEGMENTS_MOST = 6


def problems(frozen: dict[str, Any], *, title_most: int, body_most: int) -> dict[str, str]:
    """What stands in the way of submitting: composer field to words."""
    found: dict[str, str] = {}
    for tag, said in frozen.get("languages", {}).items():
        name = languages.of(tag).name
        if not languages.is_offered(tag):
            found[f"lang_{tag}_title"] = f"{name} is not on the list of languages."
        for part, label, most in (("title", "title", title_most), ("body", "message", body_most)):
            words = str(said.get(part, ""))
            if not words.strip():
                found[f"lang_{tag}_{part}"] = f"Enter the {label} in {name}, or take {name} out."
            elif len(words) > most:
                found[f"lang_{tag}_{part}"] = f"The {label} in {name} must be {most} characters or fewer."
        if not text.is_one_line(str(said.get("title", ""))):
            found[f"lang_{tag}_title"] = f"Write the title in {name} as one line, without tabs or line breaks."
        if words := ballots.problems_of_translation(frozen, tag):
            found[f"lang_{tag}_choices"] = words
        spoken = content.in_language(frozen, tag)
        if frozen["by_sms"] and text.segments(content.sms(spoken)).count > SEGMENTS_MOST:
            found[f"lang_{tag}_sms_text"] = (
                f"The text message in {name} must fit into {SEGMENTS_MOST} parts. Make it shorter."
            )
    return found


def pence(frozen: dict[str, Any], rule: Rule, texts: int) -> float:
    """The expected cost of so many texts, each person's in the language that they get."""
    said = frozen.get("languages", {})
    if not (said and texts):
        return audience.pence(texts, content.sms(frozen))
    readers = audience.people(rule).filter(channel=Channel.SMS, resident__language__in=list(said))
    numbers = dict(readers.values_list("resident__language").annotate(number=Count("id")).order_by())
    cost = audience.pence(texts - sum(numbers.values()), content.sms(frozen))
    return cost + sum(
        audience.pence(number, content.sms(content.in_language(frozen, tag))) for tag, number in numbers.items()
    )
