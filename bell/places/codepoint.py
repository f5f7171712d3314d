"""Code-Point Open: Ordnance Survey's postcodes, ten columns without a header, on the British National Grid.

Columns used (its user guide): postcode, positional quality indicator, eastings, northings (metres). Quality 90 means
that no coordinates are known. The grid is EPSG:27700, turned into WGS84 to about three metres.
"""

from functools import cache

from pyproj import Transformer

from bell.places import find
from bell.places.models import Postcode

_COLUMNS = 10
_NOWHERE = "90"
_WIDEST, _HIGHEST = 700_000, 1_300_000  # the grid's ends, metres


def is_row(cells: list[str]) -> bool:
    """Whether a file's first row is one of Code-Point Open."""
    return len(cells) == _COLUMNS and cells[1].strip().isdigit() and cells[2].strip().isdigit()


@cache
def _to_wgs84() -> Transformer:
    """Eastings and northings to longitude and latitude; made once, it is not cheap."""
    return Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)


def postcode(cells: list[str]) -> Postcode | None:
    """One row's postcode; None when it has no coordinates; ValueError with the reason when it cannot be used."""
    if len(cells) != _COLUMNS:
        raise ValueError(f"it has {len(cells)} columns, not {_COLUMNS}")
    try:
        code = find.normalise(cells[0])
    except find.PostcodeError as error:
        raise ValueError(f'"{cells[0][:20]}" is not a postcode') from error
    if cells[1].strip() == _NOWHERE:
        return None
    try:
        east, north = int(cells[2]), int(cells[3])
    except ValueError as error:
        raise ValueError(f"{code} has no eastings or northings that are whole numbers") from error
    if not (0 < east < _WIDEST and 0 < north < _HIGHEST):
        raise ValueError(f"{code} does not lie on the British National Grid")
    lon, lat = _to_wgs84().transform(east, north)
    return Postcode(code=code, lon=round(lon, 6), lat=round(lat, 6))
