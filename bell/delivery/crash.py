"""Named places where a test may kill the process, to prove that a restart converges.

CRASHPOINT=name or name:n in the environment makes the process exit with 137, as if killed, the n-th time it comes by.
"""

import os

POINTS = (
    "mid-fill",
    "before-claim",
    "after-claim",
    "after-connect",
    "after-mail",
    "after-rcpt",
    "mid-data",
    "after-final-dot",
    "after-reply-before-commit",
    "after-commit",
    "before-sweep-commit",
    "before-inbound-commit",
    "after-inbound-commit",
)

_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Exit here with 137 if the environment asks for it; nothing else is flushed, closed or rolled back."""
    wanted, _, nth = os.environ.get("CRASHPOINT", "").partition(":")
    if wanted != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(nth or 1):
        os._exit(137)
