"""What people do to the books: each move in one transaction, with who and why.

Every move locks in the order licence, machine, accounts, records an act beside what it
changes, and says in its refusal what to do instead. What is looked at before a machine
comes into the books is in `rmfs_server.enrolling`, before it is ordered something in
`rmfs_server.ordering`. What ends a freeze is in `rmfs_server.resolving`.

Source: design section 4, nos. 5 and 7; SPEC.md REG-7.2, REG-10, DLG-10.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date

from sqlalchemy import Connection

from hw.database import Store
from protocol.keys import CreditKey, MachineProvisioning
from protocol.messages import LicenceState, OrderKind
from protocol.values import LicenceIdentifier, OrderSerial
from rmfs_server.changing import change_licence, void_open
from rmfs_server.contents import OrderedContent
from rmfs_server.enrolling import NewLicence, check_machine, enrol, register
from rmfs_server.finding import licence_of, machine_of
from rmfs_server.keyring import CreditKeys, FindKey, no_later_key
from rmfs_server.ordering import (
    add_content_order,
    add_order,
    check_order_value,
    take_back,
)
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import acts, machines
from rmfs_server.store.acts import By
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Machine, fenced
from rmfs_server.store.orders import StoredOrder


class Administration:
    """The moves of operators; `by` says who, why and when."""

    def __init__(
        self,
        store: Store,
        credit_key: CreditKey,
        later_keys: FindKey = no_later_key,
    ) -> None:
        """Act on the books.

        Args:
            store: Where they are.
            credit_key: The key with which machines are enrolled; it signs VOIDs.
            later_keys: Finds the credit keys that sign for machines that know them.
        """
        self._store = store
        self._keys = CreditKeys(credit_key, later_keys)

    def register(
        self, identifier: LicenceIdentifier, new: NewLicence, by: By
    ) -> Licence:
        """Register a licence, or find it as it was registered.

        Raises:
            MoveRefusedError: It is registered with another number or licensee.
        """
        with self._writing("register") as connection:
            return register(connection, identifier, new, by)

    def enrol(
        self,
        provisioning: MachineProvisioning,
        new: NewLicence,
        by: By,
        credit_key: int | None = None,
    ) -> Machine:
        """Enrol a machine under a licence identifier that was never used.

        A PSD that had another life must have ended it: withdrawn or revoked, no value
        left, nothing open; its old credential is revoked in the same transaction
        (SPEC.md REG-10).

        Args:
            provisioning: What the maker has signed of it.
            new: Its licence.
            by: Who, why and when.
            credit_key: Id of the credit key in the SERVER file that it was made with.
                When left out, the first one of this server; for a PSD that had another
                life, the newest that it still holds.

        Raises:
            MoveRefusedError: The identifier was used before, the PSD is still in use
                or holds value of an earlier life, its registers or number went back,
                it is of another realm or key generation, or the credit key is not held
                here, or not by a PSD that had another life.
        """
        check_machine(provisioning, self._keys, credit_key)
        with self._writing("enrol") as connection:
            return enrol(
                connection,
                provisioning,
                new,
                by,
                keys=self._keys,
                credit_key=credit_key,
            )

    def enrol_all(
        self, papers: Iterable[tuple[MachineProvisioning, NewLicence]], by: By
    ) -> None:
        """Enrol machines as `enrol` does, all in one transaction.

        Where the books are a SQLite file nobody else writes meanwhile: give it few
        enough at a time, a hundred say.

        Raises:
            MoveRefusedError: As for `enrol`; then none is enrolled.
        """
        checked = list(papers)
        for provisioning, _ in checked:
            check_machine(provisioning, self._keys, None)
        with self._writing("enrol") as connection:
            for provisioning, new in checked:
                enrol(
                    connection,
                    provisioning,
                    new,
                    by,
                    keys=self._keys,
                    credit_key=None,
                )

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
            licence = licence_of(connection, identifier)
            changed = replace(
                licence,
                state=licence.state if state is None else state,
                expires_on=licence.expires_on if expires_on is None else expires_on,
                refund_allowed=licence.refund_allowed
                if refund_allowed is None
                else refund_allowed,
            )
            change_licence(connection, self._keys, licence, changed, by)
            return changed

    def revoke(self, identifier: LicenceIdentifier, by: By) -> None:
        """Never believe this machine's keys again; a running call is fenced off.

        An outstanding voucher stays reserved: the PSD may have applied it already.

        Raises:
            MoveRefusedError: There is no such machine.
        """
        with self._writing("revoke") as connection:
            machine = machine_of(connection, identifier)
            machines.revoke(connection, identifier, by.now)
            machines.change(connection, fenced(machine))
            acts.add(connection, identifier, "revoke", by)

    def order(
        self,
        identifier: LicenceIdentifier,
        kind: OrderKind,
        value: int,
        by: By,
        *,
        repeat: bool = True,
    ) -> OrderSerial:
        """Give a machine an order, sent from its next dial-in on.

        Args:
            identifier: Its licence identifier.
            kind: One of `ORDER_VALUES`.
            value: As SPEC.md DLG-10 says; 0 for a CLOCK means the time of sending.
            by: Who, why and when.
            repeat: Give it even where the same order waits as the last one.

        Raises:
            AlreadyWaitingError: It is the last order of the machine, and still waits.
            MoveRefusedError: There is no such machine, the kind cannot be ordered with
                a value, the value does not fit it, the credit key that is to be
                retired is still needed, or no serial is left.
        """
        check_order_value(kind, value)
        with self._writing("order") as connection:
            return add_order(connection, identifier, kind, value, by, repeat=repeat)

    def order_content(
        self,
        identifier: LicenceIdentifier,
        ordered: OrderedContent,
        by: By,
        *,
        repeat: bool = True,
    ) -> OrderSerial:
        """Give a machine an order that brings a content, which is kept for it.

        Args:
            identifier: Its licence identifier.
            ordered: A content that was read and verified for this server.
            by: Who, why and when.
            repeat: Give it even where the same order waits as the last one.

        Raises:
            AlreadyWaitingError: It is the last order of the machine, and still waits.
            MoveRefusedError: There is no such machine, the content is for another
                model or realm, or its credit key is not held here, or the PSD has no
                room for it.
            NotNewerError: The machine runs this firmware already, or a newer one.
        """
        with self._writing("order") as connection:
            return add_content_order(
                connection, identifier, ordered, by, self._keys, repeat=repeat
            )

    def take_back(
        self, identifier: LicenceIdentifier, serial: OrderSerial, by: By
    ) -> StoredOrder:
        """Take an order back: from now on NOTHING is sent under its serial.

        Returns:
            The order as it was. One that was sent before may be applied all the same;
            what the machine acknowledges does not say which of the two it took.

        Raises:
            MoveRefusedError: There is no such order, the machine has acknowledged it,
                or it was taken back before.
        """
        with self._writing("take_back") as connection:
            return take_back(connection, identifier, serial, by)

    def machines_in_use(self) -> list[LicenceIdentifier]:
        """Name every machine that may dial in: not revoked, and not withdrawn."""
        with self._store.reading() as connection:
            return machines.in_use(connection)

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
            licence_of(connection, identifier)
            machine_of(connection, identifier)
            void = void_open(connection, self._keys, identifier, by)
            if void is None:
                raise MoveRefusedError(f"nothing is outstanding for {identifier}")
            acts.add(connection, identifier, "void", by)
            return void

    def _writing(self, name: str) -> AbstractContextManager[Connection]:
        return self._store.writing(name)
