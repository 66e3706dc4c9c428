"""The line of a scenario: dial-ins in virtual time, and carriers lost on purpose.

The channel on it is the deterministic double, so that a seed repeats every octet,
unless the scenario asks for the real one, whose keys no seed chooses.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport, LinkIsUp, Progress
from fm_device.program import dial_repeatedly
from fm_device.psd.device import Psd
from fm_device.scenarios.scenario import Line
from hw.lines.exchange import VirtualExchange
from hw.lines.virtual import VirtualLineParameters
from protocol.channel import MachineChannelPort, ServerChannelPort
from protocol.dialogue.machine import Request
from protocol.errors import InvariantError
from protocol.keys import MachineIdentity, ServerCredential
from protocol.messages import MessageType
from rmfs_tools.scenario_lab import machine_channel, server_channel
from rmfs_tools.scenario_server import ScenarioServer

_CUT_AFTER_OCTETS: Final = 24
"""Every message with its frame is longer, and this is inside its first block."""
_STEPS_MAX: Final = 2_000_000

WhenUp = Callable[[], None]
Lapse = Callable[[float], object]
"""Waits, at the scenario's pace, for so many seconds to come."""


class ScenarioLine:
    """The line between the machine and the server of one scenario.

    Attributes:
        dial_ins: How many there were.
    """

    def __init__(
        self,
        parameters: Line,
        seed: int,
        reactor: Clock,
        server: ScenarioServer,
        lapse: Lapse,
    ) -> None:
        """Have the server listen.

        Args:
            parameters: What the scenario says of the line.
            seed: Chooses noise and the keys of channels.
            reactor: The virtual reactor.
            server: Who answers.
            lapse: Is called before time passes in a dial-in.
        """
        self.dial_ins = 0
        self._parameters = parameters
        self._seed = seed
        self._reactor = reactor
        self._server = server
        self._lapse = lapse
        self._channels = 0
        self._lose: tuple[MessageType, int] | None = None
        self._cut_at: tuple[str, int] | None = None
        self._exchange = VirtualExchange(reactor, self._plan)
        self._exchange.listen(server.answering(reactor, self._server_channel).answer)

    def lose_carrier(self, during: MessageType, number: int) -> None:
        """Lose the carrier of the next dial-in in the n-th message of a kind."""
        self._lose = (during, number)

    def dial(
        self,
        psd: Psd,
        request: Request,
        attempts: int = 1,
        when_up: WhenUp | None = None,
    ) -> DialInReport:
        """Dial in; virtual time runs until the line has ended, at its pace.

        Args:
            psd: Who dials.
            request: What is asked for.
            attempts: How often, when the line fails.
            when_up: What the operator does while the line is up.

        Raises:
            PowerCutError: The power failed in it.
            RmfsError: What stopped the machine itself.
        """
        ended: list[DialInReport] = []
        failed: list[BaseException] = []
        waiting = [when_up] if when_up is not None else []

        def progress(event: Progress) -> None:
            if isinstance(event, LinkIsUp) and waiting:
                self._reactor.callLater(0, waiting.pop())

        self.dial_ins += 1
        dialling = dial_repeatedly(
            psd,
            request,
            self._exchange,
            self._reactor,
            attempts=attempts,
            on_progress=progress,
        )
        dialling.addCallbacks(ended.append, lambda why: failed.append(why.value))
        self._run(lambda: bool(ended or failed))
        self._lose = self._cut_at = None
        for error in failed:
            raise error
        return ended[0]

    def machine_channel(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        """Make the machine's end of the channel of a dial-in."""
        channel = machine_channel(identity, server, self._channel_seed())
        channel.told = lambda kind: self._sealed("up", kind)
        return channel

    def _server_channel(self) -> ServerChannelPort:
        channel = server_channel(self._server.identity, self._channel_seed())
        channel.told = lambda kind: self._sealed("down", kind)
        return channel

    def _channel_seed(self) -> bytes | None:
        """Give a seed that no channel had before; None for the real channel."""
        if self._parameters.real_channel:
            return None
        self._channels += 1
        return b"%d of %d" % (self._channels, self._seed)

    def _run(self, until: Callable[[], bool]) -> None:
        for _ in range(_STEPS_MAX):
            if until():
                return
            calls = self._reactor.getDelayedCalls()
            if not calls:
                break
            due = min(call.getTime() for call in calls)
            lapse = max(0.0, due - self._reactor.seconds())
            self._lapse(lapse)
            self._reactor.advance(lapse)
            self._cut_if_due()
        raise InvariantError("a dial-in that never ends")

    def _plan(self, _call: int) -> VirtualLineParameters:
        line = self._parameters
        return VirtualLineParameters(
            bit_s=line.bit_s,
            delay_s=line.delay_s,
            bit_error_rate=line.bit_error_rate,
            seed=self._seed,
        )

    def _sealed(self, way: str, kind: int) -> None:
        line = self._exchange.latest
        if self._lose is None or line is None or kind != self._lose[0]:
            return
        during, number = self._lose
        self._lose = (during, number - 1)
        if number == 1:
            sent = line.up.octets_sent if way == "up" else line.down.octets_sent
            self._cut_at = (way, sent + _CUT_AFTER_OCTETS)
            self._lose = None

    def _cut_if_due(self) -> None:
        line = self._exchange.latest
        if self._cut_at is None or line is None:
            return
        way, octets = self._cut_at
        counters = line.up if way == "up" else line.down
        if counters.octets_arrived >= octets:
            self._cut_at = None
            line.cut()
