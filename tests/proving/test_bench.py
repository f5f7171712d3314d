"""Benchmarks over HTTP run beside a bare Django; the pages that they hit ask a fixed number of questions."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bell.lib import clock
from bell.organisations.models import Agreement, Organisation
from bell.public import kept
from tests.public.conftest import send, the_code

ROOT = Path(__file__).parents[2]


def queries(client, path):
    """How many questions a page asks of the database when it is drawn."""
    kept.forget()
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


@pytest.fixture
def alerts(cast):
    """Makes so many alerts that went out."""
    cast.resident()

    def make(number):
        return [send(cast, title=f"Alert {one} at {clock.now():%H%M%S%f}") for one in range(number)]

    return make


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/alerts/"])
def test_lists_ask_no_more_for_more_alerts(client, alerts, path):
    alerts(1)
    client.get(path)
    few = queries(client, path)
    alerts(3)
    assert queries(client, path) <= few + 1, "the questions grow with the alerts (N+1)"
    assert few < 20


@pytest.mark.django_db
def test_an_alerts_page_asks_no_more_for_more_people(client, cast, alerts):
    alert = alerts(1)[0]
    path = f"/a/{alert.reference}/"
    client.get(path)
    few = queries(client, path)
    for _ in range(5):
        cast.resident()
    alerts(2)
    assert queries(client, path) == few < 12
    said = client.get(path)["Cache-Control"]
    assert "max-age" in said or "no-cache" in said


def partners(number):
    """So many more organisations that a person may hear from."""
    for one in range(number):
        made = Organisation.objects.create(sort="partner", name=f"Partner {one}", slug=f"partner-{one}")
        Agreement.objects.create(
            organisation=made, what="Counts", purpose="Safety", basis="Public task", document="D",
            starts=date(2020, 1, 1), ends=date(2099, 12, 31),
        )  # fmt: skip


def journey(client, address, organisation):
    """Somebody joins; how many questions each page and each form asked."""
    asked = {}
    steps = [
        ("place", {"postcode": "DE75 7AB"}),
        ("contact", {"email": address}),
        ("code", None),
        ("kinds", {"email_kinds": ["crime"]}),
        ("groups", {}),
        ("finish", {"organisations": [organisation.pk]}),
    ]
    for step, answers in steps:
        path = f"/join/{step}/"
        asked[f"get {step}"] = queries(client, path)
        given = {"email": the_code(address)} if answers is None else answers
        with CaptureQueriesContext(connection) as questions:
            assert client.post(path, given).status_code == 302
        asked[f"post {step}"] = len(questions)
    return asked


@pytest.mark.django_db
def test_joining_asks_a_fixed_number_of_times(client, cast):
    client.post("/join/place/", {"postcode": "DE75 7AB"})  # the areas are read once a process
    few = journey(Client(), "new@home.example", cast.force)
    assert max(number for step, number in few.items() if step.startswith("get")) < 8, few
    assert max(few.values()) < 60 and sum(few.values()) < 150, few
    partners(5)
    many = journey(Client(), "newer@home.example", cast.force)
    assert many == few, "the questions grow with the organisations (N+1)"


@pytest.mark.django_db
def test_changing_ones_choices_asks_no_more_for_more_organisations(client, cast):
    journey(client, "new@home.example", cast.force)
    asked = []
    for more, kind in ((0, "scam"), (5, "event")):
        partners(more)
        with CaptureQueriesContext(connection) as questions:
            given = {"email_kinds": [kind], "organisations": [cast.force.pk]}
            assert client.post("/account/choices/", given).status_code == 302
        asked.append(len(questions))
    assert asked[0] == asked[1] < 60, asked


def bench(name, tmp_path, *words):
    """Run a benchmark as a command and return what it tells."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BELL_", "DATABASE_", "DJANGO"))}
    # A database that would be harmed if the benchmark took it.
    kept["DATABASE_URL"] = f"sqlite:///{tmp_path / 'mine.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "-m", "bell.cli", "bench", name, *words, "--json"],
        env=kept,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "mine.sqlite3").exists()
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "cases"),
    [
        ("fill", ["100 people, all in the outbox", "100 people, the first batches"]),
        ("text", ["100 a second permitted, 20 ms", "1,000 a second permitted, 20 ms", "no limit, 20 ms"]),
        ("email", ["100 emails of"]),
        ("inbound", ["200 replies, all stored", "200 replies, all threaded", "the inbox page meanwhile"]),
    ],
)
def test_the_post_rooms_benchmarks_still_run(name, cases, tmp_path):
    """Small ones, so that they cannot rot; they prove nothing about speed. Each fails itself when anything is lost."""
    if name == "email" and shutil.which("smtp-sink", path="/usr/sbin:" + os.environ["PATH"]) is None:
        pytest.skip("smtp-sink is not installed")
    told = bench(name, tmp_path, "--people", "100", "--runs", "1")
    found = [row["case"] for row in told["rows"]]
    assert all(any(one.startswith(case) for one in found) for case in cases), found
    assert all(row["seconds"] > 0 for row in told["rows"])


