"""Take usage files: every dial-in is believed for what its machine signed, or refused.

Rules of this module:

- A line that is refused changes nothing but that the Department is told of it; the
  other lines are taken.
- A dial-in that was taken is taken once: its line in another file changes nothing.
- Dial-ins that failed are kept as the maker tells them (`failed`); they move no money.
- What AR has risen by goes from machine to postage in the ledger, as far as the ledger
  knows credit of the machine. A maker that reports credit late, or not at all, leaves a
  rest, which goes as soon as the credit is known: `post_used` is called then too.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Movement, movements
from dop_gateway.licences import machines
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Credential, Licence, MachineState
from dop_gateway.moves import IllegalMoveError
from dop_gateway.usage import failed, store
from dop_gateway.usage.judging import has_products, objection_to, read_statement
from dop_gateway.usage.model import DialIn, Objection, UsageFault
from dop_gateway.usage.reading import read_dial_ins
from dop_gateway.usage.store import PostedUsage
from protocol import registers
from protocol.errors import InvariantError
from protocol.exchange import ExchangeFile
from protocol.messages import Statement
from protocol.values import LicenceIdentifier, Paise, show_rupees

_INCIDENTS: Final = {
    UsageFault.NOT_OURS: IncidentKind.LINE_REFUSED,
    UsageFault.OTHER_NUMBER: IncidentKind.LINE_REFUSED,
    UsageFault.NO_KEY: IncidentKind.LINE_REFUSED,
    UsageFault.NOT_READABLE: IncidentKind.USAGE_NOT_SIGNED,
    UsageFault.OTHER_MACHINE: IncidentKind.USAGE_NOT_SIGNED,
    UsageFault.NOT_SIGNED: IncidentKind.USAGE_NOT_SIGNED,
    UsageFault.ALTERED: IncidentKind.USAGE_NOT_SIGNED,
    UsageFault.OTHER_PRODUCTS: IncidentKind.USAGE_NOT_SIGNED,
    UsageFault.UNBALANCED: IncidentKind.REGISTERS_DISAGREE,
    UsageFault.NOT_THE_SUM: IncidentKind.REGISTERS_DISAGREE,
    UsageFault.WENT_BACK: IncidentKind.REGISTERS_DISAGREE,
    UsageFault.SAID_OTHERWISE: IncidentKind.REGISTERS_DISAGREE,
}
_SAME: Final = {
    registers.MachineState.INSTALLED: MachineState.INSTALLED,
    registers.MachineState.IN_SERVICE: MachineState.IN_SERVICE,
}
"""Situations of most machines: nothing has to be done where both agree."""


def apply(
    connection: Connection, file: ExchangeFile, file_id: str, by: By
) -> list[RefusedLine]:
    """Take the dial-ins of a usage file, and those that failed.

    Args:
        connection: A writing transaction.
        file: Whose structure and signature are right.
        file_id: As its header has it.
        by: Who takes it.

    Returns:
        The lines that were refused; a dial-in's products go with it.

    Raises:
        InvariantError: The ledger refuses what follows: nothing may stay.
    """
    header: Any = file.header
    maker: str = header["sender"]
    dial_ins = list(read_dial_ins(file))
    named = {one.licence for one in dial_ins}
    credentials = licences.credentials_of(connection, named)
    refused: list[RefusedLine] = []
    risen: set[LicenceIdentifier] = set()
    for dial_in in dial_ins:
        credential = credentials.get(dial_in.licence)
        objection = _take(
            connection, dial_in, credential, maker=maker, file_id=file_id, by=by
        )
        if objection is None:
            risen.add(dial_in.licence)
            continue
        subject = f"{maker}:{file_id}:{dial_in.line_id}"
        _tell(connection, objection, dial_in, subject, by)
        refused.append(
            RefusedLine(dial_in.line_id, objection.fault.code, objection.words)
        )
    post_used_of(connection, sorted(risen), by)
    return [*refused, *failed.apply(connection, file, maker, file_id, by)]


def post_used(connection: Connection, licence: LicenceIdentifier, by: By) -> Paise:
    """Bring what a machine franked from machine to postage, as far as it has credit.

    Args:
        connection: A writing transaction.
        licence: Of the machine.
        by: Who has taken usage of it, or credit.

    Returns:
        What still waits, because the ledger knows of no credit for it.
    """
    return post_used_of(connection, [licence], by).get(licence, Paise(0))


def post_used_of(
    connection: Connection, of: Sequence[LicenceIdentifier], by: By
) -> dict[LicenceIdentifier, Paise]:
    """Do the same for many machines at once.

    Returns:
        What still waits, by licence; one that the Department does not know is left out.
    """
    credentials = licences.credentials_of(connection, of)
    held = ledger.balances_of(connection, of)
    posted = store.posted_of(connection, of)
    waits: dict[LicenceIdentifier, Paise] = {}
    moved: list[Movement] = []
    for licence in of:
        credential, before = credentials.get(licence), posted.get(licence)
        if credential is None or before is None:
            continue
        began = credential.provisioning.ascending_paise
        due = before.ascending_paise - began - before.posted_paise
        amount = max(min(due, held[licence].machine), 0)
        waits[licence] = Paise(due - amount)
        if amount:
            now = Paise(before.posted_paise + amount)
            key = f"usage:{licence}:{now}"
            moved.append(movements.used(licence, amount, key, "AR has risen"))
            highest = before.ascending_paise
            store.set_posted(connection, licence, PostedUsage(highest, now))
    ledger.post_many(connection, moved, by)
    return waits


def _take(
    connection: Connection,
    dial_in: DialIn,
    credential: Credential | None,
    *,
    maker: str,
    file_id: str,
    by: By,
) -> Objection | None:
    licence = licences.find(connection, dial_in.licence, lock=True)
    if licence is None or licence.maker != maker:
        return Objection(UsageFault.NOT_OURS, f"{dial_in.licence} is none of {maker}")
    if licence.number != dial_in.licence_number:
        return _other_number(dial_in, licence)
    if credential is None:
        return Objection(UsageFault.NO_KEY, f"{dial_in.licence} has no signing key")
    began = credential.provisioning.ascending_paise
    known = store.known(connection, dial_in.licence, dial_in.number, began)
    objection = objection_to(dial_in, credential.machine, known)
    if objection is not None or known.same is not None:
        return objection
    message = read_statement(dial_in.statement)
    if message is None:
        raise InvariantError(f"line {dial_in.line_id} was judged without a STATEMENT")
    store.add(
        connection,
        dial_in,
        message,
        known,
        file_id=file_id,
        has_products=has_products(dial_in, message),
        now=by.now,
    )
    if known.after is None:
        store.rise(connection, dial_in.licence, dial_in.ascending_paise)
        _move_machine(connection, licence, message, by)
    return None


def _move_machine(
    connection: Connection, licence: Licence, message: Statement, by: By
) -> None:
    """Take over the situation in which the newest dial-in found a machine.

    One that is blocked for its silence has called with this dial-in, which frees it.
    """
    blocked = message.state is registers.MachineState.BLOCKED
    told = registers.MachineState.IN_SERVICE if blocked else message.state
    if licence.machine_state in {MachineState.CANCELLED, _SAME.get(told)}:
        return
    try:
        program = replace(by, actor=GATEWAY)
        machines.report(connection, licence.identifier, told, program)
    except IllegalMoveError as error:
        incidents.report(
            connection,
            IncidentKind.REGISTERS_DISAGREE,
            f"machine {licence.identifier}",
            f"dial-in {message.dial_in} says that the machine is {told.name}: {error}",
            by,
            maker=licence.maker,
            licence=licence.identifier,
        )


def _other_number(dial_in: DialIn, licence: Licence) -> Objection:
    detail = f"{dial_in.licence} has {licence.number}, not {dial_in.licence_number}"
    return Objection(UsageFault.OTHER_NUMBER, detail)


def _tell(
    connection: Connection,
    objection: Objection,
    dial_in: DialIn,
    subject: str,
    by: By,
) -> None:
    words = (
        f"dial-in {dial_in.number} of {dial_in.licence} "
        f"(AR {show_rupees(dial_in.ascending_paise)}): "
        f"{objection.fault.code} {objection.words}"
    )
    incidents.report(
        connection,
        _INCIDENTS[objection.fault],
        subject,
        words,
        by,
        maker=dial_in.licence[0],
        licence=dial_in.licence,
    )
