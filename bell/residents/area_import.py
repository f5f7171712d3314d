"""The verbs of an import of areas: take a file, check what it would do, apply it, put it back, drop it.

Reading, counting and placing people is the worker's (residents.area_work): these verbs only say what it should do next.
"""

import hashlib
import io
import zlib
from pathlib import PurePath
from typing import Any

from django.db import IntegrityError, transaction

from bell.audit.record import record
from bell.lib import clock
from bell.organisations.models import Officer
from bell.places import reading
from bell.places.planning import Columns
from bell.residents.area_models import AreaFile, AreaImport
from bell.residents.area_models import ImportState as State
from bell.residents.area_rules import LARGEST_FILE, NotAnImport, check_may_import, is_kind, is_typed, may_move

_MOST_PROPERTIES = 100
_LONGEST_EXAMPLE = 40


def upload(raw: bytes, *, filename: str, by: Officer) -> AreaImport:
    """Keep a file of boundaries, with the properties it has to choose from. NotAnImport when it cannot be read."""
    check_may_import(by)
    if len(raw) > LARGEST_FILE:
        raise NotAnImport({"file": f"The file must be {LARGEST_FILE // 1024**2} MB or smaller"})
    try:
        features = reading.features(io.BytesIO(raw))
    except reading.ImportRefused as error:
        raise NotAnImport({"file": str(error)}) from error
    with transaction.atomic():
        run = AreaImport.objects.create(
            organisation_id=by.organisation_id,
            filename=_plain(filename),
            size=len(raw),
            sha256=hashlib.sha256(raw).hexdigest(),
            features=len(features),
            properties=_properties(features),
            uploaded_by=by,
            uploaded_at=clock.now(),
        )
        AreaFile.objects.create(of=run, packed=zlib.compress(raw))
        record("areas uploaded", run, by=by, sha256=run.sha256, size=run.size, features=run.features)
    return run


def content(run: AreaImport) -> bytes:
    """The file as it came."""
    return zlib.decompress(run.file.packed)


@transaction.atomic
def check(run: AreaImport, columns: Columns, *, by: Officer) -> AreaImport:
    """Have the worker find out what the file would do. Nothing is changed by it; it may be done again."""
    check_may_import(by)
    known = {name for name, *_ in run.properties}
    problems = {}
    if columns.name not in known:
        problems["name"] = "Select the property that holds the name"
    if columns.code and columns.code not in known:
        problems["code"] = "Select the property that holds the code"
    if columns.parent and columns.parent not in known:
        problems["parent"] = "Select the property that names the area above"
    if not is_kind(columns.kind):
        problems["kind"] = "Enter the kind of area in lower case, such as ward"
    if columns.parent and not is_kind(columns.parent_kind):
        problems["parent_kind"] = "Enter the kind of area above in lower case, such as district"
    elif columns.parent and columns.parent_kind == columns.kind:
        problems["parent_kind"] = "An area and the area above it must be of different kinds"
    if problems:
        raise NotAnImport(problems)
    fresh = _begin(run, State.READING)
    fresh.kind, fresh.whole = columns.kind, columns.whole
    fresh.name_property, fresh.code_property = columns.name, columns.code
    fresh.parent_property, fresh.parent_kind = columns.parent, columns.parent_kind if columns.parent else ""
    fresh.checked_at = None
    _save(fresh)
    record("areas to be checked", fresh, by=by, kind=fresh.kind, whole=fresh.whole)
    return fresh


@transaction.atomic
def apply(run: AreaImport, *, typed: str, by: Officer) -> AreaImport:
    """Let the worker carry out what was shown. `typed`: the name of the kind, as a person typed it."""
    check_may_import(by)
    fresh = _begin(run, State.WRITING)
    if not is_typed(fresh, typed):
        raise NotAnImport({"typed": f"Type the word {fresh.kind} to go on"})
    if not fresh.changes.exists():
        raise NotAnImport({"": "This file changes nothing."})
    fresh.applied_by, fresh.applied_at = by, clock.now()
    _save(fresh)
    record("areas to be applied", fresh, by=by, kind=fresh.kind)
    return fresh


@transaction.atomic
def put_back(run: AreaImport, *, typed: str, by: Officer) -> AreaImport:
    """Let the worker put every area back as it was before this import; areas that came with it are retired."""
    check_may_import(by)
    fresh = _begin(run, State.UNDOING)
    if not is_typed(fresh, typed):
        raise NotAnImport({"typed": f"Type the word {fresh.kind} to go on"})
    fresh.put_back_by, fresh.put_back_at = by, clock.now()
    _save(fresh)
    record("areas to be put back", fresh, by=by, kind=fresh.kind)
    return fresh


@transaction.atomic
def drop(run: AreaImport, *, by: Officer) -> AreaImport:
    """Do nothing with a file; it stays in the list. Pressing twice does it once."""
    check_may_import(by)
    fresh = AreaImport.objects.select_for_update().get(pk=run.pk)
    if fresh.state == State.DROPPED:
        return fresh
    if not may_move(fresh, State.DROPPED):
        raise NotAnImport({"": "This import cannot be dropped now."})
    fresh.state = State.DROPPED
    fresh.save(update_fields=["state"])
    record("areas dropped", fresh, by=by)
    return fresh


def _begin(run: AreaImport, state: State) -> AreaImport:
    """The row, locked, on its way into a state of work; NotAnImport while another is at work."""
    fresh = AreaImport.objects.select_for_update().get(pk=run.pk)
    if not may_move(fresh, state):
        raise NotAnImport({"": f"This cannot be done now: the import is “{fresh.get_state_display().lower()}”."})
    other = AreaImport.objects.filter(organisation=fresh.organisation_id).busy().exclude(pk=fresh.pk).first()
    if other is not None:
        raise _another(other)
    fresh.state = state
    fresh.through = fresh.done = fresh.total = fresh.tries = 0
    fresh.lease_until, fresh.problem = None, ""
    return fresh


def _save(run: AreaImport) -> None:
    """Save; of two who begin at the same moment the database lets one."""
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError as error:
        raise _another(None) from error


def _another(other: AreaImport | None) -> NotAnImport:
    which = f" ({other.filename}, {other.get_state_display().lower()})" if other else ""
    return NotAnImport({"": f"Another import of areas is at work{which}. Wait until it is done, then try again."})


def _plain(filename: str) -> str:
    """A file's name without folders or anything that cannot be shown."""
    name = "".join(letter for letter in PurePath(filename.replace("\\", "/")).name if letter.isprintable())
    return name[-200:] or "areas"


def _properties(features: list[reading.Feature]) -> list[list[Any]]:
    """The properties by how they come: name, how many features have it, two examples."""
    counts: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    for feature in features:
        for name, value in feature.properties.items():
            if isinstance(value, bool) or not isinstance(value, str | int | float) or not _shown(name):
                continue
            counts[name] = counts.get(name, 0) + 1
            seen = examples.setdefault(name, [])
            words = " ".join(str(value).split())[:_LONGEST_EXAMPLE]
            if len(seen) < 2 and words.isprintable() and words and words not in seen:
                seen.append(words)
    return [[name, count, examples[name]] for name, count in list(counts.items())[:_MOST_PROPERTIES]]


def _shown(name: str) -> bool:
    return 0 < len(name) <= 200 and name.isprintable()
