"""Who is answered and who is turned away, decided before anything is begun.

A handshake costs a key exchange, so that whoever starts many of them, or holds the
places of many, would keep honest machines out. But who is who, only a handshake shows.
Hence a line on which a machine was proved is *known*, as long as this process lives and
remembers it: places are kept for known lines, and what strangers may spend in vain is
bounded. An unknown machine competes with strangers once, and is told to call later. An
address that operators have named as one of many lines (`pools`) is known from the
beginning.

Source: SPEC.md CHAN-8.6, DLG-14.6.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from enum import Enum
from typing import Final, Generic, TypeVar

from rmfs_server.limits import Limits, WrongAuthentications

_WITH_A_PORT: Final = ("tcp:", "rfc2217:")


class Turned(Enum):
    """Why a call is turned away; the value is for people and figures."""

    DRAINING = "draining"
    WRONG = "wrong authentications"
    CALLS = "calls"
    BOOKS = "slow books"
    LINE = "handshakes of one line"
    HANDSHAKES = "handshakes"
    STRANGERS = "strangers"


class Allowance:
    """So many at once, and so many more in a second."""

    def __init__(self, burst: float, per_s: float) -> None:
        """Begin with all of the burst."""
        self._burst = burst
        self._per_s = per_s
        self._left = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        if self._at is not None:
            grown = self._left + (now - self._at) * self._per_s
            self._left = min(self._burst, grown)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def give_back(self) -> None:
        """Give one back: what it was taken for has cost nothing."""
        self._left = min(self._burst, self._left + 1)


class KnownLines:
    """Remembers lines on which a machine was proved, in bounded space."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self._limits = limits
        self._failures: OrderedDict[str, int] = OrderedDict()

    def __contains__(self, line: str) -> bool:
        """Whether a machine was proved there, or its address was named."""
        failures = self._failures_of(line)
        return failures is not None and failures < self._most(line)

    def proved(self, line: str) -> None:
        """Know a line: a machine was proved there just now."""
        self._set(line, 0)

    def failed(self, line: str) -> None:
        """Forget a line on which too many calls in a row proved nothing."""
        failures = self._failures_of(line)
        if failures is None:
            return
        if failures + 1 < self._most(line) or self._limits.lines_behind(line):
            # One that was named is kept: without its count it would be known again.
            self._set(line, failures + 1)
        else:
            del self._failures[line]

    def _failures_of(self, line: str) -> int | None:
        """Count its failures in a row; None if it is not known at all."""
        failures = self._failures.get(line)
        if failures is None and self._limits.lines_behind(line):
            return 0
        return failures

    def _most(self, line: str) -> int:
        return self._limits.failures_known * max(1, self._limits.lines_behind(line))

    def _set(self, line: str, failures: int) -> None:
        self._failures[line] = failures
        if not failures:
            self._failures.move_to_end(line)
        if len(self._failures) > self._limits.lines_known:
            self._failures.popitem(last=False)


C = TypeVar("C")


