"""Goodput over a line of one's own: the same file there and back, in real time.

One process works both ends: it answers at one line string and dials another. So a null
modem between two ports, two modems on two telephone lines, or a terminal server in
front of a port can be measured with nothing else in the way.
"""

import json
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks

from hw.lines.build import build_dialler, build_listener
from hw.lines.port import LineLoss
from hw.lines.strings import LineAddress
from hw.link_driver import LinkDriver
from hw.reactor import MonotonicReactor
from protocol.errors import LinkDownError
from protocol.link import BULK, Link, Role
from rmfs_tools.bench.line import FILE_OCTETS, MESSAGE_OCTETS, the_file
from rmfs_tools.parties import run_on_a_reactor

OnWord = Callable[[str], None]

GIVEN_UP_S: Final = 600.0


@dataclass
class OwnLineResult:
    """What one line gave.

    Attributes:
        set_up_s: From dialling to link up.
        up_octets_s: Octets a second from the end that dialled.
        down_octets_s: Octets a second to it.
        damaged: Frames that came damaged, both ways.
        repeated: Frames sent again, both ways.
        identical: Whether what arrived is what was sent.
    """

    set_up_s: float
    up_octets_s: int
    down_octets_s: int
    damaged: int
    repeated: int
    identical: bool


class _End:
    """One end: keeps what comes, and tells when the file is there."""

    deadline: float | None = None

    def __init__(self, *, sends_first: bool) -> None:
        self.whole: Deferred[float] = Deferred()
        self.down: Deferred[None] = Deferred()
        self.lost: Deferred[LineLoss] = Deferred()
        self.octets = b""
        self.up_at = 0.0
        self._sends_first = sends_first
        self._driver: LinkDriver | None = None

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self._driver, self.up_at, self.octets = driver, now, b""
        if self._sends_first:
            self._send_file(driver)

    def message_received(self, message: bytes, now: float) -> None:
        self.octets += message
        if len(self.octets) >= FILE_OCTETS and not self.whole.called:
            if not self._sends_first and self._driver is not None:
                self._send_file(self._driver)
            self.whole.callback(now)

    def link_down(self, reason: str, now: float) -> None:
        self.give_up(f"the link is down: {reason}")
        if not self.down.called:
            self.down.callback(None)

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self.give_up(f"there is no line: {loss}")
        self.lost.callback(loss)

    def handle_timer(self, now: float) -> None:
        """There is none."""

    def give_up(self, why: str) -> None:
        """Wait no longer for the file."""
        if not self.whole.called:
            self.whole.errback(LinkDownError(why))

    def _send_file(self, driver: LinkDriver) -> None:
        octets = the_file()
        for start in range(0, len(octets), MESSAGE_OCTETS):
            driver.send_message(octets[start : start + MESSAGE_OCTETS])


def measure_own_line(dial: LineAddress, answer: LineAddress) -> OwnLineResult:
    """Send the file there and back.

    Args:
        dial: What the calling end dials.
        answer: Where the other end listens.

    Raises:
        LineError: One of the two cannot be used.
        LinkDownError: There was no line, or it did not last; it says why.
    """
    reactor = MonotonicReactor()
    calling, answering = _End(sends_first=True), _End(sends_first=False)
    # What goes wrong at the far end is told by the near one.
    answering.whole.addErrback(lambda _: 0.0)
    drivers = [
        LinkDriver(Link(Role.MACHINE, BULK), reactor, calling, connect=True),
        LinkDriver(Link(Role.SERVER, BULK), reactor, answering, connect=False),
    ]
    results: list[OwnLineResult] = []

    @inlineCallbacks
    def there_and_back() -> "Generator[Deferred[Any], Any, None]":
        began_at = reactor.seconds()
        listener = build_listener(reactor, answer)
        listener.listen(lambda _caller: drivers[1])
        call = build_dialler(reactor, dial).dial(drivers[0])
        limit = reactor.callLater(
            GIVEN_UP_S, calling.give_up, f"given up after {GIVEN_UP_S:g} s"
        )
        try:
            back_at = yield calling.whole
            there_at = yield answering.whole
            drivers[0].disconnect()
            drivers[0].settle()
            yield calling.down
        finally:
            if limit.active():
                limit.cancel()
            listener.close()
            call.drop()
        yield calling.lost
        counters = [driver.link.counters for driver in drivers]
        results.append(
            OwnLineResult(
                set_up_s=round(calling.up_at - began_at, 3),
                up_octets_s=round(FILE_OCTETS / (there_at - calling.up_at)),
                down_octets_s=round(FILE_OCTETS / (back_at - there_at)),
                damaged=sum(one.framing.damaged for one in counters),
                repeated=sum(one.retransmissions for one in counters),
                identical=answering.octets == calling.octets == the_file(),
            )
        )

    run_on_a_reactor(reactor, there_and_back)
    if not results:
        raise LinkDownError("interrupted")
    return results[0]


def run(dial: LineAddress, answer: LineAddress, say: OnWord, *, as_json: bool) -> int:
    """Measure one line and tell.

    Args:
        dial: What the calling end dials.
        answer: Where the other end listens.
        say: Told the figures.
        as_json: End with one line of JSON.

    Returns:
        The exit code: 1 when an octet was altered.
    """
    found = measure_own_line(dial, answer)
    say(f"{FILE_OCTETS:,} octets there and back over {dial}")
    say(f"link up after {found.set_up_s:g} s")
    say(f"there {found.up_octets_s:,} octets/s, back {found.down_octets_s:,} octets/s")
    say(f"{found.damaged} frames came damaged, {found.repeated} were sent again")
    say("every octet as it was sent" if found.identical else "OCTETS WERE ALTERED")
    if as_json:
        say(json.dumps(asdict(found)))
    return 0 if found.identical else 1
