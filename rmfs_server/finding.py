"""Finding what a person names, locked for the rest of the transaction."""

from sqlalchemy import Connection

from protocol.values import LicenceIdentifier
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import licences, machines
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Machine


def licence_of(connection: Connection, identifier: LicenceIdentifier) -> Licence:
    """Find a licence, and lock it.

    Raises:
        MoveRefusedError: There is none.
    """
    licence = licences.find(connection, identifier, lock=True)
    if licence is None:
        raise MoveRefusedError(f"there is no licence {identifier}")
    return licence


def machine_of(connection: Connection, identifier: LicenceIdentifier) -> Machine:
    """Find a machine, and lock it.

    Raises:
        MoveRefusedError: None is enrolled under this identifier.
    """
    machine = machines.lock(connection, identifier)
    if machine is None:
        raise MoveRefusedError(f"no machine is enrolled as {identifier}")
    return machine
