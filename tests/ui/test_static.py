"""What the browser is given: an allow-list of packages, hashed names, nothing from elsewhere."""

import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.test.signals import setting_changed

from bell.ui.finders import PACKAGES, FrontEndPackagesFinder

ROOT = Path(settings.NODE_MODULES).parent


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Everything collected under hashed names, as in a deployment: (folder, the manifest's paths)."""
    folder = tmp_path_factory.mktemp("static")
    storages = {
        "default": settings.STORAGES["default"],
        "staticfiles": {"BACKEND": "bell.ui.storage.HashedStorage"},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "STATIC_ROOT", str(folder))
        patch.setattr(settings, "STORAGES", storages)
        _forget(settings)
        call_command("collectstatic", interactive=False, verbosity=0)
    _forget(settings)
    return folder, json.loads((folder / "staticfiles.json").read_text())["paths"]


def _forget(current):
    """Make Django forget the storages that it built from earlier settings."""
    for name in ("STORAGES", "STATIC_ROOT"):
        setting_changed.send(sender=None, setting=name, value=getattr(current, name), enter=True)


def test_every_package_file_is_there():
    finder = FrontEndPackagesFinder()
    assert finder.check() == []
    for prefix, (_, files) in PACKAGES.items():
        for file in files:
            assert Path(finder.find(f"{prefix}/{file}")).is_file()
            assert finder.find(f"{prefix}/{file}", find_all=True) == [finder.find(f"{prefix}/{file}")]


@pytest.mark.parametrize(
    "path", ["leaflet/leaflet-src.js", "leaflet/../package.json", "govuk/../../package.json", "axe-core/axe.min.js", ""]
)
def test_nothing_else_of_node_modules_is_served(path):
    assert FrontEndPackagesFinder().find(path) == []
    assert FrontEndPackagesFinder().find(path, find_all=True) == []


def test_collecting_gives_every_module_names_with_a_hash(collected):
    folder, paths = collected
    module = (folder / paths["ui/js/ui.js"]).read_text()
    for imported in re.findall(r'from\s*"([^"]+)"', module):
        assert re.search(r"\.[0-9a-f]{12}(\.min)?\.js$|\.min\.[0-9a-f]{12}\.js$", imported), imported
        assert (folder / "ui/js" / imported).resolve().is_file()


def test_the_icons_inside_a_style_sheet_stay_whole(collected):
    folder, paths = collected
    assert "url(%23" in (folder / paths["geoman/leaflet-geoman.css"]).read_text()


def test_no_style_sheet_or_module_of_ours_names_another_site():
    for kind in ("css", "js"):
        for file in (ROOT / "bell").glob(f"*/static/**/*.{kind}"):
            assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", file.read_text()), file


def test_the_lock_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert not [name for name, entry in lock["packages"].items() if "resolved" in entry]
    assert all("integrity" in entry for name, entry in lock["packages"].items() if name)


def test_packages_are_pinned():
    package = json.loads((ROOT / "package.json").read_text())
    for version in {**package["dependencies"], **package["devDependencies"]}.values():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)


def test_django_finds_a_package_file_by_its_static_path():
    assert finders.find("leaflet/leaflet.css")
