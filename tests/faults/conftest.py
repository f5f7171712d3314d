"""How many seeds, on which databases, and the stage of one scenario."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.delivery.servers import Gateway, Relay
from tests.faults.databases import Postgres, Sqlite
from tests.faults.stage import Stage, Zygote, environment


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each scenario, once a seed."""
    if "seed" in metafunc.fixturenames:
        one, many = metafunc.config.getoption("--seed"), metafunc.config.getoption("--seeds")
        metafunc.parametrize("seed", [one] if one else list(range(1, many + 1)))


@pytest.fixture(scope="session")
def zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Forks whoever is needed."""
    one = Zygote(tmp_path_factory.mktemp("zygote"))
    yield one
    one.close()


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Databases in files."""
    folder = tmp_path_factory.mktemp("sqlite")
    return Sqlite(folder, environment(folder))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgres]:
    """A cluster of this run."""
    if Postgres.programs() is None:
        pytest.skip("PostgreSQL's server programs are not installed")
    # pytest's folders are closed to the server's own user.
    folder = Path(tempfile.mkdtemp(prefix="bell-faults-"))
    try:
        cluster = Postgres(folder, environment(folder))
        yield cluster
        cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Sqlite | Postgres:
    """Each scenario runs on both."""
    found: Sqlite | Postgres = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def stage(
    server: Sqlite | Postgres,
    zygote: Zygote,
    seed: int,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """The stage of this seed, with its people in it, and nobody at work yet."""
    folder = tmp_path_factory.mktemp("scenario")
    name = folder.name
    drawn = random.Random(f"{request.node.originalname}-{seed}-{request.node.callspec.params.get('point', '')}")
    with ExitStack() as stack:
        relay, catcher = Relay(), Relay()
        gateway, phones = Gateway(), Gateway()
        for one in (relay, catcher, gateway, phones):
            stack.enter_context(one)
        database = server.fresh(folder, name)
        made = Stage(zygote, database, folder, drawn, relay, catcher, gateway, phones)
        try:
            made.audience()
            yield made
        finally:
            made.dismiss()
    if isinstance(server, Postgres):
        server.drop(name)
