"""Dialling by modem; a `hw.lines.port.Dialler`."""

from twisted.internet.interfaces import IReactorTime

from hw.lines.port import Call, LineError, LineUser
from hw.modem.dialogue import ModemDialogue
from hw.modem.line import ModemLine
from hw.modem.settings import ModemSettings
from hw.ports.port import PortOpener


class ModemDialler:
    """Dials one number with one modem."""

    def __init__(
        self, reactor: IReactorTime, opener: PortOpener, settings: ModemSettings
    ) -> None:
        """Remember modem and number; nothing is opened yet.

        Args:
            reactor: The time, real or virtual.
            opener: The modem's port.
            settings: How to work it, and what to dial.

        Raises:
            LineError: There is no number.
        """
        if not settings.dialled:
            message = "a modem that dials needs a number: dial=08025550199"
            raise LineError(message)
        self._reactor = reactor
        self._opener = opener
        self._settings = settings

    def dial(self, user: LineUser) -> Call:
        """Call the number for `user`."""
        dialogue = ModemDialogue(self._settings)
        return ModemLine(self._reactor, self._opener, dialogue, user=user)
