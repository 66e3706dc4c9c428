"""Two calls of one machine are judged at once, by two processes: one reservation."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from threading import Barrier, Thread
from typing import Any

import pytest

from hw.database import open_store
from protocol.dialogue.server import Closed, Delivered, Superseded
from protocol.messages import LicenceState
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier
from tests.at_once import with_patience
from tests.paper_machine import (
    BY,
    NEW,
    NOW,
    Office,
    PaperMachine,
    build_office,
    office_at,
)

ROUNDS = 8


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run jobs in threads that start together; give their results in order."""
    results: list[Any] = [None] * len(jobs)
    start = Barrier(len(jobs))

    def run(index: int) -> None:
        start.wait(timeout=30)
        results[index] = jobs[index]()

    threads = [Thread(target=run, args=(index,)) for index in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.fixture
def machine() -> PaperMachine:
    return PaperMachine()


def prepare(office: Office, machine: PaperMachine) -> None:
    office.administration.enrol(machine.provisioning, NEW, BY)
    office.deposit(2_000_000)


def test_two_statements_at_once_reserve_once(
    store_place: str, machine: PaperMachine
) -> None:
    with office_at(store_place) as one, closing(open_store(store_place)) as store:
        with_patience(one.store)
        two = build_office(with_patience(store), seed=b"other marks")
        prepare(one, machine)
        for number in range(1, ROUNDS + 1):
            first = machine.state_registers(RequestKind.RECHARGE, 100_000)
            second = machine.state_registers(RequestKind.RECHARGE, 100_000)
            answers = at_once(
                partial(one.books.judge_statement, *first, NOW),
                partial(two.books.judge_statement, *second, NOW),
            )
            vouchers = {
                answer[1].voucher for answer in answers if isinstance(answer, tuple)
            }
            # The earlier dial-in may find that it has been overtaken.
            assert len(vouchers) == 1
            assert isinstance(answers[1][1], Delivered)
            assert isinstance(answers[0], tuple | Superseded)
            assert one.balances()[1] == 100_000
            machine.apply(vouchers.pop())
            one.inspect(machine)
            assert one.balances() == (
                2_000_000 - number * 100_000,
                0,
                number * 100_000,
            )


def test_one_statement_judged_twice_at_once_has_one_answer(
    store_place: str, machine: PaperMachine
) -> None:
    with office_at(store_place) as one, closing(open_store(store_place)) as store:
        with_patience(one.store)
        two = build_office(with_patience(store), seed=b"other marks")
        prepare(one, machine)
        for _ in range(ROUNDS):
            stated = machine.state_registers()
            answers = at_once(
                partial(one.books.judge_statement, *stated, NOW),
                partial(two.books.judge_statement, *stated, NOW),
            )
            assert answers[0] == answers[1]
            assert isinstance(answers[0][1], Closed)
            machine.take(answers[0][1])


def test_a_confirmation_and_a_redial_at_once_post_once(
    store_place: str, machine: PaperMachine
) -> None:
    with office_at(store_place) as one, closing(open_store(store_place)) as store:
        with_patience(one.store)
        two = build_office(with_patience(store), seed=b"other marks")
        prepare(one, machine)
        for number in range(1, ROUNDS + 1):
            turn, answer = one.state(machine, RequestKind.RECHARGE, 100_000)
            machine.apply(answer.voucher)
            confirmed = machine.confirm()
            redial = machine.state_registers()
            confirmation, statement = at_once(
                partial(one.books.judge_confirmation, turn, *confirmed, NOW),
                partial(two.books.judge_statement, *redial, NOW),
            )
            assert isinstance(confirmation, Closed | Superseded)
            assert one.balances() == (
                2_000_000 - number * 100_000,
                0,
                number * 100_000,
            )
            machine.take(statement[1])


def test_a_cancellation_and_a_statement_at_once_leave_a_void_or_no_voucher(
    store_place: str,
) -> None:
    with office_at(store_place) as one, closing(open_store(store_place)) as store:
        with_patience(one.store)
        two = build_office(with_patience(store), seed=b"other marks")
        for index in range(ROUNDS):
            licence = LicenceIdentifier(f"N00000{index}")
            machine = PaperMachine(licence, f"PSD0000{index}", seed=licence.encode())
            one.administration.enrol(machine.provisioning, NEW, BY)
            one.deposit(100_000, licence)
            stated = machine.state_registers(RequestKind.RECHARGE, 100_000)
            at_once(
                partial(one.books.judge_statement, *stated, NOW),
                partial(
                    two.administration.set_licence,
                    licence,
                    BY,
                    state=LicenceState.CANCELLED,
                ),
            )
            answer = one.state(machine, RequestKind.RECHARGE, 100_000)
            sent = answer[1]
            if isinstance(sent, Delivered):
                machine.apply(sent.voucher)
                one.inspect(machine)
            else:
                machine.take(sent)
            assert one.balances(licence) == (100_000, 0, 0)
