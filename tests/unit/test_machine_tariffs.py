"""Which tariffs a machine keeps, which one holds, and what happens when one is lost."""

from dataclasses import replace
from datetime import date, timedelta

from fm_device.firmware.faults import MachineFault
from fm_device.flash.layout import SLOTS
from fm_device.postage.factory import factory_tariff
from protocol.contents import ContentKind, Tariff
from protocol.messages import OrderKind
from tests.machines import LETTER, Bench, a_machine

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
    _brought(bench, 2, days=0)
    assert _kept(bench) == [2]
    assert _price(bench) == OLD_PAISE + 200
    assert bench.machine.faults == ()


def test_a_correction_replaces_the_tariff_of_its_day_whatever_its_number() -> None:
    bench = a_machine()
    for paise in (500, 700):
        _brought(bench, 2, days=0, paise=paise)
    assert _price(bench) == OLD_PAISE + 700
    _brought(bench, 1, days=0, paise=100)
    assert _price(bench) == OLD_PAISE + 100
    for number in (5, 3, 4):
        _brought(bench, number, days=60)
    assert _kept(bench) == [1, 4]
    assert _price(bench) == OLD_PAISE + 100


def test_a_tariff_that_is_coming_is_not_pushed_out_by_others() -> None:
    bench = a_machine()
    _brought(bench, 8, days=30)
    _brought(bench, 9, days=0)
    _brought(bench, 10, days=5)
    _brought(bench, 11, days=6)
    assert _kept(bench) == [8, 9, 10]
    assert bench.machine.record.order_serial == 3
    bench.days_pass(5)
    _brought(bench, 11, days=1)
    assert _kept(bench) == [8, 10, 11]
    bench.days_pass(25)
    assert _price(bench) == OLD_PAISE + 800


def test_a_tariff_that_is_older_than_the_one_in_force_changes_nothing() -> None:
    bench = a_machine()
    _brought(bench, 2, days=0)
    _brought(bench, 3, days=-1)
    assert _kept(bench) == [2]
    assert bench.machine.record.order_serial == 2


def test_without_a_clock_the_tariff_in_force_stays() -> None:
    bench = a_machine()
    _brought(bench, 2, days=0)
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
