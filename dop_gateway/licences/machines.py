"""The machine of a licence moves as the files of its maker tell (domain notes, 6.5).

Files come three times a day and tell where a machine stands, not how it came there: it
is moved along the shortest way that its life-cycle has.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from dop_gateway.identity.model import By
from dop_gateway.licences import history, store
from dop_gateway.licences.changes_model import Axis
from dop_gateway.licences.lifecycle import MACHINE, MachineMove
from dop_gateway.licences.model import Licence, MachineState
from dop_gateway.moves import IllegalMoveError, Move, mover
from protocol import registers
from protocol.values import LicenceIdentifier

_TOLD: Final[Mapping[registers.MachineState, MachineState]] = {
    registers.MachineState.UNINSTALLED: MachineState.UNINSTALLED,
    registers.MachineState.INSTALLED: MachineState.INSTALLED,
    registers.MachineState.IN_SERVICE: MachineState.IN_SERVICE,
    registers.MachineState.BLOCKED: MachineState.BLOCKED,
    registers.MachineState.LOCKED: MachineState.LOCKED_OUT,
    registers.MachineState.LOCKED_OUT: MachineState.LOCKED_OUT,
    registers.MachineState.FAULT: MachineState.FAULT,
    registers.MachineState.WITHDRAWN: MachineState.WITHDRAWN,
}
"""What a STATEMENT tells; WITHHELD is not in it: it repeats what the licence is."""

Row = Move[MachineState, MachineMove, object]


def report(
    connection: Connection,
    identifier: LicenceIdentifier,
    told: registers.MachineState,
    by: By,
) -> Licence:
    """Take over the situation that a machine told of itself.

    Args:
        connection: To the database, writing.
        identifier: The licence.
        told: As in the STATEMENT of its last call.
        by: The program that has read it.

    Raises:
        NotFoundError: There is no such licence.
        IllegalMoveError: No way leads there, as out of CANCELLED.
    """
    found = store.get(connection, identifier, lock=True)
    wanted = _TOLD.get(told, found.machine_state)
    for row in _way(found.machine_state, wanted):
        found = _make(connection, found, row.named, by)
    return found


def cancel(connection: Connection, found: Licence, ended: Licence, by: By) -> Licence:
    """Write a licence that is ended: its machine ends with it, in one statement."""
    return _make(connection, found, MachineMove.CANCEL, by, ended)


def _make(
    connection: Connection,
    found: Licence,
    event: MachineMove,
    by: By,
    beside: Licence | None = None,
) -> Licence:
    to = MACHINE.move(found.machine_state, event, mover(by.actor, ()), found, {})
    changed = replace(found if beside is None else beside, machine_state=to)
    store.put(connection, changed)
    history.add(
        connection,
        Axis.MACHINE,
        found.identifier,
        event,
        by,
        from_state=found.machine_state,
        to_state=to,
    )
    return changed


def _way(state: MachineState, wanted: MachineState) -> tuple[Row, ...]:
    """Find the shortest way from one state to another, cancelling nothing."""
    ways: dict[MachineState, tuple[Row, ...]] = {state: ()}
    reached = [state]
    for one in reached:
        for row in MACHINE.moves:
            if row.state is one and row.to not in ways:
                ways[row.to] = (*ways[one], row)
                reached.append(row.to)
    if wanted not in ways:
        named = next(row.named for row in MACHINE.moves if row.to is wanted)
        raise IllegalMoveError(state, named, MACHINE.possible(state))
    return ways[wanted]
