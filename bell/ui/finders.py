"""Serves the few front-end files we use straight from node_modules: an allow-list, not the whole tree."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import FileSystemStorage

_GOVUK = "govuk-frontend/dist/govuk"
_GEOMAN = "@geoman-io/leaflet-geoman-free/dist"
_FONT = "@fontsource-variable/atkinson-hyperlegible-next"

# Folder under STATIC_URL -> (folder under node_modules, the files of it that are served). Source maps are among them,
# because hashed storage resolves the comment that names them.
PACKAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "govuk": (
        _GOVUK,
        (
            "govuk-frontend.min.css",
            "govuk-frontend.min.css.map",
            "govuk-frontend.min.js",
            "govuk-frontend.min.js.map",
        ),
    ),
    "leaflet": (
        "leaflet/dist",
        (
            "leaflet.css",
            "leaflet.js",
            "leaflet.js.map",
            "images/layers.png",
            "images/layers-2x.png",
            "images/marker-icon.png",
            "images/marker-icon-2x.png",
            "images/marker-shadow.png",
        ),
    ),
    "geoman": (
        _GEOMAN,
        (
            "leaflet-geoman.css",
            "leaflet-geoman.css.map",
            "leaflet-geoman.min.js",
            "leaflet-geoman.min.js.map",
        ),
    ),
    "tus": ("tus-js-client/dist", ("tus.min.js", "tus.min.js.map")),
    "type": (
        _FONT,
        (
            "files/atkinson-hyperlegible-next-latin-wght-normal.woff2",
            "files/atkinson-hyperlegible-next-latin-wght-italic.woff2",
            "files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2",
            "files/atkinson-hyperlegible-next-latin-ext-wght-italic.woff2",
            "LICENSE",  # SIL OFL 1.1 asks that its text travel with the font
        ),
    ),
}


class _PackageStorage(FileSystemStorage):
    """One package's folder. `prefix` is where collectstatic puts its files."""

    def __init__(self, location: Path, prefix: str) -> None:
        super().__init__(location=location)
        self.prefix = prefix


class FrontEndPackagesFinder(BaseFinder):
    """Finds the files of PACKAGES under settings.NODE_MODULES and nothing else there."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        root = Path(settings.NODE_MODULES)
        self.storages = {name: _PackageStorage(root / folder, name) for name, (folder, _) in PACKAGES.items()}

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Warn, naming the command, when `npm ci` has not been run."""
        missing = [path for _, path in self._files() if not path.is_file()]
        if not missing:
            return []
        words = f"{len(missing)} front-end files are missing, the first is {missing[0].name}."
        return [Warning(words, hint="Run: npm ci", id="ui.W001")]

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        """The absolute path of `path` (such as "leaflet/leaflet.css"), a list with `find_all`, or [] on a miss."""
        for served, file in self._files():
            if served == path and file.is_file():
                return [str(file)] if find_all else str(file)
        return []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, FileSystemStorage]]:
        """Every (path, storage) pair that collectstatic copies."""
        patterns = _as_list(ignore_patterns)
        for name, (_, files) in PACKAGES.items():
            storage = self.storages[name]
            for file in files:
                if storage.exists(file) and not matches_patterns(file, patterns):
                    yield file, storage

    def _files(self) -> Iterator[tuple[str, Path]]:
        root = Path(settings.NODE_MODULES)
        for name, (folder, files) in PACKAGES.items():
            for file in files:
                yield f"{name}/{file}", root / folder / file


def _as_list(patterns: Iterable[str] | None) -> list[str]:
    """The patterns as a list; Django passes None for none."""
    return [*patterns] if patterns else []
