"""A dial-in inside the PSD: what is stored before what, and what has a place when."""

from datetime import UTC, datetime

import pytest

from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank, FrankRefusal
from fm_device.psd.records import ClassUsage
from fm_device.show import machine_as_json, show_machine
from hw.clock import MemoryWallClock
from hw.nvram import MemoryNvram
from protocol.channel import MachineChannelPort, PacketType
from protocol.dialogue.machine import (
    INSPECTION,
    OrderTaken,
    Receipted,
    Refused,
    Request,
)
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.keys import MachineIdentity, ServerCredential
from protocol.messages import (
    Ack,
    Disposition,
    Goodbye,
    LastVoucher,
    LicenceState,
    MessageType,
    OrderKind,
    RefusalCode,
    Usage,
    UsageRow,
)
from protocol.registers import ZERO_REGISTERS, MachineState, RequestKind
from protocol.usage import usage_digest
from protocol.values import EpochSeconds, Paise, RechargeNumber
from tests.franking import frank
from tests.witness.small_server import (
    LICENCE,
    RUPEES_2000,
    Channels,
    Dial,
    a_clock,
    a_new_memory,
    complete,
    recharged,
    switch_on,
)

DAY_S = 86_400


def _machine() -> tuple[MemoryNvram, MemoryWallClock, Psd]:
    clock = a_clock()
    nvram = a_new_memory(clock)
    return nvram, clock, switch_on(nvram, clock)


def _unexpected(nvram: MemoryNvram, dial: Dial, body: bytes) -> None:
    image = nvram.image()
    with pytest.raises(RemoteProtocolError) as refused:
        dial.say(body)
    assert refused.value.code is ErrorCode.UNEXPECTED
    assert nvram.image() == image


def test_a_whole_dial_in_over_the_real_channel() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)
    channels = Channels(real=True)
    psd = switch_on(nvram, clock, channels)
    dial = Dial(psd, RUPEES_2000, channels)
    dial.say(dial.voucher())
    complete(dial)
    assert psd.record.registers.descending_paise == 200_000
    assert psd.state is MachineState.IN_SERVICE


def test_a_new_machine_states_what_it_is() -> None:
    _, clock, psd = _machine()
    statement = Dial(psd).statement
    assert (statement.version, statement.licence) == (1, LICENCE)
    assert statement.psd_serial == b"PSD00001"
    assert statement.state is MachineState.INSTALLED
    assert statement.registers == ZERO_REGISTERS
    assert (statement.recharge_number, statement.order_serial) == (0, 0)
    assert statement.mark == bytes(8)
    assert statement.usage_digest == usage_digest([])
    assert (statement.time, statement.dial_in) == (clock.now(), 1)
    assert (statement.request, statement.amount_paise) == (RequestKind.INSPECTION, 0)


def test_a_request_is_stored_before_the_first_octet() -> None:
    nvram, clock, psd = _machine()
    psd.dial(RUPEES_2000)
    stored = switch_on(MemoryNvram(nvram.image()), clock).record
    assert (stored.pending, stored.dial_in) == (RUPEES_2000, 1)


def test_an_inspection_is_never_pending() -> None:
    _, _, psd = _machine()
    psd.dial(INSPECTION)
    assert psd.record.pending is None


@pytest.mark.parametrize(
    "other", [INSPECTION, Request(RequestKind.RECHARGE, Paise(999_900))]
)
def test_a_pending_request_stands_also_after_a_restart(other: Request) -> None:
    nvram, clock, psd = _machine()
    Dial(psd, RUPEES_2000)
    restarted = switch_on(nvram, clock)
    statement = Dial(restarted, other).statement
    assert (statement.request, statement.amount_paise) == (
        RequestKind.RECHARGE,
        200_000,
    )
    assert restarted.record.pending == RUPEES_2000


@pytest.mark.parametrize(
    "request_",
    [
        Request(RequestKind.RECHARGE, Paise(0)),
        Request(RequestKind.INSPECTION, Paise(1)),
        Request(RequestKind.WITHDRAWAL, Paise(1)),
        Request(RequestKind.REFUND, Paise(1)),
        Request(RequestKind.REFUND, Paise(0)),
    ],
)
def test_an_impossible_request_is_our_own_bug_and_not_stored(request_: Request) -> None:
    nvram, _, psd = _machine()
    image = nvram.image()
    with pytest.raises(LocalProtocolError):
        psd.dial(request_)
    assert nvram.image() == image


