"""Presets: what a unit's registers and memory are when a fuzz case begins.

They are data, ``presets.toml``. A machine gets one as text in the form of our machines'
presets, which whoever makes the machine knows how to put in. For a server the bench's
own machine has such registers: it is enrolled with them, or it states them though it
was enrolled as new.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from hw.lab.fuzz.fuzz_case import NO_PRESET
from hw.lab.machine_side import MachineSide
from protocol.errors import RmfsError
from protocol.link import Role
from protocol.registers import MachineState, Registers
from protocol.values import Paise

_FILE: Final = Path(__file__).with_name("presets.toml")


class UnknownPresetError(RmfsError):
    """There is no preset of that name for such a unit."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the bench's machine holds at a server.

    Attributes:
        registers: They.
        recharge_number: Of the voucher that it applied last.
        claims: It was enrolled as new, and states this.
    """

    registers: Registers
    recharge_number: int
    claims: bool

    def give(self, side: MachineSide) -> None:
        """Give it to a machine of the bench that has never dialled."""
        side.memory.registers = self.registers
        side.memory.recharge_number = self.recharge_number
        side.memory.state = MachineState.IN_SERVICE
        if not self.claims:
            side.account.number = self.recharge_number


@dataclass(frozen=True, slots=True)
class FuzzPreset:
    """One preset.

    Attributes:
        id: Its name in fuzz cases and commands.
        title: What it is, in a line.
        machine: For a machine under test, as docs/presets.md says; empty: for none.
        held: For a server under test, or None.
    """

    id: str
    title: str
    machine: str
    held: Held | None

    @property
    def unbalanced(self) -> bool:
        """Whether AR + DR is not CT."""
        return self.held is not None and not self.held.registers.balanced

    def is_for(self, role: Role) -> bool:
        """Whether a unit of that role can be given it."""
        return bool(self.machine) if role is Role.MACHINE else self.held is not None


@cache
def fuzz_presets() -> Mapping[str, FuzzPreset]:
    """Read all presets, by their ids."""
    tables = tomllib.loads(_FILE.read_text("utf-8"))["preset"]
    return {table["id"]: _preset(table) for table in tables}


def preset_ids(role: Role) -> tuple[str, ...]:
    """Name the presets for units of a role; the first leaves them as they are."""
    known = fuzz_presets().values()
    return (NO_PRESET, *(one.id for one in known if one.is_for(role)))


def fuzz_preset(name: str, role: Role) -> FuzzPreset | None:
    """Find a preset; None for the one that leaves a unit as it is.

    Raises:
        UnknownPresetError: There is none of that name for units of that role.
    """
    if name not in preset_ids(role):
        raise UnknownPresetError(
            f"no preset for a {role.value} is called {name}: "
            f"{', '.join(preset_ids(role))}"
        )
    return fuzz_presets().get(name)


def _preset(table: Mapping[str, Any]) -> FuzzPreset:
    held = table.get("bench")
    return FuzzPreset(
        table["id"],
        table["title"],
        table.get("machine", ""),
        None if held is None else _held(held),
    )


def _held(table: Mapping[str, Any]) -> Held:
    ascending, descending = table["ascending_paise"], table["descending_paise"]
    registers = Registers(
        Paise(ascending),
        Paise(descending),
        Paise(table.get("control_total_paise", ascending + descending)),
        table.get("items", 0),
        table.get("items_with_zero", 0),
    )
    number = table.get("recharge_number", 0)
    return Held(registers, number, bool(table.get("claims", False)))
