"""SIGKILL at random moments of the exchange: nothing lost, nothing applied twice.

Requirements: RMFS-31, RMFS-33 to RMFS-35.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text

from dop_gateway.downloads.tables import download_line
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.registered import SOURCES
from hw.clock import SystemWallClock
from protocol.exchange import BY_HAND
from protocol.parameters import business_date
from rmfs_server.exchange.program import open_office
from rmfs_server.exchange.session import run_session
from rmfs_server.exchange.windows import Slot
from rmfs_tools.demo_chain import LETTER
from rmfs_tools.killing.judging import Judgement, judge
from rmfs_tools.killing.looking import look
from rmfs_tools.killing.plan import Kill, Plan, Victim, When
from rmfs_tools.killing.playing import play
from rmfs_tools.killing.world import World, world_in
from rmfs_tools.parties import SERVER
from rmfs_tools.planting import ROOT, Edit, plant
from rmfs_tools.rehearsal.crossing import Crossing
from tests.processes import Program

NOBODY_LISTENS = 9
MINUTES = 60.0


def rehearsed(kills: int, minutes: float) -> dict[str, Any]:
    words = ("dop", "rehearse-kills", "--kills", kills, "--seed", 5, "--json")
    with Program(*words) as program:
        code = program.ended(minutes * MINUTES)
        assert code == 0, program.err
        found: dict[str, Any] = json.loads(program.out)
    return found


def test_after_eight_kills_everything_is_there_once() -> None:
    found = rehearsed(8, 30)
    assert found["kills"] == found["gateway"] + found["server"] == 8
    assert found["kills"] == found["in_a_session"] + found["in_a_start"]
    assert min(found["gateway"], found["server"], found["in_a_start"]) > 0
    assert min(found["deposits"], found["credits"]) > 0
    assert found["lost_paise"] == found["doubled_paise"] == 0
    assert found["unexplained_paise"] == found["faults"] == 0


@pytest.mark.long
def test_after_two_hundred_kills_everything_is_there_once() -> None:
    found = rehearsed(200, 90)
    assert found["kills"] == 200
    assert found["lost_paise"] == found["doubled_paise"] == 0
    assert found["unexplained_paise"] == found["faults"] == 0
    # They struck wherever the exchange can be, and not one moment again and again.
    struck = {name for name, count in found["left"].items() if count}
    assert {"TO_TAKE", "TO_JUDGE", "TO_HAND_OVER", "TO_ANSWER"} <= struck
    assert found["starts_with_work"] > 10


FORGETFUL = Edit(
    "rmfs_server/exchange/session.py",
    "offered = sent_files.offered(connection)\n        for one in offered:",
    "offered = self._report.made\n        for one in offered:",
)
"""A server that hands over what this session has made, and nothing that is older."""


@pytest.mark.long
def test_a_server_that_forgets_what_it_had_made_is_found_out(tmp_path: Path) -> None:
    faulty, folder = tmp_path / "faulty", tmp_path / "kills"
    faulty.mkdir()
    plant("forgetful", [FORGETFUL], ROOT, faulty)
    shares = (0.5, 0.6, 0.7, 0.8)
    kills = [
        Kill(number, Victim.SERVER, When.SESSION, share)
        for number, share in enumerate(shares, start=1)
    ]
    said: list[str] = []
    playing = play(
        folder,
        Plan(5, kills),
        SystemWallClock(),
        os.environ,
        said.append,
        server_root=faulty,
    )
    shown = asyncio.run(playing)
    assert shown.failed is not None
    assert not shown.is_good
    assert shown.judgement.faults
    assert any("WRONG" in words for words in said)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_in(tmp_path, NOBODY_LISTENS, SystemWallClock(), 5) as made:
        made.found()
        exchange(made, tmp_path / SERVER)
        made.work(1)
        exchange(made, tmp_path / SERVER)
        yield made


def exchange(world: World, server: Path) -> None:
    """Exchange files without a process: the drop itself is asked."""
    parts = world.department.parts
    now = parts.clock.now()
    remote = Crossing(Drop(parts, SOURCES, LETTER))
    with open_office(server) as office:
        report = run_session(office, remote, Slot(business_date(now), BY_HAND), now)
    assert report.is_complete, report.show()


def judged(world: World) -> Judgement:
    return judge(world.done, look(world))


def test_a_row_of_a_credit_that_is_there_twice_or_not_at_all_is_seen(
    world: World,
) -> None:
    assert judged(world).faults == ()
    (licence, number), *_ = sorted(world.done.credits)
    of = download_line.c
    here = (of.licence == licence) & (of.number == number)
    store = world.department.parts.store
    with store.writing("spoil the books") as connection:
        row = dict(connection.execute(select(download_line).where(here)).one()._mapping)
        del row["id"]
        # The database itself would refuse it.
        connection.execute(text("DROP INDEX uq_download_line_number"))
        connection.execute(insert(download_line).values({**row, "line_id": "again"}))
    twice = judged(world)
    assert (twice.lost_paise, twice.doubled_paise) == (0, row["amount_paise"])
    with store.writing("spoil the books") as connection:
        connection.execute(text("DROP TRIGGER download_line_not_removed"))
        connection.execute(delete(download_line).where(here))
    gone = judged(world)
    assert (gone.lost_paise, gone.doubled_paise) == (row["amount_paise"], 0)


def test_a_deposit_of_which_the_server_has_nothing_is_seen(world: World) -> None:
    """What a program that forgets would leave: a payment that no file has told of."""
    reference = next(iter(world.done.deposits))
    licence, paise = world.done.deposits[reference]
    world.done.deposits["never told"] = (licence, paise)
    found = judged(world)
    assert (found.lost_paise, found.doubled_paise) == (paise, 0)
    del world.done.deposits["never told"], world.done.deposits[reference]
    found = judged(world)
    assert (found.lost_paise, found.doubled_paise) == (0, paise)
