"""What people do to the books: each move in one transaction, with who and why.

Every move locks in the order licence, machine, accounts, records an act beside what it
changes, and says in its refusal what to do instead. What ends a freeze is in
`rmfs_server.resolving`.

Source: design section 4, nos. 5 and 7; SPEC.md REG-7.2, REG-10, DLG-10.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import Connection

from protocol.errors import RmfsError
from protocol.keys import CreditKey, MachineProvisioning
from protocol.messages import LicenceState, OrderKind
from protocol.registers import MachineState
from protocol.values import U32_MAX, LicenceIdentifier, LicenceNumber, OrderSerial
from rmfs_server.store import (
    Store,
    acts,
    credit_keys,
    ledger,
    licences,
    machines,
    orders,
    recharges,
)
from rmfs_server.store.acts import By
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.schema import JournalKind
from rmfs_server.vouchers import issue_void

ORDERS_OFFERED: Final = (
    OrderKind.CLOCK,
    OrderKind.LOCK,
    OrderKind.UNLOCK,
    OrderKind.NEXT_CALL,
)
"""The others have numbers but no layout yet (SPEC.md DLG-10.6)."""

ORDER_VALUE_MAX: Final = {
    OrderKind.CLOCK: U32_MAX,
    OrderKind.LOCK: 2**63 - 1,
    OrderKind.UNLOCK: 2**63 - 1,
    OrderKind.NEXT_CALL: U32_MAX,
}
"""Times as SPEC.md DLG-10.3 and DLG-10.5 say; a reason as far as a database goes."""


class MoveRefusedError(RmfsError):
    """What a person asked is not possible; the words say why and what to do."""


@dataclass(frozen=True, slots=True)
class NewLicence:
    """What is known of a licence when its machine is enrolled."""

    number: LicenceNumber
    licensee: str
    expires_on: date
    kind: str = "COMMERCIAL"


class Administration:
    """The moves of operators; `by` says who, why and when."""

    def __init__(self, store: Store, credit_key: CreditKey) -> None:
        """Act on the books in `store`; VOIDs are signed with `credit_key`."""
        self._store = store
        self._credit_key = credit_key

    def register(
        self, identifier: LicenceIdentifier, new: NewLicence, by: By
    ) -> Licence:
        """Register a licence, or find it as it was registered.

        Raises:
            MoveRefusedError: It is registered with another number or licensee.
        """
        with self._writing("register") as connection:
            return _register(connection, identifier, new, by)

    def enrol(
        self, provisioning: MachineProvisioning, new: NewLicence, by: By
    ) -> Machine:
        """Enrol a machine under a licence identifier that was never used.

        A PSD that had another life must have ended it: withdrawn or revoked, no value
        left, nothing open; its old credential is revoked in the same transaction
        (SPEC.md REG-10).

        Raises:
            MoveRefusedError: The identifier was used before, the PSD is still in use
                or holds value of an earlier life, its registers or number went back,
                or it is of another realm or key generation.
        """
        credential = provisioning.credential
        identifier = credential.licence_identifier
        if credential.realm is not self._credit_key.realm:
            message = f"{identifier} is a machine of realm {credential.realm.name}"
            raise MoveRefusedError(f"{message}, this server is not")
        if credential.generation != 1:
            message = f"{identifier} comes with keys of generation"
            raise MoveRefusedError(f"{message} {credential.generation}: 1 is expected")
        with self._writing("enrol") as connection:
            if machines.find_enrolled(connection, identifier) is not None:
                message = f"{identifier} was enrolled before and is never used again"
                raise MoveRefusedError(f"{message}: a new life needs a new identifier")
            licence = _register(connection, identifier, new, by)
            if licence.state is LicenceState.CANCELLED:
                raise MoveRefusedError(f"licence {identifier} is cancelled")
            for life in machines.lives_of(connection, credential.psd_serial):
                _end_life(connection, life, provisioning, by)
            machine = machines.add(connection, provisioning, by.now)
            credit_keys.register(connection, self._credit_key, by.now)
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
            )
            return machine

    def set_licence(
        self,
        identifier: LicenceIdentifier,
        by: By,
        *,
        state: LicenceState | None = None,
        expires_on: date | None = None,
        refund_allowed: bool | None = None,
    ) -> Licence:
        """Change a licence; cancelling it also takes an outstanding voucher back.

        Raises:
            MoveRefusedError: There is no such licence, or it is cancelled for good.
        """
        with self._writing("set_licence") as connection:
            licence = _licence(connection, identifier)
            if licence.state is LicenceState.CANCELLED:
                raise MoveRefusedError(f"licence {identifier} is cancelled for good")
            machine = machines.lock(connection, identifier)
            changed = replace(
                licence,
                state=licence.state if state is None else state,
                expires_on=licence.expires_on if expires_on is None else expires_on,
                refund_allowed=licence.refund_allowed
                if refund_allowed is None
                else refund_allowed,
            )
            licences.change(connection, changed)
            if changed.state is LicenceState.CANCELLED and machine is not None:
                self._void(connection, identifier, by)
            acts.add(
                connection,
                identifier,
                "set_licence",
                by,
                state=changed.state.name,
                expires_on=changed.expires_on.isoformat(),
                refund_allowed=changed.refund_allowed,
            )
            return changed

    def revoke(self, identifier: LicenceIdentifier, by: By) -> None:
        """Never believe this machine's keys again; a running call is fenced off.

        An outstanding voucher stays reserved: the PSD may have applied it already.

        Raises:
            MoveRefusedError: There is no such machine.
        """
        with self._writing("revoke") as connection:
            machine = _machine(connection, identifier)
            machines.revoke(connection, identifier, by.now)
            machines.change(connection, fenced(machine))
            acts.add(connection, identifier, "revoke", by)

    def order(
        self, identifier: LicenceIdentifier, kind: OrderKind, value: int, by: By
    ) -> OrderSerial:
        """Give a machine an order, sent from its next dial-in on.

        Args:
            identifier: Its licence identifier.
            kind: One of `ORDERS_OFFERED`.
            value: As SPEC.md DLG-10 says; 0 for a CLOCK means the time of sending.
            by: Who, why and when.

        Raises:
            MoveRefusedError: There is no such machine, the kind is not offered, or the
                value does not fit it.
        """
        if kind not in ORDERS_OFFERED:
            raise MoveRefusedError(f"{kind.name} is not offered by this version")
        check_order_value(kind, value)
        with self._writing("order") as connection:
            machine = _machine(connection, identifier)
            serial = orders.add(
                connection,
                identifier,
                kind,
                value,
                by.now,
                applied=machine.order_serial,
            )
            acts.add(
                connection,
                identifier,
                "order",
                by,
                kind=kind.name,
                value=value,
                serial=serial,
            )
            return serial

    def void(self, identifier: LicenceIdentifier, by: By) -> bytes:
        """Take the outstanding voucher back: from now on its VOID is sent.

        The funds stay reserved until the machine's CT tells which of the two it
        applied.

        Returns:
            The octets of the VOID, the stored ones when there was one already.

        Raises:
            MoveRefusedError: There is no such machine, or nothing is outstanding.
        """
        with self._writing("void") as connection:
            _licence(connection, identifier)
            _machine(connection, identifier)
            void = self._void(connection, identifier, by)
            if void is None:
                raise MoveRefusedError(f"nothing is outstanding for {identifier}")
            acts.add(connection, identifier, "void", by)
            return void

    def _void(
        self, connection: Connection, identifier: LicenceIdentifier, by: By
    ) -> bytes | None:
        opened = recharges.find_open(connection, identifier)
        enrolled = machines.find_enrolled(connection, identifier)
        if opened is None or enrolled is None:
            return None
        if opened.void is not None:
            return opened.void
        credit_keys.register(connection, self._credit_key, by.now)
        void = issue_void(
            self._credit_key, enrolled.credential.credential_hash, opened, by.now
        )
        recharges.store_void(connection, opened, void, by.now)
        return void

    def _writing(self, name: str) -> AbstractContextManager[Connection]:
        return self._store.writing(name)


def check_order_value(kind: OrderKind, value: int) -> None:
    """Check what an order carries before anything is stored: it could not be sent.

    Raises:
        MoveRefusedError: It is below 0 or above what the kind allows.
    """
    highest = ORDER_VALUE_MAX[kind]
    if not 0 <= value <= highest:
        message = f"the value of {kind.name} is {value}"
        raise MoveRefusedError(f"{message}: it must be from 0 to {highest}")


def fenced(machine: Machine) -> Machine:
    """Let no running call write anything more for this machine."""
    return replace(machine, call_generation=machine.call_generation + 1)


def _register(
    connection: Connection, identifier: LicenceIdentifier, new: NewLicence, by: By
) -> Licence:
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


def _licence(connection: Connection, identifier: LicenceIdentifier) -> Licence:
    licence = licences.find(connection, identifier, lock=True)
    if licence is None:
        raise MoveRefusedError(f"there is no licence {identifier}")
    return licence


def _machine(connection: Connection, identifier: LicenceIdentifier) -> Machine:
    machine = machines.lock(connection, identifier)
    if machine is None:
        raise MoveRefusedError(f"no machine is enrolled as {identifier}")
    return machine


def _end_life(
    connection: Connection, life: Enrolled, provisioning: MachineProvisioning, by: By
) -> None:
    """Revoke what is left of a PSD's earlier life, if that life is over."""
    identifier = life.credential.licence_identifier
    machine = _machine(connection, identifier)
    serial = life.credential.psd_serial
    if life.active and machine.state is not MachineState.WITHDRAWN:
        message = f"PSD {serial} is in use as {identifier}"
        raise MoveRefusedError(f"{message}: withdraw it or revoke it first")
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
