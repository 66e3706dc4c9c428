"""What is stored of a machine comes back under its own names, on both engines."""

import pytest

from protocol.messages import LicenceState, OrderKind
from protocol.parameters import business_date
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.values import EpochSeconds, LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.store import machines, messages, recharges, standing
from rmfs_server.store.funds import read_funds
from rmfs_server.store.machines import Machine
from rmfs_server.store.schema import RechargeState, SettledBy
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office

RECHARGE = RequestKind.RECHARGE
TODAY = business_date(NOW)
EVERYTHING = Machine(
    licence=LICENCE,
    state=MachineState.BLOCKED,
    registers=Registers(Paise(1), Paise(2), Paise(3), 4, 5),
    base_paise=6,
    settled_paise=7,
    number=RechargeNumber(8),
    mark_acknowledged=b"mark 9  ",
    mark_issued=b"mark 10 ",
    call_generation=11,
    dial_in=12,
    frozen=True,
    order_serial=13,
    usage_base_paise=14,
    usage_ascending_paise=15,
    stated_at=EpochSeconds(16),
    completed_at=EpochSeconds(17),
    presented_voucher=b"voucher 18",
    presented_at=EpochSeconds(19),
    capabilities=20,
    enrolled_credit_key=21,
)


class TakenBackError(Exception):
    """The machine is another one now than its journals say: nothing may stay."""


def change_and_take_back(office: Office) -> None:
    with office.store.writing("change") as connection:
        machines.lock(connection, LICENCE)
        machines.change(connection, EVERYTHING)
        assert machines.find(connection, LICENCE) == EVERYTHING
        raise TakenBackError


def test_every_field_of_a_machine_comes_back_as_it_was_stored(office: Office) -> None:
    office.enrolled(500_000)
    with pytest.raises(TakenBackError):
        change_and_take_back(office)


def test_no_two_fields_of_that_machine_could_be_taken_for_each_other() -> None:
    values = [str(value) for value in EVERYTHING]
    assert len(set(values)) == len(values)


def test_a_machine_stands_where_its_own_rows_say(office: Office) -> None:
    machine = office.enrolled(500_000)
    office.administration.order(LICENCE, OrderKind.LOCK, 0, BY)
    statement, signed = machine.state_registers(RECHARGE, 200_000)
    office.books.judge_statement(statement, signed, NOW)
    digest = messages.digest_of(signed)
    with office.store.writing("look") as connection:
        found = standing.find_all(connection, [LICENCE], TODAY).get(LICENCE)
        answered = messages.answers(connection, [digest, bytes(32)])
        enrolled = machines.find_enrolled(connection, LICENCE)
        opened = recharges.find(connection, LICENCE, 1)
        funds = read_funds(connection, LICENCE, TODAY)
    assert found is not None
    assert (found.enrolled, found.opened, found.funds) == (enrolled, opened, funds)
    assert found.licence.state is LicenceState.REGISTERED
    assert found.licence.expires_on == NEW.expires_on
    assert found.funds.balance_paise == 300_000
    assert found.last_order == 1
    assert opened is not None
    assert answered == {digest: messages.Answered(opened.voucher, 1)}
    assert (opened.kind, opened.amount_paise) == (VoucherKind.RECHARGE, 200_000)
    assert (opened.requested_in, opened.settled_in) == (digest, None)


def test_a_machine_that_has_done_nothing_stands_at_nothing(office: Office) -> None:
    office.enrolled(500_000)
    with office.store.writing("look") as connection:
        found = standing.find_all(connection, [LICENCE], TODAY).get(LICENCE)
        unknown = LicenceIdentifier("N999999")
        assert standing.find_all(connection, [unknown], TODAY) == {}
    assert found is not None
    assert (found.opened, found.last_order) == (None, 0)


def test_how_a_recharge_was_settled_comes_back(office: Office) -> None:
    machine = office.enrolled(500_000)
    office.recharge(machine, 200_000)
    with office.store.reading() as connection:
        settled = recharges.find(connection, LICENCE, 1)
        nothing_open = recharges.find_open(connection, LICENCE)
    assert nothing_open is None
    assert settled is not None
    assert settled.state is RechargeState.POSTED
    assert settled.settled_by is SettledBy.CONFIRMATION
    assert (settled.reserved_at, settled.voided_at, settled.settled_at) == (
        NOW,
        None,
        NOW,
    )
