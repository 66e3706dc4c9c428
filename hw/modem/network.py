"""A telephone network: modems of one process call each other, or go out on other lines.

    modem -- PhoneLine -- PhoneNetwork -- PhoneLine -- modem         (by its number)
                               |-- the phone book -> Dialler         (to another place)
                               `-- Listener                          (calls from there)

Between two modems lies a `VirtualLine` at the speed on which they agree, which is the
slowest of the caller's, the called one's and the line's. A call to or from another
place gets one on this side of it, so that its speed and noise are those of the book.

`POST_DIAL_S` after the last digit the other end rings, or is heard to be busy.
"""

import dataclasses
from collections.abc import Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime

from hw.lines.exchange import every_call
from hw.lines.port import Call, Dialler, LineError, LineLoss, LineUser, LossCause
from hw.lines.port import Listener as LineListener
from hw.lines.relay import PacedDialler
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from hw.modem.book import Entry, Outcome, PhoneBook, plain_number
from hw.modem.results import BIT_S_MAX
from hw.modem.telephone import Bell, PhoneCall
from hw.modem.trunk import AnsweredCall, TrunkCall

POST_DIAL_S: Final = 1.5

OnNews = Callable[[str], None]
"""Told, in words, what the network does with calls."""


def no_news(_words: str) -> None:
    """Tell nobody."""


