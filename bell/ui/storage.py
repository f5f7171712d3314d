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
        """As Django's, but leaves `url(%23id)` alone: in a data: SVG (Geoman's icons) it is an anchor, not a file."""
        convert = super().url_converter(name, hashed_files, template)

        def converter(match: Any) -> str:
            if match.groupdict().get("url", "").startswith("%23"):
                return str(match.groupdict()["matched"])
            return convert(match)

        return converter
