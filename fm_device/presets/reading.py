"""Reading a preset that a person has written: every key has a reader of its own.

A file with a mistake is refused whole; the refusal names the key, and what is possible.
"""

import tomllib
from itertools import pairwise
from typing import Any, Final

from fm_device.presets.fields import (
    PresetError,
    Reader,
    flag,
    hex_octets,
    known_keys,
    moment,
    number,
    one_of,
    refused,
    rows,
    table,
    text,
)
from fm_device.presets.preset import REGIONS, Damage, Preset
from fm_device.psd.device import PIN_CODE_MAX, PIN_CODE_MIN
from fm_device.psd.franking import WEIGHT_G_MAX
from fm_device.psd.memory import STATE
from fm_device.psd.pins import ATTEMPTS_MAX
from fm_device.psd.records import (
    CLASSES_MAX,
    DEPARTMENTS_MAX,
    PIN_ROLES,
    RECHARGES_KEPT,
    USAGE_ROWS_MAX,
    KeptUsage,
)
from fm_device.psd.states import Fault
from fm_device.psd.vault import COPIES
from protocol.messages import LicenceState
from protocol.messages.tables import MARK_OCTETS
from protocol.registers import MachineState, RequestKind, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX, U32_MAX

FILE_OCTETS_MAX: Final = 262_144
DAMAGES_MAX: Final = 64
_OFFSET_S_MAX: Final = U32_MAX
_U16_MAX: Final = 0xFFFF
_OCTET_MAX: Final = 0xFF

_PAISE: Final = number(0, AMOUNT_PAISE_MAX)
_U32: Final = number(0, U32_MAX)
_CLASS: Final = number(1, CLASSES_MAX)
_DEPARTMENT: Final = number(0, DEPARTMENTS_MAX)
_FRANK_PAISE: Final = number(0, U32_MAX)


def _pin_counts(value: Any, place: str) -> bytes:
    possible = f"{PIN_ROLES} numbers to {ATTEMPTS_MAX}: operator, supervisor, funding"
    if not isinstance(value, list) or len(value) != PIN_ROLES:
        raise refused(value, place, possible)
    read = number(0, ATTEMPTS_MAX)
    return bytes(read(one, f"{place}[{role}]") for role, one in enumerate(value))


def _vault(value: Any, place: str) -> str:
    if not isinstance(value, str) or value not in REGIONS:
        raise refused(value, place, f"one of {', '.join(REGIONS)}")
    return value


_DERIVED: Final = {
    MachineState.BLOCKED: 'it follows from the time: give calls.complete_at = "-31d"',
    MachineState.WITHHELD: (
        'it follows from the licence: give calls.licence_state = "WITHHELD"'
    ),
}

_TABLES: Final[dict[str, dict[str, Reader]]] = {
    "state": {
        "standing": one_of(MachineState, _DERIVED),
        "fault": one_of(Fault, none="NONE"),
        "lock_reason": number(0, U32_MAX),
        "lock_ordered": flag,
        "pin_code": number(PIN_CODE_MIN, PIN_CODE_MAX),
        "unprinted": _U32,
    },
    "registers": {
        "ascending_paise": _PAISE,
        "descending_paise": _PAISE,
        "control_total_paise": _PAISE,
        "items": _U32,
        "items_with_zero": _U32,
    },
    "life": {
        "ascending_paise": _PAISE,
        "control_total_paise": _PAISE,
        "recharge_number": _U32,
    },
    "recharge": {"number": _U32, "closed_number": _U32, "funds_paise": _PAISE},
    "pending": {
        "kind": one_of(
            RequestKind,
            {RequestKind.INSPECTION: "an inspection is never pending"},
            none="NONE",
        ),
        "amount_paise": _PAISE,
    },
    "calls": {
        "mark": hex_octets(MARK_OCTETS),
        "order_serial": _U32,
        "dial_in": _U32,
        "complete_at": moment,
        "next_call": moment,
        "licence_state": one_of(LicenceState, none="NONE"),
    },
    "clock": {
        "set": flag,
        "offset_s": number(-_OFFSET_S_MAX, _OFFSET_S_MAX),
        "latest": moment,
        "shown": moment,
        "put_back_s": _U32,
    },
    "wrong": {
        "vouchers": _U32,
        "other_amounts": _U32,
        "pins": _pin_counts,
        "pin_wait_until": moment,
    },
    "limits": {"frank_max_paise": _PAISE, "funds_max_paise": _PAISE},
    "open_frank": {
        "product_class": _CLASS,
        "department": _DEPARTMENT,
        "value_paise": _FRANK_PAISE,
        "weight_g": number(0, WEIGHT_G_MAX),
    },
    "memory": {
        "writes": number(1, U32_MAX),
        "repairs": number(0, _U16_MAX),
        "key_writes": number(1, U32_MAX),
        "key_repairs": number(0, _U16_MAX),
    },
}

