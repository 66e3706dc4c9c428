"""Machines: their one credential, and what the books say of them.

Every move of a call locks the machine's row first and reads everything else after it:
two calls of one machine are then judged one after the other, and each sees what the
other has committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, insert, select, update

from hw.database.gathering import Pen, write_row
from hw.database.prepared import Prepared, PreparedIn
from protocol.keys import MachineCredential, Point, VerifyingKey, decode_realm
from protocol.keys.provisioning import MachineProvisioning
from protocol.registers import MachineState, Registers
from protocol.values import EpochSeconds, LicenceIdentifier, RechargeNumber
from rmfs_server.store import schema
from rmfs_server.store.schema import REGISTER_NAMES, CredentialState

FIRST_MARK = bytes(8)
"""The mark at enrolment (SPEC.md DLG-7.4)."""

_PLAIN: Final = (
    "base_paise",
    "settled_paise",
    "number",
    "mark_acknowledged",
    "mark_issued",
    "call_generation",
    "dial_in",
    "frozen",
    "order_serial",
    "usage_base_paise",
    "usage_ascending_paise",
    "stated_at",
    "completed_at",
    "presented_voucher",
    "presented_at",
    "capabilities",
    "enrolled_credit_key",
)
"""What of a `Machine` is in a column of its own name as it is, in their order."""
_get_plain: Final = attrgetter(*_PLAIN)
_LAST: Final = tuple(f"last_{name}" for name in REGISTER_NAMES)
_get_registers: Final = attrgetter(*REGISTER_NAMES)
_REGISTERS: Final = len(REGISTER_NAMES)

# Built once: the recharge path runs these.
_MACHINE: Final = select(
    schema.machine.c.licence,
    schema.machine.c.state,
    *(schema.machine.c[name] for name in (*_LAST, *_PLAIN)),
)
_FIND: Final = Prepared(
    _MACHINE.where(schema.machine.c.licence == bindparam("of_licence"))
)
# The one global order: two hosts that lock the same machines never deadlock.
_LOCK: Final = PreparedIn(
    _MACHINE.order_by(schema.machine.c.licence).with_for_update(),
    schema.machine.c.licence,
)
CHANGE: Final = Prepared(
    update(schema.machine).where(schema.machine.c.licence == bindparam("of_licence"))
)
"""Stores machines that were gathered."""
CREDENTIAL: Final = tuple(
    schema.credential.c[name]
    for name in (
        "licence",
        "psd_serial",
        "realm",
        "dh_x",
        "dh_y",
        "signing_x",
        "signing_y",
        "generation",
        "state",
        "model",
        "firmware",
        *(f"base_{name}" for name in REGISTER_NAMES),
        "base_number",
        "enrolled_at",
        "revoked_at",
    )
)
"""What `enrolled_of` reads."""
_ENROLLED: Final = PreparedIn(select(*CREDENTIAL), schema.credential.c.licence)
_CREDENTIALS_KEPT: Final = 1024
"""Each is asked for several times in a dial-in; more than dial in at one time."""


class Machine(NamedTuple):
    """What the books say of a machine; a tuple, since every dial-in makes several.

    Attributes:
        registers: Accepted last.
        base_paise: CT at enrolment; a person who adopts registers shifts it.
        settled_paise: Sum of the effects of all posted vouchers.
        number: Number of the last settled recharge.
        mark_issued: Newer than the acknowledged one, or None.
        call_generation: Rises with every STATEMENT that is judged.
        dial_in: Number of the last dial-in accepted.
        order_serial: Highest order that the machine is known to have applied.
        usage_base_paise: AR that the usage table does not account for.
        usage_ascending_paise: AR when usage was stored last.
        stated_at: Last accepted STATEMENT.
        completed_at: Last RECEIPT.
        presented_voucher: A voucher that the machine showed when the books were behind.
        capabilities: Bits of the last accepted STATEMENT; None before the first.
        enrolled_credit_key: Id of the credit key that it knew at its enrolment.
    """

    licence: LicenceIdentifier
    state: MachineState
    registers: Registers
    base_paise: int
    settled_paise: int
    number: RechargeNumber
    mark_acknowledged: bytes
    mark_issued: bytes | None
    call_generation: int
    dial_in: int
    frozen: bool
    order_serial: int
    usage_base_paise: int
    usage_ascending_paise: int
    stated_at: EpochSeconds | None
    completed_at: EpochSeconds | None
    presented_voucher: bytes | None
    presented_at: EpochSeconds | None
    capabilities: int | None
    enrolled_credit_key: int

    @property
    def control_total_paise(self) -> int:
        """CT as the books expect it."""
        return self.base_paise + self.settled_paise


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A credential with its state and the registers at enrolment."""

    credential: MachineCredential
    state: CredentialState
    model: str
    firmware: str
    base: Registers
    base_number: RechargeNumber
    enrolled_at: EpochSeconds
    revoked_at: EpochSeconds | None

    @property
    def active(self) -> bool:
        """Whether the machine may prove itself with it."""
        return self.state is CredentialState.ACTIVE


