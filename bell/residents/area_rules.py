"""Imports of areas: who may, what follows what, what can be typed."""

import re

from bell.lib.problems import FieldProblems
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Officer
from bell.residents.area_models import AreaImport
from bell.residents.area_models import ImportState as State

LARGEST_FILE = 32 * 1024 * 1024
_KIND = re.compile(r"[a-z][a-z0-9 -]{0,31}")

MOVES: dict[str, frozenset[str]] = {
    State.NEW: frozenset({State.READING, State.DROPPED}),
    State.READING: frozenset({State.COUNTING, State.REFUSED}),
    State.COUNTING: frozenset({State.CHECKED, State.REFUSED}),
    State.CHECKED: frozenset({State.READING, State.WRITING, State.DROPPED}),
    State.WRITING: frozenset({State.PLACING, State.CHECKED}),
    State.PLACING: frozenset({State.APPLIED}),
    State.APPLIED: frozenset({State.UNDOING}),
    State.UNDOING: frozenset({State.REPLACING, State.APPLIED}),
    State.REPLACING: frozenset({State.PUT_BACK}),
    State.PUT_BACK: frozenset(),
    State.REFUSED: frozenset({State.READING, State.DROPPED}),
    State.DROPPED: frozenset(),
}


class NotAllowed(Exception):
    """The person may not do this; the message says why in plain words."""


class NotAnImport(FieldProblems):
    """What was given cannot be imported, or not now. `problems` maps a field of the form ("" for none) to words."""


def check_may_import(officer: Officer) -> None:
    """Administrators of the force keep its areas."""
    if not organisation_rules.may_look_after(officer):
        raise NotAllowed("Only an administrator of the force imports areas.")


def may_move(run: AreaImport, state: str) -> bool:
    """Whether an import may go over into a state now."""
    return state in MOVES[run.state]


def is_kind(words: str) -> bool:
    """Whether this can name a kind of area: lower case, such as "ward" or "team"."""
    return bool(_KIND.fullmatch(words)) and words == words.strip()


def is_typed(run: AreaImport, words: str) -> bool:
    """Whether somebody typed the name of the kind, so that nobody changes a county by a slip of the thumb."""
    return " ".join(words.casefold().split()) == run.kind
