"""One end of a direct line: a port that becomes a line, and is let go after it.

A carrier that falls is looked at again after `carrier_gone_s`: the last octets may
still be in an adapter, which tells of circuits sooner than of octets. Faults on the
line are counted and do not end it: the link repeats what they cost.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import LineLoss, LineUser, LossCause
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortCall,
    PortFault,
    PortLoss,
    PortLossCause,
    PortOpener,
    TerminalCircuits,
)

_log = logging.getLogger(__name__)

READY: Final = TerminalCircuits(request_to_send=True, terminal_ready=True)

_CAUSES: Final = {
    PortLossCause.CLOSED_HERE: LossCause.DROPPED_HERE,
    PortLossCause.CLOSED_BY_PEER: LossCause.DROPPED_BY_PEER,
    PortLossCause.OVERFLOW: LossCause.OVERFLOW,
}
"""What the loss of a port is to a line that was up; others are a lost carrier."""


class Carrier(Enum):
    """How an end knows that the other one is there."""

    NONE = "none"
    """It does not."""
    DCD = "dcd"
    """By circuit 109."""


@dataclass(frozen=True, slots=True)
class DirectParameters:
    """How direct lines are set up and taken down.

    Attributes:
        carrier: See `Carrier`.
        carrier_wait_s: How long a caller waits for the carrier of the other end.
        carrier_gone_s: How long a carrier stays away before it counts as lost.
        dtr_off_s: How long DTR stays off after a call, where there is one. A modem
            takes 50 ms for enough (S25 of most), polling ends 20 ms.
        silence_s: Without a carrier, how long nothing has arrived before an octet
            begins a call: what is left of the call before is none.
        retry_least_s: After the first port that could not be opened; then doubled.
        retry_most_s: The longest wait.
    """

    carrier: Carrier = Carrier.NONE
    carrier_wait_s: float = 30.0
    carrier_gone_s: float = 0.1
    dtr_off_s: float = 0.5
    silence_s: float = 0.25
    retry_least_s: float = 1.0
    retry_most_s: float = 30.0


class Begins(Enum):
    """When a port that is open becomes a line."""

    AT_ONCE = auto()
    WITH_CARRIER = auto()
    WITH_AN_OCTET = auto()


class DirectEnd:
    """One end, from opening the port to its loss; `PortUser`, `Line` and `Call`.

    Attributes:
        user: Of the line, once it is up.
        was_open: The port was open.
        was_closed: It was closed here, or by the far end: it is still there.
        has_circuits: So that DTR has to stay off for a while.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        parameters: DirectParameters,
        *,
        begins: Begins,
        find_user: Callable[[], LineUser | None],
        on_end: Callable[["DirectEnd", LineLoss], None],
    ) -> None:
        self.user: LineUser | None = None
        self.was_open = False
        self.was_closed = False
        self.has_circuits = False
        self._reactor = reactor
        self._parameters = parameters
        self._begins = begins
        self._find_user = find_user
        self._on_end = on_end
        self._call: PortCall | None = None
        self._port: Port | None = None
        self._loss: LineLoss | None = None
        self._timer: IDelayedCall | None = None
        self._quiet_since_s = reactor.seconds()
        self._faults = 0

    @property
    def name(self) -> str:
        """The port's name; empty before it is open."""
        return "" if self._port is None else self._port.name

    @property
    def is_up(self) -> bool:
        """Whether it became a line."""
        return self.user is not None

    def open_after(
        self, wait_s: float, opener: PortOpener, carrier_wait_s: float | None
    ) -> None:
        """Open the port; with `carrier_wait_s` the carrier has to come by then."""

        def open_now() -> None:
            self._timer = None
            self._call = opener.open(self)
            if carrier_wait_s is not None and self._begins is Begins.WITH_CARRIER:
                self._timer = self._reactor.callLater(carrier_wait_s, self._no_carrier)

        # A user that is told inside `dial` would be told too early.
        self._timer = self._reactor.callLater(wait_s, open_now)

    def send(self, octets: bytes) -> None:
        """Hand octets to the port."""
        if self._port is not None and self._loss is None:
            self._port.send(octets)

    def drop(self) -> None:
        """Hang up, or give up what is being opened."""
        self._lose(LineLoss(LossCause.DROPPED_HERE))

    def port_up(self, port: Port) -> None:
        """Raise DTR and RTS, and be a line at once, or wait until it is time."""
        self._port = port
        self._quiet_since_s = self._reactor.seconds()
        self.was_open = True
        self.has_circuits = port.circuits is not None
        if self._loss is not None:
            port.close()
            return
        port.set_circuits(READY)
        if self._begins is Begins.AT_ONCE:
            self._begin()
        elif self._begins is Begins.WITH_CARRIER:
            if port.circuits is None:
                detail = f"{port.name} has no carrier: set carrier=none"
                self._lose(LineLoss(LossCause.NO_ANSWER, detail))
            else:
                self.circuits_changed(port.circuits)

    def octets_received(self, octets: bytes) -> None:
        """Pass them on; the first after silence may be what begins the line."""
        now_s = self._reactor.seconds()
        quiet_s = now_s - self._quiet_since_s
        self._quiet_since_s = now_s
        if self._loss is not None:
            return
        if not self.is_up and self._begins is Begins.WITH_AN_OCTET:
            if quiet_s >= self._parameters.silence_s:
                self._begin()
            else:
                _log.info("%s: octets of no call", self.name)
        if self.user is not None and self._loss is None:
            self.user.octets_received(octets)

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        """Begin or end with the carrier, where it says so."""
        if self._begins is not Begins.WITH_CARRIER or self._loss is not None:
            return
        if circuits.carrier:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if not self.is_up:
                self._begin()
        elif self.is_up and self._timer is None:
            gone_s = self._parameters.carrier_gone_s
            self._timer = self._reactor.callLater(gone_s, self._carrier_gone)

    def fault_received(self, fault: PortFault) -> None:
        """Count it."""
        self._faults += 1
        _log.info("%s: %s (fault %d)", self.name, fault.value, self._faults)

    def port_lost(self, loss: PortLoss) -> None:
        """End."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self.was_closed = loss.cause is PortLossCause.CLOSED_HERE
        if self._loss is None:
            self._loss = self._line_loss(loss)
        elif self._loss.cause is LossCause.DROPPED_HERE and not self.was_closed:
            _log.info("%s: %s", self.name, loss)
        self._on_end(self, self._loss)

    def _line_loss(self, loss: PortLoss) -> LineLoss:
        if not self.is_up:
            return LineLoss(LossCause.NO_ANSWER, str(loss))
        cause = _CAUSES.get(loss.cause, LossCause.CARRIER_LOST)
        detail = str(loss) if cause is LossCause.CARRIER_LOST else loss.detail
        return LineLoss(cause, detail)

    def _begin(self) -> None:
        user = self._find_user()
        if user is None:
            self._lose(LineLoss(LossCause.DROPPED_HERE))
            return
        self.user = user
        user.line_up(self)

    def _no_carrier(self) -> None:
        self._timer = None
        wait_s = self._parameters.carrier_wait_s
        self._lose(LineLoss(LossCause.NO_ANSWER, f"no carrier within {wait_s:g} s"))

    def _carrier_gone(self) -> None:
        self._timer = None
        self._lose(LineLoss(LossCause.DROPPED_BY_PEER, "its carrier fell"))

    def _lose(self, loss: LineLoss) -> None:
        if self._loss is not None:
            return
        self._loss = loss
        if self._call is not None:
            self._call.close()
            return
        # The port was not even to be opened yet.
        if self._timer is not None:
            self._timer.cancel()
        self.was_closed = True
        self._timer = self._reactor.callLater(0, self._on_end, self, loss)
