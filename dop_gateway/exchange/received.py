"""Take what came: keep its octets and judge it as a whole, before anything is done.

Whoever brings a file here (the drop, the nightly run at the bank, a person) commits it
first and lets it be applied then (`applying`): what was committed cannot be lost, and a
crash in between is caught up.

Rules of this module:

- The same octets again are no new file: they are told of again, as what they were.
- A file that stands is never replaced: other octets under its id or name are refused.
- Files of a kind are numbered by their sender. One that comes too early waits for those
  before it; nothing of it is applied, and no acknowledgement tells of it.
- A file whose signature, structure or addresses are wrong takes no number: whoever sent
  it sends a right one with the same number.

Source: RMFS-33, RMFS-35; docs/exchange.md.
"""

from dataclasses import dataclass
from datetime import datetime, time
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import ConflictError, TooManyError
from dop_gateway.exchange import file_store, parties, party_store
from dop_gateway.exchange.model import (
    ANSWERED,
    TAKEN_FROM,
    Direction,
    FileFault,
    FileRow,
    FileState,
    Party,
    PartyState,
)
from dop_gateway.exchange.ours import OurSide
from dop_gateway.exchange.parties import gap
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from hw.clock import epoch_seconds
from protocol.exchange import (
    BY_HAND,
    ExchangeFile,
    ExchangeFileError,
    FileHeader,
    Layout,
    SignatureFault,
    check_signature,
    content_hash,
    read_file,
)
from protocol.parameters import INDIA, business_date

FILES_A_DAY_MAX: Final = 1_000
"""What a party may bring on one day; in three windows it has a dozen to bring."""
NAME_CHARACTERS_MAX: Final = 120
WORDS_MAX: Final = 300
"""Characters of words, as an acknowledgement can tell them."""
_DAY_S: Final = 86_400


class Verdict(Enum):
    """What a file is, when it comes."""

    NEW = "it is new, and has its turn"
    WAITING = "a file that is numbered before it has not come yet"
    REPEATED = "it came before, with the same octets"
    REFUSED = "nothing of it is taken"


