"""A port user that writes down what it is told and lets a scenario wait for it."""

from twisted.internet.defer import Deferred

from hw.ports.port import ModemCircuits, Port, PortFault, PortLoss
from tests.waiting import Waiting


class RecordingPortUser(Waiting):
    """A `hw.ports.port.PortUser` whose story can be read afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self.ports: list[Port] = []
        self.losses: list[PortLoss] = []
        self.circuits: list[ModemCircuits] = []
        self.faults: list[PortFault] = []
        self.octets = b""

    @property
    def port(self) -> Port:
        return self.ports[0]

    @property
    def loss(self) -> PortLoss:
        return self.losses[0]

    def port_up(self, port: Port) -> None:
        self.story.append("up")
        self.ports.append(port)
        self.look()

    def octets_received(self, octets: bytes) -> None:
        assert octets
        if self.story[-1] != "octets":
            self.story.append("octets")
        self.octets += octets
        self.look()

    def circuits_changed(self, circuits: ModemCircuits) -> None:
        self.circuits.append(circuits)
        self.look()

    def fault_received(self, fault: PortFault) -> None:
        self.story.append(fault.value)
        self.faults.append(fault)
        self.look()

    def port_lost(self, loss: PortLoss) -> None:
        self.story.append("lost")
        self.losses.append(loss)
        self.look()

    def is_up(self) -> Deferred[None]:
        return self.until(lambda: bool(self.ports))

    def has(self, count: int) -> Deferred[None]:
        return self.until(lambda: len(self.octets) >= count)

    def is_lost(self) -> Deferred[None]:
        return self.until(lambda: bool(self.losses))
