"""Franking: the debit, and everything that forbids it."""

import pytest

from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank, FrankRefusal
from fm_device.psd.records import ClassUsage
from hw.clock import MemoryWallClock
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError
from protocol.messages import OrderKind
from protocol.registers import MachineState, Registers, RequestKind
from protocol.values import Paise
from tests.franking import frank
from tests.witness.small_server import (
    LICENCE,
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
    psd = switch_on(nvram, clock)
    recharged(psd)
    return nvram, clock, psd


def test_a_frank_moves_its_value_from_dr_to_ar_and_is_stored() -> None:
    nvram, clock, psd = _machine()
    done = frank(psd, Paise(2400), 3)
    expected = Registers(Paise(2400), Paise(197_600), Paise(200_000), 1, 1)
    assert isinstance(done, Frank)
    assert (done.value_paise, done.product_class, done.item) == (2400, 3, 1)
    assert (done.time, done.registers) == (clock.now(), expected)
    stored = switch_on(nvram, clock).record
    assert stored.registers == expected
    assert stored.usage == (ClassUsage(3, 1, Paise(2400), reported=False),)


def test_a_zero_imprint_is_counted_apart() -> None:
    _, _, psd = _machine()
    frank(psd, Paise(2400), 3)
    done = frank(psd, Paise(0), 3)
    assert isinstance(done, Frank)
    assert done.item == 2
    assert (psd.record.registers.items, psd.record.registers.items_with_zero) == (1, 2)
    assert psd.record.usage == (ClassUsage(3, 1, Paise(2400), reported=False),)


def test_the_last_paisa_can_be_franked_and_not_one_more() -> None:
    _, _, psd = _machine()
    assert frank(psd, Paise(200_001), 1) is FrankRefusal.FUNDS_SHORT
    assert isinstance(frank(psd, Paise(200_000), 1), Frank)
    assert frank(psd, Paise(1), 1) is FrankRefusal.FUNDS_SHORT


@pytest.mark.parametrize("product_class", [-1, 0, 256])
def test_a_class_that_the_wire_cannot_name_is_refused(product_class: int) -> None:
    _, _, psd = _machine()
    assert frank(psd, Paise(1), product_class) is FrankRefusal.CLASS_UNKNOWN


def test_a_negative_value_is_our_own_bug() -> None:
    _, _, psd = _machine()
    with pytest.raises(LocalProtocolError):
        frank(psd, Paise(-1), 1)


def test_a_machine_franks_only_after_its_first_complete_dial_in() -> None:
    clock = a_clock()
    psd = switch_on(a_new_memory(clock), clock)
    assert frank(psd, Paise(0), 1) is FrankRefusal.FIRST_CALL_NEEDED
    complete(Dial(psd))
    assert isinstance(frank(psd, Paise(0), 1), Frank)


def test_a_machine_without_the_time_does_not_frank() -> None:
    _, _, psd = _machine()
    psd.set_clock_lost()
    assert psd.time is None
    assert frank(psd, Paise(1), 1) is FrankRefusal.CLOCK_NOT_SET


def test_thirty_one_silent_days_block_and_one_inspection_frees() -> None:
    _, clock, psd = _machine()
    clock.advance(25 * DAY_S)
    assert isinstance(frank(psd, Paise(1), 1), Frank)
    assert psd.call_due
    clock.advance(6 * DAY_S)
    assert psd.state is MachineState.BLOCKED
    assert frank(psd, Paise(1), 1) is FrankRefusal.BLOCKED
    dial = Dial(psd)
    assert dial.statement.state is MachineState.BLOCKED
    complete(dial)
    assert isinstance(frank(psd, Paise(1), 1), Frank)
    assert not psd.call_due


def test_nothing_is_franked_between_dialling_and_hanging_up() -> None:
    _, _, psd = _machine()
    dial = Dial(psd)
    assert frank(psd, Paise(1), 1) is FrankRefusal.DIALLING
    dial.psd.hang_up()
    assert isinstance(frank(psd, Paise(1), 1), Frank)


def test_nothing_is_franked_while_value_is_to_go_back() -> None:
    nvram, clock, psd = _machine()
    Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(200_000))).psd.hang_up()
    assert frank(psd, Paise(1), 1) is FrankRefusal.RETURN_PENDING
    assert frank(switch_on(nvram, clock), Paise(1), 1) is FrankRefusal.RETURN_PENDING


def test_a_pending_recharge_does_not_stop_franking() -> None:
    _, _, psd = _machine()
    Dial(psd, Request(RequestKind.RECHARGE, Paise(100_000))).psd.hang_up()
    assert isinstance(frank(psd, Paise(1), 1), Frank)


def test_a_lock_order_stops_franking_until_it_is_taken_back() -> None:
    _, _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.LOCK, 17))
    psd.hang_up()
    assert (frank(psd, Paise(1), 1), psd.record.lock_reason) == (
        FrankRefusal.LOCKED,
        17,
    )
    complete(Dial(psd))
    assert frank(psd, Paise(1), 1) is FrankRefusal.LOCKED
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.UNLOCK))
    psd.hang_up()
    assert isinstance(frank(psd, Paise(1), 1), Frank)


def test_a_withdrawn_machine_franks_no_more() -> None:
    _, _, psd = _machine()
    dial = Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(200_000)))
    dial.say(dial.voucher())
    complete(dial)
    assert frank(psd, Paise(0), 1) is FrankRefusal.WITHDRAWN


def test_every_refusal_has_a_code_of_its_own_and_words() -> None:
    assert len({refusal.code for refusal in FrankRefusal}) == len(FrankRefusal)
    assert all(refusal.words for refusal in FrankRefusal)


def test_a_machine_is_made_for_one_licence() -> None:
    _, _, psd = _machine()
    assert psd.credential.licence_identifier == LICENCE
    assert psd.record.life.licence == LICENCE
