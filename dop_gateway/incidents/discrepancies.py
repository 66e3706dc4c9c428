"""What makers' servers found wrong with machines becomes incidents (RMFS-29).

A discrepancy file tells what did not fit, what people ended, and which vouchers people
settled without a word of the machine. Everything is kept, with what the machine signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import By
from dop_gateway.incidents import discrepancy_store as store
from dop_gateway.incidents import service
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.licences import store as licences
from dop_gateway.licences.model import Licence
from protocol.coded import Coded
from protocol.exchange import ExchangeFile, FileHeader
from protocol.values import LicenceIdentifier, Paise, show_rupees

FOUND: Final = "found"
RESOLVED: Final = "resolved"


class DiscrepancyFault(Coded):
    """Why a line of a discrepancy file is not taken."""

    NOT_OURS = (
        "DSC-10-001",
        "no machine of this maker has the licence and number: leave the line out",
    )
    UNKNOWN = ("DSC-10-002", "no such discrepancy was told: tell of it first")


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is taken.

    Attributes:
        known: Its licences that there are, by identifier.
    """

    header: FileHeader
    known: dict[str, Licence]

    def knows(self, values: Any) -> bool:
        """Whether a line is of a licence of the sender."""
        licence = self.known.get(values["licence"])
        return (
            licence is not None
            and licence.maker == self.header.sender
            and licence.number == values["licence_number"]
        )


def apply(connection: Connection, file: ExchangeFile, by: By) -> list[RefusedLine]:
    """Take what was found and what was ended.

    Args:
        connection: A writing transaction.
        file: As it was read, its signature checked; its sender is a maker.
        by: Who lets it be taken.

    Returns:
        The lines that were not taken, in the order of the file.
    """
    lines: Sequence[Any] = [
        one for one in file.lines if one.record in {FOUND, RESOLVED}
    ]
    names = {one.values["licence"] for one in lines}
    taking = _File(FileHeader.of(file), licences.find_many(connection, names))
    refused = []
    for line in lines:
        take = _found if line.record == FOUND else _resolved
        fault = (
            take(connection, line.values, taking.header, by)
            if taking.knows(line.values)
            else DiscrepancyFault.NOT_OURS
        )
        if fault is not None:
            line_id = line.values["line_id"]
            refused.append(RefusedLine(line_id, fault.code, fault.words))
    return refused


def subject_of(maker: str, number: int) -> str:
    """Name a discrepancy: a maker numbers its own for ever."""
    return f"{maker}:{number}"


def _found(
    connection: Connection, values: Any, header: FileHeader, by: By
) -> DiscrepancyFault | None:
    store.add(connection, values, header, by.now)
    licence: LicenceIdentifier = values["licence"]
    words = f"{header.sender} refused {licence}: {values['code']}"
    expected = values["control_total_paise"]
    if expected is not None:
        words += f"; it expected CT {show_rupees(Paise(expected))}"
    if values["recharge_number"] is not None:
        words += f"; the end of recharge {values['recharge_number']} is not known"
    service.report(
        connection,
        IncidentKind.DISCREPANCY,
        subject_of(header.sender, values["number"]),
        words,
        by,
        maker=header.sender,
        licence=licence,
    )
    return None


def _resolved(
    connection: Connection, values: Any, header: FileHeader, by: By
) -> DiscrepancyFault | None:
    if not store.resolve(connection, values, header):
        return DiscrepancyFault.UNKNOWN
    people = values["person"]
    if values["second_person"]:
        people = f"{people} and {values['second_person']}"
    words = f"{people} at the maker: {values['resolution']}, {values['words']}"
    subject = subject_of(header.sender, values["number"])
    service.over(connection, IncidentKind.DISCREPANCY, subject, words, by)
    return None
