"""The demo's way of money: from the bank to the funds, and from the machine back.

A gateway beside server and machine, and the simulated bank. The days before are played
in their own time: the deposit, the bank's file at 22:00, the window of the next working
day. What stands between server and gateway is the drop itself, without the network; the
files are the real ones, signed and answered.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from asyncssh import import_private_key

from dop_gateway.downloads.model import DownloadState
from dop_gateway.downloads.store import downloads_matching
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.registered import SOURCES
from dop_gateway.folder import read_gateway
from dop_gateway.licences.model import Licence
from dop_gateway.money import reconciling
from dop_gateway.simulators.bank import PaidIn
from fm_device.model import MODEL
from hw.clock import MemoryWallClock, WallClock
from hw.entropy import SystemEntropy
from protocol.calendar import is_working_day
from protocol.errors import InvariantError
from protocol.keys import write_public_key
from protocol.parameters import INDIA, business_date
from protocol.values import LicenceIdentifier, Paise, show_rupees
from rmfs_server.exchange.program import open_office
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.settings import (
    ExchangeSettings,
    create_exchange,
    read_exchange,
)
from rmfs_server.exchange.windows import Windows
from rmfs_server.folder import read_server
from rmfs_tools.rehearsal.bank import RehearsedBank, bank_in_memory
from rmfs_tools.rehearsal.crossing import Crossing
from rmfs_tools.rehearsal.department import Department, department_in

GATEWAY: Final = "gateway"
LETTER: Final = "N"
DEPOSIT: Final = Paise(500_000)
_OPENS: Final = time(18, 0)
_WINDOW: Final = time(9, 30)
_IN_WINDOW: Final = time(9, 40)
_WINDOW_IS_OVER: Final = time(10, 0)
_BANK_CLOSES: Final = time(21, 30)
_BANK_IS_ASKED: Final = time(22, 0)
LOGIN: Final = "oem-n"
SFTP_PORT: Final = 2122
_DIVISION: Final = "KN06"
_SEED: Final = 1


@dataclass
class Chain:
    """The steps of the money, as they are done.

    Attributes:
        steps: One for each, for programs; `say` has told it to people.
    """

    department: Department
    clock: MemoryWallClock
    bank: RehearsedBank
    server: Path
    say: Callable[[str], None]
    steps: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, step: str, words: str, **facts: Any) -> None:
        """Tell a step."""
        at = datetime.fromtimestamp(self.clock.now(), INDIA)
        self.steps.append({"step": step, "at": at.isoformat(), **facts})
        self.say(f"   {at:%a %d %b %H:%M}  {words}")

    def issue(self, identifier: LicenceIdentifier, papers: bytes, name: str) -> Licence:
        """Have the licence of a machine issued."""
        division = next(
            one for one in self.department.divisions if one.code == _DIVISION
        )
        office = self.department.offices_of(division)[0]
        licence = self.department.issue(identifier, papers, name, office, division)
        self.say(f"   Licence {licence.number} is issued for {identifier}")
        return licence

    def bring_funds(
        self, licences: Sequence[Licence], paid_on: date, window_on: date
    ) -> None:
        """Bring a deposit of each from the bank to the server's books.

        Args:
            licences: Whose deposits they are.
            paid_on: Day of the deposit.
            window_on: Day on which the fund file goes.
        """
        self._at(paid_on, _BANK_CLOSES)
        for one in licences:
            words = f"{one.holder.name} pays {show_rupees(DEPOSIT)} at the bank"
            self.tell("deposit", words, licence=one.identifier, amount_paise=DEPOSIT)
        payments = [
            PaidIn(one.identifier, one.number, one.holder.name, DEPOSIT)
            for one in licences
        ]
        made = self.bank.close_day(paid_on, payments, ())
        self._at(paid_on, _BANK_IS_ASKED)
        self.bank.fetched(paid_on)
        files = [one.name for one in made.files]
        self.tell(
            "bank_file", f"the gateway takes {files[0]}, and verifies it", files=files
        )
        self._at(window_on, _WINDOW)
        self.department.run_jobs()
        lying = Drop(self.department.parts, SOURCES, LETTER).names()
        words = f"a window opens: {len(lying)} files lie in the drop of maker {LETTER}"
        self.tell("window", words, files=lying)
        self._at(window_on, _IN_WINDOW)
        report = self.exchange()
        fund = next(one for one in report.judged if one.layout == "fund")
        words = f"the server takes {fund.name}: {fund.state.name.lower()}"
        self.tell("fund_file", words, file=fund.name, state=fund.state.name)
        answer = next(one for one in report.handed if one.startswith("acknowledgement"))
        self.tell("acknowledgement", f"and answers with {answer}", file=answer)
        self._at(window_on, _WINDOW_IS_OVER)
        self.department.run_jobs()

    def exchange(self) -> SessionReport:
        """Let the server exchange files with the Department once."""
        now = self.clock.now()
        crossing = Crossing(Drop(self.department.parts, SOURCES, LETTER))
        with open_office(self.server) as office:
            return run_session(office, crossing, Windows().at(now), now)

    def report_back(self, licence: LicenceIdentifier, clock: WallClock) -> int:
        """Bring the downloads back to the Department, and explain all money.

        Returns:
            Paise that nothing explains.
        """
        self.clock.set(clock.utc())
        report = self.exchange()
        name = next(one for one in report.handed if one.startswith("credit-download"))
        with self.department.parts.store.reading() as connection:
            taken = downloads_matching(
                licence=licence, states=[DownloadState.TAKEN]
            ).count(connection)
        words = f"{name} tells {taken} credits, each as the machine signed it"
        self.tell("credit_download_file", words, file=name, credits=taken)
        by = self.department.program
        with self.department.parts.store.writing("reconcile") as connection:
            done = reconciling.reconcile(connection, business_date(by.now), by)
        if done.whole is None:
            raise InvariantError("the reconciliation has not looked at all money")
        places = done.whole.places
        at_maker, held = Paise(places["REMAINING"]), Paise(places["MACHINE"])
        words = (
            f"the Department's report: {show_rupees(at_maker)} with the maker, "
            f"{show_rupees(held)} in the machine, "
            f"{show_rupees(Paise(places['POSTAGE']))} of postage; unexplained: "
            f"{show_rupees(Paise(done.unexplained_paise))}"
        )
        self.tell("report", words, places=places)
        return done.unexplained_paise

    def _at(self, day: date, of_day: time) -> None:
        self.clock.set(datetime.combine(day, of_day, INDIA))


def _bank_in_memory(department: Department) -> RehearsedBank:
    return bank_in_memory(department, _SEED)


@contextmanager
def chain_in(
    folder: Path,
    server: Path,
    now: datetime,
    say: Callable[[str], None],
    *,
    make_bank: Callable[[Department], RehearsedBank] = _bank_in_memory,
    sftp_port: int = SFTP_PORT,
) -> Generator[Chain, None, None]:
    """Make a gateway below a folder, and let it and a server know each other.

    Args:
        folder: The demo's.
        server: The server's folder.
        now: The real time: everything before is played on the last two working days.
        say: Told each step.
        make_bank: Makes the bank that the gateway is told of.
        sftp_port: Where the drop of the gateway will be.
    """
    paid_on, _ = last_days(now)
    clock = MemoryWallClock(datetime.combine(paid_on, _OPENS, INDIA))
    entropy = SystemEntropy()
    with department_in(folder / GATEWAY, clock, entropy) as department:
        host_key = import_private_key(read_gateway(folder / GATEWAY).sftp_host_key)
        told = host_key.export_public_key().decode().strip()
        where = ExchangeSettings(LETTER, "oem-n-1", "127.0.0.1", sftp_port, LOGIN, told)
        create_exchange(server, where, entropy)
        exchange = department.parts.exchange
        key = write_public_key(exchange.key.public.point)
        (server / f"{exchange.key_id}.pem").write_text(key, "ascii")
        makers = read_server(server).makers
        department.add_maker(
            LETTER, MODEL, makers[0], read_exchange(server).ours.key.public
        )
        yield Chain(department, clock, make_bank(department), server, say)


def last_days(now: datetime) -> tuple[date, date]:
    """Give the last two working days before the day of a moment, the earlier first."""
    found: list[date] = []
    day = now.astimezone(INDIA).date()
    while len(found) < 2:  # noqa: PLR2004 (a deposit, and a window)
        day -= timedelta(days=1)
        if is_working_day(day):
            found.append(day)
    return found[1], found[0]
