"""What clients of the drop may take up; a maker's server needs a tenth of each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DropLimits:
    """Bounds of the drop.

    Attributes:
        connections_max: Of everybody, those included that have not signed in.
        connections_of_one_max: Of one account.
        login_s: Until then somebody has to be signed in.
        idle_s: A connection on which nothing is asked for so long is ended.
        handles_max: Open files and listings of a connection.
        parts_max: Half-written files of a connection.
        octets_max: Of all that a connection has open, to read and half-written.
        waiting_max: Requests of a connection that are not answered yet.
    """

    connections_max: int = 64
    connections_of_one_max: int = 4
    login_s: int = 20
    idle_s: int = 300
    handles_max: int = 32
    parts_max: int = 16
    octets_max: int = 402_653_184
    waiting_max: int = 64
