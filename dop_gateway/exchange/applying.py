"""Apply what came, in its turn, each file in one transaction with its record.

A file was committed before it is applied (`received`). So whatever ends this program in
between, the next one finds it: the drop when somebody uses it, the jobs of the windows,
and the program when it starts.

A file that cannot be applied, because a feature fails, stays as it is and is told as an
incident; files of the same kind behind it wait, the others do not.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.exchange import acknowledging, file_store, party_store
from dop_gateway.exchange.making import Making, Order
from dop_gateway.exchange.model import (
    ACKNOWLEDGEMENT,
    FileNumber,
    FileRow,
    FileState,
    Party,
    PartyKind,
    RefusedLine,
)
from dop_gateway.exchange.ours import OurSide
from dop_gateway.exchange.sources import Sources
from dop_gateway.exchange.windows import answer_by, turn_at
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.jobs.dues import almanac
from hw.database import Store
from protocol.errors import InvariantError, RmfsError
from protocol.exchange import ExchangeFile, read_file

_OWED_MAX: Final = 1_000


def catch_up(store: Store, ours: OurSide, sources: Sources, code: str, by: By) -> int:
    """Apply all of a party that has its turn, and acknowledge what was not yet.

    Returns:
        How many files were applied.

    Raises:
        StoreError: The database failed; what was done is committed.
    """
    done, stuck = 0, set()
    while True:
        with store.reading() as connection:
            waiting = [
                row
                for row in file_store.to_apply(connection, code)
                if row.layout not in stuck
            ]
        if not waiting:
            break
        first = waiting[0]
        row = min(
            (one for one in waiting if one.layout == first.layout),
            key=lambda one: (one.sequence or 0, one.number),
        )
        try:
            with store.writing("apply a file") as connection:
                done += apply(connection, ours, sources, row.number, by)
        except RmfsError as error:
            stuck.add(row.layout)
            with store.writing("tell of a file that cannot be applied") as connection:
                _report(connection, row, error, by)
    with store.writing("acknowledge what came") as connection:
        tell(connection, ours, code, by)
    return done


def catch_up_all(store: Store, ours: OurSide, sources: Sources, by: By) -> int:
    """Do so for every party; how many files were applied."""
    with store.reading() as connection:
        found = party_store.all_parties(connection, PartyKind.MAKER)
    return sum(catch_up(store, ours, sources, one.code, by) for one in found)


def apply(
    connection: Connection,
    ours: OurSide,
    sources: Sources,
    number: FileNumber,
    by: By,
) -> int:
    """Apply one file; 0 if somebody else has done so meanwhile.

    Raises:
        RmfsError: It cannot be applied; the transaction is to be rolled back.
    """
    party_store.find(connection, file_store.get(connection, number).party, lock=True)
    row = file_store.get(connection, number)
    if row.state is not FileState.RECEIVED:
        return 0
    file = read_file(ours.layouts[row.layout], file_store.octets_of(connection, number))
    refused = _apply(connection, sources, row, file, by)
    state = FileState.APPLIED_IN_PART if refused else FileState.APPLIED
    file_store.refuse_lines(connection, number, refused)
    file_store.change(
        connection,
        number,
        state=state.name,
        state_at=by.now,
        refused=len(refused),
        owed=True,
    )
    trail.add(
        connection,
        by,
        "apply",
        Subject("exchange file", str(number)),
        from_state=row.state.name,
        to_state=state.name,
        lines=row.lines,
        refused=len(refused),
    )
    return 1


def tell(connection: Connection, ours: OurSide, code: str, by: By) -> FileRow | None:
    """Make an acknowledgement at once, so that a party has it in the same session.

    Of acknowledgements alone none is made: two servers would answer each other for
    ever. The next one tells of them too.
    """
    party = party_store.find(connection, code, lock=True)
    if party is None or party.kind is not PartyKind.MAKER:
        return None
    owed = file_store.owed(connection, code, _OWED_MAX)
    if all(
        row.layout == ACKNOWLEDGEMENT and row.state is not FileState.REFUSED
        for row in owed
    ):
        return None
    return _acknowledge(connection, ours, party, by)


def _acknowledge(
    connection: Connection, ours: OurSide, party: Party, by: By
) -> FileRow:
    known = almanac(connection)
    order = Order(turn_at(known, by.now), None, answer_by(known, by.now))
    return Making(connection, ours, party, by).acknowledge(order)


def _apply(
    connection: Connection,
    sources: Sources,
    row: FileRow,
    file: ExchangeFile,
    by: By,
) -> Sequence[RefusedLine]:
    if row.layout == ACKNOWLEDGEMENT:
        return acknowledging.apply(connection, sources.outgoing, file, by)
    found = sources.incoming.get(row.layout)
    if found is None or row.file_id is None:
        raise InvariantError(f"nobody applies files of layout {row.layout}")
    return found(connection, file, row.file_id, by)


def _report(connection: Connection, row: FileRow, error: RmfsError, by: By) -> None:
    incidents.report(
        connection,
        IncidentKind.FILE_STUCK,
        f"{row.party}/{row.name}",
        f"it came and cannot be applied: {error}. It is tried again with the next "
        "window, and before any other of its kind",
        by,
        maker=row.party,
    )
