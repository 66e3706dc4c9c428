"""Two recharge servers on one PostgreSQL behind HAProxy; one of them is lost."""

import shutil
import signal
import subprocess
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.task import deferLater

from hw.lines.places import open_place
from hw.reactor import MonotonicReactor
from rmfs_tools.bench.recharge_office import make_server, seat_machines
from rmfs_tools.parties import run_on_a_reactor
from rmfs_tools.worker_rehearsal.fleet import AMOUNT_PAISE, Fleet
from rmfs_tools.worker_rehearsal.judging import judge
from rmfs_tools.worker_rehearsal.plan import Plan
from tests.processes import ROOT, Server
from tests.witness.programs import needs

RECIPE: Final = ROOT / "rmfs_server" / "operations" / "recipe" / "haproxy.cfg"
BALANCER: Final = "127.0.0.1"
MACHINES: Final = 12


class Host:
    """A recharge server as the recipe has it, but for its ports."""

    def __init__(self, folder: Path) -> None:
        line = f"tcp:{BALANCER}:0:proxy={BALANCER}"
        self.server = Server(folder, "--operate", f"{BALANCER}:0", line=line)
        said = self.server.said("operated at http://")
        self.operated = said.removeprefix("operated at http://")

    @property
    def told(self) -> str:
        """What the recipe says of it."""
        port = self.operated.rpartition(":")[2]
        return f"{BALANCER}:{self.server.port} port {port}"


@contextmanager
def balanced(folder: Path, hosts: list[Host]) -> Iterator[int]:
    """Run HAProxy by the recipe, before these hosts; gives its port."""
    haproxy = needs("haproxy")
    place = open_place(BALANCER, 0)
    text = RECIPE.read_text("utf-8").replace("bind :7120", f"bind fd@{place.fileno()}")
    for number, host in enumerate(hosts, start=1):
        text = text.replace(f"10.0.0.1{number}:7120 port 9120", host.told)
    assert "10.0.0" not in text.partition("listen machines")[2]
    config = folder / "haproxy.cfg"
    config.write_text(text)
    with place, (folder / "haproxy.log").open("wb") as log:
        process = subprocess.Popen(
            [haproxy, "-db", "-f", str(config)],
            stdout=log,
            stderr=log,
            pass_fds=[place.fileno()],
        )
        try:
            yield place.getsockname()[1]
        finally:
            process.kill()
            process.wait()


def test_a_host_that_is_lost_costs_a_redial_and_nothing_else(
    tmp_path: Path, postgres_url: str
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    make_server(folders[0], postgres_url)
    seats = seat_machines(folders[0], MACHINES)
    # Hosts share the books, and have the same keys and settings.
    shutil.copytree(folders[0], folders[1])
    reactor = MonotonicReactor()
    with ExitStack() as stack:
        hosts = [Host(folder) for folder in folders]
        for host in hosts:
            stack.enter_context(host.server)
        port = stack.enter_context(balanced(tmp_path, hosts))
        fleet = Fleet(reactor, seats, BALANCER, port)
        first, second = (host.server for host in hosts)

        @inlineCallbacks
        def play() -> "Generator[Deferred[Any], Any, None]":
            yield fleet.settle()
            dialling = fleet.dial(Plan(machines=MACHINES, rate=6, seconds=6))
            yield deferLater(reactor, 2)
            first.kill()
            yield dialling
            yield fleet.settle()

        run_on_a_reactor(reactor, play)
        assert fleet.heard.ended == {"confirmed": fleet.heard.begun}
        judgement = judge(folders[1], seats, fleet.told, AMOUNT_PAISE)
        assert judgement.is_good, judgement
        second.signal(signal.SIGTERM)
        assert second.ended() == 0
        # Whoever called is known by its own address, and health checks are no calls.
        assert "127.2.0.1" in second.err
        assert "from tcp:127.0.0.1:" not in second.err
        assert f"({BALANCER}" not in second.err
