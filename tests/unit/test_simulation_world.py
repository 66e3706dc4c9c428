"""What a world is told of its books and machines is what they hold."""

from pathlib import Path

import pytest

from hw.clock import MemoryWallClock
from hw.nvram import PowerCutError
from protocol.channel import MachineChannelPort
from protocol.dialogue.machine import Request
from protocol.keys import MachineIdentity, ServerCredential
from protocol.registers import RequestKind
from protocol.values import Paise
from rmfs_tools.simulation.acting import Acting
from rmfs_tools.simulation.body import Body
from rmfs_tools.simulation.books_view import BooksView
from rmfs_tools.simulation.calm import come_to_rest
from rmfs_tools.simulation.channels import DoubleChannels
from rmfs_tools.simulation.clock import SimulatedClock, TimeStandsStillError
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.history import History
from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.observations import (
    BooksCommitted,
    BooksRestored,
    Journal,
    MachineRow,
    MachineStored,
    Observation,
    Recharge,
)
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.server_life import Desk
from rmfs_tools.simulation.setting import BEGAN, BOOKS, setting
from rmfs_tools.simulation.supply import Strike
from rmfs_tools.simulation.world import World


class Books(History):
    """A history that adds up what it is told, and compares it with all there is."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.compared = 0
        self.restored = -1
        self.journals: list[Journal] = []
        self.recharges: dict[bytes, Recharge] = {}
        self.machines: dict[str, MachineRow] = {}

    def see(self, observation: Observation) -> None:
        super().see(observation)
        if isinstance(observation, BooksRestored):
            self.restored += 1
            self.journals = []
            self.recharges = {}
            self.machines = {}
        if isinstance(observation, (BooksRestored, BooksCommitted)):
            self.journals += observation.journals
            self.recharges |= {one.voucher: one for one in observation.recharges}
            self.machines |= {one.licence: one for one in observation.machines}
            self.compare()

    def compare(self) -> None:
        view = BooksView(self.path)
        there_is = view.restored(0.0)
        view.close()
        assert tuple(self.journals) == there_is.journals
        assert len(self.recharges) == len(there_is.recharges)
        assert set(self.recharges.values()) == set(there_is.recharges)
        assert set(self.machines.values()) == set(there_is.machines)
        self.compared += 1


@pytest.mark.parametrize(
    ("profile", "seed"),
    [("people", 4), ("server", 2), ("backups", 2), ("cheats", 1), ("line", 1)],
)
def test_what_a_world_is_told_of_its_books_adds_up_to_them(
    profile: str, seed: int, tmp_path: Path
) -> None:
    books = Books(tmp_path / BOOKS)
    plan = make_plan(seed, machines=4, days=1, profile=profile)
    with simulator():
        desk = Desk(tmp_path)
        world = World(plan, desk, DoubleChannels(), books)
        acting = Acting(world)
        for deed in plan.deeds:
            world.pass_until(deed.at_s)
            acting.act(deed)
        come_to_rest(world, acting)
        world.close()
        desk.close()
    assert world.violations == []
    assert books.compared > 15
    assert books.restored == (profile == "backups")


class Bench:
    """One machine of a world on a desk, and what was seen of it."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []
        clock = MemoryWallClock(BEGAN)
        memories = setting(1).memories[0]
        self.body = Body(
            "1",
            1,
            memories,
            clock=clock,
            ppm=0.0,
            channel=double,
            seconds=lambda: 5.0,
            tell=self.seen.append,
        )

    def stored(self) -> list[MachineStored]:
        return [one for one in self.seen if isinstance(one, MachineStored)]


def double(identity: MachineIdentity, server: ServerCredential) -> MachineChannelPort:
    return DoubleChannels().machine(identity, server, b"seed")


def strike(at_write: int, part: int = 0) -> Strike:
    return Strike(at_write, part, "garbage", Dice(1))


def writes_of_a_start() -> int:
    """Count the writes of a machine that starts after the power failed at one."""
    for at_write in range(1, 100):
        bench = Bench()
        bench.body.strike(strike(at_write))
        if bench.body.switch_on():
            return at_write - 1
    return 100


def test_a_strike_while_it_is_off_strikes_while_it_starts() -> None:
    writes = writes_of_a_start()
    assert 0 < writes < 100
    for at_write in range(1, writes + 1):
        for part in (0, 500, 1_000):
            bench = Bench()
            bench.body.strike(strike(at_write, part))
            assert bench.seen == [], "nothing is struck before it has power"
            assert not bench.body.switch_on()
            assert bench.body.has_failed
            assert bench.body.machine is None
            assert bench.stored() == []
            assert bench.body.switch_on(), "it is struck once"
            assert [one.powered_on for one in bench.stored()] == [True]


def test_a_strike_while_it_is_on_strikes_at_a_write_from_then() -> None:
    bench = Bench()
    assert bench.body.switch_on()
    bench.body.strike(strike(1))
    assert not bench.body.has_failed
    machine = bench.body.machine
    assert machine is not None
    with pytest.raises(PowerCutError):
        machine.psd.dial(Request(RequestKind.RECHARGE, Paise(100)))
    assert bench.body.has_failed


def test_time_that_stands_still_is_told_and_does_not_go_on_for_ever() -> None:
    clock = SimulatedClock()

    def again() -> None:
        clock.callLater(0, again)

    clock.callLater(1, again)
    clock.pass_until(0.5)
    with pytest.raises(TimeStandsStillError, match=r"stands still at 1\.0 s"):
        clock.pass_until(1.0)
