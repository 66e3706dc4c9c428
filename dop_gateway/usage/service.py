"""Take usage files: every dial-in is believed for what its machine signed, or refused.

Rules of this module:

- A line that is refused changes nothing but that the Department is told of it; the
  other lines are taken.
- A dial-in that was taken is taken once: its line in another file changes nothing.
- What AR has risen by goes from machine to postage in the ledger, as far as the ledger
  knows credit of the machine. A maker that reports credit late, or not at all, leaves a
  rest, which goes as soon as the credit is known: `post_used` is called then too.
"""

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway import ledger
from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import movements
from dop_gateway.licences import machines
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence, MachineState
from dop_gateway.moves import IllegalMoveError
from dop_gateway.usage import store
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


def apply(
    connection: Connection, file: ExchangeFile, file_id: str, by: By
) -> list[RefusedLine]:
    """Take the dial-ins of a usage file.

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
    refused: list[RefusedLine] = []
    for dial_in in read_dial_ins(file):
        objection = _take(connection, dial_in, maker, file_id, by)
        if objection is not None:
            subject = f"{maker}:{file_id}:{dial_in.line_id}"
            _tell(connection, objection, dial_in, subject, by)
            refused.append(
                RefusedLine(dial_in.line_id, objection.fault.code, objection.words)
            )
    return refused


def post_used(connection: Connection, licence: LicenceIdentifier, by: By) -> Paise:
    """Bring what a machine franked from machine to postage, as far as it has credit.

    Args:
        connection: A writing transaction.
        licence: Of the machine.
        by: Who has taken usage of it, or credit.

    Returns:
        What still waits, because the ledger knows of no credit for it.
    """
    credential = licences.credential_of(connection, licence)
    if credential is None:
        return Paise(0)
    began = credential.provisioning.ascending_paise
    before = store.posted(connection, licence, began)
    due = before.ascending_paise - began - before.posted_paise
    held = ledger.balances(connection, licence).machine
    amount = min(due, held)
    if amount > 0:
        now = Paise(before.posted_paise + amount)
        movement = movements.used(
            licence, amount, f"usage:{licence}:{now}", "AR has risen"
        )
        ledger.post(connection, movement, by)
        store.set_posted(connection, licence, PostedUsage(before.ascending_paise, now))
    return Paise(due - max(amount, 0))


def _take(
    connection: Connection, dial_in: DialIn, maker: str, file_id: str, by: By
) -> Objection | None:
    licence = licences.find(connection, dial_in.licence, lock=True)
    if licence is None or licence.maker != maker:
        return Objection(UsageFault.NOT_OURS, f"{dial_in.licence} is none of {maker}")
    if licence.number != dial_in.licence_number:
        return _other_number(dial_in, licence)
    credential = licences.credential_of(connection, dial_in.licence)
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
    whole = has_products(dial_in, message)
    store.add(
        connection,
        dial_in,
        message,
        known,
        file_id=file_id,
        has_products=whole,
        now=by.now,
    )
    before = store.posted(connection, dial_in.licence, began)
    highest = Paise(max(before.ascending_paise, dial_in.ascending_paise))
    store.set_posted(
        connection, dial_in.licence, PostedUsage(highest, before.posted_paise)
    )
    post_used(connection, dial_in.licence, by)
    if known.after is None:
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
    if licence.machine_state is MachineState.CANCELLED:
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
