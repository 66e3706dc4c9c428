"""Two benches: one is dialled by a machine under test, one dials a server under test.

A bench has a side (keys and books), a way to lines, and somebody at the unit. It makes
the conversation of a call; what is said in it is the business of `hw.lab.player`.
"""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hw.clock import WallClock
from hw.lab.conversation import Conversation
from hw.lab.machine_conversation import MachineConversation
from hw.lab.machine_memory import Asked
from hw.lab.machine_side import MachineSide
from hw.lab.operator import Operator
from hw.lab.server_conversation import ServerConversation
from hw.lab.server_side import ServerSide
from hw.lab.station import LineEnded, LineUp, LinkBegan, SilenceError, Station
from hw.lab.trace import Trace
from hw.lines.port import Dialler, LineUser, Listener
from protocol.channel import MachineChannel, ServerChannel
from protocol.channel.edhoc import LakersInitiator
from protocol.channel.ends import MachineEnd
from protocol.channel.ports import MachineChannelPort
from protocol.channel.schedule import OnKeys
from protocol.keys import MachineIdentity, ServerCredential
from protocol.link import Role


class NoCallError(Exception):
    """No line came up: nothing is known of the unit."""


class Bench(Protocol):
    """What a player needs.

    Attributes:
        unit: Role of the unit under test.
        reactor: The time.
        clock: The time of day.
        operator: Somebody at the unit.
        patience_s: How long to wait for what a case expects, if it does not say.
    """

    unit: Role
    reactor: IReactorTime
    clock: WallClock
    operator: Operator
    patience_s: float

    def begin_case(self) -> None:
        """Be ready for a case that knows nothing of another."""
        ...

    async def call(
        self,
        asked: Asked | None,
        trace: Trace,
        *,
        by_frames: bool = False,
        within_s: float | None = None,
    ) -> Conversation:
        """Have a call: the line is up when it returns.

        Args:
            asked: What the machine is to ask for; None: nobody has it dial, and it is
                to dial by itself.
            trace: Takes what passes.
            by_frames: The script makes each frame.
            within_s: How long to wait for the line, if not as long as for anything.

        Raises:
            NoCallError: None came up.
            OperatorError: The unit could not be made to dial.
        """
        ...


class ServerBench:
    """The bench answers; the unit under test is a machine.

    Attributes:
        side: The bench's keys and its book of the machine.
    """

    unit = Role.MACHINE

    def __init__(
        self,
        side: ServerSide,
        listener: Listener,
        operator: Operator,
        *,
        reactor: IReactorTime,
        clock: WallClock,
        patience_s: float,
        answered: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin to answer calls; one that nobody asked for is not answered.

        Args:
            side: The bench's keys and its book of the machine.
            listener: Where the machine dials.
            operator: Somebody at the machine.
            reactor: The time.
            clock: The time of day.
            patience_s: How long to wait, if a case does not say.
            answered: Told when a call was answered: whoever was to have the machine
                dial is done.
        """
        self.side = side
        self.reactor = reactor
        self.clock = clock
        self.operator = operator
        self.patience_s = patience_s
        # A call takes as long to come up, however little patience there is in it.
        self._call_s = patience_s
        self._expected: Station | None = None
        self._answered = answered
        listener.listen(self._answer)

    def begin_case(self) -> None:
        """Expect no call any more."""
        self._expected = None

    async def call(
        self,
        asked: Asked | None,
        trace: Trace,
        *,
        by_frames: bool = False,
        within_s: float | None = None,
    ) -> Conversation:
        """Have the machine dial, or wait until it does, and answer.

        Raises:
            NoCallError: It did not dial in time.
            OperatorError: It could not be made to.
        """
        self.side.begin()
        station = Station(self.reactor, Role.SERVER, trace, by_frames=by_frames)
        self._expected = station
        try:
            if asked is not None:
                await self.operator.dial(asked)
            await _up(station, self._call_s if within_s is None else within_s)
        finally:
            self._expected = None
        return ServerConversation(
            station,
            trace,
            lambda on_keys: ServerChannel(self.side.identity, on_keys),
            self.side.machine.credential,
        )

    def _answer(self, caller: str) -> LineUser | None:
        del caller
        station, self._expected = self._expected, None
        if station is None:
            return None
        self._answered()
        return station.line_user


class MachineBench:
    """The bench dials; the unit under test is a server.

    Attributes:
        side: The machine that the bench is in this case.
    """

    unit = Role.SERVER

    def __init__(
        self,
        make_side: Callable[[], MachineSide],
        server: ServerCredential,
        dialler: Dialler,
        operator: Operator,
        *,
        reactor: IReactorTime,
        clock: WallClock,
        patience_s: float,
    ) -> None:
        """Remember whom to dial.

        Args:
            make_side: Makes a machine that has never dialled, for each case.
            server: The server under test.
            dialler: Makes lines to it.
            operator: Somebody at the server.
            reactor: The time.
            clock: The time of day.
            patience_s: How long to wait, if a case does not say.
        """
        self.reactor = reactor
        self.clock = clock
        self.operator = operator
        self.patience_s = patience_s
        # A call takes as long to come up, however little patience there is in it.
        self._call_s = patience_s
        self._make_side = make_side
        self._server = server
        self._dialler = dialler
        self.side = make_side()
        self._fresh = True

    def begin_case(self) -> None:
        """Be another machine."""
        if not self._fresh:
            self.side = self._make_side()
        self._fresh = False

    async def call(
        self,
        asked: Asked | None,
        trace: Trace,
        *,
        by_frames: bool = False,
        within_s: float | None = None,
    ) -> Conversation:
        """Dial.

        Raises:
            NoCallError: Nobody answered.
        """
        self.side.begin()
        self.side.memory.asked = Asked() if asked is None else asked
        station = Station(self.reactor, Role.MACHINE, trace, by_frames=by_frames)
        self._dialler.dial(station.line_user)
        await _up(station, self._call_s if within_s is None else within_s)
        if not by_frames:
            await linked(station, self._call_s)
        identity: MachineIdentity = self.side.identity
        return MachineConversation(
            station,
            trace,
            lambda on_keys: _channel(identity, self._server, on_keys),
        )


def _channel(
    identity: MachineIdentity, server: ServerCredential, on_keys: OnKeys
) -> MachineChannelPort:
    """Open a channel, even to a server of the other realm, which no machine would."""
    if identity.realm is server.realm:
        return MachineChannel(identity, server, on_keys)
    return MachineEnd(LakersInitiator(identity, server), None)


async def _up(station: Station, within_s: float) -> None:
    try:
        heard = await station.hear(within_s)
    except SilenceError:
        raise NoCallError(f"no line came up in {within_s:g} s") from None
    if isinstance(heard, LineEnded):
        raise NoCallError(f"no line came up: {heard.loss}")
    if not isinstance(heard, LineUp):
        station.unhear(heard)


async def linked(station: Station, within_s: float) -> None:
    """Wait for the link that was asked for.

    Raises:
        NoCallError: It did not come up.
    """
    try:
        heard = await station.hear(within_s)
    except SilenceError:
        raise NoCallError(f"no link came up in {within_s:g} s") from None
    if not isinstance(heard, LinkBegan):
        raise NoCallError("the line came up, and no link did")


def pause(reactor: IReactorTime, seconds: float) -> "Deferred[None]":
    """Let time pass."""
    done: Deferred[None] = Deferred()
    reactor.callLater(seconds, done.callback, None)
    return done
