"""A PSD whose memory is bad: it stops, says so, and never guesses."""

from dataclasses import replace

import pytest

from fm_device.psd.device import Psd, manufacture
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.memory import NVRAM_OCTETS, STATE
from fm_device.psd.record_codec import decode_record, encode_record
from fm_device.psd.states import Fault
from fm_device.psd.vault import DAMAGE_MAX, Vault
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram, PowerCutError, PowerCutNvram
from protocol.errors import StoreError
from protocol.keys import Realm
from protocol.registers import MachineState
from protocol.values import Paise
from tests.franking import frank
from tests.witness.small_server import (
    LICENCE,
    MAKER,
    PROVISIONING,
    RUPEES_2000,
    Dial,
    a_clock,
    a_new_memory,
    recharged,
    switch_on,
)


class FailingNvram:
    """A memory whose writes fail with an error from now on."""

    def __init__(self, inner: MemoryNvram) -> None:
        self._inner = inner
        self.size_octets = inner.size_octets
        self.failing = False

    def read(self, address: int, length: int) -> bytes:
        return self._inner.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        if self.failing:
            raise StoreError("input/output error")
        self._inner.write(address, octets)


def test_after_a_failed_write_the_psd_says_so_at_every_call() -> None:
    clock = a_clock()
    nvram = FailingNvram(a_new_memory(clock))
    psd = Psd(nvram, clock)
    nvram.failing = True
    with pytest.raises(StoreError, match="input/output"):
        psd.dial(RUPEES_2000)
    nvram.failing = False
    for call in (
        lambda: frank(psd, Paise(1), 1),
        lambda: psd.dial(RUPEES_2000),
        lambda: psd.state,
        lambda: psd.record,
    ):
        with pytest.raises(StoreError, match="off and on"):
            call()


def test_after_a_power_cut_nothing_is_answered() -> None:
    clock = a_clock()
    psd = Psd(PowerCutNvram(a_new_memory(clock), 1), clock)
    with pytest.raises(PowerCutError):
        psd.dial(RUPEES_2000)
    with pytest.raises(StoreError):
        _ = psd.record


def test_a_worn_out_memory_stops_the_machine_for_good() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)
    recharged(switch_on(nvram, clock))
    at = STATE.addresses[2] + 20
    for _ in range(DAMAGE_MAX + 1):
        nvram.write(at, bytes((nvram.read(at, 1)[0] ^ 1,)))
        Vault(nvram, STATE)
    psd = switch_on(nvram, clock)
    assert psd.state is MachineState.FAULT
    assert psd.record.fault == Fault.MEMORY_WORN_OUT
    assert frank(psd, Paise(1), 1) is FrankRefusal.FAULT
    dial = Dial(psd)
    assert dial.statement.state is MachineState.FAULT
    dial.say(dial.receipt())
    assert psd.state is MachineState.FAULT


def test_registers_that_do_not_balance_stop_the_machine_and_are_still_told() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)
    vault = Vault(nvram, STATE)
    record = decode_record(vault.content)
    wrong = replace(record.registers, descending_paise=Paise(1))
    vault.commit(encode_record(replace(record, registers=wrong)))
    psd = switch_on(nvram, clock)
    assert psd.state is MachineState.FAULT
    assert psd.record.fault == Fault.REGISTERS_DO_NOT_BALANCE
    assert Dial(psd).statement.registers == wrong


def test_a_memory_beyond_repair_is_not_switched_on() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)
    for address in STATE.addresses:
        nvram.write(address + 20, b"\x00\xff\x00\xff")
    with pytest.raises(StoreError, match="out of order"):
        switch_on(nvram, clock)


def test_a_machine_is_not_made_over_a_machine() -> None:
    nvram = a_new_memory()
    image = nvram.image()
    with pytest.raises(StoreError, match="holds a machine"):
        manufacture(
            nvram,
            psd_serial="PSD00009",
            licence=LICENCE,
            realm=Realm.TEST,
            servers=[PROVISIONING],
            maker=MAKER,
            entropy=SeededEntropy(b"again"),
            clock=None,
        )
    assert nvram.image() == image


def test_an_empty_memory_holds_no_machine() -> None:
    with pytest.raises(StoreError, match="no machine"):
        switch_on(MemoryNvram.erased(NVRAM_OCTETS), a_clock())
