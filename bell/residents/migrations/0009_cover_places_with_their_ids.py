"""An index that answers a shape's ranges by itself, ids included, in the place of one that lacked them.

On PostgreSQL both are made and dropped while others read and write. The old one goes last, either way.
"""

from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

NEW = models.Index(fields=["cell", "lon", "lat", "resident", "id"], name="place_within")


class Add(migrations.AddIndex):
    """Without a lock where the database can."""

    def database_forwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        """Make it."""
        if editor.connection.vendor == "postgresql":
            AddIndexConcurrently(self.model_name, self.index).database_forwards(app_label, editor, old, new)
        else:
            super().database_forwards(app_label, editor, old, new)

    def database_backwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        """Drop it."""
        if editor.connection.vendor == "postgresql":
            AddIndexConcurrently(self.model_name, self.index).database_backwards(app_label, editor, old, new)
        else:
            super().database_backwards(app_label, editor, old, new)


class Remove(migrations.RemoveIndex):
    """Without a lock where the database can."""

    def database_forwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        """Drop it."""
        if editor.connection.vendor == "postgresql":
            RemoveIndexConcurrently(self.model_name, self.name).database_forwards(app_label, editor, old, new)
        else:
            super().database_forwards(app_label, editor, old, new)

    def database_backwards(self, app_label: str, editor: Any, old: Any, new: Any) -> None:
        """Make it again."""
        if editor.connection.vendor == "postgresql":
            RemoveIndexConcurrently(self.model_name, self.name).database_backwards(app_label, editor, old, new)
        else:
            super().database_backwards(app_label, editor, old, new)


class Migration(migrations.Migration):
    """Outside a transaction, as an index that is made concurrently asks for."""

    atomic = False

    dependencies = [("residents", "0008_add_digest_to_resident")]

    operations = [Add("place", NEW), Remove("place", "place_cell")]
