"""The lives of a PSD: the first at the factory, the next under another licence.

New keys make every voucher, mark and credential of the old life useless. Registers,
item counters and the recharge number go on, and a licence of an earlier life never
comes back (SPEC.md REG-10).
"""

from collections.abc import Sequence

from fm_device.psd.records import (
    LIVES_MAX,
    NO_RECHARGE,
    ContentHeld,
    Life,
    PsdRecord,
    one_more,
)
from fm_device.psd.states import Reinitialised, moved
from protocol.errors import LocalProtocolError
from protocol.keys import MachineIdentity
from protocol.registers import ZERO_REGISTERS, MachineState
from protocol.values import EpochSeconds, LicenceIdentifier


def first_record(
    identity: MachineIdentity, began: EpochSeconds, contents: Sequence[ContentHeld]
) -> PsdRecord:
    """Give the record of a new PSD; its clock is not set.

    Args:
        identity: Its keys.
        began: When, by its clock; 0 when that is not set.
        contents: What the factory has put into the flash.
    """
    return PsdRecord(
        psd_serial=identity.psd_serial,
        standing=MachineState.UNINSTALLED,
        registers=ZERO_REGISTERS,
        lives=(_life(identity, began, record=None),),
        contents=tuple(contents),
    )


def check_next_life(
    record: PsdRecord, state: MachineState, licence: LicenceIdentifier
) -> None:
    """Check that a PSD may begin a new life.

    Args:
        record: What it remembers.
        state: As of now.
        licence: The licence of the new life.

    Raises:
        LocalProtocolError: The machine is not withdrawn, value or a report is left, the
            licence was used before, or there were too many lives.
    """
    if state is not MachineState.WITHDRAWN:
        raise LocalProtocolError(
            f"the machine is {state.name}: withdraw it before it is re-initialised"
        )
    if record.registers.descending_paise:
        raise LocalProtocolError("there is value left in the descending register")
    reported = all(row.reported for row in record.usage)
    if record.unclosed or not reported:
        raise LocalProtocolError(
            "the server has not closed its books on the withdrawal: dial in once"
        )
    if any(life.licence == licence for life in record.lives):
        raise LocalProtocolError(
            f"this PSD was {licence} before: a new life needs a new licence"
        )
    if len(record.lives) >= LIVES_MAX:
        raise LocalProtocolError(f"a PSD has at most {LIVES_MAX} lives")


def next_record(
    record: PsdRecord, identity: MachineIdentity, began: EpochSeconds
) -> PsdRecord:
    """Give the record of the next life; a frank that is open counts as not printed.

    Args:
        record: Of the life that ends.
        identity: The keys of the new one.
        began: When, by the PSD's clock; 0 when that is not set.
    """
    unprinted = record.unprinted
    if record.open_frank is not None:
        unprinted = one_more(unprinted)
    return PsdRecord(
        psd_serial=record.psd_serial,
        standing=moved(record.standing, Reinitialised()),
        registers=record.registers,
        lives=(*record.lives, _life(identity, began, record)),
        recharge_number=record.recharge_number,
        closed_number=record.recharge_number,
        dial_in=record.dial_in,
        clock_offset_s=record.clock_offset_s,
        wrong_vouchers=record.wrong_vouchers,
        other_amounts=record.other_amounts,
        pin_code=record.pin_code,
        unprinted=unprinted,
        contents=record.contents,
        latest=record.latest,
        shown=record.shown,
    )


def _life(
    identity: MachineIdentity, began: EpochSeconds, record: PsdRecord | None
) -> Life:
    registers = ZERO_REGISTERS if record is None else record.registers
    number = NO_RECHARGE if record is None else record.recharge_number
    return Life(
        generation=identity.generation,
        licence=identity.licence_identifier,
        began=began,
        ascending_paise=registers.ascending_paise,
        control_total_paise=registers.control_total_paise,
        recharge_number=number,
    )
