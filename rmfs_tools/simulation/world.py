"""A world: machines, lines, a server, a Department and people in simulated time.

Everything that decides about money is the product's own: firmware, PSD, link, dialogue,
books, ledger, on a real SQLite file. Simulated are time, the telephone network, the
supply of power, the life of processes, the people and the Department.

A world does nothing by itself: `acting` does to it what a plan says, `calm` lets it
come to rest. It tells every observation to the history and to the oracle.
"""

from collections import Counter
from collections.abc import Callable
from typing import Final

from hw.entropy import SeededEntropy
from hw.lines.port import LineUser
from hw.nvram import PowerCutError
from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.keys import MachineIdentity, ServerCredential
from protocol.messages import MessageType
from protocol.values import LicenceIdentifier
from rmfs_server.store.acts import By
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.books_view import BooksView
from rmfs_tools.simulation.channels import Channels
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock
from rmfs_tools.simulation.deeds import Plan
from rmfs_tools.simulation.department import Department
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.history import History
from rmfs_tools.simulation.observations import (
    Heard,
    Observation,
    Said,
)
from rmfs_tools.simulation.oracle import Oracle
from rmfs_tools.simulation.server_life import Desk, ServerLife
from rmfs_tools.simulation.setting import IDENTITY, setting
from rmfs_tools.simulation.taps import MachineTap, ServerTap
from rmfs_tools.simulation.telephone import CallRecord, Telephone
from rmfs_tools.simulation.violations import Violation

_STEPS_MAX: Final = 5_000_000
"""Timers of a world; an ordinary dial-in takes 60."""
_CT_BEFORE: Final = slice(29, 37)
"""Where a VOUCHER names CT before it (SPEC.md DLG-5)."""
_DRIFT_PPM: Final = 20.0
_DIRECTION_BIT_COUNTERS: Final = ("bit_errors", "bursts")


class WorldError(RuntimeError):
    """The simulation itself stands still or never ends."""