class PhoneNetwork:
    """Lines with numbers, a phone book, and ways to other places."""

    def __init__(
        self,
        reactor: IReactorTime,
        book: PhoneBook | None = None,
        *,
        make_dialler: Callable[[str], Dialler] | None = None,
        on_news: OnNews = no_news,
    ) -> None:
        """Make a network without lines.

        Args:
            reactor: The time, real or virtual.
            book: What happens upon numbers; those of its own lines need no entry.
            make_dialler: From a line string of the book to what dials it.
            on_news: Told of calls.
        """
        self.reactor = reactor
        self.book = book or PhoneBook()
        self.tell = on_news
        self._make_dialler = make_dialler
        self._lines: dict[str, NetworkLine] = {}
        self._listeners: list[LineListener] = []
        self._calls = 0
        self.latest: VirtualLine | None = None
        """The line of the newest call between two modems, for its counters."""

    @property
    def places(self) -> list[str]:
        """Where others call."""
        return [listener.address for listener in self._listeners]

    def line(self, number: str) -> "NetworkLine":
        """Give out the line with a number; the same for the same number."""
        plain = plain_number(number)
        return self._lines.setdefault(plain, NetworkLine(self, plain))

    def listen(self, listener: LineListener, number: str) -> None:
        """Have the line with `number` ring when others call `listener`.

        Raises:
            LineError: The listener's place is taken or not ours.
        """
        line = self.line(number)

        def answer(caller: str) -> LineUser | None:
            bell = line.bell
            if bell is None or bell.is_busy:
                self.tell(f"a call from {caller} finds {number} busy")
                return None
            return TrunkCall(self.reactor, bell, self._next(), caller)

        listener.listen(answer)
        self._listeners.append(listener)

    def close(self) -> None:
        """Ring no more for calls from other places."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def reach(self, call: "NetworkCall", number: str) -> None:
        """Do what comes of a number that was dialled."""
        entry = self.book.find(number)
        if entry is None and plain_number(number) not in self._lines:
            self.tell(f"nobody has the number {number}: add it to the phone book")
            return
        if entry is None:
            entry = Entry(plain_number(number))
        if entry.outcome is not None:
            self.tell(f"{number}: {entry.outcome.value}")
            call.meet(entry.outcome)
        elif entry.to:
            self._reach_place(call, entry)
        else:
            self._ring(call, entry)

    def lay(self, caller: "NetworkCall", user: LineUser) -> Call:
        """Lay the line between two modems that agreed."""
        parameters = dataclasses.replace(caller.line, bit_s=caller.bit_s)
        number = self._next()
        self.latest = VirtualLine(self.reactor, parameters, caller.user, user, number)
        return self.latest.calling_end

    def _reach_place(self, call: "NetworkCall", entry: Entry) -> None:
        if self._make_dialler is None:
            self.tell(f"{entry.to} is out of reach from here")
            return
        bit_s = min(call.bit_s_max, entry.line.bit_s)
        parameters = dataclasses.replace(entry.line, bit_s=bit_s)
        # Every call over "the same" line has noise of its own.
        seed = parameters.seed * 65_537 + self._next()
        plan = every_call(dataclasses.replace(parameters, seed=seed % 2**64))
        try:
            dialler = self._make_dialler(entry.to)
        except LineError as error:
            self.tell(f"{entry.number}: {error}")
            call.lose(LineLoss(LossCause.NO_ANSWER, str(error)))
            return
        call.bit_s = bit_s
        call.rings_there = True
        call.attempt = PacedDialler(self.reactor, plan, dialler).dial(call.user)

    def _ring(self, call: "NetworkCall", entry: Entry) -> None:
        line = self._lines.get(entry.number)
        bell = None if line is None else line.bell
        if bell is None:
            call.rings_there = True
        elif bell.is_busy:
            call.meet(Outcome.BUSY)
        else:
            call.line = entry.line
            call.rings_there = True
            call.ringing = _Ringing(self, call, bell)
            bell.ring(call.ringing)

    def _next(self) -> int:
        number = self._calls
        self._calls += 1
        return number


class NetworkLine:
    """One line of a network; a `hw.modem.telephone.PhoneLine`."""

    def __init__(self, network: PhoneNetwork, number: str) -> None:
        """Made by `PhoneNetwork.line`."""
        self.bell: Bell | None = None
        self._network = network
        self._number = number
        self._is_dead = False

    @property
    def number(self) -> str:
        """Its number, as others see it."""
        return self._number

    @property
    def has_dial_tone(self) -> bool:
        """Whether it is of any use."""
        return self._network.book.dial_tone and not self._is_dead

    def cut(self) -> None:
        """Let it be dead from now on: no dial tone."""
        self._is_dead = True

    def connect(self, bell: Bell | None) -> None:
        """Have `bell` ring; None for nobody."""
        self.bell = bell

    def dial(self, number: str, bit_s_max: int, user: LineUser) -> PhoneCall:
        """Call a number for `user`, who can do `bit_s_max`."""
        return NetworkCall(self._network, self._number, number, bit_s_max, user)


class NetworkCall:
    """A call from the last digit on; a `hw.modem.telephone.PhoneCall`."""

    def __init__(
        self,
        network: PhoneNetwork,
        caller: str,
        number: str,
        bit_s_max: int,
        user: LineUser,
    ) -> None:
        """Made by `NetworkLine.dial`."""
        self.caller = caller
        self.user = user
        self.bit_s_max = bit_s_max
        self.bit_s = bit_s_max
        self.rings_there = False
        self.line = VirtualLineParameters(bit_s=BIT_S_MAX)
        self.attempt: Call | None = None
        self.ringing: _Ringing | None = None
        self._network = network
        self._is_over = False
        self._timer = network.reactor.callLater(
            POST_DIAL_S, network.reach, self, number
        )

    def meet(self, outcome: Outcome) -> None:
        """Come to what the book says of a number."""
        self.rings_there = outcome is Outcome.NO_ANSWER
        if outcome is Outcome.BUSY:
            self.lose(LineLoss(LossCause.BUSY))

    def lose(self, loss: LineLoss) -> None:
        """Tell the caller, in a later turn, that there will be no line."""
        if not self._is_over:
            self._is_over = True
            self._network.reactor.callLater(0, self.user.line_lost, loss)

    def drop(self) -> None:
        """Give it up, or hang up the line that came of it."""
        if self._timer.active():
            self._timer.cancel()
        if self.attempt is not None:
            self.attempt.drop()
            return
        if self.ringing is not None:
            self.ringing.give_up()
        self.lose(LineLoss(LossCause.DROPPED_HERE))


class _Ringing:
    """A call at the end that rings; an `IncomingCall`."""

    def __init__(self, network: PhoneNetwork, call: NetworkCall, bell: Bell) -> None:
        self._network = network
        self._call = call
        self._bell = bell
        self._is_over = False

    @property
    def caller(self) -> str:
        return self._call.caller

    def answer(self, user: LineUser, bit_s_max: int) -> PhoneCall:
        self._is_over = True
        call = self._call
        call.bit_s = min(call.bit_s_max, bit_s_max, call.line.bit_s)
        call.rings_there = False
        answered = AnsweredCall(call.bit_s, user)
        call.attempt = self._network.lay(call, answered)
        return answered

    def give_up(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._bell.stop_ringing()
