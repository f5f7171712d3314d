"""The demo county's ground: a small table of towns, and boundaries invented from it by plain geometry.

The names and rough middles of the towns are real; every boundary and every postcode is invented.
"""

import random
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from shapely.geometry import MultiPoint, Point, Polygon
from shapely.geometry.base import BaseGeometry

from bell.lib import shapes

FORCE_AREA = "Derbyshire (demo)"


@dataclass(frozen=True)
class Town:
    """A town or suburb: its middle (WGS84 degrees), thousands of people, who serves it, its outward postcode."""

    name: str
    lon: float
    lat: float
    weight: int
    team: str
    outward: str


# Neighbourhood teams and the district each lies in.
TEAMS = {
    "Heanor and Ripley": "Amber Valley",
    "Alfreton and Belper": "Amber Valley",
    "Ilkeston": "Erewash",
    "Long Eaton": "Erewash",
    "Derby North": "Derby",
    "Derby South": "Derby",
    "Chesterfield": "Chesterfield",
    "Bolsover": "Bolsover",
    "Dronfield and Clay Cross": "North East Derbyshire",
    "High Peak": "High Peak",
    "Dales": "Derbyshire Dales",
    "Swadlincote": "South Derbyshire",
}

TOWNS = [
    Town("Heanor", -1.354, 53.014, 18, "Heanor and Ripley", "DE75"),
    Town("Langley Mill", -1.332, 53.020, 4, "Heanor and Ripley", "NG16"),
    Town("Ripley", -1.407, 53.050, 21, "Heanor and Ripley", "DE5"),
    Town("Codnor", -1.377, 53.040, 5, "Heanor and Ripley", "DE5"),
    Town("Alfreton", -1.384, 53.097, 9, "Alfreton and Belper", "DE55"),
    Town("Somercotes", -1.372, 53.083, 6, "Alfreton and Belper", "DE55"),
    Town("Belper", -1.475, 53.024, 23, "Alfreton and Belper", "DE56"),
    Town("Duffield", -1.488, 52.988, 5, "Alfreton and Belper", "DE56"),
    Town("Crich", -1.480, 53.086, 3, "Alfreton and Belper", "DE4"),
    Town("Ilkeston", -1.309, 52.971, 40, "Ilkeston", "DE7"),
    Town("Kilburn", -1.435, 53.003, 4, "Ilkeston", "DE56"),
    Town("West Hallam", -1.358, 52.971, 4, "Ilkeston", "DE7"),
    Town("Long Eaton", -1.271, 52.898, 38, "Long Eaton", "NG10"),
    Town("Sandiacre", -1.291, 52.923, 9, "Long Eaton", "NG10"),
    Town("Borrowash", -1.382, 52.908, 8, "Long Eaton", "DE72"),
    Town("Allestree", -1.485, 52.952, 14, "Derby North", "DE22"),
    Town("Derby", -1.476, 52.922, 60, "Derby North", "DE1"),
    Town("Chaddesden", -1.437, 52.929, 27, "Derby North", "DE21"),
    Town("Spondon", -1.407, 52.922, 13, "Derby North", "DE21"),
    Town("Mickleover", -1.543, 52.908, 18, "Derby South", "DE3"),
    Town("Littleover", -1.508, 52.902, 25, "Derby South", "DE23"),
    Town("Alvaston", -1.433, 52.896, 16, "Derby South", "DE24"),
    Town("Sinfin", -1.489, 52.880, 15, "Derby South", "DE24"),
    Town("Chellaston", -1.439, 52.869, 16, "Derby South", "DE73"),
    Town("Chesterfield", -1.428, 53.235, 55, "Chesterfield", "S40"),
    Town("Staveley", -1.350, 53.268, 18, "Chesterfield", "S43"),
    Town("Brimington", -1.390, 53.257, 9, "Chesterfield", "S43"),
    Town("Bolsover", -1.291, 53.229, 12, "Bolsover", "S44"),
    Town("Shirebrook", -1.219, 53.204, 13, "Bolsover", "NG20"),
    Town("Clowne", -1.263, 53.276, 8, "Bolsover", "S43"),
    Town("Creswell", -1.219, 53.263, 6, "Bolsover", "S80"),
    Town("South Normanton", -1.343, 53.107, 10, "Bolsover", "DE55"),
    Town("Pinxton", -1.318, 53.091, 6, "Bolsover", "NG16"),
    Town("Dronfield", -1.474, 53.302, 21, "Dronfield and Clay Cross", "S18"),
    Town("Eckington", -1.357, 53.308, 11, "Dronfield and Clay Cross", "S21"),
    Town("Clay Cross", -1.412, 53.164, 10, "Dronfield and Clay Cross", "S45"),
    Town("Wingerworth", -1.434, 53.203, 7, "Dronfield and Clay Cross", "S42"),
    Town("Ashover", -1.480, 53.163, 2, "Dronfield and Clay Cross", "S45"),
    Town("Buxton", -1.911, 53.259, 20, "High Peak", "SK17"),
    Town("Glossop", -1.949, 53.443, 33, "High Peak", "SK13"),
    Town("New Mills", -1.999, 53.366, 12, "High Peak", "SK22"),
    Town("Chapel-en-le-Frith", -1.913, 53.322, 9, "High Peak", "SK23"),
    Town("Whaley Bridge", -1.984, 53.330, 6, "High Peak", "SK23"),
    Town("Hope", -1.743, 53.348, 2, "High Peak", "S33"),
    Town("Matlock", -1.555, 53.139, 14, "Dales", "DE4"),
    Town("Wirksworth", -1.574, 53.083, 6, "Dales", "DE4"),
    Town("Bakewell", -1.675, 53.213, 4, "Dales", "DE45"),
    Town("Ashbourne", -1.733, 53.016, 9, "Dales", "DE6"),
    Town("Tideswell", -1.773, 53.279, 2, "Dales", "SK17"),
    Town("Hathersage", -1.654, 53.330, 2, "Dales", "S32"),
    Town("Swadlincote", -1.557, 52.774, 34, "Swadlincote", "DE11"),
    Town("Melbourne", -1.426, 52.823, 5, "Swadlincote", "DE73"),
    Town("Hilton", -1.636, 52.872, 8, "Swadlincote", "DE65"),
    Town("Repton", -1.551, 52.839, 3, "Swadlincote", "DE65"),
]

