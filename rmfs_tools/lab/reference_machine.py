"""The reference machine on the bench, in virtual time: the product's own.

It is its own operator: what a case asks for is done at once, as a person would do it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from fm_device.dial_in import ATTEMPTS_MAX, DialInReport
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.franking import Printed
from fm_device.firmware.machine import Machine, Parts
from fm_device.frank import FrankFace
from fm_device.program import dial_repeatedly
from hw.clock import DriftingWallClock, WallClock
from hw.lab.machine_memory import Asked
from hw.lab.operator import OperatorError, UnitOffError, UnitRefusedError
from hw.lines.port import Dialler
from hw.nvram import MemoryNvram
from hw.scales.simulated import SimulatedScale
from protocol.channel import MachineChannel
from protocol.errors import LocalProtocolError
from protocol.keys import MachineProvisioning
from protocol.ports import Entropy
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.lab.bench_papers import provisioning_of
from rmfs_tools.lab.cord import Cord
from rmfs_tools.lab.own_memory import own_memory_octets
from rmfs_tools.simulation.clock import SimulatedClock
from rmfs_tools.simulation.setting import BEGAN

_GRAMS: Final = 5
"""What every item weighs: a post card may weigh no more."""
_LICENCE: Final = "N19{:04d}"
"""Of the lives that cases have it begin."""
_LOOK_S: Final = 0.1
_SOON_S: Final = 60
"""A call that is due later comes when no case waits for it any more."""
_LOOKS_MAX: Final = 300
"""An operator looks so often whether the machine is ready to dial: 30 s."""
_STARTS_S: Final = 0.5
"""How long the power is off when it is cut and given back."""


class ReferenceMachine:
    """A machine, its power, and whoever stands before it; an `Operator`.

    Attributes:
        machine: The machine, or None while it has no power.
    """

    def __init__(
        self,
        memories: tuple[bytes, bytes],
        dialler: Dialler,
        *,
        reactor: SimulatedClock,
        clock: WallClock,
        entropy: Entropy,
    ) -> None:
        """Switch a machine on.

        Args:
            memories: What PSD memory and flash hold.
            dialler: Where it dials.
            reactor: Virtual time.
            clock: The true time of day.
            entropy: Draws the keys of its next lives.
        """
        self.machine: Machine | None = None
        self._nvram = MemoryNvram(memories[0])
        self._flash = MemoryNvram(memories[1])
        self._battery = DriftingWallClock(clock, 0.0, BEGAN)
        self._scale = SimulatedScale()
        self._cord = Cord(dialler)
        self._reactor = reactor
        self._clock = clock
        self._entropy = entropy
        self._dialling: Deferred[DialInReport] | None = None
        self._switch_on()

    @property
    def provisioning(self) -> MachineProvisioning:
        """What its maker would sign of it now; if it does not balance, as it was."""
        psd = self._running.psd
        try:
            return psd.provisioning(self._clock.now())
        except LocalProtocolError:
            return provisioning_of(psd.credential, self._clock.now())

    @property
    def _running(self) -> Machine:
        if self.machine is None:
            raise UnitOffError("the machine does not run")
        return self.machine

    def _switch_on(self) -> None:
        parts = Parts(
            self._nvram,
            self._flash,
            self._battery,
            self._scale,
            _NoPaper(),
            MachineChannel,
        )
        machine = Machine(parts)
        machine.switch_on()
        self.machine = machine if machine.is_on else None

    async def dial(self, asked: Asked) -> None:
        """Dial in, once the last dial-in is over; it is not tried again any more.

        Raises:
            OperatorError: The machine refuses to ask for that.
        """
        for _ in range(_LOOKS_MAX):
            if not self._running.psd.dialling:
                break
            await self._wait(_LOOK_S)
        machine = self._running
        self._give_up()
        plan = machine.calls.plan(asked.request, Paise(asked.amount_paise))
        if not isinstance(plan, DialPlan):
            raise UnitRefusedError(f"the machine refuses to ask for that: {plan}")
        self._dial(machine, plan, ATTEMPTS_MAX if asked.repeatedly else 1)

    def _dial(self, machine: Machine, plan: DialPlan, attempts: int) -> None:
        self._dialling = dial_repeatedly(
            machine.psd, plan.request, self._cord, self._reactor, attempts=attempts
        )
        self._dialling.addCallback(lambda report: self._dialled(machine, report))
        self._dialling.addErrback(self._stopped)

    def _dialled(self, machine: Machine, report: DialInReport) -> None:
        """Note how it ended, and when the machine is to dial by itself."""
        machine.calls.done(report)
        wait_s = machine.record.next_call - self._clock.now()
        if 0 < wait_s <= _SOON_S:
            self._reactor.callLater(wait_s, self._dial_if_due, machine)

    def _dial_if_due(self, machine: Machine) -> None:
        if machine is not self.machine or machine.psd.dialling:
            return
        plan = machine.calls.plan(RequestKind.INSPECTION)
        if machine.calls.due and isinstance(plan, DialPlan):
            self._dial(machine, plan, 1)

    def _give_up(self) -> None:
        """Dial no more."""
        dialling, self._dialling = self._dialling, None
        if dialling is not None:
            dialling.cancel()

    def _stopped(self, failure: Failure) -> None:
        """The machine has stopped itself; the next question finds it off."""
        if not isinstance(failure.value, CancelledError):
            self.machine = None

    async def frank(self, paise: int, product_class: int) -> None:
        """Frank one item.

        Raises:
            OperatorError: The machine refuses.
        """
        del paise  # The tariff says what an item costs.
        machine = self._running
        self._scale.put(_GRAMS)
        refusal = machine.franking.choose_class(product_class)
        franked = refusal or machine.franking.frank(confirmed=True)
        if not isinstance(franked, Printed):
            raise UnitRefusedError(f"the machine does not frank: {franked}")

    async def power(self, what: str) -> None:
        """Take the power away, or give it back."""
        if what != "on":
            if what == "off":
                self._running.switch_off()
            self._cord.pull()
            self._give_up()
            self.machine = None
            return
        await self._wait(_STARTS_S)
        self._switch_on()

    def _wait(self, seconds: float) -> "Deferred[None]":
        waited: Deferred[None] = Deferred()
        self._reactor.callLater(seconds, waited.callback, None)
        return waited

    async def do(self, what: Sequence[str], licence: str) -> None:
        """Do an errand at the machine.

        Raises:
            OperatorError: It is none that a person does there.
        """
        del licence
        if what[0] != "days":
            raise OperatorError(f"not done at a machine: {' '.join(what)}")
        ahead = timedelta(days=int(what[1]))
        self._battery.set(self._battery.utc() + ahead)

    async def new_life(self) -> MachineProvisioning:
        """Begin a new life under another licence.

        Raises:
            OperatorError: The machine refuses.
        """
        machine = self._running
        generation = machine.psd.credential.generation + 1
        licence = LicenceIdentifier(_LICENCE.format(generation))
        try:
            machine.psd.reinitialise(licence, self._entropy)
        except LocalProtocolError as error:
            raise UnitRefusedError(str(error)) from error
        return self.provisioning

    async def memory_octets(self) -> int | None:
        """Say what the process holds that it shares with the bench."""
        return own_memory_octets()

    async def is_alive(self) -> bool:
        """Say whether it is on."""
        return self.machine is not None and self.machine.is_on


class _NoPaper:
    """A printer whose franks nobody looks at."""

    def put(self, face: FrankFace) -> None:
        """Print it."""
        del face
