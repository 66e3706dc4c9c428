"""At the end of a window: what did not come, and what was not acknowledged.

- Each file that a maker has to send in every window is there or is missing; missing is
  an incident, which is over when the file comes late.
- A file of ours that its receiver has not acknowledged by the end of the window after
  its own is offered again, with the same octets, and is an incident.

Source: RMFS-33 to RMFS-35, RMFS-40 (windows met and missed).
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.exchange import file_store, window_store
from dop_gateway.exchange.model import EVERY_WINDOW, FileRow, FileState, Party
from dop_gateway.exchange.windows import Turn
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from protocol.values import EpochSeconds


@dataclass(frozen=True, slots=True)
class Checked:
    """What the end of a window has found.

    Attributes:
        missing: Files that did not come.
        again: Files that are offered again.
    """

    missing: int
    again: int


def check(
    connection: Connection,
    party: Party,
    turn: Turn,
    next_end: Callable[[EpochSeconds], EpochSeconds],
    by: By,
) -> Checked:
    """Look at a maker when a window ends; again for the same window changes nothing.

    Args:
        connection: A writing transaction that has locked the party.
        party: The maker.
        turn: The window.
        next_end: Says when the next window ends.
        by: Who looks.
    """
    missing = _missing(connection, party, turn, by) if party.since < turn.end else 0
    late = [
        row
        for row in file_store.unanswered(connection, party.code)
        if row.answer_by is not None and row.answer_by <= turn.end
    ]
    for row in late:
        _offer_again(connection, row, next_end(turn.end), by)
    return Checked(missing, len(late))


def _missing(connection: Connection, party: Party, turn: Turn, by: By) -> int:
    known = window_store.known(connection, party.code, turn)
    count = 0
    for layout in EVERY_WINDOW:
        if layout in known:
            continue
        met = window_store.came(connection, party.code, turn, layout)
        window_store.add(connection, party.code, turn, layout, met=met)
        if met:
            continue
        count += 1
        incidents.report(
            connection,
            IncidentKind.FILE_MISSING,
            window_store.missing(party.code, turn, layout),
            f"{party.name} has sent no {layout} file in window {turn.window} of "
            f"{turn.business_date}: it is sent in every window, empty or not. Ask "
            "what holds its server up",
            by,
            maker=party.code,
        )
    return count


def _offer_again(
    connection: Connection, row: FileRow, until: EpochSeconds, by: By
) -> None:
    file_store.change(
        connection,
        row.number,
        state=FileState.OFFERED.name,
        state_at=by.now,
        offers=row.offers + 1,
        answer_by=until,
    )
    trail.add(
        connection,
        by,
        "offer again",
        Subject("exchange file", str(row.number)),
        from_state=row.state.name,
        to_state=FileState.OFFERED.name,
        offers=row.offers + 1,
    )
    read = "was read and" if row.state is FileState.TAKEN else "was not even read, and"
    refused = f"; it was refused: {row.code} {row.words}" if row.code else ""
    incidents.report(
        connection,
        IncidentKind.NOT_ACKNOWLEDGED,
        f"{row.party}/{row.name}",
        f"it {read} is not acknowledged by the end of the next window{refused}; the "
        "same octets are offered again",
        by,
        maker=row.party,
    )
