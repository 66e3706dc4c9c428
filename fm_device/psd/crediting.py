"""What a voucher does to the record, and how one that fails a check is counted.

Pure, as `franking` is for a frank and `orders` for an ORDER.

Source: SPEC.md REG-4, REG-6, DLG-4.10.
"""

from dataclasses import replace
from typing import Final

from fm_device.psd.records import (
    NO_TIME,
    RECHARGES_KEPT,
    PsdRecord,
    RechargeNote,
    one_more,
)
from fm_device.psd.states import Withdrawn, WrongCodes, moved
from protocol.messages import Voucher
from protocol.registers import Registers, VoucherKind
from protocol.values import EpochSeconds

WRONG_VOUCHERS_MAX: Final = 20
"""Vouchers that failed a check until the machine locks itself out, as with PINs."""


def with_voucher(
    record: PsdRecord,
    voucher: Voucher,
    octets: bytes,
    registers: Registers,
    now: EpochSeconds | None,
) -> PsdRecord:
    """Apply a voucher that has passed every check.

    Args:
        record: Before it.
        voucher: What it says.
        octets: As it came; they are shown to the server if it asks.
        registers: After it, as the check has found.
        now: The PSD's clock, or None when it is not set.
    """
    standing, others = record.standing, record.other_amounts
    if voucher.kind is VoucherKind.WITHDRAWAL:
        standing = moved(standing, Withdrawn())
    if _is_another(record, voucher):
        others = one_more(others)
    note = RechargeNote(
        voucher.recharge_number,
        voucher.kind,
        voucher.amount_paise,
        record.registers.descending_paise,
        registers.descending_paise,
        now or NO_TIME,
    )
    return replace(
        record,
        registers=registers,
        recharge_number=voucher.recharge_number,
        pending=None,
        last_voucher=octets,
        standing=standing,
        other_amounts=others,
        recharges=(*record.recharges, note)[-RECHARGES_KEPT:],
    )


def with_wrong_voucher(record: PsdRecord) -> PsdRecord:
    """Count a voucher that failed a check; too many lock the machine out."""
    count = one_more(record.wrong_vouchers)
    after = replace(record, wrong_vouchers=count)
    if count < WRONG_VOUCHERS_MAX:
        return after
    return replace(after, standing=moved(record.standing, WrongCodes()))


def _is_another(record: PsdRecord, voucher: Voucher) -> bool:
    """Say whether a voucher brings something else than what is pending."""
    if voucher.kind is VoucherKind.VOID:
        return False
    pending = record.pending
    asked = None if pending is None else (int(pending.kind), pending.amount_paise)
    return asked != (int(voucher.kind), voucher.amount_paise)
