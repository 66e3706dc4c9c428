"""After the steps of a case: one more dial-in, at which its end is looked at."""

from contextlib import suppress

from hw.lab.catalogue import Ends
from hw.lab.courses import Courses
from hw.lab.machine_memory import Asked
from hw.lab.machine_side import MachineSide
from hw.lab.machine_steps import MachineSteps
from hw.lab.scene import Scene
from hw.lab.server_side import ServerSide
from hw.lab.side import number
from hw.lab.stated import Stated, compared, stated_by
from hw.lab.steps import Step
from hw.lab.stopping import StepStoppedError, judge, stopped, stopping
from hw.lab.unit_steps import UnitSteps
from protocol.messages import MessageType, RefusalCode


class Afterwards:
    """Looks at the unit once the steps of a case are done, or have stopped."""

    def __init__(
        self, scene: Scene, courses: Courses, unit: UnitSteps, machine: MachineSteps
    ) -> None:
        """Know who does what is to be done.

        Args:
            scene: Where the case stands.
            courses: Leads calls.
            unit: Puts back what was changed at the unit.
            machine: Who the bench is as a machine.
        """
        self._scene = scene
        self._courses = courses
        self._unit = unit
        self._machine = machine

    async def tidy_up(self) -> None:
        """Leave a machine as it was, where a case has stopped in the middle.

        What comes of it, the next case will tell.
        """
        if not isinstance(self._scene.side, ServerSide):
            return
        step = Step("finish", "finish")
        self._scene.trace.step("afterwards: tidied up")
        with suppress(StepStoppedError), stopping(step):
            await self._unit.put_back()
            await self._courses.calls.begin(Asked())
            await self._courses.taking.next(self._scene.bench.patience_s)
            await self._courses.finish(step)

    async def look(self, ends: Ends, before: Stated) -> None:
        """Dial in once more, and look at how it ended.

        Args:
            ends: What is looked at.
            before: What was stated before the case.

        Raises:
            StepStoppedError: It ended otherwise.
        """
        if ends is Ends.NOTHING:
            return
        step = Step(f"! afterwards: {ends.value}", "afterwards", expects=True)
        self._scene.trace.step(step.text)
        with stopping(step):
            await self._courses.calls.let_all_go()
            self._machine.be("itself")
            await self._courses.calls.begin(Asked())
            side = self._scene.side
            if isinstance(side, MachineSide):
                await self._look_at_server(step, ends, side)
            else:
                await self._look_at_machine(step, ends, before)
            await self._courses.finish(step)

    async def _look_at_machine(self, step: Step, ends: Ends, before: Stated) -> None:
        taken = await self._courses.taking.next(self._scene.bench.patience_s)
        if taken.name != MessageType.STATEMENT.name:
            raise stopped(step, f"{taken} came")
        if ends is Ends.UNCHANGED:
            judge(step, compared(before, stated_by(self._scene.side)))

    async def _look_at_server(self, step: Step, ends: Ends, side: MachineSide) -> None:
        await self._courses.saying.greet(step)
        await self._courses.saying.send(Step("send STATEMENT", "send", ("STATEMENT",)))
        wanted = "VOUCHER" if side.is_due_a_voucher else "RECEIPT"
        funds_paise = side.account.funds_paise
        taken = await self._courses.taking.next(self._scene.bench.patience_s)
        if taken.name != ("REFUSAL" if ends is Ends.FROZEN else wanted):
            raise stopped(step, f"{taken} came")
        frozen = RefusalCode.ACCOUNT_FROZEN
        if ends is Ends.FROZEN and number(taken.fields, "code") != frozen:
            raise stopped(step, f"the code is not {frozen.name}")
        if ends is Ends.UNCHANGED and taken.name == MessageType.RECEIPT.name:
            found = number(taken.fields, "funds_paise")
            if found != funds_paise:
                raise stopped(step, f"funds are {found} paise, not {funds_paise}")
