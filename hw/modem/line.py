"""A line over a modem on a port: carries out what a `ModemDialogue` wants.

`ModemLine` opens the port, works the modem, and is the `Line` and the `Call` of its
user. It closes the port when the dialogue is over; the user hears of the loss when the
port is closed, so that the next call finds it free.
"""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import LineLoss, LineUser, LossCause
from hw.modem.dialogue import ModemDialogue
from hw.modem.dialogue_states import (
    Connected,
    DialogueState,
    Effect,
    Received,
    Send,
    SetCircuits,
)
from hw.ports.port import (
    ModemCircuits,
    Port,
    PortCall,
    PortFault,
    PortLoss,
    PortLossCause,
    PortOpener,
)

MakeUser = Callable[[str], LineUser | None]
"""Makes the user of a line from its name, or refuses with None."""

OnEnd = Callable[[LineLoss], None]
"""Told that the port is closed and may be opened again."""


def _refuse(_name: str) -> None:
    """Want no line."""


def _nobody_waits(_loss: LineLoss) -> None:
    """Tell nobody."""


def _nothing_to_do() -> None:
    """Do nothing."""


class ModemLine:
    """One call over one modem, from opening the port to its loss."""

    def __init__(
        self,
        reactor: IReactorTime,
        opener: PortOpener,
        dialogue: ModemDialogue,
        *,
        user: LineUser | None = None,
        make_user: MakeUser = _refuse,
        on_end: OnEnd = _nobody_waits,
        on_ready: Callable[[], None] = _nothing_to_do,
    ) -> None:
        """Open the port.

        Args:
            reactor: The time, real or virtual.
            opener: The port.
            dialogue: What to do with the modem.
            user: Who dialled: told of the loss even if the line never was up.
            make_user: Asked for the user when the line is up, where nobody dialled.
            on_end: Told last, behind the user.
            on_ready: Told whenever the modem begins to wait for a call.
        """
        self._reactor = reactor
        self._dialogue = dialogue
        self._make_user = make_user
        self._on_end = on_end
        self._on_ready = on_ready
        self._name = f"modem {opener.name}"
        self._port: Port | None = None
        self._user = user
        self._is_up = False
        self._loss: LineLoss | None = None
        self._dropped = False
        self._carrying_out = False
        self._timer: IDelayedCall | None = None
        self._port_call: PortCall = opener.open(self)

    @property
    def name(self) -> str:
        """Which modem, and which number, for people."""
        return self._name

    @property
    def state(self) -> DialogueState:
        """How far it is."""
        return self._dialogue.state

    def send(self, octets: bytes) -> None:
        """Hand octets to the modem, while it carries them."""
        if self._port is not None and self._dialogue.is_connected:
            self._port.send(octets)

    def drop(self) -> None:
        """Hang up after what was sent has left."""
        self._dropped = True
        if self._port is None:
            self._port_call.close()
        else:
            self._dialogue.hang_up(self._now(), self._port.waiting_octets)
            self._settle()

    def port_up(self, port: Port) -> None:
        """Begin to work the modem."""
        self._port = port
        if self._dropped:
            port.close()
            return
        self._dialogue.port_up(port.circuits, self._now())
        self._settle()

    def octets_received(self, octets: bytes) -> None:
        """Feed what came."""
        self._dialogue.octets_received(octets, self._now())
        self._settle()

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        """Feed what the modem sets."""
        self._dialogue.circuits_changed(circuits, self._now())
        self._settle()

    def fault_received(self, fault: PortFault) -> None:
        """A damaged octet is the business of the link above."""

    def port_lost(self, loss: PortLoss) -> None:
        """End; the user hears why."""
        self._port = None
        if self._loss is None:
            self._dialogue.port_ended(self._line_loss(loss), self._now())
            self._settle()
        self._disarm()
        ended = self._loss or self._line_loss(loss)
        if self._dropped:
            ended = LineLoss(LossCause.DROPPED_HERE)
        if self._user is not None:
            self._user.line_lost(ended)
        self._on_end(ended)

    def _line_loss(self, loss: PortLoss) -> LineLoss:
        detail = f"{self._name}: {loss}"
        if loss.cause is PortLossCause.OVERFLOW:
            return LineLoss(LossCause.OVERFLOW, loss.detail)
        if self._is_up:
            return LineLoss(LossCause.CARRIER_LOST, detail)
        return LineLoss(LossCause.NO_PORT, detail)

    def _settle(self) -> None:
        """Carry out what the dialogue wants, and re-arm; what is said within waits."""
        if self._carrying_out:
            return
        self._carrying_out = True
        try:
            while effects := self._dialogue.effects():
                for effect in effects:
                    self._carry_out(effect)
        finally:
            self._carrying_out = False
        if self._dialogue.state is DialogueState.WAITING:
            self._on_ready()
        self._disarm()
        due = self._dialogue.deadline
        if due is not None and self._loss is None:
            wait_s = max(0.0, due - self._now())
            self._timer = self._reactor.callLater(wait_s, self._timer_fired)

    def _carry_out(self, effect: Effect) -> None:
        if isinstance(effect, Received):
            if self._user is not None and not self._dropped:
                self._user.octets_received(effect.octets)
        elif isinstance(effect, Connected):
            self._begin(effect)
        elif isinstance(effect, Send):
            if self._port is not None:
                self._port.send(effect.octets)
        elif isinstance(effect, SetCircuits):
            if self._port is not None:
                self._port.set_circuits(effect.circuits)
        else:
            self._loss = effect.loss
            if self._port is not None:
                self._port.close()

    def _begin(self, connected: Connected) -> None:
        far_end = connected.caller or self._dialogue.settings.dialled
        if far_end:
            way = "from" if self._dialogue.answers else "to"
            self._name = f"{self._name} {way} {far_end}"
        self._is_up = True
        if self._user is None:
            self._user = self._make_user(self._name)
        if self._user is None:
            self.drop()
        else:
            self._user.line_up(self)

    def _timer_fired(self) -> None:
        self._timer = None
        waiting = 0 if self._port is None else self._port.waiting_octets
        self._dialogue.handle_timer(self._now(), waiting)
        self._settle()

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _now(self) -> float:
        return float(self._reactor.seconds())
