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

from protocol.contents import ContentKind
from protocol.contents.slogan import SLOGAN_NUMBER_MAX
from protocol.keys import CreditKey, MachineProvisioning
from protocol.keys.identities import CREDIT_KEY_ID_MAX
from protocol.messages import CONTENT_ORDERS, LicenceState, OrderKind, Voucher
from protocol.registers import MachineState
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    LicenceIdentifier,
    LicenceNumber,
    OrderSerial,
)
from rmfs_server.contents import OrderedContent
from rmfs_server.keyring import CreditKeys, FindKey, no_later_key
from rmfs_server.refusals import (
    AlreadyWaitingError,
    MoveRefusedError,
    NotNewerError,
)
from rmfs_server.store import (
    Store,
    acts,
    contents,
    credit_keys,
    ledger,
    licences,
    machines,
    messages,
    orders,
    recharges,
)
from rmfs_server.store.acts import By
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.orders import StoredOrder
from rmfs_server.store.schema import JournalKind
from rmfs_server.vouchers import issue_void

ORDER_VALUES: Final = {
    OrderKind.CLOCK: range(U32_MAX + 1),
    OrderKind.LOCK: range(2**63),
    OrderKind.UNLOCK: range(2**63),
    OrderKind.NEXT_CALL: range(U32_MAX + 1),
    OrderKind.FRANK_LIMIT: range(AMOUNT_PAISE_MAX + 1),
    OrderKind.FUNDS_LIMIT: range(AMOUNT_PAISE_MAX + 1),
    OrderKind.RETIRE_CREDIT_KEY: range(CREDIT_KEY_ID_MAX + 1),
    OrderKind.SLOGAN_OFF: range(1, SLOGAN_NUMBER_MAX + 1),
}
"""What may be ordered with a value, and which (SPEC.md DLG-10).

A reason goes as far as a database does. NOTHING is no order but one that was taken
back; what brings a content is ordered with `Administration.order_content`.
"""

CREDIT_KEYS_PER_PSD: Final = 4
"""As many as every PSD of this maker has room for."""


@dataclass(frozen=True, slots=True)
class NewLicence:
    """What is known of a licence when its machine is enrolled."""

    number: LicenceNumber
    licensee: str
    expires_on: date
    kind: str = "COMMERCIAL"


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
            return _register(connection, identifier, new, by)

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
        credential = provisioning.credential
        identifier = credential.licence_identifier
        first = self._keys.first
        if credit_key is not None and self._keys.find(credit_key) is None:
            message = f"credit key {credit_key} is not held by this server"
            raise MoveRefusedError(f"{message}: name the one in the machine's file")
        if credential.realm is not first.realm:
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
            known = self._key_of(connection, credential.psd_serial, credit_key)
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
            machine = _machine(connection, identifier)
            if kind is OrderKind.RETIRE_CREDIT_KEY:
                _check_retirement(connection, machine, value)
            return _add_order(connection, machine, kind, value, by, repeat=repeat)

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
        content = ordered.content
        with self._writing("order") as connection:
            machine = _machine(connection, identifier)
            enrolled = machines.find_enrolled(connection, identifier)
            if enrolled is None:
                raise MoveRefusedError(f"no machine is enrolled as {identifier}")
            if content.model not in ("", enrolled.model):
                message = f"{ordered.name} is for machines of model {content.model}"
                raise MoveRefusedError(f"{message}: {identifier} is {enrolled.model}")
            realm = enrolled.credential.realm
            if content.realm is not realm:
                message = f"{ordered.name} is of realm {content.realm.name}"
                raise MoveRefusedError(f"{message}: {identifier} is of {realm.name}")
            ordered.check_credit_key(self._keys)
            if content.kind is ContentKind.CREDIT_KEY:
                _check_room(connection, machine, content.number)
            if content.kind is ContentKind.FIRMWARE:
                _check_newer(connection, machine, content.number)
            stored = contents.add(connection, content, ordered.name, by.now)
            kind, value = stored.kind, stored.content_id
            return _add_order(connection, machine, kind, value, by, repeat=repeat)

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
            _machine(connection, identifier)
            found = orders.find(connection, identifier, serial)
            if found is None:
                raise MoveRefusedError(f"{identifier} has no order {serial}")
            if found.acknowledged_at is not None:
                message = f"{identifier} has acknowledged order {serial}"
                raise MoveRefusedError(f"{message}: give another order that undoes it")
            if found.taken_back_at is not None:
                raise MoveRefusedError(f"order {serial} was taken back before")
            orders.take_back(connection, identifier, serial, by.now)
            acts.add(
                connection,
                identifier,
                "take_back",
                by,
                kind=found.order.order.name,
                **told_value(found.order.order, found.order.value),
                serial=serial,
                was_sent=found.sent_at is not None,
            )
            return found

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
            _licence(connection, identifier)
            _machine(connection, identifier)
            void = self._void(connection, identifier, by)
            if void is None:
                raise MoveRefusedError(f"nothing is outstanding for {identifier}")
            acts.add(connection, identifier, "void", by)
            return void

    def _key_of(
        self, connection: Connection, psd_serial: str, credit_key: int | None
    ) -> CreditKey:
        """Choose the key to enrol a PSD with: one that it was not told to forget."""
        held = credit_keys.held_by(connection, psd_serial)
        wanted = credit_key
        if wanted is None:
            here = [one for one in held if self._keys.find(one) is not None]
            wanted = max(here, default=self._keys.first.key_id)
        key = self._keys.find(wanted)
        if key is None or (held and wanted not in held):
            message = f"PSD {psd_serial} is not known to hold credit key {wanted}"
            words = ", ".join(str(one) for one in sorted(held)) or "none"
            raise MoveRefusedError(
                f"{message} after its earlier lives: it holds {words}"
            )
        return key

    def _void(
        self, connection: Connection, identifier: LicenceIdentifier, by: By
    ) -> bytes | None:
        opened = recharges.find_open(connection, identifier)
        enrolled = machines.find_enrolled(connection, identifier)
        machine = machines.find(connection, identifier)
        if opened is None or enrolled is None or machine is None:
            return None
        if opened.void is not None:
            return opened.void
        key = self._keys.signer_for(connection, machine, by.now)
        void = issue_void(key, enrolled.credential.credential_hash, opened, by.now)
        recharges.store_void(connection, opened, void, by.now)
        return void

    def _writing(self, name: str) -> AbstractContextManager[Connection]:
        return self._store.writing(name)


