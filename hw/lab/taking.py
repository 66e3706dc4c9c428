"""What comes: it is taken, compared with a step, and let the bench's side learn."""

from collections.abc import Callable

from hw.lab.comparing import differences
from hw.lab.looking import differs, hidden
from hw.lab.machine_side import MachineSide
from hw.lab.scene import Scene
from hw.lab.side import Breach, Fields
from hw.lab.stated import stated_by
from hw.lab.station import SilenceError
from hw.lab.steps import Step
from hw.lab.stopping import judge, stopped
from hw.lab.taken import Taken, error_name
from hw.lab.verbs import ALTERNATIVES, WITHIN


class Taking:
    """Takes what comes in the calls of one case."""

    def __init__(self, scene: Scene, broken: Callable[[Breach], None]) -> None:
        """Be ready.

        Args:
            scene: Where the case stands.
            broken: Told of each clause that what came breaks.
        """
        self._scene = scene
        self._broken = broken
        self._right: Fields = {}

    async def take(self, step: Step) -> None:
        """Take what comes next; it is to be what the step says."""
        within_s = float(step.fields.get(WITHIN, self._scene.bench.patience_s))
        name = step.words[0]
        if name == "nothing":
            try:
                taken = await self.next(within_s)
            except SilenceError:
                return
            raise stopped(step, f"{taken} came")
        one_packet = name.startswith("GREETING")
        judge(
            step, self._compared(step, await self.next(within_s, one_packet=one_packet))
        )

    async def next(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take what comes next, and let the side learn of it.

        Args:
            within_s: How long to wait.
            one_packet: Take a greeting for what it is, and answer nothing.

        Raises:
            SilenceError: Nothing came.
            StepStoppedError: There is no call.
        """
        scene = self._scene
        talk = scene.talking
        taken = await scene.frames.next(within_s, one_packet=one_packet)
        scene.unanswered = taken
        scene.taken.append(taken)
        if taken.packet:
            scene.last_packet, scene.last_body = taken.packet, taken.body
        if taken.table is not None and taken.fields:
            # What would be right follows from what was known before.
            self._right = scene.side.right(taken.table, {})
            for breach in scene.side.heard(
                taken.table, taken.fields, taken.body, talk.binding
            ):
                scene.trace.remark(f"broken: {breach}")
                scene.breaches.append(breach)
                self._broken(breach)
            self._note_registers(taken)
        return taken

    def _note_registers(self, taken: Taken) -> None:
        if taken.name in {"STATEMENT", "CONFIRMATION"}:
            stated = stated_by(self._scene.side)
            self._scene.trace.registers(stated.registers, stated.recharge_number)

    def _compared(self, step: Step, taken: Taken) -> str:
        """Say in what that which came differs from what a step expects."""
        if taken.name not in step.words[0].split(ALTERNATIVES):
            return f"{taken} came"
        if taken.name == "ERROR" and len(step.words) > 1:
            wanted = "".join(step.words[1:]).split(ALTERNATIVES)
            got = "" if taken.error is None else error_name(taken.error)
            if got not in wanted:
                return f"ERROR {got} came"
        if taken.table is None:
            return ""
        if taken.wrong:
            return str(taken)
        return "; ".join(differences(step, taken.table, taken.fields, self._right))

    async def keep(self, step: Step) -> None:
        """Keep the packet that came or went last."""
        scene = self._scene
        scene.kept[step.words[0]] = scene.last_packet, scene.last_body

    async def differs(self, step: Step) -> None:
        """Compare a place of the last packet with that of one that was kept."""
        kept, _ = self._scene.kept_as(step.words[0])
        judge(step, differs(step, kept, self._scene.last_packet))

    async def hidden(self, step: Step) -> None:
        """Look for the licence identifier in what has passed on the line."""
        side = self._scene.side
        of = side.identity if isinstance(side, MachineSide) else side.machine.credential
        judge(step, hidden(self._scene.trace, of.licence_identifier))
