"""A serial port in memory: a terminal's end and a modem's end, paced by its settings.

    terminal                            modem
    pair.opener.open(user) -> Port      pair.attach(user) -> ModemPort

The terminal's end opens and closes as the port of a computer does; the modem's end is
there while something is attached, and a port to which nothing is attached opens all the
same: nobody answers, and no circuit is on. `unplug` takes the port from both.

Octets take the time that speed and character form ask for. With RTS/CTS an end stops
within the 16 octets of a UART's buffer when the other is not ready. Circuits are seen
in the next reactor turn. Time is Twisted's `IReactorTime`: real or virtual.
"""

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.ports.port import (
    ModemCircuits,
    ModemPortUser,
    PortCall,
    PortFault,
    PortLoss,
    PortLossCause,
    PortUser,
    TerminalCircuits,
)
from hw.ports.settings import PortSettings
from hw.ports.virtual_way import OneWay

PENDING_OCTETS_MAX: Final = 65_536
CLOSE_TIMEOUT_S: Final = 30.0
"""How long a close waits for what was sent: 3,600 octets at 1,200 bit/s."""


class VirtualPortPair:
    """Two ends of one cable."""

    def __init__(
        self,
        reactor: IReactorTime,
        settings: PortSettings | None = None,
        *,
        name: str = "virtual port",
        has_circuits: bool = True,
        pending_octets_max: int = PENDING_OCTETS_MAX,
    ) -> None:
        """Lay a cable that nothing is attached to.

        Args:
            reactor: The time, real or virtual.
            settings: Speed and the form of a character, of both ends.
            name: What the port is called, for people.
            has_circuits: False for a cable of three wires.
            pending_octets_max: Most octets that wait at an end.
        """
        self.settings = settings or PortSettings()
        self.name = name
        self.has_circuits = has_circuits
        self.pending_octets_max = pending_octets_max
        self.terminal: _TerminalEnd | None = None
        self.modem: _ModemEnd | None = None
        self.plugged = True
        self._reactor = reactor
        self._news: deque[Callable[[], None]] = deque()
        self._in_turn = False
        self._timer: IDelayedCall | None = None

    @property
    def opener(self) -> "VirtualPortOpener":
        """What a terminal opens its end with."""
        return VirtualPortOpener(self)

    def attach(self, user: ModemPortUser) -> None:
        """Attach a modem in the place of the one before; it is told in a later turn."""
        self.modem = end = _ModemEnd(self, user)
        self.tell(end.begin)

    def unplug(self) -> None:
        """Pull the port out: both ends lose it, and it cannot be opened."""
        self.plugged = False
        for end in (self.terminal, self.modem):
            if end is not None:
                end.lose(PortLoss(PortLossCause.UNPLUGGED))

    def plug_in(self) -> None:
        """Put the port back: to be opened again, and attached to anew."""
        self.plugged = True

    def new_way(self) -> "OneWay":
        """Make one direction, idle."""
        return OneWay(self.settings)

    def now_s(self) -> float:
        """Read the time."""
        return float(self._reactor.seconds())

    def tell(self, news: Callable[[], None]) -> None:
        """Have `news` called in the next turn."""
        self._news.append(news)
        self.arm()

    def arm(self) -> None:
        """Have one timer for what is due first."""
        if self._in_turn:
            return
        due_s = self._next_due_s()
        if self._timer is not None:
            if self._timer.getTime() <= due_s:
                return
            self._timer.cancel()
            self._timer = None
        if due_s < math.inf:
            wait_s = max(0.0, due_s - self.now_s())
            self._timer = self._reactor.callLater(wait_s, self._turn)

    def _turn(self) -> None:
        self._timer = None
        self._in_turn = True
        try:
            # What is said meanwhile is told in the next turn.
            for _ in range(len(self._news)):
                self._news.popleft()()
            now_s = self.now_s()
            while self._deliver(now_s):
                pass
            for end in (self.terminal, self.modem):
                if end is not None and end.closes_at_s() <= now_s:
                    end.lose(PortLoss(PortLossCause.CLOSED_HERE))
        finally:
            self._in_turn = False
            self.arm()

    def _next_due_s(self) -> float:
        if self._news:
            return self.now_s()
        ends = [end for end in (self.terminal, self.modem) if end is not None]
        return min(
            (due for end in ends for due in (end.way.due_s(), end.closes_at_s())),
            default=math.inf,
        )

    def _deliver(self, now_s: float) -> bool:
        for sender, receiver in (
            (self.terminal, self.modem),
            (self.modem, self.terminal),
        ):
            if sender is not None and sender.way.due_s() <= now_s:
                octets = sender.way.take(now_s)
                if receiver is not None:
                    receiver.receive(octets)
                return True
        return False


class VirtualPortOpener:
    """Opens the terminal's end of a pair; a `hw.ports.port.PortOpener`."""

    def __init__(self, pair: VirtualPortPair) -> None:
        """Remember the pair."""
        self._pair = pair

    @property
    def name(self) -> str:
        """What the port is called."""
        return self._pair.name

    def open(self, user: PortUser) -> PortCall:
        """Open the port, unless it is in use or not there."""
        end = _TerminalEnd(self._pair, user)
        if not self._pair.plugged:
            end.lose(PortLoss(PortLossCause.NOT_THERE, self._pair.name))
        elif self._pair.terminal is not None:
            end.lose(PortLoss(PortLossCause.IN_USE, self._pair.name))
        else:
            self._pair.terminal = end
            self._pair.tell(end.begin)
        return end


