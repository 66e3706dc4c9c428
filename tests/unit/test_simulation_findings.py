"""What a world itself sees broken, beside its oracles: docs/properties.md."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.errors import InvariantError, LocalProtocolError
from protocol.keys import MachineIdentity, ServerCredential, ServerIdentity
from rmfs_tools.simulation.acting import Acting
from rmfs_tools.simulation.calm import come_to_rest
from rmfs_tools.simulation.channels import Channels, DoubleChannels
from rmfs_tools.simulation.deeds import (
    Deed,
    DialIn,
    FundFileCame,
    Plan,
    RegistersForged,
)
from rmfs_tools.simulation.history import History
from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.run import Simulator
from rmfs_tools.simulation.server_life import Desk
from rmfs_tools.simulation.world import World

PAID = FundFileCame(60.0, 1, (("1", 1_000_000),))
ASKED = DialIn(600.0, "1", "RECHARGE", 200_000)


def plan_of(*deeds: Deed) -> Plan:
    return Plan(1, 1, 1, "none", deeds)


class ServerRaises(DoubleChannels):
    """Channels whose server has a bug that nothing of the product expects."""

    def server(self, identity: ServerIdentity, seed: bytes) -> ServerChannelPort:
        raise ZeroDivisionError("a bug of the server")


class MachineRaises(DoubleChannels):
    """Channels that the machine's own program uses as it must not."""

    def machine(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> MachineChannelPort:
        raise LocalProtocolError("a bug of the machine")


@dataclass(frozen=True)
class Stage:
    """A world in which one recharge has been made, and somebody who acts in it."""

    world: World
    acting: Acting
    books: Path

    def found(self) -> list[str]:
        return [one.property_id for one in self.world.violations]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with simulator(), closing(Desk(tmp_path)) as desk:
        world = World(plan_of(), desk, DoubleChannels(), History())
        acting = Acting(world)
        for deed in (PAID, ASKED):
            world.pass_until(deed.at_s)
            acting.act(deed)
        world.pass_until(700.0)
        assert world.counts["dial-in CONFIRMED"] == 1
        yield Stage(world, acting, desk.path)
        world.close()


def ids_of(channels: Channels, folder: Path) -> list[str]:
    with simulator(), closing(Simulator(folder, channels)) as one:
        result = one.run(plan_of(PAID, ASKED))
    assert "a bug" in str(result.violations[0])
    return [violation.property_id for violation in result.violations]


def test_an_ordinary_world_comes_to_rest_and_nothing_is_found(stage: Stage) -> None:
    come_to_rest(stage.world, stage.acting)
    assert stage.found() == []


def test_what_the_product_raises_unexpectedly_is_found(tmp_path: Path) -> None:
    assert ids_of(ServerRaises(), tmp_path) == ["SOUND-1"]


def test_a_machine_that_its_own_program_stops_is_found(tmp_path: Path) -> None:
    assert ids_of(MachineRaises(), tmp_path) == ["SOUND-2"]


def test_a_machine_that_cannot_be_switched_on_any_more_is_found(stage: Stage) -> None:
    body = stage.world.bodies["1"]
    psd, flash = body.memories
    body.lose_power()
    body.replace_memories((bytes(len(psd)), flash))
    stage.acting.powering.switch_on(body)
    assert stage.found() == ["DURABLE-1"]
    assert body.machine is None


def test_books_that_do_not_add_up_at_the_end_are_found(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.books)) as books:
        books.execute("DROP TRIGGER fund_credit_not_changed")
        books.execute("UPDATE fund_credit SET amount_paise = amount_paise + 100")
        books.commit()
    come_to_rest(stage.world, stage.acting)
    assert stage.found() == ["LEDGER-VERIFY"]


def refuse() -> None:
    raise InvariantError("the entries of a journal do not sum to 0")


def test_a_job_that_honest_books_refuse_is_found(stage: Stage) -> None:
    with pytest.raises(InvariantError):
        stage.world.server.run(refuse)
    come_to_rest(stage.world, stage.acting)
    assert stage.found() == ["BOOKS-REFUSED"]


def test_a_job_that_books_refuse_to_a_cheat_is_as_it_should_be(stage: Stage) -> None:
    stage.acting.act(RegistersForged(700.0, "1", 10_000))
    with pytest.raises(InvariantError):
        stage.world.server.run(refuse)
    come_to_rest(stage.world, stage.acting)
    assert stage.found() == []
