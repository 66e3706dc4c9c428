"""The calls of a case: they are begun, left for another one, lost and hung up."""

from dataclasses import dataclass
from typing import Final

from hw.lab.bench import NoCallError, linked, pause
from hw.lab.conversation import Conversation
from hw.lab.machine_conversation import MachineConversation
from hw.lab.machine_memory import Asked, OneCall
from hw.lab.machine_side import MachineSide
from hw.lab.scene import Scene
from hw.lab.steps import Step
from hw.lab.stopping import bench_failed, judge, stopped
from hw.lab.taken import Taken
from hw.lab.unit_steps import obeyed
from hw.lab.verbs import (
    BESIDE,
    BY_FRAMES,
    BY_ITSELF,
    NOTHING,
    REPEATEDLY,
    WITHIN,
    words_of,
)
from protocol.link import Role
from protocol.registers import RequestKind

_MS: Final = 1_000
_REST_S: Final = 0.05
"""Between a lost line and what comes next: the unit has to hear of the loss (with 20 ms
a refusal to frank was that of a dialogue), and one whose link is closed hangs up by
itself (LINK-1.9)."""
_HEARD_S: Final = 0.1
"""After a line that a step loses: what follows may be done at the unit, and one that
holds itself still in a call refuses that for another reason (DLG-4.6)."""


@dataclass(frozen=True, slots=True)
class _Held:
    """A call that is up while another one is spoken in."""

    talk: Conversation
    unanswered: Taken | None
    call: OneCall


class Calls:
    """The calls of one case."""

    def __init__(self, scene: Scene) -> None:
        """Begin without any."""
        self._scene = scene
        self._other: _Held | None = None

    async def dial(self, step: Step) -> None:
        """Begin a call, or wait until the unit does."""
        words = words_of(step)
        if words and words[0] in {BY_ITSELF, NOTHING}:
            await self._be_dialled(step, words[0])
            return
        request = RequestKind[words[0].upper()] if words else RequestKind.INSPECTION
        amount = int(words[1], 0) if len(words) > 1 else 0
        asked = Asked(request, amount, REPEATEDLY in step.words)
        if BESIDE in step.words:
            self._other, self._scene.talk = self._held(), None
        by_frames = BY_FRAMES in step.words
        judge(step, await obeyed(step, self.begin(asked, by_frames=by_frames)))

    async def _be_dialled(self, step: Step, what: str) -> None:
        """Wait for a call that nobody has asked the unit for."""
        within_s = float(step.fields.get(WITHIN, self._scene.bench.patience_s))
        try:
            by_frames = BY_FRAMES in step.words
            await self.begin(None, by_frames=by_frames, within_s=within_s)
        except NoCallError:
            if what == NOTHING:
                return
            raise
        if what == NOTHING:
            raise stopped(step, "it dialled by itself")

    async def begin(
        self,
        asked: Asked | None,
        *,
        by_frames: bool = False,
        within_s: float | None = None,
    ) -> None:
        """Have a call; the one that was spoken in is hung up.

        Args:
            asked: What the machine is to ask for; None: it is to dial by itself.
            by_frames: The script makes each frame.
            within_s: How long to wait for the line.

        Raises:
            NoCallError: No line came up.
            OperatorError: The unit could not be made to dial.
        """
        scene = self._scene
        await self.let_go()
        talk = await scene.bench.call(
            asked, scene.trace, by_frames=by_frames, within_s=within_s
        )
        scene.talk, scene.unanswered = talk, None
        scene.frames.begin(talk)

    async def again(self, _: Step) -> None:
        """Begin a further dialogue on the line that is there."""
        scene = self._scene
        talk, side = scene.talking, scene.side
        if isinstance(talk, MachineConversation) and isinstance(side, MachineSide):
            side.begin()
            scene.talk = talk.again()
            scene.frames.go_on(scene.talk)
            if not talk.station.by_frames:
                await linked(talk.station, scene.bench.patience_s)

    def _held(self) -> _Held | None:
        """Give the call that is up, to be spoken in later."""
        scene = self._scene
        if scene.talk is None or not isinstance(scene.side, MachineSide):
            return None
        return _Held(scene.talk, scene.unanswered, scene.side.memory.one_call())

    async def other(self, _: Step) -> None:
        """Speak in the other one of two calls."""
        scene = self._scene
        other, self._other = self._other, self._held()
        if other is None or not isinstance(scene.side, MachineSide):
            raise bench_failed("there is no other call")
        scene.talk, scene.unanswered = other.talk, other.unanswered
        scene.side.memory.speak_in(other.call)
        scene.frames.go_on(scene.talk)

    async def drop(self, _: Step) -> None:
        """Lose the line, and let the unit hear of it."""
        await self.let_go()
        await pause(self._scene.bench.reactor, _HEARD_S)

    async def disconnect(self, _: Step) -> None:
        """Close the link in order."""
        self._scene.talking.station.disconnect()

    async def drip(self, step: Step) -> None:
        """Have octets go out one by one, or as they come again."""
        self._scene.talking.station.drip(int(step.words[0], 0) / _MS)

    async def wait(self, step: Step) -> None:
        """Do nothing for a while."""
        await pause(self._scene.bench.reactor, float(step.words[0]))

    async def let_go(self) -> None:
        """Hang up the call that is spoken in, if it is still there."""
        talk, self._scene.talk = self._scene.talk, None
        if talk is None:
            return
        station = talk.station
        was_closed = station.is_closed
        if was_closed and station.role is Role.SERVER:
            await station.over(_REST_S)
        if not station.is_over:
            station.drop()
            if not was_closed:
                await pause(self._scene.bench.reactor, _REST_S)

    async def let_all_go(self) -> None:
        """Hang up whatever is still there."""
        await self.let_go()
        if self._other is not None:
            self._scene.talk, self._other = self._other.talk, None
            await self.let_go()
