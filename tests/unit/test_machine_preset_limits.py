"""Presets at the ends of every number: the machine counts on, or refuses; no more."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.firmware.dialling import DialPlan, DialRefusal, plan_dial_in
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.presets import (
    Image,
    PresetError,
    apply_preset,
    decode_image,
    encode_image,
    read_preset,
)
from fm_device.psd.device import Psd
from fm_device.psd.franking import FrankRefusal
from fm_device.psd.pins import Role
from fm_device.psd.record_codec import encode_record
from fm_device.psd.session import VoucherRefusedError
from protocol.contents import FirmwareImage
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import LocalProtocolError, RmfsError, StoreError
from protocol.messages import OrderKind
from protocol.registers import RequestKind
from protocol.values import U32_MAX, Paise
from tests.machines import OPERATOR_PIN, Bench, a_machine

LISTS = {
    "usage": "product_class = 3\nitems = 1\namount_paise = 0",
    "recharges": 'number = 1\nkind = "VOID"\namount_paise = 1\nbefore_paise = 2\n'
    'after_paise = 2\ntime = "never"',
    "damage": 'vault = "state"\ncopy = 1\nat = 0',
}
"""Rows that are possible, by the list that they stand in."""
COMPLETED = {
    "pending": 'kind = "RECHARGE"\namount_paise = 1',
    "open_frank": "product_class = 3\ndepartment = 0\nvalue_paise = 5\nweight_g = 1",
    "usage": LISTS["usage"],
    "recharges": LISTS["recharges"],
    "damage": LISTS["damage"],
}
"""What a table needs at least."""
MOMENTS = (
    '"never"',
    "1970-01-01T00:00:01Z",
    '"now"',
    "2106-02-07T06:28:14Z",
    "2106-02-07T06:28:15Z",
)


def told(text: str) -> str:
    with pytest.raises(PresetError) as caught:
        read_preset(text.encode())
    return str(caught.value).partition("possible: ")[2]


def edges(head: str, key: str) -> list[str]:
    """Every end of what a key may be, as its own refusal tells it."""
    with pytest.raises(PresetError) as caught:
        read_preset(f"{head}\n{key} = [[]]".encode())
    words = str(caught.value)
    if found := re.search(r"whole number from (-?\d+) to (\d+)$", words):
        least, most = int(found[1]), int(found[2])
        near = {least, least + 1, 0, 1, most - 1, most}
        return [str(one) for one in sorted(near) if least <= one <= most]
    if found := re.search(r"one of (.*)$", words):
        return [f'"{name}"' for name in found[1].split(", ")]
    if "true or false" in words:
        return ["true", "false"]
    if "hexadecimal" in words:
        return ['"0000000000000000"', '"ffffffffffffffff"']
    if "3 numbers" in words:
        return ["[0, 0, 0]", "[20, 20, 20]", "[19, 19, 19]"]
    return list(MOMENTS)


def every_key() -> Iterator[tuple[str, str, str]]:
    """Every table, key and value at an end."""
    for name in told("what = 1").split(", ")[2:]:
        head = f"[[{name}]]" if name in LISTS else f"[{name}]"
        for key in told(f"{head}\nwhat = 1").split(", "):
            for value in edges(head, key):
                yield name, key, value


EVERY = tuple(every_key())


def text_of(chosen: dict[tuple[str, str], str]) -> str:
    """Write a preset of these keys, and what their tables need beside them."""
    tables: dict[str, dict[str, str]] = {}
    for (name, key), value in chosen.items():
        if name not in tables:
            lines = COMPLETED.get(name, "").splitlines()
            tables[name] = {
                line.partition(" = ")[0]: line.partition(" = ")[2] for line in lines
            }
        tables[name][key] = value
    written = []
    for name, values in tables.items():
        head = f"[[{name}]]" if name in LISTS else f"[{name}]"
        rows = [f"{key} = {value}" for key, value in values.items()]
        written.append("\n".join([head, *rows]))
    return "\n".join(written)


def frank(bench: Bench) -> None:
    bench.scale.put(18)
    bench.machine.franking.frank()


def type_a_pin(bench: Bench) -> None:
    bench.machine.desk.enter(Role.OPERATOR, "9999")


def lock(bench: Bench) -> None:
    bench.order(OrderKind.LOCK, 4)


ACTS = (frank, type_a_pin, Bench.inspect, lock, Bench.restart, Bench.recharge, frank)


def use(text: str) -> None:
    """Put a preset in, dump the machine, switch it on and use it in every way."""
    bench = a_machine()
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    bench.machine.switch_off()
    with suppress(RmfsError):
        apply_preset(bench.nvram, read_preset(text.encode()), bench.clock.now())
    memory = bench.nvram.image()
    image = Image({"machine.json": "{}"}, memory, bytes(FLASH_OCTETS))
    assert decode_image(encode_image(image), ("machine.json",)).nvram == memory
    with suppress(RmfsError):
        bench.machine.switch_on()
    for act in ACTS:
        with suppress(RmfsError):
            act(bench)


@pytest.mark.parametrize(("name", "key", "value"), EVERY)
def test_no_end_of_a_number_is_more_than_refused(
    name: str, key: str, value: str
) -> None:
    use(text_of({(name, key): value}))


@given(
    st.lists(st.sampled_from(EVERY), min_size=2, max_size=12).map(
        lambda many: text_of({(name, key): value for name, key, value in many})
    )
)
def test_no_ends_of_numbers_together_are_more_than_refused(text: str) -> None:
    use(text)


def with_preset(text: str, bench: Bench | None = None) -> Bench:
    """Put a preset into a machine in service, and switch it on."""
    found = bench or a_machine()
    found.machine.switch_off()
    apply_preset(found.nvram, read_preset(text.encode()), found.clock.now())
    found.machine.switch_on()
    return found


def test_after_the_last_dial_in_that_can_be_counted_none_is_begun() -> None:
    bench = with_preset(f"[calls]\ndial_in = {U32_MAX}")
    psd, commits = bench.machine.psd, bench.machine.psd.commits
    plan = plan_dial_in(psd, RequestKind.INSPECTION)
    assert plan is DialRefusal.DIAL_INS_FULL
    with pytest.raises(LocalProtocolError, match="counter of dial-ins is full"):
        psd.dial(INSPECTION)
    assert psd.commits == commits
    assert not psd.dialling
    bench.franked()


def test_the_last_dial_in_that_can_be_counted_is_made() -> None:
    psd = with_preset(f"[calls]\ndial_in = {U32_MAX - 1}").machine.psd
    assert isinstance(plan_dial_in(psd, RequestKind.INSPECTION), DialPlan)
    psd.dial(INSPECTION)
    assert psd.record.dial_in == U32_MAX


def test_a_full_count_of_unprinted_franks_stops_no_power_on() -> None:
    bench = with_preset(
        f"[state]\nunprinted = {U32_MAX}\n[open_frank]\n{COMPLETED['open_frank']}"
    )
    assert bench.machine.psd.found_open
    assert bench.machine.record.open_frank is None
    assert bench.machine.record.unprinted == U32_MAX
    bench.franked()


@pytest.mark.parametrize("name", ["vouchers", "other_amounts"])
def test_a_full_count_of_wrong_vouchers_stops_no_recharge(name: str) -> None:
    bench = with_preset(f"[wrong]\n{name} = {U32_MAX}")
    dial = bench.dial(Request(RequestKind.RECHARGE, Paise(100)))
    with pytest.raises(VoucherRefusedError):
        dial.say(dial.voucher(recharge_number=9))
    dial = bench.dial()
    dial.say(dial.voucher(amount_paise=300))
    counts = (bench.machine.record.wrong_vouchers, bench.machine.record.other_amounts)
    assert counts[name == "other_amounts"] == U32_MAX
    assert bench.machine.record.registers.descending_paise == 200_300


def test_a_frank_that_its_row_cannot_count_is_refused() -> None:
    text = "[[usage]]\nproduct_class = 3\nitems = %d\namount_paise = 0"
    bench = with_preset(text % (U32_MAX - 1))
    bench.franked()
    bench.scale.put(18)
    assert bench.machine.franking.frank() is FrankRefusal.ROWS_FULL


def test_a_number_that_is_too_large_for_its_place_is_a_store_error() -> None:
    record = a_machine().machine.record
    with pytest.raises(StoreError, match="does not fit"):
        encode_record(replace(record, dial_in=U32_MAX + 1))


def test_a_memory_that_can_count_no_more_writes_is_worn_out() -> None:
    bench = with_preset(f"[memory]\nwrites = {U32_MAX}")
    with pytest.raises(StoreError, match="as often as it can count"):
        Psd(bench.nvram, bench.clock)


@pytest.mark.parametrize("dial_in", [0, 1, 2, 5])
def test_an_image_is_staged_though_the_number_of_dial_ins_was_put_back(
    dial_in: int,
) -> None:
    bench = a_machine()
    bench.bring(FirmwareImage((1, 1, 0), "first"))
    bench.restart()
    bench = with_preset(f"[calls]\ndial_in = {dial_in}", bench)
    bench.bring(FirmwareImage((1, 2, 0), "second"))
    bench.restart()
    assert bench.machine.firmware == (1, 2, 0)


def test_every_table_is_tried() -> None:
    assert len({name for name, _, _ in EVERY}) == 14