# A hand-drawn outline, its corners rounded below.
_OUTLINE = [
    (-2.01, 53.50), (-1.86, 53.54), (-1.74, 53.48), (-1.70, 53.40), (-1.62, 53.37), (-1.58, 53.31), (-1.50, 53.34),
    (-1.38, 53.34), (-1.27, 53.36), (-1.17, 53.32), (-1.16, 53.24), (-1.18, 53.18), (-1.26, 53.15), (-1.27, 53.08),
    (-1.30, 53.04), (-1.29, 53.00), (-1.25, 52.97), (-1.24, 52.92), (-1.22, 52.87), (-1.32, 52.83), (-1.40, 52.79),
    (-1.49, 52.78), (-1.52, 52.71), (-1.62, 52.69), (-1.70, 52.72), (-1.69, 52.79), (-1.66, 52.83), (-1.75, 52.86),
    (-1.84, 52.90), (-1.87, 52.97), (-1.80, 53.05), (-1.83, 53.12), (-1.94, 53.17), (-2.01, 53.23), (-2.03, 53.31),
    (-2.07, 53.38), (-2.02, 53.44),
]  # fmt: skip

_SIDES = ("North", "South", "East", "West")
_OFFSETS = {"North": (0.0, 0.008), "South": (0.0, -0.008), "East": (0.013, 0.0), "West": (-0.013, 0.0)}
# Royal Mail uses these in the last two places.
_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
# Degrees: about 500 m; a town spreads further the more people it has.
_SPREAD = 0.0045


@dataclass(frozen=True)
class Ward:
    """A part of a town with its invented boundary."""

    name: str
    code: str
    town: Town
    shape: BaseGeometry


@dataclass(frozen=True)
class Spot:
    """An invented postcode and the point in its middle."""

    code: str
    lon: float
    lat: float
    town: Town


def outline() -> Polygon:
    """The county's smooth outline: each corner cut three times (Chaikin)."""
    corners = np.array(_OUTLINE)
    for _ in range(3):
        after = np.roll(corners, -1, axis=0)
        corners = np.stack([0.75 * corners + 0.25 * after, 0.25 * corners + 0.75 * after], axis=1).reshape(-1, 2)
    return Polygon(corners)


