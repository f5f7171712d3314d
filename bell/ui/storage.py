"""Static files with a hash in their name, compressed: a browser may keep them for ever."""

from collections.abc import Callable
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Django's manifest storage, also rewriting the imports between our ES modules."""

    # Modules import each other by relative path; without this they would ask for names that have no hash.
    support_js_module_import_aggregation = True
    # The browser keeps what the manifest names; a missing entry is a mistake of ours, not of the person who asks.
    manifest_strict = True

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
