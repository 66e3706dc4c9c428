"""The life of a machine, as a table, and how time decides about it.

What was done to a machine is stored (the *standing*); whether it has been silent for
too long follows from the clock, whether its licence is withheld from the last RECEIPT,
and both are worked out when somebody asks (`state_at`). So a machine that is switched
off for a month needs no event to be blocked.

Source: SPEC.md DLG-4.5, DLG-10.4, REG-10; the 30 days are RMFS practice
(protocol/parameters.toml).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Final

from fm_device.psd.records import PsdRecord
from fm_device.psd.timekeeper import MAX_SILENCE_DAYS, WARN_FROM_DAY
from protocol.messages import LicenceState
from protocol.parameters import business_date, parameter
from protocol.registers import MachineState
from protocol.table import Row, Table
from protocol.values import EpochSeconds


class Fault(IntEnum):
    """What stopped a machine for good."""

    MEMORY_WORN_OUT = 1
    """More copies of the memory were damaged than a sound memory ever shows."""
    REGISTERS_DO_NOT_BALANCE = 2
    """The stored registers are whole, but AR + DR is not CT."""
    TAMPERED = 3
    """The PSD was opened, or forced; its keys are erased."""


@dataclass(frozen=True, slots=True)
class Installed:
    """The machine was installed at the licensee's premises."""


@dataclass(frozen=True, slots=True)
class ReceiptStored:
    """A dial-in is complete: the RECEIPT is stored."""


@dataclass(frozen=True, slots=True)
class SilentTooLong:
    """No dial-in was complete for longer than is allowed."""


@dataclass(frozen=True, slots=True)
class LicenceWithheld:
    """The last RECEIPT told that the authority has taken the licence out of use."""


@dataclass(frozen=True, slots=True)
class WrongCodes:
    """Too many PINs or vouchers were wrong, one after the other."""


@dataclass(frozen=True, slots=True)
class LockOrdered:
    """The server has ordered the machine to stop franking."""


@dataclass(frozen=True, slots=True)
class UnlockOrdered:
    """The server has taken its lock back."""


@dataclass(frozen=True, slots=True)
class LockOutLifted:
    """The server has lifted a lock-out, and its lock from before is in force again."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A withdrawal voucher has emptied DR."""


@dataclass(frozen=True, slots=True)
class FaultFound:
    """The PSD does not trust its own memory any more."""


@dataclass(frozen=True, slots=True)
class Reinitialised:
    """New keys for another licence: a new life begins."""


LifeEvent = (
    Installed
    | ReceiptStored
    | SilentTooLong
    | LicenceWithheld
    | WrongCodes
    | LockOrdered
    | UnlockOrdered
    | LockOutLifted
    | Withdrawn
    | FaultFound
    | Reinitialised
)


def _nothing() -> None:
    """Do nothing more: the new standing is stored with what caused it."""


