"""A rehearsal names every mistake that was put into it, and explains every paisa."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.model import DepositState
from dop_gateway.deposits.tables import deposit
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind, IncidentState
from dop_gateway.incidents.store import Wanted
from dop_gateway.ledger import Source
from dop_gateway.money.model import Balance, Cause
from protocol.values import LicenceIdentifier
from rmfs_tools.rehearsal.cheating import Cheat
from rmfs_tools.rehearsal.counters import CounterMistake
from rmfs_tools.rehearsal.mistakes import (
    TAKEN_BACK,
    CameAgain,
    DepositIs,
    Explained,
    Incident,
    Mistake,
    Sign,
    look_for,
)
from rmfs_tools.rehearsal.plan import WindowMistake, draw_plan
from rmfs_tools.rehearsal.playing import LETTERS, Rehearsal, Span, play
from rmfs_tools.rehearsal.post_offices import MISTAKES
from rmfs_tools.rehearsal.result import Shown, look_back
from tests.processes import rmfs

UNTOLD = {Cause.NOT_REPORTED, Cause.NOT_BELIEVED, Cause.BEYOND_FUNDS}
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
    """What makers still keep from the gateway is exactly what it says they keep."""
    told = shown.outcome.whole
    assert told is not None
    total = sum(
        maker.fleet.machine(one).record.registers.control_total_paise
        for maker in rehearsal.makers
        for one in maker.fleet.licences
    )
    assert total == shown.played.downloaded_paise
    untold = -sum(
        one.amount_paise
        for report in shown.outcome.reports
        for difference in report.differences
        for one in difference.explanations
        if difference.balance is Balance.REMAINING and one.cause in UNTOLD
    )
    assert untold > 0
    assert told.places["MACHINE"] + told.places["POSTAGE"] == total - untold


def test_deposits_come_from_counters_too(rehearsal: Rehearsal, shown: Shown) -> None:
    """RMFS-18, RMFS-24: cash, cheques and drafts, by both ways into the Department."""
    told = shown.outcome.whole
    assert told is not None
    assert 0 < shown.played.at_counters < shown.played.deposits
    assert told.received[Source.POST_OFFICE.name] > 0
    with rehearsal.department.parts.store.reading() as connection:
        modes = connection.execute(select(deposit.c.mode).distinct()).scalars()
        assert set(modes) == {"NETBANKING", "PO_CASH", "PO_CHEQUE", "PO_DRAFT"}


def test_a_cheque_that_bounces_at_a_counter_moves_no_money(
    rehearsal: Rehearsal, shown: Shown
) -> None:
    """RMFS-10, RMFS-19: nothing is authenticated before the bank has paid."""
    name = CounterMistake.CHEQUE_BOUNCED.value
    (bounced,) = (one.mistake for one in shown.named if one.mistake.name == name)
    with rehearsal.department.parts.store.reading() as connection:
        found = deposits.find(connection, Source.POST_OFFICE, bounced.subject)
        assert found is not None
        moves = deposits.history(connection, found.id)
        went_on = DepositIs(
            bounced.subject,
            TAKEN_BACK,
            Source.POST_OFFICE,
            never=frozenset({DepositState.RECEIVED}),
        )
        (named,) = look_for(connection, [replace(bounced, signs=[went_on])])
    assert [one.to_state for one in moves] == ["RECEIVED", "BOUNCED"]
    assert not named.is_named


def test_of_a_maker_that_was_caught_nothing_is_left(
    rehearsal: Rehearsal, shown: Shown
) -> None:
    caught = {one for cheat in rehearsal.cheating.values() for one in cheat.caught}
    assert caught
    left = {
        report.licence
        for report in shown.outcome.reports
        for one in report.explanations
        if one.cause in UNTOLD
    }
    assert left
    assert not caught & left


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
        DepositIs("EP-261109-999999", TAKEN_BACK, Source.POST_OFFICE),
        Explained(LicenceIdentifier("N100001"), Cause.MACHINE_DISCREPANCY, SPAN.began),
    ]
    never = Mistake("file-truncated", "none", signs)
    with rehearsal.department.parts.store.reading() as connection:
        (found,) = look_for(connection, [never])
    assert not found.is_named
    assert list(found.missing) == signs


@pytest.mark.long
def test_in_a_month_everything_goes_wrong_that_can(tmp_path: Path) -> None:
    """Every mistake of makers and at counters is made, and named."""
    month = Span(machines=40, days=30, seed=1, began=date(2026, 11, 2))
    with play(tmp_path, month, lambda _words: None) as done:
        shown = look_back(done)
    assert shown.unnamed == []
    assert shown.is_good
    made = {one.mistake.name for one in shown.named}
    assert {one.value for one in (*WindowMistake, *MISTAKES, *Cheat)} <= made


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
    assert set(plan.counters.values()) == set(MISTAKES)
    assert set(plan.cheats.values()) == set(Cheat)
    days = {day for day, *_ in (*plan.windows, *plan.cheats)}
    assert days | plan.evenings.keys() | plan.counters.keys() <= set(range(2, 23))
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
