"""Steps that are done at the unit under test: by its operator, or by the bench itself.

Where a case expects the unit to refuse, a step ends in ``refused``: then it comes true
when the unit itself says no (`UnitRefusedError`), and does not when it obeys.
"""

from collections.abc import Coroutine
from typing import Any, Final

from hw.lab.machine_side import MachineSide
from hw.lab.operator import Operator, UnitRefusedError
from hw.lab.server_side import ServerSide
from hw.lab.steps import Step
from hw.lab.stopping import judge
from hw.lab.verbs import NEW_LIFE, REFUSED, words_of
from protocol.values import Paise

_CLASS: Final = 1
_DAYS: Final = "days"


class UnitSteps:
    """What is done at one unit."""

    def __init__(self, operator: Operator, side: ServerSide | MachineSide) -> None:
        """Know who does it.

        Args:
            operator: Somebody at the unit.
            side: What the bench is; a bench that is a machine franks by itself.
        """
        self._operator = operator
        self._side = side
        self._days_ahead = 0
        self._has_power = True

    async def frank(self, step: Step) -> None:
        """Frank one item.

        Raises:
            StepStoppedError: The unit obeys where it is to refuse, or refuses.
            OperatorError: It could not be done.
        """
        words = words_of(step)
        paise = int(words[0], 0)
        product_class = int(words[1], 0) if len(words) > 1 else _CLASS
        if isinstance(self._side, MachineSide):
            self._side.memory.frank(Paise(paise), product_class)
            return
        judge(step, await obeyed(step, self._operator.frank(paise, product_class)))

    async def ask(self, step: Step) -> None:
        """Have an errand done.

        Raises:
            StepStoppedError: The unit obeys where it is to refuse, or refuses.
            OperatorError: It could not be done.
        """
        judge(step, await self._done(step))

    async def _done(self, step: Step) -> str:
        """Have an errand done; what differs from the step comes back."""
        side, words = self._side, words_of(step)
        if words[0] == NEW_LIFE and isinstance(side, ServerSide):
            return await obeyed(step, self._new_life(side))
        credential = (
            side.identity.credential
            if isinstance(side, MachineSide)
            else side.machine.credential
        )
        licence = str(credential.licence_identifier)
        if words[0] == _DAYS:
            self._days_ahead += int(words[1])
        return await obeyed(step, self._operator.do(words, licence))

    async def content(self, step: Step) -> None:
        """Have a content on hand that the unit can be ordered to take."""
        if isinstance(self._side, ServerSide):
            self._side.make_content(step.words[0], step.fields)

    async def power(self, step: Step) -> None:
        """Switch the power."""
        self._has_power = step.words[0] == "on"
        await self._operator.power(step.words[0])

    async def put_back(self) -> None:
        """Give power and date back that a case has taken and did not come to return.

        Raises:
            OperatorError: It cannot be done.
        """
        if not self._has_power:
            await self.power(Step("power on", "power", ("on",)))
        if self._days_ahead:
            words = (_DAYS, str(-self._days_ahead))
            await self._done(Step("ask days", "ask", words))

    async def _new_life(self, side: ServerSide) -> None:
        side.begin_life(await self._operator.new_life())


async def obeyed(step: Step, deed: Coroutine[Any, Any, object]) -> str:
    """Have something done, and say what differs from what a step expects of it.

    Raises:
        OperatorError: It could not be done, and the unit did not refuse it.
    """
    try:
        await deed
    except UnitRefusedError as error:
        return "" if REFUSED in step.words else str(error)
    return "it was not refused" if REFUSED in step.words else ""
