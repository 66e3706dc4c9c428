"""The telephone network of a world: lines, what befalls them, and who listens in.

Every call is a `VirtualLine` of the product. Between it and its users stand ears that
know what was heard, keep it for a while, and do what no virtual line does: a modem that
hangs and tells nobody, a delivery that comes twice, deliveries of an earlier call.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from twisted.internet.interfaces import IReactorTime

from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.trigger import Trigger
from hw.lines.port import Call, Line, LineLoss, LineUser, LossCause
from hw.lines.virtual import VirtualLine, VirtualLineParameters
from rmfs_tools.simulation.deeds import LineTrouble

NO_TROUBLE: Final = LineTrouble()
_KEPT: Final = 64
"""Deliveries of a call that are kept for later mischief."""
_LATE_S: Final = 0.9
"""How late a delivery comes the second time: two frames later."""
_HUNG_S: Final = 120.0
"""How long a hung modem keeps it from its end that the other has hung up."""
_REPLAY_STEP_S: Final = 0.25
_DELIVERY_OCTETS: Final = 1_024
"""A frame is handed over whole: fewer timers, the same octets."""
_ENDS: Final = 2

T = TypeVar("T")
AnswerCall = Callable[[str], LineUser | None]


@dataclass(eq=False, slots=True)
class CallRecord:
    """One call, as the network knows it.

    Attributes:
        number: Counted from 1.
        body: Who dialled; empty for a stranger.
        trouble: What befalls it.
        line: Its line.
        generation: Of the server's process that answered.
        heard: Octets that were delivered so far, both ways.
        hung: A modem hangs.
        up: Deliveries to the server, the first ones.
        down: Deliveries to the machine, the first ones.
        dialogues: Channels that were begun in it, to seed them.
        over: Ends that have lost the line.
        tell_machine: Has the machine's end lose the carrier.
        held: Tells of losses that a hung modem keeps from an end.
    """

    number: int
    body: str
    trouble: LineTrouble
    generation: int
    line: VirtualLine | None = None
    heard: int = 0
    hung: bool = False
    up: list[bytes] = field(default_factory=list)
    down: list[bytes] = field(default_factory=list)
    dialogues: int = 0
    over: int = 0
    tell_machine: Callable[[], None] = lambda: None
    held: list[Callable[[], None]] = field(default_factory=list)

    @property
    def is_up(self) -> bool:
        """Whether somebody still has the line."""
        return self.over < _ENDS


class Telephone:
    """Connects machines and strangers to the server.

    Attributes:
        current: The call in which something is happening now, or None.
        calls: How many were dialled.
        answered: How many were connected.
        befell: How often each kind of trouble really happened.
    """

    def __init__(
        self,
        reactor: IReactorTime,
        seed: int,
        answer: AnswerCall,
        on_over: Callable[[CallRecord], None],
    ) -> None:
        """Make a network.

        Args:
            reactor: Simulated time.
            seed: Chooses the noise.
            answer: Answers a call, by the caller's name; None when nobody does.
            on_over: Told when both ends of a call have lost it.
        """
        self.current: CallRecord | None = None
        self.calls = 0
        self.answered = 0
        self.befell: dict[str, int] = {}
        self._reactor = reactor
        self._seed = seed
        self._good_line = _line_of(NO_TROUBLE, seed)
        self._answer = answer
        self._on_over = on_over
        self._up: dict[int, CallRecord] = {}
        self._last: dict[str, CallRecord] = {}

    def later(self, wait_s: float, tell: Callable[[], None]) -> None:
        """Tell something in so many simulated seconds."""
        self._reactor.callLater(wait_s, tell)

    def count(self, what: str) -> None:
        """Count what befell a call."""
        self.befell[what] = self.befell.get(what, 0) + 1

    def dial(
        self, body: str, user: LineUser, trouble: LineTrouble, generation: int
    ) -> Call:
        """Call the server for a machine."""
        self.calls += 1
        record = CallRecord(self.calls, body, trouble, generation)
        answering = self._answer(f"line {body}:{record.number}")
        if answering is None:
            return _Unanswered(self._reactor, user)
        self.answered += 1
        earlier = self._last.get(body)
        self._last[body] = record
        self._up[record.number] = record
        record.line = VirtualLine(
            self._reactor,
            self._good_line if trouble == NO_TROUBLE else _line_of(trouble, self._seed),
            _Ear(self, record, user, earlier, at_machine=True),
            _Ear(self, record, answering, earlier, at_machine=False),
            record.number,
        )
        return record.line.calling_end

    def last_of(self, body: str) -> int:
        """Number of the last call of a machine that was answered; 0 for none."""
        record = self._last.get(body)
        return 0 if record is None else record.number

    def silent(self, user: LineUser) -> Call:
        """Let nobody answer."""
        return _Unanswered(self._reactor, user)

    def replay(self, body: str, generation: int) -> bool:
        """Let a stranger dial and play what this machine said in its last call."""
        earlier = self._last.get(body)
        if earlier is None or not earlier.up:
            return False
        self.count("recording replayed")
        stranger = _Stranger(self._reactor, list(earlier.up))
        self.dial("", stranger, NO_TROUBLE, generation)
        return True

    def cut_of(self, body: str) -> None:
        """Lose the carrier of a machine's calls."""
        for record in list(self._up.values()):
            if record.body == body and record.line is not None:
                record.line.cut()

    def cut_all(self) -> None:
        """Lose the carrier of every call."""
        for record in list(self._up.values()):
            if record.line is not None:
                record.line.cut()

    def calm(self) -> None:
        """No modem hangs any more: whose call hung learns that it is lost."""
        for record in self._up.values():
            record.trouble = NO_TROUBLE
            if record.hung and record.line is not None:
                record.hung = False
                record.line.cut()
            for tell in record.held:
                self.later(0.0, tell)

    def hear(self, record: CallRecord, octets: bytes, *, at_machine: bool) -> bool:
        """Note a delivery; whether it is heard."""
        trouble = record.trouble
        record.heard += len(octets)
        if record.hung:
            return False
        limit = trouble.hang_after_octets
        if limit is not None and record.heard >= limit:
            record.hung = True
            self.count("modem hung")
            return False
        kept = record.down if at_machine else record.up
        if len(kept) < _KEPT:
            kept.append(octets)
        return True

    def lost(self, record: CallRecord, loss: LineLoss) -> None:
        """Note that an end has lost the line."""
        record.over += 1
        if loss.cause is LossCause.CARRIER_LOST and record.over == 1:
            self.count("carrier lost")
        if not record.is_up:
            self._up.pop(record.number, None)
            self._on_over(record)


