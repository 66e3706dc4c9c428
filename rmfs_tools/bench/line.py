"""Goodput of the link on noisy lines, and ZMODEM's through the same line.

A file of 16 KiB goes from the machine's end to the server's in messages of 4,096
octets, at 33,600 bit/s with 20 ms each way, over the product's own link and virtual
line in virtual time: the same seeds give the same figures on every computer. Goodput is
what arrived, in per cent of what the line carries (ten bits for each octet), from the
moment at which the link is up; what its set-up takes is told beside it.

`sz` and `rz`, where they are installed, send the same octets through the same line in
real time, from the moment at which the line is up until the file is there.
"""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from twisted.internet.task import Clock

from hw.entropy import SeededEntropy
from hw.lines.port import LineLoss
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from hw.link_driver import LinkDriver
from protocol.link import BULK, Link, LinkParameters, Role
from protocol.link.parameters import FRAME_OVERHEAD_OCTETS
from rmfs_tools.bench.zmodem import find_zmodem, send_by_zmodem

OnWord = Callable[[str], None]

GOALS_PCT: Final = {0.0: 95.0, 1e-5: 90.0, 1e-4: 75.0, 3e-4: 60.0, 1e-3: 40.0}
"""Bit error rate, and least goodput of the median run."""
FILE_OCTETS: Final = 16_384
BIT_S: Final = 33_600
DELAY_S: Final = 0.020
OCTET_BITS: Final = 10
SEEDS: Final = 25
SEEDS_QUICK: Final = 3
MESSAGE_OCTETS: Final = 4_096
_GIVEN_UP_S: Final = 600.0


@dataclass(frozen=True)
class RunResult:
    """One file sent.

    Attributes:
        goodput_pct: From link up to the last octet; 0 if the link gave up.
        from_line_up_pct: From line up to the last octet.
        set_up_s: From the line's being up to the link's.
        identical: Whether what arrived is what was sent, as far as it came.
    """

    goodput_pct: float
    from_line_up_pct: float
    set_up_s: float
    identical: bool


