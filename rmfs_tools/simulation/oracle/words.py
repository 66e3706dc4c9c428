"""What a machine says of itself, compared with what it has stored.

Source:
    protocol/SPEC.md DLG-1.4, DLG-4.1, DLG-4.2, DLG-6.1.
"""

from rmfs_tools.simulation.observations import MachineStored
from rmfs_tools.simulation.oracle.messages import (
    KIND_NAMES,
    WITHDRAWAL,
    Confirmation,
    Statement,
)


def registers(stored: MachineStored) -> tuple[int, int, int, int, int, int]:
    """Give AR, DR, CT, items, items with zero and number."""
    return (
        stored.ascending_paise,
        stored.descending_paise,
        stored.control_total_paise,
        stored.items,
        stored.items_with_zero,
        stored.number,
    )


def differs_from(stored: MachineStored, message: Statement | Confirmation) -> str:
    """Say what a machine states that it has not stored, or nothing."""
    said = (
        message.licence,
        message.ascending_paise,
        message.descending_paise,
        message.control_total_paise,
        message.items,
        message.items_with_zero,
        message.number,
    )
    held = (stored.licence, *registers(stored))
    if said != held:
        return f"says {said}, has stored {held}"
    return _request_differs(stored, message) if isinstance(message, Statement) else ""


def _request_differs(stored: MachineStored, statement: Statement) -> str:
    pending = stored.pending
    said = (KIND_NAMES.get(statement.request), statement.amount_paise)
    # DLG-4.1: nobody looks at the amount of an inspection.
    wanted: tuple[str | None, int] = pending or (None, statement.amount_paise)
    if pending is not None and statement.request == WITHDRAWAL:
        # DLG-4.1: the whole of DR, whatever it was when it was asked for.
        wanted = (pending[0], stored.descending_paise)
    if said != wanted:
        return f"asks {said}, pending is {pending}"
    if statement.mark != stored.mark:
        return f"mark {statement.mark.hex()}, stored {stored.mark.hex()}"
    return ""
