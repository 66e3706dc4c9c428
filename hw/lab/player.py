"""Plays a case: carries its steps out, one after the other, and judges.

What is asked for before the test and does not happen makes a case inconclusive; what
the case expects and does not happen makes it fail, and so does a clause that was seen
broken on the way. A bench, line or hook that fails is an error and says nothing of the
unit.

The player keeps the plan: who carries out which verb, and what comes of it. Calls are
begun and ended in `hw.lab.calling`, what comes is taken in `hw.lab.taking`, what is
said is made in `hw.lab.saying`; `hw.lab.afterwards` looks at the end. What they share
is the `hw.lab.scene`.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hw.lab.afterwards import Afterwards
from hw.lab.bench import Bench
from hw.lab.calling import Calls
from hw.lab.catalogue import Case, Ends
from hw.lab.conversation import Conversation
from hw.lab.courses import Courses
from hw.lab.frame_steps import FrameSteps
from hw.lab.machine_side import MachineSide
from hw.lab.machine_steps import MachineSteps
from hw.lab.saying import Saying
from hw.lab.scene import Scene
from hw.lab.server_side import ServerSide
from hw.lab.sharing import Judged, shared_steps
from hw.lab.side import Breach
from hw.lab.stated import Stated, compared, stated_by
from hw.lab.steps import Step
from hw.lab.stopping import StepStoppedError, judge, stopping
from hw.lab.taken import Taken
from hw.lab.taking import Taking
from hw.lab.trace import Trace
from hw.lab.unit_steps import UnitSteps
from hw.lab.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Result:
    """How one case came out.

    Attributes:
        case: The case.
        verdict: The verdict.
        reason: Why.
        trace: What was seen.
        lasted_s: How long it took; 0 if it was judged in the play of another one.
        before: What a machine under test had stated before, if anything.
        after: What it stated last.
    """

    case: Case
    verdict: Verdict
    reason: str
    trace: Trace
    lasted_s: float
    before: Stated | None = None
    after: Stated | None = None


_CarryOut = Callable[[Step], Coroutine[Any, Any, None]]


class Player:
    """Plays one case on a bench.

    `play` plays it from end to end and gives the verdict. Whoever wants to go on after
    a step that did not come true carries the steps out himself:

        for step in case.steps:
            try:
                await player.carry_out(step)
            except StepStoppedError as stop:
                note(stop.verdict, stop.reason)
        await player.hang_up()

    Attributes:
        before: What the machine of the dialogue had stated when the case began.
    """

    def __init__(
        self,
        bench: Bench,
        side: ServerSide | MachineSide,
        case: Case,
        also: Sequence[Case] = (),
    ) -> None:
        """Prepare.

        Args:
            bench: Where it is played.
            side: What the bench is in this case.
            case: What is played.
            also: Cases that are judged in the same play (`hw.lab.sharing`).
        """
        trace = Trace(lambda: float(bench.reactor.seconds()), bench.clock)
        scene = Scene(bench, side, trace, FrameSteps(trace))
        self.before = stated_by(side)
        self._judged = tuple(Judged(one) for one in (case, *also))
        self._scene = scene
        self._calls = Calls(scene)
        unit, machine = UnitSteps(bench.operator, side), MachineSteps(side)
        taking, saying = Taking(scene, self._broken), Saying(scene)
        courses = Courses(scene, self._calls, taking, saying)
        self._afterwards = Afterwards(scene, courses, unit, machine)
        self._verbs: dict[str, _CarryOut] = {
            "dial": self._calls.dial,
            "again": self._calls.again,
            "other": self._calls.other,
            "drop": self._calls.drop,
            "disconnect": self._calls.disconnect,
            "wait": self._calls.wait,
            "drip": self._calls.drip,
            "take": taking.take,
            "keep": taking.keep,
            "differs": taking.differs,
            "hidden": taking.hidden,
            "send": saying.send,
            "packet": saying.packet,
            "body": saying.body,
            "frame": saying.frame,
            "octets": saying.octets,
            "recharge": courses.recharge,
            "wants": courses.wants,
            "finish": courses.finish,
            "apply": machine.apply,
            "forget": machine.forget,
            "become": machine.become,
            "usage": machine.usage,
            "frank": unit.frank,
            "power": unit.power,
            "ask": unit.ask,
            "content": unit.content,
            "registers": self._registers,
        }

    # What is known.

    @property
    def trace(self) -> Trace:
        """What was seen."""
        return self._scene.trace

    @property
    def talk(self) -> Conversation | None:
        """The call that is spoken in; None: there is none."""
        return self._scene.talk

    @property
    def stated(self) -> Stated:
        """What the machine of the dialogue, whichever end it is, has stated last."""
        return stated_by(self._scene.side)

    @property
    def taken(self) -> Sequence[Taken]:
        """Whatever came, in order: messages, greetings, errors and ends."""
        return self._scene.taken

    @property
    def breaches(self) -> Sequence[Breach]:
        """Clauses that were seen broken on the way, in order."""
        return self._scene.breaches

    # What is done.

    async def play(self) -> Result:
        """Carry out all steps and what the case looks at afterwards."""
        return (await self.play_all())[0]

    async def play_all(self) -> tuple[Result, ...]:
        """Do the same; the results of all cases of the play."""
        cases = [judged.case for judged in self._judged]
        number, steps = 0, shared_steps(cases)
        try:
            for number, step in enumerate(steps):
                await self.carry_out(step)
                for judged in self._judged:
                    judged.came_true(number)
            number = len(steps)
            await self.look_afterwards(cases[0].ends)
            for judged in self._judged:
                judged.looked()
        except StepStoppedError as stop:
            for judged in self._judged:
                judged.stopped(number, stop)
        if any(judged.judgement.verdict is not None for judged in self._judged):
            await self._afterwards.tidy_up()
        await self.hang_up()
        first, *others = (self._result(judged) for judged in self._judged)
        return first, *(replace(other, lasted_s=0.0) for other in others)

    def _result(self, judged: Judged) -> Result:
        judgement, trace = judged.judgement, self.trace
        judgement.conclude()
        verdict = judgement.verdict or Verdict.ERROR
        of = f" ({judged.case.id})" if len(self._judged) > 1 else ""
        trace.remark(f"{verdict.value}: {judgement.reason}{of}")
        return Result(
            judged.case,
            verdict,
            judgement.reason,
            trace,
            trace.lasted_s,
            self.before,
            self.stated,
        )

    async def carry_out(self, step: Step) -> None:
        """Carry out one step.

        Args:
            step: One that `hw.lab.verbs.check_step` has found good for this bench.

        Raises:
            StepStoppedError: It did not come true or cannot be carried out: the unit
                was silent, did not call, has gone or refuses, something else came, or
                bench, line or hook failed. The next step can be carried out all the
                same.
        """
        self.trace.step(step.text)
        with stopping(step):
            await self._verbs[step.verb](step)

    async def look_afterwards(self, ends: Ends) -> None:
        """Dial in once more, and look at how the case ended.

        Args:
            ends: What is looked at.

        Raises:
            StepStoppedError: It ended otherwise.
        """
        await self._afterwards.look(ends, self.before)

    async def hang_up(self) -> None:
        """End whatever call is still there."""
        await self._calls.let_all_go()

    def _broken(self, breach: Breach) -> None:
        for judged in self._judged:
            judged.broken(breach)

    async def _registers(self, step: Step) -> None:
        moved_paise = int(step.fields.get("moved", "0"), 0)
        judge(step, compared(self.before, self.stated, moved_paise))
