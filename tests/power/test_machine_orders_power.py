"""The power fails while orders are carried out: each once, in order, and none half.

What a machine holds in force follows from the number of the last order that it took.
So the story is told once for each number of orders without a cut; after a cut the
machine must be as it is after exactly as many orders as its record says, and go on from
there at its next dial-in.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.franking import Printed
from fm_device.flash.events import EventCode
from fm_device.postage.factory import factory_tariff
from fm_device.postage.pricing import Postage
from hw.entropy import SeededEntropy
from protocol.contents import CreditKeyUpdate, Slogan, Tariff
from protocol.keys import CreditKey, Realm, ServerProvisioning, VerifyingKey
from protocol.messages import CONTENT_PART_OCTETS, OrderKind
from protocol.registers import MachineState, RequestKind
from protocol.values import EpochSeconds
from tests.machines import ISSUED, LETTER, Bench, a_machine
from tests.power_cuts import (
    EVERY,
    CutBench,
    after_every_cut,
    copy_of,
    strikes_of,
    struck_by,
    switch_on,
)
from tests.witness.small_server import CREDIT_KEY, SERVER

NEW_KEY = CreditKey.generate(8, Realm.TEST, SeededEntropy(b"next credit key"))
KEY_UPDATE = CreditKeyUpdate(
    ServerProvisioning(
        SERVER.credential.with_credit_key(NEW_KEY.key_id, NEW_KEY.signing.public),
        ISSUED,
    )
)
SLOGAN = Slogan(3, "Clean India", ("CLEAN INDIA", "GREEN INDIA"), 0, "CPMG-1")
OLD_PAISE, NEW_PAISE = 500, 700
TODAY, TOMORROW = date(2026, 6, 1), date(2026, 6, 2)


def dearer(number: int, valid_from: date, classes: int = 6) -> Tariff:
    """A tariff that is short enough to be cut often: letters cost Rs 7."""
    old = factory_tariff()
    changed = [
        replace(
            one,
            steps=tuple(
                replace(step, paise=tuple(price + 200 for price in step.paise))
                for step in one.steps
            ),
        )
        for one in old.classes[:classes]
    ]
    return replace(old, number=number, valid_from=valid_from, classes=tuple(changed))


@pytest.fixture(scope="module")
def in_service() -> Bench:
    bench = a_machine()
    bench.franked()
    bench.machine.switch_off()
    return bench


def with_orders(bench: Bench, count: int = 100) -> CutBench:
    """Have a new server order one thing of every kind, or the first of them."""
    ready = copy_of(bench)
    office = ready.office
    now = ready.clock.now()
    office.order(OrderKind.CLOCK, now + 90)
    office.order(OrderKind.FRANK_LIMIT, 100_000)
    office.bring(dearer(2, TODAY))
    office.order(OrderKind.FUNDS_LIMIT, 1_000_000)
    office.bring(SLOGAN)
    office.bring(KEY_UPDATE)
    office.order(OrderKind.NOTHING)
    office.order(OrderKind.RETIRE_CREDIT_KEY, CREDIT_KEY.key_id)
    office.order(OrderKind.SLOGAN_OFF, SLOGAN.number)
    office.order(OrderKind.LOCK, 4)
    office.order(OrderKind.UNLOCK)
    office.order(OrderKind.NEXT_CALL, now + 86_400)
    del office.orders[count:]
    return ready


def in_force(bench: CutBench) -> tuple[object, ...]:
    """Everything that orders have done, but to the ring of credit keys."""
    machine, record = bench.machine, bench.machine.record
    tariff = machine.tariff
    assert not machine.contents.lost, "what is named is there, whole"
    return (
        machine.psd.time,
        record.frank_max_paise,
        record.funds_max_paise,
        tuple(replace(one, dial_in=0) for one in record.contents),
        None if tariff is None else tariff.number,
        tuple(slogan.number for slogan in machine.contents.slogans),
        record.standing,
        record.lock_reason,
        record.next_call,
    )


def credit_keys(bench: CutBench) -> Mapping[int, VerifyingKey]:
    return dict(bench.machine.psd.server.credit_keys)


def call(bench: CutBench) -> None:
    bench.office.call(bench)


def recharge(bench: CutBench) -> None:
    bench.office.call(bench, RequestKind.RECHARGE, 100_000)


@EVERY
def test_a_machine_is_always_as_after_a_whole_number_of_orders(
    in_service: Bench, *, every: bool
) -> None:
    """They ride on a recharge, which happens once as well."""
    count = len(with_orders(in_service).office.orders)
    after, keys = [], []
    for number in range(count + 1):
        whole = with_orders(in_service, number)
        whole.machine.switch_on()
        call(whole)
        assert whole.machine.record.order_serial == number
        after.append(in_force(whole))
        keys.append(credit_keys(whole))
    assert len({str(one) for one in after}) == 8, "the others show elsewhere, or undo"
    seen: Counter[int] = Counter()
    for found in after_every_cut(
        with_orders(in_service),
        recharge,
        every=every,
        stride=37,
        only=1 if every else 2,
    ):
        bench, record = found.bench, found.bench.machine.record
        serial = record.order_serial
        assert in_force(bench) == after[serial], found.strike
        # The ring is changed before the record says so, in a way that can be repeated.
        assert credit_keys(bench) in keys[serial : serial + 2]
        assert record.balanced
        seen[serial] += 1
        recharge_was_applied = record.recharge_number == 2
        pending = record.pending
        call(bench)
        assert bench.machine.record.order_serial == count
        assert in_force(bench) == after[count]
        assert credit_keys(bench) == keys[count] == {8: NEW_KEY.signing.public}
        bench.office.credit_key = NEW_KEY
        applied = recharge_was_applied or pending is not None
        total = bench.machine.record.registers.control_total_paise
        assert total == 200_000 + 100_000 * applied
        bench.office.call(bench, RequestKind.RECHARGE, 50_000)
        assert bench.machine.record.registers.control_total_paise == total + 50_000
    assert set(seen) == set(range(count + 1))


# A tariff.


def with_tariff(bench: Bench, tariff: Tariff) -> CutBench:
    ready = copy_of(bench)
    ready.office.bring(tariff)
    return ready


def price(bench: CutBench) -> int:
    found = bench.machine.franking.price()
    assert isinstance(found, Postage), found
    return found.value_paise


@EVERY
def test_a_tariff_is_fetched_on_from_where_it_was_cut_and_applied_once(
    in_service: Bench, *, every: bool
) -> None:
    """Postage is always by a tariff that is whole: the old one, then the new one."""
    ready = with_tariff(in_service, dearer(2, TODAY))
    (octets,) = ready.office.contents.values()
    offsets = list(range(0, len(octets), CONTENT_PART_OCTETS))
    assert len(offsets) >= 3
    seen: Counter[int] = Counter()
    for found in after_every_cut(ready, call, every=every, stride=11):
        bench = found.bench
        applied = bench.machine.record.order_serial
        assert price(bench) == (OLD_PAISE, NEW_PAISE)[applied]
        assert isinstance(bench.machine.franking.frank(), Printed)
        (name,) = bench.office.contents
        held = bench.machine.contents.slots.received(OrderKind.TARIFF, name)
        assert bench.machine.contents.is_whole(name) is (held == len(octets))
        call(bench)
        asked = bench.office.wanted[-1]
        if applied or held == len(octets):
            assert asked == [], "nothing is fetched twice"
        else:
            assert asked == [offset for offset in offsets if offset >= held]
        # The dial-in that was cut may have asked for the part that was struck.
        first = bench.office.wanted[0] if len(bench.office.wanted) > 1 else []
        assert len(first) + len(asked) <= len(offsets) + 1
        assert bench.machine.record.order_serial == 1
        assert price(bench) == NEW_PAISE
        assert [one.number for one in bench.machine.contents.tariffs] == [1, 2]
        seen[-(-held // CONTENT_PART_OCTETS)] += 1
    assert len(seen) == len(offsets) + 1


def test_a_fetch_that_is_cut_in_every_dial_in_comes_to_its_end(
    in_service: Bench,
) -> None:
    """The power fails right after the first part of each dial-in."""
    bench = with_tariff(in_service, dearer(2, TODAY))
    (octets,) = bench.office.contents.values()
    parts = -(-len(octets) // CONTENT_PART_OCTETS)
    for held in range(parts):
        first = next(
            strike
            for strike, memory in strikes_of(bench, call)
            if memory == "flash" and strike.cut.torn_octets is None
        )
        bench = struck_by(bench, call, first)
        bench.switch_on_again()
        (name,) = bench.office.contents
        on_hand = bench.machine.contents.slots.received(OrderKind.TARIFF, name)
        assert on_hand == min((held + 1) * CONTENT_PART_OCTETS, len(octets))
        assert price(bench) == OLD_PAISE
        bench.machine.switch_off()
    switch_on(bench)
    call(bench)
    assert bench.office.wanted[-1] == []
    assert price(bench) == NEW_PAISE


def test_a_tariff_of_tomorrow_is_in_force_from_midnight_however_it_came(
    in_service: Bench,
) -> None:
    """Franks that bear tomorrow's date cost tomorrow's postage today already."""
    ready = with_tariff(in_service, dearer(2, TOMORROW))
    for found in after_every_cut(ready, call, only=2):
        bench = found.bench
        applied = bench.machine.record.order_serial
        assert price(bench) == OLD_PAISE
        assert bench.machine.franking.choose_day(NextWorkingDay.WANTED) is None
        assert price(bench) == (OLD_PAISE, NEW_PAISE)[applied]
        bench.at("2026-06-01T23:59")
        bench.restart()
        assert price(bench) == OLD_PAISE
        bench.at("2026-06-02T00:00")
        assert price(bench) == (OLD_PAISE, NEW_PAISE)[applied]
        call(bench)
        assert price(bench) == NEW_PAISE


def test_the_place_of_a_tariff_in_force_is_never_taken(in_service: Bench) -> None:
    """Four come one after the other; every fetch is cut, and none harms another."""
    bench: Bench = in_service
    for number in range(2, 6):
        ready = with_tariff(bench, dearer(number, TODAY))
        for found in after_every_cut(ready, call, only=3):
            record = found.bench.machine.record
            newest = max(one.number for one in record.held(OrderKind.TARIFF))
            assert found.bench.machine.tariff is not None
            assert found.bench.machine.tariff.number == newest
            assert not found.bench.machine.contents.lost
            assert not found.bench.logged(EventCode.SELF_TEST_FAILED)
        switch_on(ready)
        call(ready)
        assert ready.machine.record.order_serial == number - 1
        ready.machine.switch_off()
        bench = ready


def test_a_tariff_that_would_push_out_the_one_of_today_waits(in_service: Bench) -> None:
    """Two for later days are ordered ahead, and a third; its dial-in is cut."""
    ready = copy_of(in_service)
    for number in (2, 3, 4):
        ready.office.bring(dearer(number, date(2026, 6, number)))
    for found in after_every_cut(ready, call, only=3):
        bench = found.bench
        assert price(bench) == OLD_PAISE
        call(bench)
        assert bench.machine.record.order_serial == 2
        assert price(bench) == OLD_PAISE
        assert bench.machine.stop is None
        bench.at("2026-06-02T10:00")
        assert price(bench) == NEW_PAISE
        call(bench)
        assert bench.machine.record.order_serial == 2, "the clock may go back a day"
        bench.at("2026-06-03T00:00")
        call(bench)
        assert bench.machine.record.order_serial == 3
        tariff = bench.machine.tariff
        assert tariff is not None
        assert tariff.number == 3
        assert [one.number for one in bench.machine.contents.tariffs] == [2, 3, 4]


# The clock.


@EVERY
def test_the_date_is_the_one_before_or_after_a_clock_order(
    in_service: Bench, *, every: bool
) -> None:
    """The clock is set over midnight: a frank bears the old day or the new one."""
    ready = copy_of(in_service)
    ready.at("2026-06-01T23:59")
    midnight = EpochSeconds(ready.clock.now() + 60)
    ready.office.order(OrderKind.CLOCK, midnight)
    days: Counter[date] = Counter()
    for found in after_every_cut(ready, call, every=every, stride=13):
        bench = found.bench
        applied = bench.machine.record.order_serial
        assert bench.machine.psd.time == midnight - 60 * (1 - applied)
        done = bench.machine.franking.frank()
        assert isinstance(done, Printed)
        assert done.face.printed_on == (TODAY, TOMORROW)[applied]
        days[done.face.printed_on] += 1
        call(bench)
        assert bench.machine.psd.time == midnight
        again = bench.machine.franking.frank()
        assert isinstance(again, Printed)
        assert again.face.printed_on == TOMORROW
    assert set(days) == {TODAY, TOMORROW}


# Locks and limits take hold at once, and stay.


@pytest.mark.parametrize(
    ("kind", "value", "state"),
    [
        (OrderKind.LOCK, 4, MachineState.LOCKED),
        (OrderKind.FRANK_LIMIT, OLD_PAISE - 1, MachineState.IN_SERVICE),
    ],
    ids=["lock", "limit"],
)
def test_what_forbids_franking_forbids_it_from_its_commit_on(
    in_service: Bench, kind: OrderKind, value: int, state: MachineState
) -> None:
    ready = copy_of(in_service)
    ready.office.order(kind, value)
    seen = set()
    for found in after_every_cut(ready, call):
        machine = found.bench.machine
        applied = bool(machine.record.order_serial)
        assert isinstance(machine.franking.frank(), Printed) is not applied
        assert machine.psd.state is (state if applied else MachineState.IN_SERVICE)
        seen.add(applied)
        call(found.bench)
        assert not isinstance(machine.franking.frank(), Printed)
    assert seen == {False, True}


def test_a_slogan_that_is_chosen_and_taken_away_is_never_printed_in_part(
    in_service: Bench,
) -> None:
    ready = copy_of(in_service)
    ready.office.bring(SLOGAN)
    switch_on(ready)
    call(ready)
    assert ready.machine.franking.choose_slogan(SLOGAN.number) is None
    ready.machine.switch_off()
    ready.office.order(OrderKind.SLOGAN_OFF, SLOGAN.number)
    for found in after_every_cut(ready, call):
        machine = found.bench.machine
        taken_away = machine.record.order_serial == 2
        assert (machine.franking.slogan is None) is taken_away
        assert machine.settings.slogan == SLOGAN.number
        done = machine.franking.frank()
        if isinstance(done, Printed):
            face = done.face.slogan
            assert (face is None) is taken_away
            assert face is None or face.lines == SLOGAN.lines
        assert machine.franking.selection.product_class == LETTER
