"""Power fails at every octet that a PSD writes: old or new, and the sums hold.

Every step of a dial-in and of a working day is cut before, inside and after each of its
writes. After power-up the record is exactly the one before the step or the one after
it; which of the two, the server's next dial-in settles.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from fm_device.psd.records import PsdRecord
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.nvram import (
    MemoryNvram,
    Nvram,
    PowerCutError,
    PowerCutNvram,
    every_power_cut,
)
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import StoreError
from protocol.keys import Realm
from protocol.messages import OrderKind
from protocol.registers import MachineState, RequestKind
from protocol.values import LicenceIdentifier, Paise
from tests.franking import frank
from tests.witness.small_server import (
    LICENCE,
    MAKER,
    PROVISIONING,
    RUPEES_2000,
    Channels,
    Dial,
    a_clock,
    a_new_memory,
    complete,
    recharged,
    switch_on,
)


@dataclass(frozen=True)
class Step:
    """Something that a PSD does; `prepare` brings it to the point just before.

    A step that belongs to a dial-in prepares within the same session, so that its
    writes alone are cut. Every `stride`-th octet of each write is a cut.
    """

    prepare: Callable[[Psd], Dial | None]
    act: Callable[[Psd, Dial | None], object]
    stride: int = 1


def _stated(request: Request) -> Callable[[Psd], Dial]:
    return lambda psd: Dial(psd, request)


def _receipted(orders: int) -> Callable[[Psd], Dial]:
    def prepare(psd: Psd) -> Dial:
        dial = Dial(psd)
        dial.say(dial.receipt(orders=orders))
        return dial

    return prepare


def _reported(psd: Psd) -> Dial:
    dial = _receipted(0)(psd)
    assert psd.usage()
    return dial


def _open(dial: Dial | None) -> Dial:
    assert dial is not None
    return dial


WITHDRAWAL = Request(RequestKind.WITHDRAWAL, Paise(197_600))
OTHER = LicenceIdentifier("N777777")


def _withdrawn(psd: Psd) -> None:
    dial = Dial(psd, WITHDRAWAL)
    dial.say(dial.voucher())
    complete(dial)


STEPS = {
    "dial": Step(lambda _: None, lambda psd, _: psd.dial(RUPEES_2000)),
    "voucher": Step(
        _stated(RUPEES_2000), lambda _, dial: _open(dial).say(_open(dial).voucher())
    ),
    "withdrawal": Step(
        _stated(WITHDRAWAL), lambda _, dial: _open(dial).say(_open(dial).voucher())
    ),
    "refusal": Step(
        _stated(RUPEES_2000), lambda _, dial: _open(dial).say(_open(dial).refusal())
    ),
    "receipt": Step(
        _stated(INSPECTION),
        lambda _, dial: _open(dial).say(_open(dial).receipt()),
    ),
    "lock order": Step(
        _receipted(1),
        lambda _, dial: _open(dial).say(_open(dial).order(OrderKind.LOCK, 3)),
    ),
    "usage ack": Step(
        _reported, lambda _, dial: _open(dial).say(_open(dial).usage_ack())
    ),
    "frank": Step(lambda _: None, lambda psd, _: frank(psd, Paise(2400), 3)),
    "zero imprint": Step(lambda _: None, lambda psd, _: frank(psd, Paise(0), 3)),
    "re-initialisation": Step(
        _withdrawn,
        lambda psd, _: psd.reinitialise(OTHER, SeededEntropy(b"new life")),
        stride=5,
    ),
}


@pytest.fixture(scope="module")
def in_service() -> bytes:
    """The memory of a machine with Rs 1,976 left and a frank not yet reported."""
    clock = a_clock()
    nvram = a_new_memory(clock)
    psd = switch_on(nvram, clock)
    recharged(psd)
    frank(psd, Paise(2400), 3)
    return nvram.image()


def _run(
    step: Step, nvram: Nvram, clock: MemoryWallClock
) -> tuple[Psd, PsdRecord, int]:
    """Prepare on whole power; give the PSD, its record, and the writes until then."""
    psd = Psd(nvram, clock, Channels().machine)
    dial = step.prepare(psd)
    before = psd.record
    writes = nvram.writes if isinstance(nvram, PowerCutNvram) else 0
    step.act(psd, dial)
    return psd, before, writes


@pytest.mark.parametrize("name", STEPS)
def test_a_cut_step_leaves_old_or_new(name: str, in_service: bytes) -> None:
    step, clock = STEPS[name], a_clock()
    counted = PowerCutNvram(MemoryNvram(in_service))
    psd, old, prepared = _run(step, counted, clock)
    new = psd.record
    assert new != old
    seen = set()
    for cut in every_power_cut(counted.write_lengths):
        if cut.at_write <= prepared or (cut.torn_octets or 0) % step.stride:
            continue
        memory = MemoryNvram(in_service)
        with pytest.raises(PowerCutError):
            _run(step, PowerCutNvram(memory, cut.at_write, cut.torn_octets), clock)
        restarted = Psd(memory, clock, Channels().machine)
        found = restarted.record
        # A frank that was debited and not complete is closed as perhaps not printed.
        unprinted = replace(new, unprinted=new.unprinted + 1)
        assert found in (old, new, unprinted), cut
        assert (found == unprinted) is (restarted.found_open is not None)
        assert found.balanced
        assert restarted.credential.licence_identifier == found.life.licence
        seen.add(found == new)
    assert seen == {False, True}


def test_an_answer_leaves_only_after_its_fact_is_stored(in_service: bytes) -> None:
    """Whatever `act` returned was stored: a cut after it finds the new record."""
    for name, step in STEPS.items():
        memory, clock = MemoryNvram(in_service), a_clock()
        psd, _, _ = _run(step, memory, clock)
        assert switch_on(MemoryNvram(memory.image()), clock).record == psd.record, name


def test_old_keys_are_wiped_after_a_cut_re_initialisation(in_service: bytes) -> None:
    step, clock = STEPS["re-initialisation"], a_clock()
    counted = PowerCutNvram(MemoryNvram(in_service))
    psd, _, prepared = _run(step, counted, clock)
    for number in range(prepared + 1, counted.writes + 1):
        memory = MemoryNvram(in_service)
        with pytest.raises(PowerCutError):
            _run(step, PowerCutNvram(memory, number), clock)
        credential = switch_on(memory, clock).credential
        finished = MemoryNvram(memory.image())
        writes = PowerCutNvram(finished)
        assert Psd(writes, clock).credential == credential
        assert writes.writes == 0, "the power-on before has finished everything"
    assert psd.credential.licence_identifier == OTHER


def test_a_cut_manufacture_leaves_no_machine_or_a_whole_one() -> None:
    def make(nvram: Nvram) -> None:
        manufacture(
            nvram,
            psd_serial="PSD00001",
            licence=LICENCE,
            realm=Realm.TEST,
            servers=[PROVISIONING],
            maker=MAKER,
            entropy=SeededEntropy(b"made"),
            clock=None,
        )

    counted = PowerCutNvram(MemoryNvram.erased(NVRAM_OCTETS))
    make(counted)
    for cut in every_power_cut(counted.write_lengths):
        if cut.torn_octets is not None and cut.torn_octets % 16:
            continue
        memory = MemoryNvram.erased(NVRAM_OCTETS)
        with pytest.raises(PowerCutError):
            make(PowerCutNvram(memory, cut.at_write, cut.torn_octets))
        try:
            psd = switch_on(memory, a_clock())
        except StoreError:
            make(memory)
            psd = switch_on(memory, a_clock())
        assert psd.state is MachineState.UNINSTALLED
