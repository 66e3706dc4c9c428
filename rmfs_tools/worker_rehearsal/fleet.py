"""Machines that dial in at a steady rate, whether they are answered or not."""

from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks

from hw.reactor import MonotonicReactor
from protocol.dialogue.machine import Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.bench.recharge_office import Seat
from rmfs_tools.load.arrivals import Arrivals, even_moments
from rmfs_tools.load.calling import OpenLoop
from rmfs_tools.load.heard import Heard
from rmfs_tools.load.places import own_places
from rmfs_tools.worker_rehearsal.plan import Plan

AMOUNT_PAISE: Final = Paise(10_000)
_WANTED: Final = Request(RequestKind.RECHARGE, AMOUNT_PAISE)
_BLOCK: Final = 2


class Fleet:
    """The machines, and what they have heard while they dialled.

    Attributes:
        heard: Of all dial-ins that were due.
    """

    def __init__(
        self, reactor: MonotonicReactor, seats: Sequence[Seat], host: str, port: int
    ) -> None:
        """Seat them; each dials from an address that few others have."""
        self.heard = Heard()
        self._loop = OpenLoop(
            reactor,
            own_places(reactor, seats, host, port, first_block=_BLOCK),
            _WANTED,
        )

    @property
    def told(self) -> Counter[str]:
        """Recharges that each machine was told to be complete, by licence."""
        return self._loop.told

    @property
    def silent_s(self) -> float:
        """The longest time without a complete recharge while they dialled."""
        return self._loop.silent_s

    def settle(self) -> "Deferred[None]":
        """Let every machine dial until nothing is open, some at a time."""
        return self._loop.settle()

    @inlineCallbacks
    def dial(self, plan: Plan) -> "Generator[Deferred[Any], Any, None]":
        """Dial as the plan says, and wait until the last call has ended."""
        yield self._loop.dial(Arrivals(even_moments(plan.rate), plan.seconds))
        self.heard.then(self._loop.cut())