_USAGE: Final[dict[str, Reader]] = {
    "department": _DEPARTMENT,
    "product_class": _CLASS,
    "items": _U32,
    "amount_paise": _PAISE,
    "reported": flag,
}
_RECHARGES: Final[dict[str, Reader]] = {
    "number": _U32,
    "kind": one_of(VoucherKind),
    "amount_paise": _PAISE,
    "before_paise": _PAISE,
    "after_paise": _PAISE,
    "time": moment,
}
_DAMAGE: Final[dict[str, Reader]] = {
    "vault": _vault,
    "copy": number(1, COPIES),
    "at": number(0, STATE.slot_octets - 1),
    "octets": number(1, STATE.slot_octets),
    "flip": number(1, _OCTET_MAX),
}
_WORDS: Final[dict[str, Reader]] = {"title": text(80), "notes": text(2000)}
_KEYS: Final = (*_WORDS, *_TABLES, "usage", "recharges", "damage")


def read_preset(octets: bytes) -> Preset:
    """Read a preset that a person has written.

    Raises:
        PresetError: It is not TOML, or asks for what is not possible; it says where.
    """
    if len(octets) > FILE_OCTETS_MAX:
        raise PresetError(
            "", f"it has {len(octets):,} octets, {FILE_OCTETS_MAX:,} are allowed"
        )
    try:
        found = tomllib.loads(octets.decode("utf-8"))
    except RecursionError as error:
        raise PresetError("", "lists stand in lists too deep") from error
    except ValueError as error:
        raise PresetError("", f"it is not TOML in UTF-8: {error}") from error
    known_keys(found, "", _KEYS)
    words = {
        name: read(found[name], name) for name, read in _WORDS.items() if name in found
    }
    tables = {
        name: table(found[name], name, readers)
        for name, readers in _TABLES.items()
        if name in found
    }
    _check_tables(tables)
    return Preset(
        title=words.get("title", ""),
        notes=words.get("notes", ""),
        tables=tables,
        usage=_usage(found["usage"]) if "usage" in found else None,
        recharges=_notes(found["recharges"]) if "recharges" in found else None,
        damages=_damages(found.get("damage", [])),
    )


def _check_tables(tables: dict[str, dict[str, Any]]) -> None:
    """Check what no single value tells."""
    pending = tables.get("pending")
    if pending is not None:
        wanted = ("kind", "amount_paise") if pending.get("kind", 1) else ("kind",)
        for name in wanted:
            if name not in pending:
                raise PresetError(f"pending.{name}", "it is missing")
        if pending["kind"] == RequestKind.RECHARGE and not pending["amount_paise"]:
            raise PresetError("pending.amount_paise", "a recharge asks for more than 0")
    for name in ("product_class", "department", "value_paise", "weight_g"):
        if "open_frank" in tables and name not in tables["open_frank"]:
            raise PresetError(f"open_frank.{name}", "it is missing")
    clock = tables.get("clock", {})
    if not clock.get("set", True) and "offset_s" in clock:
        raise PresetError("clock.offset_s", "a clock that is not set has no offset")
    state = tables.get("state", {})
    fault, standing = state.get("fault"), state.get("standing")
    if standing == MachineState.FAULT and not fault:
        raise PresetError("state.fault", "it is missing: a FAULT has a reason")
    if fault and standing != MachineState.FAULT:
        raise PresetError("state.standing", 'it has to be "FAULT" with a fault')


def _usage(value: Any) -> tuple[KeptUsage, ...]:
    needed = ("product_class", "items", "amount_paise")
    found = [
        KeptUsage(**{"department": 0, "reported": False, **row})
        for row in rows(value, "usage", _USAGE, needed, USAGE_ROWS_MAX)
    ]
    ordered = sorted(found, key=lambda row: (row.department, row.product_class))
    for before, row in pairwise(ordered):
        pair = (row.department, row.product_class)
        if pair == (before.department, before.product_class):
            raise PresetError(
                "usage", f"department {pair[0]} and class {pair[1]} stand there twice"
            )
    return tuple(ordered)


def _notes(value: Any) -> tuple[dict[str, Any], ...]:
    needed = tuple(_RECHARGES)
    return tuple(rows(value, "recharges", _RECHARGES, needed, RECHARGES_KEPT))


def _damages(value: Any) -> tuple[Damage, ...]:
    needed = ("vault", "copy", "at")
    found = []
    for index, row in enumerate(rows(value, "damage", _DAMAGE, needed, DAMAGES_MAX)):
        damage = Damage(**row)
        room = REGIONS[damage.vault].slot_octets
        if damage.at + damage.octets > room:
            raise PresetError(
                f"damage[{index}].octets",
                f"octets {damage.at} to {damage.at + damage.octets - 1}: a copy of "
                f"{damage.vault} has {room}",
            )
        found.append(damage)
    return tuple(found)
