"""A server under test and its bench machines, prepared as docs/certify.md has it."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, Self

from hw.clock import SystemWallClock
from hw.lab.declaration import SERVER_OPTIONS, template
from protocol.link import Role
from protocol.values import LicenceIdentifier
from rmfs_server.administration import Administration
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import open_books, read_server
from rmfs_server.store.acts import By
from rmfs_tools.lab.bench_papers import licence_number, licensee
from tests.free_ports import free_port
from tests.lab_office import filled
from tests.processes import ROOT, TIMEOUT_S, UNSIGNED, done

SERVER: Final = "under-test"
MACHINES: Final = "machines"
PROCESS: Final = "server.pid"
_NOT_OURS: Final = ("busy",)
"""What our server does not do."""


@dataclass(frozen=True)
class UnderTest:
    """The folder of a certification: the server, and the machines of the bench."""

    folder: Path

    @classmethod
    def made(cls, folder: Path, count: int) -> "UnderTest":
        """Make a server that knows so many machines of the bench."""
        self = cls(folder)
        server, bench = folder / SERVER, folder / MACHINES
        done("server", "init", "--server", server)
        done("certify", "machines", bench, "--count", count)
        shutil.copy(bench / "maker-public.pem", server / "makers" / "bench.pem")
        office, by = read_server(server), By("lab", "test", SystemWallClock().now())
        with open_books(server) as store:
            books = Administration(store, office.credit_key, office.find_credit_key)
            for papers in sorted((bench / MACHINES).glob("*.json")):
                licence = LicenceIdentifier(papers.stem)
                new = NewLicence(
                    licence_number(licence), licensee(licence), date(2031, 8, 15)
                )
                books.enrol(office.read_enrolment(papers), new, by)
        (funds,) = bench.glob("funds-*.txt")
        done("server", "import-funds", funds, *UNSIGNED, "--server", server)
        return self

    def declare(self, line: str) -> Path:
        """Write a declaration that says that our server does all that it does."""
        said = {
            "model": "server",
            "firmware": "1",
            "serial": "TEST-OEM",
            "address": line,
            "provisioning": f"{SERVER}/server.json",
        }
        text = template(Role.SERVER).replace('maker = ""', 'maker = "Ours"')
        text = text.replace('"maker.pem"', f'"{SERVER}/makers/maker.pem"')
        text = filled(text.replace('"bench"', f'"{MACHINES}"'), said)
        for name in set(SERVER_OPTIONS) - set(_NOT_OURS):
            text = text.replace(f"\n{name} = false", f"\n{name} = true")
        command = [sys.executable, "-m", "tests.at_the_server"]
        ask = [*command, "{what}", "{value}", "{licence}"]
        power = [*command, "{what}", line, ""]
        text += "\n[hooks.ask]\ncommand = " + str(ask).replace("'", '"')
        text += "\n[hooks.power]\ncommand = " + str(power).replace("'", '"') + "\n"
        declared = self.folder / "server.toml"
        declared.write_text(text)
        return declared


class ServerAtWork:
    """Its process, which a case may kill and start again.

    Attributes:
        line: Where it answers.
    """

    def __init__(
        self,
        under_test: UnderTest,
        wrong_per_line: int = 10_000,
        *,
        root: Path = ROOT,
    ) -> None:
        self.line = f"tcp:127.0.0.1:{free_port()}"
        self._folder = under_test.folder
        self._wrong_per_line = wrong_per_line
        self._root = root

    def __enter__(self) -> Self:
        self._first = start(
            self._folder, self.line, self._wrong_per_line, root=self._root
        )
        return self

    def __exit__(self, *_: object) -> None:
        kill(self._folder)
        self._first.wait(TIMEOUT_S)


def start(
    folder: Path, line: str, wrong_per_line: int = 10_000, *, root: Path = ROOT
) -> subprocess.Popen[bytes]:
    """Start the server, or the faulty one of a root, and wait until it answers."""
    log = (folder / "server.log").open("ab")
    with log:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "rmfs_tools", "server", "run"),
                *("--server", str(folder / SERVER), "--line", line),
                *("--wrong-per-line", str(wrong_per_line)),
            ],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    (folder / PROCESS).write_text(str(process.pid))
    assert process.stdout is not None
    with process.stdout:
        assert b"listening at" in process.stdout.readline()
    return process


def kill(folder: Path) -> None:
    """SIGKILL: nothing is tidied up."""
    place = folder / PROCESS
    number = int(place.read_text())
    place.unlink()
    os.kill(number, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(number, 0)
