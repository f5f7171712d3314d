"""PostGIS beside us: the same places as points of its own, in a schema that goes when the benchmark ends.

It is no requirement of this software. Where the database cannot have the extension, there is nothing to compare with.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import shapely
from django.db import DatabaseError, connection, transaction
from django.db.models.expressions import RawSQL
from shapely.geometry.base import BaseGeometry

from bell.residents.models import Place

NOT_HERE = "PostGIS is not installed here"
_SCHEMA = "bench_postgis"
_WHERE = f"FROM {_SCHEMA}.place WHERE ST_Contains(%s::geometry, g)"


class PostGIS:
    """The places of this database in a table of PostGIS's, in its best form: GiST, clustered by it, analysed."""

    def __init__(self, version: str) -> None:
        self.name = f"PostGIS {version}"

    def distinct(self, shape: BaseGeometry) -> int:
        """How many people have a place in a shape."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(DISTINCT resident_id) {_WHERE}", [_text(shape)])
            return int(cursor.fetchone()[0])

    def residents(self, shape: BaseGeometry) -> RawSQL:
        """The people with a place in a shape, as a part of a larger question."""
        return RawSQL(f"SELECT resident_id {_WHERE}", [_text(shape)])

    def on_the_edge(self, shape: BaseGeometry, ours: set[int]) -> int:
        """How many places (ids) we count and PostGIS does not, all exactly on the edge; AssertionError for any other.

        To us a boundary belongs to its shape, to `ST_Contains` it does not.
        """
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id {_WHERE}", [_text(shape)])
            theirs = {number for (number,) in cursor.fetchall()}
        odd = ours ^ theirs
        if odd:
            points = np.array(list(Place.objects.filter(pk__in=odd).values_list("lon", "lat")))
            edge = shapely.intersects_xy(shapely.boundary(shape), points[:, 0], points[:, 1])
            assert edge.all(), f"{int((~edge).sum())} places off the edge are counted by one of us only"
        return len(odd)


@contextmanager
def beside() -> Iterator[PostGIS | None]:
    """PostGIS with the places that stand in the database now, or None where it is not installed."""
    if connection.vendor != "postgresql" or not _made():
        yield None
        return
    try:
        yield PostGIS(_filled())
    finally:
        with connection.cursor() as cursor:
            # The extension goes with the schema; one that was there before us stands elsewhere and stays.
            cursor.execute(f"DROP SCHEMA {_SCHEMA} CASCADE")
            cursor.execute("RESET search_path")


def _made() -> bool:
    """Make our schema with the extension; whether that was possible."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'")
        if cursor.fetchone() is None:
            return False
        try:
            with transaction.atomic():
                cursor.execute(f"CREATE SCHEMA {_SCHEMA}")
                cursor.execute(f"CREATE EXTENSION IF NOT EXISTS postgis SCHEMA {_SCHEMA}")
        except DatabaseError:  # only a superuser may
            return False
        cursor.execute(
            "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
            " WHERE e.extname = 'postgis'"
        )
        cursor.execute(f'SET search_path TO "$user", public, "{cursor.fetchone()[0]}"')
    return True


def _filled() -> str:
    """Fill our table; PostGIS's version."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {_SCHEMA}.place AS SELECT id, resident_id,"
            " ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geometry(Point, 4326) AS g FROM residents_place"
        )
        cursor.execute(f"CREATE INDEX place_g ON {_SCHEMA}.place USING gist (g)")
        cursor.execute(f"CLUSTER {_SCHEMA}.place USING place_g")
        cursor.execute(f"VACUUM ANALYZE {_SCHEMA}.place")
        cursor.execute("SELECT postgis_lib_version()")
        return str(cursor.fetchone()[0])


def _text(shape: BaseGeometry) -> str:
    """The very numbers of a shape, as PostGIS reads them."""
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, include_srid=True))
