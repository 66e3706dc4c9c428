"""Every register of seen franks remembers alike (INDICIUM-6)."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protocol.errors import StoreError
from protocol.indicium import (
    Indicium,
    IndiciumError,
    MemorySeenFranks,
    SeenFrank,
    SeenFranks,
    Sightings,
    encode_unsigned,
)
from protocol.keys import Realm
from protocol.values import LicenceIdentifier
from rmfs_tools.seen_franks import QUESTIONS, open_seen_franks
from tests.spec.franks import FRANK, TODAY, next_frank

TOMORROW = TODAY + timedelta(days=1)


@pytest.fixture(params=["memory", "file"])
def register(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SeenFranks]:
    if request.param == "memory":
        yield MemorySeenFranks()
    else:
        with open_seen_franks(tmp_path / "seen.sqlite") as opened:
            yield opened


def seen(indicium: Indicium, on: date = TODAY) -> SeenFrank:
    return SeenFrank(encode_unsigned(indicium), on)


def see(register: SeenFranks, indicium: Indicium, on: date = TODAY) -> Sightings:
    return register.see(encode_unsigned(indicium), on)


def test_a_new_register_knows_nothing(register: SeenFranks) -> None:
    assert see(register, FRANK) == Sightings()


def test_a_frank_is_remembered_with_the_day_it_was_seen_first(
    register: SeenFranks,
) -> None:
    see(register, FRANK)

    assert see(register, FRANK, TOMORROW) == Sightings(same=seen(FRANK))
    assert see(register, FRANK, TOMORROW) == Sightings(same=seen(FRANK))


def test_a_twin_is_another_frank_of_the_same_item(register: SeenFranks) -> None:
    twin = replace(FRANK, weight_g=19)
    see(register, FRANK)

    assert see(register, twin, TOMORROW) == Sightings(twin=seen(FRANK))
    assert see(register, twin) == Sightings(same=seen(twin, TOMORROW), twin=seen(FRANK))
    assert see(register, FRANK).twin == seen(twin, TOMORROW)


def test_the_neighbours_are_the_nearest_items_of_the_machine(
    register: SeenFranks,
) -> None:
    franks = [FRANK]
    for _ in range(6):
        franks.append(next_frank(franks[-1]))
    for place in (0, 6, 1, 5):
        see(register, franks[place])

    assert see(register, franks[3]) == Sightings(
        before=seen(franks[1]), after=seen(franks[5])
    )
    assert see(register, franks[2]).after == seen(franks[3])


def test_of_twins_beside_a_frank_the_one_seen_first_counts(
    register: SeenFranks,
) -> None:
    later = next_frank()
    see(register, FRANK)
    see(register, replace(FRANK, weight_g=19))
    assert see(register, later).before == seen(FRANK)


@pytest.mark.parametrize(
    "other",
    [
        replace(FRANK, licence=LicenceIdentifier("N123457")),
        replace(FRANK, realm=Realm.PRODUCTION),
    ],
)
def test_machines_and_realms_are_kept_apart(
    register: SeenFranks, other: Indicium
) -> None:
    see(register, FRANK)
    assert see(register, other) == Sightings()
    assert see(register, next_frank(other)).before == seen(other)


def test_what_is_no_frank_is_not_recorded(register: SeenFranks) -> None:
    with pytest.raises(IndiciumError):
        register.see(bytes(45), TODAY)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), max_size=20))
def test_both_registers_say_the_same_of_everything(
    tmp_path: Path, franks: list[tuple[int, int]]
) -> None:
    path = tmp_path / "seen.sqlite"
    path.unlink(missing_ok=True)
    memory = MemorySeenFranks()
    with open_seen_franks(path) as file:
        for skip, weight in franks:
            frank = replace(next_frank(skip=skip), weight_g=weight)
            assert see(file, frank) == see(memory, frank)


def test_a_file_remembers_after_it_was_closed(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    with open_seen_franks(path) as register:
        see(register, FRANK)
    with open_seen_franks(path) as register:
        assert see(register, FRANK, TOMORROW).same == seen(FRANK)


def test_of_verifiers_that_see_copies_at_once_exactly_one_is_the_first(
    tmp_path: Path,
) -> None:
    """INDICIUM-6.1."""
    path = tmp_path / "seen.sqlite"
    verifiers, franks = 4, [FRANK]
    for _ in range(9):
        franks.append(next_frank(franks[-1]))
    start = Barrier(verifiers)

    def verify(_: int) -> list[bool]:
        start.wait()
        with open_seen_franks(path) as register:
            return [see(register, frank).same is None for frank in franks]

    with ThreadPoolExecutor(verifiers) as pool:
        answers = list(pool.map(verify, range(verifiers)))

    assert [sum(firsts) for firsts in zip(*answers, strict=True)] == [1] * len(franks)


def test_another_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (number INTEGER)")
    connection.close()
    before = path.read_bytes()

    with (
        pytest.raises(StoreError, match="is another database: name a new file"),
        open_seen_franks(path),
    ):
        pass

    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "seen.txt"
    path.write_text("a list of franks, " * 100)
    with (
        pytest.raises(StoreError, match="cannot be used as a register"),
        open_seen_franks(path),
    ):
        pass


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "seen.sqlite"
    with pytest.raises(StoreError, match="cannot be opened"), open_seen_franks(missing):
        pass


def test_every_question_is_answered_from_the_index(tmp_path: Path) -> None:
    path = tmp_path / "seen.sqlite"
    values = {"realm": 84, "licence": "N123456", "item": 5, "unsigned": b""}
    with open_seen_franks(path) as register:
        see(register, FRANK)
    connection = sqlite3.connect(path)
    for question in QUESTIONS:
        plan = connection.execute("EXPLAIN QUERY PLAN " + question, values).fetchone()
        assert plan[3].startswith("SEARCH seen USING")
    connection.close()
