"""Lines over pseudo-terminals: whatever program opens one of ours has called.

Each call has a pseudo-terminal of its own (`hw.ports.pty`), so that several programs
can call at once, one after the other through the same link.
"""

import logging
from typing import Final

from hw.lines.direct import DEFAULT
from hw.lines.direct_end import Begins, DirectEnd
from hw.lines.port import Answer, LineError, LineLoss, LineUser
from hw.ports.pty import PtyOpener
from hw.ports.terminal_settings import PortOpenError
from hw.reactor import MonotonicReactor

_log = logging.getLogger(__name__)

RETRY_S: Final = 5.0
"""How long after a pseudo-terminal that could not be made the next is tried."""


class PtyListener:
    """Answers programs that open the pseudo-terminal behind a link."""

    def __init__(
        self, reactor: MonotonicReactor, opener: PtyOpener, address: str
    ) -> None:
        """Remember the place; nothing is made yet.

        Args:
            reactor: Waits for them.
            opener: Makes the pseudo-terminals and the link.
            address: The line string of this place.
        """
        self._reactor = reactor
        self._opener = opener
        self._address = address
        self._answer: Answer | None = None
        self._waiting: DirectEnd | None = None

    @property
    def address(self) -> str:
        """The line string of this place."""
        return self._address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: The place is taken or not ours.
        """
        if self._answer is not None:
            message = f"already listening at {self._address}"
            raise LineError(message)
        try:
            self._opener.prepare()
        except PortOpenError as error:
            message = f"cannot listen at {self._address}: {error.loss.detail}"
            raise LineError(message) from error
        self._answer = answer
        self._wait(0.0)

    def close(self) -> None:
        """Answer no more; lines that are up stay up."""
        self._answer = None
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.drop()
        self._opener.close()

    def _wait(self, wait_s: float) -> None:
        self._waiting = DirectEnd(
            self._reactor,
            DEFAULT,
            begins=Begins.AT_ONCE,
            find_user=self._find_user,
            on_end=self._ended,
        )
        self._waiting.open_after(wait_s, self._opener, None)

    def _find_user(self) -> LineUser | None:
        if self._answer is None:
            return None
        try:
            # The next caller finds a new one behind the link.
            self._opener.prepare()
        except PortOpenError as error:
            _log.warning("%s", error)
        self._wait(0.0)
        return self._answer(self._address)

    def _ended(self, end: DirectEnd, loss: LineLoss) -> None:
        if end is self._waiting:
            _log.warning("%s: tried again in %g s", loss.detail, RETRY_S)
            self._wait(RETRY_S)
        if end.user is not None:
            end.user.line_lost(loss)
