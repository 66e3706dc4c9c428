"""Registers, numbers and marks that do not fit: recorded, frozen, nothing settled.

DLG-8.1: codes from 32 on are discrepancies; no RECEIPT follows and the mark stays.
REG-5.2: if any check fails, nothing is settled.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hw.nvram import MemoryNvram
from protocol.dialogue.machine import INSPECTION, Outcome
from protocol.errors import ErrorCode
from protocol.messages import Ack, Disposition, MessageType, Refusal, RefusalCode
from protocol.registers import Registers
from protocol.values import Paise, RechargeNumber
from tests.franking import frank
from tests.situations import (
    NUMBER_IN_USE,
    REGISTERS_IN_USE,
    let_a_confirmation_be_lost,
    let_a_voucher_be_lost,
)
from tests.system import LICENCE, RUPEES_2000, System
from tests.unmoved import (
    found_discrepancies,
    it_only_freezes,
    money_of,
    no_money_moves,
    open_states,
)
from tests.witness.rogue_machine import RogueMachine


def registers(**changes: int) -> Registers:
    """Change some registers of the machine in use."""
    return replace(REGISTERS_IN_USE, **changes)  # type: ignore[arg-type]


def moved_by(paise: int, registers: Registers = REGISTERS_IN_USE) -> Registers:
    """Add to DR and CT alike, so that AR + DR = CT holds on."""
    return replace(
        registers,
        descending_paise=Paise(registers.descending_paise + paise),
        control_total_paise=Paise(registers.control_total_paise + paise),
    )


def refusal(code: RefusalCode, disposition: Disposition, number: int) -> Refusal:
    return Refusal(RechargeNumber(number), code, disposition, Paise(0), 0)


Bent = dict[str, Any]

NOTHING_OUTSTANDING: dict[str, tuple[RefusalCode, Bent]] = {
    "REG-5.2 AR + DR is CT plus a paisa": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {"registers": registers(descending_paise=198_501)},
    ),
    "REG-5.2 AR + DR is CT less a paisa": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {"registers": registers(control_total_paise=200_001)},
    ),
    "REG-2 more items with a value than items": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {"registers": registers(items=5)},
    ),
    "REG-5 a number below the last settled": (
        RefusalCode.NUMBER_BEHIND,
        {"recharge_number": RechargeNumber(0)},
    ),
    "REG-5 a number that was never granted": (
        RefusalCode.NUMBER_AHEAD,
        {"recharge_number": RechargeNumber(2)},
    ),
    "REG-5 the highest number": (
        RefusalCode.NUMBER_AHEAD,
        {"recharge_number": RechargeNumber(2**32 - 1)},
    ),
    "REG-5 CT a paisa too high": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": moved_by(1)},
    ),
    "REG-5 CT a paisa too low": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": moved_by(-1)},
    ),
    "REG-3 AR gone back by a paisa": (
        RefusalCode.ASCENDING_BACK,
        {"registers": registers(ascending_paise=1_499, descending_paise=198_501)},
    ),
    "REG-3 items gone back": (
        RefusalCode.ITEMS_BACK,
        {"registers": registers(items=2)},
    ),
    "REG-3 items with zero gone back": (
        RefusalCode.ITEMS_BACK,
        {"registers": registers(items_with_zero=3)},
    ),
    "DLG-7.2 a mark that was never issued": (
        RefusalCode.MARK_WRONG,
        {"mark": b"not mine"},
    ),
    "DLG-7.2 the mark of the enrolment": (RefusalCode.MARK_WRONG, {"mark": bytes(8)}),
    # The first rule that is broken is named.
    "DLG-8 the sum comes before the number": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {
            "registers": registers(descending_paise=198_501),
            "recharge_number": RechargeNumber(0),
        },
    ),
    "DLG-8 the number comes before CT": (
        RefusalCode.NUMBER_BEHIND,
        {"registers": moved_by(1), "recharge_number": RechargeNumber(0)},
    ),
    "DLG-8 CT comes before AR": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": registers(ascending_paise=1_499, control_total_paise=199_999)},
    ),
    "DLG-8 AR comes before items": (
        RefusalCode.ASCENDING_BACK,
        {
            "registers": registers(
                ascending_paise=1_499, descending_paise=198_501, items=2
            )
        },
    ),
    "DLG-8 items come before the mark": (
        RefusalCode.ITEMS_BACK,
        {"registers": registers(items=2), "mark": b"not mine"},
    ),
}


@pytest.mark.parametrize("request_", [INSPECTION, RUPEES_2000], ids=["ins", "rec"])
@pytest.mark.parametrize(
    ("code", "bent"), NOTHING_OUTSTANDING.values(), ids=NOTHING_OUTSTANDING.keys()
)
def test_a_statement_that_does_not_fit_freezes_and_moves_nothing(
    system: System, code: RefusalCode, bent: Bent, request_: Any
) -> None:
    with it_only_freezes(system, code):
        call, answer = RogueMachine(system).ask_for(request_, **bent)
        assert answer == refusal(code, Disposition.CLEARED, 2)
        call.wire.end()
    with it_only_freezes(system, RefusalCode.ACCOUNT_FROZEN):
        report = system.dial(RUPEES_2000)
    assert report.refusal == refusal(RefusalCode.ACCOUNT_FROZEN, Disposition.CLEARED, 2)
    assert report.outcome is Outcome.REFUSED
    assert report.receipt is None
    assert report.pending is None


APPLIED = moved_by(200_000)
TWO = RechargeNumber(NUMBER_IN_USE + 1)

OUTSTANDING: dict[str, tuple[RefusalCode, Bent]] = {
    "REG-5 not applied, CT a paisa off": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": moved_by(1)},
    ),
    "REG-5 applied by CT and not by number": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": APPLIED},
    ),
    "REG-5 applied by number and not by CT": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"recharge_number": TWO},
    ),
    "REG-5 applied with a paisa more": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"recharge_number": TWO, "registers": moved_by(1, APPLIED)},
    ),
    "REG-5 applied with a paisa less": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"recharge_number": TWO, "registers": moved_by(-1, APPLIED)},
    ),
    "REG-5 applied twice": (
        RefusalCode.NUMBER_AHEAD,
        {"recharge_number": RechargeNumber(3), "registers": moved_by(400_000)},
    ),
    "REG-5 a number below the last settled": (
        RefusalCode.NUMBER_BEHIND,
        {"recharge_number": RechargeNumber(0)},
    ),
    "REG-5.2 applied, and AR gone back": (
        RefusalCode.ASCENDING_BACK,
        {
            "recharge_number": TWO,
            "registers": replace(
                APPLIED, ascending_paise=Paise(1_499), descending_paise=Paise(398_501)
            ),
        },
    ),
    "REG-5.2 applied, and items gone back": (
        RefusalCode.ITEMS_BACK,
        {"recharge_number": TWO, "registers": replace(APPLIED, items=2)},
    ),
    "REG-5.2 applied, and the sum wrong": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {
            "recharge_number": TWO,
            "registers": replace(APPLIED, descending_paise=Paise(398_501)),
        },
    ),
    "REG-5.2 applied, and another's mark": (
        RefusalCode.MARK_WRONG,
        {"recharge_number": TWO, "registers": APPLIED, "mark": b"not mine"},
    ),
}


AS_A_VOID_SAYS = "REG-5 applied by number and not by CT"
"""What a PSD states that has applied a VOID: in order once there is one."""


@pytest.mark.parametrize(
    ("code", "bent", "voided"),
    [
        pytest.param(
            code, bent, voided, id=f"{name}, {'VOID' if voided else 'voucher'}"
        )
        for name, (code, bent) in OUTSTANDING.items()
        for voided in (False, True)
        if not (voided and name == AS_A_VOID_SAYS)
    ],
)
def test_what_is_outstanding_stays_so_when_a_statement_does_not_fit(
    system: System, code: RefusalCode, bent: Bent, *, voided: bool
) -> None:
    let_a_voucher_be_lost(system)
    if voided:
        system.administration.void(LICENCE, system.by())
    with it_only_freezes(system, code):
        call, answer = RogueMachine(system).ask_for(RUPEES_2000, **bent)
        assert answer == refusal(code, Disposition.KEPT, 2)
        call.wire.end()
    assert open_states(system) == ["FROZEN"]
    with it_only_freezes(system, RefusalCode.ACCOUNT_FROZEN):
        report = system.dial(RUPEES_2000)
    assert report.refusal == refusal(RefusalCode.ACCOUNT_FROZEN, Disposition.KEPT, 2)
    assert report.pending == RUPEES_2000, "the request stands (DLG-8.4)"


CONFIRMED: dict[str, tuple[RefusalCode, Bent]] = {
    "REG-5.4 nothing was applied": (
        RefusalCode.NUMBER_BEHIND,
        {"recharge_number": NUMBER_IN_USE, "registers": REGISTERS_IN_USE},
    ),
    "REG-5 CT a paisa too high": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": moved_by(1, APPLIED)},
    ),
    "REG-5 CT a paisa too low": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": moved_by(-1, APPLIED)},
    ),
    "REG-5 the number alone": (
        RefusalCode.CONTROL_TOTAL_HISTORY,
        {"registers": REGISTERS_IN_USE},
    ),
    "REG-5 another number": (
        RefusalCode.NUMBER_AHEAD,
        {"recharge_number": RechargeNumber(3)},
    ),
    "REG-3 AR gone back": (
        RefusalCode.ASCENDING_BACK,
        {
            "registers": replace(
                APPLIED, ascending_paise=Paise(0), descending_paise=Paise(400_000)
            )
        },
    ),
    "REG-3 items gone back": (
        RefusalCode.ITEMS_BACK,
        {"registers": replace(APPLIED, items=2)},
    ),
    "REG-2 AR + DR is not CT": (
        RefusalCode.CONTROL_TOTAL_SUM,
        {"registers": replace(APPLIED, descending_paise=Paise(398_501))},
    ),
}


@pytest.mark.parametrize(("code", "bent"), CONFIRMED.values(), ids=CONFIRMED.keys())
def test_a_confirmation_that_does_not_fit_posts_nothing(
    system: System, code: RefusalCode, bent: Bent
) -> None:
    machine = RogueMachine(system)
    call, _ = machine.ask_for(RUPEES_2000)
    machine.number, machine.registers = TWO, APPLIED
    with it_only_freezes(system, code):
        answer = machine.confirm_in(call, **bent)
        assert answer == refusal(code, Disposition.KEPT, 2)
        call.wire.end()
    assert open_states(system) == ["FROZEN"]


def test_every_further_discrepancy_of_a_frozen_account_is_recorded_too(
    system: System,
) -> None:
    """REG-9: frozen means that nothing is settled, not that nobody looks."""
    machine = RogueMachine(system)
    with no_money_moves(system):
        for bent in ({"mark": b"not mine"}, {"registers": moved_by(1)}, {}):
            call, _ = machine.ask_for(RUPEES_2000, **bent)
            call.wire.end()
    assert found_discrepancies(system) == ["MARK_WRONG", "CONTROL_TOTAL_HISTORY"]


def test_an_applied_voucher_of_a_frozen_account_is_not_posted(system: System) -> None:
    """REG-9: nothing is settled until a person has resolved the freeze."""
    let_a_confirmation_be_lost(system)
    call, _ = RogueMachine(system).ask_for(INSPECTION, mark=b"not mine")
    call.wire.end()
    with it_only_freezes(system, RefusalCode.ACCOUNT_FROZEN):
        report = system.dial(INSPECTION)
    assert report.refusal is not None
    assert report.refusal.disposition is Disposition.KEPT
    assert system.balance(f"reserved:{LICENCE}") == 200_000


# Clones and old images, made of the real machine's memory: DLG-7.2, REG-3.


def recharged_since(system: System) -> None:
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED


def franked_since(system: System) -> None:
    frank(system.psd(), Paise(500), 1)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


def franked_zero_since(system: System) -> None:
    frank(system.psd(), Paise(0), 1)
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


def dialled_since(system: System) -> None:
    assert system.dial(INSPECTION).outcome is Outcome.INSPECTED


@dataclass(frozen=True)
class Image:
    """What the machine did after its memory was copied, and how that is found."""

    since: Callable[[System], None]
    code: RefusalCode


IMAGES = {
    "REG-3 from before a recharge": Image(recharged_since, RefusalCode.NUMBER_BEHIND),
    "REG-3 from before a frank": Image(franked_since, RefusalCode.ASCENDING_BACK),
    "REG-3 from before a zero imprint": Image(
        franked_zero_since, RefusalCode.ITEMS_BACK
    ),
    "DLG-7.2 a clone that dials second": Image(dialled_since, RefusalCode.MARK_WRONG),
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
def test_a_copied_memory_is_found_at_its_first_dial_in(
    system: System, image: Image
) -> None:
    copied = MemoryNvram(system.nvram.image())
    image.since(system)
    with it_only_freezes(system, image.code):
        report = system.dial(RUPEES_2000, nvram=copied)
    assert report.refusal is not None
    assert report.refusal.code is image.code
    assert report.after == report.before
    with it_only_freezes(system, RefusalCode.ACCOUNT_FROZEN):
        assert system.dial(INSPECTION).outcome is Outcome.REFUSED


def test_the_machine_itself_is_stopped_when_its_clone_has_dialled_first(
    system: System,
) -> None:
    """DLG-7.2: one of two with one identity is found, whichever dials second."""
    clone = MemoryNvram(system.nvram.image())
    assert system.dial(INSPECTION, nvram=clone).outcome is Outcome.INSPECTED
    with it_only_freezes(system, RefusalCode.MARK_WRONG):
        report = system.dial(RUPEES_2000)
    assert report.outcome is Outcome.REFUSED


# A server that is behind its machine: REG-9, DLG-8.3.


def books_are_an_old_copy(system: System, folder: Path) -> bytes:
    """Recharge, then put the books of before back; give the voucher applied last."""
    system.store.close()
    shutil.copytree(system.folder, folder)
    system.start_server()
    recharged_since(system)
    system.store.close()
    shutil.rmtree(system.folder)
    shutil.copytree(folder, system.folder)
    system.start_server()
    voucher = system.psd().record.last_voucher
    assert voucher is not None
    return voucher


def presented(system: System) -> bytes | None:
    with system.store.reading() as connection:
        machine = connection.exec_driver_sql("SELECT presented_voucher FROM machine")
        found: bytes | None = machine.scalar_one()
        return found


def test_a_server_that_is_behind_is_shown_the_voucher_applied_last(
    system: System, tmp_path: Path
) -> None:
    voucher = books_are_an_old_copy(system, tmp_path / "old copy")
    money = money_of(system)
    registers_before = system.psd().record.registers
    report = system.dial(RUPEES_2000)
    assert report.refusal == refusal(RefusalCode.NUMBER_AHEAD, Disposition.CLEARED, 2)
    assert report.receipt is None
    assert money_of(system) == money
    assert system.psd().record.registers == registers_before
    assert presented(system) == voucher
    assert found_discrepancies(system) == ["NUMBER_AHEAD"]
    assert system.frozen()


PRESENTED: dict[str, tuple[Callable[[bytes], bytes], bool]] = {
    "one octet short": (lambda voucher: b"\x15" + voucher[:-1], False),
    "one octet long": (lambda voucher: b"\x15" + voucher + b"\x00", False),
    "without a voucher": (lambda _: b"\x15", False),
    "noise of the right length": (lambda _: b"\x15" + bytes(114), True),
}


@pytest.mark.parametrize(
    ("make", "is_stored"), PRESENTED.values(), ids=PRESENTED.keys()
)
def test_a_presented_voucher_is_evidence_and_moves_nothing(
    system: System, make: Callable[[bytes], bytes], *, is_stored: bool
) -> None:
    """DLG-8.3, DLG-2.1: what has its length is kept for a person to look at."""
    machine = RogueMachine(system)
    with it_only_freezes(system, RefusalCode.NUMBER_AHEAD):
        call, _ = machine.ask_for(INSPECTION, recharge_number=RechargeNumber(2))
        answer = call.ask(make(bytes(114)))
    if is_stored:
        assert answer == Ack(MessageType.LAST_VOUCHER, 0)
        assert presented(system) == bytes(114)
    else:
        assert answer is ErrorCode.MALFORMED
        assert presented(system) is None
