"""A disk is lost: a backup that was made under way is put back, and a machine settled.

Everything is typed, and every program is a process. RMFS-28, REG-9: the machine holds
what the copy has forgotten.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import NullPool, create_engine, text

from fm_device.folder import open_machine
from hw.clock import SystemWallClock
from protocol.values import LicenceIdentifier
from rmfs_server.folder import open_books
from rmfs_server.store import ledger
from rmfs_server.store.verify import verify_books
from tests.processes import ROOT, UNSIGNED, Program, Server, done, rmfs

LICENCE: Final = LicenceIdentifier("N123456")
FUND_FILE: Final = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"


@dataclass(frozen=True)
class Place:
    """A machine and a server in folders; where the books are, if not there."""

    folder: Path
    url: str

    @property
    def machine(self) -> Path:
        return self.folder / "office-1"

    @property
    def server(self) -> Path:
        return self.folder / "rmfs-server"

    def say(self, command: str, *words: object) -> str:
        return done("server", command, *words, "--server", self.server)

    def recharge(self, line: str, rupees: int) -> Program:
        words = ("--recharge", rupees, "--attempts", 3, "--json")
        return Program("machine", "dial", self.machine, line, *words)

    def set_up(self) -> None:
        database = ("--database", self.url) if self.url else ()
        self.say("init", *database)
        own = self.server / "server.json"
        done(
            *("machine", "new", self.machine, "--licence", LICENCE),
            *("--maker", self.server / "maker.pem", "--server", own),
        )
        self.say(
            *("enrol", self.machine / "provisioning.json", "--number", "KN0600065"),
            *("--licensee", "Bharat Stationers, Bengaluru", "--expires", "2031-08-15"),
        )
        self.say("import-funds", FUND_FILE, *UNSIGNED)

    def lose_the_disk(self) -> None:
        self.server.rename(self.folder / "lost")
        if self.url:
            engine = create_engine(
                self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool
            )
            with engine.connect() as connection:
                connection.execute(text("DROP SCHEMA public CASCADE"))
                connection.execute(text("CREATE SCHEMA public"))

    def credited_paise(self) -> tuple[int, int]:
        """Give what the machine holds, and what the books say that it holds."""
        with open_machine(self.machine, SystemWallClock(), "test") as machine:
            held = machine.psd.record.registers.control_total_paise
        with open_books(self.server) as store, store.reading() as connection:
            assert verify_books(connection) == []
            booked = ledger.balance_paise(connection, ledger.machine_of(LICENCE))
        return held, booked


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    of_postgres = request.param == "postgresql"
    url = request.getfixturevalue("postgres_url") if of_postgres else ""
    place = Place(tmp_path, url)
    place.set_up()
    return place


def test_a_server_is_lost_and_put_back_and_its_machine_is_settled(place: Place) -> None:
    archive = place.folder / "copy.tar"
    with Server(place.server) as server:
        with place.recharge(server.line, 1000) as dialled:
            assert dialled.ended() == 0, dialled.err
        # The copy is made while a machine dials: it has the recharge or has it not.
        words = ("server", "backup", archive, "--server", place.server)
        with place.recharge(server.line, 500) as dialled, Program(*words) as backup:
            assert (backup.ended(), dialled.ended()) == (0, 0), backup.err
        with place.recharge(server.line, 2000) as dialled:
            assert dialled.ended() == 0, dialled.err
        server.kill()
    assert place.credited_paise() == (350_000, 350_000)

    place.lose_the_disk()
    said = place.say("restore", archive, "--by", "asha", "--reason", "disk failed")
    assert "the books add up" in said
    held, booked = place.credited_paise()
    assert held == 350_000
    assert booked in (100_000, 150_000)
    (place.server / "server.toml").write_text(
        (place.server / "server.toml").read_text() + "[run]\ncalls = 5\n"
    )

    with Server(place.server) as server:
        with place.recharge(server.line, 100) as dialled:
            assert dialled.ended() != 0
        assert "N123456" in place.say("frozen", "--old-copy")
        place.say(
            *("resolve", "--proposed", "--old-copy", "--yes"),
            *("--by", "asha", "--second", "ravi", "--reason", "disk failed"),
        )
        with place.recharge(server.line, 100) as dialled:
            assert dialled.ended() == 0, dialled.err
        looked = rmfs("server", "doctor", "--server", place.server).out
    # A PostgreSQL of tests need not survive a power failure, and the doctor says so.
    faults = [line for line in looked.splitlines() if line.startswith("fault")]
    assert [line for line in faults if " = off: a power" not in line] == []
    assert "every sum, number and signature was recomputed" in looked
    assert place.credited_paise() == (360_000, 360_000)


def test_a_backup_goes_through_a_pipe_and_back(tmp_path: Path) -> None:
    server = tmp_path / "rmfs-server"
    done("server", "init", "--server", server)
    said = rmfs("server", "backup", tmp_path / "a.tar", "--server", server)
    assert said.code == 0
    again = rmfs("server", "backup", tmp_path / "a.tar", "--server", server)
    assert (again.code, "never overwritten" in again.err) == (1, True)
    restore = ("server", "restore", "-", "--reason", "a trial", "--server")
    with (tmp_path / "a.tar").open("rb") as pipe:
        into = tmp_path / "tried"
        with Program(*restore, into, stdin=pipe.fileno()) as restored:
            assert restored.ended() == 0, restored.err
    assert (into / "dh.pem").read_bytes() == (server / "dh.pem").read_bytes()
    done("server", "verify", "--server", into)
