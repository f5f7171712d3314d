"""Named places where a test may kill the process, to prove that a restart converges.

CRASHPOINT=name or name:n in the environment makes the process exit with 137, as if killed, the n-th time it comes by.
"""

import os

POINTS = (
    "mid-fill",
    "mid-digest",
    "mid-digest-settle",
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
    "before-store-commit",
    "after-store-commit",
    "before-inbound-commit",
    "after-inbound-commit",
)

_passed: dict[str, int] = {}
# Read once: points lie on the way of every single message.
_wanted, _, _nth = os.environ.get("CRASHPOINT", "").partition(":")


def armed(name: str) -> bool:
    """Whether this run is to be killed at this point: where passing it needs more than coming by."""
    return _wanted == name


def point(name: str) -> None:
    """Exit here with 137 if the environment asks for it; nothing else is flushed, closed or rolled back."""
    if _wanted != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(_nth or 1):
        os._exit(137)
