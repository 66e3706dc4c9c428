"""What crosses between the bench and a unit that lives in another universe.

Octets and numbers cross as they are. The few objects that do cross (a loss of a line,
what a machine is asked to do, papers, an operator's errors) are made anew on the other
side, by their names. What goes wrong inside the unit stays there: it has crashed, and
says nothing more, as a program that has ended.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import maybeDeferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from hw.lab.machine_memory import Asked
from hw.lab.operator import OperatorError, UnitRefusedError
from hw.lines.port import Answer, Call, Dialler, Line, LineLoss, LineUser, Listener
from protocol.keys import MachineProvisioning
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.lab.universe import Universe

_Result = TypeVar("_Result")


class Crossing:
    """The way between this process and a unit of another universe.

    Attributes:
        crashed: What the unit died of; empty while it lives.
    """

    def __init__(self, universe: Universe, reactor: IReactorTime) -> None:
        """Be ready for the unit.

        Args:
            universe: Where it lives.
            reactor: The time, which is the same on both sides.
        """
        self.crashed = ""
        self._universe = universe
        self._reactor = reactor
        self._lines: list[Line] = []

    # The unit's ways out.

    def reactor(self) -> "_Reactor":
        """Give the time to the unit."""
        return _Reactor(self, self._reactor)

    def dialler(self, dialler: Dialler) -> "_Dialler":
        """Let the unit dial."""
        return _Dialler(self, dialler)

    def listener(self, listener: Listener) -> "_Listener":
        """Let the unit answer."""
        return _Listener(self, listener)

    def has_line(self, line: Line) -> None:
        """Note a line of the unit: when it crashes, its lines are lost."""
        self._lines.append(line)

    def loss(self, loss: LineLoss) -> object:
        """Tell the unit in its own words how a line was lost."""
        theirs = self._universe.module("hw.lines.port")
        return theirs.LineLoss(theirs.LossCause[loss.cause.name], loss.detail)

    def asked(self, asked: Asked) -> object:
        """Tell the unit in its own words what it is asked for."""
        theirs = self._universe.module("hw.lab.machine_memory")
        kinds = self._universe.module("protocol.registers").RequestKind
        return theirs.Asked(
            kinds[asked.request.name], asked.amount_paise, asked.repeatedly
        )

    # The ways into the unit.

    def into(self, call: Callable[..., Any], *arguments: object) -> list[Any]:
        """Call the unit; what goes wrong inside is its end.

        Returns:
            What it returns, or nothing when it has crashed.
        """
        if self.crashed:
            return []
        returned: list[Any] = []
        failed: list[Failure] = []
        deferred = maybeDeferred(call, *arguments)
        deferred.addCallbacks(returned.append, failed.append)
        for failure in failed:
            self._crash(failure)
        return returned

    def _crash(self, failure: Failure) -> None:
        # What was raised at the unit to end it goes on; a Deferred would have kept it.
        if not isinstance(failure.value, Exception):
            failure.raiseException()
        self.crashed = f"{type(failure.value).__name__}: {failure.value}"
        for line in self._lines:
            line.drop()

    async def asking(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Wait for what somebody does at the unit.

        Raises:
            OperatorError: It could not be done; `UnitRefusedError` if the unit refused.
        """
        errors = self._universe.module("hw.lab.operator")
        base: type[Exception] = self._universe.module("protocol.errors").RmfsError
        if self.crashed:
            work.close()
            raise OperatorError(f"the unit has crashed: {self.crashed}")
        try:
            return await work
        except base as error:
            refused = isinstance(error, errors.UnitRefusedError)
            ours = UnitRefusedError if refused else OperatorError
            raise ours(str(error)) from error


class CrossingOperator:
    """An `Operator` at a unit of another universe.

    Attributes:
        unit: The unit there; it is its own operator.
        crossing: The way to it.
    """

    def __init__(self, unit: Any, crossing: Crossing) -> None:
        """Stand before it."""
        self.unit = unit
        self.crossing = crossing

    @property
    def provisioning(self) -> MachineProvisioning:
        """What the maker of a machine would sign of it now."""
        return _papers(self.unit.provisioning)

    async def dial(self, asked: Asked) -> None:
        """Have it dial in.

        Raises:
            OperatorError: It cannot be done.
        """
        await self.crossing.asking(self.unit.dial(self.crossing.asked(asked)))

    async def frank(self, paise: int, product_class: int) -> None:
        """Have it frank one item.

        Raises:
            OperatorError: It cannot be done.
        """
        await self.crossing.asking(self.unit.frank(paise, product_class))

    async def power(self, what: str) -> None:
        """Cut the power, switch it off, or on.

        Raises:
            OperatorError: It cannot be done.
        """
        await self.crossing.asking(self.unit.power(what))

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Do an errand at it.

        Raises:
            OperatorError: It cannot be done.
        """
        await self.crossing.asking(self.unit.do(what, licence))

    async def new_life(self) -> MachineProvisioning:
        """Have it begin a new life.

        Raises:
            OperatorError: It cannot be done.
        """
        return _papers(await self.crossing.asking(self.unit.new_life()))

    async def memory_octets(self) -> int | None:
        """Say what the process holds that it shares with the bench."""
        return own_memory_octets()

    async def is_alive(self) -> bool:
        """Say whether it still runs."""
        if self.crossing.crashed:
            return False
        return await self.crossing.asking(self.unit.is_alive())


def _papers(theirs: Any) -> MachineProvisioning:
    octets: bytes = theirs.encode()
    return MachineProvisioning.decode(octets)


class _Reactor:
    """The time, as the unit has it; an `IReactorTime` by its members."""

    def __init__(self, crossing: Crossing, reactor: IReactorTime) -> None:
        self._crossing = crossing
        self._reactor = reactor

    def seconds(self) -> float:
        return float(self._reactor.seconds())

    def callLater(  # noqa: N802 (Twisted's name)
        self, delay: float, call: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        def called() -> None:
            self._crossing.into(lambda: call(*args, **kw))

        return self._reactor.callLater(delay, called)


class _User:
    """A `LineUser` of the unit, as the healthy line meets it."""

    def __init__(self, crossing: Crossing, theirs: Any) -> None:
        self._crossing = crossing
        self._theirs = theirs

    def line_up(self, line: Line) -> None:
        self._crossing.has_line(line)
        self._crossing.into(self._theirs.line_up, line)

    def octets_received(self, octets: bytes) -> None:
        self._crossing.into(self._theirs.octets_received, octets)

    def line_lost(self, loss: LineLoss) -> None:
        self._crossing.into(self._theirs.line_lost, self._crossing.loss(loss))


class _Dialler:
    """A `Dialler` for the unit."""

    def __init__(self, crossing: Crossing, dialler: Dialler) -> None:
        self._crossing = crossing
        self._dialler = dialler

    def dial(self, user: object) -> Call:
        return self._dialler.dial(_User(self._crossing, user))


class _Listener:
    """A `Listener` for the unit."""

    def __init__(self, crossing: Crossing, listener: Listener) -> None:
        self._crossing = crossing
        self._listener = listener

    @property
    def address(self) -> str:
        return self._listener.address

    def listen(self, answer: Callable[[str], object]) -> None:
        self._listener.listen(self._answering(answer))

    def close(self) -> None:
        self._listener.close()

    def _answering(self, answer: Callable[[str], object]) -> Answer:
        def answered(caller: str) -> LineUser | None:
            returned = self._crossing.into(answer, caller)
            theirs = returned[0] if returned else None
            return None if theirs is None else _User(self._crossing, theirs)

        return answered
