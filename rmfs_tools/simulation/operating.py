"""What the operators of machines do: frank letters, and dial in.

An operator who asks for something wishes it once, however often the machine dials.
"""

from collections.abc import Callable

from twisted.python.failure import Failure

from fm_device.dial_in import DialInReport
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.machine import Machine
from fm_device.program import dial_repeatedly
from hw.lines.port import Call, LineUser
from hw.nvram import PowerCutError
from protocol.dialogue.machine import Request
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import DialIn, LineTrouble, Mail
from rmfs_tools.simulation.observations import DialInEnded, Wished
from rmfs_tools.simulation.powering import Powering
from rmfs_tools.simulation.telephone import NO_TROUBLE
from rmfs_tools.simulation.world import World

OnReport = Callable[[DialInReport | None], None]


class Operating:
    """The operators of one world."""

    def __init__(self, world: World, powering: Powering) -> None:
        """Operate the machines of this world.

        Args:
            world: It.
            powering: Takes machines whose power has failed meanwhile.
        """
        self._world = world
        self._powering = powering

    def frank(self, deed: Mail) -> None:
        """Frank letters."""
        body = self._world.ready(deed.body)
        if body is None:
            return
        try:
            self._world.counts["franks"] += body.frank(deed.items)
        except PowerCutError:
            self._powering.lose(body)

    def dial_in(self, deed: DialIn) -> None:
        """Dial in, and wait for nothing."""
        body = self._world.ready(deed.body)
        if body is not None:
            self.dial(body, deed, _forget)

    def dial(self, body: Body, deed: DialIn, on_report: OnReport) -> None:
        """Dial in with a machine that has power; `on_report` once it is over.

        The report is None when nothing was dialled, or the power failed.
        """
        machine = body.machine
        if machine is None or body.dial_in:
            on_report(None)
            return
        counts = self._world.counts
        kind = RequestKind[deed.kind]
        plan = machine.calls.plan(kind, Paise(deed.amount_paise))
        if not isinstance(plan, DialPlan):
            counts[f"{deed.kind} refused by the machine"] += 1
            on_report(None)
            return
        pending = machine.record.pending
        if pending is None:
            self._wish(body, plan.request)
        elif pending.amount_paise != deed.amount_paise:
            counts["another amount asked for while one is pending"] += 1
        body.dial_in += 1
        dialler = _Dialler(self._world, body, machine, deed.trouble)
        dialled = dial_repeatedly(
            machine.psd,
            plan.request,
            dialler,
            self._world.reactor,
            attempts=deed.attempts,
        )
        dialled.addCallback(self._dialled, body, machine, on_report)
        dialled.addErrback(self._failed, body, machine, on_report)

    def _wish(self, body: Body, request: Request) -> None:
        now, amount = self._world.seconds(), int(request.amount_paise)
        self._world.tell(Wished(now, body.name, request.kind.name, amount))

    def _dialled(
        self, report: DialInReport, body: Body, machine: Machine, on_report: OnReport
    ) -> None:
        if body.machine is not machine:
            on_report(None)
            return
        body.dial_in = 0
        body.look()
        world = self._world
        world.tell(
            DialInEnded(
                at_s=world.seconds(),
                body=body.name,
                licence=body.licence,
                call=world.telephone.last_of(body.name),
                outcome=report.outcome.name,
                receipt=report.receipt is not None,
                after=report.after.control_total_paise,
            )
        )
        world.counts[f"dial-in {report.outcome.name}"] += 1
        machine.calls.done(report)
        on_report(report)

    def _failed(
        self, failure: Failure, body: Body, machine: Machine, on_report: OnReport
    ) -> None:
        if not isinstance(failure.value, PowerCutError):
            what = f"machine {body.name} was stopped: {failure.getErrorMessage()}"
            self._world.find("SOUND-2", what)
        if body.machine is machine:
            self._powering.lose(body)
        on_report(None)


class _Dialler:
    """Dials for one machine for as long as it has power; a `hw.lines.port.Dialler`."""

    def __init__(
        self,
        world: World,
        body: Body,
        machine: Machine,
        trouble: tuple[LineTrouble, ...],
    ) -> None:
        self._world = world
        self._body = body
        self._machine = machine
        self._trouble = iter(trouble)

    def dial(self, user: LineUser) -> Call:
        trouble = next(self._trouble, NO_TROUBLE)
        world = self._world
        if self._body.machine is not self._machine:
            return world.telephone.silent(user)
        return world.telephone.dial(
            self._body.name, user, trouble, world.server.generation
        )


def _forget(_report: DialInReport | None) -> None:
    """Nobody waits for it."""
