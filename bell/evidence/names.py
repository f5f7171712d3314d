"""Names of files as strangers give them: shown safely, kept exactly, never used as a path."""

import unicodedata

LONGEST = 255
_UNNAMED = "unnamed"
# Control characters, invisible and direction-changing ones, lone surrogates, line and paragraph separators.
_NOT_SHOWN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def shown(given: str) -> str:
    """The name fit for a page: the last part of a path, with each sign that could mislead the eye replaced by ␣-like �.

    "../../etc/passwd" is "passwd"; "exe.\\u202egpj.mp4" shows where its trick stands.
    """
    last = given.replace("\\", "/").rstrip("/").rpartition("/")[2]
    clean = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(one) in _NOT_SHOWN else one for one in last)
    clean = " ".join(clean.split())[:LONGEST]
    return clean if clean.strip(".") else _UNNAMED


def exactly(given: str) -> str:
    """What was given, in ASCII with escapes, where it differs from what is shown; else empty."""
    if shown(given) == given:
        return ""
    return given.encode("unicode_escape", "backslashreplace").decode("ascii")[:1000]
