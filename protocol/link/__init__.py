"""The link of FMP/1: messages over a line that damages, loses and delays.

HDLC in asynchronous balanced mode, as LAPB and LAPM use it, without I/O. Start reading
at `endpoint`; the procedures are the table in `procedures`; every constant is in
`parameters`. SPEC.md LINK is the normative text.
"""

from protocol.link.endpoint import Link
from protocol.link.events import (
    DownReason,
    LinkCounters,
    LinkDown,
    LinkEvent,
    LinkUp,
    MessageReceived,
)
from protocol.link.parameters import BULK, DEFAULT, Direction, LinkParameters, Role
from protocol.link.procedures import TABLE
from protocol.link.states import State

__all__ = [
    "BULK",
    "DEFAULT",
    "TABLE",
    "Direction",
    "DownReason",
    "Link",
    "LinkCounters",
    "LinkDown",
    "LinkEvent",
    "LinkParameters",
    "LinkUp",
    "MessageReceived",
    "Role",
    "State",
]
