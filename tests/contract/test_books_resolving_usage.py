"""Usage tables that did not fit: what a person may adopt, and that the next one fits.

A machine sends the rows that changed since the last ACK, and all of them when it does
not know what was acknowledged, as after a discrepancy (SPEC.md DLG-9.2).
"""

from collections.abc import Sequence

import pytest

from protocol.dialogue.server import Closed, Frozen, Stored
from protocol.messages import RefusalCode, UsageRow
from protocol.values import Paise
from rmfs_server.proposing import Action
from rmfs_server.store import usage
from tests.frozen_books import NEWER_MARK
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    """Give a machine whose first usage, Rs 50 in class 1, was reported."""
    machine = office.enrolled(500_000, 100_000)
    machine.frank(5_000)
    assert report(office, machine) == Stored()
    return machine


def report(
    office: Office, machine: PaperMachine, classes: Sequence[int] | None = None
) -> object:
    """Dial in without a request and report these classes, or all."""
    stated = machine.state_registers()
    answer = office.books.judge_statement(*stated, NOW)
    assert isinstance(answer, tuple)
    turn, closed = answer
    assert isinstance(closed, Closed)
    goodbye = machine.take(closed)
    rows = [
        row
        for row in machine.usage.values()
        if classes is None or row.product_class in classes
    ]
    stored = office.books.store_usage(turn, stated[0], rows, NOW)
    office.books.store_goodbye(turn, goodbye, NOW)
    return stored


def table(office: Office) -> tuple[UsageRow, ...]:
    with office.store.reading() as connection:
        return usage.read(connection, LICENCE)


def fall_behind(office: Office, machine: PaperMachine) -> None:
    """Let the books be restored from a copy made before the last report."""
    machine.frank(700, 1)
    machine.frank(900, 2)
    machine.mark = NEWER_MARK
    _, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert answer.refusal.code is RefusalCode.MARK_WRONG


def resolve(office: Office, action: Action) -> RefusalCode | None:
    return office.resolving.resolve(LICENCE, action, BY).remaining


def test_books_from_an_old_copy_take_the_whole_table_after_adopting_the_mark(
    office: Office, machine: PaperMachine
) -> None:
    fall_behind(office, machine)
    assert resolve(office, Action.ADOPT) is None
    assert report(office, machine) == Stored()
    assert table(office) == tuple(machine.usage.values())
    machine.frank(1_100, 2)
    assert report(office, machine, [2]) == Stored()


def test_rows_that_are_not_the_signed_table_are_not_adopted(
    office: Office, machine: PaperMachine
) -> None:
    fall_behind(office, machine)
    resolve(office, Action.ADOPT)
    before = table(office)
    assert isinstance(report(office, machine, [1]), Frozen)
    assert office.resolving.evidence(LICENCE, BY).proposed is Action.KEEP
    assert resolve(office, Action.ADOPT) is RefusalCode.USAGE_MISMATCH
    assert table(office) == before
    assert resolve(office, Action.KEEP) is None
    assert report(office, machine) == Stored()
    assert table(office) == tuple(machine.usage.values())


def test_a_signed_table_that_misses_a_class_of_the_books_is_adopted_whole(
    office: Office, machine: PaperMachine
) -> None:
    machine.usage = {2: UsageRow(2, 1, Paise(5_000))}
    assert isinstance(report(office, machine), Frozen)
    assert resolve(office, Action.ADOPT) is None
    assert table(office) == tuple(machine.usage.values())
    machine.frank(700, 2)
    assert report(office, machine, [2]) == Stored()


def test_a_usage_mismatch_outlives_what_is_not_about_it(
    office: Office, machine: PaperMachine
) -> None:
    machine.frank(700, 1)
    machine.frank(900, 2)
    assert isinstance(report(office, machine, [1]), Frozen)
    office.administration.revoke(LICENCE, BY)
    assert resolve(office, Action.ADOPT) is RefusalCode.USAGE_MISMATCH
    assert resolve(office, Action.KEEP) is None
