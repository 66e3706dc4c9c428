"""What a party says of our files: each is answered once, and its lines with it.

- Taken, whole or in part: whoever the lines came from is told which were refused.
- Refused as a whole: nothing is taken back. What we gave is what we meant, so the same
  octets stay offered, and an incident says what stands in the way.

Source: RMFS-33, RMFS-34.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.exchange import file_store
from dop_gateway.exchange.model import (
    UNANSWERED,
    FileRow,
    FileState,
    RefusedLine,
)
from dop_gateway.exchange.sources import Source
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from protocol.coded import Coded
from protocol.exchange import ExchangeFile, FileHeader


class AnswerFault(Coded):
    """Why an answer to one of our files is not taken."""

    UNKNOWN_FILE = ("EXC-03-001", "we gave no such file: look at its id and its hash")
    OTHER_OCTETS = (
        "EXC-03-002",
        "the file that we gave has another hash: take it from the drop again",
    )
    NO_LINE_NAMED = (
        "EXC-03-003",
        "it is said to be taken in part, and no line of it is named",
    )


_WORDS_MAX: Final = 300


def apply(
    connection: Connection,
    outgoing: Mapping[str, Source],
    file: ExchangeFile,
    by: By,
) -> list[RefusedLine]:
    """Apply an acknowledgement.

    Args:
        connection: A writing transaction that has locked the party.
        outgoing: Who is told, by the layouts of our files.
        file: The acknowledgement.
        by: Who applies it.

    Returns:
        What is not taken of it, by the ids of our files.
    """
    answers = _answers(file)
    faults = []
    for line in file.lines:
        if line.record == "file":
            told: Mapping[str, Any] = line.values
            refused = answers.get(told["file_id"], {})
            answer = _Answer(connection, FileHeader.of(file).sender, told, refused, by)
            fault = answer.take(outgoing)
            if fault is not None:
                line_id = told["file_id"] or FileHeader.of(file).file_id
                faults.append(RefusedLine(line_id, fault.code, fault.words))
    return faults


def _answers(file: ExchangeFile) -> dict[str, dict[str, tuple[str, str]]]:
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for line in file.lines:
        if line.record == "refused":
            told: Mapping[str, Any] = line.values
            by_line = found.setdefault(told["file_id"], {})
            by_line[told["line_id"]] = (told["code"], told["words"])
    return found


class _Answer:
    """What is said of one of our files."""

    def __init__(
        self,
        connection: Connection,
        party: str,
        told: Mapping[str, Any],
        refused: Mapping[str, tuple[str, str]],
        by: By,
    ) -> None:
        self._connection = connection
        self._party = party
        self._told = told
        self._refused = refused
        self._by = by

    def take(self, outgoing: Mapping[str, Source]) -> AnswerFault | None:
        """Take the answer, or say why not."""
        told = self._told
        row = self._file()
        if row is None:
            self._report(telling_of(told), AnswerFault.UNKNOWN_FILE.words)
            return AnswerFault.UNKNOWN_FILE
        if row.sha256 != told["sha256"]:
            self._report(row.name, AnswerFault.OTHER_OCTETS.words)
            return AnswerFault.OTHER_OCTETS
        if row.state not in UNANSWERED:
            # It was answered before, and is answered once.
            return None
        if told["verdict"] == "REFUSED":
            self._refuse(row)
            return None
        source = outgoing.get(row.layout)
        # Lines of an acknowledgement have no ids by which they could be named.
        is_vague = told["verdict"] == "TAKEN_IN_PART" and not self._refused
        if is_vague and source is not None:
            self._report(row.name, AnswerFault.NO_LINE_NAMED.words)
            return AnswerFault.NO_LINE_NAMED
        self._accept(row, source)
        return None

    def _file(self) -> FileRow | None:
        file_id = self._told["file_id"]
        if file_id is not None:
            return file_store.given(self._connection, self._party, file_id)
        return file_store.given_as(
            self._connection, self._party, self._told["file_name"]
        )

    def _accept(self, row: FileRow, source: Source | None) -> None:
        refused: Sequence[RefusedLine] = [
            RefusedLine(line_id, code, words)
            for line_id, (code, words) in self._refused.items()
        ]
        state = FileState.ACKNOWLEDGED_IN_PART if refused else FileState.ACKNOWLEDGED
        file_store.refuse_lines(self._connection, row.number, refused)
        file_store.change(
            self._connection,
            row.number,
            state=state.name,
            state_at=self._by.now,
            refused=len(refused),
            answer_by=None,
        )
        if source is not None and row.file_id is not None:
            source.answered(self._connection, row.file_id, self._refused, self._by)
        trail.add(
            self._connection,
            self._by,
            "acknowledge",
            Subject("exchange file", str(row.number)),
            from_state=row.state.name,
            to_state=state.name,
            refused=len(refused),
        )
        incidents.over(
            self._connection,
            IncidentKind.NOT_ACKNOWLEDGED,
            f"{row.party}/{row.name}",
            f"{row.party} acknowledged it",
            self._by,
        )

    def _refuse(self, row: FileRow) -> None:
        code, words = self._told["code"] or "", self._told["words"] or "no words"
        file_store.change(
            self._connection,
            row.number,
            state=FileState.OFFERED.name,
            state_at=self._by.now,
            code=code,
            words=words[:_WORDS_MAX],
        )
        self._report(
            row.name,
            f"{row.party} refused it: {code} {words}; it stays offered: see what its "
            "server lacks",
        )

    def _report(self, name: str, words: str) -> None:
        incidents.report(
            self._connection,
            IncidentKind.NOT_ACKNOWLEDGED,
            f"{self._party}/{name}",
            words,
            self._by,
            maker=self._party,
        )


def telling_of(told: Mapping[str, Any]) -> str:
    """Name a file of which an acknowledgement tells."""
    name: str = told["file_id"] or told["file_name"]
    return name