class World:
    """Everything there is, and its time.

    Attributes:
        plan: What will happen.
        reactor: Simulated time.
        clock: Simulated time of day, the true one.
        dice: Choices of this world that no deed names.
        telephone: The lines.
        server: The server's life.
        department: Who brings fund files.
        bodies: The machines by name; clones join them.
        backup: The database as somebody kept it, or None.
        frozen: Licences whose account is frozen.
        restored: Whether an old database was put back.
        counts: What really happened, by its name: the "sometimes" counters.
        violations: What was found, in order.
    """

    def __init__(
        self, plan: Plan, desk: Desk, channels: Channels, history: History
    ) -> None:
        """Make a world in which nothing has happened.

        Args:
            plan: Says how many machines there are, and the seed.
            desk: Where the database is; what was there is gone.
            channels: The channels of all dial-ins.
            history: Takes everything that is observed.
        """
        beginning = setting(plan.machines)
        self.plan = plan
        self.desk = desk
        self.reactor = SimulatedClock()
        self.clock = WorldClock(self.reactor)
        self.dice = Dice(plan.seed, "world")
        self.history = history
        self.counts: Counter[str] = Counter()
        self.violations: list[Violation] = []
        self.backup: bytes | None = None
        self.frozen: set[str] = set()
        self.restored = False
        self._oracle = Oracle()
        self._channels = channels
        self._steps = 0
        self._vouchers: dict[str, list[bytes]] = {}
        self._down_s = 0.0
        desk.put(beginning.books)
        desk.troubles.struck = {}
        self._view = BooksView(desk.path)
        desk.hook.on_commit = self._committed
        desk.troubles.on_unknown = lambda: self._committed("a COMMIT in doubt")
        self.telephone = Telephone(
            self.reactor, plan.seed, self._answer, self._call_over
        )
        self.department = Department(
            self.clock,
            self.reactor.seconds,
            self.tell,
            lambda name: self.bodies[name].papers,
        )
        self.server = ServerLife(
            desk,
            reactor=self.reactor,
            clock=self.clock,
            entropy=SeededEntropy(b"marks of seed %d" % plan.seed),
            make_channel=self._server_channel,
            on_death=self._server_died,
        )
        self.bodies: dict[str, Body] = {}
        self.tell(self._view.restored(0.0))
        self.server.start()
        for machine, memories in enumerate(beginning.memories, start=1):
            body = self.add_body(str(machine), 1, memories)
            body.switch_on()

    def close(self) -> None:
        """End everything; the database file stays as it is."""
        self.desk.hook.on_commit = _nobody_looks
        self.desk.troubles.on_unknown = lambda: _nobody_looks("")
        self.desk.hook.arm(None)
        self.desk.troubles.end()
        # While somebody reads the file, SQLite does not copy its log into it.
        self.desk.store.close()
        self._view.close()

    # Time.

    def seconds(self) -> float:
        """Say how long the world has lasted."""
        return self.reactor.seconds()

    def pass_until(self, until_s: float) -> None:
        """Let everything happen that is due until then."""
        while self.reactor.step(until_s):
            self._count_step()
        self.reactor.pass_until(until_s)

    def pass_while(self, waits: Callable[[], bool], until_s: float) -> None:
        """Let things happen for as long as somebody waits, and no longer than that."""
        while waits():
            if not self.reactor.step(until_s):
                self.reactor.pass_until(until_s)
                return
            self._count_step()

    def _count_step(self) -> None:
        self._steps += 1
        if self._steps > _STEPS_MAX:
            raise WorldError(f"simulated time goes on for ever at {self.seconds()} s")

    # What is seen.

    def tell(self, observation: Observation) -> None:
        """Tell what was observed to the history and the oracle."""
        self.history.see(observation)
        self.violations += self._oracle.see(observation)

    def end(self) -> None:
        """Tell the oracle that nothing more will happen."""
        waiting = self._view.waiting()
        self.violations += self._oracle.end(waiting)

    def find(self, property_id: str, what: str) -> None:
        """Note that a property was seen broken."""
        self.violations.append(Violation(self.seconds(), property_id, what))

    def counted(self) -> dict[str, int]:
        """Give all counters, those of the oracle too."""
        found = self.counts + Counter(self.telephone.befell)
        struck = {
            f"database {kind}": count
            for kind, count in self.desk.troubles.struck.items()
        }
        found.update(struck)
        found.update(self._oracle.reached())
        found["older call dropped by the server"] = self.server.superseded
        return dict(sorted(found.items()))

    def by(self, reason: str) -> By:
        """Say that a person of this world acts now."""
        return By("person", reason, self.clock.now())

    # Machines.

    def add_body(self, name: str, life: int, memories: tuple[bytes, bytes]) -> Body:
        """Put a machine on a desk, without power."""
        dice = self.dice.of("body", name)
        body = Body(
            name,
            life,
            memories,
            clock=self.clock,
            ppm=dice.spread(-_DRIFT_PPM, _DRIFT_PPM),
            channel=lambda identity, server: self._machine_channel(
                name, identity, server
            ),
            seconds=self.reactor.seconds,
            tell=self.tell,
        )
        self.bodies[name] = body
        return body

    def powered(self, name: str) -> Body | None:
        """Give the machine of this name, if it has power."""
        body = self.bodies.get(name)
        return body if body is not None and body.machine is not None else None

    def ready(self, name: str) -> Body | None:
        """Give the machine of this name, if it has power and is in no dial-in."""
        body = self.powered(name)
        return body if body is not None and not body.dial_in else None

    def _machine_channel(
        self, name: str, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        call = self._current()
        body = self.bodies[name]
        machine = body.machine
        licence = str(identity.credential.licence_identifier)

        def check_power() -> None:
            # An answer may come late, when the machine that waited for it is off.
            if machine is None or body.machine is not machine:
                raise PowerCutError("the power is off")

        def said(octets: bytes) -> None:
            check_power()
            body.look()
            now = self.seconds()
            self.tell(
                Said(now, name, licence, call.number, by_machine=True, octets=octets)
            )

        def heard(octets: bytes) -> None:
            check_power()
            now = self.seconds()
            self.tell(
                Heard(now, name, licence, call.number, by_machine=True, octets=octets)
            )

        channel = self._channels.machine(identity, server, self._seed(call, "machine"))
        return MachineTap(channel, said, heard)

    # The server.

    def kill_server(self, down_s: float) -> None:
        """Kill the server now, between two things that it does."""
        self.server_stays_down(down_s)
        if self.server.exchange is not None:
            self.server.die("between two commits")

    def server_stays_down(self, down_s: float) -> None:
        """Say how long it will be down, if it dies."""
        self._down_s = down_s

    def restore(self, backup: bytes) -> None:
        """Put an old database back."""
        self._view.close()
        self.server_stays_down(0.0)
        self.restored = True
        self.server.restore(backup)
        self.tell(self._view.restored(self.seconds()))
        self.frozen = set()

    def _server_died(self, where: str) -> None:
        self.counts[f"server killed {where}"] += 1
        self._view.reopen()
        self.telephone.cut_all()
        self.reactor.callLater(self._down_s, self._server_begins)

    def _server_begins(self) -> None:
        if self.server.exchange is None:
            self.server.start()

    def _answer(self, caller: str) -> LineUser | None:
        exchange = self.server.exchange
        return None if exchange is None else exchange.answer(caller)

    def _server_channel(self) -> ServerChannelPort:
        call = self._current()
        proved = ""

        def prove(licence: LicenceIdentifier) -> None:
            nonlocal proved
            proved = str(licence)

        def said(octets: bytes) -> bytes:
            now = self.seconds()
            self.tell(
                Said(
                    now, call.body, proved, call.number, by_machine=False, octets=octets
                )
            )
            return self._meant_or_not(call, octets)

        def heard(octets: bytes) -> None:
            now = self.seconds()
            self.tell(
                Heard(
                    now, call.body, proved, call.number, by_machine=False, octets=octets
                )
            )

        channel = self._channels.server(IDENTITY, self._seed(call, "server"))
        return ServerTap(channel, prove, said, heard)

    def _meant_or_not(self, call: CallRecord, octets: bytes) -> bytes:
        """Give the voucher that was meant, or put another one before the PSD."""
        if octets[0] != MessageType.VOUCHER:
            return octets
        known = self._vouchers.setdefault(call.body, [])
        if octets not in known:
            known.append(octets)
        others: list[bytes] = []
        if call.trouble.answer == "old":
            others = [one for one in known if one != octets]
        elif call.trouble.answer == "other":
            others = [
                one
                for other, vouchers in self._vouchers.items()
                if other != call.body
                for one in vouchers
            ]
        if not others:
            return octets
        # One that follows on the same CT is what a careless PSD would take.
        before = [one for one in others if one[_CT_BEFORE] == octets[_CT_BEFORE]]
        others = before or others
        self.counts[f"{call.trouble.answer} voucher put before a PSD"] += 1
        return self.dice.of("voucher", call.number).one_of(others)

    def _committed(self, what: str) -> None:
        committed = self._view.committed(self.seconds(), what)
        for row in committed.machines:
            (self.frozen.add if row.frozen else self.frozen.discard)(row.licence)
        self.tell(committed)

    # Calls.

    def _current(self) -> CallRecord:
        call = self.telephone.current
        if call is None:
            raise WorldError("a channel was begun outside of any call")
        return call

    def _seed(self, call: CallRecord, end: str) -> bytes:
        call.dialogues += 1
        return f"{self.plan.seed} {call.number} {call.dialogues} {end}".encode()

    def _call_over(self, call: CallRecord) -> None:
        line = call.line
        if line is None:
            return
        for way in (line.up, line.down):
            for name in _DIRECTION_BIT_COUNTERS:
                if getattr(way, name):
                    self.counts[name.replace("_", " ")] += getattr(way, name)


def _nobody_looks(_what: str) -> None:
    """The world is over."""
