"""Messages of a dialogue, decoded by hand from the octet tables of the specification.

Only what the oracles look at: greetings, orders and contents are none of it.

Source:
    protocol/SPEC.md DLG-2 to DLG-9.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

PAISE_MAX: Final = 2**53 - 1
CODE_DISCREPANCY_MIN: Final = 32
CODE_USAGE_MISMATCH: Final = 39

RECHARGE: Final = 1
WITHDRAWAL: Final = 2
VOID: Final = 3
REFUND: Final = 4

KIND_NAMES: Final = {RECHARGE: "RECHARGE", WITHDRAWAL: "WITHDRAWAL", REFUND: "REFUND"}
"""Requests, and the vouchers that answer them; 0 is an inspection."""


class Statement(NamedTuple):
    """STATEMENT, DLG-4."""

    licence: str
    state: int
    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    items_with_zero: int
    number: int
    mark: bytes
    dial_in: int
    request: int
    amount_paise: int


class Confirmation(NamedTuple):
    """CONFIRMATION, DLG-6."""

    licence: str
    number: int
    ascending_paise: int
    descending_paise: int
    control_total_paise: int
    items: int
    items_with_zero: int
    state: int


class Usage(NamedTuple):
    """USAGE, DLG-9: only that it came."""

    dial_in: int


class Goodbye(NamedTuple):
    """GOODBYE, DLG-7."""

    mark: bytes


class LastVoucher(NamedTuple):
    """LAST_VOUCHER, DLG-8.3."""

    voucher: bytes


class Voucher(NamedTuple):
    """VOUCHER, DLG-5."""

    kind: int
    licence: str
    credential_hash: bytes
    number: int
    amount_paise: int
    before_paise: int
    after_paise: int

    @property
    def effect_paise(self) -> int:
        """What it does to CT, REG-4."""
        return effect(self.kind, self.amount_paise)


class Refusal(NamedTuple):
    """REFUSAL, DLG-8."""

    number: int
    code: int
    cleared: bool
    allowed_paise: int
    receipt_follows: bool


class Receipt(NamedTuple):
    """RECEIPT, DLG-7."""

    number: int
    mark: bytes


class Ack(NamedTuple):
    """ACK, DLG-9."""

    of_type: int


class Malformed(NamedTuple):
    """A message that breaks DLG-2.1: an end of ours must never say one."""

    why: str


Message = (
    Statement
    | Confirmation
    | Usage
    | Goodbye
    | LastVoucher
    | Voucher
    | Refusal
    | Receipt
    | Ack
)

USAGE_TYPE: Final = 0x12
_STATEMENT = struct.Struct(">xB2x7s8x3xBQQQIII4x8s8x4xIBQ64x")
_CONFIRMATION = struct.Struct(">x7sIQQQIIB64x")
_VOUCHER = struct.Struct(">xB7s8sIQQQ4xB64x")
_REFUSAL = struct.Struct(">xIBBQB")
_RECEIPT = struct.Struct(">xI8s4xQBB")
_GOODBYE = struct.Struct(">x8s4x")
_USAGE = struct.Struct(">xI54x")
_ACK = struct.Struct(">xB4x")
_LENGTHS: Final = {
    0x10: 160,
    0x11: 109,
    USAGE_TYPE: 59,
    0x14: 13,
    0x15: 115,
    0x20: 114,
    0x21: 16,
    0x22: 27,
    0x23: 6,
}


def effect(kind: int, amount_paise: int) -> int:
    """Give what a voucher of a kind does to CT, with its sign (REG-4)."""
    if kind == RECHARGE:
        return amount_paise
    return 0 if kind == VOID else -amount_paise


@lru_cache(maxsize=64)
def decode(octets: bytes) -> Message | Malformed | None:
    """Decode a message body.

    The last ones are remembered: what one end says the other hears, and a voucher is
    looked at again where it is stored and where it is applied.

    Args:
        octets: As DLG gives it, with its signature.

    Returns:
        The message; why it is none; None for a type that the oracles do not look at.
    """
    kind = octets[0] if octets else -1
    length = _LENGTHS.get(kind)
    if length is None:
        return None
    if len(octets) != length:
        return Malformed(f"type {kind:#04x} with {len(octets)} octets, not {length}")
    return _DECODERS[kind](octets)


def _statement(octets: bytes) -> Statement | Malformed:
    version, licence, state, *numbers = _STATEMENT.unpack(octets)
    ar, dr, ct, items, zero, number, mark, dial_in, request, amount = numbers
    if version != 1 or state not in _STATES or request not in _REQUESTS:
        return Malformed(f"STATEMENT: version {version}, {state=}, {request=}")
    if max(ar, dr, ct, amount) > PAISE_MAX:
        return Malformed("STATEMENT: an amount above 2^53 - 1")
    return Statement(
        licence.decode("ascii", "replace"),
        state,
        ar,
        dr,
        ct,
        items,
        zero,
        number,
        mark,
        dial_in,
        request,
        amount,
    )


def _confirmation(octets: bytes) -> Confirmation | Malformed:
    licence, *numbers = _CONFIRMATION.unpack(octets)
    if max(numbers[1:4]) > PAISE_MAX:
        return Malformed("CONFIRMATION: an amount above 2^53 - 1")
    return Confirmation(licence.decode("ascii", "replace"), *numbers)


def _usage(octets: bytes) -> Usage:
    return Usage(*_USAGE.unpack(octets))


def _goodbye(octets: bytes) -> Goodbye:
    return Goodbye(*_GOODBYE.unpack(octets))


def _last_voucher(octets: bytes) -> LastVoucher:
    return LastVoucher(octets[1:])


def _voucher(octets: bytes) -> Voucher | Malformed:
    kind, licence, credential, number, *amounts = _VOUCHER.unpack(octets)
    amount, before, after, _ = amounts
    if kind not in (RECHARGE, WITHDRAWAL, VOID, REFUND):
        return Malformed(f"VOUCHER: kind {kind}")
    if max(amount, before, after) > PAISE_MAX:
        return Malformed("VOUCHER: an amount above 2^53 - 1")
    text = licence.decode("ascii", "replace")
    return Voucher(kind, text, credential, number, amount, before, after)


def _refusal(octets: bytes) -> Refusal | Malformed:
    number, code, disposition, allowed, follows = _REFUSAL.unpack(octets)
    if code not in _CODES or disposition > 1 or follows > 1:
        return Malformed(f"REFUSAL: {code=}, {disposition=}, {follows=}")
    if (code < CODE_DISCREPANCY_MIN) != (follows == 1):
        return Malformed(f"REFUSAL: {code=} with receipt_follows {follows}")
    return Refusal(number, code, disposition == 0, allowed, follows == 1)


def _receipt(octets: bytes) -> Receipt | Malformed:
    number, mark, _, licence_state, _ = _RECEIPT.unpack(octets)
    if licence_state not in _LICENCE_STATES:
        return Malformed(f"RECEIPT: {licence_state=}")
    return Receipt(number, mark)


def _ack(octets: bytes) -> Ack:
    return Ack(*_ACK.unpack(octets))


_STATES: Final = range(9)
_REQUESTS: Final = frozenset({0, *KIND_NAMES})
_LICENCE_STATES: Final = range(1, 7)
_CODES: Final = frozenset((*range(1, 11), *range(32, 41)))
_DECODERS: Final = {
    0x10: _statement,
    0x11: _confirmation,
    USAGE_TYPE: _usage,
    0x14: _goodbye,
    0x15: _last_voucher,
    0x20: _voucher,
    0x21: _refusal,
    0x22: _receipt,
    0x23: _ack,
}
