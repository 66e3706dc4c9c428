"""The ERROR that an end owes: what the other has sent was wrong, and a clause says so.

An end is judged by its answer only when it has acknowledged what was wrong before it
spoke. It may answer something earlier first, and be hindered by something else.
"""

from dataclasses import dataclass
from typing import Final

from hw.lab.tap.link_view import LinkView
from hw.lab.tap.sheet import Sheet
from protocol.errors import ErrorCode
from protocol.link import Role

_MEANWHILE: Final = frozenset({ErrorCode.SUPERSEDED, ErrorCode.UNAVAILABLE})
"""A server may say these at any time, whatever has come."""
_OF_STRANGERS: Final = frozenset({ErrorCode.HANDSHAKE, ErrorCode.UNKNOWN_MACHINE})
"""A server says these of who sends GREETING_3, before it looks at what is in it."""


@dataclass(slots=True)
class _Due:
    """An ERROR that an end has to answer with.

    Attributes:
        side: The end.
        clause: That says so.
        code: Of the ERROR.
        number: V(S) of the other end behind the packet: acknowledged, it was received.
        owes: It owes an answer to an earlier packet first.
        in_greeting: The packet was GREETING_3: who it is from may be refused first.
    """

    side: Role
    clause: str
    code: ErrorCode
    number: int
    owes: bool
    in_greeting: bool


class Owed:
    """At most one ERROR that is owed in a channel: the first ends it."""

    def __init__(self, sheet: Sheet, view: LinkView) -> None:
        """Begin with a line, where nothing is owed.

        Args:
            sheet: Takes what is found.
            view: The link, with the frame already taken into it.
        """
        self._sheet = sheet
        self._view = view
        self._due: _Due | None = None

    def begin(self) -> None:
        """Begin a channel: nothing is owed."""
        self._due = None

    def expect(
        self, side: Role, clause: str, code: ErrorCode, *, owes: bool, in_greeting: bool
    ) -> None:
        """Have an end answer the packet that has just come with an ERROR.

        Args:
            side: The end.
            clause: That says so.
            code: Of the ERROR.
            owes: It owes an answer to an earlier packet first.
            in_greeting: The packet was GREETING_3.
        """
        if self._due is None:
            number = self._view.ends[side.peer].next
            self._due = _Due(side, clause, code, number, owes, in_greeting)

    def has_received(self, side: Role, number: int) -> bool:
        """Say whether an end has acknowledged all before a number of the other's."""
        other = self._view.ends[side.peer]
        behind = self._view.behind(other.acknowledged, number)
        return behind < self._view.modulus // 2

    def said_error(self, side: Role, code: ErrorCode | None) -> None:
        """Judge an ERROR: whether it is the one that was owed."""
        due, self._due = self._due, None
        if due is None or due.side is not side:
            return
        may_differ = (
            code in _MEANWHILE
            or due.owes
            or (due.in_greeting and code in _OF_STRANGERS)
        )
        if code is not due.code and may_differ:
            return
        name = "ERROR of no code" if code is None else f"ERROR {code.name}"
        expected = f"ERROR {due.code.name}"
        self._sheet.look(due.clause, side, code is due.code, expected, name)

    def went_on(self, side: Role, name: str) -> None:
        """Judge an end that sends another packet."""
        due = self._due
        if due is None or due.side is not side:
            return
        if not self.has_received(side, due.number):
            return
        if due.owes:
            due.owes = False
            return
        self._due = None
        self._sheet.failed(due.clause, side, f"ERROR {due.code.name}", name)

    def hung_up(self, side: Role) -> None:
        """Judge an end that hangs up without a word."""
        due = self._due
        if due is None or due.side is not side:
            return
        if not self.has_received(side, due.number):
            return
        self._due = None
        if not self._view.was_disturbed:
            self._sheet.failed(due.clause, side, f"ERROR {due.code.name}", "DISC")