def test_a_refusal_that_clears_frees_the_amount() -> None:
    _, _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    assert isinstance(dial.say(dial.refusal()), Refused)
    assert psd.record.pending is None


def test_a_refusal_that_keeps_changes_nothing() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    image = nvram.image()
    dial.say(
        dial.refusal(
            code=RefusalCode.MARK_WRONG, disposition=Disposition.KEPT, receipt_follows=0
        )
    )
    assert nvram.image() == image


def test_a_receipt_is_stored_in_one_commit() -> None:
    nvram, clock, psd = _machine()
    dial = Dial(psd)
    commits = psd.commits
    answer = dial.say(dial.receipt(mark=b"12345678"))
    assert isinstance(answer, Receipted)
    assert psd.commits == commits + 1
    stored = switch_on(MemoryNvram(nvram.image()), clock).record
    assert stored.mark == b"12345678"
    assert stored.complete_at == clock.now()
    assert stored.funds_paise == 500_000
    assert stored.licence_state is LicenceState.REGISTERED
    assert stored.standing is MachineState.IN_SERVICE
    goodbye, _ = dial.open(psd.goodbye())
    assert goodbye == Goodbye(b"12345678", psd.record.order_serial)
    psd.hang_up()
    assert Dial(psd).statement.mark == b"12345678"


def test_a_receipt_of_another_number_is_refused() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd)
    _unexpected(nvram, dial, dial.receipt(recharge_number=RechargeNumber(1)))


def test_a_receipt_counts_by_the_servers_time() -> None:
    _, clock, psd = _machine()
    clock.advance(-400 * DAY_S)
    recharged(psd)
    now = EpochSeconds(clock.now() + 400 * DAY_S)
    dial = Dial(psd)
    dial.say(dial.receipt(time=now, orders=1))
    answer = dial.say(dial.order(OrderKind.CLOCK, now))
    assert isinstance(answer, OrderTaken)
    assert not answer.applied, "no supervisor is there"
    assert psd.record.complete_at == now


def test_messages_out_of_place_change_nothing() -> None:
    nvram, _, psd = _machine()
    for make in (
        lambda dial: dial.order(OrderKind.LOCK),
        lambda dial: dial.usage_ack(),
        lambda _: Ack(MessageType.LAST_VOUCHER, 0).encode(),
        lambda dial: Goodbye(bytes(8), dial.statement.order_serial).encode(),
        lambda dial: dial.statement.encode(),
    ):
        dial = Dial(psd)
        _unexpected(nvram, dial, make(dial))
        psd.hang_up()


def test_a_receipt_or_voucher_after_the_receipt_changes_nothing() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt())
    _unexpected(nvram, dial, dial.receipt(mark=b"87654321"))
    _unexpected(nvram, dial, dial.voucher(amount_paise=Paise(100)))


def test_an_elective_message_is_ignored() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd)
    image = nvram.image()
    assert dial.say(b"\x40whatever") is None
    assert nvram.image() == image
    assert isinstance(dial.say(dial.receipt()), Receipted)


def test_records_before_the_server_is_proved_are_the_peers_fault() -> None:
    _, _, psd = _machine()
    Dial(psd)
    with pytest.raises(RemoteProtocolError) as refused:
        psd.receive(bytes((PacketType.RECORD,)) + bytes(20))
    assert refused.value.code is ErrorCode.UNEXPECTED


def test_a_second_greeting_is_the_peers_fault() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd)
    packet = dial.seal(dial.receipt())
    psd.receive(packet)
    image = nvram.image()
    with pytest.raises(RemoteProtocolError) as refused:
        psd.receive(packet)
    assert refused.value.code is ErrorCode.UNEXPECTED
    assert nvram.image() == image


def test_a_changed_octet_of_the_proof_changes_nothing() -> None:
    nvram, _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    packet = bytearray(dial.seal(dial.voucher()))
    packet[40] ^= 1
    image = nvram.image()
    with pytest.raises(RemoteProtocolError):
        psd.receive(bytes(packet))
    assert nvram.image() == image


