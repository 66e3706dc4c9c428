"""A frank in three steps, its proofs, and what an order may forbid."""

from dataclasses import replace
from datetime import date

import pytest

from fm_device.psd.device import Psd
from fm_device.psd.franking import Frank, FrankOrder, FrankRefusal
from fm_device.psd.records import OpenFrank
from hw.clock import MemoryWallClock
from hw.nvram import MemoryNvram
from protocol.errors import LocalProtocolError
from protocol.indicium import (
    FrankKind,
    authentication_code,
    authentication_key,
    decode_indicium,
    is_signed_by,
)
from protocol.messages import OrderKind
from protocol.values import Paise
from tests.witness.small_server import (
    SERVER,
    Dial,
    a_clock,
    a_new_memory,
    recharged,
    switch_on,
)


def _machine() -> tuple[MemoryNvram, MemoryWallClock, Psd]:
    clock = a_clock()
    nvram = a_new_memory(clock)
    psd = switch_on(nvram, clock)
    recharged(psd)
    return nvram, clock, psd


def _debited(psd: Psd, order: FrankOrder) -> Frank:
    done = psd.debit(order)
    assert isinstance(done, Frank)
    return done


LETTER = FrankOrder(Paise(500), 3, department=7, weight_g=18)


def test_the_registers_are_debited_before_the_print_and_not_again_after_it() -> None:
    _, _, psd = _machine()
    done = _debited(psd, LETTER)
    assert psd.record.registers == done.registers
    assert psd.record.open_frank == OpenFrank(3, 7, Paise(500), 18)
    psd.complete(done.item)
    assert psd.record.registers == done.registers
    assert psd.record.open_frank is None


def test_a_frank_whose_print_nobody_saw_is_accounted_once_and_counted() -> None:
    nvram, clock, psd = _machine()
    done = _debited(psd, LETTER)
    again = switch_on(nvram, clock)
    assert again.found_open == OpenFrank(3, 7, Paise(500), 18)
    assert again.record.registers == done.registers
    assert (again.record.open_frank, again.record.unprinted) == (None, 1)
    once_more = switch_on(nvram, clock)
    assert (once_more.found_open, once_more.record.unprinted) == (None, 1)


def test_nothing_is_franked_while_a_frank_is_open() -> None:
    _, _, psd = _machine()
    done = _debited(psd, LETTER)
    with pytest.raises(LocalProtocolError, match="not closed"):
        psd.debit(LETTER)
    with pytest.raises(LocalProtocolError, match="no frank 2"):
        psd.complete(2)
    psd.complete(done.item)
    with pytest.raises(LocalProtocolError, match="no frank 1"):
        psd.complete(done.item)


def test_the_barcode_says_what_the_registers_say_and_is_signed() -> None:
    _, clock, psd = _machine()
    done = _debited(psd, replace(LETTER, printed_on=date(2026, 6, 3)))
    signed = decode_indicium(done.indicium)
    found = signed.indicium
    assert is_signed_by(signed, psd.credential)
    assert (found.kind, found.value_paise, found.product_class) == (
        FrankKind.VALID,
        500,
        3,
    )
    assert (found.ascending_paise, found.descending_paise) == (500, 199_500)
    assert (found.item, found.items, found.weight_g) == (1, 1, 18)
    assert (found.pin_code, found.printed_on) == (560001, date(2026, 6, 3))
    assert found.time == clock.now()
    key = authentication_key(SERVER, psd.credential)
    assert authentication_code(key, found) == done.authentication_code


def test_a_zero_imprint_says_so_in_its_barcode() -> None:
    _, _, psd = _machine()
    done = _debited(psd, FrankOrder(Paise(0), 3))
    assert decode_indicium(done.indicium).indicium.kind is FrankKind.ZERO


@pytest.mark.parametrize(
    ("printed_on", "refusal"),
    [
        (date(2026, 5, 31), FrankRefusal.DATE_PAST),
        (date(2026, 7, 2), FrankRefusal.DATE_TOO_FAR),
        (date(2026, 6, 1), None),
        (date(2026, 7, 1), None),
    ],
)
def test_a_frank_bears_todays_date_or_one_not_too_far_ahead(
    printed_on: date, refusal: FrankRefusal | None
) -> None:
    _, _, psd = _machine()
    before = psd.record
    done = psd.debit(replace(LETTER, printed_on=printed_on))
    assert refusal in (None, done)
    assert (psd.record == before) is (refusal is not None)


def test_a_limit_of_the_server_stops_a_single_value() -> None:
    _, _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.FRANK_LIMIT, 1000))
    psd.hang_up()
    assert psd.debit(FrankOrder(Paise(1001), 3)) is FrankRefusal.VALUE_LIMIT
    assert isinstance(psd.debit(FrankOrder(Paise(1000), 3)), Frank)


@pytest.mark.parametrize(
    "order",
    [
        FrankOrder(Paise(-1), 3),
        FrankOrder(Paise(1), 3, department=51),
        FrankOrder(Paise(1), 3, department=-1),
        FrankOrder(Paise(1), 3, weight_g=65_536),
    ],
)
def test_numbers_that_no_frank_has_are_our_bug(order: FrankOrder) -> None:
    _, _, psd = _machine()
    before = psd.record
    with pytest.raises(LocalProtocolError):
        psd.debit(order)
    assert psd.record == before


def test_the_last_five_recharges_are_kept_with_their_funds() -> None:
    _, _, psd = _machine()
    for _ in range(6):
        recharged(psd)
    notes = psd.record.recharges
    assert [note.number for note in notes] == [3, 4, 5, 6, 7]
    assert notes[-1].after_paise == psd.record.registers.descending_paise
    assert all(
        note.after_paise - note.before_paise == note.amount_paise for note in notes
    )
