"""One dialling: take what the Department laid out, answer, hand over what is ours.

A session may be cut anywhere. Whatever came was kept before it was judged, whatever
goes was kept before it goes; the next session goes on from what is kept, and neither
repeats nor leaves out anything.

Source: RMFS-31 to RMFS-35.
"""

import logging
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from protocol.exchange import content_hash
from protocol.values import EpochSeconds
from rmfs_server.exchange.making import make_files
from rmfs_server.exchange.office import ACKNOWLEDGEMENT, ExchangeOffice
from rmfs_server.exchange.remote import NAMES_MAX, PART, Remote
from rmfs_server.exchange.taking import Taking
from rmfs_server.exchange.windows import Slot
from rmfs_server.store import received_files, sent_files
from rmfs_server.store.received_files import ReceivedFile
from rmfs_server.store.schema import ReceivedState, SentState
from rmfs_server.store.sent_files import SentFile

EXPECTED: Final = ("license-issue", "license-modification", "fund")
"""What has to come in every window, empty or not; an acknowledgement comes later."""
_LOG: Final = logging.getLogger(__name__)


@dataclass
class SessionReport:
    """What a session did.

    Attributes:
        judged: Files of the Department that were judged now.
        waiting: Kept files that wait for one before them.
        foreign: Names that are none of a file for us; they were left alone.
        too_large: Names of files that have more octets than they may have.
        made: Files of ours that were made now.
        handed: Names of the files that the Department's server took.
        unanswered: Files of ours that the Department has not answered.
    """

    slot: Slot
    judged: list[ReceivedFile] = field(default_factory=list)
    waiting: list[ReceivedFile] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    too_large: list[str] = field(default_factory=list)
    made: list[SentFile] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    unanswered: list[SentFile] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    @property
    def in_order(self) -> bool:
        """Whether nothing needs a person."""
        whole = all(one.state is ReceivedState.TAKEN for one in self.judged)
        return whole and not (self.waiting or self.foreign or self.too_large)

    @property
    def is_complete(self) -> bool:
        """Whether the window has nothing more to bring."""
        return not (self.missing or self.unanswered or self.waiting)

    def as_json(self) -> dict[str, Any]:
        """Give the report as it is printed for programs."""
        return {
            "day": self.slot.day.isoformat(),
            "window": self.slot.window,
            "judged": [picture_of_received(one) for one in self.judged],
            "waiting": [picture_of_received(one) for one in self.waiting],
            "foreign": self.foreign,
            "too_large": self.too_large,
            "made": [one.name for one in self.made],
            "handed": self.handed,
            "unanswered": [one.name for one in self.unanswered],
            "missing": self.missing,
            "in_order": self.in_order,
            "complete": self.is_complete,
        }

    def show(self) -> list[str]:
        """Tell a person."""
        lines = [f"exchange of {self.slot}"]
        lines += [f"  came  {show_received(one)}" for one in self.judged]
        lines += [
            f"  waits {one.name}: one before it has not come" for one in self.waiting
        ]
        lines += [f"  left  {name}: no file for us" for name in self.foreign]
        lines += [f"  left  {name}: too large" for name in self.too_large]
        lines += [f"  went  {name}" for name in self.handed]
        lines += [f"  open  {one.name}: not answered yet" for one in self.unanswered]
        lines += [f"  lacks a {name} of this window" for name in self.missing]
        return lines


def run_session(
    office: ExchangeOffice, remote: Remote, slot: Slot, now: EpochSeconds
) -> SessionReport:
    """Exchange files once.

    Raises:
        RemoteError: The Department's server failed; what was kept is not lost.
        NoRoomError: A file of ours would be too long for its layout.
        StoreError: The database failed; begin again.
        InvariantError: Money does not add up: a person has to look.
    """
    return _Session(office, remote, slot, now).run()


