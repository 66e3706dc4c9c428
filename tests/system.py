"""A whole system in one process and in virtual time: machine, line, server, books.

Everything is the product's own: PSD over NVRAM, real channels, link, dialogue, books on
a real SQLite file. Only time is virtual, and the line is the product's virtual modem
line. A `System` can be copied into another folder, so that one that is enrolled and
funded is set up as often as there are points to cut at.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select
from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport, Progress
from fm_device.program import dial
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from hw.lines.exchange import CallPlan, VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram, Nvram
from protocol.channel import MachineChannel, ServerChannel
from protocol.dialogue.machine import Request
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import CreditKey, MakerKey, Realm, ServerIdentity, ServerProvisioning
from protocol.link import Direction
from protocol.registers import RequestKind, VoucherKind
from protocol.values import LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.administration import Administration, NewLicence
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store import CommitHook, NoHook, Store, open_store, schema
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.store.schema import RechargeState
from rmfs_server.store.verify import verify_books

LICENCE = LicenceIdentifier("N123456")
NUMBER = LicenceNumber("KN0600065")
LICENSEE = "Bharat Stationers, Bengaluru"
SERIAL = "PSD00001"
BEGAN = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
LINE = VirtualLineParameters(bit_s=33_600, delay_s=0.02)
RUPEES_2000 = Request(RequestKind.RECHARGE, Paise(200_000))
RUPEES_3000 = Request(RequestKind.RECHARGE, Paise(300_000))
DEPOSITED_PAISE = 500_000
STEPS_MAX = 200_000

OPENED: list[Store] = []
"""Stores that the systems of a test have opened; conftest closes them behind it."""

_KEYS = SeededEntropy(b"keys of the server")
IDENTITY = ServerIdentity.generate("TEST-OEM", Realm.TEST, 1, _KEYS)
CREDIT_KEY = CreditKey.generate(1, Realm.TEST, _KEYS)
MAKER_KEY = MakerKey.generate("MAKER", Realm.TEST, SeededEntropy(b"maker"))
MAKER = MAKER_KEY.public

T = TypeVar("T")


class ServerKilledError(Exception):
    """The server's process ended, at this very point."""


class KilledAt:
    """A commit hook that kills the server before or after its n-th commit."""

    def __init__(self, commit: int, *, after: bool) -> None:
        self.commits: list[str] = []
        self._commit = commit
        self._after = after

    def before_commit(self, name: str) -> None:
        self.commits.append(name)
        if len(self.commits) == self._commit and not self._after:
            raise ServerKilledError(name)

    def after_commit(self, name: str) -> None:
        if len(self.commits) == self._commit and self._after:
            raise ServerKilledError(name)


@dataclass
class MortalWriter:
    """Runs jobs at once; when one kills the server, nobody is ever answered."""

    died: Callable[[], None]
    dead: bool = False

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        if self.dead:
            return
        try:
            result = job()
        except ServerKilledError:
            self.dead = True
            self.died()
            return
        done(result)


