"""Lines straight over a serial port, with no modem to dial: a cable, or a pair of ptys.

Both ends raise DTR and RTS when they open the port. Through a null modem cable the DTR
of one end is the DCD of the other, so that with ``carrier=dcd`` each end sees whether
the other is there, and hears it hang up. With ``carrier=none``, on a cable of three
wires, neither can be seen: a call is up when the port is open, and what is behind it is
found out by the link.

A server's end keeps the port open between calls:

- with a carrier, a call begins when the carrier rises, and ends when it falls;
- without one, a call begins with the first octet after silence, and ends when the
  server hangs up, or the port is lost. The octet is the beginning of the call's first
  frame, and is received as such.

Hanging up closes the port, and DTR falls. It is opened again after `dtr_off_s` at the
earliest: what is shorter may pass for a fault. A port that was unplugged, or is in use,
is tried again after 1, 2, 4 ... 30 s.
"""

import logging
from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.lines.direct_end import Begins, Carrier, DirectEnd, DirectParameters
from hw.lines.port import Answer, Call, LineError, LineLoss, LineUser
from hw.ports.port import PortOpener

_log = logging.getLogger(__name__)

DEFAULT: Final = DirectParameters()


class DirectDialler:
    """Calls whoever is at the other end of a port."""

    def __init__(
        self,
        reactor: IReactorTime,
        opener: PortOpener,
        parameters: DirectParameters = DEFAULT,
    ) -> None:
        """Remember the port; nothing is opened yet."""
        self._reactor = reactor
        self._opener = opener
        self._parameters = parameters
        self._rested_at_s = reactor.seconds()

    def dial(self, user: LineUser) -> Call:
        """Open the port for `user`, and wait for a carrier where there is to be one."""
        carrier = self._parameters.carrier is Carrier.DCD
        end = DirectEnd(
            self._reactor,
            self._parameters,
            begins=Begins.WITH_CARRIER if carrier else Begins.AT_ONCE,
            find_user=lambda: user,
            on_end=lambda end, loss: self._ended(end, loss, user),
        )
        wait_s = max(0.0, self._rested_at_s - self._reactor.seconds())
        end.open_after(wait_s, self._opener, self._parameters.carrier_wait_s)
        return end

    def _ended(self, end: DirectEnd, loss: LineLoss, user: LineUser) -> None:
        if end.has_circuits:
            self._rested_at_s = self._reactor.seconds() + self._parameters.dtr_off_s
        user.line_lost(loss)


class DirectListener:
    """Answers whoever calls at the other end of a port; one call at a time."""

    def __init__(
        self,
        reactor: IReactorTime,
        opener: PortOpener,
        address: str,
        parameters: DirectParameters = DEFAULT,
    ) -> None:
        """Remember the port; nothing is opened yet.

        Args:
            reactor: The time, real or virtual.
            opener: Opens the port.
            address: The line string of this place.
            parameters: How calls are recognised and ended.
        """
        self._reactor = reactor
        self._opener = opener
        self._address = address
        self._parameters = parameters
        self._answer: Answer | None = None
        self._end: DirectEnd | None = None
        self._retry_s = parameters.retry_least_s

    @property
    def address(self) -> str:
        """The line string of this place."""
        return self._address

    def listen(self, answer: Answer) -> None:
        """Answer calls from now on; a port that is not there is waited for.

        Raises:
            LineError: Somebody listens here already.
        """
        if self._answer is not None:
            message = f"already listening at {self._address}"
            raise LineError(message)
        self._answer = answer
        if self._end is None:
            self._open_after(0.0)

    def close(self) -> None:
        """Answer no more; a line that is up stays up."""
        self._answer = None
        if self._end is not None and not self._end.is_up:
            self._end.drop()

    def _open_after(self, wait_s: float) -> None:
        carrier = self._parameters.carrier is Carrier.DCD
        self._end = DirectEnd(
            self._reactor,
            self._parameters,
            begins=Begins.WITH_CARRIER if carrier else Begins.WITH_AN_OCTET,
            find_user=self._find_user,
            on_end=self._ended,
        )
        self._end.open_after(wait_s, self._opener, None)

    def _find_user(self) -> LineUser | None:
        return None if self._answer is None else self._answer(self._opener.name)

    def _ended(self, end: DirectEnd, loss: LineLoss) -> None:
        self._end = None
        if end.was_open:
            self._retry_s = self._parameters.retry_least_s
        if self._answer is not None:
            if end.was_open and end.was_closed:
                self._open_after(self._parameters.dtr_off_s)
            else:
                _log.warning("%s: tried again in %g s", loss.detail, self._retry_s)
                self._open_after(self._retry_s)
                self._retry_s = min(2 * self._retry_s, self._parameters.retry_most_s)
        if end.user is not None:
            end.user.line_lost(loss)