def test_usage_goes_in_parts_of_four_until_it_is_acknowledged() -> None:
    _, _, psd = _machine()
    recharged(psd)
    for product_class in range(1, 6):
        frank(psd, Paise(100 * product_class), product_class)
    for _ in range(2):
        dial = Dial(psd)
        rows = [UsageRow(number, 1, Paise(100 * number)) for number in range(1, 6)]
        assert dial.statement.usage_digest == usage_digest(rows)
        dial.say(dial.receipt())
        parts = [dial.open(packet)[0] for packet in psd.usage()]
        number = dial.statement.dial_in
        assert parts == [
            Usage(number, 1, 2, tuple(rows[:4])),
            Usage(number, 2, 2, tuple(rows[4:])),
        ]
        psd.hang_up()
    dial = Dial(psd)
    dial.say(dial.receipt())
    psd.usage()
    dial.say(dial.usage_ack())
    psd.hang_up()
    frank(psd, Paise(7), 2)
    dial = Dial(psd)
    dial.say(dial.receipt())
    (packet,) = psd.usage()
    part, _ = dial.open(packet)
    assert part == Usage(dial.statement.dial_in, 1, 1, (UsageRow(2, 2, Paise(207)),))


def _usage_sent(dial: Dial) -> list[UsageRow]:
    parts = [dial.open(packet)[0] for packet in dial.psd.usage()]
    return [
        row
        for part in parts
        if isinstance(part, Usage)
        for row in part.rows
        if row.product_class
    ]


def _reported(psd: Psd) -> list[UsageRow]:
    """Frank in two classes, and have the server acknowledge both."""
    recharged(psd)
    for product_class in (1, 2):
        frank(psd, Paise(100), product_class)
    complete(Dial(psd))
    assert all(row.reported for row in psd.record.usage)
    return [UsageRow(number, 1, Paise(100)) for number in (1, 2)]


@pytest.mark.parametrize("code", [code for code in RefusalCode if code >= 32])
def test_after_a_discrepancy_all_rows_of_usage_are_sent_again(
    code: RefusalCode,
) -> None:
    nvram, clock, psd = _machine()
    rows = _reported(psd)
    dial = Dial(psd, RUPEES_2000)
    commits = psd.commits
    dial.say(dial.refusal(code=code, receipt_follows=0))
    assert psd.commits == commits + 1, "with what else the refusal changes"
    restarted = switch_on(MemoryNvram(nvram.image()), clock)
    assert restarted.record.pending is None
    dial = Dial(restarted)
    dial.say(dial.receipt())
    assert _usage_sent(dial) == rows


def test_after_a_refusal_of_usage_all_rows_are_sent_again() -> None:
    _, _, psd = _machine()
    rows = _reported(psd)
    frank(psd, Paise(50), 3)
    dial = Dial(psd)
    dial.say(dial.receipt())
    assert _usage_sent(dial) == [UsageRow(3, 1, Paise(50))]
    dial.say(dial.refusal(code=RefusalCode.USAGE_MISMATCH, receipt_follows=0))
    psd.hang_up()
    dial = Dial(psd)
    dial.say(dial.receipt())
    assert _usage_sent(dial) == [*rows, UsageRow(3, 1, Paise(50))]


def test_a_refusal_for_want_of_funds_forgets_no_acknowledgement() -> None:
    _, _, psd = _machine()
    _reported(psd)
    dial = Dial(psd, RUPEES_2000)
    dial.say(dial.refusal())
    assert all(row.reported for row in psd.record.usage)


