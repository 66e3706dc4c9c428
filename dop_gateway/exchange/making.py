"""Make the files of a window: four for each maker, empty ones too (RMFS-34, RMFS-35).

A file, its number and what stands in it are kept in one transaction; so numbers have no
gaps, and no line stands in two files. Made again for the same moment, they are there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.exchange import file_store, party_store
from dop_gateway.exchange.model import (
    ACKNOWLEDGEMENT,
    OUTGOING,
    Direction,
    FileNumber,
    FileRow,
    FileState,
    Party,
)
from dop_gateway.exchange.ours import OurSide
from dop_gateway.exchange.sources import Source, Sources, WaitingLine
from dop_gateway.exchange.telling import telling_name, telling_words
from dop_gateway.exchange.windows import Turn
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from protocol.errors import LocalProtocolError
from protocol.exchange import FileHeader, Layout, Line, content_hash, write_file
from protocol.values import EpochSeconds

_PREFIXES: Final = {
    "license-issue": "LI",
    "license-modification": "LM",
    "fund": "FND",
    ACKNOWLEDGEMENT: "ACK",
}
_OWED_MAX: Final = 1_000
_IN_PART: Final = (
    "EXC-02-011",
    "some of its lines were not taken: each is told with its reason",
)


@dataclass(frozen=True, slots=True)
class Order:
    """What files are made for.

    Attributes:
        made_for: Moment of the job that makes them; None outside jobs.
        answer_by: Until then the maker has to answer.
    """

    turn: Turn
    made_for: EpochSeconds | None
    answer_by: EpochSeconds


class Making:
    """Makes files for one party, in a transaction that has locked it."""

    def __init__(
        self, connection: Connection, ours: OurSide, party: Party, by: By
    ) -> None:
        """Make files in this transaction."""
        self._connection = connection
        self._ours = ours
        self._party = party
        self._by = by

    def make_all(self, sources: Sources, order: Order) -> list[FileRow]:
        """Make the files of a window, unless they are there.

        Returns:
            The files, in the order of `OUTGOING`.
        """
        files = []
        for name in OUTGOING:
            made = None
            if order.made_for is not None:
                made = file_store.made_for(
                    self._connection, self._party.code, name, order.made_for
                )
            if made is None and name == ACKNOWLEDGEMENT:
                made = self.acknowledge(order)
            elif made is None:
                made = self.make(name, sources.outgoing.get(name), order)
            files.append(made)
        return files

    def make(self, name: str, source: Source | None, order: Order) -> FileRow:
        """Make a file of all that waits."""
        layout = self._ours.layouts[name]
        waiting: Sequence[WaitingLine] = ()
        if source is not None:
            waiting = source.waiting(self._connection, self._party.code)
        waiting = waiting[: layout.lines_max]
        header = self._header(layout, order)
        try:
            octets = write_file(layout, header.values(), [one.line for one in waiting])
        except LocalProtocolError:
            # One line must not hold up the others: it is left out and told of.
            waiting = list(self._writable(layout, header, waiting))
            octets = write_file(layout, header.values(), [one.line for one in waiting])
        row = self._keep(layout, header, octets, len(waiting), order)
        if source is not None and waiting:
            ids = [one.id for one in waiting]
            source.put_in_file(self._connection, ids, header.file_id, self._by)
        return row

    def acknowledge(self, order: Order) -> FileRow:
        """Make an acknowledgement of all that came and was not told of."""
        layout = self._ours.layouts[ACKNOWLEDGEMENT]
        lines: list[Line] = []
        told: list[FileNumber] = []
        for row in file_store.owed(self._connection, self._party.code, _OWED_MAX):
            refused = file_store.refused_lines(self._connection, row.number)
            if told and len(lines) + 1 + len(refused) > layout.lines_max:
                break
            lines.append(_told(row))
            lines += [
                Line(
                    "refused",
                    {
                        "file_id": row.file_id,
                        "line_id": one.line_id,
                        "code": one.code,
                        "words": telling_words(one.words),
                    },
                )
                for one in refused
            ]
            told.append(row.number)
        header = self._header(layout, order)
        octets = write_file(layout, header.values(), lines)
        made = self._keep(layout, header, octets, len(lines), order)
        file_store.set_told(self._connection, told)
        return made

    def _header(self, layout: Layout, order: Order) -> FileHeader:
        code = self._party.code
        last = party_store.last_number(
            self._connection, code, Direction.OUT, layout.name
        )
        return FileHeader(
            file_id=f"{_PREFIXES[layout.name]}-{code}-{last + 1:06d}",
            sender=self._ours.code,
            receiver=code,
            sequence=last + 1,
            business_date=order.turn.business_date,
            window=order.turn.window,
            made_at=self._by.now,
        )

    def _keep(
        self,
        layout: Layout,
        header: FileHeader,
        octets: bytes,
        lines: int,
        order: Order,
    ) -> FileRow:
        octets = self._ours.signed(layout, octets)
        row = file_store.add(
            self._connection,
            octets,
            direction=Direction.OUT.name,
            party=self._party.code,
            layout=layout.name,
            file_id=header.file_id,
            name=layout.name_file(header.values()),
            sequence=header.sequence,
            business_date=header.business_date,
            window_of_day=header.window,
            made_for=order.made_for,
            at=self._by.now,
            sha256=content_hash(octets),
            size=len(octets),
            state=FileState.OFFERED.name,
            state_at=self._by.now,
            code="",
            words="",
            lines=lines,
            refused=0,
            offers=1,
            answer_by=order.answer_by,
            owed=False,
        )
        party_store.set_last_number(
            self._connection,
            self._party.code,
            Direction.OUT,
            layout.name,
            header.sequence,
        )
        trail.add(
            self._connection,
            self._by,
            "make",
            Subject("exchange file", str(row.number)),
            to_state=row.state.name,
            party=row.party,
            name=row.name,
            sha256=row.sha256.hex(),
            lines=lines,
        )
        return row

    def _writable(
        self, layout: Layout, header: FileHeader, waiting: Sequence[WaitingLine]
    ) -> Iterator[WaitingLine]:
        for one in waiting:
            try:
                write_file(layout, header.values(), [one.line])
            except LocalProtocolError as error:
                line_id = str(one.line.values.get("line_id"))
                incidents.report(
                    self._connection,
                    IncidentKind.LINE_REFUSED,
                    f"{self._party.code} {layout.name} {line_id}",
                    f"{layout.title}: line {line_id} cannot be written and waits: "
                    f"{error}",
                    self._by,
                    maker=self._party.code,
                )
            else:
                yield one


def _told(row: FileRow) -> Line:
    """Tell what became of a file that came."""
    verdict, code, words = "TAKEN", None, None
    if row.state is FileState.REFUSED:
        verdict, code, words = "REFUSED", row.code, telling_words(row.words)
    elif row.state is FileState.APPLIED_IN_PART:
        verdict, (code, words) = "TAKEN_IN_PART", _IN_PART
    return Line(
        "file",
        {
            "file_name": telling_name(row.name),
            "file_id": row.file_id,
            "sha256": row.sha256,
            "verdict": verdict,
            "code": code,
            "words": words,
        },
    )
