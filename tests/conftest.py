"""Fixtures for every level of test: the databases, and how hypothesis searches."""

import itertools
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from sqlalchemy import make_url

from rmfs_tools.postgres import ENVIRONMENT_NAME
from tests.migrated import drop_database, make_database
from tests.system import OPENED
from tests.witness.programs import missing

# Speed is judged by the benchmark, never by a timed test: a busy machine is no bug.
settings.register_profile("laptop", deadline=None)
# A red run must be red again when somebody looks at it.
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")

# A shell that starts the tests in the background has them ignore Ctrl-C, and whatever
# programs they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_counter = itertools.count()


@pytest.fixture(autouse=True)
def _stores_are_closed() -> Iterator[None]:
    """Close what the systems of a test have opened; Python 3.13 warns of the rest."""
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def postgres_place() -> Iterator[str]:
    """Give the URL of a PostgreSQL database that nobody has made, dropped afterwards.

    `./rmfs check` names the server; without one the test is skipped on a laptop.
    """
    given = os.environ.get(ENVIRONMENT_NAME)
    if not given:
        missing(f"no PostgreSQL server is named in {ENVIRONMENT_NAME}")
    place = make_url(given).set(database=f"rmfs_test_{os.getpid()}_{next(_counter)}")
    drop_database(place)
    yield place.render_as_string(hide_password=False)
    drop_database(place)


@pytest.fixture
def postgres_url(postgres_place: str) -> str:
    """Give the URL of a new, empty PostgreSQL database, dropped afterwards."""
    make_database(make_url(postgres_place), "template0")
    return postgres_place


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """Give the URL of a new SQLite file, which does not exist yet."""
    return f"sqlite:///{tmp_path / 'store.sqlite'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_place(request: pytest.FixtureRequest) -> str:
    """Give a URL for `open_migrated`, where nothing is yet, once for each engine."""
    return _one_of(request, sqlite="sqlite_url", postgresql="postgres_place")


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """Give the URL of a new, empty database, once for each engine."""
    return _one_of(request, sqlite="sqlite_url", postgresql="postgres_url")


def _one_of(request: pytest.FixtureRequest, **fixtures: str) -> str:
    """Give what the fixture of the engine that is asked for gives."""
    return str(request.getfixturevalue(fixtures[request.param]))
