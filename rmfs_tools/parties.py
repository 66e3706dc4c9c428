"""A server and a machine in one process, with a line between them, on real disks.

What the demo and the bench stand on: folders as `rmfs server init` and `rmfs machine
new` make them, an enrolment, the shipped fund file, and dial-ins over virtual modem
lines in real time. Only the two processes are one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from fm_device.dial_in import DialInReport, OnProgress, keep_silent
from fm_device.firmware.machine import Machine
from fm_device.folder import create_machine, open_machine, read_papers
from fm_device.program import OnFrame, dial
from hw.clock import SystemWallClock
from hw.database import Store
from hw.entropy import SystemEntropy
from hw.lines.exchange import VirtualExchange
from hw.lines.virtual import VirtualLineParameters
from hw.reactor import MonotonicReactor
from hw.scales.simulated import SimulatedScale
from protocol.channel import ServerChannel
from protocol.dialogue.machine import Request
from protocol.keys import Realm
from protocol.values import LicenceIdentifier, LicenceNumber
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import Settings, create_server, open_books, read_server
from rmfs_server.fund_reports import ImportReport
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_server.writer import GroupWriter

LICENCE: Final = LicenceIdentifier("N123456")
NUMBER: Final = LicenceNumber("KN0600065")
LICENSEE: Final = "Bharat Stationers, Bengaluru"
EXPIRES_ON: Final = date(2031, 8, 15)
SERIAL: Final = "PSD00001"
SERVER: Final = "server"
MACHINE: Final = "machine"
FUNDS: Final = "funds-demo.txt"
PROVISIONING: Final = "provisioning.json"


class Parties:
    """One machine, its server, and the time that both live in."""

    def __init__(
        self, store: Store, machine: Machine, scale: SimulatedScale, exchange: Exchange
    ) -> None:
        """Join the parts; `open_parties` makes them."""
        self.store = store
        self.machine = machine
        self.psd = machine.psd
        self.scale = scale
        self.exchange = exchange
        self.reactor = exchange.reactor

    def dial(
        self,
        request: Request,
        line: VirtualLineParameters,
        *,
        on_progress: OnProgress = keep_silent,
        on_frame: OnFrame | None = None,
    ) -> "Deferred[DialInReport]":
        """Dial in once over a fresh line that is as told."""
        between = VirtualExchange(self.reactor, lambda _call: line)
        between.listen(self.exchange.answer)
        return dial(
            self.psd,
            request,
            between,
            self.reactor,
            on_progress=on_progress,
            on_frame=on_frame,
        )


def create_parties(folder: Path) -> ImportReport:
    """Make a server and a machine below a folder, enrol it, and pay for it.

    Returns:
        What became of the shipped fund file.
    """
    make_parties(folder)
    new = NewLicence(NUMBER, LICENSEE, EXPIRES_ON)
    enrol_machine(folder / SERVER, folder / MACHINE, new)
    text = files("rmfs_tools").joinpath("samples", FUNDS).read_bytes()
    with open_books(folder / SERVER) as store:
        return import_fund_file(store, text, SystemWallClock().now())


def make_parties(folder: Path) -> None:
    """Make a server and a machine below a folder that know nothing of each other."""
    make_server(folder / SERVER)
    make_machine(folder / SERVER, folder / MACHINE, LICENCE, SERIAL)


def make_server(folder: Path) -> None:
    """Make a server, and with it a maker of machines."""
    create_server(
        folder,
        Settings(name="TEST-OEM", realm=Realm.TEST),
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
    )


def make_machine(
    server_folder: Path, machine_folder: Path, licence: LicenceIdentifier, serial: str
) -> None:
    """Make a machine for a server; that one does not know it yet."""
    papers = read_papers(
        server_folder / "maker.pem", server_folder / "server.json", Realm.TEST
    )
    create_machine(
        machine_folder,
        papers,
        psd_serial=serial,
        licence=licence,
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
    )


def enrol_machine(
    server_folder: Path, machine_folder: Path, licence: NewLicence
) -> None:
    """Enrol a machine at its server."""
    server = read_server(server_folder)
    enrolment = server.read_enrolment(machine_folder / PROVISIONING)
    now = SystemWallClock().now()
    with open_books(server_folder) as store:
        Administration(store, server.credit_key).enrol(
            enrolment, licence, By("rmfs", "made by a tool", now)
        )


@contextmanager
def open_parties(folder: Path, reactor: MonotonicReactor) -> Iterator[Parties]:
    """Open the server's books and switch the machine on."""
    clock = SystemWallClock()
    server = read_server(folder / SERVER)
    scale = SimulatedScale()
    with (
        open_books(folder / SERVER) as store,
        open_machine(folder / MACHINE, clock, "a tool", scale=scale) as machine,
    ):
        books = Books(
            store,
            server.credit_key,
            SystemEntropy(),
            later_keys=server.find_credit_key,
        )
        writer = GroupWriter(reactor, books)
        exchange = Exchange(
            reactor=reactor,
            books=books,
            writer=writer,
            make_channel=lambda: ServerChannel(server.identity),
            wall_clock=clock,
            limits=Limits(),
        )
        try:
            yield Parties(store, machine, scale, exchange)
        finally:
            writer.stop()


def run_on_a_reactor(
    reactor: MonotonicReactor, scenario: "Callable[[], Deferred[None]]"
) -> bool:
    """Run a scenario on its reactor, to its end or until it is interrupted.

    Returns:
        Whether it came to its end. What it raised is raised here.
    """
    ended: list[Failure | None] = []

    def begin() -> None:
        running = scenario()
        running.addBoth(ended.append)
        running.addBoth(lambda _: reactor.callLater(0, reactor.stop))

    reactor.callWhenRunning(begin)
    reactor.run()
    for failure in ended:
        if failure is not None:
            failure.raiseException()
    return bool(ended)
