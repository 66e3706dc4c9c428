"""A file of the Department is kept as it came, and carried out once.

- Its octets are kept before anything in them is believed, in a transaction of its own.
- It is judged as a whole: signature, structure, sender and receiver, id, number. A file
  that is refused takes no number: the Department sends a right one under the same.
- One that is numbered too high waits for those before it.
- What it tells is carried out in one transaction with its record, so that a crash at
  any moment leaves either nothing of it or all.

Source: RMFS-33 to RMFS-35; docs/exchange-session.md.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from sqlalchemy import Connection

from protocol.exchange import (
    DEPARTMENT,
    ExchangeFile,
    ExchangeFileError,
    FileHeader,
    Layout,
    SignatureFault,
    Signed,
    content_hash,
    fund_file_of,
    read_file,
)
from protocol.exchange.fund import FUND
from protocol.values import EpochSeconds
from rmfs_server.exchange import answers, licence_lines
from rmfs_server.exchange.faults import FileRefused, PartlyTaken
from rmfs_server.exchange.licence_lines import Source
from rmfs_server.exchange.office import ACKNOWLEDGEMENT, INCOMING, ExchangeOffice
from rmfs_server.exchange.wording import fit_words
from rmfs_server.fund_reports import ImportReport
from rmfs_server.funds import take_fund_file
from rmfs_server.store import fund_files, received_files
from rmfs_server.store.fund_files import CameWith
from rmfs_server.store.received_files import (
    Arrival,
    Judged,
    ReceivedFile,
    RefusedLine,
)
from rmfs_server.store.schema import Direction, ReceivedState
from rmfs_server.suspending import Suspended

LATE: Final = date(9999, 12, 31)
"""The day of a file whose header cannot be read: it is judged after all others."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A file that is right as far as it can be judged by itself."""

    file: ExchangeFile
    header: FileHeader
    octets: bytes
    vouched_by: str


class Taking:
    """Takes files of the Department into the books."""

    def __init__(self, office: ExchangeOffice) -> None:
        """Act on the books of an office."""
        self._office = office
        self._store = office.store

    def layout_of(self, name: str) -> Layout | None:
        """Find the layout of a file by its name; None if it is none for us."""
        layout = self._office.department.layouts.of_file(name)
        return layout if layout is not None and layout.name in INCOMING else None

    def keep(self, name: str, layout: Layout, octets: bytes, now: EpochSeconds) -> bool:
        """Keep a file that was read, before anybody looks into it.

        Returns:
            Whether it is new; the same octets are kept once.
        """
        sha256 = content_hash(octets)
        with self._store.reading() as connection:
            known = received_files.with_hash(connection, sha256)
        if known is not None:
            return False
        header = _header(layout, octets)
        arrival = Arrival(name, octets, sha256, layout.name)
        if header is not None:
            arrival = Arrival(
                name,
                octets,
                sha256,
                layout.name,
                header.file_id,
                header.sequence,
                header.business_date,
                header.window,
            )
        with self._store.writing("keep exchange file") as connection:
            if received_files.with_hash(connection, sha256) is None:
                received_files.add(connection, arrival, now)
        return True

    def judge_waiting(self, now: EpochSeconds) -> list[ReceivedFile]:
        """Judge what waits, in the order of days, windows, kinds and numbers.

        Returns:
            The files that are judged now.

        Raises:
            StoreError: The database failed; judge again.
            InvariantError: Money does not add up; that file changed nothing.
        """
        judged: list[ReceivedFile] = []
        with self._store.reading() as connection:
            waiting = received_files.waiting(connection)
        for row in sorted(waiting, key=_turn):
            after = self._judge(row, now)
            if after is not None:
                judged.append(after)
        return judged

    def _judge(self, row: ReceivedFile, now: EpochSeconds) -> ReceivedFile | None:
        with self._store.reading() as connection:
            octets = received_files.octets_of(connection, row.identity)
        read = self._read(row, octets)
        with self._store.writing("apply exchange file") as connection:
            number = received_files.lock_number(connection, Direction.IN, row.layout)
            found = received_files.find(connection, row.identity)
            if found is None or found.state is not ReceivedState.WAITING:
                return None
            if isinstance(read, Judged):
                judged = read
            elif read.header.sequence > number:
                return None
            else:
                judged = self._carry_out(connection, row, read, number=number, now=now)
            received_files.judge(connection, row.identity, judged, now)
            return received_files.find(connection, row.identity)

    def _read(self, row: ReceivedFile, octets: bytes) -> _Read | Judged:
        """Read a file, or say why it is refused."""
        department = self._office.department
        layout = department.layouts[row.layout]
        if len(octets) > layout.octets_max:
            return _refused(FileRefused.TOO_LARGE)
        signed = department.check(octets)
        if not isinstance(signed, Signed):
            return _refused(signed)
        try:
            file = read_file(layout, octets)
        except ExchangeFileError as error:
            return _refused(FileRefused.STRUCTURE, str(error))
        header = FileHeader.of(file)
        if header.sender != DEPARTMENT:
            return _refused(FileRefused.SENDER, header.sender)
        if header.receiver != self._office.ours.letter:
            return _refused(FileRefused.RECEIVER, header.receiver)
        return _Read(file, header, octets, f"key {signed.key_id}")

    def _carry_out(
        self,
        connection: Connection,
        row: ReceivedFile,
        read: _Read,
        *,
        number: int,
        now: EpochSeconds,
    ) -> Judged:
        sequence, file_id = read.header.sequence, read.header.file_id
        if received_files.standing_with_id(connection, file_id) is not None:
            return _refused(FileRefused.ID_TAKEN)
        if 0 < sequence < number:
            return _refused(FileRefused.NUMBER_TAKEN)
        # One file moves licences and funds at a time, whoever brings it.
        fund_files.begin_import(connection)
        if row.layout == FUND:
            came = CameWith(read.octets, row.sha256, now, read.vouched_by)
            try:
                fund_file = fund_file_of(read.file)
                judged = _of_funds(take_fund_file(connection, fund_file, came))
            except ExchangeFileError as error:
                return _refused(FileRefused.ID_TAKEN, str(error))
        elif row.layout == ACKNOWLEDGEMENT:
            judged = _of_answers(answers.apply(connection, read.file, now))
        else:
            source = Source(row.identity, row.layout, file_id, now)
            apply = licence_lines.Applying(connection, self._office, source)
            judged = _of_lines(apply.run(read.file.lines))
        if sequence:
            following = sequence + 1
            received_files.set_number(connection, Direction.IN, row.layout, following)
        return judged


