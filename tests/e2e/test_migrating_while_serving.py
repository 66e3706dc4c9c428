"""Books are migrated under a server that serves them; only what fits is served on."""

import os
import signal
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.threads import deferToThreadPool

from hw.reactor import MonotonicReactor
from rmfs_tools.bench.recharge_office import make_server, seat_machines
from rmfs_tools.parties import run_on_a_reactor
from rmfs_tools.planting import ROOT, Edit, plant
from rmfs_tools.worker_rehearsal.fleet import AMOUNT_PAISE, Fleet
from rmfs_tools.worker_rehearsal.judging import judge
from rmfs_tools.worker_rehearsal.plan import Plan
from tests.e2e.test_server_workers import begun
from tests.processes import Program, Server

MACHINES = 12
A_MOMENT = Plan(machines=MACHINES, rate=8, seconds=2)
SPOKEN = Edit(
    "rmfs_server/cli.py", "the books have the newest schema", "migrated by tomorrow's"
)
MIGRATION = """
from alembic import op

revision = "{number:04}"
down_revision = "{before:04}"
expands = {expands}


def upgrade() -> None:
    op.execute("ALTER TABLE machine {change}")
"""


class Tomorrow:
    """A later version of the product, with migrations that today's does not know."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        plant("tomorrow", [SPOKEN], ROOT, folder)
        self._folder = folder
        self._versions = folder / "rmfs_server/store/migrations/versions"
        config = Config()
        config.set_main_option("script_location", "rmfs_server.store:migrations")
        config.set_main_option("path_separator", "os")
        head = ScriptDirectory.from_config(config).get_current_head()
        assert head is not None
        self._last = int(head)

    def brings(self, change: str, *, expands: bool) -> None:
        """Have one migration more."""
        words = MIGRATION.format(
            number=self._last + 1, before=self._last, expands=expands, change=change
        )
        self._last += 1
        (self._versions / f"tomorrow_{self._last:04}.py").write_text(words)

    def migrates(self, server: Path) -> None:
        """Run its `rmfs server migrate`."""
        words = ("server", "migrate", "--server", server)
        with Program(*words, root=self._folder) as program:
            assert program.ended() == 0, program.err
            assert "migrated by tomorrow's" in program.out


@pytest.fixture
def folder(tmp_path: Path, store_url: str) -> Path:
    made = tmp_path / "server"
    make_server(made, store_url)
    return made


def test_dial_ins_go_on_while_the_books_are_expanded(
    folder: Path, tmp_path: Path
) -> None:
    tomorrow = Tomorrow(tmp_path / "tomorrow")
    tomorrow.brings("ADD COLUMN tomorrow TEXT", expands=True)
    seats = seat_machines(folder, MACHINES)
    reactor = MonotonicReactor()
    with Server(folder, "--workers", 2) as server:
        fleet = Fleet(reactor, seats, "127.0.0.1", server.port)

        @inlineCallbacks
        def play() -> "Generator[Deferred[Any], Any, None]":
            yield fleet.settle()
            pool = reactor.getThreadPool()
            migrating = deferToThreadPool(reactor, pool, tomorrow.migrates, folder)
            while not migrating.called:
                yield fleet.dial(A_MOMENT)
            yield migrating
            during = fleet.heard.begun
            yield fleet.dial(A_MOMENT)
            assert fleet.heard.begun > during > 0
            # A worker that begins now finds a schema newer than itself.
            os.kill(begun(server, 1), signal.SIGKILL)
            server.said("worker 1 is ready", times=2)
            yield fleet.settle()

        run_on_a_reactor(reactor, play)
        assert fleet.heard.ended == {"confirmed": fleet.heard.begun}
        judgement = judge(folder, seats, fleet.told, AMOUNT_PAISE)
        assert judgement.is_good, judgement
        assert judgement.recharges == fleet.heard.begun

        tomorrow.brings("RENAME COLUMN tomorrow TO after_that", expands=False)
        tomorrow.migrates(folder)
        os.kill(begun(server, 1, times=2), signal.SIGKILL)
        server.said("run a newer version of this program")
        server.said("worker 1 ended with 1, and is started again in")
        server.signal(signal.SIGTERM)
        assert server.ended() == 0
