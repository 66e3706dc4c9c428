"""A `hw.ports.port.Port` on a file descriptor: what ttys and ptys have in common.

What differs is a `Terminal`: how its circuits are read and set, what it still holds of
what was sent, how it ends. Circuits are looked at every 20 ms: Linux tells of their
changes by ``TIOCMIWAIT`` only, which blocks, and would need a thread for each port.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall

from hw.ports.descriptor import Descriptor
from hw.ports.marks import Marks
from hw.ports.port import (
    ModemCircuits,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.reactor import MonotonicReactor


@dataclass(frozen=True, slots=True)
class PortTiming:
    """Times and bounds of a port.

    Attributes:
        look_s: How often circuits, and what is still to leave, are looked at.
        drain_s: How long what was sent may take to leave after `close`.
        pending_octets_max: Most octets that wait here.
    """

    look_s: float = 0.02
    drain_s: float = 10.0
    pending_octets_max: int = 65_536


DEFAULT: Final = PortTiming()


class Terminal(Protocol):
    """The system's side of one kind of port; calls raise OSError when it is gone."""

    @property
    def number(self) -> int:
        """The file descriptor."""
        ...

    @property
    def marks(self) -> Marks | None:
        """Tells faults from octets; None where nothing is marked."""
        ...

    @property
    def leave_s(self) -> float:
        """How long after `held_octets` is 0 the last of them has left."""
        ...

    def read_circuits(self) -> ModemCircuits | None:
        """Look at the modem's circuits; None where there are none."""
        ...

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Set this end's; nothing where there are none."""
        ...

    def set_break(self, *, on: bool) -> None:
        """Begin or end a BREAK."""
        ...

    def held_octets(self) -> int:
        """Count what the system holds of what was sent."""
        ...

    def discard_output(self) -> None:
        """Throw away what the system holds: a close would wait for it."""
        ...

    def loss(self, error: OSError | None) -> PortLoss:
        """Say what the end of reading means."""
        ...


class _State(Enum):
    OPENING = auto()
    OPEN = auto()
    CLOSING = auto()
    LOST = auto()