@dataclass(frozen=True, slots=True)
class Brought:
    """A file as somebody brings it.

    Attributes:
        party: Whose account, or whose server, it comes from.
        name: Under which it comes.
        octets: The whole file; from anybody.
    """

    party: str
    name: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A file that came, and was kept.

    Attributes:
        verdict: What it is.
        row: As it is kept; upon `REPEATED` the one that came before.
        file: What it tells; None upon `REPEATED` and `REFUSED`.
    """

    verdict: Verdict
    row: FileRow
    file: ExchangeFile | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    code: str
    words: str
    header: FileHeader | None = None
    incident: IncidentKind = IncidentKind.FILE_REFUSED


def take(connection: Connection, ours: OurSide, brought: Brought, by: By) -> Received:
    """Keep a file that came from a party, and judge it.

    Args:
        connection: A writing transaction; commit it before anything is applied.
        ours: Our own side.
        brought: The file.
        by: Who brings it, and when.

    Raises:
        NotFoundError: There is no such party.
        ConflictError: Nothing is exchanged with it any more.
        TooManyError: It brought too many files today.
    """
    party = parties.get(connection, brought.party, lock=True)
    if party.state is not PartyState.OPEN:
        raise ConflictError(f"no files are exchanged with {party.code} any more")
    sha256 = content_hash(brought.octets)
    known = file_store.came_with(connection, party.code, sha256)
    if known is not None and known.state is not FileState.REFUSED:
        return Received(Verdict.REPEATED, _again(connection, known))
    taking = _Taking(connection, ours, party, brought, by)
    judged = taking.judge()
    if not isinstance(judged, _Refusal):
        _check_quota(connection, party, by)
        return taking.keep(judged)
    if known is not None and known.code == judged.code:
        return Received(Verdict.REFUSED, _again(connection, known))
    _check_quota(connection, party, by)
    return taking.refuse(judged)


class _Taking:
    """One file that comes, in its transaction."""

    def __init__(
        self,
        connection: Connection,
        ours: OurSide,
        party: Party,
        brought: Brought,
        by: By,
    ) -> None:
        self._connection = connection
        self._ours = ours
        self._party = party
        self._brought = brought
        self._by = by
        self._layout = ours.layouts.of_file(brought.name)

    def judge(self) -> ExchangeFile | _Refusal:
        """Read a file, or say why not."""
        layout, octets = self._layout, self._brought.octets
        if layout is None:
            return _fault(FileFault.UNKNOWN_NAME)
        if layout.name not in TAKEN_FROM[self._party.kind]:
            return _fault(FileFault.NOT_FROM_YOU)
        if len(octets) > layout.octets_max:
            words = f"at most {layout.octets_max:,} are taken"
            return _fault(FileFault.TOO_LARGE, words)
        if layout.signed:
            today = business_date(self._by.now)
            keys = party_store.keys_on(self._connection, self._party.code, today)
            signed = check_signature(octets, keys, self._ours.realm)
            if isinstance(signed, SignatureFault):
                return _Refusal(signed.code, signed.words)
        try:
            file = read_file(layout, octets)
        except ExchangeFileError as error:
            return _fault(FileFault.MALFORMED, str(error))
        fault = self._misplaced(file)
        if fault is None:
            return file
        replaced = fault in {FileFault.REPLACED, FileFault.NUMBER_USED}
        return _Refusal(
            fault.code,
            fault.words,
            FileHeader.of(file),
            IncidentKind.FILE_REPLACED if replaced else IncidentKind.FILE_REFUSED,
        )

    def keep(self, file: ExchangeFile) -> Received:
        """Keep a file that is right."""
        header, layout = FileHeader.of(file), file.layout
        last = self._last(layout)
        has_turn = header.sequence in {0, last + 1}
        state = FileState.RECEIVED if has_turn else FileState.WAITING
        row = self._add(
            **_columns_of(header),
            state=state.name,
            code="",
            words="",
            lines=len(file.lines),
            owed=False,
        )
        incidents.over(
            self._connection,
            IncidentKind.FILE_MISSING,
            f"{row.party} {row.layout} {row.business_date} {row.window}",
            f"{row.name} came late",
            self._by,
        )
        if has_turn and header.sequence:
            self._take_turn(layout, header.sequence)
        waits = file_store.first_waiting(
            self._connection, self._party.code, layout.name
        )
        if waits is not None:
            self._report_gap(layout, waits)
        return Received(Verdict.NEW if has_turn else Verdict.WAITING, row, file)

    def refuse(self, refusal: _Refusal) -> Received:
        """Keep what is not taken, and tell of it."""
        row = self._add(
            **_columns_of(refusal.header),
            state=FileState.REFUSED.name,
            code=refusal.code,
            words=refusal.words[:WORDS_MAX],
            lines=0,
            owed=True,
        )
        incidents.report(
            self._connection,
            refusal.incident,
            f"{self._party.code}/{self._brought.name}",
            f"{refusal.code}: {refusal.words}",
            self._by,
            maker=self._party.code,
        )
        return Received(Verdict.REFUSED, row)

    def _misplaced(self, file: ExchangeFile) -> FileFault | None:
        """Say why a file that its sender has signed does not belong here."""
        header, layout, code = FileHeader.of(file), file.layout, self._party.code
        if header.sender != code:
            return FileFault.WRONG_SENDER
        if header.receiver != self._ours.code:
            return FileFault.WRONG_RECEIVER
        if header.sequence == 0 and header.window != BY_HAND:
            return FileFault.NUMBER_OF_HAND
        name = self._brought.name
        if file_store.came_as(self._connection, code, header.file_id, name) is not None:
            return FileFault.REPLACED
        waits = file_store.waiting_next(
            self._connection, code, layout.name, header.sequence
        )
        if 0 < header.sequence <= self._last(layout) or waits is not None:
            return FileFault.NUMBER_USED
        return None

    def _take_turn(self, layout: Layout, sequence: int) -> None:
        """Give a file its turn, and those that waited for it theirs."""
        party_store.set_last_number(
            self._connection, self._party.code, Direction.IN, layout.name, sequence
        )
        incidents.over(
            self._connection,
            IncidentKind.SEQUENCE_GAP,
            gap(self._party.code, layout.name, sequence),
            "the missing file came",
            self._by,
        )
        parties.follow(self._connection, self._party.code, layout.name, self._by)

    def _report_gap(self, layout: Layout, waits: FileRow) -> None:
        missing = self._last(layout) + 1
        incidents.report(
            self._connection,
            IncidentKind.SEQUENCE_GAP,
            gap(self._party.code, layout.name, missing),
            f"{layout.title} no. {waits.sequence} of {self._party.name} came and "
            f"waits: no. {missing} has not come. Ask for it, or give it up with "
            "rmfs dop exchange skip",
            self._by,
            maker=self._party.code,
        )

    def _add(self, **values: Any) -> FileRow:
        brought, now = self._brought, self._by.now
        row = file_store.add(
            self._connection,
            brought.octets,
            direction=Direction.IN.name,
            party=self._party.code,
            layout="" if self._layout is None else self._layout.name,
            name=brought.name[:NAME_CHARACTERS_MAX],
            made_for=None,
            at=now,
            sha256=content_hash(brought.octets),
            size=len(brought.octets),
            state_at=now,
            refused=0,
            offers=1,
            answer_by=None,
            **values,
        )
        trail.add(
            self._connection,
            self._by,
            "take",
            Subject("exchange file", str(row.number)),
            to_state=row.state.name,
            party=row.party,
            name=row.name,
            sha256=row.sha256.hex(),
            code=row.code,
        )
        return row

    def _last(self, layout: Layout) -> int:
        return party_store.last_number(
            self._connection, self._party.code, Direction.IN, layout.name
        )


def _columns_of(header: FileHeader | None) -> dict[str, Any]:
    return {
        "file_id": None if header is None else header.file_id,
        "sequence": None if header is None else header.sequence,
        "business_date": None if header is None else header.business_date,
        "window_of_day": None if header is None else header.window,
    }


def _again(connection: Connection, known: FileRow) -> FileRow:
    """Tell of a file again, if an acknowledgement could tell of it once."""
    owed = known.is_owed or known.state in ANSWERED
    file_store.change(connection, known.number, offers=known.offers + 1, owed=owed)
    return file_store.get(connection, known.number)


def _check_quota(connection: Connection, party: Party, by: By) -> None:
    midnight = datetime.combine(business_date(by.now), time(), INDIA)
    since = epoch_seconds(midnight)
    if file_store.came_since(connection, party.code, since) >= FILES_A_DAY_MAX:
        left_s = since + _DAY_S - by.now
        words = f"{party.code} brought {FILES_A_DAY_MAX} files today: no more are taken"
        raise TooManyError(words, left_s)


def _fault(fault: FileFault, detail: str = "") -> _Refusal:
    words = f"{fault.words}: {detail}" if detail else fault.words
    return _Refusal(fault.code, words)
