"""Gathering evidence from the books."""

from sqlalchemy import Connection

from protocol.keys import Point
from protocol.messages import Voucher
from protocol.values import LicenceIdentifier
from rmfs_server.evidence.contents import (
    CREDIT_KEY,
    MACHINE_KEY,
    SETTLED,
    STATEMENT,
    VOID,
    VOID_KEY,
    VOUCHER,
    Signed,
    files_of,
)
from rmfs_server.evidence.folder import EvidenceError
from rmfs_server.store import credit_keys, machines, messages, recharges
from rmfs_server.store.recharges import Recharge


def collect(
    connection: Connection, licence: LicenceIdentifier, number: int | None = None
) -> dict[str, bytes]:
    """Gather the evidence of a recharge, or of the last one of a machine.

    Returns:
        The files of the folder by name.

    Raises:
        EvidenceError: There is no such recharge.
    """
    enrolled = machines.find_enrolled(connection, licence)
    recharge = _find(connection, licence, number)
    if enrolled is None or recharge is None:
        wanted = "any recharge" if number is None else f"recharge {number}"
        raise EvidenceError(f"the books do not know {wanted} of {licence}")
    keys = {CREDIT_KEY: _credit_key(connection, recharge.voucher)}
    parts = {VOUCHER: Signed(recharge.voucher)}
    if recharge.void is not None:
        parts[VOID] = Signed(recharge.void)
        void_key = _credit_key(connection, recharge.void)
        if void_key != keys[CREDIT_KEY]:
            keys[VOID_KEY] = void_key
    for part, digest in (
        (STATEMENT, recharge.requested_in),
        (SETTLED, recharge.settled_in),
    ):
        heard = None if digest is None else messages.find(connection, digest)
        if heard is not None:
            parts[part] = Signed(heard.signed.octets, heard.signed.binding)
    credential = enrolled.credential
    return files_of(
        parts,
        credential.realm,
        credential.ccs,
        {MACHINE_KEY: credential.signing.point, **keys},
    )


def _find(
    connection: Connection, licence: LicenceIdentifier, number: int | None
) -> Recharge | None:
    if number is not None:
        return recharges.find(connection, licence, number)
    every = recharges.all_of(connection, licence)
    return every[-1] if every else None


def _credit_key(connection: Connection, octets: bytes) -> Point:
    key_id = Voucher.decode(octets).credit_key
    key = credit_keys.find(connection, key_id)
    if key is None:
        raise EvidenceError(f"credit key {key_id} is not in the books")
    return key.point