@dataclass
class RowResult:
    """One bit error rate.

    Attributes:
        ber: It.
        goodput_pct: Median of the runs.
        from_line_up_pct: The same, counted from the moment at which the line is up, XID
            and SABM included: to be compared with ZMODEM, which is counted so.
        least_pct: The worst run.
        ideal_pct: What selective reject would give with no delay and free answers.
        goal_pct: What the median must reach.
        set_up_s: Median, XID and SABM.
        runs: How many.
        identical: Whether every run delivered what was sent.
        default_pct: Median without XID: modulo 8, four frames under way.
        zmodem_pct: The same file by sz and rz; 0 if it did not arrive, None if the
            programs are not here or were not asked for.
    """

    ber: float
    goodput_pct: float
    from_line_up_pct: float
    least_pct: float
    ideal_pct: float
    goal_pct: float
    set_up_s: float
    runs: int
    identical: bool
    default_pct: float
    zmodem_pct: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether the goal was reached and nothing was altered."""
        return self.identical and self.goodput_pct >= self.goal_pct


class _Sender:
    """Gives the file to the link when it is up."""

    deadline: float | None = None

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self.up_at: float | None = None
        self.is_over = False

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self.up_at = now
        for start in range(0, len(self._octets), MESSAGE_OCTETS):
            driver.send_message(self._octets[start : start + MESSAGE_OCTETS])

    def message_received(self, message: bytes, now: float) -> None:
        """The other end sends nothing."""

    def link_down(self, reason: str, now: float) -> None:
        self.is_over = True

    def line_lost(self, loss: LineLoss, now: float) -> None:
        self.is_over = True

    def handle_timer(self, now: float) -> None:
        """There is none."""


@dataclass
class _Taker:
    """Keeps what arrives."""

    deadline: float | None = None
    messages: list[bytes] = field(default_factory=list)
    latest_at: float = 0.0

    def link_up(self, driver: LinkDriver, now: float) -> None:
        self.messages.clear()

    def message_received(self, message: bytes, now: float) -> None:
        self.messages.append(message)
        self.latest_at = now

    def link_down(self, reason: str, now: float) -> None:
        """What has arrived stays."""

    def line_lost(self, loss: LineLoss, now: float) -> None:
        """What has arrived stays."""

    def handle_timer(self, now: float) -> None:
        """There is none."""


def the_file() -> bytes:
    """Make the octets that are sent: the same in every run."""
    return SeededEntropy(b"bench line").octets(FILE_OCTETS)


def the_line(ber: float, seed: int) -> VirtualLineParameters:
    """Say what the line is like."""
    return VirtualLineParameters(
        bit_s=BIT_S, delay_s=DELAY_S, bit_error_rate=ber, seed=seed
    )


def send_by_link(parameters: LinkParameters, ber: float, seed: int) -> RunResult:
    """Send the file once, in virtual time.

    Args:
        parameters: Of both ends.
        ber: Bit error rate of the line.
        seed: Of its noise.
    """
    octets, reactor = the_file(), Clock()
    sender, taker = _Sender(octets), _Taker()
    VirtualLine(
        reactor,
        the_line(ber, seed),
        LinkDriver(Link(Role.MACHINE, parameters), reactor, sender, connect=True),
        LinkDriver(Link(Role.SERVER, parameters), reactor, taker, connect=False),
    )
    came = 0
    while came < len(octets) and not sender.is_over:
        due = min(float(call.getTime()) for call in reactor.getDelayedCalls())
        if due > _GIVEN_UP_S:
            break
        reactor.advance(max(0.0, due - float(reactor.seconds())))
        came = sum(map(len, taker.messages))
    up_at = sender.up_at or 0.0
    whole_s = len(octets) * OCTET_BITS / BIT_S
    took_s = taker.latest_at - up_at
    is_whole = came == len(octets)
    return RunResult(
        goodput_pct=100 * whole_s / took_s if is_whole else 0.0,
        from_line_up_pct=100 * whole_s / taker.latest_at if is_whole else 0.0,
        set_up_s=up_at,
        identical=octets.startswith(b"".join(taker.messages)),
    )


def ideal_pct(ber: float) -> float:
    """Goodput of selective reject without delay, by the best length of frames."""
    around = FRAME_OVERHEAD_OCTETS
    return 100 * max(
        length / (length + around) * math.pow(1 - ber, 8 * (length + around))
        for length in range(16, 1025)
    )


def measure(ber: float, seeds: int) -> RowResult:
    """Measure one bit error rate."""
    runs = [send_by_link(BULK, ber, seed) for seed in range(seeds)]
    usual = [send_by_link(LinkParameters(), ber, seed) for seed in range(seeds)]
    return RowResult(
        ber=ber,
        goodput_pct=_round(statistics.median(run.goodput_pct for run in runs)),
        from_line_up_pct=_round(
            statistics.median(run.from_line_up_pct for run in runs)
        ),
        least_pct=_round(min(run.goodput_pct for run in runs)),
        ideal_pct=_round(ideal_pct(ber)),
        goal_pct=GOALS_PCT[ber],
        set_up_s=round(statistics.median(run.set_up_s for run in runs), 3),
        runs=seeds,
        identical=all(run.identical for run in (*runs, *usual)),
        default_pct=_round(statistics.median(run.goodput_pct for run in usual)),
    )


def run(say: OnWord, progress: OnWord, *, as_json: bool, quick: bool) -> int:
    """Measure all rates and tell.

    Args:
        say: Told the figures.
        progress: Told what goes on.
        as_json: End with one line of JSON.
        quick: Few runs, and no other programs.

    Returns:
        The exit code: 1 when a goal was missed or an octet altered.
    """
    rows = []
    for ber in GOALS_PCT:
        progress(f"bit error rate {ber:g}")
        rows.append(measure(ber, SEEDS_QUICK if quick else SEEDS))
    zmodem = None if quick else find_zmodem()
    if zmodem is not None:
        progress("sz and rz through the same line, in real time: up to a minute")
        lines = [the_line(row.ber, seed=1) for row in rows]
        for row, took_s in zip(
            rows, send_by_zmodem(zmodem, the_file(), lines), strict=True
        ):
            whole_s = FILE_OCTETS * OCTET_BITS / BIT_S
            row.zmodem_pct = 0.0 if took_s is None else _round(100 * whole_s / took_s)
    for line in _table(rows):
        say(line)
    if zmodem is None and not quick:
        say("sz and rz are not here (apt-get install lrzsz): not compared")
    if as_json:
        say(json.dumps({"rows": [_json_row(row) for row in rows]}))
    return 0 if all(row.is_good for row in rows) else 1


def _table(rows: Sequence[RowResult]) -> list[str]:
    lines = [
        f"{FILE_OCTETS:,} octets at {BIT_S:,} bit/s, {DELAY_S * 1000:g} ms each way",
        "goodput in per cent of the line:",
        "   BER   FMP/1  worst  goal  ideal  without XID  from line up  ZMODEM",
    ]
    for row in rows:
        zmodem = {None: "-", 0.0: "fails"}.get(row.zmodem_pct, f"{row.zmodem_pct}")
        mark = "" if row.is_good else "  <- missed"
        lines.append(
            f"{row.ber:>6g} {row.goodput_pct:>7.1f} {row.least_pct:>6.1f} "
            f"{row.goal_pct:>5.0f} {row.ideal_pct:>6.1f} {row.default_pct:>12.1f} "
            f"{row.from_line_up_pct:>13.1f} "
            f"{zmodem:>7}{mark}"
        )
    return lines


def _json_row(row: RowResult) -> dict[str, Any]:
    return asdict(row)


def _round(percent: float) -> float:
    return round(percent, 1)