def check_order_value(kind: OrderKind, value: int) -> None:
    """Check what an order carries before anything is stored: it could not be sent.

    Raises:
        MoveRefusedError: It is not what the kind allows, or the kind takes no value.
    """
    allowed = ORDER_VALUES.get(kind)
    if allowed is None:
        brings = "it brings a content" if kind in CONTENT_ORDERS else "take one back"
        raise MoveRefusedError(f"{kind.name} is not ordered with a value: {brings}")
    if value not in allowed:
        message = f"the value of {kind.name} is {value}"
        first, last = allowed[0], allowed[-1]
        raise MoveRefusedError(f"{message}: it must be from {first} to {last}")


def told_value(kind: OrderKind, value: int) -> dict[str, int | str]:
    """Name the value of an order; a content id in hex, as it is shown everywhere."""
    if kind in CONTENT_ORDERS:
        return {"content": f"{value:016x}"}
    return {"value": value}


def fenced(machine: Machine) -> Machine:
    """Let no running call write anything more for this machine."""
    return replace(machine, call_generation=machine.call_generation + 1)


def _add_order(
    connection: Connection,
    machine: Machine,
    kind: OrderKind,
    value: int,
    by: By,
    *,
    repeat: bool,
) -> OrderSerial:
    waiting = None if repeat else orders.last_waiting(connection, machine.licence)
    if waiting is not None and (waiting.order, waiting.value) == (kind, value):
        message = f"order {waiting.order_serial} of {machine.licence}"
        raise AlreadyWaitingError(f"{message} is the same, and still waits")
    serial = orders.add(
        connection,
        machine.licence,
        kind,
        value,
        by.now,
        applied=machine.order_serial,
    )
    if serial is None:
        message = f"no serial is left for an order to {machine.licence}"
        raise MoveRefusedError(
            f"{message}: withdraw the machine and re-initialise it under a new licence"
        )
    acts.add(
        connection,
        machine.licence,
        "order",
        by,
        kind=kind.name,
        **told_value(kind, value),
        serial=serial,
    )
    return serial


def _check_retirement(connection: Connection, machine: Machine, key_id: int) -> None:
    """Check that nothing signed by a key is outstanding, and that one is left."""
    licence = machine.licence
    known = credit_keys.known_to(connection, machine)
    if key_id not in known:
        message = f"{licence} is not known to hold credit key {key_id}"
        words = ", ".join(str(one) for one in sorted(known)) or "none"
        raise MoveRefusedError(f"{message}: it holds {words}")
    if known == {key_id}:
        message = f"credit key {key_id} is the last that {licence} holds"
        raise MoveRefusedError(
            f"{message}: order another one, and wait until that is acknowledged"
        )
    opened = recharges.find_open(connection, licence)
    for octets in () if opened is None else (opened.voucher, opened.void):
        if octets is not None and Voucher.decode(octets).credit_key == key_id:
            message = (
                f"credit key {key_id} has signed what is outstanding for {licence}"
            )
            raise MoveRefusedError(f"{message}: wait until it is settled")


def _check_room(connection: Connection, machine: Machine, key_id: int) -> None:
    """Check that a PSD has room for one key more: it would stand still in its orders.

    What an order that still waits brings is counted, what one retires is not.
    """
    known = credit_keys.known_to(connection, machine)
    coming = {
        one.number
        for one in orders.all_of(connection, machine.licence, [OrderKind.CREDIT_KEY])
        if one.acknowledged_at is None and one.taken_back_at is None
    }
    if len(known | coming | {key_id}) > CREDIT_KEYS_PER_PSD:
        message = f"{machine.licence} holds {len(known | coming)} credit keys"
        raise MoveRefusedError(
            f"{message}, and there is no room for more: order retire-credit-key first"
        )


def _check_newer(connection: Connection, machine: Machine, version: int) -> None:
    """Check that a firmware is above the one that the machine named last.

    A machine passes an older one over, or, with an older firmware, waits with it and
    with all orders behind it.
    """
    told = messages.last_statement(connection, machine.licence)
    if told is None:
        return
    runs = (told.firmware_major, told.firmware_minor, told.firmware_patch)
    if (version >> 16, version >> 8 & 0xFF, version & 0xFF) <= runs:
        shown = ".".join(map(str, runs))
        message = f"{machine.licence} runs firmware {shown}"
        raise NotNewerError(f"{message}: order one with a higher version")


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
