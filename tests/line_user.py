"""A line user that writes down what it is told and lets a scenario wait for it."""

from twisted.internet.defer import Deferred

from hw.lines.port import Line, LineLoss
from tests.waiting import Waiting


class RecordingUser(Waiting):
    """A `hw.lines.port.LineUser` whose story can be read afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.story: list[str] = []
        self.lines: list[Line] = []
        self.losses: list[LineLoss] = []
        self.octets = b""
        self.deliveries: list[bytes] = []

    @property
    def line(self) -> Line:
        return self.lines[0]

    @property
    def loss(self) -> LineLoss:
        return self.losses[0]

    def line_up(self, line: Line) -> None:
        self.story.append("up")
        self.lines.append(line)
        self.look()

    def octets_received(self, octets: bytes) -> None:
        if self.story[-1] != "octets":
            self.story.append("octets")
        self.octets += octets
        self.deliveries.append(octets)
        self.look()

    def line_lost(self, loss: LineLoss) -> None:
        self.story.append("lost")
        self.losses.append(loss)
        self.look()

    def is_up(self) -> Deferred[None]:
        return self.until(lambda: bool(self.lines))

    def has(self, count: int) -> Deferred[None]:
        return self.until(lambda: len(self.octets) >= count)

    def is_lost(self) -> Deferred[None]:
        return self.until(lambda: bool(self.losses))


class EchoUser(RecordingUser):
    """Sends back what it receives."""

    def octets_received(self, octets: bytes) -> None:
        super().octets_received(octets)
        self.line.send(octets)
