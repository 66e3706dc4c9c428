"""A whole life of franks with power cuts at random: the registers are their sum.

The whole machine runs, over a PSD's memory and a flash that lose their power together,
before, inside or after any write, in franking and in starting alike. An account is kept
outside of what was printed. After every start, and at the end:

- AR is the sum of the values, AR + DR = CT, and both item counters agree;
- nothing was ever printed that is not debited;
- what is debited and was not printed is the one in progress, and is counted.

A failure prints the seed and the frank; `Life(seed, ...)` repeats it.
"""

import random
from dataclasses import dataclass

import pytest

from fm_device.firmware.consumables import INK_UL_FULL
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.frank import FrankFace, FrankMark
from fm_device.presets import apply_preset, read_preset
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.records import PsdRecord
from fm_device.psd.vault import DAMAGE_MAX
from hw.nvram import MemoryNvram, PowerCutError
from hw.scales.simulated import SimulatedScale
from protocol.errors import RemoteProtocolError
from protocol.registers import MachineState, Registers
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX, Paise
from tests.machines import LETTER, POST_CARD, Bench, a_machine

FUNDS_PAISE = 10**12
TORN_MAX = 900
"""Torn writes in a life: more than 999 are a worn-out memory (docs/decisions)."""
CARTRIDGE_FRANKS = 1_000
ZERO_EVERY = 19
GRAMS = (5, 18, 20, 21, 55, 140, 400)


class Supply:
    """The power of both memories: it fails at one write and stays off."""

    def __init__(self, draw: random.Random, after_writes: int, *, torn: bool) -> None:
        self._draw = draw
        self._left = after_writes
        self._torn = torn
        self.failed = False

    def stored(self, octets: bytes, held: bytes) -> bytes | None:
        """What a write leaves behind, or None: all of it, and the power stays."""
        self.check()
        self._left -= 1
        if self._left:
            return None
        self.failed = True
        if not self._torn:
            return self._draw.choice((octets, held))
        kept = self._draw.randrange(1, len(octets))
        rest = self._draw.randbytes(len(octets) - kept)
        return octets[:kept] + self._draw.choice((held[kept:], rest))

    def check(self) -> None:
        if self.failed:
            raise PowerCutError("the power is off")


class ShakyNvram:
    """A memory on a supply."""

    def __init__(self, inner: MemoryNvram, supply: Supply) -> None:
        self._inner = inner
        self._supply = supply

    @property
    def size_octets(self) -> int:
        return self._inner.size_octets

    def read(self, address: int, length: int) -> bytes:
        self._supply.check()
        return self._inner.read(address, length)

    def write(self, address: int, octets: bytes) -> None:
        held = self._inner.read(address, len(octets))
        stored = self._supply.stored(octets, held)
        self._inner.write(address, octets if stored is None else stored)
        self._supply.check()


@dataclass
class Tray:
    """Where franks fall: an account of its own, kept by no part of the machine."""

    items: int = 0
    zeros: int = 0
    paise: int = 0
    last_item: int = 0

    def put(self, face: FrankFace) -> None:
        assert face.item is not None
        assert face.item > self.last_item, "no two imprints share a number"
        self.last_item = face.item
        self.items += face.mark is FrankMark.VALID
        self.zeros += face.mark is FrankMark.ZERO
        self.paise += face.value_paise

    @property
    def imprints(self) -> int:
        return self.items + self.zeros


@dataclass
class Lost:
    """What was debited and not printed, by the account outside."""

    items: int = 0
    zeros: int = 0
    paise: int = 0


