"""What people do at the machine of a scenario: they frank, dial in, enter PINs."""

from collections.abc import Callable
from datetime import timedelta
from functools import singledispatchmethod
from typing import Any

from fm_device.classes import parse_class
from fm_device.firmware.desk import Service
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.franking import Printed
from fm_device.firmware.new_flash import put_new_flash
from fm_device.firmware.reporting import report
from fm_device.psd.franking import Frank, FrankOrder
from fm_device.psd.pins import Role
from fm_device.scenarios.steps import (
    AskPsd,
    Change,
    Choose,
    Day,
    DialIn,
    DropDepartment,
    EnterPin,
    FrankItems,
    Leave,
    LoseCarrier,
    NewFlash,
    PrintReport,
    PutDepartment,
    Serve,
    SetPin,
    TryOut,
)
from protocol.coded import Coded
from protocol.dialogue.machine import INSPECTION
from protocol.messages import MessageType
from protocol.parameters import business_date
from protocol.registers import RequestKind
from rmfs_tools.scenario_findings import ScenarioPlayError, StepResult
from rmfs_tools.scenario_world import World


class Deeds:
    """Does what people do in one scenario's world.

    Attributes:
        result: What came of the step so far.
    """

    def __init__(
        self,
        world: World,
        otherwise: Callable[[Any], None],
        note_reached: Callable[[], None],
    ) -> None:
        """Know the world.

        Args:
            world: The world.
            otherwise: Does what is no deed of people.
            note_reached: Told when a step has led to something on its way.
        """
        self.result = StepResult()
        self._world = world
        self._otherwise = otherwise
        self._note_reached = note_reached

    @singledispatchmethod
    def do(self, action: Any) -> None:
        """Do what a step says.

        Raises:
            ScenarioPlayError: It cannot be done at this point.
            RmfsError: It fails.
            PowerCutError: The power is cut while it is done.
        """
        self._otherwise(action)

    def _answer(self, refusal: Any) -> bool:
        """Take what the machine answered; whether it refused."""
        if refusal is not None:
            self.result.refusal = refusal
        return refusal is not None

    # Franking.

    @do.register
    def _(self, action: FrankItems) -> None:
        world = self._world
        franking = world.machine.franking
        for department in action.departments or (None,):
            if department is not None and self._answer(
                franking.choose_department(department)
            ):
                return
            for letters in action.classes or (None,):
                if self._answer(self._chosen(letters, action.zone, action.day)):
                    return
                if action.weight_g is not None:
                    world.scale.put(action.weight_g)
                self._frank(action)
                if action.weight_g is not None:
                    world.scale.remove()
                if self.result.refusal is not None:
                    return

    def _frank(self, action: FrankItems) -> None:
        franking = self._world.machine.franking
        for _ in range(action.count):
            done = franking.frank(confirmed=action.confirm)
            if not isinstance(done, Printed):
                self.result.refusal = done
                return
            self.result.done += 1
        if action.until_refused:
            message = f"{action.count} items were franked, and none was refused"
            raise ScenarioPlayError(message)

    def _chosen(self, letters: str | None, zone: str, wanted: Day | None) -> Any:
        franking = self._world.machine.franking
        refusal: Any = None
        if letters is not None:
            number = parse_class(letters, self._world.machine.tariff)
            refusal = franking.choose_class(number)
        if refusal is None and zone:
            refusal = franking.choose_zone(zone)
        if refusal is None and wanted is not None:
            refusal = franking.choose_day(wanted)
        return refusal

    @do.register
    def _(self, action: TryOut) -> None:
        for _ in range(action.count):
            done = self._world.machine.franking.try_out()
            if not isinstance(done, Printed):
                self.result.refusal = done
                return
            if action.zero and done.frank is None:
                mark = done.face.mark.value
                raise ScenarioPlayError(f"a {mark} imprint came out, no zero imprint")
            self.result.done += 1

    @do.register
    def _(self, action: Choose) -> None:
        franking = self._world.machine.franking
        if action.department is not None and self._answer(
            franking.choose_department(action.department)
        ):
            return
        if self._answer(self._chosen(action.product_class, "", action.day)):
            return
        if action.zone is not None and self._answer(franking.choose_zone(action.zone)):
            return
        if action.slogan is not None:
            self._answer(franking.choose_slogan(action.slogan))

    @do.register
    def _(self, action: AskPsd) -> None:
        psd = self._world.machine.psd
        today = business_date(self._world.wall.now())
        order = FrankOrder(
            action.value_paise, action.product_class, today + timedelta(action.day)
        )
        done = psd.debit(order)
        if not isinstance(done, Frank):
            self.result.refusal = done
            return
        message = f"the PSD has debited {done.value_paise} paise for nothing"
        raise ScenarioPlayError(message)

    @do.register
    def _(self, action: PrintReport) -> None:
        done = report(
            self._world.machine,
            action.kind,
            again=action.again,
            by_total=action.by_total,
        )
        if isinstance(done, tuple):
            self.result.done = len(done)
        else:
            self.result.refusal = done

    # Dialling in.

    @do.register
    def _(self, action: DialIn) -> None:
        machine = self._world.machine
        if action.if_due and not machine.calls.due:
            return
        kind = RequestKind[action.kind.upper()]
        plan = machine.calls.plan(kind, action.amount_paise)
        if not isinstance(plan, DialPlan):
            self.result.refusal = plan
            return
        when_up = self._meanwhile(action.meanwhile) if action.meanwhile else None
        self.result.report = self._world.line.dial(
            machine.psd, plan.request, action.attempts, when_up
        )
        machine.calls.done(self.result.report)
        self.result.done = 1

    def _meanwhile(self, what: str) -> Callable[[], None]:
        def do() -> None:
            machine = self._world.machine
            done: Any
            if what == "frank":
                self._world.scale.put(18)
                done = machine.franking.frank()
                self._world.scale.remove()
            else:
                done = machine.calls.plan(INSPECTION.kind)
            self.result.meanwhile = done if isinstance(done, Coded) else None

        return do

    @do.register
    def _(self, action: LoseCarrier) -> None:
        during = MessageType[action.during.upper().replace("-", "_")]
        self._world.line.lose_carrier(during, action.number)

    # Operators, supervisor, service.

    @do.register
    def _(self, action: EnterPin) -> None:
        machine = self._world.machine
        role = Role[action.role.upper()]
        for _ in range(action.times):
            answer = machine.desk.enter(role, action.pin)
            self.result.pin = answer
            self._note_reached()
            if action.patiently and answer.wait_until:
                # One second more: the machine's clock may lose a little.
                wait_s = max(0, answer.wait_until - self._clock()) + 1
                self._world.pass_until(
                    self._world.wall.utc() + timedelta(seconds=wait_s)
                )

    def _clock(self) -> int:
        return self._world.machine.psd.time or self._world.wall.now()

    @do.register
    def _(self, action: SetPin) -> None:
        role = Role[action.role.upper()]
        self._answer(self._world.machine.desk.set_pin(role, action.pin))

    @do.register
    def _(self, _action: Leave) -> None:
        self._world.machine.desk.leave()

    @do.register
    def _(self, action: Change) -> None:
        self._answer(self._world.machine.desk.change(**action.changes))

    @do.register
    def _(self, action: PutDepartment) -> None:
        self._answer(self._world.machine.desk.put_department(action.department))

    @do.register
    def _(self, action: DropDepartment) -> None:
        self._answer(self._world.machine.desk.drop_department(action.number))

    @do.register
    def _(self, action: Serve) -> None:
        service = Service[action.service.upper().replace("-", "_")]
        self._answer(self._world.machine.desk.serve(service))

    @do.register
    def _(self, action: NewFlash) -> None:
        world = self._world
        self._answer(
            put_new_flash(world.machine, world.renew_flash, meant=action.meant)
        )
