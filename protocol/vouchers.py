"""The checks that a voucher must pass before a PSD applies it (SPEC.md REG-6).

`check_voucher` is pure and gives either the registers after the voucher or the first
fault in a fixed order: whose voucher it is, whether it is genuine, whether it is the
next one, and whether the registers fit. What is pending at the machine plays no part:
the voucher rules.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from protocol.keys import MachineCredential, ServerCredential
from protocol.messages import SIGNATURE_OCTETS, Voucher
from protocol.registers import Registers, after_voucher, effect_paise
from protocol.values import RechargeNumber

VOUCHER_CONTEXT: Final = "VOUCHER"
"""Context of the signature; it covers the message without its last 64 octets."""


class VoucherFault(Enum):
    """Why a voucher is not applied; the words are for people."""

    LICENCE = "it is made out to another licence identifier"
    CREDENTIAL = "it is made out to other keys than this machine's"
    CREDIT_KEY = "it names a credit key that this machine does not know"
    SIGNATURE = "its signature does not verify"
    NUMBER = "its number is not the next one"
    CONTROL_TOTAL_BEFORE = "its control total before is not this machine's"
    CONTROL_TOTAL_AFTER = "its control total after does not follow from its amount"
    REGISTERS = "the registers cannot hold its amount"


@dataclass(frozen=True, slots=True)
class VoucherHolder:
    """The PSD that a voucher is presented to, as far as the checks go.

    Attributes:
        credential: Its current public credential.
        server: Whom it trusts, with the credit keys.
        registers: Its registers.
        recharge_number: Number of the voucher applied last.
    """

    credential: MachineCredential
    server: ServerCredential
    registers: Registers
    recharge_number: RechargeNumber


def check_voucher(
    voucher: Voucher, octets: bytes, holder: VoucherHolder
) -> Registers | VoucherFault:
    """Check a voucher and compute what it makes of the registers.

    Args:
        voucher: The decoded message.
        octets: The same message as it came; the signature is checked over these.
        holder: The PSD.

    Returns:
        The registers after it, or the first fault.
    """
    return (
        _not_genuine(voucher, octets, holder)
        or _out_of_turn(voucher, holder)
        or after_voucher(holder.registers, voucher.kind, voucher.amount_paise)
        or VoucherFault.REGISTERS
    )


def _not_genuine(
    voucher: Voucher, octets: bytes, holder: VoucherHolder
) -> VoucherFault | None:
    if voucher.licence != holder.credential.licence_identifier:
        return VoucherFault.LICENCE
    if voucher.credential_hash != holder.credential.credential_hash:
        return VoucherFault.CREDENTIAL
    if voucher.credit_key not in holder.server.credit_keys:
        return VoucherFault.CREDIT_KEY
    genuine = holder.server.verify(
        voucher.credit_key,
        VOUCHER_CONTEXT,
        octets[:-SIGNATURE_OCTETS],
        octets[-SIGNATURE_OCTETS:],
    )
    return None if genuine else VoucherFault.SIGNATURE


def _out_of_turn(voucher: Voucher, holder: VoucherHolder) -> VoucherFault | None:
    before = holder.registers.control_total_paise
    if voucher.recharge_number != holder.recharge_number + 1:
        return VoucherFault.NUMBER
    if voucher.control_total_before_paise != before:
        return VoucherFault.CONTROL_TOTAL_BEFORE
    effect = effect_paise(voucher.kind, voucher.amount_paise)
    if voucher.control_total_after_paise != before + effect:
        return VoucherFault.CONTROL_TOTAL_AFTER
    return None