def _header(layout: Layout, octets: bytes) -> FileHeader | None:
    """Read what a file says of itself, unless it cannot be read.

    Its first line is enough, where that does not count the others.
    """
    end = octets.find(layout.line_end.encode("ascii"))
    first = octets[: end + len(layout.line_end)] if end >= 0 else octets
    for of, part in ((replace(layout, trailer=None), first), (layout, octets)):
        try:
            return FileHeader.of(read_file(of, part))
        except ExchangeFileError:
            continue
    return None


def _turn(row: ReceivedFile) -> tuple[date, int, int, int, int]:
    return (
        row.business_date or LATE,
        row.window or 0,
        INCOMING.index(row.layout),
        row.sequence or 0,
        row.identity,
    )


def _refused(fault: FileRefused | SignatureFault, detail: str = "") -> Judged:
    words = f"{fault.words}: {detail}" if detail else fault.words
    return Judged(ReceivedState.REFUSED, fault.code, fit_words(words))


def _of_lines(refused: Sequence[RefusedLine]) -> Judged:
    if not refused:
        return Judged(ReceivedState.TAKEN)
    fault = PartlyTaken.LINES
    return Judged(ReceivedState.TAKEN_IN_PART, fault.code, fault.words, tuple(refused))


def _of_funds(report: ImportReport) -> Judged:
    return _of_lines(
        [
            RefusedLine(
                line.line_id,
                line.code or Suspended.BEFORE_CODES.code,
                fit_words(line.suspended_because or ""),
            )
            for line in report.suspended
        ]
    )


def _of_answers(unknown: Iterable[str]) -> Judged:
    names = ", ".join(unknown)
    if not names:
        return Judged(ReceivedState.TAKEN)
    fault = PartlyTaken.UNKNOWN_FILES
    return Judged(
        ReceivedState.TAKEN_IN_PART,
        fault.code,
        fit_words(f"{fault.words}: {names}"),
    )
