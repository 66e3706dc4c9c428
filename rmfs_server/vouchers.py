"""How this server makes the octets of a VOUCHER: once, in the granting transaction."""

from protocol.keys import CreditKey
from protocol.messages import SIGNATURE_OCTETS, Voucher
from protocol.registers import VoucherKind
from protocol.settling import Grant
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from protocol.vouchers import VOUCHER_CONTEXT
from rmfs_server.store.recharges import Recharge


def issue_voucher(
    key: CreditKey,
    licence: LicenceIdentifier,
    credential_hash: bytes,
    grant: Grant,
    now: EpochSeconds,
) -> bytes:
    """Sign the voucher of a grant: 114 octets, the same for the same arguments."""
    return _signed(
        key,
        Voucher(
            kind=grant.kind,
            licence=licence,
            credential_hash=credential_hash,
            recharge_number=grant.number,
            amount_paise=grant.amount_paise,
            control_total_before_paise=grant.control_total_before_paise,
            control_total_after_paise=grant.control_total_after_paise,
            time=now,
            credit_key=key.key_id,
            signature=bytes(SIGNATURE_OCTETS),
        ),
    )


def issue_void(
    key: CreditKey, credential_hash: bytes, recharge: Recharge, now: EpochSeconds
) -> bytes:
    """Sign the VOID that takes an open recharge back (SPEC.md REG-7.2)."""
    return _signed(
        key,
        Voucher(
            kind=VoucherKind.VOID,
            licence=recharge.licence,
            credential_hash=credential_hash,
            recharge_number=recharge.number,
            amount_paise=Paise(0),
            control_total_before_paise=recharge.control_total_before_paise,
            control_total_after_paise=recharge.control_total_before_paise,
            time=now,
            credit_key=key.key_id,
            signature=bytes(SIGNATURE_OCTETS),
        ),
    )


def _signed(key: CreditKey, voucher: Voucher) -> bytes:
    covered = voucher.encode()[:-SIGNATURE_OCTETS]
    return covered + key.sign(VOUCHER_CONTEXT, covered)
