"""Trying a line: is there something at the other end that speaks FMP?

The line is dialled, a link set up as a machine would (SABM), and ended again (DISC)
before a word of a dialogue is said. UA and DM are answers that only an FMP end gives;
everything else that arrives is counted, so that a line of the wrong speed, or one on
which somebody speaks another protocol, can be told from a silent one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hw.lines.port import Line, LineLoss, LossCause
from hw.link_driver import LinkDriver
from protocol.link import DownReason, Link, Role


class Finding(Enum):
    """What was found at the other end: the name for programs, the words for people."""

    FMP = "FMP answers: a link was set up"
    FMP_REFUSES = "FMP answers, and wants no link now"
    FRAMES = "frames arrive, but no link can be set up with whoever sends them"
    OCTETS = "octets arrive, but no frames: check speed and parity, and who is there"
    SILENCE = "nothing arrives: see that the other end is on and connected"
    LOST = "the line was lost before anything could be said"
    NO_LINE = "there is no line"


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What trying a line has shown.

    Attributes:
        finding: See `Finding`.
        detail: How the line ended, where it ended by itself.
        set_up_s: From dialling until the line was up; None if it never was.
        round_trip_s: From the SABM to the answer; None without one.
        octets: That arrived.
        frames: Good ones that arrived.
    """

    finding: Finding
    detail: str
    set_up_s: float | None
    round_trip_s: float | None
    octets: int
    frames: int


class LineProbe:
    """Tries one line once; a `hw.lines.port.LineUser`."""

    def __init__(
        self,
        reactor: IReactorTime,
        timeout_s: float,
        on_end: Callable[[ProbeReport], None],
    ) -> None:
        """Be ready to be dialled for; the time begins now.

        Args:
            reactor: The time, real or virtual.
            timeout_s: How long an answer may take once the line is up.
            on_end: Told what was found, when the line has ended.
        """
        self._reactor = reactor
        self._timeout_s = timeout_s
        self._on_end = on_end
        self._link = Link(Role.MACHINE)
        watch = _Watch(self._found)
        self._driver = LinkDriver(self._link, reactor, watch, connect=True)
        watch.driver = self._driver
        self._began_s = reactor.seconds()
        self._up_s: float | None = None
        self._answer: Finding | None = None
        self._answered_s: float | None = None
        self._timer: IDelayedCall | None = None

    def line_up(self, line: Line) -> None:
        """Have the link set up."""
        self._up_s = self._reactor.seconds()
        self._timer = self._reactor.callLater(self._timeout_s, line.drop)
        self._driver.line_up(line)

    def octets_received(self, octets: bytes) -> None:
        """Let the link look at what came."""
        self._driver.octets_received(octets)

    def line_lost(self, loss: LineLoss) -> None:
        """Report."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._driver.line_lost(loss)
        set_up_s = round_trip_s = None
        if self._up_s is not None:
            set_up_s = self._up_s - self._began_s
            if self._answered_s is not None:
                round_trip_s = self._answered_s - self._up_s
        frames = self._link.counters.framing.frames
        report = ProbeReport(
            self._judge(loss),
            "" if self._answer is not None else str(loss),
            set_up_s,
            round_trip_s,
            self._driver.octets_in,
            frames,
        )
        self._on_end(report)

    def _found(self, answer: Finding) -> None:
        if self._answer is None:
            self._answer = answer
            self._answered_s = self._reactor.seconds()

    def _judge(self, loss: LineLoss) -> Finding:
        if self._answer is not None:
            return self._answer
        if self._up_s is None:
            return Finding.NO_LINE
        if self._link.counters.framing.frames:
            return Finding.FRAMES
        if self._driver.octets_in:
            return Finding.OCTETS
        here = loss.cause is LossCause.DROPPED_HERE
        return Finding.SILENCE if here else Finding.LOST


class _Watch:
    """Hears how the link fares; a `hw.link_driver.LinkUser`."""

    driver: LinkDriver

    def __init__(self, on_answer: Callable[[Finding], None]) -> None:
        self._on_answer = on_answer

    @property
    def deadline(self) -> None:
        """The probe has a timer of its own."""
        return

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self._on_answer(Finding.FMP)
        driver.disconnect()

    def message_received(self, message: bytes, now: float) -> None:
        """Take no notice: no dialogue was begun."""

    def link_down(self, reason: str, now: float) -> None:
        if reason == DownReason.REFUSED.value:
            self._on_answer(Finding.FMP_REFUSES)
        self.driver.drop()

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """Do nothing: the probe hears it too."""

    def handle_timer(self, now: float) -> None:
        """Do nothing: there is no deadline."""
