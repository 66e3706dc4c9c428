"""A new life for a withdrawn PSD: other keys, the same registers."""

import pytest

from fm_device.flash.events import EventCode
from fm_device.psd.device import Psd
from fm_device.psd.franking import FrankOrder
from fm_device.psd.pins import Role
from fm_device.psd.session import VoucherRefusedError
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError
from protocol.registers import MachineState, RequestKind
from protocol.values import LicenceIdentifier, Paise
from protocol.vouchers import VoucherFault
from tests.franking import frank
from tests.machines import LETTER, SUPERVISOR_PIN, a_machine
from tests.witness.small_server import (
    LICENCE,
    RUPEES_2000,
    Dial,
    a_clock,
    a_new_memory,
    complete,
    recharged,
    switch_on,
)

OTHER = LicenceIdentifier("N777777")


def _withdrawn(*, settled: bool = True) -> tuple[MemoryNvram, MemoryWallClock, Psd]:
    clock = a_clock()
    nvram = a_new_memory(clock)
    psd = switch_on(nvram, clock)
    recharged(psd)
    frank(psd, Paise(500), 3)
    dial = Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(199_500)))
    dial.say(dial.voucher())
    if settled:
        complete(dial)
    psd.hang_up()
    return nvram, clock, psd


def test_a_new_life_has_new_keys_and_goes_on_with_the_registers() -> None:
    """KEY-8.2, REG-10.2."""
    nvram, clock, psd = _withdrawn()
    old, registers = psd.credential, psd.record.registers
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    for found in (psd, switch_on(nvram, clock)):
        assert found.state is MachineState.INSTALLED
        assert found.credential.licence_identifier == OTHER
        assert found.credential.generation == 1
        assert found.credential.credential_hash != old.credential_hash
        assert found.credential.signing != old.signing
        record = found.record
        assert record.registers == registers
        assert (record.recharge_number, record.mark) == (2, bytes(8))
        assert (record.order_serial, record.usage, record.last_voucher) == (0, (), None)
        assert record.life.control_total_paise == 500
        assert record.life.ascending_paise == 500
        assert record.life.recharge_number == 2
        assert len(record.lives) == 2


def test_the_new_provisioning_tells_the_bases() -> None:
    _, clock, psd = _withdrawn()
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    provisioning = psd.provisioning(clock.now())
    assert provisioning.credential == psd.credential
    assert provisioning.control_total_paise == 500
    assert (provisioning.recharge_number, provisioning.items) == (2, 1)


def test_a_voucher_of_the_old_life_is_useless_in_the_new_one() -> None:
    _, _, psd = _withdrawn()
    old = psd.credential
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    dial = Dial(psd, RUPEES_2000)
    with pytest.raises(VoucherRefusedError) as refused:
        dial.say(dial.voucher(licence=old.licence_identifier))
    assert refused.value.fault is VoucherFault.LICENCE
    psd.hang_up()
    dial = Dial(psd)
    with pytest.raises(VoucherRefusedError) as refused:
        dial.say(dial.voucher(credential_hash=old.credential_hash))
    assert refused.value.fault is VoucherFault.CREDENTIAL


def test_the_new_life_recharges_franks_and_reports_from_zero() -> None:
    _, _, psd = _withdrawn()
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    recharged(psd)
    frank(psd, Paise(700), 5)
    assert psd.record.recharge_number == 3
    assert psd.record.registers.ascending_paise == 1200
    assert [row.amount_paise for row in psd.record.usage] == [700]
    assert psd.record.balanced


def test_a_machine_in_service_is_not_re_initialised() -> None:
    clock = a_clock()
    psd = switch_on(a_new_memory(clock), clock)
    recharged(psd)
    with pytest.raises(LocalProtocolError, match="withdraw it before"):
        psd.reinitialise(OTHER, SeededEntropy(b"new life"))


def test_a_licence_of_an_earlier_life_is_never_used_again() -> None:
    _, _, psd = _withdrawn()
    with pytest.raises(LocalProtocolError, match="a new life needs a new licence"):
        psd.reinitialise(LICENCE, SeededEntropy(b"new life"))


def test_a_withdrawal_whose_books_are_open_is_not_forgotten() -> None:
    _, _, psd = _withdrawn(settled=False)
    assert psd.state is MachineState.WITHDRAWN
    with pytest.raises(LocalProtocolError, match="dial in once"):
        psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    complete(Dial(psd))
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))


def test_no_new_life_begins_inside_a_dial_in_of_the_old_one() -> None:
    _, _, psd = _withdrawn()
    dial = Dial(psd)
    with pytest.raises(LocalProtocolError, match="hang up first"):
        psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    complete(dial)
    psd.reinitialise(OTHER, SeededEntropy(b"new life"))


def test_a_frank_that_is_open_when_its_life_ends_is_counted_and_logged() -> None:
    bench = a_machine()
    bench.machine.psd.debit(FrankOrder(Paise(500), LETTER))
    bench.withdraw()
    bench.machine.psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    bench.restart()
    assert bench.machine.record.unprinted == 1
    said = (EventCode.FRANK_UNPRINTED, 1, 500)
    assert bench.logged(EventCode.FRANK_UNPRINTED) == [said]


def test_the_supervisor_of_the_old_life_is_not_there_in_the_new_one() -> None:
    bench = a_machine(MachineState.WITHDRAWN)
    machine = bench.machine
    machine.desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    machine.desk.enter(Role.SUPERVISOR, SUPERVISOR_PIN)
    machine.psd.reinitialise(OTHER, SeededEntropy(b"new life"))
    assert not machine.psd.supervisor_present
    machine.desk.begin_life()
    machine.desk.set_pin(Role.SUPERVISOR, SUPERVISOR_PIN)
    assert not machine.desk.may(Role.SUPERVISOR)
