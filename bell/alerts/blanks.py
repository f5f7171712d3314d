"""Blanks of templates: "[place]" in a text is to be filled in, and nothing goes while one is left.

A Markdown link, "[words](https://…)", is none.
"""

import re
from typing import Any

_BLANK = re.compile(r"\[([^\W\d_][^\[\]\n]{0,59})\](?!\()")


def of(text: str) -> list[str]:
    """The blanks of a text with their brackets, each once."""
    return list(dict.fromkeys(f"[{found}]" for found in _BLANK.findall(text)))


def problems(frozen: dict[str, Any]) -> dict[str, str]:
    """Blanks that were left in any text of an alert: composer field to words."""
    texts = {name: str(frozen.get(name, "")) for name in ("title", "body", "sms_text")}
    texts |= {name: value for name, value in frozen["fields"].items() if isinstance(value, str)}
    for tag, said in frozen.get("languages", {}).items():
        parts = {name: said.get(name, "") for name in ("title", "body", "sms_text")} | said.get("fields", {})
        texts |= {f"lang_{tag}_{name}": value for name, value in parts.items()}
    found = {name: of(text) for name, text in texts.items()}
    return {name: f"Fill in {', '.join(left)}, or take it out." for name, left in found.items() if left}
