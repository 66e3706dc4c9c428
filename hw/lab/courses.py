"""Steps of several messages: a recharge, a content, the rest of a dialogue."""

from dataclasses import replace

from hw.lab.calling import Calls
from hw.lab.finishing import finish
from hw.lab.machine_memory import Asked
from hw.lab.machine_side import MachineSide
from hw.lab.saying import Saying
from hw.lab.scene import Scene
from hw.lab.steps import Step, parse_step
from hw.lab.stopping import judge, stopped
from hw.lab.taking import Taking
from hw.lab.verbs import ALL
from protocol.messages import WANTS_PER_DIAL_IN_MAX
from protocol.registers import RequestKind


class Courses:
    """Leads the courses of one case.

    Attributes:
        calls: Begins and ends calls.
        taking: Takes what comes.
        saying: Says what the bench says.
    """

    def __init__(
        self, scene: Scene, calls: Calls, taking: Taking, saying: Saying
    ) -> None:
        """Know who does the single steps."""
        self.calls = calls
        self.taking = taking
        self.saying = saying
        self._scene = scene

    async def recharge(self, step: Step) -> None:
        """Have the unit recharged from end to end."""
        asked = Asked(RequestKind.RECHARGE, int(step.words[0], 0))
        await self.calls.begin(asked)
        if isinstance(self._scene.side, MachineSide):
            await self.saying.send(parse_step("send STATEMENT"))
            await self.taking.take(parse_step("take VOUCHER kind=RECHARGE"))
        else:
            await self.taking.take(parse_step("take STATEMENT request=RECHARGE"))
            await self.saying.send(parse_step("send VOUCHER"))
        await self.finish(step)

    async def wants(self, step: Step) -> None:
        """Want parts, and take each."""
        side = self._scene.side
        if not isinstance(side, MachineSide):
            return
        until_whole = step.words[0] == ALL
        left = WANTS_PER_DIAL_IN_MAX if until_whole else int(step.words[0], 0)
        while left and not (until_whole and side.fetching.is_whole):
            left -= 1
            await self.saying.send(replace(step, verb="send", words=("WANT",)))
            await self.taking.take(Step(step.text, "take", ("CONTENT",)))
        if until_whole and not side.fetching.is_whole:
            raise stopped(step, "the content did not come whole")

    async def finish(self, step: Step) -> None:
        """Lead the dialogue to its end."""
        scene = self._scene
        patience_s, last = scene.bench.patience_s, scene.unanswered
        found = await finish(
            scene.side, scene.talking, patience_s, self.taking.next, last
        )
        judge(step, found)
