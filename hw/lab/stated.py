"""What the unit, or the bench as a machine, has stated of its registers."""

from dataclasses import dataclass

from hw.lab.machine_side import MachineSide
from hw.lab.server_side import ServerSide
from protocol.registers import Registers


@dataclass(frozen=True, slots=True)
class Stated:
    """What was stated at one moment.

    Attributes:
        registers: The registers.
        recharge_number: Number of the voucher applied last.
    """

    registers: Registers
    recharge_number: int


def stated_by(side: ServerSide | MachineSide) -> Stated:
    """Say what the machine of a dialogue has stated last, whichever end it is."""
    if isinstance(side, ServerSide):
        return Stated(side.book.registers, side.book.recharge_number)
    return Stated(side.memory.registers, side.memory.recharge_number)


def compared(before: Stated, after: Stated, moved_paise: int = 0) -> str:
    """Say what is wrong with registers, seen from those before.

    Args:
        before: What was stated before.
        after: What is stated now.
        moved_paise: By how much CT is to have changed; 0: nothing is to have changed.
    """
    expected = before.registers.control_total_paise + moved_paise
    if after.registers.control_total_paise != expected:
        return f"CT is {after.registers.control_total_paise}, not {expected}"
    if not moved_paise and after != before:
        return f"registers were {before}, and are {after}"
    return ""
