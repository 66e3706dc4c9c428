"""Vouchers and signed messages by themselves: who signed, for whom (KEY, REG).

Each function says in words what is wrong, and nothing where all is right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.witness.spec_keys import (
    AMOUNT_MAX_PAISE,
    MachinePaper,
    credential_hash,
    verifies,
)
from tests.witness.spec_messages import Fields

SIGNATURE_OCTETS: Final = 64
RECHARGE, WITHDRAWAL, VOID, REFUND = 1, 2, 3, 4
"""Kinds of a VOUCHER (DLG-5); a request has the same numbers (DLG-4.1)."""


@dataclass(frozen=True)
class Stated:
    """The registers of a machine, as it has stated them (REG-1)."""

    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    items_with_zero: int
    recharge_number: int

    @property
    def is_sound(self) -> bool:
        """REG-2: what no moment may break."""
        total = self.ascending_paise + self.descending_paise
        return total == self.control_total_paise and self.items <= self.items_with_zero


def stated(fields: Fields) -> Stated:
    """What a STATEMENT or CONFIRMATION says of registers."""
    return Stated(**{name: fields[name] for name in Stated.__dataclass_fields__})


def enrolled(paper: MachinePaper) -> Stated:
    """What a machine had when its maker signed its paper (KEY-5.1)."""
    return Stated(
        paper.ascending_paise,
        paper.descending_paise,
        paper.ascending_paise + paper.descending_paise,
        paper.items,
        paper.items + paper.zero_items,
        paper.recharge_number,
    )


def what_fell(before: Stated, after: Stated) -> list[str]:
    """What has gone back, and never may (REG-3)."""
    names = ("ascending_paise", "items", "items_with_zero", "recharge_number")
    return [name for name in names if getattr(after, name) < getattr(before, name)]


def effect_paise(voucher: Fields) -> int:
    """What a voucher does to CT (REG-4)."""
    amount: int = voucher["amount_paise"]
    return {RECHARGE: amount, VOID: 0}.get(voucher["kind"], -amount)


def after_voucher(before: Stated, voucher: Fields) -> Stated:
    """The registers of a machine that has applied one (REG-4)."""
    effect = effect_paise(voucher)
    return replace(
        before,
        descending_paise=before.descending_paise + effect,
        control_total_paise=before.control_total_paise + effect,
        recharge_number=voucher["recharge_number"],
    )


def voucher_faults(
    body: bytes,
    voucher: Fields,
    paper: MachinePaper,
    credit_keys: Mapping[int, bytes],
    machine: Stated,
) -> Iterator[str]:
    """Why a machine must not apply a voucher, in the order of REG-6."""
    yield from binding_faults(body, voucher, paper, credit_keys)
    if voucher["recharge_number"] != machine.recharge_number + 1:
        yield f"number {voucher['recharge_number']} behind {machine.recharge_number}"
    before = voucher["control_total_before_paise"]
    after = voucher["control_total_after_paise"]
    if before != machine.control_total_paise:
        yield f"CT before is {before}, not {machine.control_total_paise}"
    if after != machine.control_total_paise + effect_paise(voucher):
        yield f"CT after is {after}"
    left = machine.descending_paise + effect_paise(voucher)
    if left < 0 or after > AMOUNT_MAX_PAISE:
        yield f"DR after it would be {left}"
    if voucher["kind"] == WITHDRAWAL and left:
        yield f"a withdrawal leaves {left}"


def binding_faults(
    body: bytes,
    voucher: Fields,
    paper: MachinePaper,
    credit_keys: Mapping[int, bytes],
) -> Iterator[str]:
    """Whose a voucher is, and for whom (REG-6 no. 1 and 2)."""
    front, signature = body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
    key = credit_keys.get(voucher["credit_key"])
    if key is None:
        yield f"credit key {voucher['credit_key']} is not known"
    elif not verifies(key, "VOUCHER", paper.realm, front, signature):
        yield "the signature of the voucher"
    if voucher["licence"] != paper.licence.encode("ascii"):
        yield f"it is for {voucher['licence']!r}"
    if voucher["credential_hash"] != credential_hash(paper.ccs):
        yield "it is for another credential"


def signed_faults(
    name: str, body: bytes, fields: Fields, paper: MachinePaper, binding: bytes
) -> Iterator[str]:
    """What deserves ERROR STATEMENT in a signed message of a machine (DLG-3)."""
    if fields["licence"] != paper.licence.encode("ascii"):
        yield f"the licence is {fields['licence']!r}"
    serial = fields.get("psd_serial")
    if serial is not None and serial != paper.psd_serial.encode("ascii"):
        yield f"the serial is {serial!r}"
    front, signature = body[:-SIGNATURE_OCTETS], body[-SIGNATURE_OCTETS:]
    covered = binding + front
    if not verifies(paper.signing_point, name, paper.realm, covered, signature):
        yield f"the signature of the {name}"
