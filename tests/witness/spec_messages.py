"""The messages of chapter DLG of `protocol/SPEC.md`, from its octet tables alone.

For whoever is written from the text: a machine (`spec_machine`) and the reader of
traffic (`tests/oracle`). Fields have the names and the order of the tables.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any, Final

from tests.witness.spec_keys import AMOUNT_MAX_PAISE, RefusedError, is_licence

PART_OCTETS: Final = 512
HELD_OCTETS_MAX: Final = 65_536


@dataclass(frozen=True)
class Layout:
    """One octet table: type octet, struct format behind it, names of the fields."""

    type_octet: int
    form: str
    fields: tuple[str, ...]
    listed: dict[str, frozenset[int]] = field(default_factory=dict)

    @property
    def octets(self) -> int:
        return 1 + struct.calcsize(">" + self.form)


def _layout(type_octet: int, form: str, names: str, **listed: frozenset[int]) -> Layout:
    return Layout(type_octet, form, tuple(names.split()), listed)


def _listed(*values: int) -> frozenset[int]:
    return frozenset(values)


DISCREPANCIES: Final = frozenset(range(32, 41))
REFUSALS: Final = frozenset(range(1, 11)) | DISCREPANCIES
NUMBER_AHEAD: Final = 37

TYPES: Final = frozenset(range(0x10, 0x17)) | frozenset(range(0x20, 0x26))
"""Numbers of messages, that of EVENT_LOG included (DLG-12)."""
ROW: Final = ("class_{}", "items_{}", "amount_{}_paise")

LAYOUTS: Final = {
    "STATEMENT": _layout(
        0x10,
        "BH7s8sBBBBQQQIIII8s8sIIBQ64s",
        "version capabilities licence psd_serial firmware_major firmware_minor"
        " firmware_patch state ascending_paise descending_paise control_total_paise"
        " items items_with_zero recharge_number order_serial mark usage_digest time"
        " dial_in request amount_paise signature",
        state=frozenset(range(9)),
        request=_listed(0, 1, 2, 4),
    ),
    "CONFIRMATION": _layout(
        0x11,
        "7sIQQQIIB64s",
        "licence recharge_number ascending_paise descending_paise"
        " control_total_paise items items_with_zero state signature",
        state=frozenset(range(9)),
    ),
    "USAGE": _layout(
        0x12,
        "IBB" + "BIQ" * 4,
        "dial_in part parts "
        + " ".join(f"class_{n} items_{n} amount_{n}_paise" for n in range(1, 5)),
    ),
    "GOODBYE": _layout(0x14, "8sI", "mark order_serial"),
    "LAST_VOUCHER": _layout(0x15, "114s", "voucher"),
    "WANT": _layout(0x16, "QI", "content_id offset"),
    "VOUCHER": _layout(
        0x20,
        "B7s8sIQQQIB64s",
        "kind licence credential_hash recharge_number amount_paise"
        " control_total_before_paise control_total_after_paise time credit_key"
        " signature",
        kind=_listed(1, 2, 3, 4),
    ),
    "REFUSAL": _layout(
        0x21,
        "IBBQB",
        "recharge_number code disposition allowed_paise receipt_follows",
        code=REFUSALS,
        disposition=_listed(0, 1),
        receipt_follows=_listed(0, 1),
    ),
    "RECEIPT": _layout(
        0x22,
        "I8sIQBB",
        "recharge_number mark time funds_paise licence_state orders",
        licence_state=frozenset(range(1, 7)),
    ),
    "ACK": _layout(0x23, "BI", "of_type number", of_type=TYPES),
    "ORDER": _layout(
        0x24,
        "IBQ",
        "order_serial order value",
        order=frozenset(range(1, 9)) | frozenset(range(16, 21)),
    ),
    "CONTENT": _layout(0x25, "QII512s", "content_id offset total data"),
}
NAMES: Final = {layout.type_octet: name for name, layout in LAYOUTS.items()}

Fields = dict[str, Any]


def pack(name: str, fields: Fields) -> bytes:
    layout = LAYOUTS[name]
    values = [fields[name_of_field] for name_of_field in layout.fields]
    return bytes([layout.type_octet]) + struct.pack(">" + layout.form, *values)


def unpack(body: bytes) -> tuple[str, Fields]:
    """Name and fields of a message, or RefusedError as DLG-2 says."""
    name, fields = fields_of(body)
    check(name, fields)
    return name, fields


def fields_of(body: bytes) -> tuple[str, Fields]:
    """Name and fields of a message of the right length, whatever they say."""
    name = NAMES.get(body[0])
    if name is None:
        raise RefusedError(5, f"no message has the type {body[0]}")
    layout = LAYOUTS[name]
    if len(body) != layout.octets:
        raise RefusedError(1, f"{name} of {len(body)} octets")
    values = struct.unpack(">" + layout.form, body[1:])
    return name, dict(zip(layout.fields, values, strict=True))


def check(name: str, fields: Fields) -> None:
    """Raise RefusedError where a field says what it may not (DLG-2.1)."""
    layout = LAYOUTS[name]
    for field_name, value in fields.items():
        listed = layout.listed.get(field_name)
        if listed is not None and value not in listed:
            raise RefusedError(1, f"{field_name} of {name} is {value}")
        if field_name.endswith("_paise") and value > AMOUNT_MAX_PAISE:
            raise RefusedError(1, f"{field_name} of {name} is too large")
    if name == "CONTENT" and not _is_part(fields):
        raise RefusedError(1, "a CONTENT that is no part of anything")
    if name == "USAGE" and not _rows_are_in_order(fields):
        raise RefusedError(1, "a row without a class that is not empty, or not last")
    if not is_licence(fields.get("licence", b"N000000")):
        raise RefusedError(1, f"the licence identifier of {name}")


def _rows_are_in_order(fields: Fields) -> bool:
    """DLG-9.2: rows without a class are all zeros, and behind all others."""
    rows = [tuple(fields[name.format(place)] for name in ROW) for place in range(1, 5)]
    empty = [row for row in rows if not row[0]]
    return rows[len(rows) - len(empty) :] == [(0, 0, 0)] * len(empty)


def _is_part(fields: Fields) -> bool:
    """What DLG-16.4 says of a CONTENT by itself; *not here* is one, too."""
    offset, total = fields["offset"], fields["total"]
    behind = fields["data"][max(0, total - offset) :] if total else fields["data"]
    placed = not total or (offset % PART_OCTETS == 0 and offset < total)
    return placed and total <= HELD_OCTETS_MAX and not any(behind)


@dataclass(frozen=True)
class Row:
    """One row of the usage table, totals since enrolment."""

    items: int = 0
    amount_paise: int = 0


def usage_digest(table: dict[int, Row]) -> bytes:
    """DLG-9.1."""
    rows = b"".join(
        struct.pack(">BIQ", number, row.items, row.amount_paise)
        for number, row in sorted(table.items())
        if row.items
    )
    return hashlib.sha256(rows).digest()[:8]
