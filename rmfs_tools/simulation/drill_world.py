"""What a restore drill is made of: a server in its folder, machines, lines, one clock.

The server's folder, keys and SQLite file are those that `rmfs server init` makes, with
the product's own settings of the database. Machines are real PSDs over memories in this
process, dialled by the firmware's own dial-in. Time, lines and the channel are
simulated: the channel's double draws nothing from outside, so that one seed gives one
history. Everything that the Department and the maker have sent lies in an archive, as
an operator has it: fund files and provisioning files.
"""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final, TypeVar

from twisted.internet.task import Clock

from fm_device.dial_in import DialInReport, Progress
from fm_device.program import dial
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.franking import Frank, FrankOrder
from fm_device.psd.memory import NVRAM_OCTETS
from hw.database import Store, open_store
from hw.entropy import SeededEntropy
from hw.lines.exchange import VirtualExchange, every_call
from hw.lines.virtual import VirtualLineParameters
from hw.nvram import MemoryNvram
from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannelPort,
    ServerChannelPort,
)
from protocol.dialogue.machine import Request, VoucherApplied
from protocol.dialogue.server import Delivered
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    MachineIdentity,
    MachineProvisioning,
    MakerKey,
    Realm,
    ServerCredential,
    ServerProvisioning,
    SigningKey,
    read_private_key,
    write_provisioning,
)
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import (
    BOOKS,
    MAKER_KEY,
    ServerFolder,
    Settings,
    create_server,
)
from rmfs_server.limits import Limits
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import check_version
from rmfs_server.writer import ImmediateWriter
from rmfs_tools.fleet_simulated import VirtualWallClock
from rmfs_tools.simulation.drill_bodies import Body, Dice, DrillError, Life

BEGAN: Final = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
EXPIRES: Final = date(2031, 8, 15)
LINE: Final = VirtualLineParameters(bit_s=33_600, delay_s=0.02)
PIN_CODE: Final = 560_001
CLASSES: Final = 4
_STEPS_MAX: Final = 200_000

T = TypeVar("T")


@dataclass
class Archive:
    """What came from outside, in files: it is there when the disk is lost.

    Attributes:
        folder: Where it is kept.
        fund_files: In the order in which they came.
    """

    folder: Path
    fund_files: list[Path] = field(default_factory=list)

    def provisioning(self, licence: LicenceIdentifier) -> Path:
        """Name the maker's file of a machine."""
        return self.folder / f"{licence}.json"