AREAS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"name": f"Area {number}"},
            "geometry": {"type": "Polygon", "coordinates": [outline]},
        }
        for number, outline in enumerate(
            [
                [[-1.40, 52.99], [-1.32, 52.99], [-1.32, 53.04], [-1.40, 53.04], [-1.40, 52.99]],
                [[-1.36, 53.00], [-1.34, 53.02], [-1.34, 53.00], [-1.36, 53.02], [-1.36, 53.00]],  # crosses itself
            ]
        )
    ],
}


def test_finding_people_stands_beside_postgis_or_says_that_it_is_not_there(tmp_path):
    """The benchmark fails by itself where PostGIS, or a full scan, finds other people."""
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps(AREAS))
    at = ["--database-url", own_database()] if connection.vendor == "postgresql" else []
    told = bench("audience", tmp_path, "--people", "300", "--runs", "1", "--areas", str(file), *at)
    rows = {row["case"]: row for row in told["rows"]}
    drawn = [row for case, row in rows.items() if "inside, drawn" in case or "inside, with preferences" in case]
    counted = [row for case, row in rows.items() if "of the file" in case]
    assert len(drawn) == 4 and len(counted) == 3 and any("while drawing" in case for case in rows)
    assert rows["60 inside, drawn"]["people"] > 30 and rows["240 inside, drawn"]["people"] > 150
    assert rows["2 areas of the file, one count each"]["people"] > 0
    if all("PostGIS is not installed here" in row["comparator"] for row in drawn):
        assert not postgis() and all(row["ratio"] is None and "not installed" in row["comparator"] for row in counted)
    else:
        assert postgis() and all(row["comparator"].startswith("PostGIS 3") for row in drawn + counted)
        assert all(row["ratio"] > 0 for row in drawn + counted) and not left_behind(at[1])


def postgis() -> bool:
    """Whether this database can have PostGIS."""
    if connection.vendor != "postgresql":
        return False
    with psycopg.connect(os.environ["DATABASE_URL"]) as own:
        return bool(own.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'").fetchall())


def own_database() -> str:
    """An empty database on the server of these tests."""
    address = os.environ["DATABASE_URL"]
    with psycopg.connect(address, autocommit=True) as own:
        own.execute("DROP DATABASE IF EXISTS bench_of_audience WITH (FORCE)")
        own.execute("CREATE DATABASE bench_of_audience")
    return address.rpartition("/")[0] + "/bench_of_audience"


def left_behind(address: str) -> list:
    """Extensions and schemas of a benchmark that should be gone."""
    asked = (
        "SELECT extname FROM pg_extension WHERE extname = 'postgis'"
        " UNION ALL SELECT nspname FROM pg_namespace WHERE nspname LIKE 'bench%'"
    )
    with psycopg.connect(address) as own:
        return own.execute(asked).fetchall()


@pytest.mark.parametrize(
    ("name", "words", "why"),
    [("page", "areas.geojson", "Only the benchmark audience"), ("audience", "none.geojson", "cannot be opened")],
)
def test_areas_that_cannot_be_used_are_refused_in_words(name, words, why, tmp_path):
    with pytest.raises(CommandError, match=why):
        call_command("bench", name, areas=tmp_path / words)


@pytest.mark.parametrize("name", ["signup", "page"])
def test_a_benchmark_runs_on_a_database_of_its_own(name, tmp_path):
    told = bench(name, tmp_path, "--people", "1")
    assert told["benchmark"] == name and {"machine", "database", "rows"} <= set(told)
    rows = {row["case"].rpartition(", ")[2] for row in told["rows"]}
    assert rows == ({"cached", "uncached"} if name == "page" else {"the whole joining journey"})
    row = told["rows"][0]
    assert {"case", "people", "seconds", "rate", "peak_mb", "comparator", "comparator_rate", "ratio"} <= set(row)
    assert row["people"] == 1 and row["rate"] > 0 and row["ratio"] > 0 and "bare" in row["comparator"]