def _seeds() -> list[tuple[str, Town, Point]]:
    """The middle of each ward: large towns have one a side of the compass, small ones are one ward."""
    found = []
    for town in TOWNS:
        sides = _SIDES if town.weight >= 12 else _SIDES[:2] if town.weight >= 8 else ()
        for side in sides:
            dx, dy = _OFFSETS[side]
            found.append((f"{town.name} {side}", town, Point(town.lon + dx, town.lat + dy)))
        if not sides:
            found.append((town.name, town, Point(town.lon, town.lat)))
    return found


@cache
def wards() -> tuple[Ward, ...]:
    """Every ward: the ground nearer to its middle than to any other's, within the outline."""
    county = outline()
    seeds = _seeds()
    cells = shapely.voronoi_polygons(MultiPoint([point for *_, point in seeds]), extend_to=county, ordered=True)
    return tuple(
        Ward(name, f"DEMO-W{number:03}", town, shapely.intersection(cell, county))
        for number, ((name, town, _), cell) in enumerate(zip(seeds, cells.geoms, strict=True), start=1)
    )


def collections() -> dict[str, dict[str, Any]]:
    """GeoJSON collections by kind of area (force, district, team, ward), each feature naming its parent."""
    teams: dict[str, list[BaseGeometry]] = defaultdict(list)
    for ward in wards():
        teams[ward.town.team].append(ward.shape)
    patches = {name: shapes.union(parts) for name, parts in teams.items()}
    districts: dict[str, list[BaseGeometry]] = defaultdict(list)
    for name, patch in patches.items():
        districts[TEAMS[name]].append(patch)
    grounds = {name: shapes.union(parts) for name, parts in districts.items()}
    return {
        "force": _collection([("DEMO-F", FORCE_AREA, "", shapes.union(grounds.values()))]),
        "district": _collection(
            [(f"DEMO-D{n:02}", name, FORCE_AREA, grounds[name]) for n, name in enumerate(sorted(grounds), 1)]
        ),
        "team": _collection(
            [(f"DEMO-T{n:02}", name, TEAMS[name], patches[name]) for n, name in enumerate(sorted(patches), 1)]
        ),
        "ward": _collection([(ward.code, ward.name, ward.town.team, ward.shape) for ward in wards()]),
    }


def _collection(rows: list[tuple[str, str, str, BaseGeometry]]) -> dict[str, Any]:
    """One GeoJSON FeatureCollection from (code, name, parent's name, shape)."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"code": code, "name": name, "parent": parent},
                "geometry": shapes.to_geojson(shape),
            }
            for code, name, parent, shape in rows
        ],
    }


def near(town: Town, rng: random.Random, county: BaseGeometry) -> tuple[float, float]:
    """A point of a town: many in its middle, few at its edge, never outside the county."""
    reach = _SPREAD * max(1.0, (town.weight / 8) ** 0.5)
    while True:
        lon, lat = town.lon + rng.gauss(0, reach * 1.6), town.lat + rng.gauss(0, reach)
        if shapely.contains_xy(county, lon, lat):
            return round(lon, 6), round(lat, 6)


def postcodes(rng: random.Random, count: int) -> list[Spot]:
    """About `count` invented postcodes, spread by people; DE75 7AB stands in Ilkeston Road, Heanor."""
    county = outline()
    shapely.prepare(county)
    total = sum(town.weight for town in TOWNS)
    used: dict[str, int] = defaultdict(int)
    found = [Spot("DE75 7AB", -1.3462, 53.0108, TOWNS[0])]
    for town in TOWNS:
        for _ in range(max(3, count * town.weight // total)):
            number = used[town.outward]
            used[town.outward] += 1
            code = _code(town.outward, number)
            if code != found[0].code:
                found.append(Spot(code, *near(town, rng, county), town))
    return found


def _code(outward: str, number: int) -> str:
    """The number-th postcode of an outward part: sectors fill up one after the other."""
    sector, unit = divmod(number, len(_LETTERS) ** 2)
    return f"{outward} {(sector + 7) % 10}{_LETTERS[unit // len(_LETTERS)]}{_LETTERS[unit % len(_LETTERS)]}"


def directory(spots: list[Spot]) -> str:
    """The postcodes as a CSV in the layout of the ONS Postcode Directory."""
    rows = ["pcd,pcd2,pcds,dointr,doterm,lat,long"]
    rows += [
        f"{spot.code.replace(' ', '')},{spot.code},{spot.code},202601,,{spot.lat:.6f},{spot.lon:.6f}" for spot in spots
    ]
    return "\n".join(rows) + "\n"
