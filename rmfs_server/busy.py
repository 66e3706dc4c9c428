"""Callers that are turned away: told "busy" where that is cheap, and counted by reason.

Who is told has no link, no channel and no question to the books: one frame each way,
and the line is hung up. How many are told at once and in a second is bounded as well;
beyond that a line is closed without a word, which the machine takes for a lost line.
Half of it is kept for known lines: where machines were proved, others are to be told.

Source: SPEC.md DLG-14.6, LINK-1.9.
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss, LineUser
from protocol.link.refusing import RefusingEnd
from rmfs_server.admission import Allowance, Turned
from rmfs_server.limits import Limits

LOG_EVERY_S: Final = 10.0
"""One call in so long is logged for each reason: a flood of callers is no flood of
lines in the log. All are counted."""


class Note(Protocol):
    """Hears of a call that is turned away."""

    def __call__(self, caller: str, reason: str, *, log: bool) -> None:
        """Count it, and log it if wanted."""


class Refusals:
    """Turns calls away.

    Attributes:
        told: How many were told that the server is busy.
    """

    def __init__(self, reactor: IReactorTime, limits: Limits, note: Note) -> None:
        """Begin with none.

        Args:
            reactor: The time.
            limits: How many are told.
            note: Hears of each call that is turned away, and whether to log it.
        """
        self.told = 0
        self._note = note
        self._reactor = reactor
        self._limits = limits
        self._telling = 0
        self._telling_strangers = 0
        self._may_tell = Allowance(limits.told_per_s, limits.told_per_s)
        self._may_tell_strangers = Allowance(
            limits.strangers_told_per_s, limits.strangers_told_per_s
        )
        self._may_tell_failing = Allowance(
            limits.failing_told_per_s, limits.failing_told_per_s
        )
        self._log_after: dict[Turned, float] = {}

    def refuse(self, caller: str, why: Turned, *, known: bool) -> LineUser | None:
        """Turn a call away.

        Args:
            caller: Who calls.
            why: Why it is turned away.
            known: Whether its line is known.

        Returns:
            Who tells it that the server is busy; None: it is closed without a word.
        """
        now = float(self._reactor.seconds())
        log = now >= self._log_after.get(why, now)
        if log:
            self._log_after[why] = now + LOG_EVERY_S
        self._note(caller, why.value, log=log)
        # Who proved itself wrongly is owed nothing, but its neighbours behind a known
        # address are owed a word: of the share of strangers, since they may be it.
        stranger = not known or why is Turned.WRONG
        if not self._may_be_told(why, now, known=known, stranger=stranger):
            return None
        self._telling += 1
        self._telling_strangers += stranger
        self.told += 1

        def over() -> None:
            self._telling -= 1
            self._telling_strangers -= stranger

        return BusyLine(self._reactor, self._limits.telling_s, over)

    def _may_be_told(
        self, why: Turned, now: float, *, known: bool, stranger: bool
    ) -> bool:
        # Who is going down has no time.
        if why is Turned.DRAINING or (why is Turned.WRONG and not known):
            return False
        if self._telling >= self._limits.telling:
            return False
        if not stranger:
            return self._may_tell.take(now)
        if self._telling_strangers >= self._limits.telling_strangers:
            return False
        if why is Turned.STRANGERS and not self._may_tell_failing.take(now):
            return False
        return self._may_tell_strangers.take(now) and self._may_tell.take(now)


class BusyLine:
    """A line whose caller is told that there is no time for it; a `LineUser`."""

    def __init__(
        self, reactor: IReactorTime, stay_s: float, over: Callable[[], None]
    ) -> None:
        """Wait for the line to come up.

        Args:
            reactor: The time.
            stay_s: How long the caller may take to ask for a link.
            over: Told once, when the line is gone.
        """
        self._reactor = reactor
        self._stay_s = stay_s
        self._over = over
        self._end = RefusingEnd()
        self._line: Line | None = None
        self._timer: IDelayedCall | None = None

    def line_up(self, line: Line) -> None:
        """Wait for the caller's first frame, but not for ever."""
        self._line = line
        self._timer = self._reactor.callLater(self._stay_s, self._hang_up)

    def octets_received(self, octets: bytes) -> None:
        """Tell the caller, and hang up."""
        answer = self._end.receive_octets(octets)
        if answer and self._line is not None:
            self._line.send(answer)
            self._line.drop()

    def line_lost(self, _loss: LineLoss) -> None:
        """End."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        self._over()

    def _hang_up(self) -> None:
        self._timer = None
        if self._line is not None:
            self._line.drop()
