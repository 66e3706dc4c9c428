"""What a preset says, and the record that it makes of a machine's own.

A preset changes what it names and leaves the rest. Some things follow, unless it says
otherwise, so that a preset of one line is a machine that works:

- CT is AR + DR when AR or DR is named and CT is not;
- the number of imprints is never less than the number of franks;
- the life began with the AR that lacks just what the usage rows tell;
- a LOCK is in force in the standing LOCKED, and in no other that is named;
- what the clock has shown is forgotten when the clock is named, and what it was put
  back by, when the clock or the last complete dial-in is.

A machine that does not balance is made by naming CT, or `life.ascending_paise`.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from fm_device.presets.fields import Moment, PresetError
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.records import (
    NO_TIME,
    KeptUsage,
    Life,
    OpenFrank,
    PsdRecord,
    RechargeNote,
)
from fm_device.psd.vault import Region
from protocol.dialogue.machine import Request
from protocol.messages import LicenceState
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX, EpochSeconds, Paise, RechargeNumber

_FLIP_ALL: Final = 0xFF

REGIONS: Final[dict[str, Region]] = {"state": STATE, "keys": KEYS}
"""The vaults in the PSD's memory, as presets name them."""

_LOCK_OR_NONE: Final = frozenset(
    {MachineState.LOCKED_OUT, MachineState.FAULT, MachineState.WITHDRAWN}
)
"""Where a LOCK may be in force behind another reason to stop."""

_RECORD_FIELDS: Final = {
    ("state", "standing"): "standing",
    ("state", "fault"): "fault",
    ("state", "lock_reason"): "lock_reason",
    ("state", "lock_ordered"): "lock_ordered",
    ("state", "pin_code"): "pin_code",
    ("state", "unprinted"): "unprinted",
    ("recharge", "number"): "recharge_number",
    ("recharge", "closed_number"): "closed_number",
    ("recharge", "funds_paise"): "funds_paise",
    ("calls", "mark"): "mark",
    ("calls", "order_serial"): "order_serial",
    ("calls", "dial_in"): "dial_in",
    ("calls", "complete_at"): "complete_at",
    ("calls", "next_call"): "next_call",
    ("calls", "licence_state"): "licence_state",
    ("clock", "latest"): "latest",
    ("clock", "shown"): "shown",
    ("clock", "put_back_s"): "put_back_s",
    ("wrong", "vouchers"): "wrong_vouchers",
    ("wrong", "other_amounts"): "other_amounts",
    ("wrong", "pins"): "wrong_pins",
    ("wrong", "pin_wait_until"): "pin_wait_until",
    ("limits", "frank_max_paise"): "frank_max_paise",
    ("limits", "funds_max_paise"): "funds_max_paise",
}
"""Keys whose value goes into the record as it is, and its field."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Octets of one copy in the memory that are spoiled.

    Attributes:
        vault: A name in `REGIONS`.
        copy: 1 to 3; the first is the journal.
        at: First octet, counted from the beginning of the copy.
        octets: How many.
        flip: What each is combined with, by exclusive or.
    """

    vault: str
    copy: int
    at: int
    octets: int = 1
    flip: int = _FLIP_ALL

    @property
    def address(self) -> int:
        """Where that is in the memory."""
        return REGIONS[self.vault].addresses[self.copy - 1] + self.at


