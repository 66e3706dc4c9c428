"""Doing to a world what its plan says, one deed at a time.

A deed that cannot be done, such as dialling with a machine that has no power, is not
done: that is counted, and is no fault of the plan.
"""

from collections.abc import Callable
from functools import partial, singledispatchmethod
from typing import Any, Final

from twisted.python.failure import Failure

from fm_device.dial_in import DialInReport
from fm_device.firmware.dialling import DialPlan
from fm_device.firmware.machine import Machine
from fm_device.presets.applying import apply_preset
from fm_device.presets.reading import read_preset
from fm_device.program import dial_repeatedly
from hw.entropy import SeededEntropy
from hw.lines.port import Call, LineUser
from hw.nvram import MemoryNvram, PowerCutError
from protocol.dialogue.machine import Request
from protocol.errors import LocalProtocolError, RmfsError
from protocol.messages import LicenceState, OrderKind
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.resolving import Action
from rmfs_server.suspense import Explaining
from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.deeds import Deed, LineTrouble
from rmfs_tools.simulation.lives import Lives
from rmfs_tools.simulation.observations import (
    Cheated,
    DialInEnded,
    LicenceStated,
    PersonResolved,
    Wished,
)
from rmfs_tools.simulation.supply import Strike
from rmfs_tools.simulation.telephone import NO_TROUBLE
from rmfs_tools.simulation.world import World

_BOOT_AGAIN_S: Final = 5.0

OnReport = Callable[[DialInReport | None], None]