def _rows() -> Iterator[Row[MachineState, Callable[[], None]]]:
    state = MachineState
    moves: tuple[tuple[MachineState, type, MachineState], ...] = (
        (state.UNINSTALLED, Installed, state.INSTALLED),
        (state.INSTALLED, ReceiptStored, state.IN_SERVICE),
        (state.IN_SERVICE, ReceiptStored, state.IN_SERVICE),
        (state.IN_SERVICE, SilentTooLong, state.BLOCKED),
        (state.IN_SERVICE, LicenceWithheld, state.WITHHELD),
        (state.BLOCKED, ReceiptStored, state.IN_SERVICE),
        (state.WITHHELD, ReceiptStored, state.IN_SERVICE),
        (state.LOCKED, UnlockOrdered, state.IN_SERVICE),
        (state.LOCKED_OUT, UnlockOrdered, state.IN_SERVICE),
        (state.LOCKED_OUT, LockOutLifted, state.LOCKED),
        (state.WITHDRAWN, Reinitialised, state.INSTALLED),
        # An order that finds its work done changes nothing but the serial.
        (state.INSTALLED, UnlockOrdered, state.INSTALLED),
        (state.IN_SERVICE, UnlockOrdered, state.IN_SERVICE),
        (state.BLOCKED, UnlockOrdered, state.BLOCKED),
        (state.WITHHELD, UnlockOrdered, state.WITHHELD),
        *((before, LockOrdered, state.LOCKED) for before in _LOCKABLE),
        # Dialling lifts none of these.
        *((kept, ReceiptStored, kept) for kept in _STOPPED),
        *(
            (kept, order, kept)
            for kept in (state.FAULT, state.WITHDRAWN)
            for order in (LockOrdered, UnlockOrdered)
        ),
        # The lock is remembered: it stands when the lock-out is lifted.
        (state.LOCKED_OUT, LockOrdered, state.LOCKED_OUT),
        *((before, WrongCodes, state.LOCKED_OUT) for before in _LOCKABLE),
        *((kept, WrongCodes, kept) for kept in _NOT_LOCKED_OUT),
        # The value goes back to the account whatever else is wrong.
        *((before, Withdrawn, state.WITHDRAWN) for before in _EMPTIED),
        *((before, FaultFound, state.FAULT) for before in state),
    )
    for before, event, after in moves:
        yield Row(before, event, _nothing, after)


_LOCKABLE: Final = (
    MachineState.INSTALLED,
    MachineState.IN_SERVICE,
    MachineState.BLOCKED,
    MachineState.WITHHELD,
    MachineState.LOCKED,
)
_NOT_LOCKED_OUT: Final = (
    MachineState.UNINSTALLED,
    MachineState.LOCKED_OUT,
    MachineState.FAULT,
    MachineState.WITHDRAWN,
)
_EMPTIED: Final = (
    *_LOCKABLE,
    MachineState.LOCKED_OUT,
    MachineState.FAULT,
    MachineState.WITHDRAWN,
)
_STOPPED: Final = (
    MachineState.LOCKED,
    MachineState.LOCKED_OUT,
    MachineState.FAULT,
    MachineState.WITHDRAWN,
)

TABLE: Final = Table(MachineState.UNINSTALLED, _rows())


def moved(state: MachineState, event: LifeEvent) -> MachineState:
    """Say where an event leads.

    Raises:
        NoTransitionError: The event has no place in this state.
    """
    return TABLE.row(state, event).to


class Silence(Enum):
    """How the time since the last complete dial-in is to be seen."""

    NONE = "none"
    WARN = "warn"
    TOO_LONG = "too long"


def silence_at(record: PsdRecord, now: EpochSeconds | None) -> Silence:
    """Judge the time since the last complete dial-in, in Indian calendar days.

    A last dial-in on day D warns from D+25 and blocks from 00:00 of D+31. What the
    clock has gone back by since then counts as time that has passed. Without a clock,
    or before the first dial-in, there is nothing to judge.
    """
    if now is None or not record.complete_at:
        return Silence.NONE
    passed = max(now, record.shown) + record.put_back_s
    today = business_date(EpochSeconds(passed))
    days = (today - business_date(record.complete_at)).days
    if days > parameter(MAX_SILENCE_DAYS, today):
        return Silence.TOO_LONG
    if days >= parameter(WARN_FROM_DAY, today):
        return Silence.WARN
    return Silence.NONE


def state_at(record: PsdRecord, now: EpochSeconds | None) -> MachineState:
    """Say in which state a machine is at a moment of its own clock."""
    if record.standing is not MachineState.IN_SERVICE:
        return record.standing
    if record.licence_state in _WITHHOLDING:
        return moved(record.standing, LicenceWithheld())
    if silence_at(record, now) is Silence.TOO_LONG:
        return moved(record.standing, SilentTooLong())
    return record.standing


_WITHHOLDING: Final = frozenset(
    {LicenceState.BLOCKED, LicenceState.WITHHELD, LicenceState.CANCELLED}
)
"""An expired licence is not among them: only its recharge ends (own reading)."""
