"""Register presets: any register and memory state, or a refusal that says where."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.firmware.reporting import report
from fm_device.presets import (
    PresetError,
    apply_preset,
    library_names,
    library_text,
    read_library,
    read_preset,
)
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.franking import FrankOrder, FrankRefusal
from fm_device.psd.memory import NVRAM_OCTETS
from fm_device.psd.pins import ATTEMPTS_MAX, PinVerdict, Role
from fm_device.psd.records import KeptUsage, OpenFrank
from fm_device.psd.states import Fault, Silence
from fm_device.psd.vault import WRITES_MAX
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import Request
from protocol.errors import StoreError
from protocol.keys import CreditKey, MakerKey, Realm, ServerIdentity, ServerProvisioning
from protocol.messages import LicenceState, OrderKind
from protocol.registers import MachineState, RequestKind, VoucherKind
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    LicenceIdentifier,
    Paise,
)
from tests.house.sources import ROOT
from tests.machines import OPERATOR_PIN, Bench, a_machine
from tests.witness.small_server import a_clock, a_new_memory

STATES = {
    "ascending-near-overflow": MachineState.IN_SERVICE,
    "blocked": MachineState.BLOCKED,
    "blocked-tomorrow": MachineState.IN_SERVICE,
    "call-due": MachineState.IN_SERVICE,
    "clock-a-day-ahead": MachineState.IN_SERVICE,
    "clock-not-set": MachineState.IN_SERVICE,
    "departments": MachineState.IN_SERVICE,
    "dial-ins-near-overflow": MachineState.IN_SERVICE,
    "in-service": MachineState.IN_SERVICE,
    "items-near-overflow": MachineState.IN_SERVICE,
    "journal-damaged": MachineState.IN_SERVICE,
    "locked": MachineState.LOCKED,
    "low-funds": MachineState.IN_SERVICE,
    "nearly-locked-out": MachineState.IN_SERVICE,
    "pending-recharge": MachineState.IN_SERVICE,
    "power-cut-in-print": MachineState.IN_SERVICE,
    "unbalanced": MachineState.FAULT,
    "unbalanced-usage": MachineState.FAULT,
    "withheld": MachineState.WITHHELD,
    "worn-out-memory": MachineState.FAULT,
}
"""Every preset of the library but `beyond-repair`, and what its machine is then."""


def put(text: str, nvram: MemoryNvram | None = None) -> Psd:
    """Put a preset into a new machine, and switch it on."""
    memory = nvram or a_new_memory(a_clock())
    apply_preset(memory, read_preset(text.encode()), a_clock().now())
    return Psd(memory, a_clock())


def with_library(name: str) -> tuple[MemoryNvram, Psd]:
    memory = a_new_memory(a_clock())
    apply_preset(memory, read_library(name), a_clock().now())
    return memory, Psd(memory, a_clock())


def refused(text: str) -> str:
    with pytest.raises(PresetError) as caught:
        put(text)
    return str(caught.value)


@pytest.mark.parametrize("name", STATES)
def test_a_preset_of_the_library_leads_to_its_state(name: str) -> None:
    _, psd = with_library(name)
    assert psd.state is STATES[name]
    assert read_library(name).title


def test_every_preset_of_the_library_is_tried() -> None:
    assert {*STATES, "beyond-repair"} == set(library_names())


def test_a_whole_machine_starts_from_a_preset_and_franks() -> None:
    bench = a_machine(MachineState.INSTALLED)
    bench.machine.switch_off()
    apply_preset(bench.nvram, read_library("low-funds"), bench.clock.now())
    bench.machine.switch_on()
    assert bench.franked().face.value_paise == 500
    assert refusal_of(bench) is FrankRefusal.FUNDS_SHORT


def refusal_of(bench: Bench) -> object:
    bench.scale.put(18)
    return bench.machine.franking.frank()


def test_a_register_that_is_named_moves_ct_and_the_base_of_the_life() -> None:
    record = put("[registers]\nascending_paise = 700\ndescending_paise = 300").record
    assert record.registers.control_total_paise == 1000
    assert record.life.ascending_paise == 700
    assert record.balanced


def test_a_preset_before_the_last_statement_of_mailing_keeps_its_number() -> None:
    bench = a_machine()
    bench.franked()
    assert isinstance(report(bench.machine, "mailing"), tuple)
    bench.machine.switch_off()
    preset = b"usage = []\nregisters = { ascending_paise = 0, items = 0 }"
    apply_preset(bench.nvram, read_preset(preset), bench.clock.now())
    bench.machine.switch_on()
    record = bench.machine.record
    assert (record.som_number, record.som_ascending_paise) == (1, 0)


def test_everything_that_a_record_holds_can_be_put_into_it() -> None:
    record = put(
        """
        title = "everything"
        [state]
        standing = "FAULT"
        fault = "MEMORY_WORN_OUT"
        lock_reason = 4
        lock_ordered = true
        pin_code = 110001
        unprinted = 5
        [registers]
        ascending_paise = 1500
        descending_paise = 500
        items = 3
        items_with_zero = 4
        [life]
        control_total_paise = 9
        recharge_number = 2
        [recharge]
        number = 3
        closed_number = 2
        funds_paise = 77
        [pending]
        kind = "REFUND"
        amount_paise = 100
        [calls]
        mark = "00112233445566fF"
        order_serial = 8
        dial_in = 9
        complete_at = 2026-05-30T10:00:00+05:30
        next_call = "+90min"
        licence_state = "RENEWED"
        [clock]
        offset_s = -5
        latest = "-1h"
        shown = "-2h"
        put_back_s = 8
        [wrong]
        vouchers = 1
        other_amounts = 2
        pins = [3, 4, 5]
        pin_wait_until = "+10 s"
        [limits]
        frank_max_paise = 6
        funds_max_paise = 7
        [[usage]]
        product_class = 6
        items = 1
        amount_paise = 1000
        [[usage]]
        department = 50
        product_class = 3
        items = 1
        amount_paise = 500
        reported = true
        [[recharges]]
        number = 3
        kind = "VOID"
        amount_paise = 1
        before_paise = 2
        after_paise = 2
        time = "never"
        """
    ).record
    now = a_clock().now()
    assert record.fault == Fault.MEMORY_WORN_OUT
    assert (record.lock_reason, record.pin_code, record.unprinted) == (4, 110001, 5)
    assert (record.recharge_number, record.closed_number) == (3, 2)
    assert record.funds_paise == 77
    assert record.pending == Request(RequestKind.REFUND, Paise(100))
    assert record.mark == bytes.fromhex("00112233445566ff")
    assert (record.order_serial, record.dial_in) == (8, 9)
    assert record.complete_at == 1_780_115_400
    assert record.next_call == now + 5400
    assert record.licence_state is LicenceState.RENEWED
    assert record.clock_offset_s == -5
    clock = (record.latest, record.shown, record.put_back_s)
    assert clock == (now - 3600, now - 7200, 8)
    assert record.lock_ordered
    assert (record.wrong_vouchers, record.other_amounts) == (1, 2)
    assert (record.wrong_pins, record.pin_wait_until) == (bytes((3, 4, 5)), now + 10)
    assert (record.frank_max_paise, record.funds_max_paise) == (6, 7)
    assert record.rows == (
        KeptUsage(0, 6, 1, Paise(1000), reported=False),
        KeptUsage(50, 3, 1, Paise(500), reported=True),
    )
    assert (record.life.control_total_paise, record.life.recharge_number) == (9, 2)
    assert [note.kind for note in record.recharges] == [VoucherKind.VOID]
    assert record.balanced


def test_a_machine_that_does_not_balance_is_put_out_of_balance_on_purpose() -> None:
    psd = put("[registers]\ndescending_paise = 5\ncontrol_total_paise = 6")
    assert psd.state is MachineState.FAULT
    assert psd.record.fault == Fault.REGISTERS_DO_NOT_BALANCE
    assert psd.record.registers.descending_paise == 5


def test_the_open_frank_of_a_preset_is_closed_at_power_on() -> None:
    _, psd = with_library("power-cut-in-print")
    assert psd.found_open == OpenFrank(3, 0, Paise(500), 18)
    assert (psd.record.open_frank, psd.record.unprinted) == (None, 3)


def test_a_damaged_copy_is_repaired_and_counted_and_the_thousandth_stops_it() -> None:
    _, psd = with_library("worn-out-memory")
    assert (psd.repaired, psd.damage) == (1, 1000)
    assert psd.record.fault == Fault.MEMORY_WORN_OUT
    _, sound = with_library("journal-damaged")
    assert (sound.repaired, sound.damage) == (2, 2)
    assert sound.record.fault == 0


def test_a_memory_beyond_repair_takes_no_preset_any_more() -> None:
    memory = a_new_memory(a_clock())
    apply_preset(memory, read_library("beyond-repair"), a_clock().now())
    with pytest.raises(StoreError, match="no copy of the PSD's memory is whole"):
        Psd(memory, a_clock())
    with pytest.raises(StoreError):
        apply_preset(memory, read_library("in-service"), a_clock().now())


def test_a_memory_that_was_written_too_often_is_worn_out() -> None:
    worn = f"[memory]\nwrites = {WRITES_MAX + 1}\n"
    assert put(worn).record.fault == Fault.MEMORY_WORN_OUT
    old = put(f"[memory]\nwrites = {WRITES_MAX - 1}\nkey_writes = 70\nkey_repairs = 4")
    assert old.record.fault == 0
    assert (old.commits, old.damage) == (WRITES_MAX - 1, 4)


def test_it_blocks_at_midnight_in_india_one_day_after_the_preset() -> None:
    memory, psd = with_library("blocked-tomorrow")
    clock = a_clock()
    assert (psd.state, psd.silence) == (MachineState.IN_SERVICE, Silence.WARN)
    clock.advance(14 * 3600 - 1)  # 23:59:59 in India
    assert Psd(memory, clock).state is MachineState.IN_SERVICE
    clock.advance(1)
    assert Psd(memory, clock).state is MachineState.BLOCKED


def test_one_wrong_pin_more_locks_the_machine_out() -> None:
    _, psd = with_library("nearly-locked-out")
    psd.set_pin(Role.SUPERVISOR, "1234")
    assert psd.record.wrong_pins[Role.OPERATOR] == 19
    bench = a_machine()
    bench.machine.desk.set_pin(Role.OPERATOR, "1111")
    bench.machine.switch_off()
    apply_preset(bench.nvram, read_library("nearly-locked-out"), bench.clock.now())
    bench.machine.switch_on()
    answer = bench.machine.psd.check_pin(Role.OPERATOR, "9999")
    assert answer.verdict is PinVerdict.LOCKED_OUT


@pytest.mark.parametrize(
    ("name", "then"),
    [("locked", MachineState.LOCKED), ("in-service", MachineState.IN_SERVICE)],
)
def test_a_lock_of_a_preset_outlives_a_lock_out_and_no_other_does(
    name: str, then: MachineState
) -> None:
    """DLG-10.4: an UNLOCK lifts the lock-out alone where a LOCK is in force."""
    bench = a_machine(MachineState.LOCKED)
    bench.machine.switch_off()
    apply_preset(bench.nvram, read_library(name), bench.clock.now())
    bench.machine.switch_on()
    bench.machine.desk.set_pin(Role.OPERATOR, OPERATOR_PIN)
    for _ in range(ATTEMPTS_MAX):
        bench.machine.desk.enter(Role.OPERATOR, "9999")
        bench.clock.advance(3600)
    assert bench.machine.psd.state is MachineState.LOCKED_OUT
    bench.order(OrderKind.UNLOCK)
    assert bench.machine.psd.state is then


def test_a_clock_of_a_preset_is_not_held_against_what_it_showed_before() -> None:
    bench = a_machine()
    bench.franked()
    now = bench.clock.now()
    for text, time in (
        ('offset_s = -864000\nlatest = "now"', None),
        ("offset_s = -864000", now - 864_000),
    ):
        assert put(f"[clock]\n{text}", bench.nvram).time == time


def test_near_the_end_of_the_counters_franks_are_refused_cleanly() -> None:
    _, psd = with_library("items-near-overflow")
    for _ in range(2):
        done = psd.debit(FrankOrder(Paise(500), 3))
        assert not isinstance(done, FrankRefusal)
        psd.complete(done.item)
    before = psd.record
    assert before.registers.items_with_zero == U32_MAX
    for value in (500, 0):
        found = psd.debit(FrankOrder(Paise(value), 3))
        assert found is FrankRefusal.COUNTER_FULL
    assert psd.record == before


def test_at_the_end_of_ct_a_last_frank_is_possible_and_no_more() -> None:
    _, psd = with_library("ascending-near-overflow")
    done = psd.debit(FrankOrder(Paise(500), 3))
    assert not isinstance(done, FrankRefusal)
    psd.complete(done.item)
    assert psd.record.registers.ascending_paise == AMOUNT_PAISE_MAX
    assert psd.debit(FrankOrder(Paise(1), 3)) is FrankRefusal.FUNDS_SHORT


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("registers = 3", "registers: 3 is not possible: give a table"),
        ("[regs]", "regs: no such key; possible: title, notes, state, registers"),
        ("[registers]\nar = 1", "registers.ar: no such key; possible: ascending_paise"),
        (
            "[registers]\nitems = -1",
            "registers.items: -1 is not possible: give a whole number from 0 to 429",
        ),
        ("[registers]\nitems = true", "registers.items: True is not possible"),
        ("[registers]\nitems = 1.0", "registers.items: 1.0 is not possible"),
        (
            f"[registers]\nascending_paise = {AMOUNT_PAISE_MAX}\ndescending_paise = 1",
            "registers: AR + DR is",
        ),
        (
            '[state]\nstanding = "BLOCKED"',
            "state.standing: BLOCKED: it follows from the time",
        ),
        ('[state]\nstanding = "WITHHELD"', "state.standing: WITHHELD: it follows from"),
        (
            '[state]\nstanding = "ON"',
            "state.standing: 'ON' is not possible: give one of UNINSTALLED, INSTALLED",
        ),
        ('[state]\nstanding = "FAULT"', "state.fault: it is missing"),
        (
            '[state]\nstanding = "LOCKED"\nlock_ordered = false',
            "state.lock_ordered: it cannot be false in the standing LOCKED",
        ),
        (
            "[state]\nlock_ordered = true",
            "state.lock_ordered: it cannot be true in the standing INSTALLED",
        ),
        ('[state]\nfault = "TAMPERED"', "state.standing: it has to be"),
        ('[pending]\nkind = "RECHARGE"', "pending.amount_paise: it is missing"),
        ("[pending]\namount_paise = 2", "pending.kind: it is missing"),
        (
            '[pending]\nkind = "RECHARGE"\namount_paise = 0',
            "pending.amount_paise: a recharge asks for more than 0",
        ),
        ('[pending]\nkind = "INSPECTION"', "pending.kind: INSPECTION: an inspection"),
        ('[calls]\nmark = "00"', "calls.mark: '00' is not possible: give 16 hex"),
        ("[calls]\ncomplete_at = 2026-01-01T00:00:00", "calls.complete_at: datetime"),
        ('[calls]\ncomplete_at = "-30"', "calls.complete_at: '-30' is not possible"),
        ('[calls]\ncomplete_at = "-99999d"', "calls.complete_at: no machine's clock"),
        ("[clock]\nset = false\noffset_s = 1", "clock.offset_s: a clock that is not"),
        (
            "[wrong]\npins = [1, 2]",
            "wrong.pins: [1, 2] is not possible: give 3 numbers",
        ),
        ("[wrong]\npins = [1, 2, 21]", "wrong.pins[2]: 21 is not possible"),
        ("[open_frank]\nproduct_class = 3", "open_frank.department: it is missing"),
        ("[usage]", "usage: {} is not possible: give rows, each written [[usage]]"),
        ("[[usage]]\nitems = 1", "usage[0].product_class: it is missing"),
        (
            2 * "[[usage]]\nproduct_class = 3\nitems = 1\namount_paise = 5\n",
            "usage: department 0 and class 3 stand there twice",
        ),
        (
            "[[usage]]\nproduct_class = 3\nitems = 1\namount_paise = 5",
            "registers.ascending_paise: 0 is less than the usage rows tell, 5",
        ),
        ("[[recharges]]\nnumber = 1", "recharges[0].kind: it is missing"),
        (
            '[[damage]]\nvault = "ram"\ncopy = 1\nat = 0',
            "damage[0].vault: 'ram' is not possible: give one of state, keys",
        ),
        (
            '[[damage]]\nvault = "keys"\ncopy = 1\nat = 2047\noctets = 2',
            "damage[0].octets: octets 2047 to 2048: a copy of keys has 2048",
        ),
        ('[[damage]]\nvault = "keys"\ncopy = 4\nat = 0', "damage[0].copy: 4 is not"),
        ("title = 3", "title: 3 is not possible: give 1 to 80 characters"),
        ("[registers", "it is not TOML in UTF-8"),
    ],
)
def test_what_is_not_possible_is_refused_with_its_place(text: str, said: str) -> None:
    assert refused(text).startswith(said)


def test_a_refused_preset_has_changed_nothing() -> None:
    memory = a_new_memory(a_clock())
    before = memory.image()
    with pytest.raises(PresetError):
        put("[[usage]]\nproduct_class = 3\nitems = 1\namount_paise = 5", memory)
    assert memory.image() == before


def test_a_production_machine_takes_no_preset() -> None:
    entropy = SeededEntropy(b"production")
    server = ServerIdentity.generate("REAL", Realm.PRODUCTION, 1, entropy)
    credit = CreditKey.generate(1, Realm.PRODUCTION, entropy).signing.public
    memory = MemoryNvram.erased(NVRAM_OCTETS)
    manufacture(
        memory,
        psd_serial="PSD00001",
        licence=LicenceIdentifier("N123456"),
        realm=Realm.PRODUCTION,
        servers=[
            ServerProvisioning(
                server.credential.with_credit_key(1, credit), EpochSeconds(1)
            )
        ],
        maker=MakerKey.generate("MAKER", Realm.PRODUCTION, entropy).public,
        entropy=entropy,
        clock=a_clock(),
    )
    before = memory.image()
    with pytest.raises(PresetError, match="realm TEST alone"):
        apply_preset(memory, read_library("in-service"), a_clock().now())
    assert memory.image() == before


def test_an_unknown_preset_is_told_which_there_are() -> None:
    with pytest.raises(PresetError, match="no preset 'full'; presets: ascending-near"):
        library_text("full")


@given(
    st.dictionaries(
        st.sampled_from(["registers", "state", "calls", "usage", "damage", "wrong"]),
        st.one_of(
            st.integers(),
            st.lists(st.integers(), max_size=3),
            st.dictionaries(
                st.sampled_from(["items", "standing", "mark", "pins", "at"]),
                st.one_of(st.integers(), st.text(max_size=9), st.booleans()),
            ),
        ),
    )
)
def test_whatever_a_file_says_it_is_read_or_refused(found: dict[str, object]) -> None:
    lines = []
    for name, value in found.items():
        if isinstance(value, dict):
            held = ", ".join(f"{key} = {_toml(one)}" for key, one in value.items())
            lines.append(f"{name} = {{ {held} }}")
        else:
            lines.append(f"{name} = {_toml(value)}")
    with suppress(PresetError):
        assert read_preset("\n".join(lines).encode()).damages == ()


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.encode("unicode_escape").decode().replace('"', "_") + '"'
    return str(value)


DOCUMENT = (ROOT / "docs" / "presets.md").read_text("utf-8")


def test_the_preset_in_the_document_leads_where_it_says() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    psd = put(text)
    assert psd.record.registers.descending_paise == 700
    assert (psd.state, psd.silence) == (MachineState.IN_SERVICE, Silence.WARN)


def test_the_document_names_every_table_and_key() -> None:
    with pytest.raises(PresetError) as caught:
        read_preset(b"what = 1")
    tables = str(caught.value).partition("possible: ")[2].split(", ")
    for name in tables[2:]:
        rows = re.findall(rf"^\| `\[+{name}\]+` \|(.*)$", DOCUMENT, re.MULTILINE)
        assert len(rows) == 1, name
        is_list = name in {"usage", "recharges", "damage"}
        unknown = f"[[{name}]]\nwhat = 1" if is_list else f"[{name}]\nwhat = 1"
        with pytest.raises(PresetError) as caught:
            read_preset(unknown.encode())
        keys = str(caught.value).partition("possible: ")[2].split(", ")
        assert [key for key in keys if f"`{key}" not in rows[0]] == []
