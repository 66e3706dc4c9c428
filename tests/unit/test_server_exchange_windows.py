"""When the maker dials the Department: in windows of working days, until all came."""

import asyncio
import re
from datetime import date, datetime

import pytest

from hw.clock import MemoryWallClock, epoch_seconds
from protocol.parameters import INDIA
from protocol.values import EpochSeconds
from rmfs_server.exchange.faults import FileRefused, LineRefused, PartlyTaken
from rmfs_server.exchange.program import BACKOFF_S, POLL_S, SLEEP_S_MAX, Exchanging
from rmfs_server.exchange.remote import RemoteError
from rmfs_server.exchange.session import SessionReport
from rmfs_server.exchange.windows import Slot, Windows
from rmfs_server.exchange.wording import fit_words
from rmfs_server.suspending import Suspended
from tests.house.sources import ROOT

MONDAY = date(2026, 11, 23)


def moment(text: str) -> EpochSeconds:
    return epoch_seconds(datetime.fromisoformat(text).replace(tzinfo=INDIA))


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("2026-11-23T09:29:59", 0),
        ("2026-11-23T09:30:00", 1),
        ("2026-11-23T09:59:59", 1),
        ("2026-11-23T10:00:00", 0),
        ("2026-11-23T13:45:00", 2),
        ("2026-11-23T16:30:00", 3),
    ],
)
def test_a_moment_is_in_a_window_or_by_hand(text: str, window: int) -> None:
    assert Windows().at(moment(text)) == Slot(MONDAY, window)


@pytest.mark.parametrize("day", ["2026-11-22", "2026-11-24"])
def test_a_sunday_and_a_holiday_have_no_windows(day: str) -> None:
    slot = Windows().at(moment(f"{day}T09:45:00"))
    assert not slot.is_window
    assert Windows().next_start(moment(f"{day}T09:45:00")) > moment(f"{day}T23:59:59")


def test_the_next_window_may_be_days_away() -> None:
    known = Windows()
    assert known.next_start(moment("2026-11-23T09:00:00")) == moment(
        "2026-11-23T09:30:00"
    )
    assert known.next_start(moment("2026-11-23T17:00:00")) == moment(
        "2026-11-25T09:30:00"
    )


class Day:
    """Runs the program on a clock that only its waiting moves."""

    def __init__(self, begins: str, ends: str) -> None:
        self.clock = MemoryWallClock(
            datetime.fromisoformat(begins).replace(tzinfo=INDIA)
        )
        self._ends = moment(ends)
        self.waits: list[float] = []
        self.sessions: list[str] = []
        self.down = 0
        self.unanswered = 0

    def session(self, slot: Slot) -> SessionReport:
        at = datetime.fromtimestamp(self.clock.now(), INDIA)
        self.sessions.append(f"{at:%H:%M:%S} {slot.window}")
        if self.down:
            self.down -= 1
            raise RemoteError("it does not answer")
        report = SessionReport(slot)
        if self.unanswered:
            self.unanswered -= 1
            report.missing.append("fund")
        return report

    async def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.clock.advance(seconds)
        return self.clock.now() >= self._ends

    def run(self) -> None:
        asyncio.run(Exchanging(self.session, Windows(), self.clock).run(self.wait))


def test_a_window_that_is_complete_has_one_session() -> None:
    day = Day("2026-11-23T09:00:00", "2026-11-23T18:00:00")
    day.run()
    assert day.sessions == ["09:30:00 1", "13:30:00 2", "16:30:00 3"]
    assert max(day.waits) <= SLEEP_S_MAX


def test_a_window_that_lacks_something_is_asked_again_until_it_ends() -> None:
    day = Day("2026-11-23T09:30:00", "2026-11-23T10:30:00")
    day.unanswered = 2
    day.run()
    assert day.sessions == ["09:30:00 1", "09:31:00 1", "09:32:00 1"]
    assert day.waits[:2] == [POLL_S, POLL_S]


def test_a_server_that_fails_is_asked_again_later_and_later() -> None:
    day = Day("2026-11-23T09:30:00", "2026-11-23T11:00:00")
    day.down = 7
    day.run()
    assert day.waits[:7] == [*BACKOFF_S, BACKOFF_S[-1]]
    assert day.sessions[-1].endswith(" 1")


def test_words_are_made_to_fit_a_line_of_a_file() -> None:
    assert fit_words("a|b\n c\td\u200b") == "a b c d"
    assert fit_words("") == "-"
    assert fit_words("ಬೆಂಗಳೂರು; x", ";") == "ಬೆಂಗಳೂರು x"
    assert len(fit_words("x y " * 200)) <= 300


def test_every_code_is_told_to_operators() -> None:
    document = (ROOT / "docs" / "exchange-session.md").read_text("utf-8")
    told = re.findall(
        r"^\| `([A-Z]{3}-\d\d-\d{3})` \| (.*) \|$", document, re.MULTILINE
    )
    kinds = (FileRefused, PartlyTaken, LineRefused, Suspended)
    assert told == [(one.code, one.words) for kind in kinds for one in kind]