class _Session:
    """One session on its way."""

    def __init__(
        self, office: ExchangeOffice, remote: Remote, slot: Slot, now: EpochSeconds
    ) -> None:
        self._office = office
        self._store = office.store
        self._remote = remote
        self._slot = slot
        self._now = now
        self._taking = Taking(office)
        self._report = SessionReport(slot)

    def run(self) -> SessionReport:
        self._take(again=True)
        self._report.made = make_files(self._office, self._slot, self._now)
        self._hand_over()
        # The Department's answers may be there already.
        self._take(again=False)
        self._see_what_is_open()
        return self._report

    def _take(self, *, again: bool) -> None:
        """Keep what is laid out, then judge all that waits."""
        names = sorted(set(self._remote.names()))[:NAMES_MAX]
        for name in names:
            if name.endswith(PART):
                continue
            layout = self._taking.layout_of(name)
            if layout is None:
                self._tell_once(self._report.foreign, name)
                continue
            octets = self._remote.read(name, layout.octets_max)
            if len(octets) > layout.octets_max:
                self._tell_once(self._report.too_large, name)
                continue
            new = self._taking.keep(name, layout, octets, self._now)
            if not new and again:
                self._see_again(octets)
        judged = self._taking.judge_waiting(self._now)
        for one in judged:
            _LOG.info("exchange: came %s", show_received(one))
        self._report.judged += judged

    def _tell_once(self, told: list[str], name: str) -> None:
        if name not in told:
            told.append(name)

    def _see_again(self, octets: bytes) -> None:
        """Answer a file once more that is still laid out: our answer was lost.

        One that was refused is judged again: its key may be known by now.
        """
        with self._store.writing("see exchange file again") as connection:
            known = received_files.with_hash(connection, content_hash(octets))
            if known is None or known.answered_in is None:
                return
            answer = sent_files.find(connection, known.answered_in)
            if answer is None or answer.handed_at is None:
                return
            if self._slot.is_window and self._is_of_this_window(answer):
                return
            if known.state is ReceivedState.REFUSED:
                received_files.judge_again(connection, known.identity)
            else:
                received_files.answer_in(connection, [known.identity], None)

    def _is_of_this_window(self, file: SentFile) -> bool:
        return (file.business_date, file.window) == (self._slot.day, self._slot.window)

    def _hand_over(self) -> None:
        """Offer what is not answered: the same octets, however often."""
        with self._store.reading() as connection:
            offered = sent_files.offered(connection)
        for one in offered:
            if is_through(one):
                continue
            with self._store.reading() as connection:
                octets = sent_files.octets_of(connection, one.identity)
            self._remote.write(one.name, octets)
            if one.handed_at is None:
                with self._store.writing("hand exchange file over") as connection:
                    sent_files.handed_over(connection, one.identity, self._now)
            self._report.handed.append(one.name)

    def _see_what_is_open(self) -> None:
        with self._store.reading() as connection:
            self._report.waiting = received_files.waiting(connection)
            self._report.unanswered = [
                one for one in sent_files.offered(connection) if not is_through(one)
            ]
            self._report.missing = missing(connection, self._slot)


def missing(connection: Connection, slot: Slot) -> list[str]:
    """Name the kinds of which no file of a window came; none outside of windows."""
    if not slot.is_window:
        return []
    came = received_files.of_window(connection, slot.day, slot.window)
    there = {one.layout for one in came}
    return [name for name in EXPECTED if name not in there]


def is_through(file: SentFile) -> bool:
    """Whether a file need not go again.

    An acknowledgement is through once it is handed over: if acknowledgements had to be
    acknowledged, there would be no end of them.
    """
    handed = file.layout == ACKNOWLEDGEMENT and file.handed_at is not None
    return handed or file.state is not SentState.OFFERED


def picture_of_received(one: ReceivedFile) -> dict[str, Any]:
    """Show a file of the Department to a program."""
    return {
        "name": one.name,
        "layout": one.layout,
        "file_id": one.file_id,
        "sequence": one.sequence,
        "state": one.state.name,
        "code": one.code,
        "words": one.words,
        "sha256": one.sha256.hex(),
    }


def show_received(one: ReceivedFile) -> str:
    """Show a file of the Department to a person."""
    why = f": {one.code} {one.words}" if one.code else ""
    return f"{one.name} {one.state.name}{why}"
