"""Take the dial-ins that failed out of a usage file: the maker's word, kept as told.

No machine signs that it was refused, so nothing rests on these lines but lists and
reports. A line of a licence that is not this maker's is refused as any other.
"""

from collections.abc import Mapping

from sqlalchemy import Connection

from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from dop_gateway.usage import failed_store as store
from dop_gateway.usage.model import FailedDialIn, Objection, UsageFault
from dop_gateway.usage.reading import read_failed
from protocol.exchange import ExchangeFile


def apply(
    connection: Connection, file: ExchangeFile, maker: str, file_id: str, by: By
) -> list[RefusedLine]:
    """Keep the dial-ins that failed; those of a file that was taken stay as they are.

    Args:
        connection: A writing transaction.
        file: Whose structure and signature are right.
        maker: Who has signed it.
        file_id: As its header has it.
        by: Who takes it.

    Returns:
        The lines that were refused, in the order of the file.
    """
    told = list(read_failed(file))
    known = licences.find_many(connection, {one.licence for one in told})
    taken: list[FailedDialIn] = []
    refused: list[RefusedLine] = []
    for one in told:
        objection = _objection(one, known, maker)
        if objection is None:
            taken.append(one)
            continue
        subject = f"{maker}:{file_id}:{one.line_id}"
        _tell(connection, one, objection, maker=maker, subject=subject, by=by)
        refused.append(RefusedLine(one.line_id, objection.fault.code, objection.words))
    store.add_many(connection, maker, file_id, taken, by.now)
    return refused


def _objection(
    one: FailedDialIn, known: Mapping[str, Licence], maker: str
) -> Objection | None:
    licence = known.get(one.licence)
    if licence is None or licence.maker != maker:
        return Objection(UsageFault.NOT_OURS, f"{one.licence} is none of {maker}")
    if licence.number != one.licence_number:
        detail = f"{one.licence} has {licence.number}, not {one.licence_number}"
        return Objection(UsageFault.OTHER_NUMBER, detail)
    return None


def _tell(
    connection: Connection,
    one: FailedDialIn,
    objection: Objection,
    *,
    maker: str,
    subject: str,
    by: By,
) -> None:
    code = objection.fault.code
    incidents.report(
        connection,
        IncidentKind.LINE_REFUSED,
        subject,
        f"a dial-in of {one.licence} that failed: {code} {objection.words}",
        by,
        maker=maker,
        licence=one.licence,
    )