def fenced(machine: Machine) -> Machine:
    """Let no running call write anything more for this machine."""
    return machine._replace(call_generation=machine.call_generation + 1)


def lock(connection: Connection, licence: LicenceIdentifier) -> Machine | None:
    """Lock and read a machine: nobody else judges it until this transaction ends."""
    return lock_all(connection, [licence]).get(licence)


def lock_all(
    connection: Connection, licences: Iterable[LicenceIdentifier]
) -> dict[LicenceIdentifier, Machine]:
    """Lock and read machines in the one global order; unknown ones are left out."""
    rows = _LOCK.all(connection, sorted(set(licences)))
    found = map(_machine, rows)
    return {machine.licence: machine for machine in found}


def find(connection: Connection, licence: LicenceIdentifier) -> Machine | None:
    """Read a machine."""
    row = _FIND.one_or_none(connection, {"of_licence": licence})
    return None if row is None else _machine(row)


def find_enrolled(
    connection: Connection, licence: LicenceIdentifier
) -> Enrolled | None:
    """Read the credential of a licence identifier, revoked or not."""
    return find_all_enrolled(connection, [licence]).get(licence)


def find_all_enrolled(
    connection: Connection, licences: Sequence[LicenceIdentifier]
) -> dict[LicenceIdentifier, Enrolled]:
    """Read the credentials of licence identifiers; who has none is left out."""
    rows = _ENROLLED.all(connection, licences)
    return {LicenceIdentifier(row.licence): enrolled_of(row) for row in rows}


def lives_of(connection: Connection, psd_serial: str) -> list[Enrolled]:
    """List the credentials that one PSD ever had, oldest first."""
    table = schema.credential
    rows = connection.execute(
        select(*CREDENTIAL)
        .where(table.c.psd_serial == psd_serial)
        .order_by(table.c.enrolled_at, table.c.base_number, table.c.licence)
    )
    return [enrolled_of(row) for row in rows]


def in_use(connection: Connection) -> list[LicenceIdentifier]:
    """Name every machine that may dial in: not revoked, and not withdrawn."""
    machine, credential = schema.machine, schema.credential
    rows = connection.execute(
        select(machine.c.licence)
        .select_from(machine.join(credential))
        .where(
            credential.c.state == CredentialState.ACTIVE.name,
            machine.c.state != MachineState.WITHDRAWN.name,
        )
        .order_by(machine.c.licence)
    ).scalars()
    return [LicenceIdentifier(row) for row in rows]


def frozen(connection: Connection) -> list[LicenceIdentifier]:
    """Name every machine whose account is frozen."""
    machine = schema.machine.c
    rows = connection.execute(
        select(machine.licence)
        .where(machine.frozen.in_((True,)))
        .order_by(machine.licence)
    ).scalars()
    return [LicenceIdentifier(row) for row in rows]


