"""What happens to either end of a port over the network, as its state table has it."""

from dataclasses import dataclass

from hw.lines.port import LineLoss, LossCause
from hw.ports.port import PortLoss, PortLossCause


@dataclass(frozen=True, slots=True)
class Connected:
    """The connection is there."""


@dataclass(frozen=True, slots=True)
class Agreed:
    """What the peer can do is known, and is enough."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The server has set the port as was asked for."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The port is of no use."""

    loss: PortLoss


@dataclass(frozen=True, slots=True)
class Closed:
    """This end closes the port."""


@dataclass(frozen=True, slots=True)
class Drained:
    """What was sent has left, or had time to."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The connection is gone."""

    loss: LineLoss


Event = Connected | Agreed | Confirmed | Failed | Closed | Drained | Ended

LOSS_CAUSES = {
    LossCause.NO_ANSWER: PortLossCause.NOT_THERE,
    LossCause.DROPPED_HERE: PortLossCause.CLOSED_HERE,
    LossCause.DROPPED_BY_PEER: PortLossCause.CLOSED_BY_PEER,
    LossCause.CARRIER_LOST: PortLossCause.UNPLUGGED,
    LossCause.OVERFLOW: PortLossCause.OVERFLOW,
}
"""What the end of a connection is to the port that it carried."""