class Places(Generic[C]):
    """The calls whose machine is not proved yet, oldest first."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self._limits = limits
        self._by_line: Counter[str] = Counter()
        self._since: dict[C, tuple[str, bool, float]] = {}
        self._strangers = 0
        # Half of all calls at most: a proved machine stays on its line for a while.
        self._strangers_most = min(
            limits.handshakes_of_strangers, max(1, limits.calls // 2)
        )

    def begin(self, call: C, line: str, now: float, *, stranger: bool) -> None:
        """Give a place to a call that has none."""
        self._since[call] = (line, stranger, now)
        self._by_line[line] += 1
        self._strangers += stranger

    def end(self, call: C) -> tuple[str, bool]:
        """Free its place: its machine is proved, or the call is over.

        Returns:
            Its line, and whether it was a stranger's when it got its place.
        """
        line, stranger, _ = self._since.pop(call)
        self._strangers -= stranger
        self._by_line[line] -= 1
        if not self._by_line[line]:
            del self._by_line[line]
        return line, stranger

    def too_many_of(self, line: str, *, stranger: bool) -> bool:
        """Whether this line has as many places as one may have."""
        limits = self._limits
        if stranger:
            return self._by_line[line] >= limits.handshakes_per_line
        most = max(limits.handshakes_per_known_line, limits.lines_behind(line))
        return self._by_line[line] >= most

    def full_of_strangers(self) -> bool:
        """Whether there is no place for another stranger."""
        return self._strangers >= self._strangers_most

    def overdue(self, now: float, *, stranger: bool) -> C | None:
        """Say who has had a place for long enough while another call waits for it.

        A stranger gives way first, and only a stranger gives way to a stranger.
        """
        since = now - self._limits.proof_pressed_s
        first: C | None = None
        for call, (_, is_stranger, began) in self._since.items():
            if began > since:
                break
            if is_stranger:
                return call
            first = first or call
        return None if stranger else first


class Resting(Generic[C]):
    """The calls whose dialogue is over, the one that is so for longest first.

    Whoever owns a machine could hold all lines with such calls. A machine hangs up, or
    begins again, at once: so nobody needs the line of one that does neither.
    """

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self._limits = limits
        self._since: dict[C, float] = {}

    def begin(self, call: C, now: float) -> None:
        """Count a call that does not rest yet."""
        self._since[call] = now

    def end(self, call: C) -> None:
        """Forget a call: it begins again, or is over."""
        del self._since[call]

    def overdue(self, now: float) -> C | None:
        """Say who rests for longest, if that is long enough to give way to anybody."""
        call = next(iter(self._since), None)
        if call is None or now - self._since[call] < self._limits.rest_pressed_s:
            return None
        return call


class WaitForBooks:
    """Which questions the books have not answered, and since when."""

    def __init__(self) -> None:
        """Begin with none."""
        self._since: dict[int, float] = {}
        self._next = 0

    def begin(self, now: float) -> int:
        """Count a question; `end` wants what this gives."""
        self._next += 1
        self._since[self._next] = now
        return self._next

    def end(self, question: int) -> None:
        """Forget a question: it is answered, or has failed."""
        del self._since[question]

    def oldest_s(self, now: float) -> float:
        """Say how long the oldest has waited; 0 when none waits."""
        return now - next(iter(self._since.values()), now)


class Admission(Generic[C]):
    """Decides about calls, and knows what it decided them by.

    Attributes:
        wrong: Wrong authentications, by line.
        books: What the books have not answered.
        draining: Whether no call is taken any more.
    """

    def __init__(self, limits: Limits, give_way: Callable[[C], None]) -> None:
        """Begin with no call.

        Args:
            limits: What callers may ask.
            give_way: Ends a call whose place another one needs; it calls `leave`, or
                `rested` if the call rests.
        """
        self.wrong = WrongAuthentications(limits)
        self.books = WaitForBooks()
        self.draining = False
        self._limits = limits
        self._give_way = give_way
        self._known = KnownLines(limits)
        self._places: Places[C] = Places(limits)
        self._resting: Resting[C] = Resting(limits)
        self._strangers = Allowance(limits.strangers_burst, limits.strangers_per_s)

    def against(self, line: str, now: float, *, calls: int) -> Turned | None:
        """Say why a call of this line is turned away; None: it is answered.

        Args:
            line: Who calls.
            now: The time.
            calls: How many calls are up.
        """
        if self.draining:
            return Turned.DRAINING
        if self.wrong.too_many(line, now):
            return Turned.WRONG
        if self.books.oldest_s(now) > self._limits.books_wait_s:
            return Turned.BOOKS
        return self._against_another(line, now, full=calls >= self._limits.calls)

    def knows(self, line: str) -> bool:
        """Whether machines were proved on a line, or its address was named."""
        return line in self._known

    def may_begin_again(self, line: str, now: float) -> bool:
        """Whether a line may set its link up once more."""
        return line in self._known or self._strangers.take(now)

    def enter(self, call: C, line: str, now: float) -> None:
        """Give a place to a call whose machine is not proved yet."""
        self._places.begin(call, line, now, stranger=line not in self._known)

    def rest(self, call: C, now: float) -> None:
        """Let a call rest that has no place: its machine was proved, and is done."""
        self._resting.begin(call, now)

    def rested(self, call: C) -> None:
        """Let a call rest no more: it begins again, or is over."""
        self._resting.end(call)

    def leave(self, call: C, *, proved: bool) -> None:
        """Free the place of a call: its machine is proved, or it is over."""
        line, stranger = self._places.end(call)
        if not proved:
            self._known.failed(line)
            return
        if stranger:
            # Even if a neighbour has made its line known meanwhile: machines behind
            # one address that come at once each took one.
            self._strangers.give_back()
        self._known.proved(line)

    def _against_another(self, line: str, now: float, *, full: bool) -> Turned | None:
        stranger = line not in self._known
        if self._places.too_many_of(line, stranger=stranger):
            return Turned.LINE
        crowded = stranger and self._places.full_of_strangers()
        late = None
        if full or crowded:
            if not crowded:
                late = self._resting.overdue(now)
            late = late or self._places.overdue(now, stranger=stranger)
            if late is None:
                return Turned.CALLS if full else Turned.HANDSHAKES
        if stranger and not self._strangers.take(now):
            # Nobody gives way to a call that is turned away.
            return Turned.STRANGERS
        if late is not None:
            self._give_way(late)
        return None


def line_of(caller: str) -> str:
    """Say which line a caller's name stands for: a TCP port changes with each call.

    Of a modem at a terminal server the port is the line, and stays.
    """
    if caller.startswith(_WITH_A_PORT):
        return caller.rpartition(":")[0]
    return caller