def add(
    connection: Connection,
    provisioning: MachineProvisioning,
    credit_key: int,
    now: EpochSeconds,
) -> Machine:
    """Enrol a machine whose licence is registered, and that knows this credit key."""
    credential = provisioning.credential
    registers = Registers(
        provisioning.ascending_paise,
        provisioning.descending_paise,
        provisioning.control_total_paise,
        provisioning.items,
        provisioning.items + provisioning.zero_items,
    )
    connection.execute(
        insert(schema.credential).values(
            licence=credential.licence_identifier,
            generation=credential.generation,
            state=CredentialState.ACTIVE.name,
            psd_serial=credential.psd_serial,
            realm=int(credential.realm),
            model=provisioning.model,
            firmware=provisioning.firmware,
            dh_x=credential.dh_point.x,
            dh_y=credential.dh_point.y,
            signing_x=credential.signing.point.x,
            signing_y=credential.signing.point.y,
            credential_hash=credential.credential_hash,
            base_number=provisioning.recharge_number,
            enrolled_at=now,
            **register_values("base", registers),
        )
    )
    machine = Machine(
        licence=credential.licence_identifier,
        state=MachineState.INSTALLED,
        registers=registers,
        base_paise=registers.control_total_paise,
        settled_paise=0,
        number=provisioning.recharge_number,
        mark_acknowledged=FIRST_MARK,
        mark_issued=None,
        call_generation=0,
        dial_in=0,
        frozen=False,
        order_serial=0,
        usage_base_paise=registers.ascending_paise,
        usage_ascending_paise=registers.ascending_paise,
        stated_at=None,
        completed_at=None,
        presented_voucher=None,
        presented_at=None,
        capabilities=None,
        enrolled_credit_key=credit_key,
    )
    values = {**_values(machine), "licence": machine.licence}
    connection.execute(insert(schema.machine).values(values))
    return machine


def change(pen: Pen, machine: Machine) -> None:
    """Store a machine that was locked and that a move has changed."""
    write_row(pen, CHANGE, {**_values(machine), "of_licence": machine.licence})


def revoke(
    connection: Connection, licence: LicenceIdentifier, now: EpochSeconds
) -> None:
    """Revoke a credential that is active."""
    table = schema.credential
    connection.execute(
        update(table)
        .where(table.c.licence == licence, table.c.state == CredentialState.ACTIVE.name)
        .values(state=CredentialState.REVOKED.name, revoked_at=now)
    )


def register_values(prefix: str, registers: Registers) -> dict[str, int]:
    """Name registers as the columns with this prefix."""
    return {f"{prefix}_{name}": getattr(registers, name) for name in REGISTER_NAMES}


def _machine(row: Sequence[Any]) -> Machine:
    licence, state, *values = row
    registers, plain = values[:_REGISTERS], values[_REGISTERS:]
    return Machine(
        LicenceIdentifier(licence), MachineState[state], Registers(*registers), *plain
    )


def _values(machine: Machine) -> dict[str, Any]:
    values = dict(zip(_PLAIN, _get_plain(machine), strict=True))
    values.update(zip(_LAST, _get_registers(machine.registers), strict=True))
    values["state"] = machine.state.name
    return values


@lru_cache(maxsize=_CREDENTIALS_KEPT)
def _credential(stored: tuple[Any, ...]) -> MachineCredential:
    """Make a credential of what is stored; to check its points takes long."""
    licence, psd_serial, realm, dh_x, dh_y, signing_x, signing_y, generation = stored
    return MachineCredential(
        LicenceIdentifier(licence),
        psd_serial,
        decode_realm(realm),
        Point(dh_x, dh_y),
        VerifyingKey(Point(signing_x, signing_y)),
        generation,
    )


def enrolled_of(row: Sequence[Any]) -> Enrolled:
    """Read a row that has the columns of `CREDENTIAL`."""
    state, model, firmware, *base, base_number, enrolled_at, revoked_at = row[8:]
    return Enrolled(
        _credential(tuple(row[:8])),
        CredentialState[state],
        model,
        firmware,
        Registers(*base),
        RechargeNumber(base_number),
        EpochSeconds(enrolled_at),
        revoked_at,
    )
