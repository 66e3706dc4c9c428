"""A rehearsal names every mistake that was put into it, and explains every paisa."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from rmfs_tools.rehearsal.mistakes import (
    CameAgain,
    Incident,
    Mistake,
    Sign,
    look_for,
)
from rmfs_tools.rehearsal.plan import WindowMistake, draw_plan
from rmfs_tools.rehearsal.playing import LETTERS, Rehearsal, Span, play
from rmfs_tools.rehearsal.result import Shown, look_back
from tests.processes import rmfs

SPAN = Span(machines=10, days=12, seed=3, began=date(2026, 11, 2))


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with play(tmp_path_factory.mktemp("rehearsal"), SPAN, lambda _words: None) as done:
        yield done


@pytest.fixture(scope="module")
def shown(rehearsal: Rehearsal) -> Shown:
    return look_back(rehearsal)


def test_every_mistake_is_named_and_every_paisa_explained(shown: Shown) -> None:
    """RMFS-17, RMFS-29, RMFS-35, RMFS-39: nothing that goes wrong goes unseen."""
    assert shown.unnamed == []
    assert len(shown.named) > 8
    assert list(shown.faults) == []
    assert list(shown.failed_jobs) == []
    summary = shown.summary()
    assert summary["unexplained_paise"] == 0
    assert summary["injected"] == summary["named"] == len(shown.named)
    assert shown.is_good
    assert shown.played.downloaded_paise > 0
    assert shown.played.franks > 0


def test_the_books_of_makers_and_machines_say_what_the_gateway_says(
    rehearsal: Rehearsal, shown: Shown
) -> None:
    told = shown.outcome.whole
    assert told is not None
    total = sum(
        maker.fleet.machine(one).record.registers.control_total_paise
        for maker in rehearsal.makers
        for one in maker.fleet.licences
    )
    assert total == shown.played.downloaded_paise
    assert told.places["MACHINE"] + told.places["POSTAGE"] == total


def test_what_came_right_does_not_stay_open(rehearsal: Rehearsal, shown: Shown) -> None:
    struck = {one.mistake.name for one in shown.named}
    assert {"file-truncated", "file-late", "acknowledgement-lost"} <= struck
    wanted = Wanted(
        kinds=[IncidentKind.NOT_ACKNOWLEDGED, IncidentKind.SEQUENCE_GAP],
        states=[IncidentState.OPEN],
    )
    with rehearsal.department.parts.store.reading() as connection:
        assert incidents.list_incidents(connection, wanted) == []


def test_what_nobody_did_is_not_named(rehearsal: Rehearsal) -> None:
    signs: list[Sign] = [
        Incident(IncidentKind.FILE_REFUSED, "N/usage-US-N-999999.txt"),
        CameAgain("N", "usage-US-N-000001.txt", bytes(32)),
    ]
    never = Mistake("file-truncated", "none", signs)
    with rehearsal.department.parts.store.reading() as connection:
        (found,) = look_for(connection, [never])
    assert not found.is_named
    assert list(found.missing) == signs


def test_what_is_not_named_or_not_explained_is_no_success(shown: Shown) -> None:
    some = shown.named[0]
    unnamed = replace(some, missing=[CameAgain("N", "a file", bytes(32))])
    assert not replace(shown, named=[unnamed]).is_good
    assert not replace(shown, faults=["gateway: an account"]).is_good
    lost = replace(shown.outcome, unexplained_paise=1)
    assert not replace(shown, outcome=lost).is_good


def test_a_plan_has_every_mistake_and_calm_days_at_both_ends() -> None:
    plan = draw_plan(26, LETTERS, 1)
    assert {one.mistake for one in plan.windows.values()} == set(WindowMistake)
    assert {day for day, _, _ in plan.windows} | plan.evenings.keys() <= set(
        range(2, 23)
    )
    assert plan == draw_plan(26, LETTERS, 1)
    assert plan != draw_plan(26, LETTERS, 2)


def test_the_command_ends_with_the_line_that_programs_read() -> None:
    said = rmfs("dop", "rehearse", "--machines", "4", "--days", "4", "--json")
    assert said.code == 0, said
    mistakes, differences, whole, last = map(json.loads, said.out.splitlines())
    assert last == {
        "machines": 4,
        "days": 4,
        "injected": len(mistakes["mistakes"]),
        "named": len(mistakes["mistakes"]),
        "unexplained_paise": 0,
    }
    assert whole["played"]["working_days"] == 4
    assert isinstance(differences["differences"], list)