class _End:
    """What both ends share: sending, receiving, closing, being lost once."""

    def __init__(self, pair: VirtualPortPair, user: PortUser | ModemPortUser) -> None:
        self.pair = pair
        self.way = pair.new_way()
        self.closing = False
        self.is_lost = False
        self.has_begun = False
        self._heard_by = user
        self._close_until_s = math.inf

    @property
    def name(self) -> str:
        return self.pair.name

    @property
    def waiting_octets(self) -> int:
        return 0 if self.is_lost else self.way.waiting_octets

    @property
    def is_open(self) -> bool:
        return not (self.closing or self.is_lost)

    def send(self, octets: bytes) -> None:
        if not (self.is_open and octets):
            return
        waiting = self.way.waiting_octets
        if waiting + len(octets) > self.pair.pending_octets_max:
            detail = f"{waiting} octets were waiting"
            self.lose(PortLoss(PortLossCause.OVERFLOW, detail))
            return
        self.way.submit(octets, self.pair.now_s())
        self.pair.arm()

    def receive(self, octets: bytes) -> None:
        """Tell what arrived; nothing stands for a BREAK."""
        if not self.is_open:
            return
        if octets:
            self._heard_by.octets_received(octets)
        else:
            self._heard_by.fault_received(PortFault.BREAK)

    def close(self) -> None:
        if not self.is_open:
            return
        self.closing = True
        self._close_until_s = self.pair.now_s() + CLOSE_TIMEOUT_S
        self.pair.arm()

    def closes_at_s(self) -> float:
        """When a close is done: now if nothing waits any more."""
        if not self.closing or self.is_lost:
            return math.inf
        return self.pair.now_s() if self.way.is_empty else self._close_until_s

    def obey(self, *, ready: bool) -> None:
        """Hear whether the other end is ready to receive."""
        self.way.stopped = not ready
        self.way.feed(self.pair.now_s())
        self.pair.arm()

    def lose(self, loss: PortLoss) -> None:
        if self.is_lost:
            return
        if self.closing:
            loss = PortLoss(PortLossCause.CLOSED_HERE)
        self.is_lost = True
        self._leave()
        self.pair.tell(lambda: self._heard_by.port_lost(loss))

    def _leave(self) -> None:
        raise NotImplementedError


class _TerminalEnd(_End):
    """The `Port` and the `PortCall` of one opening."""

    def __init__(self, pair: VirtualPortPair, user: PortUser) -> None:
        super().__init__(pair, user)
        self.set_to = TerminalCircuits()
        self._user = user

    @property
    def circuits(self) -> ModemCircuits | None:
        if not self.pair.has_circuits:
            return None
        modem = self.pair.modem
        return ModemCircuits() if modem is None else modem.set_to

    def set_circuits(self, circuits: TerminalCircuits) -> None:
        if self.is_open and self.pair.has_circuits:
            self._set(circuits)

    def send_break(self, duration_s: float) -> None:
        if self.is_open:
            self.way.hold_break(duration_s, self.pair.now_s())
            self.pair.arm()

    def begin(self) -> None:
        if not self.is_open:
            return
        seen = self.circuits
        self.obey(ready=seen is None or seen.clear_to_send)
        self.has_begun = True
        self._user.port_up(self)
        if self.pair.modem is not None and self.pair.modem.has_begun:
            self.pair.modem.hear_settings()

    def changed(self) -> None:
        seen = self.circuits
        if self.is_open and seen is not None:
            self._user.circuits_changed(seen)

    def _leave(self) -> None:
        if self.pair.terminal is self:
            self._set(TerminalCircuits())
            self.pair.terminal = None

    def _set(self, circuits: TerminalCircuits) -> None:
        changed, self.set_to = circuits != self.set_to, circuits
        modem = self.pair.modem
        if modem is not None and changed:
            modem.obey(ready=circuits.request_to_send)
            self.pair.tell(modem.changed)


class _ModemEnd(_End):
    """The `ModemPort` of what is attached."""

    def __init__(self, pair: VirtualPortPair, user: ModemPortUser) -> None:
        super().__init__(pair, user)
        self.set_to = ModemCircuits()
        self._user = user

    @property
    def terminal(self) -> TerminalCircuits | None:
        if not self.pair.has_circuits:
            return None
        terminal = self.pair.terminal
        return TerminalCircuits() if terminal is None else terminal.set_to

    def set_circuits(self, circuits: ModemCircuits) -> None:
        if self.is_open and self.pair.has_circuits:
            self._set(circuits)

    def begin(self) -> None:
        if not self.is_open:
            return
        seen = self.terminal
        self.obey(ready=seen is None or seen.request_to_send)
        self.has_begun = True
        self._user.port_up(self)
        if self.pair.terminal is not None and self.pair.terminal.has_begun:
            self.hear_settings()

    def hear_settings(self) -> None:
        if self.is_open:
            self._user.settings_changed(self.pair.settings)

    def changed(self) -> None:
        seen = self.terminal
        if self.is_open and seen is not None:
            self._user.terminal_changed(seen)

    def _leave(self) -> None:
        if self.pair.modem is self:
            self._set(ModemCircuits())
            self.pair.modem = None

    def _set(self, circuits: ModemCircuits) -> None:
        changed, self.set_to = circuits != self.set_to, circuits
        terminal = self.pair.terminal
        if terminal is not None and changed:
            terminal.obey(ready=circuits.clear_to_send)
            self.pair.tell(terminal.changed)