class Acting:
    """Does deeds to one world."""

    def __init__(self, world: World) -> None:
        """Act on this world."""
        self._world = world
        self._off_s: dict[str, float] = {}
        self._lives = Lives(world, self._person, self._decide)

    def act(self, deed: Deed) -> None:
        """Do one deed, now."""
        self._world.history.note(self._world.seconds(), str(deed))
        self._do(deed)

    @singledispatchmethod
    def _do(self, deed: Deed) -> None:
        raise NotImplementedError(type(deed).__name__)

    # Operators of machines.

    @_do.register
    def _(self, deed: deeds.Mail) -> None:
        body = self._ready(deed.body)
        if body is None:
            return
        try:
            self._count("franks", body.frank(deed.items))
        except PowerCutError:
            self.power_lost(body)

    @_do.register
    def _(self, deed: deeds.DialIn) -> None:
        body = self._ready(deed.body)
        if body is not None:
            self.dial(body, deed, _forget)

    def dial(self, body: Body, deed: deeds.DialIn, on_report: OnReport) -> None:
        """Dial in with a machine that has power; `on_report` once it is over.

        The report is None when nothing was dialled, or the power failed.
        """
        machine = body.machine
        if machine is None or body.dial_in:
            on_report(None)
            return
        kind = RequestKind[deed.kind]
        plan = machine.calls.plan(kind, Paise(deed.amount_paise))
        if not isinstance(plan, DialPlan):
            self._count(f"{deed.kind} refused by the machine")
            on_report(None)
            return
        pending = machine.record.pending
        if pending is None:
            self._wish(body, plan.request)
        elif pending.amount_paise != deed.amount_paise:
            self._count("another amount asked for while one is pending")
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
        self._count(f"dial-in {report.outcome.name}")
        machine.calls.done(report)
        on_report(report)

    def _failed(
        self, failure: Failure, body: Body, machine: Machine, on_report: OnReport
    ) -> None:
        if not isinstance(failure.value, PowerCutError):
            what = f"machine {body.name} was stopped: {failure.getErrorMessage()}"
            self._world.find("SOUND-2", what)
        if body.machine is machine:
            self.power_lost(body)
        on_report(None)

    # Power, memories, clocks.

    @_do.register
    def _(self, deed: deeds.PowerFails) -> None:
        body = self._world.bodies.get(deed.body)
        if body is None:
            return
        dice = self._world.dice.of("strike", deed.at_s, deed.body)
        self._off_s[deed.body] = deed.off_s
        body.strike(Strike(deed.at_write, deed.part, deed.torn, dice))

    @_do.register
    def _(self, deed: deeds.PlugPulled) -> None:
        body = self._on(deed.body)
        if body is None:
            return
        self._count("plug pulled in a dial-in" if body.dial_in else "plug pulled")
        self._off_s[deed.body] = deed.off_s
        self.power_lost(body)

    def power_lost(self, body: Body) -> None:
        """Let a machine be without power for a while."""
        if body.has_failed:
            self._count("power failed at a write")
        body.lose_power()
        self._world.telephone.cut_of(body.name)
        off_s = self._off_s.pop(body.name, _BOOT_AGAIN_S)
        self._world.reactor.callLater(off_s, self.switch_on, body)

    def switch_on(self, body: Body) -> None:
        """Give a machine power again, until it has started."""
        world = self._world
        if body.machine is not None or body.beyond_repair:
            return
        if body.switch_on():
            return
        if body.beyond_repair:
            world.find("DURABLE-1", f"machine {body.name}: {body.beyond_repair}")
            return
        self._count("power failed while starting")
        world.reactor.callLater(_BOOT_AGAIN_S, self.switch_on, body)

    @_do.register
    def _(self, deed: deeds.ClockJumps) -> None:
        body = self._world.bodies.get(deed.body)
        if body is not None:
            self._count("clock jumped")
            body.jump(deed.by_s)

    @_do.register
    def _(self, deed: deeds.ImageKept) -> None:
        body = self._world.bodies.get(deed.body)
        if body is not None:
            body.keep_image()

    @_do.register
    def _(self, deed: deeds.ImageRestored) -> None:
        body = self._on(deed.body)
        if body is None or body.image is None:
            return
        image = body.image
        if image.memories == body.memories:
            return
        body.lose_power()
        self._world.telephone.cut_of(body.name)
        body.put_back(image)
        self._suspect(body, "image restored")
        self.switch_on(body)

    @_do.register
    def _(self, deed: deeds.Cloned) -> None:
        body = self._world.bodies.get(deed.body)
        if body is None or deed.clone in self._world.bodies:
            return
        self._suspect(body, "clone")
        clone = self._world.add_body(deed.clone, body.life, body.memories)
        clone.is_suspect = True
        self.switch_on(clone)

    @_do.register
    def _(self, deed: deeds.RegistersForged) -> None:
        body = self._on(deed.body)
        if body is None or body.machine is None or body.dial_in:
            return
        wanted = body.machine.record.registers.descending_paise + deed.by_paise
        if wanted < 0:
            return
        self._suspect(body, "forged")
        body.lose_power()
        psd, flash = body.memories
        memory = MemoryNvram(psd)
        preset = read_preset(
            f'title = "forged"\n[registers]\ndescending_paise = {wanted}\n'.encode()
        )
        apply_preset(memory, preset, body.battery.now())
        body.replace_memories((memory.image(), flash))
        self.switch_on(body)

    def _suspect(self, body: Body, how: str) -> None:
        self._count(how)
        body.is_suspect = True
        for other in self._world.bodies.values():
            if other.licence == body.licence:
                other.is_suspect = True
        now = self._world.seconds()
        self._world.tell(Cheated(now, body.name, body.licence, how))

    @_do.register
    def _(self, deed: deeds.NewLife) -> None:
        body = self._ready(deed.body)
        if body is None or body.machine is None or not body.is_enrolled:
            return
        licence = body.next_licence
        entropy = SeededEntropy(f"{self._world.plan.seed} life {licence}".encode())
        try:
            body.machine.psd.reinitialise(licence, entropy)
        except LocalProtocolError:
            self._count("a new life refused by the machine")
            return
        except PowerCutError:
            self.power_lost(body)
            return
        body.begin_life()
        body.look()
        self._count("new life begun")
        self.enrol_again(body)

    def enrol_again(self, body: Body) -> None:
        """Enrol the new life of a machine, if the server does not know it yet."""
        self._lives.enrol(body)

    # The telephone network.

    @_do.register
    def _(self, deed: deeds.RecordingReplayed) -> None:
        self._world.telephone.replay(deed.body, self._world.server.generation)

    # The server and its database.

    @_do.register
    def _(self, deed: deeds.ServerDies) -> None:
        world = self._world
        if world.server.exchange is None:
            return
        world.server_stays_down(deed.down_s)
        if deed.at_commit:
            world.server.kill_at(deed)
        else:
            world.kill_server(deed.down_s)

    @_do.register
    def _(self, deed: deeds.DatabaseTrouble) -> None:
        world = self._world
        world.desk.troubles.begin(deed)
        world.reactor.callLater(deed.for_s, world.desk.troubles.end)

    @_do.register
    def _(self, deed: deeds.BackupMade) -> None:
        if self._world.server.exchange is not None:
            self._world.backup = self._world.desk.backup()
            self._lives.backed_up()

    @_do.register
    def _(self, deed: deeds.BackupRestored) -> None:
        world = self._world
        if world.backup is None:
            return
        world.desk.troubles.end()
        world.restore(world.backup)
        self._lives.put_back()
        world.department.bring_all(world.server.store, again=True)

    # The Department, the authority, people at the server.

    @_do.register
    def _(self, deed: deeds.FundFileCame) -> None:
        world = self._world
        self._person(lambda: world.department.bring(deed, world.server.store))

    @_do.register
    def _(self, deed: deeds.VoidGiven) -> None:
        body, world = self._world.bodies[deed.body], self._world
        by = world.by("taken back")
        if self._person(lambda: world.server.administration.void(body.licence, by)):
            self._count("VOID given")

    @_do.register
    def _(self, deed: deeds.LicenceSet) -> None:
        body, world = self._world.bodies[deed.body], self._world
        by, state = world.by("by the authority"), LicenceState[deed.state]
        administration = world.server.administration
        stored = self._person(
            lambda: administration.set_licence(body.licence, by, state=state)
        )
        if stored is not None:
            self._count(f"licence {deed.state}")
        known = "" if stored is None else deed.state
        world.tell(LicenceStated(world.seconds(), body.licence, known))

    @_do.register
    def _(self, deed: deeds.OrderGiven) -> None:
        body, world = self._world.bodies[deed.body], self._world
        by, order = world.by("ordered"), OrderKind[deed.order]
        administration = world.server.administration
        if self._person(
            lambda: administration.order(body.licence, order, deed.value, by)
        ):
            self._count(f"order {deed.order}")

    @_do.register
    def _(self, deed: deeds.PersonLooks) -> None:
        self.resolve_what_is_proposed()

    def resolve_what_is_proposed(self) -> None:
        """Let a person look at every freeze of an honest machine and act on it."""
        world = self._world
        suspects = {one.licence for one in world.bodies.values() if one.is_suspect}
        for licence in sorted(world.frozen - suspects):
            self._resolve(LicenceIdentifier(licence))

    def _resolve(self, licence: LicenceIdentifier) -> None:
        """Do what the evidence proposes, until nothing is frozen or proposed."""
        world = self._world
        by, resolving = world.by("as the evidence shows"), world.server.resolving
        tried: set[Action] = set()
        while licence in world.frozen:
            evidence = self._person(
                lambda: resolving.evidence(licence, by, old_copy=world.restored)
            )
            action = None if evidence is None else evidence.proposed
            if action is None or action in tried:
                self._count("no proposal for a freeze")
                return
            tried.add(action)
            resolve = partial(resolving.resolve, licence, action, by)
            if self._decide(licence, resolve, action.name):
                self._count(f"freeze ended by {action.name}")

    def explain_suspense(self) -> None:
        """Let a person explain what restored books have put into suspense."""
        world = self._world
        explaining = Explaining(world.server.store, world.server.resolving)
        found = self._person(explaining.unexplained) or ()
        for licence in dict.fromkeys(one.licence for one in found):
            by = world.by("its fund file came late")
            if self._person(partial(explaining.explain, licence, by)):
                self._count("suspense explained")

    # What all of them need.

    def _decide(
        self, licence: LicenceIdentifier, job: Callable[[], Any], action: str
    ) -> bool:
        """Let a person decide about a licence; whether that was told to be done.

        A server that is killed meanwhile may have done it, and told nobody.
        """
        world = self._world
        was_up = world.server.exchange is not None
        done = self._person(job) is not None
        if done or (was_up and world.server.exchange is None):
            world.tell(PersonResolved(world.seconds(), licence, action))
        return done

    def _person(self, job: Callable[[], Any]) -> Any:
        """Let a person do something; None when the product refused or failed."""
        try:
            return self._world.server.act(job)
        except RmfsError:
            self._count("a person was refused")
            return None

    def _on(self, name: str) -> Body | None:
        body = self._world.bodies.get(name)
        return body if body is not None and body.machine is not None else None

    def _ready(self, name: str) -> Body | None:
        body = self._on(name)
        return body if body is not None and not body.dial_in else None

    def _count(self, what: str, times: int = 1) -> None:
        self._world.counts[what] += times


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
        self._trouble = list(trouble)

    def dial(self, user: LineUser) -> Call:
        trouble = self._trouble.pop(0) if self._trouble else NO_TROUBLE
        world = self._world
        if self._body.machine is not self._machine:
            return world.telephone.silent(user)
        return world.telephone.dial(
            self._body.name, user, trouble, world.server.generation
        )


def _forget(_report: DialInReport | None) -> None:
    """Nobody waits for it."""
