"""What the record says of one thing."""

from bell.audit.models import Entry
from bell.audit.record import named


def history(target: object, *, most: int = 500) -> list[Entry]:
    """The entries about a thing, oldest first; of a very long history the newest ones."""
    target_type, target_key = named(target)
    newest = Entry.objects.filter(target_type=target_type, target_key=target_key).order_by("-id")[:most]
    return list(newest)[::-1]
