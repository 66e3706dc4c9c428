"""What a change of a licence does to the books, whoever decided it."""

from sqlalchemy import Connection

from protocol.messages import LicenceState
from protocol.values import LicenceIdentifier
from rmfs_server.keyring import CreditKeys
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import acts, licences, machines, recharges
from rmfs_server.store.acts import By
from rmfs_server.store.licences import Licence
from rmfs_server.vouchers import issue_void


def change_licence(
    connection: Connection, keys: CreditKeys, before: Licence, after: Licence, by: By
) -> None:
    """Change a licence that is locked; its machine is told in the next RECEIPT.

    Cancelling it also takes an outstanding voucher back.

    Raises:
        MoveRefusedError: It is cancelled for good.
    """
    identifier = before.identifier
    if before.state is LicenceState.CANCELLED:
        raise MoveRefusedError(f"licence {identifier} is cancelled for good")
    machine = machines.lock(connection, identifier)
    licences.change(connection, after)
    if after.state is LicenceState.CANCELLED and machine is not None:
        void_open(connection, keys, identifier, by)
    acts.add(
        connection,
        identifier,
        "set_licence",
        by,
        state=after.state.name,
        expires_on=after.expires_on.isoformat(),
        refund_allowed=after.refund_allowed,
        **{
            name: getattr(after, name)
            for name in ("number", "licensee", "kind")
            if getattr(after, name) != getattr(before, name)
        },
    )


def void_open(
    connection: Connection, keys: CreditKeys, identifier: LicenceIdentifier, by: By
) -> bytes | None:
    """Take the outstanding voucher of a machine back, if there is one.

    Returns:
        The octets of the VOID, the stored ones when there was one already.
    """
    opened = recharges.find_open(connection, identifier)
    enrolled = machines.find_enrolled(connection, identifier)
    machine = machines.find(connection, identifier)
    if opened is None or enrolled is None or machine is None:
        return None
    if opened.void is not None:
        return opened.void
    key = keys.signer_for(connection, machine, by.now)
    void = issue_void(key, enrolled.credential.credential_hash, opened, by.now)
    recharges.store_void(connection, opened, void, by.now)
    return void
