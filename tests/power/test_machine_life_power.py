"""A machine's life with the power failing again and again, anywhere and in anything.

Acts of a working day follow one another in an order that a seed decides; one in two is
cut at a write that the seed decides, and one start in four. After each start what the
printer put out, the registers, the books of the server and the log are compared.
"""

from collections import Counter
from datetime import date

import pytest

from fm_device.firmware.franking import Printed
from fm_device.firmware.update import FACTORY
from fm_device.flash.events import EventCode
from fm_device.flash.settings import Department
from hw.entropy import SeededEntropy
from hw.nvram import PowerCut, PowerCutError
from protocol.contents import FirmwareImage, Slogan
from protocol.messages import OrderKind
from protocol.registers import RequestKind
from tests.machines import a_machine
from tests.power.test_machine_orders_power import dearer
from tests.power_cuts import CutBench, Strike, copy_of

DEPARTMENTS = tuple(Department(number, f"Department {number}") for number in (1, 2, 3))


class Dice:
    """Numbers that a seed decides."""

    def __init__(self, seed: int) -> None:
        self._entropy = SeededEntropy(b"life %d" % seed)

    def below(self, limit: int) -> int:
        return int.from_bytes(self._entropy.octets(4), "big") % limit


class Life:
    """One machine, what happens to it, and what must hold whatever happened."""

    def __init__(self, seed: int) -> None:
        self.dice = Dice(seed)
        bench = a_machine()
        assert bench.machine.desk.change(departments=DEPARTMENTS) is None
        bench.machine.switch_off()
        self.bench: CutBench = copy_of(bench)
        self.bench.machine.switch_on()
        self.cuts: Counter[str] = Counter()
        self.lost: set[int] = set()
        self._contents = 1
        self._acts = (
            self.frank,
            self.frank,
            self.frank,
            self.recharge,
            self.refund,
            self.call_with_an_order,
            self.change_settings,
            self.restart,
            self.let_time_pass,
        )

    def step(self) -> None:
        """Do something, and perhaps have the power fail in it; look at what is left."""
        act = self._acts[self.dice.below(len(self._acts))]
        cut = self.dice.below(2) == 0
        self.bench.supply.arm(self._strike() if cut else None)
        try:
            act()
        except PowerCutError:
            self.cuts[act.__name__] += 1
            self.start()
        self.bench.supply.arm(None)
        self.check()

    def start(self) -> None:
        """Switch on until the power stays."""
        while True:
            strike = self._strike() if self.dice.below(4) == 0 else None
            try:
                self.bench.switch_on_again(cut=strike)
            except PowerCutError:
                self.cuts["start"] += 1
            else:
                return

    def _strike(self) -> Strike:
        whole = self.dice.below(4) == 0
        torn = None if whole else self.dice.below(600)
        cut = PowerCut(1 + self.dice.below(14), torn)
        return Strike(cut, garbage=self.dice.below(2) == 0)

    # What happens.

    def frank(self) -> None:
        franking = self.bench.machine.franking
        assert franking.choose_department(self.dice.below(4)) is None
        done = franking.frank() if self.dice.below(5) else franking.try_out()
        assert isinstance(done, Printed) or done.code

    def recharge(self) -> None:
        self.bench.office.call(self.bench, RequestKind.RECHARGE, 10_000)

    def refund(self) -> None:
        if self.bench.machine.record.registers.descending_paise >= 10_000:
            self.bench.office.call(self.bench, RequestKind.REFUND, 5_000)

    def call_with_an_order(self) -> None:
        self._contents += 1
        number, today = self._contents, self.bench.today
        office = self.bench.office
        kind = self.dice.below(6)
        if kind == 0:
            office.bring(dearer(number, today, 2 + self.dice.below(8)))
        elif kind == 1:
            office.bring(Slogan(1 + number % 3, f"S {number}", ("SAVE",), 0, "CPMG"))
        elif kind == 2:
            good = self.dice.below(2) == 0
            version = (1, number // 256, number % 256)
            payload = bytes(self.dice.below(900))
            office.bring(FirmwareImage(version, "a test", good, payload))
        elif kind == 3:
            office.order(OrderKind.SLOGAN_OFF, 1 + number % 3)
        elif kind == 4:
            office.order(OrderKind.CLOCK, self.bench.clock.now() + self.dice.below(90))
        else:
            office.order(OrderKind.FRANK_LIMIT, 100_000 + number)
        office.call(self.bench)

    def change_settings(self) -> None:
        desk = self.bench.machine.desk
        assert desk.change(office_name=f"Office {self.dice.below(1000)}") is None

    def restart(self) -> None:
        self.bench.machine.switch_off()
        self.bench.machine.switch_on()

    def let_time_pass(self) -> None:
        self.bench.clock.advance(self.dice.below(40_000))
        self.bench.machine.look()

    # What must hold.

    def check(self) -> None:
        """Compare paper, registers, books, log, tariff and firmware."""
        machine, paper = self.bench.machine, self.bench.paper
        record, registers = machine.record, machine.record.registers
        assert record.balanced
        assert record.open_frank is None
        assert sum(row.items for row in record.rows) == registers.items
        assert sum(row.amount_paise for row in record.rows) == (
            registers.ascending_paise
        )
        granted = self.bench.office.effect_paise(1, record.recharge_number)
        assert registers.control_total_paise == 200_000 + granted
        self._check_paper(paper.items, record.unprinted)
        assert machine.tariff is not None
        # An image that was given up may have made room for another one.
        lost = [one.kind for one in machine.contents.lost]
        assert lost in ([], [OrderKind.FIRMWARE])
        running = machine.update.record.running
        assert machine.firmware == running.version
        assert running.content_id == FACTORY or machine.contents.is_whole(
            running.content_id
        )

    def _check_paper(self, printed: list[int], unprinted: int) -> None:
        registers = self.bench.machine.record.registers
        logged = self.bench.logged(EventCode.FRANK_UNPRINTED)
        said = [item for _, item, _ in logged]
        assert len(set(said)) == len(said), "told once"
        self.lost.update(said)
        assert len(self.lost) == unprinted
        assert len(set(printed)) == len(printed)
        accounted = set(range(1, registers.items_with_zero + 1))
        assert set(printed) <= accounted
        assert accounted - set(printed) <= self.lost, "each is known to be missing"
        on_paper = sum(face.value_paise for face in self.bench.paper.faces)
        missing = {item: value for _, item, value in logged}
        unseen = sum(
            value for item, value in missing.items() if item not in set(printed)
        )
        if len(missing) == unprinted:
            assert registers.ascending_paise == on_paper + unseen


@pytest.mark.parametrize(
    ("seed", "steps"),
    [
        (1, 400),
        (2, 400),
        *(
            pytest.param(seed, 1_500, marks=pytest.mark.long)
            for seed in range(100, 110)
        ),
    ],
)
def test_a_life_of_power_cuts_ends_with_books_that_agree(seed: int, steps: int) -> None:
    life = Life(seed)
    for _ in range(steps):
        life.step()
    assert set(life.cuts) >= {"frank", "recharge", "call_with_an_order", "start"}
    # At rest everything that was begun is through.
    bench = life.bench
    for _ in range(4):
        bench.office.call(bench)
        bench.restart()
    life.check()
    record = bench.machine.record
    assert record.pending is None
    assert record.order_serial == len(bench.office.orders)
    assert set(bench.office.granted) == set(range(2, record.recharge_number + 1))
    assert bench.today > date(2026, 6, 1)