class DrillWorld:
    """One server, many machines, and the lines between them."""

    def __init__(self, folder: Path, seed: int) -> None:
        """Make the server in a new folder, as `rmfs server init` does, and start it."""
        self.reactor = Clock()
        self.wall = VirtualWallClock(self.reactor, BEGAN)
        self.archive = Archive(folder / "archive")
        self.archive.folder.mkdir(parents=True)
        self.server: ServerFolder = create_server(
            folder / "server",
            Settings("DRILL", Realm.TEST, two_persons=True),
            entropy=self._entropy(seed, "server"),
            clock=self.wall,
        )
        scalar = read_private_key((self.server.folder / MAKER_KEY).read_bytes())
        self.maker = MakerKey("maker", Realm.TEST, SigningKey(scalar))
        self.dial_ins = 0
        self._seed = seed
        self._keys = self._entropy(seed, "machines")
        self._marks = self._entropy(seed, "marks")
        self._channels = 0
        self._lose: str | None = None
        self.line = VirtualExchange(self.reactor, every_call(LINE))
        self.store: Store
        self.start_server()

    # The server.

    def start_server(self) -> None:
        """Start a server on the books as they are."""
        self.store = open_store(self.server.database_url)
        check_version(self.store)
        exchange = Exchange(
            reactor=self.reactor,
            books=Books(
                self.store,
                self.server.credit_key,
                self._marks,
                self.server.find_credit_key,
            ),
            writer=_LosingWriter(self._answered),
            make_channel=self._server_channel,
            wall_clock=self.wall,
            limits=Limits(),
        )
        self.line.listen(exchange.answer)

    def stop_server(self) -> None:
        """End the server; nobody answers any more."""
        self.line.close()
        self.store.close()

    def back_up(self, copy: Path) -> None:
        """Copy the books with SQLite's online backup, while the server runs."""
        source = sqlite3.connect(self.server.folder / BOOKS)
        target = sqlite3.connect(copy)
        try:
            source.backup(target)
        finally:
            target.close()
            source.close()

    def lose_the_disk(self, copy: Path) -> None:
        """Delete the books with all that belongs to them, and put a copy back."""
        for path in self.server.folder.glob(f"{BOOKS}*"):
            path.unlink()
        books = self.server.folder / BOOKS
        descriptor = os.open(books, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(copy.read_bytes())

    @property
    def administration(self) -> Administration:
        """What an operator does to the books."""
        return Administration(
            self.store, self.server.credit_key, self.server.find_credit_key
        )

    def by(self, reason: str) -> By:
        """Say who acts: two persons, for the server asks for two."""
        return By("asha", reason, self.wall.now(), "ravi")

    # The Department and the maker.

    def make_body(self, index: int) -> Body:
        """Make a machine and install it; its provisioning goes into the archive."""
        dice = Dice(b"body %d of %d" % (index, self._seed))
        body = Body(index, MemoryNvram.erased(NVRAM_OCTETS), dice)
        body.begin(0)
        credential = self.server.identity.credential.with_credit_key(
            self.server.credit_key.key_id, self.server.credit_key.signing.public
        )
        manufacture(
            body.nvram,
            psd_serial=f"PSD{index:05}",
            licence=body.licence,
            realm=Realm.TEST,
            servers=[ServerProvisioning(credential, self.wall.now())],
            maker=self.maker.public,
            entropy=self._keys,
            clock=self.wall,
        )
        psd = self.psd(body)
        psd.install(PIN_CODE)
        self._archive(body, psd)
        return body

    def begin_life(self, body: Body) -> Life:
        """Give a withdrawn machine its next life, with the maker's file of it."""
        psd = self.psd(body)
        psd.reinitialise(body.licence_of(len(body.lives)), self._keys)
        body.begin(psd.record.registers.control_total_paise)
        self._archive(body, psd)
        return body.life

    def enrol(self, life: Life) -> None:
        """Enrol a life from the maker's file."""
        self.administration.enrol(
            self.provisioning_of(life),
            NewLicence(life.number, life.licensee, EXPIRES),
            self.by("enrolment"),
        )

    def provisioning_of(self, life: Life) -> MachineProvisioning:
        """Read the maker's file of a life."""
        return self.server.read_enrolment(self.archive.provisioning(life.licence))

    def _archive(self, body: Body, psd: Psd) -> None:
        text = write_provisioning(psd.provisioning(self.wall.now()), self.maker)
        self.archive.provisioning(body.licence).write_text(text, "utf-8")

    def send_funds(self, deposits: list[tuple[Body, int]]) -> Path:
        """Let the Department send a fund file; it is in the archive, not in the books.

        Args:
            deposits: For whom, and how many paise.
        """
        today = business_date(self.wall.now())
        lines = tuple(
            DetailLine(
                line_id=str(place),
                licence=body.licence,
                licence_number=body.life.number,
                licensee=body.life.licensee,
                amount_paise=amount,
                mode=PaymentMode.NETBANKING,
                value_date=today,
                available_from=today,
            )
            for place, (body, amount) in enumerate(deposits, 1)
        )
        name = f"FND-N-{len(self.archive.fund_files) + 1:04}"
        path = self.archive.folder / f"{name}.txt"
        path.write_bytes(encode_fund_file(FundFile.by_hand(name, "N", today, lines)))
        self.archive.fund_files.append(path)
        for body, amount in deposits:
            body.life.deposited_paise += amount
        return path

    # The machines.

    def psd(self, body: Body) -> Psd:
        """Switch a machine on."""
        return Psd(body.nvram, self.wall, self._machine_channel)

    def frank(self, body: Body, value_paise: int) -> None:
        """Frank one item.

        Raises:
            DrillError: The machine refuses.
        """
        psd = self.psd(body)
        product_class = body.dice.among(1, CLASSES)
        done = psd.debit(FrankOrder(Paise(value_paise), product_class))
        if not isinstance(done, Frank):
            raise DrillError(f"{body.licence} does not frank: {done.name}")
        psd.complete(done.item)

    def dial(
        self, body: Body, request: Request, *, lose: str | None = None
    ) -> DialInReport:
        """Dial once; simulated time runs until the line has ended.

        Args:
            body: Which machine.
            request: What it asks for; what is pending stands before it.
            lose: ``VOUCHER`` or ``CONFIRMATION``: the carrier is lost while that is
                under way, after its sender has stored it.

        Raises:
            DrillError: The dial-in never ends.
        """
        body.dial_ins += 1
        self.dial_ins += 1
        self._lose = lose
        ended: list[DialInReport | BaseException] = []
        dial(
            self.psd(body), request, self.line, self.reactor, on_progress=self._heard
        ).addCallbacks(ended.append, lambda failure: ended.append(failure.value))
        for _ in range(_STEPS_MAX):
            if ended:
                break
            due = min(call.getTime() for call in self.reactor.getDelayedCalls())
            self.reactor.advance(max(0.0, due - self.reactor.seconds()))
        else:
            raise DrillError(f"a dial-in of {body.licence} never ends")
        self._lose = None
        report = ended[0]
        if isinstance(report, BaseException):
            raise report
        return report

    def _heard(self, progress: Progress) -> None:
        if self._lose == "CONFIRMATION" and isinstance(progress, VoucherApplied):
            self._cut()

    def _answered(self, answer: object) -> None:
        delivered = isinstance(answer, tuple) and isinstance(answer[-1], Delivered)
        if self._lose == "VOUCHER" and delivered:
            self._cut()

    def _cut(self) -> None:
        self._lose = None
        if self.line.latest is not None:
            self.line.latest.cut()

    def _machine_channel(
        self, identity: MachineIdentity, server: ServerCredential
    ) -> MachineChannelPort:
        return DoubleMachineChannel(identity, server, self._channel_seed())

    def _server_channel(self) -> ServerChannelPort:
        return DoubleServerChannel(self.server.identity, self._channel_seed())

    def _channel_seed(self) -> bytes:
        """Give a seed that no channel had before."""
        self._channels += 1
        return b"channel %d of %d" % (self._channels, self._seed)

    @staticmethod
    def _entropy(seed: int, purpose: str) -> SeededEntropy:
        return SeededEntropy(b"drill %d, %s" % (seed, purpose.encode()))


class _LosingWriter(ImmediateWriter):
    """Tells of each answer after it is stored and before it is sent."""

    def __init__(self, answered: Callable[[object], None]) -> None:
        self._answered = answered

    def submit(
        self,
        job: Callable[[], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run `job` now, and tell of its answer first."""

        def tell(result: T) -> None:
            self._answered(result)
            done(result)

        super().submit(job, tell, failed)
