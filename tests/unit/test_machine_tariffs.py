"""Which tariffs a machine keeps, which one holds, and what happens when one is lost."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fm_device.firmware.faults import MachineFault
from fm_device.flash.layout import SLOTS
from fm_device.postage.factory import factory_tariff
from protocol.contents import ContentKind, Tariff
from protocol.messages import OrderKind
from tests.machines import LETTER, Bench, a_machine

DAY_S = 86_400
OLD_PAISE = 500
"""What a letter of 18 g costs by the factory's tariff."""


def _dearer(number: int, valid_from: date, paise: int) -> Tariff:
    """The factory's tariff, but letters cost so much more."""
    classes = []
    for one in factory_tariff().classes:
        steps = tuple(
            replace(step, paise=tuple(price + paise for price in step.paise))
            for step in one.steps
        )
        classes.append(replace(one, steps=steps) if one.number == LETTER else one)
    return replace(
        factory_tariff(), number=number, valid_from=valid_from, classes=tuple(classes)
    )


def _brought(bench: Bench, number: int, days: int, paise: int = 0) -> None:
    """Bring a tariff that begins in so many days."""
    valid_from = bench.today + timedelta(days=days)
    bench.bring(_dearer(number, valid_from, paise or number * 100))


def _kept(bench: Bench) -> list[int]:
    return [one.number for one in bench.machine.record.held(OrderKind.TARIFF)]


def _price(bench: Bench) -> int:
    frank = bench.franked().frank
    assert frank is not None
    return frank.value_paise


def test_a_tariff_that_begins_takes_the_place_of_those_before_it() -> None:
    bench = a_machine()
    _brought(bench, 2, days=-1)
    assert _kept(bench) == [2]
    assert _price(bench) == OLD_PAISE + 200
    assert bench.machine.faults == ()


@pytest.mark.parametrize(
    ("moment", "kept"),
    [("2026-06-09T23:59:59", [1, 2, 3]), ("2026-06-10T00:00:00", [2, 3])],
)
def test_a_tariff_goes_a_day_after_the_next_has_begun(
    moment: str, kept: list[int]
) -> None:
    """CONT-8.5."""
    bench = a_machine()
    bench.bring(_dearer(2, date(2026, 6, 9), 200))
    bench.at(moment)
    bench.bring(_dearer(3, date(2026, 8, 1), 300))
    assert _kept(bench) == kept
    assert _price(bench) == OLD_PAISE + 200


def test_a_clock_that_was_ahead_pushes_no_tariff_out() -> None:
    """CONT-8.5: by the right time the factory's is in force for fourteen hours yet."""
    bench = a_machine()
    right = bench.clock.now()
    bench.clock.advance(DAY_S - 1)
    _brought(bench, 2, days=0)
    assert _price(bench) == OLD_PAISE + 200
    bench.order(OrderKind.CLOCK, right)
    assert bench.machine.faults == ()
    assert _price(bench) == OLD_PAISE


def test_a_correction_replaces_the_tariff_of_its_day_whatever_its_number() -> None:
    bench = a_machine()
    for paise in (500, 700):
        _brought(bench, 2, days=-1, paise=paise)
    assert _price(bench) == OLD_PAISE + 700
    _brought(bench, 1, days=-1, paise=100)
    assert _price(bench) == OLD_PAISE + 100
    for number in (5, 3, 4):
        _brought(bench, number, days=60)
    assert _kept(bench) == [1, 4]
    assert _price(bench) == OLD_PAISE + 100


def test_a_tariff_that_is_coming_is_not_pushed_out_by_others() -> None:
    bench = a_machine()
    _brought(bench, 8, days=30)
    _brought(bench, 9, days=-1)
    _brought(bench, 10, days=5)
    for days, later in ((0, 6), (5, 1)):
        bench.days_pass(days)
        _brought(bench, 11, days=later)
        assert _kept(bench) == [8, 9, 10], "the one before counts for a day yet"
        assert bench.machine.record.order_serial == 3
    bench.days_pass(1)
    _brought(bench, 11, days=0)
    assert _kept(bench) == [8, 10, 11]
    bench.days_pass(24)
    assert _price(bench) == OLD_PAISE + 800


def test_a_tariff_that_is_older_than_the_one_in_force_changes_nothing() -> None:
    bench = a_machine()
    _brought(bench, 2, days=-1)
    _brought(bench, 3, days=-2)
    assert _kept(bench) == [2]
    assert bench.machine.record.order_serial == 2


def test_without_a_clock_the_tariff_in_force_stays() -> None:
    bench = a_machine()
    _brought(bench, 2, days=-1)
    _brought(bench, 3, days=60)
    bench.machine.psd.set_clock_lost()
    _brought(bench, 4, days=60)
    assert _kept(bench) == [2, 4]
    _brought(bench, 5, days=61)
    _brought(bench, 6, days=62)
    assert _kept(bench) == [2, 4, 5]
    bench.order(OrderKind.CLOCK, bench.clock.now())
    assert _price(bench) == OLD_PAISE + 200


def test_a_tariff_that_is_lost_does_not_bring_the_one_before_it_back() -> None:
    bench = a_machine()
    _brought(bench, 2, days=30)
    assert _price(bench) == OLD_PAISE
    bench.days_pass(30)
    bench.machine.switch_off()
    for at in SLOTS[ContentKind.TARIFF].addresses[1:]:
        bench.flash.write(at, b"\xff" * 24)
    bench.machine.switch_on()
    bench.scale.put(18)
    assert bench.machine.tariff == factory_tariff()
    assert bench.machine.franking.frank() is MachineFault.TARIFF_DAMAGED
    _brought(bench, 2, days=0)
    assert _price(bench) == OLD_PAISE + 200
