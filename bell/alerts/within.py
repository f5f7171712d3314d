"""From a drawn shape to the places and people in it: one question to the database, then one exact test.

What lies in the covering's inner squares is taken as it is. Of what lies at the edge the points come too and are tested
here. Both come from the index alone (`place_within`), on PostgreSQL packed as arrays, since building a Python object
for each row takes longer than finding it.
"""

import json
from typing import Any

import numpy as np
from django.db import connection
from shapely.geometry.base import BaseGeometry

from bell.lib import cells, shapes
from bell.lib.cells import Floats, Ints, Range

MANY = 200_000
"""Of more than so many ids a list is slower than asking the database to find them anew within the larger question."""

# A count of squares that suits a street or a town, and one for whatever is wider than some 8 km (square degrees): there
# each point at the edge that need not be tested is worth more than the time for finer squares.
_CELLS, _CELLS_WIDE, _WIDE = 96, 512, 0.01

_SPARSE = 100


def people(shape: BaseGeometry) -> Ints:
    """Ids of the residents with a place in a shape or on its boundary, each once, ascending."""
    return _different(_found("resident_id", shape, None))


def places(shape: BaseGeometry) -> Ints:
    """Ids of the places in a shape or on its boundary, in any order."""
    return _found("id", shape, None)


def some_people(shape: BaseGeometry) -> Ints | None:
    """The same people where they have no more than MANY places there; else None, sooner than all are found."""
    found = _found("resident_id", shape, MANY)
    return _different(found) if len(found) <= MANY else None


def some_places(shape: BaseGeometry) -> Ints | None:
    """The same places where they are no more than MANY; else None."""
    found = _found("id", shape, MANY)
    return found if len(found) <= MANY else None


def _different(ids: Ints) -> Ints:
    """Each id once, ascending. Ids lie close together: marking them takes a tenth of the time of sorting them."""
    if not len(ids) or (highest := int(ids.max())) > _SPARSE * len(ids):
        return np.unique(ids)
    marked = np.zeros(highest + 1, dtype=np.bool_)
    marked[ids] = True
    return np.flatnonzero(marked)


def _found(column: str, shape: BaseGeometry, most: int | None) -> Ints:
    """The column of all places in the shape, in any order; more than `most` are found to be more, not all of them."""
    west, south, east, north = shape.bounds if not shape.is_empty else (0, 0, 0, 0)
    wide = (east - west) * (north - south) > _WIDE
    covering = cells.cover(shape, max_cells=_CELLS_WIDE if wide else _CELLS)
    ask = _packed if connection.vendor == "postgresql" else _rows
    inside, edge, lons, lats = ask(column, covering, None if most is None else most + 1)
    if len(edge):
        inside = np.concatenate([inside, edge[shapes.contains(shape, lons, lats)]])
    return inside


_JOIN = "FROM unnest(%s::bigint[], %s::bigint[]) r(a, b) JOIN residents_place p ON p.cell BETWEEN r.a AND r.b"
# array_send is an array as the wire's binary form has it: 20 bytes of head, then length and value of each element.
_PACKED = (
    "SELECT array_send((SELECT array_agg(i.one) FROM (SELECT p.{column} AS one {join} LIMIT %s) i)),"
    " array_send(array_agg(p.{column})), array_send(array_agg(p.lon)), array_send(array_agg(p.lat)) {join}"
)
_HEAD = 20
_INT = np.dtype([("length", ">i4"), ("value", ">i8")])
_FLOAT = np.dtype([("length", ">i4"), ("value", ">f8")])

Found = tuple[Ints, Ints, Floats, Floats]
"""The column inside; the column, longitudes and latitudes at the edge."""


def _packed(column: str, covering: cells.Covering, limit: int | None) -> Found:
    """From PostgreSQL."""
    with connection.cursor() as cursor:
        params = [*_ends(covering.inside), limit, *_ends(covering.edge)]
        cursor.execute(_PACKED.format(column=column, join=_JOIN), params)
        inside, edge, lons, lats = cursor.fetchone()
    return _unpacked(inside, _INT), _unpacked(edge, _INT), _unpacked(lons, _FLOAT), _unpacked(lats, _FLOAT)


def _ends(ranges: list[Range]) -> tuple[str, str]:
    """The first and the last codes, each as an array's text."""
    firsts, lasts = (",".join(str(one[end]) for one in ranges) for end in (0, 1))
    return f"{{{firsts}}}", f"{{{lasts}}}"


def _unpacked(sent: bytes | None, dtype: Any) -> Any:
    """The values of an array as array_send packs it; None: there was no row."""
    kind = dtype["value"].newbyteorder("=")
    return np.frombuffer(sent, dtype, offset=_HEAD)["value"].astype(kind) if sent else np.zeros(0, kind)


# ->> came to SQLite in 2022 (3.38), and systems with an older one are about.
_ROWS = (
    "SELECT {columns} FROM json_each(%s) r JOIN residents_place p"
    " ON p.cell BETWEEN json_extract(r.value, '$[0]') AND json_extract(r.value, '$[1]') LIMIT %s"
)


def _rows(column: str, covering: cells.Covering, limit: int | None) -> Found:
    """From SQLite, where the rows come from the same process."""
    with connection.cursor() as cursor:
        none = -1 if limit is None else limit
        cursor.execute(_ROWS.format(columns=f"p.{column}"), [json.dumps(covering.inside), none])
        inside = np.fromiter((one for (one,) in cursor.fetchall()), np.int64)
        cursor.execute(_ROWS.format(columns=f"p.{column}, p.lon, p.lat"), [json.dumps(covering.edge), -1])
        edge = cursor.fetchall()
    ids, lons, lats = zip(*edge, strict=True) if edge else ((), (), ())
    return inside, np.array(ids, np.int64), np.array(lons, np.float64), np.array(lats, np.float64)
