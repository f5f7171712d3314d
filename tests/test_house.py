"""The rules of the house that import-linter cannot see (house.md): foreign keys, doorplates, views, settings."""

import ast
import re
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

ROOT = Path(__file__).resolve().parents[1]
BELL = ROOT / "bell"
FLOORS = [
    {"config"},
    {"cli"},
    {"proving"},
    {"public", "staff", "api", "worker"},
    {"privacy"},
    {"insight", "sharing"},
    {"evidence"},
    {"conversations"},
    {"alerts"},
    {"residents"},
    {"organisations"},
    {"places", "delivery"},
    {"audit", "ui"},
    {"lib"},
]
FLOOR = {room: number for number, floor in enumerate(FLOORS) for room in floor}
MODULES = sorted(path for path in BELL.rglob("*.py") if "migrations" not in path.parts)


def _relations() -> list[tuple[type[models.Model], type[models.Model]]]:
    return [
        (model, field.related_model)
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith("bell.")
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField) and field.related_model is not None
    ]


def test_foreign_keys_point_down() -> None:
    seen = 0
    for model, target in _relations():
        if not target.__module__.startswith("bell."):
            continue
        here, there = model._meta.app_label, target._meta.app_label
        assert here == there or FLOOR[there] > FLOOR[here], f"{model.__name__} points up to {target.__name__}"
        seen += 1
    assert seen > 20


def test_every_room_stands_on_a_floor() -> None:
    rooms = {path.name for path in BELL.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert rooms <= set(FLOOR)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BELL)))
def test_every_module_has_a_doorplate(path: Path) -> None:
    words = ast.get_docstring(ast.parse(path.read_text()))
    assert words and words.splitlines()[0].endswith((".", "?")), "one line that says what this module is for"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(BELL)))
def test_modules_stay_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400, "split by noun"


_ASKED = {"visible_to", "of", "for_key", "public"}
_WRITES = {"save", "create", "update", "delete", "bulk_create", "bulk_update", "get_or_create", "update_or_create"}


def _faces() -> list[Path]:
    return [path for room in ("public", "staff", "api") for path in sorted((BELL / room).rglob("*.py"))]


def _calls(tree: ast.AST) -> list[ast.Attribute]:
    return [node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]


@pytest.mark.parametrize("path", _faces(), ids=lambda path: str(path.relative_to(BELL)))
def test_faces_ask_through_the_viewer_and_write_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text())
    asked = {id(call.value) for call in _calls(tree) if call.attr in _ASKED and isinstance(call.value, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager"):
            assert id(node) in asked, f"line {node.lineno}: ask through .visible_to, .of, .for_key or .public"
    for call in _calls(tree):
        if call.attr in _WRITES and not _is_plain(call.value):
            raise AssertionError(f"line {call.lineno}: {call.attr}() in a face: call an action")


def _is_plain(value: ast.expr) -> bool:
    """Dictionaries, sets, sessions and hashes are updated too: what is no model."""
    words = ast.unparse(value)
    return bool(
        re.search(r"session|cache|hash|digest|headers|context|data|params|seen|attrs|initial|kwargs|cookies", words)
    )


def _settings_read() -> set[str]:
    source = (BELL / "config" / "settings.py").read_text()
    return set(re.findall(r"env(?:_bool|_list)?\(\s*\"([A-Z_]+)\"", source)) - {"name"}


def test_settings_are_documented_and_the_documented_exist() -> None:
    page = (ROOT / "docs" / "running.md").read_text()
    named = set(re.findall(r"`((?:BELL|DATABASE)_[A-Z_]+)`", page))
    assert named == _settings_read()


def test_commands_named_in_docs_exist() -> None:
    commands = {path.stem for path in (BELL / "cli/management/commands").glob("*.py")} | {
        "migrate", "collectstatic", "check", "createcachetable", "makemigrations", "shell", "dbshell",
    }  # fmt: skip
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for name in re.findall(r"`(?:\.venv/bin/)?bell ([a-z_]+)", page.read_text()):
            assert name in commands, f"{page.name} names bell {name}"


def test_make_targets_named_in_docs_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        for name in re.findall(r"`make ([a-z-]+)`", page.read_text()):
            assert name in targets, f"{page.name} names make {name}"


def test_rooms_named_in_the_house_page_exist() -> None:
    page = (ROOT / "docs" / "house.md").read_text()
    named = set(re.findall(r"^\| `([a-z]+)` \|", page, re.M))
    rooms = {path.name for path in BELL.iterdir() if path.is_dir() and not path.name.startswith("__")}
    assert named == rooms


def test_locks_name_no_registry() -> None:
    locks = [*ROOT.glob("requirements*.txt"), ROOT / "package-lock.json"]
    assert len(locks) >= 3
    for lock in locks:
        words = lock.read_text()
        assert "resolved" not in words and "index-url" not in words, lock.name
        assert not re.search(r"https?://\S+\.(tgz|whl|tar\.gz)", words), lock.name