class _Ear:
    """Stands between a line and its user at one end; a `LineUser`."""

    def __init__(
        self,
        telephone: Telephone,
        record: CallRecord,
        user: LineUser,
        earlier: CallRecord | None,
        *,
        at_machine: bool,
    ) -> None:
        self._telephone = telephone
        self._record = record
        self._user = user
        self._at_machine = at_machine
        self._deliveries = 0
        self._ended = False
        self._stale: deque[bytes] = deque()
        if at_machine:
            record.tell_machine = self._told
        if earlier is not None and record.trouble.stale:
            heard = earlier.down if at_machine else earlier.up
            self._stale.extend(heard[-record.trouble.stale :])

    def line_up(self, line: Line) -> None:
        self._within(self._user.line_up, line)

    def octets_received(self, octets: bytes) -> None:
        record, telephone = self._record, self._telephone
        while self._stale and not self._ended:
            telephone.count("stale frames heard")
            self._give(self._stale.popleft())
        if not telephone.hear(record, octets, at_machine=self._at_machine):
            if record.trouble.machine_told:
                telephone.later(0.0, record.tell_machine)
            if record.trouble.late_s:
                telephone.later(record.trouble.late_s, lambda: self._hear_late(octets))
            return
        self._give(octets)
        self._deliveries += 1
        every = record.trouble.repeated
        if every and self._deliveries % every == 0:
            telephone.count("delivered twice")
            telephone.later(_LATE_S, lambda: self._give(octets))

    def _hear_late(self, octets: bytes) -> None:
        if not self._ended:
            self._telephone.count("heard late")
        self._give(octets)

    def line_lost(self, loss: LineLoss) -> None:
        if self._record.hung and loss.cause is not LossCause.DROPPED_HERE:
            self._record.held.append(lambda: self._lose(loss))
            self._telephone.later(_HUNG_S, self._record.held[-1])
        else:
            self._lose(loss)

    def _told(self) -> None:
        self._lose(LineLoss(LossCause.CARRIER_LOST))

    def _lose(self, loss: LineLoss) -> None:
        if self._ended:
            return
        self._ended = True
        self._within(self._user.line_lost, loss)
        self._telephone.lost(self._record, loss)

    def _give(self, octets: bytes) -> None:
        if not self._ended:
            self._within(self._user.octets_received, octets)

    def _within(self, tell: Callable[[T], None], what: T) -> None:
        telephone = self._telephone
        before, telephone.current = telephone.current, self._record
        try:
            tell(what)
        finally:
            telephone.current = before


class _Unanswered:
    """A call that nobody answers."""

    def __init__(self, reactor: IReactorTime, user: LineUser) -> None:
        self._cause = LossCause.NO_ANSWER
        self._user = user
        reactor.callLater(0, self._tell)

    def drop(self) -> None:
        self._cause = LossCause.DROPPED_HERE

    def _tell(self) -> None:
        self._user.line_lost(LineLoss(self._cause))


class _Stranger:
    """Plays a recording, deaf to what it hears; a `LineUser`."""

    def __init__(self, reactor: IReactorTime, recording: list[bytes]) -> None:
        self._reactor = reactor
        self._recording = recording
        self._line: Line | None = None

    def line_up(self, line: Line) -> None:
        self._line = line
        self._play()

    def octets_received(self, octets: bytes) -> None:
        """Hear nothing."""

    def line_lost(self, loss: LineLoss) -> None:
        self._line = None

    def _play(self) -> None:
        line = self._line
        if line is None:
            return
        if not self._recording:
            line.drop()
            return
        line.send(self._recording.pop(0))
        self._reactor.callLater(_REPLAY_STEP_S, self._play)


def _line_of(trouble: LineTrouble, seed: int) -> VirtualLineParameters:
    bursts = Trigger(rate=trouble.burst_rate) if trouble.burst_rate else None
    way = (
        WayParameters()
        if bursts is None
        else WayParameters(bursts=bursts, burst_bits=24)
    )
    return VirtualLineParameters(
        bit_s=33_600,
        delay_s=0.02,
        bit_error_rate=trouble.bit_error_rate,
        seed=seed,
        cut_after_octets=trouble.cut_after_octets,
        up=way,
        down=way,
        delivery_octets=_DELIVERY_OCTETS,
    )
