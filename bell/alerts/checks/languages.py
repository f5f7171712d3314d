"""Checks of what an alert says in other languages: what can be seen in any, and that nobody here read the rest."""

from collections.abc import Iterator

from bell.alerts.checks import links, people
from bell.alerts.checks.finding import Finding, Level, Subject
from bell.organisations import languages

# What looks the same in every language. Names, roads and wording do not.
_IN_ANY = (people.plates, people.phones, people.emails, people.names, people.homes, links.links)


def translations(subject: Subject) -> Iterator[Finding]:
    """Plates, numbers, addresses, links and English names in each language; and that its wording was not checked."""
    for tag, said in subject.frozen.get("languages", {}).items():
        name = languages.of(tag).name
        words = {part: said.get(part, "") for part in ("title", "body", "sms_text")}
        spoken = Subject({"kind": subject.kind, **words, "fields": said.get("fields", {})}, subject.site)
        for check in _IN_ANY:
            for one in check(spoken):
                yield Finding(one.check, one.level, f"In {name}: {one.words}", f"lang_{tag}_{one.field}", one.excerpt)
        unread = (
            f"No check reads {name}: names, wording and whether it says the same as the English. Who translated it?"
        )
        yield Finding("languages", Level.CARE, unread, f"lang_{tag}_title")