@pytest.mark.parametrize(
    "shown",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2010, 8, 15, 18, 29, 59, tzinfo=UTC),
        datetime(2106, 2, 7, 6, 28, 16, tzinfo=UTC),
        datetime(9999, 12, 31, tzinfo=UTC),
    ],
)
def test_a_clock_that_cannot_be_right_is_not_set(shown: datetime) -> None:
    nvram, clock, psd = _machine()
    recharged(psd)
    now = clock.now()
    clock.set(shown)
    psd = switch_on(nvram, clock)
    assert psd.time is None
    assert frank(psd, Paise(1), 1) is FrankRefusal.CLOCK_NOT_SET
    machine = Machine(Parts(nvram, MemoryNvram.erased(FLASH_OCTETS), clock))
    machine.switch_on()
    assert "not set" in "\n".join(show_machine(machine))
    assert machine_as_json(machine)["time"] is None
    dial = Dial(psd)
    assert (dial.statement.time, dial.statement.state) == (0, MachineState.IN_SERVICE)
    dial.say(dial.receipt(time=now, orders=1))
    answer = dial.say(dial.order(OrderKind.CLOCK, now))
    assert isinstance(answer, OrderTaken)
    assert answer.applied, "nobody has to stand by"
    psd.hang_up()
    assert psd.time == now
    assert isinstance(frank(psd, Paise(1), 1), Frank)


@pytest.mark.parametrize(
    "shown",
    [
        datetime(2010, 8, 15, 18, 30, tzinfo=UTC),
        datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC),
    ],
)
def test_the_first_and_the_last_moment_of_a_clock_are_told(shown: datetime) -> None:
    nvram, clock, _ = _machine()
    clock.set(shown)
    psd = switch_on(nvram, clock)
    assert psd.time == clock.now()
    assert Dial(psd).statement.time == clock.now()


@pytest.mark.parametrize("year", [1969, 2200])
def test_a_machine_can_be_made_while_its_clock_is_wrong(year: int) -> None:
    clock = MemoryWallClock(datetime(year, 1, 1, tzinfo=UTC))
    psd = switch_on(a_new_memory(clock), clock)
    assert psd.record.life.began == 0
    assert psd.time is None


def test_a_dial_in_that_cannot_be_greeted_leaves_nothing_pending() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)

    def no_channel(
        identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        raise LocalProtocolError(f"no channel from {identity} to {server}")

    psd = Psd(nvram, clock, no_channel)
    image = nvram.image()
    with pytest.raises(LocalProtocolError):
        psd.dial(RUPEES_2000)
    assert nvram.image() == image
    assert not psd.dialling


def test_nothing_franked_is_nothing_to_report() -> None:
    _, _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt())
    assert psd.usage() == ()


def test_an_ack_of_another_dial_in_acknowledges_nothing() -> None:
    nvram, _, psd = _machine()
    recharged(psd)
    frank(psd, Paise(100), 1)
    dial = Dial(psd)
    dial.say(dial.receipt())
    psd.usage()
    _unexpected(
        nvram, dial, Ack(MessageType.USAGE, dial.statement.dial_in + 1).encode()
    )
    assert psd.record.usage == (ClassUsage(1, 1, Paise(100), reported=False),)


def test_the_last_voucher_is_presented_octet_by_octet() -> None:
    _, _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    voucher = dial.voucher()
    dial.say(voucher)
    psd.hang_up()
    dial = Dial(psd)
    dial.say(dial.refusal(code=RefusalCode.NUMBER_AHEAD, receipt_follows=0))
    packet = psd.last_voucher()
    assert packet is not None
    assert dial.open(packet)[0] == LastVoucher(voucher)
    dial.say(Ack(MessageType.LAST_VOUCHER, 0).encode())
    psd.goodbye()


def test_a_machine_without_a_voucher_has_none_to_present() -> None:
    _, _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.refusal(code=RefusalCode.NUMBER_AHEAD, receipt_follows=0))
    assert psd.last_voucher() is None


def test_calls_out_of_order_are_our_own_bug() -> None:
    _, _, psd = _machine()
    with pytest.raises(LocalProtocolError):
        psd.goodbye()
    dial = Dial(psd)
    with pytest.raises(LocalProtocolError):
        psd.usage()
    dial.say(dial.receipt())
    with pytest.raises(LocalProtocolError):
        psd.last_voucher()


def test_a_next_call_is_kept_until_a_dial_in_is_complete_after_it() -> None:
    _, clock, psd = _machine()
    due = clock.now() + DAY_S
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.NEXT_CALL, due))
    psd.hang_up()
    complete(Dial(psd))
    assert psd.record.next_call == due
    assert not psd.call_due
    clock.advance(DAY_S)
    assert psd.call_due
    complete(Dial(psd))
    assert psd.record.next_call == 0
    assert not psd.call_due
