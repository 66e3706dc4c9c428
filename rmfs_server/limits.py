"""Bounds on what callers may ask of the server, each with its reason.

Wrong authentications are limited for a line. For a machine they are only counted:
anybody can send anybody's licence identifier, so a limit there would let a stranger
keep an honest machine out. For the same reason nothing that strangers do closes the
server to everybody: a line on which a machine was proved is *known*, and places are
kept for known lines.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass

from rmfs_server.pools import Pool, lines_behind


@dataclass(frozen=True, slots=True)
class Limits:
    """What one server process allows at once.

    Attributes:
        calls: Lines in use: a modem pool has tens, a country's peak hour hundreds.
        handshakes_of_strangers: Calls before the machine is proved, on lines that are
            not known; no more than half of `calls` either way.
        handshakes_per_line: The same of one such line, so that one host with idle
            connections does not keep everybody else out.
        handshakes_per_known_line: The same of a line that is known: an office with many
            machines behind one address.
        proof_s: From the beginning of a line, or of the next dialogue on it, until the
            machine is proved: 500 octets take 4 s at 1,200 bit/s.
        proof_pressed_s: The same when another call waits for the place, or all calls
            are taken: five times what an undisturbed line of 1,200 bit/s takes.
        rest_pressed_s: From the end of a dialogue whose machine was proved, when all
            calls are taken and another waits: a machine hangs up, or begins again, at
            once, and a slow line brings that within a second or two.
        call_s: Whole call: ten dialogues at 1,200 bit/s with every time-out in reach.
        dialogues: Link set-ups in one call: far more than an honest machine needs.
        idle_s: A line on which no dialogue is running.
        books_wait_s: How long the oldest question may wait for the books before new
            calls are turned away: a tenth and more of the patience of who has asked.
        wrong_per_line: Wrong authentications of one line in `window_s`.
        window_s: How long a wrong authentication is remembered.
        lines_remembered: Callers whose wrong authentications are kept.
        lines_known: Lines on which a machine was proved that are kept.
        failures_known: Calls in a row on one of them that prove nothing, after which it
            is not known any more: as many as it may have under way at once, since a
            network that fails ends them all together.
        strangers_burst: Handshakes on lines not known that may fail one after another.
        strangers_per_s: So many more of them in a second: 2 % of a core.
        telling: Lines on which callers are being told that the server is busy.
        telling_strangers: Of them those not known: callers who ask for nothing, and
            stay for `telling_s`, leave room for known lines.
        telling_s: How long one of them may take to ask for a link.
        told_per_s: Callers that are told in a second: a tenth of a core.
        strangers_told_per_s: Of them those on lines not known.
        failing_told_per_s: Of these again those who are turned away because too many
            on lines not known have failed: most are no machines.
        drain_s: How long calls may go on after SIGTERM.
        pools: Addresses with many lines behind them. They are known from the beginning,
            and what one line may fail or begin at once, each of theirs may.
    """

    calls: int = 1000
    handshakes_of_strangers: int = 150
    handshakes_per_line: int = 50
    handshakes_per_known_line: int = 250
    proof_s: float = 90.0
    proof_pressed_s: float = 20.0
    rest_pressed_s: float = 5.0
    call_s: float = 900.0
    dialogues: int = 32
    idle_s: float = 60.0
    books_wait_s: float = 5.0
    wrong_per_line: int = 20
    window_s: float = 600.0
    lines_remembered: int = 10_000
    lines_known: int = 100_000
    failures_known: int = 250
    strangers_burst: float = 200.0
    strangers_per_s: float = 20.0
    telling: int = 500
    telling_strangers: int = 250
    telling_s: float = 10.0
    told_per_s: float = 1000.0
    strangers_told_per_s: float = 500.0
    failing_told_per_s: float = 50.0
    drain_s: float = 30.0
    pools: tuple[Pool, ...] = ()

    def lines_behind(self, line: str) -> int:
        """Say how many lines are behind one; 0 if nobody named it."""
        return lines_behind(self.pools, line)


class WrongAuthentications:
    """Remembers wrong authentications for a while, in bounded space."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self._limits = limits
        self._by_line: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, line: str, now: float) -> None:
        """Remember one of this line."""
        times = self._by_line.pop(line, None)
        if times is None:
            lines = max(1, self._limits.lines_behind(line))
            times = deque(maxlen=self._limits.wrong_per_line * lines)
        times.append(now)
        self._by_line[line] = times
        while len(self._by_line) > self._limits.lines_remembered:
            self._by_line.popitem(last=False)

    def too_many(self, line: str, now: float) -> bool:
        """Whether this line has had too many."""
        since = now - self._limits.window_s
        times = self._by_line.get(line)
        return times is not None and len(times) == times.maxlen and times[0] > since
