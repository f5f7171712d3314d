"""Static files with a hash in their name, compressed: a browser may keep them for ever."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Django's manifest storage, also rewriting the imports between our ES modules."""

    # Modules import each other by relative path; without this they would ask for names that have no hash.
    support_js_module_import_aggregation = True
    # The browser keeps what the manifest names; a missing entry is a mistake of ours, not of the person who asks.
    manifest_strict = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._known: dict[str, str] = {}

    def url(self, name: str | None, force: bool = False) -> str:
        """As Django's, worked out once a name: a page asks for a dozen, and the manifest never changes meanwhile."""
        if settings.DEBUG or force or name is None:
            return str(super().url(name, force))
        found = self._known.get(name)
        if found is None:
            found = self._known[name] = str(super().url(name))
        return found

    def url_converter(self, name: str, hashed_files: dict[str, str], template: str | None = None) -> Callable[..., str]:
        """As Django's, with two things left alone.

        `url(%23id)` inside a data: SVG (Geoman's icons) is an anchor, not a file. And only our own modules (ROOM/js/)
        import each other: in a library's file the words are in a comment or a string.
        """
        convert = super().url_converter(name, hashed_files, template)
        is_import = bool(template) and str(template).startswith(("import", "export"))
        if is_import and "/js/" not in name:
            return lambda match: str(match.groupdict()["matched"])

        def converter(match: Any) -> str:
            if match.groupdict().get("url", "").startswith("%23"):
                return str(match.groupdict()["matched"])
            return str(convert(match))

        return converter
