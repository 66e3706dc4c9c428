"""`rmfs server exchange once` is killed at any request that it makes, and run again.

The Department's server counts requests, and kills the process that makes them (SIGKILL)
before it answers. Whatever was cut: the same funds, and each of our files once.
"""

import re
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncssh
import pytest

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from protocol.exchange import read_file
from protocol.keys import Realm, write_public_key
from protocol.parameters import business_date
from rmfs_server.exchange.settings import ExchangeSettings, create_exchange
from rmfs_server.exchange.windows import Slot
from rmfs_server.folder import Settings, create_server, open_books
from rmfs_server.store import ledger
from rmfs_server.store.verify import verify_books
from tests.exchange_desk import DEPOSIT, DOP_KEY, ISSUED, LAYOUTS, PaperDepartment
from tests.paper_machine import LICENCE
from tests.processes import Program
from tests.sftp_folder import USER, sftp_folder

REQUESTS: Final = 45
"""About as many as a session makes; a kill at one that it does not make is none."""


@dataclass
class Killer:
    """Kills the program that runs at one of its requests."""

    at: int
    programs: list[Program] = field(default_factory=list)
    requests: int = 0

    def request(self) -> None:
        self.requests += 1
        if self.requests == self.at:
            self.programs[-1].signal(signal.SIGKILL)


def killing(killer: Killer, folder: Path) -> Callable[[Any], asyncssh.SFTPServer]:
    """Make a server over a folder that tells the killer of requests."""

    class Counting(asyncssh.SFTPServer):
        def __init__(self, channel: Any) -> None:
            super().__init__(channel, chroot=str(folder).encode())

        def open(self, path: bytes, pflags: int, attrs: Any) -> object:
            killer.request()
            return super().open(path, pflags, attrs)

        def read(self, file_obj: object, offset: int, size: int) -> Any:
            killer.request()
            return super().read(file_obj, offset, size)

        def write(self, file_obj: object, offset: int, data: bytes) -> Any:
            killer.request()
            return super().write(file_obj, offset, data)

        def close(self, file_obj: object) -> Any:
            killer.request()
            return super().close(file_obj)

        def rename(self, oldpath: bytes, newpath: bytes) -> Any:
            killer.request()
            done = super().rename(oldpath, newpath)
            killer.request()
            return done

    return Counting


def once(server: Path, killer: Killer) -> int:
    """Run a session in a process of its own; give what it ended with."""
    with Program("server", "exchange", "once", "--server", server) as program:
        killer.programs.append(program)
        return program.ended()


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(at, marks=() if at % 15 == 7 else pytest.mark.long)
        for at in range(1, REQUESTS)
    ],
)
def test_a_killed_session_is_made_good_by_the_next(tmp_path: Path, at: int) -> None:
    server, drop = tmp_path / "server", tmp_path / "drop"
    create_server(
        server,
        Settings("n", Realm.TEST),
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
    )
    (server / "dop-1.pem").write_text(write_public_key(DOP_KEY.public.point))
    host_key = asyncssh.generate_private_key("ssh-ed25519").export_public_key()
    settings = ExchangeSettings(
        "N", "oem-N-1", "127.0.0.1", 2222, USER, host_key.decode().strip()
    )
    create_exchange(server, settings, SystemEntropy())
    today = Slot(business_date(SystemWallClock().now()), 0)
    dop = PaperDepartment()
    dop.lay_out("license-issue", ISSUED, slot=today)
    dop.lay_out("license-modification", slot=today)
    dop.lay_out("fund", DEPOSIT, slot=today)
    killer = Killer(at)
    public = (server / "exchange-ssh.pub").read_bytes()
    with sftp_folder(drop, public, files=killing(killer, drop)) as served:
        text = (server / "exchange.toml").read_text()
        text = text.replace("2222", str(served.port))
        (server / "exchange.toml").write_text(
            re.sub('host_key = ".*"', f'host_key = "{served.host_key}"', text)
        )
        for name, octets in dop.laid_out.items():
            (drop / "to-oem" / name).write_bytes(octets)
        killed = once(server, killer)
        assert killed == (-signal.SIGKILL if killer.requests >= at else 0)
        assert once(server, killer) == 0
    with open_books(server) as store, store.reading() as connection:
        funds = ledger.balance_paise(connection, ledger.funds_of(LICENCE))
        assert funds == DEPOSIT["amount_paise"]
        assert verify_books(connection) == []
    handed = sorted(
        path.name for path in (drop / "from-oem").iterdir() if path.suffix != ".part"
    )
    numbers: dict[str, list[Any]] = {}
    answered = set()
    for name in handed:
        layout = LAYOUTS.of_file(name)
        assert layout is not None
        file = read_file(layout, (drop / "from-oem" / name).read_bytes())
        numbers.setdefault(layout.name, []).append(file.header["sequence"])
        answered |= {line.values.get("file_name") for line in file.lines}
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert len(numbers) == 5
    assert answered >= set(dop.laid_out)
