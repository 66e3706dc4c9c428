"""How a machine comes into the books: a licence is registered, its PSD enrolled.

A PSD may have had another life: that one has to be over, and is closed in the same
transaction (SPEC.md REG-10).
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection

from protocol.keys import CreditKey, MachineProvisioning
from protocol.messages import LicenceState
from protocol.registers import MachineState
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.finding import machine_of
from rmfs_server.keyring import CreditKeys
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import (
    acts,
    credit_keys,
    issued,
    ledger,
    licences,
    machines,
    recharges,
)
from rmfs_server.store.acts import By
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled, Machine, fenced
from rmfs_server.store.schema import JournalKind


@dataclass(frozen=True, slots=True)
class NewLicence:
    """What is known of a licence when its machine is enrolled."""

    number: LicenceNumber
    licensee: str
    expires_on: date
    kind: str = "COMMERCIAL"


def check_machine(
    provisioning: MachineProvisioning, keys: CreditKeys, credit_key: int | None
) -> None:
    """Check that a machine is one of this server, before anything is looked up.

    Args:
        provisioning: What the maker has signed of it.
        keys: Credit keys of this server.
        credit_key: Id of the one in its SERVER file, if it is named.

    Raises:
        MoveRefusedError: It is of another realm or key generation, or the credit key
            is not held here.
    """
    credential = provisioning.credential
    identifier = credential.licence_identifier
    if credit_key is not None and keys.find(credit_key) is None:
        message = f"credit key {credit_key} is not held by this server"
        raise MoveRefusedError(f"{message}: name the one in the machine's file")
    if credential.realm is not keys.first.realm:
        message = f"{identifier} is a machine of realm {credential.realm.name}"
        raise MoveRefusedError(f"{message}, this server is not")
    if credential.generation != 1:
        message = f"{identifier} comes with keys of generation"
        raise MoveRefusedError(f"{message} {credential.generation}: 1 is expected")


def enrol(
    connection: Connection,
    provisioning: MachineProvisioning,
    new: NewLicence,
    by: By,
    *,
    keys: CreditKeys,
    credit_key: int | None,
) -> Machine:
    """Enrol a machine that `check_machine` found good; see `Administration.enrol`.

    Raises:
        MoveRefusedError: The books speak against it.
    """
    credential = provisioning.credential
    identifier = credential.licence_identifier
    if machines.find_enrolled(connection, identifier) is not None:
        message = f"{identifier} was enrolled before and is never used again"
        raise MoveRefusedError(f"{message}: a new life needs a new identifier")
    licence = register(connection, identifier, new, by)
    if licence.state is LicenceState.CANCELLED:
        raise MoveRefusedError(f"licence {identifier} is cancelled")
    _check_issued(connection, provisioning)
    known = _key_of(connection, credential.psd_serial, keys, credit_key)
    for life in machines.lives_of(connection, credential.psd_serial):
        _end_life(connection, life, provisioning, by)
    machine = machines.add(connection, provisioning, known.key_id, by.now)
    credit_keys.register(connection, known, by.now)
    if machine.control_total_paise:
        _open_machine_account(connection, machine, by)
    acts.add(
        connection,
        identifier,
        "enrol",
        by,
        psd_serial=credential.psd_serial,
        control_total_paise=machine.control_total_paise,
        number=machine.number,
        credit_key=known.key_id,
    )
    return machine


def register(
    connection: Connection, identifier: LicenceIdentifier, new: NewLicence, by: By
) -> Licence:
    """Register a licence, or find it as it was registered.

    Raises:
        MoveRefusedError: It is registered with another number or licensee.
    """
    found = licences.find(connection, identifier, lock=True)
    if found is not None:
        if (found.number, found.licensee) != (new.number, new.licensee):
            message = f"{identifier} is registered as {found.number}, {found.licensee}"
            raise MoveRefusedError(message)
        return found
    licence = Licence(
        identifier,
        new.number,
        new.licensee,
        new.kind,
        LicenceState.REGISTERED,
        new.expires_on,
        refund_allowed=False,
    )
    licences.add(connection, licence, by.now)
    acts.add(connection, identifier, "register", by, number=new.number)
    return licence


def _check_issued(connection: Connection, provisioning: MachineProvisioning) -> None:
    """See that the Department has issued the licence for this machine, if it said."""
    credential = provisioning.credential
    identifier = credential.licence_identifier
    said = issued.find(connection, identifier)
    if said is not None and said.credential not in (None, credential.ccs):
        message = f"the Department has issued {identifier} for another machine"
        raise MoveRefusedError(
            f"{message}: enrol that one, or have the licence changed"
        )


def _key_of(
    connection: Connection, psd_serial: str, keys: CreditKeys, credit_key: int | None
) -> CreditKey:
    """Choose the key to enrol a PSD with: one that it was not told to forget."""
    held = credit_keys.held_by(connection, psd_serial)
    wanted = credit_key
    if wanted is None:
        here = [one for one in held if keys.find(one) is not None]
        wanted = max(here, default=keys.first.key_id)
    key = keys.find(wanted)
    if key is None or (held and wanted not in held):
        message = f"PSD {psd_serial} is not known to hold credit key {wanted}"
        words = ", ".join(str(one) for one in sorted(held)) or "none"
        raise MoveRefusedError(f"{message} after its earlier lives: it holds {words}")
    return key


def _end_life(
    connection: Connection, life: Enrolled, provisioning: MachineProvisioning, by: By
) -> None:
    """Revoke what is left of a PSD's earlier life, if that life is over."""
    identifier = life.credential.licence_identifier
    machine = machine_of(connection, identifier)
    serial = life.credential.psd_serial
    if life.active and machine.state is not MachineState.WITHDRAWN:
        message = f"PSD {serial} is in use as {identifier}"
        raise MoveRefusedError(
            f"{message}: withdraw it or revoke it first; where these books are an old "
            f"copy, rmfs server resolve {identifier} --next-life FILE"
        )
    if recharges.find_open(connection, identifier) is not None:
        message = f"a voucher of {identifier} is outstanding on PSD {serial}"
        raise MoveRefusedError(f"{message}: settle it first")
    if provisioning.descending_paise:
        message = f"PSD {serial} holds {provisioning.descending_paise} paise of its"
        raise MoveRefusedError(
            f"{message} life as {identifier}: withdraw them first, or, where its keys "
            "are revoked, settle with the Department and give the PSD back to its maker"
        )
    before = machine.registers
    if (
        provisioning.ascending_paise < before.ascending_paise
        or provisioning.items < before.items
        or provisioning.items + provisioning.zero_items < before.items_with_zero
        or provisioning.recharge_number < machine.number
    ):
        message = f"AR, items or recharge number of PSD {serial} went back"
        raise MoveRefusedError(f"{message} since its life as {identifier}")
    withdrawn = machine.state is MachineState.WITHDRAWN
    if not withdrawn and provisioning.recharge_number > machine.number:
        # What it applied beyond the books would be lost with its old licence.
        message = f"PSD {serial} applied vouchers as {identifier} that are not in"
        raise MoveRefusedError(
            f"{message} these books: rmfs server resolve {identifier} --next-life FILE"
        )
    machines.revoke(connection, identifier, by.now)
    machines.change(connection, fenced(machine))


def _open_machine_account(connection: Connection, machine: Machine, by: By) -> None:
    amount = machine.control_total_paise
    ledger.post(
        connection,
        idem=f"enrol:{machine.licence}",
        request_hash=ledger.request_hash("enrol", machine.licence, amount),
        kind=JournalKind.ENROL,
        entries=[
            (ledger.DEPARTMENT, -amount),
            (ledger.machine_of(machine.licence), amount),
        ],
        now=by.now,
        reason="control total at enrolment",
        person=by.person,
    )
