"""A port user that writes down what it is told and lets a scenario wait for it."""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from hw.ports.port import ModemCircuits, Port, PortFault, PortLoss


class RecordingPortUser:
    """A `hw.ports.port.PortUser` whose story can be read afterwards."""

    def __init__(self) -> None:
        self.story: list[str] = []
        self.ports: list[Port] = []
        self.losses: list[PortLoss] = []
        self.circuits: list[ModemCircuits] = []
        self.faults: list[PortFault] = []
        self.octets = b""
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    @property
    def port(self) -> Port:
        return self.ports[0]

    @property
    def loss(self) -> PortLoss:
        return self.losses[0]

    def port_up(self, port: Port) -> None:
        self.story.append("up")
        self.ports.append(port)
        self._look()

    def octets_received(self, octets: bytes) -> None:
        assert octets
        if self.story[-1] != "octets":
            self.story.append("octets")
        self.octets += octets
        self._look()

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self.circuits.append(circuits)
        self._look()

    def fault_received(self, fault: PortFault) -> None:
        self.story.append(fault.value)
        self.faults.append(fault)
        self._look()

    def port_lost(self, loss: PortLoss) -> None:
        self.story.append("lost")
        self.losses.append(loss)
        self._look()

    def is_up(self) -> Deferred[None]:
        return self.until(lambda: bool(self.ports))

    def has(self, count: int) -> Deferred[None]:
        return self.until(lambda: len(self.octets) >= count)

    def is_lost(self) -> Deferred[None]:
        return self.until(lambda: bool(self.losses))

    def until(self, condition: Callable[[], bool]) -> Deferred[None]:
        waiter: Deferred[None] = Deferred()
        self._waiting.append((condition, waiter))
        self._look()
        return waiter

    def _look(self) -> None:
        for entry in list(self._waiting):
            condition, waiter = entry
            if condition():
                self._waiting.remove(entry)
                waiter.callback(None)
