"""Messages that have no place, in every state; usage parts and orders out of order.

DLG-1.1: what has no row in the state table of its receiver is answered with ERROR
UNEXPECTED. DLG-2.2: an elective message is passed over. DLG-9, DLG-10: usage and orders
survive lost messages and are taken once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fm_device.psd.franking import Frank, FrankRefusal
from protocol.channel import PacketType, packet_type
from protocol.dialogue.machine import INSPECTION, Outcome, Receipted
from protocol.errors import ErrorCode
from protocol.messages import (
    Ack,
    Disposition,
    MessageType,
    Order,
    OrderKind,
    Receipt,
    Refusal,
    RefusalCode,
    Usage,
    UsageRow,
    Voucher,
)
from protocol.registers import MachineState
from protocol.usage import usage_digest
from protocol.values import OrderSerial, Paise
from tests.franking import frank
from tests.situations import HandDialled
from tests.system import LICENCE, RUPEES_2000, System
from tests.unmoved import it_only_freezes, no_money_moves, nothing_is_stored
from tests.witness.rogue_machine import Channelled, RogueMachine

DAY_S = 24 * 3600


# How far a call has come when the wrong message is said.

Reached = Callable[[RogueMachine], Channelled]


def delivered(machine: RogueMachine) -> Channelled:
    call, voucher = machine.ask_for(RUPEES_2000)
    assert isinstance(voucher, Voucher)
    return call


def closed(machine: RogueMachine) -> Channelled:
    call, receipt = machine.ask_for(INSPECTION)
    assert isinstance(receipt, Receipt)
    return call


def frozen(machine: RogueMachine) -> Channelled:
    call, refusal = machine.ask_for(INSPECTION, mark=b"not mine")
    assert isinstance(refusal, Refusal)
    return call


STATES: dict[str, Reached] = {
    "VOUCHER": delivered,
    "RECEIPT": closed,
    "freeze": frozen,
}


# Every type of message, well formed; of the machine's, well signed.

Said = Callable[[RogueMachine, Channelled], bytes]


def _statement(machine: RogueMachine, call: Channelled) -> bytes:
    return machine.sign(machine.statement(RUPEES_2000), call.channel.binding)


def _confirmation(machine: RogueMachine, call: Channelled) -> bytes:
    return machine.sign(machine.confirmation(), call.channel.binding)


def _usage(machine: RogueMachine, _call: Channelled) -> bytes:
    return machine.usage()[0]


def _goodbye(machine: RogueMachine, _call: Channelled) -> bytes:
    return machine.goodbye()


def _last_voucher(machine: RogueMachine, _call: Channelled) -> bytes:
    voucher = machine.system.psd().record.last_voucher
    assert voucher is not None
    return machine.present(voucher)


def octets(body: bytes) -> Said:
    return lambda _machine, _call: body


MESSAGES: dict[str, Said] = {
    "STATEMENT": _statement,
    "CONFIRMATION": _confirmation,
    "USAGE": _usage,
    "GOODBYE": _goodbye,
    "LAST_VOUCHER": _last_voucher,
    "EVENT_LOG": octets(b"\x13" + bytes(30)),
    "WANT": octets(b"\x16" + bytes(12)),
    "VOUCHER": octets(b"\x20\x01N123456" + bytes(105)),
    "REFUSAL": octets(b"\x21" + bytes(4) + b"\x01" + bytes(10)),
    "RECEIPT": octets(b"\x22" + bytes(24) + b"\x01\x00"),
    "ACK": octets(b"\x23\x12" + bytes(4)),
    "ORDER": octets(b"\x24" + bytes(4) + b"\x02" + bytes(8)),
    "CONTENT": octets(b"\x25" + bytes(528)),
    "type 0x00": octets(b"\x00"),
    "type 0x17": octets(b"\x17" + bytes(12)),
    "type 0x3F": octets(b"\x3f"),
    "type 0x80": octets(b"\x80"),
    "type 0xFF": octets(b"\xff"),
}

IN_PLACE = {
    ("VOUCHER", "CONFIRMATION"),
    ("RECEIPT", "WANT"),
    ("RECEIPT", "USAGE"),
    ("RECEIPT", "GOODBYE"),
    ("freeze", "LAST_VOUCHER"),
    ("freeze", "GOODBYE"),
}


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (state, name)
        for state in STATES
        for name in MESSAGES
        if (state, name) not in IN_PLACE
    ],
)
def test_a_message_that_has_no_place_ends_the_dialogue(
    system: System, state: str, name: str
) -> None:
    """DLG-1.1, DLG-2.2, DLG-12."""
    machine = RogueMachine(system)
    call = STATES[state](machine)
    body = MESSAGES[name](machine, call)
    with nothing_is_stored(system):
        assert call.ask(body) is ErrorCode.UNEXPECTED


PACKETS = {
    PacketType.GREETING_1: b"\x01\x03\x02\x58\x20" + bytes(31) + b"\x05\x00",
    PacketType.GREETING_2: b"\x02" + bytes(45),
    PacketType.GREETING_3: b"\x03" + bytes(38),
    PacketType.GREETING_4: b"\x04" + bytes(20),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", PACKETS, ids=lambda kind: kind.name)
def test_a_greeting_in_an_open_channel_ends_the_dialogue(
    system: System, state: str, kind: PacketType
) -> None:
    """CHAN-8.2."""
    call = STATES[state](RogueMachine(system))
    with nothing_is_stored(system):
        call.wire.send(PACKETS[kind])
        assert call.answer() is ErrorCode.UNEXPECTED


@pytest.mark.parametrize("state", STATES)
def test_a_record_too_short_to_be_one_ends_the_dialogue(
    system: System, state: str
) -> None:
    """CHAN-2.2, CHAN-6.2."""
    call = STATES[state](RogueMachine(system))
    with nothing_is_stored(system):
        call.wire.send(b"\x05" + bytes(10))
        assert call.answer() is ErrorCode.MALFORMED


@pytest.mark.parametrize("body", [b"\x40", b"\x7f" * 1024, b"\x55STATEMENT"])
def test_an_elective_message_is_passed_over_wherever_it_stands(
    system: System, body: bytes
) -> None:
    """DLG-2.2."""
    machine = RogueMachine(system)
    call = delivered(machine)
    machine.apply(Voucher.decode(call.heard))
    with nothing_is_stored(system):
        call.say(body, body)
        # An answer to something else shows that those were taken.
        damaged = machine.sign(machine.confirmation(), bytes(32))
        assert call.ask(damaged) is ErrorCode.STATEMENT
    call = closed(machine)
    call.say(body)
    assert call.ask(*machine.usage()) == Ack(MessageType.USAGE, machine.dial_in)
    call.say(body, machine.goodbye())
    call.wire.end()
    call = frozen(machine)
    assert call.ask(body, machine.present(bytes(114))) == Ack(
        MessageType.LAST_VOUCHER, 0
    )


@pytest.mark.parametrize("mark", [bytes(8), b"not mine"], ids=["first", "foreign"])
def test_a_goodbye_with_another_mark_acknowledges_none(
    system: System, mark: bytes
) -> None:
    """DLG-7.3: it is ignored; both marks stay good."""
    machine = RogueMachine(system)
    call = closed(machine)
    with nothing_is_stored(system):
        call.say(machine.goodbye(mark=mark))
        call.wire.end()
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


# Usage: DLG-9.


FOUR = tuple(UsageRow(number, 1, Paise(100)) for number in (10, 11, 12, 13))


def part(number: int, of: int, dial_in: int = 0) -> Callable[[RogueMachine], bytes]:
    """Make one part; the dial-in is that of the call unless it is given."""
    return lambda machine: Usage(
        dial_in or machine.dial_in, number, of, machine.rows[:1]
    ).encode()


WRONG_PARTS = {
    "number 0": [part(0, 1)],
    "number 2 first": [part(2, 2)],
    "beyond the number of parts": [part(1, 0)],
    "the first twice": [part(1, 2), part(1, 2)],
    "the second left out": [part(1, 3), part(3, 3)],
    "another number of parts": [part(1, 3), part(2, 4)],
    "fewer parts at last": [part(1, 3), part(2, 2)],
    "more parts than there can be": [part(1, 65)],
    "of another dial-in": [part(1, 1, dial_in=1)],
    "of another dial-in in the midst": [part(1, 2), part(2, 2, dial_in=1)],
}


@pytest.mark.parametrize("parts", WRONG_PARTS.values(), ids=WRONG_PARTS.keys())
def test_usage_parts_out_of_order_are_not_stored(
    system: System, parts: list[Callable[[RogueMachine], bytes]]
) -> None:
    """DLG-9.2: ERROR UNEXPECTED."""
    machine = RogueMachine(system)
    call = closed(machine)
    with nothing_is_stored(system):
        answer = call.ask(*(make(machine) for make in parts))
        assert answer is ErrorCode.UNEXPECTED
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


MALFORMED_ROWS = {
    "a row without a class": b"\x00\x00\x00\x00\x01" + bytes(8),
    "an amount of 2^53": b"\x01" + bytes(4) + (2**53).to_bytes(8, "big"),
}


@pytest.mark.parametrize("row", MALFORMED_ROWS.values(), ids=MALFORMED_ROWS.keys())
def test_a_usage_row_without_form_is_not_stored(system: System, row: bytes) -> None:
    """DLG-9.2, DLG-2.1."""
    machine = RogueMachine(system)
    call = closed(machine)
    with nothing_is_stored(system):
        body = machine.usage()[0]
        assert call.ask(body[:7] + row + body[20:]) is ErrorCode.MALFORMED


Rows = tuple[UsageRow, ...]


@dataclass(frozen=True)
class Misfit:
    """What a machine in use reports, and what its STATEMENT held the digest of.

    It has franked 2 items for Rs 10 in class 1 and 1 for Rs 5 in class 2.
    """

    reported: Rows
    digest_of: Rows


TRUE_ROWS = (UsageRow(1, 2, Paise(1_000)), UsageRow(2, 1, Paise(500)))


def _alike(*rows: UsageRow) -> Misfit:
    return Misfit(rows, rows)


MISFITS = {
    "its digest is another": Misfit(TRUE_ROWS, TRUE_ROWS[:1]),
    "a paisa more than AR": _alike(
        UsageRow(1, 2, Paise(1_001)), UsageRow(2, 1, Paise(500))
    ),
    "a paisa less than AR": _alike(
        UsageRow(1, 2, Paise(1_000)), UsageRow(2, 1, Paise(499))
    ),
    "a class more than AR": _alike(*TRUE_ROWS, UsageRow(3, 1, Paise(1))),
    "items gone back": _alike(UsageRow(1, 1, Paise(1_000)), UsageRow(2, 1, Paise(500))),
    "postage moved between classes": _alike(
        UsageRow(1, 2, Paise(900)), UsageRow(2, 1, Paise(600))
    ),
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS.keys())
def test_usage_that_does_not_fit_freezes_and_is_not_stored(
    system: System, misfit: Misfit
) -> None:
    """DLG-9.3: USAGE_MISMATCH, after a RECEIPT that was good."""
    machine = RogueMachine(system)
    digest = usage_digest(misfit.digest_of)
    with it_only_freezes(system, RefusalCode.USAGE_MISMATCH):
        call, receipt = machine.ask_for(INSPECTION, usage_digest=digest)
        assert isinstance(receipt, Receipt)
        refusal = call.ask(*machine.usage(*misfit.reported))
        assert isinstance(refusal, Refusal)
        assert refusal.code is RefusalCode.USAGE_MISMATCH
        assert refusal.disposition is Disposition.CLEARED
        assert refusal.receipt_follows == 0
        call.say(machine.goodbye())
        call.wire.end()
    assert system.dial(RUPEES_2000).outcome is Outcome.REFUSED


def test_usage_is_taken_in_parts_whose_ack_was_lost(system: System) -> None:
    """DLG-9.2: rows are totals; a lost ACK costs nothing."""
    psd = system.psd()
    for product_class in range(1, 10):
        assert isinstance(frank(psd, Paise(100), product_class), Frank)
    call = HandDialled(system, INSPECTION, psd)
    psd.receive(call.state_registers())
    parts = psd.usage()
    assert len(parts) == 3
    for packet in parts:
        call.wire.send(packet)
    assert call.wire.take() is not None, "the ACK came, and is lost in the machine"
    call.hang_up()
    report = system.dial(INSPECTION)
    assert report.outcome is Outcome.INSPECTED
    assert all(row.reported for row in system.psd().record.usage)
    with system.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT sum(amount_paise) FROM usage")
        assert rows.scalar_one() == 1_500 + 900
    assert not system.frozen()


# Orders: DLG-10.


def order(system: System, kind: OrderKind, value: int = 0) -> None:
    system.administration.order(LICENCE, kind, value, system.by())


@pytest.mark.parametrize("taken", range(5))
def test_orders_are_applied_once_wherever_the_line_is_lost(
    system: System, taken: int
) -> None:
    """DLG-10.1, DLG-10.2: the RECEIPT and `taken` orders come, then the line ends."""
    later = system.wall.now() + DAY_S
    order(system, OrderKind.CLOCK)
    order(system, OrderKind.LOCK, 7)
    order(system, OrderKind.UNLOCK)
    order(system, OrderKind.NEXT_CALL, later)
    call = HandDialled(system, INSPECTION)
    receipt = call.psd.receive(call.state_registers())
    assert isinstance(receipt, Receipted)
    assert receipt.receipt.orders == 4
    for _ in range(taken):
        packet = call.wire.take()
        assert packet is not None
        call.psd.receive(packet)
    call.hang_up()
    assert system.psd().record.order_serial == taken
    report = system.dial(INSPECTION)
    assert [(one.order_serial, applied) for one, applied in report.orders] == [
        (serial, True) for serial in range(taken + 1, 5)
    ], "what was applied is not sent again"
    record = system.psd().record
    assert (record.order_serial, record.lock_reason) == (4, 0)
    assert record.next_call == later
    assert system.psd().state is MachineState.IN_SERVICE
    assert system.dial(INSPECTION).orders == ()


def test_orders_whose_receipt_was_lost_are_all_sent_again(system: System) -> None:
    """DLG-10.2: nothing of the first dial-in arrived."""
    order(system, OrderKind.LOCK, 7)
    call = HandDialled(system, INSPECTION)
    assert packet_type(call.state_registers()) is PacketType.GREETING_4
    call.hang_up()
    assert system.psd().state is MachineState.IN_SERVICE
    report = system.dial(INSPECTION)
    assert [one.order for one, applied in report.orders if applied] == [OrderKind.LOCK]


def test_a_locked_machine_stays_locked_until_the_order_that_frees_it(
    system: System,
) -> None:
    """DLG-10.4: dialling does not lift it."""
    order(system, OrderKind.LOCK, 7)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    with no_money_moves(system):
        assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
        assert system.psd().state is MachineState.LOCKED
        assert frank(system.psd(), Paise(500), 1) is FrankRefusal.LOCKED
        refused = system.dial(RUPEES_2000).refusal
        assert refused is not None
        assert refused.code is RefusalCode.MACHINE_STATE
    order(system, OrderKind.UNLOCK)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED


def test_a_large_step_of_the_clock_stops_what_is_behind_it_for_the_supervisor(
    system: System,
) -> None:
    """DLG-10.3, DLG-10.1: not applied, nor any order after it."""
    order(system, OrderKind.CLOCK, system.wall.now() + 2 * DAY_S)
    order(system, OrderKind.LOCK, 7)
    report = system.dial(INSPECTION)
    assert [applied for _, applied in report.orders] == [False, False]
    assert system.psd().time == system.wall.now()
    psd = system.psd()
    psd.supervisor_present = True
    report = system.dial(INSPECTION, psd=psd)
    assert [applied for _, applied in report.orders] == [True, True]
    assert system.psd().time == system.wall.now() + 2 * DAY_S
    assert system.psd().state is MachineState.LOCKED


def test_an_order_is_numbered_behind_what_the_machine_has_applied(
    system: System,
) -> None:
    """DLG-10.1: books restored from an old copy have forgotten orders, not reuse them.

    An order with a serial that the machine has passed would be taken for applied.
    """
    machine = RogueMachine(system)
    machine.order_serial = OrderSerial(9)
    machine.close_after(INSPECTION)
    order(system, OrderKind.LOCK, 7)
    call, receipt = machine.ask_for(INSPECTION)
    assert isinstance(receipt, Receipt)
    assert receipt.orders == 1
    sent = call.answer()
    assert isinstance(sent, Order)
    assert (sent.order_serial, sent.order) == (10, OrderKind.LOCK)
    call.wire.end()
