"""`bell rehearse`: it holds what it should, notices what is broken, and keeps to this machine.

The whole of it runs as an operator starts it, in a process of its own. One run belongs to `make test`; those with the
mark `rehearse` take half a minute each (`pytest -m rehearse`).
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from bell.alerts import audience, dispatch
from bell.alerts.audience import Rule
from bell.alerts.models import Alert
from bell.audit.record import record
from bell.cli.children import listens
from bell.cli.surroundings import INVARIANTS
from bell.delivery import post
from bell.delivery.models import Channel, Delivery, Lane
from bell.lib import clock, shapes
from bell.organisations.kinds import Kind
from bell.proving.mailcatcher import MailCatcher
from bell.proving.rehearse import erasure, expected, footage, paper, spools, world
from bell.proving.rehearse.report import status
from bell.proving.rehearse.verdict import Verdict
from bell.residents import actions as residents
from tests.cast import Cast
from tests.ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
WARDS = {
    "type": "FeatureCollection",
    "features": [
        {
            "type": "Feature",
            "properties": {"code": f"W{row}{column}", "name": f"Ward {row}{column}", "district": f"District {row}"},
            "geometry": shapes.to_geojson(
                shapely.box(-1.5 + column / 20, 53 + row / 30, -1.45 + column / 20, 53 + (row + 1) / 30)
            ),
        }
        for row in range(3)
        for column in range(4)
    ],
}


def rehearse(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as an operator does."""
    return subprocess.run(
        [sys.executable, "-m", "bell.cli", "rehearse", *arguments],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def test_it_holds(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = rehearse("--residents", "150", "--json", "--keep", str(kept), DATABASE_URL="sqlite:////nowhere/real.sqlite3")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["invariants"]) == set(INVARIANTS)
    assert set(found["promises"]) == {
        "paper", "erasure", "returned", "two approvals", "quiet hours", "stand-down", "digests", "survey",
    }  # fmt: skip
    for name, one in (found["invariants"] | found["promises"]).items():
        assert one["holds"] is True and one["checked"] > 0, name
    assert found["opted_out"] == 20
    assert found["stopped"]["accepted"] > 0 and found["stopped"]["cancelled"] > 0
    assert all(way["sent"] == way["threaded"] > 0 for way in found["replies"].values())
    assert set(found["tried"].values()) == {"refused", "caught"}
    assert 0 < found["eligible"] <= found["people_in_shape"] <= 150
    assert 0 < found["carried"]["people"] < found["eligible"]
    sent = found["footage"]
    assert sent["sealed"] == sent["sent"] >= 4 and sent["resumed"] == sent["broken_off"] > 0
    assert sent["not_scanned"] == sent["sent"] and sent["infected"] == 0, "no scanner here, and nothing is called clean"
    assert found["paper"] == {"forms": 7, "confirmed": 3, "silent": 3}
    assert found["erased"] > 0
    assert found["receipts_replayed"] >= 2 * found["sent"]["sms"]
    assert 0 < found["group"]["sent"] <= found["group"]["people"] < 150
    # The spools say the same to anyone who reads them.
    raw = "".join((kept / "spool" / name).read_text() for name in ("mail.jsonl", "texts.jsonl"))
    assert "never-" not in raw and "Sheds broken into last night" in raw
    assert "never-practice" in (kept / "practice" / "mail.jsonl").read_text()
    assert not _still_running(kept), "no child outlives it"


def _still_running(folder: Path) -> list[str]:
    """Processes whose environment names this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder).encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


@pytest.mark.rehearse
def test_every_sabotage_is_noticed_and_named() -> None:
    names = list(INVARIANTS)
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda name: rehearse("--residents", "90", "--json", "--sabotage", name), names))
    for name, one in zip(names, done, strict=True):
        assert one.returncode == 1, f"{name}: {one.stdout} {one.stderr}"
        invariants = json.loads(one.stdout)["invariants"]
        assert [broken for broken in names if invariants[broken]["holds"] is False] == [name], one.stderr


@pytest.fixture
def scanner(tmp_path: Path) -> Iterator[str]:
    """A real ClamAV daemon on this machine that knows one virus: EICAR's test file."""
    program = shutil.which("clamd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed: apt-get install clamav-daemon")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "rehearsal.ndb").write_text(f"Rehearsal.EICAR:0:*:{footage.EICAR.hex()}\n")
    (port,) = free_ports(1)
    words = f"DatabaseDirectory {tmp_path}/db\nOfficialDatabaseOnly no\nTCPAddr 127.0.0.1\nTCPSocket {port}\n"
    (tmp_path / "clamd.conf").write_text(f"{words}Foreground yes\nSelfCheck 0\nAlertExceedsMax yes\nBytecode no\n")
    daemon = subprocess.Popen([program, "--config-file", f"{tmp_path}/clamd.conf"], stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while not listens("127.0.0.1", port) and time.monotonic() < until:
        time.sleep(0.1)
    yield f"127.0.0.1:{port}"
    daemon.terminate()
    daemon.wait(10)


@pytest.mark.rehearse
def test_a_scanner_finds_the_virus_and_nothing_else(scanner: str) -> None:
    done = rehearse("--residents", "90", "--json", BELL_CLAMD=scanner)
    assert done.returncode == 0, done.stderr
    sent = json.loads(done.stdout)["footage"]
    assert sent["infected"] == 1 and sent["not_scanned"] == 0
    assert sent["sealed"] == sent["sent"], "what is infected is kept as it came, and said to be infected"


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[MailCatcher]:
    """Somebody else's relay on this machine: it takes everything, and its spool is not ours to read."""
    catcher = MailCatcher("127.0.0.1", 0, tmp_path / "elsewhere").start()
    yield catcher
    catcher.stop()


@pytest.mark.rehearse
def test_a_foreign_relay_leaves_some_things_unproved(relay: MailCatcher) -> None:
    done = rehearse("--residents", "90", "--json", "--smtp", f"127.0.0.1:{relay.port}")
    found = json.loads(done.stdout)
    assert done.returncode == 2, done.stderr
    assert found["invariants"]["I1"]["holds"] is True
    assert [found["invariants"][name]["holds"] for name in ("I2", "I3", "I4", "I5")] == [None] * 4
    assert [found["invariants"][name]["holds"] for name in ("I6", "I7", "I8")] == [True] * 3
    assert len(found["promises"]) >= 7 and {one["holds"] for one in found["promises"].values()} == {None}
    assert found["replies"]["email"]["threaded"] == found["replies"]["email"]["sent"] > 0
    caught = [line["data"] for line in relay.mails()]
    assert any("Sheds broken into last night" in data for data in caught)
    assert not any("never-" in data for data in caught), "nor does practice reach a foreign relay"


@pytest.mark.rehearse
def test_areas_shape_and_groups_of_ones_own(tmp_path: Path) -> None:
    areas, shape = tmp_path / "areas.geojson", tmp_path / "shape.geojson"
    areas.write_text(json.dumps(WARDS))
    drawn = shapely.box(-1.47, 53.01, -1.2, 53.2)  # reaches beyond the ground
    shape.write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": shapes.to_geojson(drawn)}))
    done = rehearse(
        "--residents", "150", "--areas", str(areas), "--shape", str(shape), "--group", "Allotment holders",
        "--group", "dog walkers", "--seed", "5", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert 0 < found["eligible"] < found["people_in_shape"] < 150


@pytest.mark.parametrize(
    "arguments",
    [
        ("--smtp", "192.0.2.1:25"),
        ("--smtp", "127.0.0.1.example.com:25"),
        ("--gateway", "https://gateway.example/send"),
        ("--residents", "five"),
        ("--residents", "3"),
        ("--sabotage", "I9"),
        ("--shape", "/no/such/file.geojson"),
        ("--areas", "/no/such/file.geojson"),
    ],
)
def test_bad_options_are_refused_before_anything_is_sent(arguments: tuple[str, str]) -> None:
    done = rehearse(*arguments, *(() if "--residents" in arguments else ("--residents", "30")))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and done.stderr.strip()


def test_help_needs_no_settings() -> None:
    done = rehearse("--help", BELL_DEMO="", BELL_SECRET_KEY="")
    assert done.returncode == 0 and "--sabotage" in done.stdout


def test_a_database_in_use_is_refused(cast: Cast) -> None:
    with pytest.raises(world.Refused, match="empty"):
        world.check_throw_away()


def test_points_lie_in_their_wards() -> None:
    wards = [shapely.box(0, 0, 1, 1), shapely.Polygon([(5, 0), (6, 0), (5.01, 0.01)])]
    points = world.points_in(wards, 200, random.Random(1))
    assert len(points) == 200
    assert all(any(ward.intersects(shapely.Point(point[:2])) for ward in wards) for point in points)
    assert points == world.points_in(wards, 200, random.Random(1))


def test_brute_force_and_the_one_query_agree(cast: Cast) -> None:
    """The two reckonings share nothing but the tables; many shapes, every combination of groups and kinds."""
    rng = random.Random(11)
    for number in range(80):
        someone = cast.resident(
            (rng.uniform(-1.42, -1.28), rng.uniform(52.99, 53.05)),
            email=None if number % 7 == 0 else "",
            mobile=f"07700 900{number:03d}" if number % 3 == 0 or number % 7 == 0 else None,
            groups=tuple(group for group in (cast.cctv, cast.dog_walkers) if rng.random() < 0.4),
            kinds=tuple(kind for kind in Kind.values if rng.random() < 0.7),
            sms_kinds=tuple(kind for kind in Kind.values if rng.random() < 0.5),
            organisations=() if number % 11 == 0 else None,
        )
        if number % 10 == 1:
            residents.pause(someone, until=clock.now() + timedelta(days=1), by=someone)
        if number % 10 == 2:
            residents.leave(someone, by=someone, how="web")
        if number % 10 == 3:
            name = residents.stream(cast.force.pk, Kind.CRIME)
            residents.unsubscribe(recipient_key=someone.key, stream=name, by="test")
        if number % 10 == 4:
            for contact in someone.contacts.all():
                post.suppress(address_key=contact.address_key, channel=contact.channel, reason="test")
    everyone = expected.everyone()
    seen = set()
    for number in range(24):
        lon, lat = rng.uniform(-1.4, -1.3), rng.uniform(53.0, 53.04)
        shape = shapes.circle(lon, lat, rng.uniform(200, 4000))
        kind = rng.choice([Kind.CRIME, Kind.EVENT, Kind.MISSING])
        groups = rng.choice([(), (cast.cctv.pk,), (cast.cctv.pk, cast.dog_walkers.pk)])
        channels = rng.choice([("email",), ("sms",), ("email", "sms")])
        rule = Rule(cast.force.pk, kind, channels, shapes=(shapes.to_geojson(shape),), groups=groups)
        query = audience.columns(audience.people(rule))
        found = {(row["recipient_key"], row["channel"]): row["address"] for row in query}
        brute = expected.eligible(
            everyone,
            expected.within(everyone, [shape]),
            organisation=cast.force.pk,
            kind=kind,
            channels=channels,
            groups=groups,
            now=clock.now(),
        )
        assert found == brute, f"shape {number}"
        seen |= set(brute)
    assert len(seen) > 30, "or the comparison would say little"


def test_a_carrier_brings_it_only_to_those_who_have_no_copy(cast: Cast) -> None:
    both = cast.resident(organisations=(cast.force, cast.partner))
    council = cast.resident(organisations=(cast.partner,), mobile="07700 900455")
    cast.resident(organisations=())
    everyone = expected.everyone()
    shares = [(cast.force.pk, everyone.people), (cast.partner.pk, everyone.people)]
    channels = ("email", "sms")
    found = expected.carried(everyone, shares, kind=Kind.CRIME, channels=channels, groups=(), now=clock.now())
    assert {pair: due.organisation for pair, due in found.items()} == {
        (both.key, "email"): cast.force.pk,
        (council.key, "email"): cast.partner.pk,
        (council.key, "sms"): cast.partner.pk,
    }


def test_a_trace_of_somebody_is_found_wherever_it_stands_and_none_after_the_erasure(cast: Cast) -> None:
    someone = cast.resident(email="Forget.Me@home.example", mobile="07700 900456")
    addresses = {"email": "Forget.Me@home.example", "sms": "+447700900456"}
    delivery = post.post(
        post.Content(sender_name="Us", subject="Code", text="1 2 3", sms="1 2 3"),
        authority=post.Authority("code", "test"),
        stream="code",
        lane=Lane.NOW,
        to=post.Address(someone.key, Channel.EMAIL, addresses["email"]),
    )
    record("seen", None, by=None, why="07700900456")  # no such thing may stand in the record
    looked, found = erasure.traces(erasure.Erased(someone.key, clock.now(), addresses))
    assert looked > 50
    assert set(found) == {"residents_contact.address", "delivery_delivery.address", "audit_entry.why"}
    erased = erasure.run(someone.key)
    assert erased.addresses == addresses
    assert erased.deliveries[delivery.pk] == erasure.Before((someone.key, "email"), addresses["email"])
    assert erased.waited == {delivery.pk}
    assert set(erasure.traces(erased)[1]) == {"audit_entry.why"}


def test_who_is_erased_has_a_copy_that_waits(cast: Cast) -> None:
    people = [cast.resident() for _ in range(6)]
    alert, version = cast.approved()
    Alert.objects.filter(pk=alert.pk).update(hold_until=clock.now())
    while dispatch.run_due():
        pass
    version.refresh_from_db()
    mailings = version.mailings()
    rows = Delivery.objects.filter(mailing__in=mailings).order_by("pk")
    keys = [row.recipient_key for row in rows]
    assert sorted(keys) == sorted(one.key for one in people)
    assert erasure.choose(mailings, rather=set(), never=set()) == keys[-1]
    assert erasure.choose(mailings, rather={keys[0], keys[-2]}, never={keys[-1]}) == keys[-2]
    rows.filter(pk__gt=rows[1].pk).update(state="sent")
    assert erasure.choose(mailings, rather={keys[5]}, never=set()) == keys[1], "one who waits before one who does not"
    rows.update(state="sent")
    assert erasure.choose(mailings, rather={keys[3]}, never={keys[5]}) == keys[3]
    assert erasure.choose([], rather=set(), never=set()) is None


def test_paper_for_every_way_it_is_entered(cast: Cast, settings: Any, tmp_path: Path) -> None:
    settings.PAPER_DIR = tmp_path
    cast.resident(email="joined@home.example")
    force, near = SimpleNamespace(organisation=cast.force), shapely.box(-1.38, 53.01, -1.37, 53.02)
    here = SimpleNamespace(team=cast.team, author=cast.author, force=force, shape=near)
    bundle = paper.enter(here)  # type: ignore[arg-type]
    assert (len(bundle.confirmed), len(bundle.silent), bundle.known) == (3, 3, "joined@home.example")
    asked = Delivery.objects.filter(mailing__authority_kind="code")
    assert sorted(asked.values_list("address", flat=True)) == sorted(bundle.asked)


@given(st.text(alphabet="abcxyz/ru \n", max_size=60), st.integers(0, 2**40 - 1))
@trying(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_masking_hides_tokens_and_nothing_else(words: str, number: int) -> None:
    token = spools.tokens.sign_int("answer", number)
    one, other = f"{words} /r/{token}/ end", f"{words} /r/{spools.tokens.sign_int('answer', number ^ 1)}/ end"
    assert spools.masked(one) == spools.masked(other)
    assert spools.masked(f"x{one}") != spools.masked(other)


def test_nothing_checked_is_no_pass() -> None:
    assert Verdict().holds is False
    assert Verdict(provable=False).holds is None
    fine, broken = Verdict(), Verdict(provable=False)
    fine.check(True, "")
    broken.check(False, "wrong")
    assert fine.holds is True
    assert broken.holds is False, "what is seen to be wrong is wrong, whoever's relay it is"


@pytest.mark.parametrize(
    ("holds", "lost", "code"),
    [([True, True], 0, 0), ([True, None], 0, 2), ([None, False], 0, 1), ([True, True], 1, 1), ([True, None], 1, 1)],
)
def test_the_exit_status(holds: list[Any], lost: int, code: int) -> None:
    invariants = {str(number): {"holds": one, "checked": 1} for number, one in enumerate(holds)}
    assert status({"invariants": invariants, "replies": {"email": {"sent": 5, "threaded": 5 - lost}}}) == code


def test_a_duplicate_in_the_spool_is_seen(tmp_path: Path) -> None:
    """The reader of spools against what a catcher really wrote."""
    catcher = MailCatcher("127.0.0.1", 0, tmp_path)
    for _ in range(2):
        catcher.spool.append(
            {
                "at": clock.now().isoformat(),
                "from": "b@in.alert.example",
                "to": ["someone@home.example"],
                "data": "Message-ID: <x@alert.example>\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?q?s?=\r\n"
                "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
                "Reference DA-7K3PQ. =E2=80=94 soft=\r\n break\r\n",
            }
        )
    found = spools.read(tmp_path)
    assert [copy.reference for copy in found] == ["DA-7K3PQ"] * 2
    assert found[0].subject == "Cafés" and found[0].text.strip() == "Reference DA-7K3PQ. — soft break"
    assert found[0].delivery_id is None and found[0].channel == Channel.EMAIL
