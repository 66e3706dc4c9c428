"""Callers that are turned away: told "busy" where that is cheap, and counted by reason.

Who is told has no link, no channel and no question to the books: one frame each way,
and the line is hung up. How many are told at once and in a second is bounded as well;
beyond that a line is closed without a word, which the machine takes for a lost line.

Source: SPEC.md DLG-14.6, LINK-1.9.
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss, LineUser
from protocol.link.refusing import RefusingEnd
from rmfs_server.admission import NOT_TOLD, Allowance, Turned
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
        self._may_tell = Allowance(limits.told_per_s, limits.told_per_s)
        self._may_tell_strangers = Allowance(
            limits.strangers_told_per_s, limits.strangers_told_per_s
        )
        self._log_after: dict[Turned, float] = {}

    def refuse(self, caller: str, why: Turned) -> LineUser | None:
        """Turn a call away.

        Returns:
            Who tells it that the server is busy; None: it is closed without a word.
        """
        now = float(self._reactor.seconds())
        log = now >= self._log_after.get(why, now)
        if log:
            self._log_after[why] = now + LOG_EVERY_S
        self._note(caller, why.value, log=log)
        stranger = why is Turned.STRANGERS
        allowance = self._may_tell_strangers if stranger else self._may_tell
        if (
            why in NOT_TOLD
            or self._telling >= self._limits.telling
            or not allowance.take(now)
        ):
            return None
        self._telling += 1
        self.told += 1
        return BusyLine(self._reactor, self._limits.telling_s, self._is_told)

    def _is_told(self) -> None:
        self._telling -= 1


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
