"""Waking workers when something was put into the outbox: by NOTIFY on PostgreSQL; elsewhere they look by themselves."""

from django.db import DEFAULT_DB_ALIAS, connections

CHANNEL = "bell_outbox"


def ring(using: str = DEFAULT_DB_ALIAS) -> None:
    """Tell waiting workers, when the caller's transaction commits, that batches may be due."""
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
