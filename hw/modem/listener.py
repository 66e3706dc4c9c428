"""Answering by modem; a `hw.lines.port.Listener`.

A listener opens its port, sets the modem up, and waits for RING. After a call the port
is closed and opened again, so that every call begins with a modem that was set up. A
modem that is pulled out, or off, is looked for again after a while; that it is gone,
and that it is back, is told once.
"""

import logging
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Answer, LineError, LineLoss, LossCause
from hw.modem.dialogue import ModemDialogue
from hw.modem.dialogue_states import DialogueState
from hw.modem.line import ModemLine
from hw.modem.settings import ModemSettings
from hw.ports.port import PortOpener

REOPEN_S: Final = 0.5
REOPEN_AFTER_TROUBLE_S: Final = 10.0

OnTrouble = Callable[[str], None]
"""Told, in words, that a modem is of no use, or of use again."""

_log = logging.getLogger(__name__)
_TROUBLE: Final = frozenset(
    {LossCause.NO_PORT, LossCause.NO_MODEM, LossCause.MODEM_REFUSED}
)
_IN_CALL: Final = frozenset(
    {
        DialogueState.CONNECTED,
        DialogueState.FADING,
        DialogueState.DRAINING,
        DialogueState.DROPPING,
        DialogueState.HUSHED,
        DialogueState.INTERRUPTING,
        DialogueState.HANGING_UP,
    }
)


def _log_trouble(words: str) -> None:
    """Tell whoever reads the log."""
    _log.warning("%s", words)


class ModemListener:
    """Answers the calls of one modem."""

    def __init__(
        self,
        reactor: IReactorTime,
        opener: PortOpener,
        settings: ModemSettings,
        *,
        on_trouble: OnTrouble = _log_trouble,
    ) -> None:
        """Remember the modem; nothing is opened yet.

        Args:
            reactor: The time, real or virtual.
            opener: The modem's port.
            settings: How to work it.
            on_trouble: Told when it cannot answer, and when it can again.
        """
        self._reactor = reactor
        self._opener = opener
        self._settings = settings
        self._on_trouble = on_trouble
        self._answer: Answer | None = None
        self._line: ModemLine | None = None
        self._timer: IDelayedCall | None = None
        self._in_trouble = False

    @property
    def address(self) -> str:
        """Which modem."""
        return f"modem:{self._opener.name}"

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on.

        Raises:
            LineError: Somebody listens at this modem already.
        """
        if self._answer is not None:
            message = f"somebody listens at {self.address} already"
            raise LineError(message)
        self._answer = answer
        if self._line is None:
            self._open()

    def close(self) -> None:
        """Answer no more; a line that is up stays up."""
        self._answer = None
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._line is not None and self._line.state not in _IN_CALL:
            self._line.drop()

    def _open(self) -> None:
        answer = self._answer
        if answer is not None and self._line is None:
            self._line = ModemLine(
                self._reactor,
                self._opener,
                ModemDialogue(self._settings, answers=True),
                make_user=answer,
                on_end=self._ended,
                on_ready=self._ready,
            )

    def _ready(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._on_trouble(f"{self.address} answers calls again")

    def _ended(self, loss: LineLoss) -> None:
        self._line = None
        if self._answer is None:
            return
        trouble = loss.cause in _TROUBLE
        if trouble and not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(f"{self.address} answers no calls: {loss}")
        wait_s = REOPEN_AFTER_TROUBLE_S if trouble else REOPEN_S
        self._timer = self._reactor.callLater(wait_s, self._open)