class System:
    """One machine, one server with its books in a folder, and a line between them."""

    def __init__(self, folder: Path, nvram: MemoryNvram, entropy: bytes) -> None:
        self.folder = folder
        self.nvram = nvram
        self.wall = MemoryWallClock(BEGAN)
        self.reactor = Clock()
        self.plan: CallPlan = every_call(LINE)
        self.line = VirtualExchange(self.reactor, self._planned)
        self._entropy = SeededEntropy(entropy)
        self._hook: CommitHook = NoHook()
        self.writer = MortalWriter(self._cut_line)
        self.store: Store
        self.books: Books
        self.exchange: Exchange
        self._listening = False
        self.start_server()

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'books.sqlite'}"

    def copy(self, folder: Path, number: int) -> "System":
        """Set the same situation up again in another folder."""
        self.store.close()
        folder.mkdir()
        for path in self.folder.iterdir():
            shutil.copy(path, folder / path.name)
        return System(folder, MemoryNvram(self.nvram.image()), b"copy %d" % number)

    def start_server(self, hook: CommitHook | None = None) -> None:
        """Start a server on the books, as after a crash of the one before."""
        if self._listening:
            self.store.close()
            self.line = VirtualExchange(self.reactor, self._planned)
        self._hook = hook or NoHook()
        self.writer = MortalWriter(self._cut_line)
        self.store = open_store(self.url, self._hook)
        OPENED.append(self.store)
        self.books = Books(self.store, CREDIT_KEY, self._entropy)
        self.exchange = Exchange(
            reactor=self.reactor,
            books=self.books,
            writer=self.writer,
            make_channel=lambda: ServerChannel(IDENTITY),
            wall_clock=self.wall,
            limits=Limits(),
        )
        self.line.listen(self.exchange.answer)
        self._listening = True

    @property
    def administration(self) -> Administration:
        return Administration(self.store, CREDIT_KEY)

    def by(self, reason: str = "a test") -> By:
        return By("tester", reason, self.wall.now())

    def psd(self, nvram: Nvram | None = None) -> Psd:
        """Switch the machine on."""
        return Psd(nvram or self.nvram, self.wall, MachineChannel)

    def dial(
        self,
        request: Request,
        *,
        psd: Psd | None = None,
        nvram: Nvram | None = None,
        plan: CallPlan | None = None,
        frames: list[tuple[Direction, bytes]] | None = None,
        progress: list[Progress] | None = None,
    ) -> DialInReport:
        """Dial once; virtual time runs until the line has ended.

        An error of the machine, such as a power cut, comes out as it is.
        """
        reports = self.begin_dial(
            request, psd=psd, nvram=nvram, plan=plan, frames=frames, progress=progress
        )
        self.run(lambda: bool(reports))
        report = reports[0]
        if isinstance(report, BaseException):
            raise report
        return report

    def begin_dial(
        self,
        request: Request,
        *,
        psd: Psd | None = None,
        nvram: Nvram | None = None,
        plan: CallPlan | None = None,
        frames: list[tuple[Direction, bytes]] | None = None,
        progress: list[Progress] | None = None,
    ) -> list[DialInReport | BaseException]:
        """Begin to dial; the list holds the report once there is one."""
        self.plan = plan or every_call(LINE)
        ended: list[DialInReport | BaseException] = []
        log = [] if frames is None else frames
        seen = [] if progress is None else progress
        dial(
            psd or self.psd(nvram),
            request,
            self.line,
            self.reactor,
            on_progress=seen.append,
            on_frame=lambda direction, octets: log.append((direction, octets)),
        ).addCallbacks(ended.append, lambda failure: ended.append(failure.value))
        return ended

    def run(self, until: Callable[[], bool]) -> None:
        """Step from one due time to the next."""
        for _ in range(STEPS_MAX):
            if until():
                return
            calls = self.reactor.getDelayedCalls()
            assert calls, "nothing will ever happen"
            due = min(call.getTime() for call in calls)
            self.reactor.advance(max(0.0, due - self.reactor.seconds()))
        raise AssertionError("virtual time goes on for ever")

    def dial_until_quiet(self, request: Request, most: int = 4) -> list[DialInReport]:
        """Dial until nothing is pending and the server was heard to the end."""
        reports = []
        for _ in range(most):
            report = self.dial(request)
            reports.append(report)
            if report.receipt is not None and report.pending is None:
                return reports
        raise AssertionError(f"not quiet after {most} dial-ins: {reports}")

    def deposit(
        self, amount_paise: int, available: date = date(2026, 11, 17), number: int = 1
    ) -> None:
        """Import a fund file with one deposit."""
        line = DetailLine(
            line_id="1",
            licence=LICENCE,
            licence_number=NUMBER,
            licensee=LICENSEE,
            amount_paise=amount_paise,
            mode=PaymentMode.NETBANKING,
            value_date=min(available, date(2026, 11, 16)),
            available_from=available,
        )
        file = FundFile(f"FND-N-{number:04d}", "N", date(2026, 11, 16), (line,))
        import_fund_file(self.store, encode_fund_file(file), self.wall.now())

    def balance(self, account: str) -> int:
        """Sum the entries of an account, whatever its cached balance says."""
        entry, names = schema.entry.c, schema.account.c
        query = (
            select(entry.amount_paise)
            .join(schema.account, names.id == entry.account)
            .where(names.name == account)
        )
        with self.store.reading() as connection:
            return sum(connection.execute(query).scalars())

    def ledger_sum(self) -> int:
        with self.store.reading() as connection:
            query = select(schema.entry.c.amount_paise)
            return sum(connection.execute(query).scalars())

    def open_recharges(self) -> int:
        states = (RechargeState.RESERVED.name, RechargeState.FROZEN.name)
        query = select(schema.recharge.c.number).where(
            schema.recharge.c.state.in_(states)
        )
        with self.store.reading() as connection:
            return len(connection.execute(query).all())

    def open_effect(self) -> int:
        """By how much the one open recharge changes CT, with its sign."""
        recharge = schema.recharge.c
        states = (RechargeState.RESERVED.name, RechargeState.FROZEN.name)
        query = select(recharge.kind, recharge.amount_paise).where(
            recharge.state.in_(states)
        )
        with self.store.reading() as connection:
            return sum(
                amount if kind == VoucherKind.RECHARGE.name else -amount
                for kind, amount in connection.execute(query)
            )

    def check_money(self) -> None:
        """The oracle after anything: nothing lost, nothing doubled.

        Machine and books are compared as far as each can know of the other: the machine
        holds what is posted, or that and the one recharge that is open, to the paisa.
        """
        record = self.psd().record
        registers = record.registers
        assert (
            registers.ascending_paise + registers.descending_paise
            == registers.control_total_paise
        )
        with self.store.reading() as connection:
            assert verify_books(connection) == []
        assert self.ledger_sum() == 0
        funds = self.balance(f"funds:{LICENCE}")
        reserved = self.balance(f"reserved:{LICENCE}")
        posted = self.balance(f"machine:{LICENCE}")
        assert funds + reserved + posted == -self.balance("department")
        assert registers.control_total_paise in {posted, posted + self.open_effect()}
        assert reserved == max(self.open_effect(), 0)
        assert self.open_recharges() <= 1

    def check_quiet(self, control_total_paise: int) -> None:
        """The oracle at rest: both sides agree and nothing is in doubt."""
        self.check_money()
        record = self.psd().record
        assert record.pending is None
        assert self.open_recharges() == 0
        assert self.balance(f"reserved:{LICENCE}") == 0
        assert self.balance(f"machine:{LICENCE}") == control_total_paise
        assert record.registers.control_total_paise == control_total_paise
        assert self.frozen() is False

    def frozen(self) -> bool:
        query = select(schema.machine.c.frozen).where(
            schema.machine.c.licence == LICENCE
        )
        with self.store.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table, for comparing before and after."""
        with self.store.reading() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=repr
                )
                for table in schema.metadata.sorted_tables
            }

    def _planned(self, call: int) -> VirtualLineParameters:
        return self.plan(call)

    def _cut_line(self) -> None:
        latest = self.line.latest
        if latest is not None:
            latest.cut()


def new_system(folder: Path) -> System:
    """Make a system that is enrolled, installed and funded, and has not dialled."""
    folder.mkdir(exist_ok=True)
    wall = MemoryWallClock(BEGAN)
    store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
    migrate(store)
    store.close()
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    credential = IDENTITY.credential.with_credit_key(1, CREDIT_KEY.signing.public)
    manufacture(
        nvram,
        psd_serial=SERIAL,
        licence=LICENCE,
        realm=Realm.TEST,
        servers=[ServerProvisioning(credential, wall.now())],
        maker=MAKER,
        entropy=SeededEntropy(b"keys of the machine"),
        clock=wall,
    )
    system = System(folder, nvram, b"new system")
    psd = system.psd()
    psd.install(560001)
    new = NewLicence(NUMBER, LICENSEE, date(2031, 8, 15))
    system.administration.enrol(psd.provisioning(wall.now()), new, system.by())
    system.deposit(DEPOSITED_PAISE)
    return system


def cut_after(octets: int) -> CallPlan:
    """Plan a line whose carrier is lost after so many octets, both ways together."""
    return every_call(replace(LINE, cut_after_octets=octets))
