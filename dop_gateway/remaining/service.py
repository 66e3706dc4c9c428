"""What makers tell of their funds is kept; what it means, the reconciliation says."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from dop_gateway.exchange.model import RefusedLine
from dop_gateway.identity.model import By
from dop_gateway.licences import store as licences
from dop_gateway.remaining import store
from dop_gateway.remaining.model import Remaining, RemainingFault
from protocol.exchange import ExchangeFile, FileHeader


def apply(
    connection: Connection, file: ExchangeFile, _file_id: str, by: By
) -> list[RefusedLine]:
    """Take a remaining fund file.

    Args:
        connection: A writing transaction.
        file: As it was read, its signature checked; its sender is a maker.
        by: Who lets it be taken.

    Returns:
        The lines that were not taken, in the order of the file.
    """
    header = FileHeader.of(file)
    told = list(read_remaining(file))
    known = licences.find_many(connection, {one.licence for one in told})
    taken: dict[str, Remaining] = {}
    refused: list[RefusedLine] = []
    for one in told:
        licence = known.get(one.licence)
        fault = None
        if licence is None or licence.maker != header.sender:
            fault = RemainingFault.NOT_OURS
        elif licence.number != one.licence_number:
            fault = RemainingFault.OTHER_NUMBER
        elif one.licence in taken:
            fault = RemainingFault.TWICE
        if fault is None:
            taken[one.licence] = one
        else:
            words = f"{one.licence}: {fault.words}"
            refused.append(RefusedLine(one.line_id, fault.code, words))
    store.put(connection, taken.values(), header, by.now)
    return refused


def read_remaining(file: ExchangeFile) -> Iterator[Remaining]:
    """Give the lines of a remaining fund file whose structure is right."""
    for line in file.lines:
        values: Any = line.values
        yield Remaining(
            line_id=values["line_id"],
            licence=values["licence"],
            licence_number=values["licence_number"],
            remaining_paise=values["remaining_paise"],
            reserved_paise=values["reserved_paise"],
            number=values["recharge_number"],
            control_total_paise=values["control_total_paise"],
        )
