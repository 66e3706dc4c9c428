"""What happened since a server process started, as plain numbers.

Counting is an addition to an integer: it costs a recharge some microseconds, and needs
no library. What is made of the numbers when somebody asks is `metrics`. The names that
they are counted by are bounded: no stranger can make a server remember more of them.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from protocol.link import LinkCounters

COMPLETE: Final = "COMPLETE"
PLACES_MAX: Final = 256
"""Lines that are told apart; a pool of modems has tens."""
OTHER_PLACES: Final = "other"
DIALOGUE_BOUNDS_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""A recharge takes 50 ms over TCP, and a minute at 1,200 bit/s."""
COMMIT_BOUNDS_S: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 5)
TOGETHER_BOUNDS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Distribution:
    """How often a value was at most each of some bounds.

    Attributes:
        counts: By bound, each value once; the last is of those above all bounds.
        total: The sum of all values.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """Begin with none.

        Args:
            bounds: In ascending order.
        """
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class PlaceFigures:
    """What the links of one place met; a place is a modem, a port, or all of TCP.

    Attributes:
        calls: Answered there.
        damage: Frames that came and could not be used, by why.
        lost: Ends of lines, by cause.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.calls = 0
        self.octets_received = 0
        self.octets_sent = 0
        self.frames_received = 0
        self.frames_sent = 0
        self.retransmissions = 0
        self.timeouts = 0
        self.damage: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()

    def add(self, link: LinkCounters, cause: str) -> None:
        """Count what the link of a call met, once its line is lost."""
        framing = link.framing
        self.octets_received += link.octets_received
        self.octets_sent += link.octets_sent
        self.frames_received += framing.frames
        self.frames_sent += link.frames_sent
        self.retransmissions += link.retransmissions
        self.timeouts += link.timeouts
        self.lost[cause] += 1
        if framing.damaged:
            self.damage["FCS"] += framing.fcs_errors
            self.damage["ABORTED"] += framing.aborted
            self.damage["OVERSIZE"] += framing.oversize


class Figures:
    """What happened since the server started.

    Attributes:
        calls: Lines answered.
        turned_away: Calls that were not answered, by reason.
        dialogues: Link set-ups.
        ended: Dialogues that are over, and calls in which none began for too long:
            COMPLETE, the name of an ERROR code, or LINE for a lost line.
        refusals: REFUSAL messages, by code.
        vouchers: Dialogues in which the books gave a voucher to be sent.
        confirmed: Dialogues in which a voucher was sent, and its CONFIRMATION booked.
        wrong: Wrong authentications.
        superseded: Calls dropped because the machine called again.
        books_failed: Questions that the books could not answer.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.calls = 0
        self.turned_away: Counter[str] = Counter()
        self.dialogues = 0
        self.ended: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.vouchers = 0
        self.confirmed = 0
        self.wrong = 0
        self.superseded = 0
        self.books_failed = 0
        self.dialogue_s = Distribution(DIALOGUE_BOUNDS_S)
        self._places: dict[str, PlaceFigures] = {}

    @property
    def errors(self) -> dict[str, int]:
        """What ended before its time, by the name of an ERROR code or LINE."""
        return {name: n for name, n in self.ended.items() if name != COMPLETE}

    @property
    def places(self) -> dict[str, PlaceFigures]:
        """What each place met."""
        return self._places

    def place(self, name: str) -> PlaceFigures:
        """Find what a place met; beyond a bound new ones count together."""
        found = self._places.get(name)
        if found is None:
            if len(self._places) >= PLACES_MAX:
                name = OTHER_PLACES
            found = self._places.setdefault(name, PlaceFigures())
        return found


class CommitFigures:
    """What the books' transactions took: a `hw.database.CommitHook`.

    They are committed in one thread, which alone counts; another may read meanwhile.

    Attributes:
        commits: Transactions, by what they did.
        seconds: How long COMMIT took.
        together: Questions of dial-ins that were answered together.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Begin with none; `now` is a monotonic clock, in seconds."""
        self.commits: Counter[str] = Counter()
        self.seconds = Distribution(COMMIT_BOUNDS_S)
        self.together = Distribution(TOGETHER_BOUNDS)
        self._now = now
        self._begun = 0.0

    def before_commit(self, name: str) -> None:
        """Begin to measure."""
        self._begun = self._now()

    def after_commit(self, name: str) -> None:
        """Count a transaction that is durable."""
        self.seconds.add(self._now() - self._begun)
        self.commits[name] += 1
