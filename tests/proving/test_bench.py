"""Benchmarks over HTTP run beside a bare Django; the pages that they hit ask a fixed number of questions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bell.lib import clock
from tests.public.conftest import send, the_code

ROOT = Path(__file__).parents[2]


def queries(client, path):
    """How many questions a page asks of the database."""
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
    assert queries(client, path) == few < 20
    said = client.get(path)["Cache-Control"]
    assert "max-age" in said or "no-cache" in said


@pytest.mark.django_db
def test_joining_asks_a_fixed_number_of_times(client, cast):
    asked = {}
    steps = [
        ("place", {"postcode": "DE75 7AB"}),
        ("contact", {"email": "new@home.example"}),
        ("code", None),
        ("kinds", {"email_kinds": ["crime"]}),
        ("groups", {}),
        ("finish", {"organisations": [cast.force.pk]}),
    ]
    for step, answers in steps:
        asked[step] = queries(client, f"/join/{step}/")
        given = {"email": the_code("new@home.example")} if answers is None else answers
        assert client.post(f"/join/{step}/", given).status_code == 302
    assert max(asked.values()) < 20, asked


@pytest.mark.parametrize("name", ["signup", "page"])
def test_a_benchmark_runs_on_a_database_of_its_own(name, tmp_path):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("BELL_", "DATABASE_", "DJANGO"))}
    # A database that would be harmed if the benchmark took it.
    kept["DATABASE_URL"] = f"sqlite:///{tmp_path / 'mine.sqlite3'}"
    done = subprocess.run(
        [sys.executable, "-m", "bell.cli", "bench", name, "--people", "1", "--json"],
        env=kept,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["benchmark"] == name and {"machine", "database", "rows"} <= set(told)
    row = told["rows"][0]
    assert {"case", "people", "seconds", "rate", "peak_mb", "comparator", "comparator_rate", "ratio"} <= set(row)
    assert row["people"] == 1 and row["rate"] > 0 and row["ratio"] > 0 and "bare" in row["comparator"]
    assert not (tmp_path / "mine.sqlite3").exists()
