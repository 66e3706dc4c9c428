"""What happens around the machine of a scenario, and at the server."""

from functools import singledispatchmethod
from typing import Any

from fm_device.psd.records import NO_TIME
from fm_device.scenarios.steps import (
    TURN,
    ApplyPreset,
    ChangeLicence,
    CopyImage,
    CutPower,
    Damage,
    Deposit,
    FailMemory,
    FailPrint,
    GiveOrder,
    Install,
    LoseClock,
    Power,
    Reinitialise,
    RestoreImage,
    Sense,
    Tamper,
    UseScale,
)
from hw.clock import utc_instant
from hw.scales.port import ScaleFault
from protocol.errors import LocalProtocolError
from protocol.messages import LicenceState, OrderKind
from protocol.values import LicenceIdentifier
from rmfs_tools.scenario_contents import made_content
from rmfs_tools.scenario_damage import damage
from rmfs_tools.scenario_findings import ScenarioPlayError
from rmfs_tools.scenario_world import World


class Happenings:
    """Lets things happen in one scenario's world.

    Attributes:
        turn: Of a repetition, from 1.
    """

    def __init__(self, world: World) -> None:
        """Know the world."""
        self.turn = 1
        self._world = world
        self._images: dict[str, tuple[bytes, bytes]] = {}

    @singledispatchmethod
    def do(self, action: Any) -> None:
        """Do what a step says.

        Raises:
            ScenarioPlayError: It cannot be done at this point.
            RmfsError: It fails.
            PowerCutError: The power is cut while it is done.
        """
        raise LocalProtocolError(f"nobody plays {type(action).__name__}")

    @do.register
    def _(self, action: Sense) -> None:
        self._world.machine.sense(**action.changes)

    @do.register
    def _(self, action: UseScale) -> None:
        scale = self._world.scale
        if action.mend:
            scale.mend()
        if action.fault:
            scale.fail(ScaleFault[action.fault.upper().replace("-", "_")])
        if action.put_g is not None:
            scale.put(action.put_g)
        if action.shake:
            scale.shake(action.shake)
        if action.weigh and self._world.machine.is_on:
            self._world.machine.franking.weigh()

    @do.register
    def _(self, action: Power) -> None:
        if action.way == "on":
            self._world.power_on()
        elif action.way == "off":
            self._world.machine.switch_off()
        else:
            self._world.power_cycle()

    @do.register
    def _(self, action: CutPower) -> None:
        write = self.turn if action.write == TURN else action.write
        if action.during == "print":
            self._world.printer.cut = True
            return
        memory = {"nvram": self._world.nvram, "flash": self._world.flash}
        memory[action.during].cut_at(write, action.torn_octets)

    @do.register
    def _(self, _action: FailPrint) -> None:
        self._world.printer.failing = True

    @do.register
    def _(self, _action: LoseClock) -> None:
        self._world.battery.set(utc_instant(NO_TIME))
        self._world.machine.look()

    @do.register
    def _(self, _action: Tamper) -> None:
        self._world.machine.desk.tampered()

    @do.register
    def _(self, action: CopyImage) -> None:
        self._images[action.name] = (
            self._world.nvram.chip.image(),
            self._world.flash.chip.image(),
        )

    @do.register
    def _(self, action: RestoreImage) -> None:
        self._must_be_off()
        if action.name not in self._images:
            message = f"no image was copied as {action.name!r}: copy-image comes first"
            raise ScenarioPlayError(message)
        self._world.put_images(*self._images[action.name])

    @do.register
    def _(self, action: ApplyPreset) -> None:
        self._must_be_off()
        self._world.apply_preset(action.name)

    @do.register
    def _(self, action: FailMemory) -> None:
        self._world.flash.fail(action.how)

    @do.register
    def _(self, action: Damage) -> None:
        self._must_be_off()
        damage(self._world, action)

    def _must_be_off(self) -> None:
        if self._world.machine.is_on:
            raise ScenarioPlayError("the machine is on: switch it off before")

    # The server.

    @do.register
    def _(self, action: GiveOrder) -> None:
        world = self._world
        if action.content is None:
            kind = OrderKind[action.kind.upper().replace("-", "_")]
            world.server.administration.order(
                world.licence, kind, action.value or 0, world.server.by()
            )
        else:
            content = made_content(world, action.kind, **action.content)
            world.server.order_content(world.licence, content)

    @do.register
    def _(self, action: ChangeLicence) -> None:
        state = action.state
        server = self._world.server
        server.administration.set_licence(
            self._world.licence,
            server.by(),
            state=None if state is None else LicenceState[state.upper()],
            expires_on=action.expires_on,
            refund_allowed=action.refund_allowed,
        )

    @do.register
    def _(self, action: Deposit) -> None:
        self._world.server.deposit(self._world.licence, action.amount_paise)

    @do.register
    def _(self, action: Install) -> None:
        self._world.install(action.pin_code)
        self._world.machine.look()

    @do.register
    def _(self, action: Reinitialise) -> None:
        world = self._world
        licence = LicenceIdentifier(action.licence)
        world.machine.psd.reinitialise(licence, world.entropy(f"life {licence}"))
        world.machine.desk.begin_life()
        world.licence = licence
        world.enrol()