@dataclass(frozen=True, slots=True)
class Preset:
    """A situation of a machine, as a file tells it.

    Attributes:
        title: One line about it.
        notes: More, for whoever reads it.
        tables: What it changes, by table and key, already read.
        usage: The usage rows that replace the machine's, or None.
        recharges: The last recharges that replace the machine's, or None.
        damages: What is spoiled in the memory when all else is written.
    """

    title: str = ""
    notes: str = ""
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    usage: tuple[KeptUsage, ...] | None = None
    recharges: tuple[dict[str, Any], ...] | None = None
    damages: tuple[Damage, ...] = ()

    def memory(self, key: str) -> int | None:
        """Say what the memory is to tell of its wear, or None: as it is."""
        found = self.tables.get("memory", {}).get(key)
        return None if found is None else int(found)

    def change(self, record: PsdRecord, now: EpochSeconds) -> PsdRecord:
        """Make the record of the situation.

        Args:
            record: What the machine remembers now.
            now: The time that "-30d" is counted from.

        Raises:
            PresetError: The machine cannot be brought there.
        """
        changes = self._following() | self._plain(now)
        changes["registers"] = self._registers(record.registers)
        if "pending" in self.tables:
            changes["pending"] = _pending(self.tables["pending"])
        if "open_frank" in self.tables:
            changes["open_frank"] = OpenFrank(**self.tables["open_frank"])
        if self._names_clock:
            changes["clock_offset_s"] = _offset_s(self.tables["clock"])
        if self.usage is not None:
            changes["rows"] = self.usage
        if self.recharges is not None:
            changes["recharges"] = _recharges(self.recharges, now)
        after = _stated_before(replace(record, **changes))
        if "lock_ordered" in self.tables.get("state", {}):
            _check_lock(after)
        return replace(after, lives=(*record.lives[:-1], self._life(after)))

    @property
    def _names_clock(self) -> bool:
        return not {"set", "offset_s"}.isdisjoint(self.tables.get("clock", {}))

    def _following(self) -> dict[str, Any]:
        """Give what follows by itself; what the preset names stands above it."""
        changes: dict[str, Any] = {}
        standing = self.tables.get("state", {}).get("standing")
        if standing is not None:
            changes["lock_ordered"] = standing == MachineState.LOCKED
        if self._names_clock:
            changes |= {"latest": NO_TIME, "shown": NO_TIME, "put_back_s": 0}
        if "complete_at" in self.tables.get("calls", {}):
            changes["put_back_s"] = 0
        return changes

    def _plain(self, now: EpochSeconds) -> dict[str, Any]:
        changes = {
            field_name: _settled(self.tables[place[0]][place[1]], now, ".".join(place))
            for place, field_name in _RECORD_FIELDS.items()
            if place[1] in self.tables.get(place[0], {})
        }
        if "licence_state" in changes:
            state = changes["licence_state"]
            changes["licence_state"] = LicenceState(state) if state else None
        return changes

    def _registers(self, held: Registers) -> Registers:
        named = self.tables.get("registers", {})
        registers = replace(held, **named)
        moved = "ascending_paise" in named or "descending_paise" in named
        if moved and "control_total_paise" not in named:
            total = registers.ascending_paise + registers.descending_paise
            if total > AMOUNT_PAISE_MAX:
                raise PresetError(
                    "registers",
                    f"AR + DR is {total}, CT is at most {AMOUNT_PAISE_MAX}: give less, "
                    "or a control_total_paise that does not balance",
                )
            registers = replace(registers, control_total_paise=Paise(total))
        if "items_with_zero" not in named:
            most = max(registers.items, registers.items_with_zero)
            registers = replace(registers, items_with_zero=most)
        return registers

    def _life(self, record: PsdRecord) -> Life:
        named = self.tables.get("life", {})
        life = replace(record.life, **named)
        moved = "ascending_paise" in self.tables.get("registers", {})
        if "ascending_paise" in named or not (moved or self.usage is not None):
            return life
        used = sum(row.amount_paise for row in record.rows)
        began_at = record.registers.ascending_paise - used
        if began_at < 0:
            raise PresetError(
                "registers.ascending_paise",
                f"{record.registers.ascending_paise} is less than the usage rows tell, "
                f"{used}: give at least that, or life.ascending_paise for a machine "
                "that does not balance",
            )
        return replace(life, ascending_paise=Paise(began_at))


def _check_lock(record: PsdRecord) -> None:
    """Check that a LOCK is in force where it is to be, and not where it cannot be."""
    standing, ordered = record.standing, record.lock_ordered
    if ordered != (standing is MachineState.LOCKED) and standing not in _LOCK_OR_NONE:
        raise PresetError(
            "state.lock_ordered",
            f"it cannot be {str(ordered).lower()} in the standing {standing.name}",
        )


def _settled(value: Any, now: EpochSeconds, place: str) -> Any:
    return value.at(now, place) if isinstance(value, Moment) else value


def _offset_s(values: dict[str, Any]) -> int | None:
    return int(values.get("offset_s", 0)) if values.get("set", True) else None


def _stated_before(record: PsdRecord) -> PsdRecord:
    """Forget a statement of mailing of what is not franked now, but for its number."""
    registers = record.registers
    if (
        record.som_ascending_paise <= registers.ascending_paise
        and record.som_items <= registers.items
    ):
        return record
    return replace(
        record,
        som_time=NO_TIME,
        som_ascending_paise=Paise(0),
        som_descending_paise=Paise(0),
        som_items=0,
    )


def _pending(values: dict[str, Any]) -> Request | None:
    if not values["kind"]:
        return None
    return Request(RequestKind(values["kind"]), Paise(values["amount_paise"]))


def _recharges(
    notes: tuple[dict[str, Any], ...], now: EpochSeconds
) -> tuple[RechargeNote, ...]:
    return tuple(
        RechargeNote(
            number=RechargeNumber(note["number"]),
            kind=VoucherKind(note["kind"]),
            amount_paise=note["amount_paise"],
            before_paise=note["before_paise"],
            after_paise=note["after_paise"],
            time=_settled(note["time"], now, f"recharges[{index}].time"),
        )
        for index, note in enumerate(notes)
    )
