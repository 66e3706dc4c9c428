"""Decide what the files of a window hold, and keep them, in one transaction.

- The rows that a file tells take its id in the transaction that keeps its octets: none
  is left out, none is told twice. Balances are those of the same moment.
- For one window each file is made once; what came after it was made is told by the
  next. The acknowledgement alone is made again where files came late.
- A file that was refused took no number: another one goes under the same.

Source: RMFS-33, RMFS-35; docs/exchange-session.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from protocol.errors import NeedsAttentionError
from protocol.exchange import (
    DEPARTMENT,
    FileHeader,
    FileTooLongError,
    Layout,
    Line,
    content_hash,
    sign_file,
    write_file,
)
from protocol.values import EpochSeconds
from rmfs_server.exchange.faults import NUMBER_IS_GONE
from rmfs_server.exchange.office import ACKNOWLEDGEMENT, OUTGOING, ExchangeOffice
from rmfs_server.exchange.telling import TELLERS, Teller
from rmfs_server.exchange.windows import Slot
from rmfs_server.exchange.wording import fit_words
from rmfs_server.store import received_files, sent_files, told_items
from rmfs_server.store.received_files import ReceivedFile
from rmfs_server.store.schema import Direction, SentState
from rmfs_server.store.sent_files import NewFile, SentFile

PREFIXES: Final = {
    "acknowledgement": "ACK",
    "credit-download": "CD",
    "discrepancy": "DSC",
    "remaining-fund": "RF",
    "usage": "US",
}
"""What the ids of our files begin with."""
TRIES_MAX: Final = 2
"""Files of a kind that are refused in one window; then a person has to look."""

MORE_ROOM: Final = (
    "give both sides a layout with more lines_max and octets_max "
    "(docs/exchange-files.md), or new machines a second letter (docs/growing.md)"
)
"""What to do where a file is too long for its layout."""


class NoRoomError(NeedsAttentionError):
    """A file does not fit its layout, so that none of the window can be made."""


def make_files(office: ExchangeOffice, slot: Slot, now: EpochSeconds) -> list[SentFile]:
    """Make the files of a window that were not made yet.

    Returns:
        What was made now; nothing when all of it was there.

    Raises:
        StoreError: The database failed, or another session made them at the same
            moment; ask again.
        NoRoomError: A file would be too long for its layout; a person has to look.
        LocalProtocolError: A layout cannot tell what is to be told.
    """
    with office.store.writing("make exchange files") as connection:
        told_items.see_one_moment(connection)
        return _Making(connection, office, slot, now).run()


class _Making:
    """Makes the files of one window in one transaction."""

    def __init__(
        self,
        connection: Connection,
        office: ExchangeOffice,
        slot: Slot,
        now: EpochSeconds,
    ) -> None:
        self._connection = connection
        self._ours = office.ours
        self._realm = office.department.realm
        self._layouts = office.department.layouts
        self._slot = slot
        self._now = now
        self._teller = Teller(connection, now)
        self._made: list[SentFile] = []

    def run(self) -> list[SentFile]:
        numbers = {
            name: received_files.lock_number(self._connection, Direction.OUT, name)
            for name in (ACKNOWLEDGEMENT, *OUTGOING)
        }
        self._acknowledge(numbers[ACKNOWLEDGEMENT])
        for name in OUTGOING:
            self._tell(self._layouts[name], numbers[name])
        return self._made

    def _tell(self, layout: Layout, following: int) -> None:
        for number in self._numbers(layout, following, more=False):
            told = TELLERS[layout.name](self._teller, layout)
            by_hand = not self._slot.is_window
            if by_hand and not told.items and self._is_offered(layout):
                return
            identity = self._keep(layout, number, told.lines)
            told_items.take(self._connection, identity, told.items)

    def _acknowledge(self, following: int) -> None:
        layout = self._layouts[ACKNOWLEDGEMENT]
        open_files = received_files.unanswered(self._connection)
        late = any(one.layout != ACKNOWLEDGEMENT for one in open_files)
        batches = list(self._batches(layout, open_files)) or [([], [])]
        if not self._slot.is_window and not open_files and self._is_offered(layout):
            return
        numbers = self._numbers(layout, following, more=late)
        for (files, lines), number in zip(
            batches, _and_on(numbers, len(batches)), strict=False
        ):
            identity = self._keep(layout, number, lines)
            answered = [one.identity for one in files]
            received_files.answer_in(self._connection, answered, identity)

    def _numbers(self, layout: Layout, following: int, *, more: bool) -> list[int]:
        """List the numbers to make files under: those refused, and perhaps one more."""
        again = [
            number
            for number in sent_files.refused_numbers(self._connection, layout.name)
            if not any(
                one.code in NUMBER_IS_GONE
                for one in sent_files.with_number(self._connection, layout.name, number)
            )
        ]
        slot = self._slot
        made: list[SentFile] = []
        if slot.is_window:
            made = sent_files.of_window(self._connection, slot.day, slot.window)
        states = [one.state for one in made if one.layout == layout.name]
        if states.count(SentState.REFUSED) >= TRIES_MAX:
            return []
        stands = any(state is not SentState.REFUSED for state in states)
        return again if again or (stands and not more) else [following]

    def _is_offered(self, layout: Layout) -> bool:
        """Say whether such a file has still to be handed over."""
        return any(
            one.layout == layout.name and one.handed_at is None
            for one in sent_files.offered(self._connection)
        )

    def _batches(
        self, layout: Layout, files: Sequence[ReceivedFile]
    ) -> Iterator[tuple[list[ReceivedFile], list[Line]]]:
        """Cut what is acknowledged into files that are not too long."""
        taken: list[ReceivedFile] = []
        lines: list[Line] = []
        for one in files:
            said = list(self._said(layout, one))
            if taken and len(lines) + len(said) > layout.lines_max:
                yield taken, lines
                taken, lines = [], []
            taken.append(one)
            lines += said
        if taken:
            yield taken, lines

    def _said(self, layout: Layout, one: ReceivedFile) -> Iterator[Line]:
        yield Line(
            "file",
            {
                "file_name": one.name,
                "file_id": one.file_id,
                "sha256": one.sha256,
                "verdict": one.state.name,
                "code": one.code,
                "words": one.words and fit_words(one.words, layout.separator),
            },
        )
        for refused in received_files.refusals(self._connection, one.identity):
            yield Line(
                "refused",
                {
                    "file_id": one.file_id,
                    "line_id": refused.line_id,
                    "code": refused.code,
                    "words": fit_words(refused.words, layout.separator),
                },
            )

    def _keep(self, layout: Layout, number: int, lines: Sequence[Line]) -> int:
        header = FileHeader(
            file_id=self._file_id(layout, number),
            sender=self._ours.letter,
            receiver=DEPARTMENT,
            sequence=number,
            business_date=self._slot.day,
            window=self._slot.window,
            made_at=self._now,
        )
        try:
            octets = write_file(layout, header.values(), lines)
        except FileTooLongError as error:
            message = f"no file of this window is made: {error}; {MORE_ROOM}"
            raise NoRoomError(message) from error
        if layout.signed:
            octets = sign_file(octets, self._ours.key, self._ours.key_id, self._realm)
        identity = sent_files.reserve_identity(self._connection)
        new = NewFile(
            header.file_id,
            layout.name,
            number,
            header.business_date,
            header.window,
            layout.name_file(header.values()),
            content_hash(octets),
            octets,
            len(lines),
            self._now,
        )
        sent_files.add(self._connection, identity, new)
        following = received_files.lock_number(
            self._connection, Direction.OUT, layout.name
        )
        received_files.set_number(
            self._connection, Direction.OUT, layout.name, max(following, number + 1)
        )
        made = sent_files.find(self._connection, identity)
        if made is not None:
            self._made.append(made)
        return identity

    def _file_id(self, layout: Layout, number: int) -> str:
        """Name a file; one that goes instead of a refused one is another file."""
        before = len(sent_files.with_number(self._connection, layout.name, number))
        again = f"-{before + 1}" if before else ""
        prefix = PREFIXES[layout.name]
        return f"{prefix}-{self._ours.letter}-{number:06d}{again}"


def _and_on(numbers: Iterable[int], count: int) -> Iterator[int]:
    """Give numbers, and those that follow the last one, so many in all."""
    number = 0
    given = 0
    for number in numbers:
        yield number
        given += 1
    while given and given < count:
        number += 1
        given += 1
        yield number
