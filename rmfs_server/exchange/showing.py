"""What is known of the exchange, for people and programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from hw.database import Store
from protocol.values import EpochSeconds
from rmfs_server.exchange.session import (
    is_through,
    missing,
    picture_of_received,
    show_received,
)
from rmfs_server.exchange.windows import Slot, Windows
from rmfs_server.store import acts, received_files, sent_files, told_items
from rmfs_server.store.acts import By
from rmfs_server.store.received_files import ReceivedFile
from rmfs_server.store.schema import Direction
from rmfs_server.store.sent_files import SentFile


@dataclass(frozen=True, slots=True)
class Picture:
    """The exchange at a moment.

    Attributes:
        came: The files of the Department that came last, the newest first.
        waiting: Those that wait for one before them.
        went: Our files that were made last, the newest first.
        unanswered: Those that the Department has not answered.
        to_tell: Rows that no file tells yet.
        numbers: Which file of each kind comes next.
    """

    slot: Slot
    next_start: EpochSeconds
    came: list[ReceivedFile]
    waiting: list[ReceivedFile]
    went: list[SentFile]
    unanswered: list[SentFile]
    missing: list[str]
    to_tell: int
    numbers: dict[tuple[Direction, str], int]

    def as_json(self) -> dict[str, Any]:
        """Show it to a program."""
        return {
            "day": self.slot.day.isoformat(),
            "window": self.slot.window,
            "next_window_at": self.next_start,
            "came": [picture_of_received(one) for one in self.came],
            "waiting": [one.name for one in self.waiting],
            "went": [_picture_of_sent(one) for one in self.went],
            "unanswered": [one.name for one in self.unanswered],
            "missing": self.missing,
            "to_tell": self.to_tell,
            "numbers": {
                f"{direction.name} {layout}": number
                for (direction, layout), number in sorted(
                    self.numbers.items(), key=lambda item: (item[0][0].name, item[0][1])
                )
            },
        }

    def show(self) -> Iterator[str]:
        """Show it to a person."""
        yield f"now: {self.slot}; {self.to_tell} things to tell"
        for received in self.came:
            yield f"came  {show_received(received)}"
        for sent in self.went:
            why = f": {sent.code} {sent.words}" if sent.code else ""
            yield f"went  {sent.name} {sent.state.name}, {sent.lines} lines{why}"
        for waits in self.waiting:
            yield f"waits {waits.name}: one before it has not come"
        for sent in self.unanswered:
            yield f"open  {sent.name}: not answered"
        for name in self.missing:
            yield f"lacks a {name} of this window"


def look(store: Store, now: EpochSeconds, count: int) -> Picture:
    """Look at the exchange; nothing is changed."""
    windows = Windows()
    slot = windows.at(now)
    with store.reading() as connection:
        return Picture(
            slot,
            windows.next_start(now),
            received_files.newest(connection, count),
            received_files.waiting(connection),
            sent_files.newest(connection, count),
            [one for one in sent_files.offered(connection) if not is_through(one)],
            missing(connection, slot),
            told_items.waiting(connection),
            received_files.numbers(connection),
        )


def go_on(store: Store, direction: Direction, layout: str, number: int, by: By) -> int:
    """Say which number comes next: a file is given up, or these books are an old copy.

    Returns:
        The number that came next until now.
    """
    with store.writing("go on with a number") as connection:
        before = received_files.lock_number(connection, direction, layout)
        received_files.set_number(connection, direction, layout, number)
        _record(connection, direction, layout, (before, number), by)
        return before


def _record(
    connection: Connection,
    direction: Direction,
    layout: str,
    numbers: tuple[int, int],
    by: By,
) -> None:
    acts.add(
        connection,
        None,
        "exchange_number",
        by,
        direction=direction.name,
        layout=layout,
        before=numbers[0],
        now=numbers[1],
    )


def _picture_of_sent(one: SentFile) -> dict[str, Any]:
    return {
        "name": one.name,
        "layout": one.layout,
        "file_id": one.file_id,
        "sequence": one.sequence,
        "lines": one.lines,
        "state": one.state.name,
        "handed_at": one.handed_at,
        "code": one.code,
        "words": one.words,
        "sha256": one.sha256.hex(),
    }
