"""A process of its own that takes or seals footage, to be killed: python -m tests.evidence.child seal|append KEY."""

import sys

import django

django.setup()

from bell.evidence import actions, intake  # noqa: E402 (Django must be ready first)
from bell.evidence.models import Upload  # noqa: E402


class Endless:
    """Bytes that keep coming, slowly enough to be killed in the middle."""

    def read(self, size: int, /) -> bytes:
        """As many as asked."""
        return b"z" * size


if sys.argv[1] == "seal":
    print(actions.seal_due())
else:
    key = int(sys.argv[2])
    at = Upload.objects.get(key=key).offset
    print("begins", flush=True)
    intake.append(key, at, Endless(), expected=10**9)