class DescriptorPort:
    """A port, and the call that opens it; a `DescriptorUser`."""

    def __init__(
        self, reactor: MonotonicReactor, name: str, user: PortUser, timing: PortTiming
    ) -> None:
        """Wait to be opened."""
        self._reactor = reactor
        self._name = name
        self._user = user
        self._timing = timing
        self._state = _State.OPENING
        self._terminal: Terminal | None = None
        self._descriptor: Descriptor | None = None
        self._circuits: ModemCircuits | None = None
        # Octets and, as seconds, BREAKs that wait behind a BREAK.
        self._queue: deque[bytes | float] = deque()
        self._break: IDelayedCall | None = None
        self._look: IDelayedCall | None = None
        self._held_nothing_since_s: float | None = None
        self._closed_by_s = 0.0
        self._loss: PortLoss | None = None

    @property
    def name(self) -> str:
        """What it is called, for people."""
        return self._name

    @property
    def is_wanted(self) -> bool:
        """Nobody has given up the opening of it."""
        return self._state is _State.OPENING

    @property
    def circuits(self) -> ModemCircuits | None:
        """What the modem was last seen to set."""
        return self._circuits

    @property
    def waiting_octets(self) -> int:
        """Octets that were sent and have not left this computer."""
        if self._descriptor is None or self._terminal is None:
            return 0
        if self._state is _State.LOST:
            # The number of its descriptor may be another's by now.
            return 0
        try:
            held = self._terminal.held_octets()
        except OSError:
            held = 0
        return self._waiting_here() + held

    def send(self, octets: bytes) -> None:
        """Hand octets to the port."""
        if self._state is not _State.OPEN or self._descriptor is None:
            return
        waiting = self._waiting_here()
        if waiting + len(octets) > self._timing.pending_octets_max:
            detail = f"{waiting} octets were waiting"
            self._give_up(PortLoss(PortLossCause.OVERFLOW, detail))
        elif self._queue or self._break is not None:
            self._queue.append(octets)
        else:
            self._held_nothing_since_s = None
            self._descriptor.write(octets)

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        """Set DTR and RTS."""
        if self._state is not _State.OPEN or self._terminal is None:
            return
        try:
            self._terminal.set_circuits(circuits)
        except OSError as error:
            self._give_up(self._terminal.loss(error))

    def send_break(self, duration_s: float) -> None:
        """Hold the line in BREAK for so long, behind what was sent before."""
        if self._state is _State.OPEN:
            self._queue.append(duration_s)
            self._look_soon()

    def close(self) -> None:
        """Let go of the port after what was sent has left; DTR falls."""
        if self._state is _State.OPENING:
            self._give_up(PortLoss(PortLossCause.CLOSED_HERE))
        elif self._state is _State.OPEN:
            self._loss = PortLoss(PortLossCause.CLOSED_HERE)
            self._state = _State.CLOSING
            self._closed_by_s = self._reactor.seconds() + self._timing.drain_s
            self._held_nothing_since_s = None
            if self._descriptor is not None:
                self._descriptor.stop_reading()
            self._look_soon()

    def opened(self, terminal: Terminal) -> None:
        """Begin, in a turn of the reactor; the descriptor belongs to this from now."""
        self._terminal = terminal
        self._descriptor = Descriptor(self._reactor, terminal.number, self)
        self._state = _State.OPEN
        try:
            self._circuits = terminal.read_circuits()
        except OSError as error:
            self._end(terminal.loss(error))
            return
        if self._circuits is not None:
            self._look_soon()
        self._user.port_up(self)

    def not_opened(self, loss: PortLoss) -> None:
        """End without having begun, in a turn of the reactor."""
        self._end(loss)

    def descriptor_read(self, octets: bytes) -> None:
        """Pass on what came, unless the user closes the port meanwhile."""
        marks = None if self._terminal is None else self._terminal.marks
        for part in (octets,) if marks is None else marks.read(octets):
            if self._state is not _State.OPEN:
                return
            if isinstance(part, PortFault):
                self._user.fault_received(part)
            else:
                self._user.octets_received(part)

    def descriptor_lost(self, error: OSError | None) -> None:
        """End: the far end, or the port itself, is gone."""
        if self._terminal is not None:
            self._end(self._loss or self._terminal.loss(error))

    def _waiting_here(self) -> int:
        queued = sum(len(part) for part in self._queue if isinstance(part, bytes))
        written = 0 if self._descriptor is None else self._descriptor.waiting_octets
        return queued + written

    def _give_up(self, loss: PortLoss) -> None:
        """End in a later turn, without waiting for anything."""
        self._loss = self._loss or loss
        self._state = _State.CLOSING
        self._closed_by_s = self._reactor.seconds()
        self._reactor.callLater(0, self._end, self._loss)

    def _look_soon(self) -> None:
        if self._look is None:
            self._look = self._reactor.callLater(0, self._looked)

    def _looked(self) -> None:
        self._look = None
        terminal = self._terminal
        if terminal is None or self._state is _State.LOST:
            return
        try:
            if self._state is _State.OPEN:
                self._compare(terminal.read_circuits())
            self._advance(terminal)
        except OSError as error:
            self._end(self._loss or terminal.loss(error))
            return
        if self._look is None and (self._circuits is not None or self._is_waiting()):
            self._look = self._reactor.callLater(self._timing.look_s, self._looked)

    def _is_waiting(self) -> bool:
        return self._state is _State.CLOSING or bool(self._queue)

    def _compare(self, circuits: ModemCircuits | None) -> None:
        if circuits is not None and circuits != self._circuits:
            self._circuits = circuits
            self._user.circuits_changed(circuits)

    def _advance(self, terminal: Terminal) -> None:
        """Go on with what waits for the octets before it to leave."""
        while self._queue and self._break is None and self._descriptor is not None:
            if isinstance(self._queue[0], bytes):
                self._descriptor.write(self._queue[0])
                self._held_nothing_since_s = None
            elif self._has_left(terminal):
                terminal.set_break(on=True)
                self._break = self._reactor.callLater(self._queue[0], self._break_ended)
            else:
                break
            self._queue.popleft()
        if self._state is _State.CLOSING:
            late = self._reactor.seconds() >= self._closed_by_s
            left = not self._queue and self._break is None and self._has_left(terminal)
            if late or left:
                self._end(self._loss or PortLoss(PortLossCause.CLOSED_HERE))

    def _has_left(self, terminal: Terminal) -> bool:
        now_s = self._reactor.seconds()
        written = 0 if self._descriptor is None else self._descriptor.waiting_octets
        if written or terminal.held_octets():
            self._held_nothing_since_s = None
            return False
        if self._held_nothing_since_s is None:
            self._held_nothing_since_s = now_s
        return bool(now_s - self._held_nothing_since_s >= terminal.leave_s)

    def _break_ended(self) -> None:
        self._break = None
        if self._terminal is not None and self._state is not _State.LOST:
            try:
                self._terminal.set_break(on=False)
            except OSError as error:
                self._end(self._loss or self._terminal.loss(error))
                return
            self._look_soon()

    def _end(self, loss: PortLoss) -> None:
        if self._state is _State.LOST:
            return
        self._state = _State.LOST
        for timer in (self._look, self._break):
            if timer is not None and timer.active():
                timer.cancel()
        self._queue.clear()
        if self._terminal is not None and self._descriptor is not None:
            self._let_go(self._terminal, self._descriptor)
        self._user.port_lost(loss)

    def _let_go(self, terminal: Terminal, descriptor: Descriptor) -> None:
        try:
            if descriptor.fileno() >= 0:
                if self._break is not None:
                    terminal.set_break(on=False)
                if descriptor.waiting_octets or terminal.held_octets():
                    terminal.discard_output()
                terminal.set_circuits(TerminalCircuits())
        except OSError:
            # It is gone, and so is whatever it held.
            pass
        finally:
            descriptor.close()