class Life:
    """One machine from its first frank to its last."""

    def __init__(self, seed: int, franks: int, mean_writes: int) -> None:
        self.draw = random.Random(seed)
        self.franks = franks
        self.mean_writes = mean_writes
        self.tray = Tray()
        self.lost = Lost()
        self.cuts = 0
        self.torn = 0
        self.cut_starts = 0
        bench: Bench = a_machine(MachineState.INSTALLED)
        bench.machine.switch_off()
        self.bench = bench
        self.scale = SimulatedScale()
        text = (
            f'[state]\nstanding = "IN_SERVICE"\n[registers]\n'
            f'descending_paise = {FUNDS_PAISE}\n[calls]\ncomplete_at = "now"\n'
        )
        preset = read_preset(text.encode())
        self.began = apply_preset(bench.nvram, preset, bench.clock.now())
        self.machine = self.started()

    def supply(self) -> Supply:
        torn = self.torn < TORN_MAX and self.draw.random() < 0.3
        return Supply(self.draw, self.draw.randint(1, 2 * self.mean_writes), torn=torn)

    def started(self) -> Machine:
        """Switch on until the power stays."""
        while True:
            supply = self.supply()
            self.power = supply
            machine = Machine(
                Parts(
                    ShakyNvram(self.bench.nvram, supply),
                    ShakyNvram(self.bench.flash, supply),
                    self.bench.clock,
                    self.scale,
                    self.tray,
                    self.bench.channels.machine,
                )
            )
            try:
                machine.switch_on()
                assert machine.psd.state is MachineState.IN_SERVICE
            except PowerCutError:
                self.cut(supply)
                self.cut_starts += 1
                continue
            return machine

    def cut(self, supply: Supply) -> None:
        assert supply.failed
        self.cuts += 1
        self.torn += supply._torn

    def lived(self) -> None:
        """Frank until the tray holds enough, then see that everything agrees."""
        while self.tray.imprints < self.franks:
            self.bench.clock.advance(0.7)
            self.one()
        self.agree(self.machine.record)

    def one(self) -> None:
        """One imprint, however often it takes."""
        before, printed = self.machine.record, self.tray.imprints
        is_zero = self.draw.randrange(ZERO_EVERY) == 0
        self.scale.put(self.draw.choice(GRAMS))
        value = 0
        try:
            if not printed % CARTRIDGE_FRANKS:
                self.machine.sense(ink_ul=INK_UL_FULL)
            self.machine.franking.choose_class(
                self.draw.choice((LETTER, LETTER, POST_CARD))
            )
            price = self.machine.franking.price()
            value = 0 if is_zero else getattr(price, "value_paise", -1)
            franking = self.machine.franking
            done = franking.try_out() if is_zero else franking.frank()
            if value >= 0:
                assert isinstance(done, Printed), done
        except PowerCutError:
            self.cut(self.power)
            self.machine = self.started()
            self.settle(before, value, was_printed=self.tray.imprints > printed)

    def settle(self, before: PsdRecord, value: int, *, was_printed: bool) -> None:
        """See what the cut frank has left: nothing, or itself, once."""
        after = self.machine.record
        moved = after.registers.items_with_zero - before.registers.items_with_zero
        assert moved in {0, 1}, "never more than the one in progress"
        assert moved or not was_printed, "a frank without its debit"
        assert after.open_frank is None
        unprinted = after.unprinted - before.unprinted
        assert 0 <= unprinted <= moved
        if not moved:
            assert after.registers == before.registers
            assert after.rows == before.rows
        elif not was_printed:
            assert unprinted == 1, "accounted without a print, and not counted"
            self.lost.items += value > 0
            self.lost.zeros += value == 0
            self.lost.paise += value
        self.agree(after)

    def agree(self, record: PsdRecord) -> None:
        """The oracle: nothing lost, nothing doubled, to the paisa."""
        registers = record.registers
        paise = self.tray.paise + self.lost.paise
        items = self.tray.items + self.lost.items
        zeros = self.tray.zeros + self.lost.zeros
        assert registers == Registers(
            Paise(paise),
            Paise(FUNDS_PAISE - paise),
            Paise(FUNDS_PAISE),
            items,
            items + zeros,
        )
        assert record.balanced
        assert sum(row.items for row in record.rows) == items
        assert sum(row.amount_paise for row in record.rows) == paise
        # A cut behind the print leaves a frank open that is not lost.
        lost = self.lost.items + self.lost.zeros
        assert lost <= record.unprinted <= self.cuts
        assert self.machine.psd.damage <= DAMAGE_MAX


@pytest.mark.parametrize(
    ("seed", "franks", "mean_writes"),
    [
        pytest.param(1, 15_000, 150, id="now and then"),
        pytest.param(2, 4_500, 45, id="often"),
        pytest.param(3, 500, 12, id="all the time"),
        pytest.param(4, 1_000_000, 1_500, id="a million", marks=pytest.mark.long),
    ],
)
def test_the_registers_of_a_life_are_the_sum_of_its_franks(
    seed: int, franks: int, mean_writes: int
) -> None:
    life = Life(seed, franks, mean_writes)
    life.lived()
    assert life.tray.imprints >= franks
    assert life.cuts > franks / mean_writes / 2
    assert life.torn > life.cuts / 10
    assert life.lost.items > 0
    assert life.machine.record.unprinted > life.lost.items + life.lost.zeros


def near(ascending: int, descending: int, items: int, zeros: int = 0) -> Bench:
    """A machine in service whose registers are near their ends."""
    bench = a_machine(MachineState.INSTALLED)
    bench.machine.switch_off()
    text = f"""
        [state]
        standing = "IN_SERVICE"
        [registers]
        ascending_paise = {ascending}
        descending_paise = {descending}
        items = {items}
        items_with_zero = {items + zeros}
        [calls]
        complete_at = "now"
        """
    apply_preset(bench.nvram, read_preset(text.encode()), bench.clock.now())
    bench.machine.switch_on()
    bench.scale.put(18)
    return bench


def test_at_the_end_of_ar_the_last_rupees_are_franked_and_no_more() -> None:
    bench = near(AMOUNT_PAISE_MAX - 1_400, 1_400, 7)
    assert isinstance(bench.machine.franking.frank(), Printed)
    assert isinstance(bench.machine.franking.frank(), Printed)
    before = bench.machine.record
    assert bench.machine.franking.frank() is FrankRefusal.FUNDS_SHORT
    assert bench.machine.record == before
    assert before.registers.ascending_paise == AMOUNT_PAISE_MAX - 400
    assert isinstance(bench.machine.franking.try_out(), Printed)
    bench.restart()
    assert bench.machine.record.balanced


@pytest.mark.parametrize("room", [0, 199_999])
def test_a_recharge_beyond_the_end_of_ct_is_not_applied(room: int) -> None:
    bench = near(AMOUNT_PAISE_MAX - 500 - room, 500, 7)
    before = bench.machine.record.registers
    with pytest.raises(RemoteProtocolError, match="control_total_after_paise"):
        bench.recharge(200_000)
    bench.machine.psd.hang_up()
    bench.restart()
    assert bench.machine.record.registers == before
    assert bench.machine.psd.state is MachineState.IN_SERVICE
    assert isinstance(bench.machine.franking.frank(), Printed)


def test_at_the_end_of_the_item_counters_franks_and_zeros_are_refused() -> None:
    bench = near(10**12, 10**9, U32_MAX - 2)
    assert isinstance(bench.machine.franking.frank(), Printed)
    assert isinstance(bench.machine.franking.try_out(), Printed)
    before = bench.machine.record
    assert before.registers.items_with_zero == U32_MAX
    assert bench.machine.franking.frank() is FrankRefusal.COUNTER_FULL
    assert bench.machine.franking.try_out() is FrankRefusal.COUNTER_FULL
    assert bench.machine.record == before
    bench.restart()
    assert bench.machine.record == before
    assert bench.machine.psd.state is MachineState.IN_SERVICE
