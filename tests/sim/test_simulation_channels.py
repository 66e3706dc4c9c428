"""The same worlds on three channels: the double, the tests' EDHOC peer, the real one.

The octets of a channel decide which octets a link has to escape, and so where a struck
bit or a cut at an octet falls, and what has happened at a given moment. Where faults
are given by counts, of writes, commits and deliveries, money is the same to the paisa
on all three; where they are given by octets and moments, each channel has a history of
its own, and no property is broken in any.
"""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.channels import Channels, DoubleChannels, RealChannels
from rmfs_tools.simulation.deeds import Deed, DialIn, LineTrouble, Plan
from rmfs_tools.simulation.many import simulator
from rmfs_tools.simulation.planning import make_plan
from rmfs_tools.simulation.run import RunResult, Simulator
from rmfs_tools.simulation.setting import BOOKS
from tests.witness.peer_channels import PeerChannels

MACHINES, DAYS = 2, 2
COUNTED = (11, 12, 13)
ANY = (21, 22)
STORES = re.compile(r"machine (\S+) \w+ (AR \d+ DR \d+ CT \d+ n \d+) ")
BALANCES = """
    SELECT account.name, sum(entry.amount_paise) FROM entry
    JOIN account ON account.id = entry.account GROUP BY account.name
"""


@dataclass(frozen=True)
class Money:
    """Where the money of a world is when it has come to rest.

    Attributes:
        machines: Registers and recharge number of each machine.
        balances: Of each account of the ledger, paise.
    """

    machines: dict[str, str]
    balances: dict[str, int]


def ran(plan: Plan, channels: Channels, folder: Path) -> tuple[RunResult, Money]:
    folder.mkdir()
    lines: list[str] = []
    with simulator():  # The server's log is kept quiet for as long as one is open.
        one = Simulator(folder, channels)
        result = one.run(plan, lines.append)
        with closing(sqlite3.connect(folder / BOOKS)) as books:
            balances = dict(books.execute(BALANCES).fetchall())
        one.close()
    machines = {found[1]: found[2] for found in map(STORES.search, lines) if found}
    assert len(machines) >= MACHINES
    return result, Money(machines, balances)


def by_counts(plan: Plan) -> Plan:
    """Leave out what hangs on an octet, or on a moment within a dial-in."""
    return replace(plan, deeds=tuple(map(_by_counts, filter(_is_counted, plan.deeds))))


def _is_counted(deed: Deed) -> bool:
    if isinstance(deed, deeds.ServerDies):
        return deed.at_commit > 0
    if isinstance(deed, deeds.DatabaseTrouble):
        return deed.kind == "unknown"
    at_a_moment = (deeds.PlugPulled, deeds.VoidGiven, deeds.LicenceSet)
    copied = (deeds.Cloned, deeds.ImageKept, deeds.RecordingReplayed)
    return not isinstance(deed, at_a_moment + copied)


def _by_counts(deed: Deed) -> Deed:
    if not isinstance(deed, DialIn):
        return deed
    trouble = tuple(LineTrouble(answer=one.answer) for one in deed.trouble)
    return replace(deed, trouble=trouble)


@pytest.mark.parametrize("seed", COUNTED)
def test_money_is_the_same_on_every_channel(seed: int, tmp_path: Path) -> None:
    plan = by_counts(make_plan(seed, machines=MACHINES, days=DAYS, profile="all"))
    double, money = ran(plan, DoubleChannels(), tmp_path / "double")
    assert double.violations == ()
    assert double.counts["dial-in CONFIRMED"]
    assert sum(money.balances.values()) == 0
    for name, channels in (("peer", PeerChannels()), ("real", RealChannels())):
        other, same = ran(plan, channels, tmp_path / name)
        assert other.violations == (), name
        assert same == money, name
        assert (other.dial_ins, other.answered) == (double.dial_ins, double.answered)
        assert other.counts == double.counts, name
        assert other.history != double.history, "its octets are others"


@pytest.mark.parametrize("seed", ANY)
def test_no_property_is_broken_on_a_whole_channel(seed: int, tmp_path: Path) -> None:
    plan = make_plan(seed, machines=MACHINES, days=DAYS, profile="all")
    for name, channels in (("peer", PeerChannels()), ("real", RealChannels())):
        result, money = ran(plan, channels, tmp_path / name)
        assert result.violations == (), name
        assert sum(money.balances.values()) == 0


def test_worlds_on_the_peers_channel_are_the_same_octet_for_octet(
    tmp_path: Path,
) -> None:
    plan = make_plan(ANY[0], machines=MACHINES, days=1, profile="all")
    drawn: list[list[bytes]] = [[], []]
    once, again = (
        ran(plan, PeerChannels(keys.append), tmp_path / str(place))
        for place, keys in enumerate(drawn)
    )
    assert once == again
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == len(drawn[0]) > 0, "a key of its own for each end"


def test_worlds_on_the_real_channel_are_not(tmp_path: Path) -> None:
    plan = make_plan(ANY[0], machines=MACHINES, days=1, profile="none")
    once, again = (
        ran(plan, RealChannels(), tmp_path / name) for name in ("once", "again")
    )
    assert once[1] == again[1]
    assert once[0].counts == again[0].counts
    assert once[0].history != again[0].history
