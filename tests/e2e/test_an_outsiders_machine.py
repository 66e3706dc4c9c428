"""The product's server over TCP, and a machine that was written from SPEC.md alone.

The machine (`tests/witness/spec_machine.py`) shares no code with the product; it runs
in a thread of its own, as it would in another process, and all that passes between the
two are provisioning files and octets. In the second half the server is a process, and
its operator gives commands. Every test ends with the oracles of the books.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import select
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from hw.clock import MemoryWallClock
from hw.database import open_store
from hw.entropy import SeededEntropy, SystemEntropy
from hw.lines.tcp import TcpListener
from hw.reactor import MonotonicReactor
from protocol.channel import ServerChannel
from protocol.exchange import DetailLine, FundFile, PaymentMode, encode_fund_file
from protocol.keys import (
    CreditKey,
    MakerKey,
    Realm,
    ServerIdentity,
    ServerProvisioning,
    SigningKey,
    read_machine_provisioning,
    write_provisioning,
)
from protocol.messages import OrderKind
from protocol.values import LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.calls import Exchange
from rmfs_server.enrolling import NewLicence
from rmfs_server.folder import open_books
from rmfs_server.funds import import_fund_file
from rmfs_server.limits import Limits
from rmfs_server.store import ledger, schema
from rmfs_server.store.acts import By
from rmfs_server.store.migrations import migrate
from rmfs_server.store.verify import verify_books
from rmfs_server.writer import GroupWriter
from tests.processes import ROOT, UNSIGNED, Server, done, rmfs
from tests.reactor import run_on_reactor
from tests.system import OPENED
from tests.witness import spec_keys
from tests.witness.spec_contents import content_id
from tests.witness.spec_keys import PeerError
from tests.witness.spec_link import (
    MODULUS,
    Deframer,
    Kind,
    LineLostError,
    LinkEndedError,
    TcpLine,
    decode,
    unstuff,
)
from tests.witness.spec_machine import (
    Capability,
    NotPossibleError,
    Psd,
    Request,
    SpecMachine,
    State,
    Voucher,
    new_psd,
)
from tests.witness.spec_messages import Fields, Row, unpack

LICENCE = LicenceIdentifier("N123456")
LICENSEE = "Bharat Stationers, Bengaluru"
DEPOSITED_PAISE = 500_000
RS_2000 = 200_000
UNEXPECTED, SUPERSEDED = 5, 8
AMOUNT_STEP, FUNDS_SHORT, MARK_WRONG, NUMBER_AHEAD, ACCOUNT_FROZEN = 1, 2, 36, 37, 40
FASTER = 20.0

T = TypeVar("T")


class Office:
    """A server with books, an outsider's machine enrolled and funded there."""

    def __init__(self, folder: Path) -> None:
        self.wall = MemoryWallClock(datetime.now(UTC))
        self.entropy = SeededEntropy(b"an office")
        self.identity = ServerIdentity.generate("TEST-OEM", Realm.TEST, 1, self.entropy)
        self.credit_key = CreditKey.generate(1, Realm.TEST, self.entropy)
        self.books = folder / "books.sqlite"
        self.start()
        migrate(self.store)
        self.images: list[str] = []
        factory = spec_keys.draw_scalar(self.entropy.octets)
        self.paper = self._server_paper(factory)
        self.machine = self.switch_on(self._enrolled(factory))
        self._deposit()

    def start(self) -> None:
        """Open the books, as a server does that starts."""
        self.store = open_store(f"sqlite:///{self.books}")
        OPENED.append(self.store)

    @property
    def administration(self) -> Administration:
        return Administration(self.store, self.credit_key)

    def by(self) -> By:
        return By("tester", "a test", self.wall.now())

    def switch_on(
        self, psd: Psd, monotonic: Callable[[], float] = time.monotonic
    ) -> SpecMachine:
        return SpecMachine(
            psd,
            [self.paper],
            store=self.images.append,
            entropy=self.entropy.octets,
            monotonic=monotonic,
            wall_clock_s=lambda: int(time.time()),
        )

    def open(self, job: Callable[[int], T]) -> T:
        """Serve on a port of loopback while `job`, told the port, runs."""

        async def scenario(reactor: MonotonicReactor) -> T:
            books = Books(self.store, self.credit_key, self.entropy)
            writer = GroupWriter(reactor, books)
            exchange = Exchange(
                reactor=reactor,
                books=books,
                writer=writer,
                make_channel=lambda: ServerChannel(self.identity),
                wall_clock=self.wall,
                limits=Limits(),
            )
            listener = TcpListener(reactor, "127.0.0.1", 0)
            listener.listen(exchange.answer)
            port = int(listener.address.rpartition(":")[2])
            pool = ThreadPool(1, 1, "machine")
            pool.start()
            try:
                return await deferToThreadPool(reactor, pool, job, port)
            finally:
                pool.stop()
                writer.stop()
                listener.close()

        return run_on_reactor(scenario, timeout_s=60.0)

    def check(self, control_total_paise: int) -> None:
        """Nothing lost, nothing doubled; both sides agree."""
        psd = self.machine.psd
        assert psd.ascending_paise + psd.descending_paise == control_total_paise
        assert psd.control_total_paise == control_total_paise
        assert psd.pending == Request.INSPECTION
        assert Psd.from_json(self.images[-1]) == psd
        with self.store.reading() as connection:
            assert verify_books(connection) == []
        names = ("funds", "reserved", "machine")
        balances = [self._balance(f"{name}:{LICENCE}") for name in names]
        assert balances == [
            DEPOSITED_PAISE - control_total_paise,
            0,
            control_total_paise,
        ]

    def frozen(self) -> bool:
        query = select(schema.machine.c.frozen).where(
            schema.machine.c.licence == LICENCE
        )
        with self.store.reading() as connection:
            return bool(connection.execute(query).scalar_one())

    def _server_paper(self, factory: bytes) -> spec_keys.ServerPaper:
        """The server's operator hands a file over; the machine believes the maker."""
        maker = MakerKey("FACTORY", Realm.TEST, SigningKey(factory))
        credential = self.identity.credential.with_credit_key(
            1, self.credit_key.signing.public
        )
        text = write_provisioning(
            ServerProvisioning(credential, self.wall.now()), maker
        )
        known = spec_keys.Maker(spec_keys.public_point(factory), "T", "FACTORY")
        paper = spec_keys.read_file(text.encode(), {known.fingerprint: known})
        assert isinstance(paper, spec_keys.ServerPaper)
        return paper

    def _enrolled(self, factory: bytes) -> Psd:
        """The machine's file is written by the outsider and read by the product."""
        psd = new_psd("T", LICENCE, "OUTSIDE1", self.entropy.octets)
        paper = psd.paper(int(self.wall.now()), "MODEL X", "1.0")
        document = spec_keys.write_file(paper, factory, "FACTORY")
        provisioning = read_machine_provisioning(
            json.dumps(document).encode(),
            [MakerKey("FACTORY", Realm.TEST, SigningKey(factory)).public],
        )
        new = NewLicence(LicenceNumber("KN0600065"), LICENSEE, date(2099, 8, 15))
        self.administration.enrol(provisioning, new, self.by())
        return psd

    def _deposit(self) -> None:
        line = DetailLine(
            line_id="1",
            licence=LICENCE,
            licence_number=LicenceNumber("KN0600065"),
            licensee=LICENSEE,
            amount_paise=Paise(DEPOSITED_PAISE),
            mode=PaymentMode.NETBANKING,
            value_date=date(2026, 9, 16),
            available_from=date(2026, 9, 17),
        )
        file = FundFile.by_hand("FND-N-0001", "N", date(2026, 9, 16), (line,))
        import_fund_file(self.store, encode_fund_file(file), self.wall.now())

    def _balance(self, account: str) -> int:
        names = schema.account.c
        query = (
            select(schema.entry.c.amount_paise)
            .join(schema.account, names.id == schema.entry.c.account)
            .where(names.name == account)
        )
        with self.store.reading() as connection:
            return sum(connection.execute(query).scalars())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


class SpoiltLine:
    """A TCP line on which something happens to one I frame of one direction."""

    def __init__(self, port: int, *, from_machine: bool, number: int) -> None:
        self._tcp = TcpLine("127.0.0.1", port)
        self._from_machine = from_machine
        self._until = number
        self._next = 0
        self._deframer = Deframer()

    def send(self, octets: bytes) -> None:
        self._tcp.send(self._through(octets) if self._from_machine else octets)

    def receive(self, timeout_s: float) -> bytes:
        octets = self._tcp.receive(timeout_s)
        return octets if self._from_machine else self._through(octets)

    def close(self) -> None:
        self._tcp.close()

    @property
    def spoilt(self) -> bool:
        return self._until <= 0

    def _through(self, octets: bytes) -> bytes:
        for frame in map(decode, self._deframer.take(octets)):
            # What is sent again, since somebody was stopped for a while, is no new one.
            new = frame is not None and (frame.kind, frame.ns) == (Kind.I, self._next)
            if new:
                self._next = (self._next + 1) % MODULUS
                self._until -= 1
                if self._until == 0:
                    return self.spoil(octets)
        return octets

    def spoil(self, octets: bytes) -> bytes:
        """What the line makes of the octets that hold the frame."""
        raise NotImplementedError


class CutLine(SpoiltLine):
    """It is cut there; the frame does not arrive."""

    def spoil(self, octets: bytes) -> bytes:
        self._tcp.close()
        raise LineLostError("cut")


class DamagedLine(SpoiltLine):
    """A bit of the frame is turned there, and the machine's waits are shorter.

    Attributes:
        waited_s: How long the machine has waited in vain: its time. A computer that
            stops for a while takes none of its patience.
    """

    waited_s = 0.0

    def receive(self, timeout_s: float) -> bytes:
        octets = super().receive(timeout_s / FASTER)
        self.waited_s += 0.0 if octets else timeout_s
        return octets

    def spoil(self, octets: bytes) -> bytes:
        return octets[:-4] + bytes([octets[-4] ^ 1]) + octets[-3:]


def dial(machine: SpecMachine, port: int, *request: Any) -> Any:
    machine.connect("127.0.0.1", port)
    return machine.dial(*request)


def test_two_recharges_and_an_inspection(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        for after in (300_000, 100_000):
            outcome = dial(machine, port, Request.RECHARGE, RS_2000)
            assert outcome.applied is Voucher.RECHARGE
            assert outcome.funds_paise == after
        outcome = dial(machine, port)
        assert outcome.complete
        assert outcome.applied is None

    office.open(job)
    assert machine.psd.recharge_number == 2
    office.check(2 * RS_2000)


CUTS = [(True, n) for n in range(1, 5)] + [(False, n) for n in range(1, 4)]


@pytest.mark.parametrize(("from_machine", "number"), CUTS)
def test_a_line_lost_in_the_midst_of_a_download_is_credited_once(
    office: Office, from_machine: bool, number: int
) -> None:
    machine = office.machine

    def job(port: int) -> None:
        machine.connect_line(CutLine(port, from_machine=from_machine, number=number))
        with pytest.raises(LinkEndedError):
            machine.dial(Request.RECHARGE, RS_2000)
        # Switched off and on again: only what was stored is left.
        office.machine = office.switch_on(Psd.from_json(office.images[-1]))
        assert dial(office.machine, port).complete

    office.open(job)
    office.check(RS_2000)


@pytest.mark.parametrize(("from_machine", "number"), CUTS)
def test_a_frame_that_the_line_damages_is_sent_again(
    office: Office, from_machine: bool, number: int
) -> None:
    def job(port: int) -> None:
        line = DamagedLine(port, from_machine=from_machine, number=number)
        machine = office.switch_on(office.machine.psd, lambda: line.waited_s)
        office.machine = machine
        machine.connect_line(line)
        assert machine.dial(Request.RECHARGE, RS_2000).complete
        assert line.spoilt

    office.open(job)
    office.check(RS_2000)


class OddLine(TcpLine):
    """What it sends is in order, but never in the form that one would choose."""

    def __init__(self, port: int, form: Callable[[bytes], list[bytes]]) -> None:
        super().__init__("127.0.0.1", port)
        self._form = form

    def send(self, octets: bytes) -> None:
        for piece in self._form(octets):
            super().send(piece)


def octet_by_octet(octets: bytes) -> list[bytes]:
    return [bytes([octet]) for octet in octets]


def with_many_flags(octets: bytes) -> list[bytes]:
    return [octets.replace(b"\x7e", b"\x7e\x7e\x7e")]


def with_noise_around(octets: bytes) -> list[bytes]:
    return [b"\r\nCONNECT 33600\r\n" + octets + b"\x00\xff}NO CARRIER"]


def all_escaped(octets: bytes) -> list[bytes]:
    escaped = bytearray()
    for frame in octets.split(b"\x7e"):
        for octet in frame_octets(frame):
            plain = octet in {0x5D, 0x5E}
            escaped += bytes([octet]) if plain else bytes([0x7D, octet ^ 0x20])
        escaped.append(0x7E)
    return [bytes(escaped)]


def frame_octets(between: bytes) -> bytes:
    octets = unstuff(between)
    assert octets is not None
    return octets


@pytest.mark.parametrize(
    "form", [octet_by_octet, with_many_flags, with_noise_around, all_escaped]
)
def test_every_form_of_the_same_frames_is_understood(
    office: Office, form: Callable[[bytes], list[bytes]]
) -> None:
    def job(port: int) -> None:
        office.machine.connect_line(OddLine(port, form))
        assert office.machine.dial(Request.RECHARGE, RS_2000).complete

    office.open(job)
    office.check(RS_2000)


@pytest.mark.parametrize("segment_octets", [1, 31])
def test_short_frames_make_the_same_messages(
    office: Office, segment_octets: int
) -> None:
    office.machine.segment_octets = segment_octets
    office.open(lambda port: dial(office.machine, port, Request.RECHARGE, RS_2000))
    office.check(RS_2000)


class KeptLine(TcpLine):
    """A line that stays up between two calls."""

    def close(self) -> None:
        return


def test_a_second_call_may_follow_on_the_same_line(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        line = KeptLine("127.0.0.1", port)
        for _ in range(2):
            machine.connect_line(line)
            assert machine.dial(Request.RECHARGE, RS_2000).complete
        TcpLine.close(line)

    office.open(job)
    office.check(2 * RS_2000)


def test_nothing_is_franked_in_the_midst_of_a_dialogue(office: Office) -> None:
    machine = office.machine
    refused: list[bool] = []

    class FrankingLine(TcpLine):
        def receive(self, timeout_s: float) -> bytes:
            octets = super().receive(timeout_s)
            with pytest.raises(NotPossibleError):
                machine.frank(3, 0)
            refused.append(True)
            return octets

    def job(port: int) -> None:
        dial(machine, port)
        machine.connect_line(FrankingLine("127.0.0.1", port))
        assert machine.dial(Request.RECHARGE, RS_2000).complete

    office.open(job)
    assert refused
    machine.frank(3, 0)
    office.check(RS_2000)


def test_an_older_dial_in_is_superseded_and_changes_nothing(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        dial(machine, port, Request.RECHARGE, RS_2000)
        dial(machine, port)
        machine.psd = replace(machine.psd, dial_in=0)
        with pytest.raises(PeerError) as error:
            dial(machine, port)
        assert error.value.code == SUPERSEDED

    office.open(job)
    assert not office.frozen()
    office.check(RS_2000)


def test_what_was_franked_is_reported(office: Office) -> None:
    machine = office.machine
    classes = (1, 3, 3, 7, 9, 11, 200)

    def job(port: int) -> None:
        dial(machine, port, Request.RECHARGE, RS_2000)
        for product_class in classes:
            machine.frank(product_class, 500 + product_class)
        machine.frank(3, 0)
        assert dial(machine, port).complete
        assert machine.psd.reported == machine.psd.usage
        assert machine.changed_rows() == {}
        machine.frank(7, 100)
        assert dial(machine, port).complete

    office.open(job)
    assert machine.psd.reported[7] == Row(2, 607)
    office.check(RS_2000)


def test_refusals_are_understood_and_end_the_request(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        odd = dial(machine, port, Request.RECHARGE, 15_000)
        assert (odd.refusal, odd.complete) == (AMOUNT_STEP, True)
        much = dial(machine, port, Request.RECHARGE, 1_000_000)
        assert (much.refusal, much.allowed_paise) == (FUNDS_SHORT, DEPOSITED_PAISE)
        assert dial(machine, port, Request.RECHARGE, RS_2000).refusal is None

    office.open(job)
    office.check(RS_2000)


def test_orders_are_taken(office: Office) -> None:
    machine = office.machine
    for kind, value in ((OrderKind.NEXT_CALL, 2_000_000_000), (OrderKind.LOCK, 1)):
        office.administration.order(LICENCE, kind, value, office.by())

    def job(port: int) -> None:
        assert dial(machine, port).complete
        assert (machine.psd.state, machine.psd.next_call_s) == (
            State.LOCKED,
            2_000_000_000,
        )
        office.administration.order(LICENCE, OrderKind.UNLOCK, 0, office.by())
        assert dial(machine, port).complete

    office.open(job)
    assert (machine.psd.state, machine.psd.order_serial) == (State.IN_SERVICE, 3)
    office.check(0)


def test_a_voucher_taken_back_is_void_and_its_funds_are_free(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        machine.connect_line(CutLine(port, from_machine=False, number=2))
        with pytest.raises(LinkEndedError):
            machine.dial(Request.RECHARGE, RS_2000)
        office.administration.void(LICENCE, office.by())
        assert dial(machine, port).applied is Voucher.VOID

    office.open(job)
    assert machine.psd.recharge_number == 1
    office.check(0)


def test_a_withdrawal_gives_the_whole_credit_back(office: Office) -> None:
    machine = office.machine

    def job(port: int) -> None:
        dial(machine, port, Request.RECHARGE, RS_2000)
        machine.frank(3, 1_000)
        assert dial(machine, port, Request.WITHDRAWAL).applied is Voucher.WITHDRAWAL

    office.open(job)
    psd = machine.psd
    assert (psd.state, psd.descending_paise) == (State.WITHDRAWN, 0)
    office.check(1_000)


def test_a_refund_gives_a_part_of_the_credit_back(office: Office) -> None:
    machine = office.machine
    office.administration.set_licence(LICENCE, office.by(), refund_allowed=True)

    def job(port: int) -> None:
        dial(machine, port, Request.RECHARGE, RS_2000)
        assert dial(machine, port, Request.REFUND, 50_000).applied is Voucher.REFUND

    office.open(job)
    office.check(150_000)


def test_a_machine_whose_memory_was_copied_back_is_found_out(office: Office) -> None:
    def job(port: int) -> None:
        dial(office.machine, port)
        copied = office.images[-1]
        dial(office.machine, port)
        dial(office.machine, port)
        honest = office.machine
        office.machine = office.switch_on(Psd.from_json(copied))
        # Within the second of a later dial-in, the copy would pass for a slow line.
        office.wall.advance(1)
        outcome = dial(office.machine, port)
        assert (outcome.refusal, outcome.complete) == (MARK_WRONG, False)
        office.machine = honest
        assert dial(honest, port).refusal == ACCOUNT_FROZEN

    office.open(job)
    assert office.frozen()
    office.check(0)


@pytest.mark.parametrize(
    ("refusal", "doctored"),
    [
        (32, {"descending_paise": 199_001}),
        (33, {"descending_paise": 199_100, "control_total_paise": 200_100}),
        (34, {"ascending_paise": 900, "descending_paise": 199_100}),
        (35, {"items": 0}),
        (35, {"items_with_zero": 1}),
        (36, {"mark": b"no mark."}),
        (37, {"recharge_number": 2}),
        (38, {"recharge_number": 0}),
        (39, {"usage": {3: Row(2, 1_001)}}),
    ],
)
def test_each_discrepancy_is_named_and_freezes(
    office: Office, refusal: int, doctored: dict[str, Any]
) -> None:
    machine = office.machine

    def job(port: int) -> None:
        dial(machine, port, Request.RECHARGE, RS_2000)
        machine.frank(3, 1_000)
        machine.frank(3, 0)
        dial(machine, port)
        false = office.switch_on(replace(machine.psd, **doctored))
        assert dial(false, port).refusal == refusal
        assert not dial(machine, port).complete, "nothing goes on before a person came"

    office.open(job)
    assert office.frozen()
    office.check(RS_2000)


def test_a_server_on_an_old_copy_is_shown_the_last_voucher(office: Office) -> None:
    machine = office.machine
    office.store.close()
    old = office.books.read_bytes()
    office.start()
    office.open(lambda port: dial(machine, port, Request.RECHARGE, RS_2000))
    office.store.close()
    office.books.write_bytes(old)
    office.start()

    outcome = office.open(lambda port: dial(machine, port))
    assert outcome.refusal == NUMBER_AHEAD
    assert office.frozen()
    with office.store.reading() as connection:
        assert verify_books(connection) == []


# The server as a process, looked after by commands; the machine offers everything.


TARIFF_FILE = """\
number = 9
valid_from = 2025-10-01
name = "Own sample, for an outsider"
source = "own sample: invented"

[[classes]]
number = 3
letters = "L"
name = "letter"
weight_max_g = 500
steps = [{ up_to_g = 20, paise = [700] }]
further = { every_g = 20, paise = [650] }
source = "own sample: invented"
"""
FUND_FILE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
MODEL = "MODEL X"
LICENCE_WITHHELD, MACHINE_STATE = 6, 9


@dataclass(frozen=True)
class Counter:
    """A server's folder, a running server's port, and the files of its operator."""

    folder: Path
    port: int = 0

    @property
    def server(self) -> Path:
        return self.folder / "rmfs-server"

    @property
    def maker_file(self) -> Path:
        return self.server / "maker.pem"

    @property
    def memory(self) -> Path:
        return self.folder / "memory.json"

    def run(self, *arguments: object) -> str:
        """Run a command of the operator, who needs no running server for it."""
        return done("server", *arguments, "--server", self.server)

    def order(self, *kind_and_value: object) -> None:
        self.run("order", LICENCE, *kind_and_value)

    def signed(self, name: str, *arguments: object) -> Path:
        """Have the maker sign a content; its file."""
        file = self.folder / name
        done("maker", *arguments, "--key", self.maker_file, "--out", file)
        return file

    def firmware(self) -> Path:
        said = ("--version", "2.0.0", "--notes", "new", "--octets", 1_200)
        return self.signed("2.0.0.fmpc", "firmware", *said)

    def waiting(self) -> list[int]:
        """The serials of orders that were neither acknowledged nor taken back."""
        orders = json.loads(self.run("orders", LICENCE, "--json"))["orders"]
        ends = ("acknowledged_at", "taken_back_at")
        return [o["serial"] for o in orders if not any(o[end] for end in ends)]

    def slogan_of_the_outsider(self) -> bytes:
        """A content that the product's server has to believe (CONT-1.1)."""
        body = (
            b'{"approved":"LA/KN/2026/18","customer":0,"lines":["PLANT TREES"],'
            b'"name":"Trees","number":3}'
        )
        numbers = (3, int(time.time()), 0, len(body))
        head = b"FMPC\x01\x11T\x00" + MODEL.encode().ljust(16, b"\x00")
        front = head + b"".join(n.to_bytes(4, "big") for n in numbers) + body
        return front + spec_keys.sign(self.maker_scalar(), "CONTENT", "T", front)

    def maker_scalar(self) -> bytes:
        key = load_pem_private_key(self.maker_file.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key.private_numbers().private_value.to_bytes(32, "big")

    def switch_on(
        self,
        offers: Capability = Capability.ALL,
        ahead_s: int = 0,
        kind: type[SpecMachine] = SpecMachine,
    ) -> SpecMachine:
        """A machine with what the memory holds, be it the first time or not."""
        point = spec_keys.public_point(self.maker_scalar())
        maker = spec_keys.Maker(point, "T", "maker")
        text = (self.server / "server.json").read_bytes()
        paper = spec_keys.read_file(text, {maker.fingerprint: maker})
        assert isinstance(paper, spec_keys.ServerPaper)
        return kind(
            Psd.from_json(self.memory.read_text()),
            [paper],
            store=self.remember,
            entropy=SystemEntropy().octets,
            monotonic=time.monotonic,
            wall_clock_s=lambda: int(time.time()) + ahead_s,
            maker=maker,
            offers=offers,
            model=MODEL,
            pin="4711",
        )

    def remember(self, text: str) -> None:
        self.memory.write_text(text)

    def check(self, control_total_paise: int) -> None:
        """The money oracles: the books by themselves, and both sides together."""
        assert rmfs("server", "verify", "--server", self.server).code == 0
        psd = Psd.from_json(self.memory.read_text())
        assert psd.ascending_paise + psd.descending_paise == control_total_paise
        assert psd.control_total_paise == control_total_paise
        with open_books(self.server) as store, store.reading() as connection:
            held = [
                ledger.balance_paise(connection, account(LICENCE))
                for account in (ledger.funds_of, ledger.reserved_of, ledger.machine_of)
            ]
        assert held == [
            DEPOSITED_PAISE - control_total_paise,
            0,
            control_total_paise,
        ]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Counter:
    """A server by commands, and an outsider's machine that was enrolled there."""
    counter = Counter(tmp_path_factory.mktemp("opened"))
    done("server", "init", "--server", counter.server)
    psd = new_psd("T", LICENCE, "OUTSIDE1", SystemEntropy().octets)
    paper = psd.paper(int(time.time()), MODEL, "1.0")
    document = spec_keys.write_file(paper, counter.maker_scalar(), "maker")
    enrolment = counter.folder / "provisioning.json"
    enrolment.write_text(json.dumps(document))
    licence = ("--number", "KN0600065", "--licensee", LICENSEE)
    counter.run("enrol", enrolment, *licence, "--expires", "2099-08-15")
    counter.run("import-funds", FUND_FILE, *UNSIGNED)
    counter.memory.write_text(psd.to_json())
    return counter


@pytest.fixture
def counter(opened: Counter, tmp_path: Path) -> Iterator[Counter]:
    """A copy of it whose server runs."""
    shutil.copytree(opened.folder, tmp_path, dirs_exist_ok=True)
    with Server(tmp_path / "rmfs-server") as server:
        yield Counter(tmp_path, server.port)
        assert server.is_running


def test_a_tariff_and_slogans_of_the_maker_are_taken(counter: Counter) -> None:
    """DLG-10.9, DLG-16, CONT-4, CONT-5, CONT-8; SLOGAN_OFF by DLG-10.10."""
    source = counter.folder / "tariff.toml"
    source.write_text(TARIFF_FILE)
    counter.order("tariff", counter.signed("tariff.fmpc", "tariff", source))
    lines = ("--line", "SAVE WATER", "--line", "SAVE LIFE")
    named = ("--number", 2, "--name", "Save water", "--approved", "LA/KN/2026/17")
    counter.order("slogan", counter.signed("2.fmpc", "slogan", *named, *lines))
    written = counter.folder / "3.fmpc"
    written.write_bytes(counter.slogan_of_the_outsider())
    counter.order("slogan", written)

    machine = counter.switch_on()
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    assert machine.slogans[2].lines == ("SAVE WATER", "SAVE LIFE")
    assert machine.slogans[3].lines == ("PLANT TREES",)
    assert machine.frank_mail(3, 41) == 700 + 2 * 650
    counter.order("slogan-off", 2)
    assert dial(machine, counter.port).complete
    assert list(machine.slogans) == [3]
    assert machine.psd.reported == {3: Row(1, 2_000)}
    assert counter.waiting() == []
    counter.check(RS_2000)


def test_a_credit_key_is_rotated_and_a_recharge_is_signed_with_the_new_one(
    counter: Counter,
) -> None:
    """KEY-8.5 to KEY-8.7: nothing is signed with a key that was not acknowledged."""
    machine = counter.switch_on()
    made = json.loads(counter.run("credit-key", "new", "--json"))
    counter.order("credit-key", made["content"])
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    assert credit_key_of(machine) == 1, "the machine did not know the other one yet"
    assert sorted(machine.credit_keys) == [1, 2]
    counter.order("retire-credit-key", 1)
    assert dial(machine, counter.port, Request.RECHARGE, 100_000).complete
    assert credit_key_of(machine) == 2
    assert sorted(machine.credit_keys) == [2]

    again = counter.switch_on()
    assert dial(again, counter.port, Request.RECHARGE, 100_000).complete
    assert credit_key_of(again) == 2
    refused = rmfs(
        *("server", "order", LICENCE, "retire-credit-key", 2),
        *("--server", counter.server),
    )
    assert refused.code == 1, "the only key that the machine has left"
    assert counter.waiting() == []
    counter.check(RS_2000 + 200_000)


def test_the_next_statement_tells_of_a_credit_key_whose_goodbye_was_lost(
    counter: Counter,
) -> None:
    """KEY-8.6: the STATEMENT alone has named the order when the voucher is signed."""
    made = json.loads(counter.run("credit-key", "new", "--json"))
    counter.order("credit-key", made["content"])
    machine = counter.switch_on()
    # GREETING_1, the STATEMENT and one WANT go before the GOODBYE.
    machine.connect_line(CutLine(counter.port, from_machine=True, number=4))
    with pytest.raises(LinkEndedError):
        machine.dial()
    assert (counter.waiting(), sorted(machine.credit_keys)) == ([1], [1, 2])
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    assert (counter.waiting(), credit_key_of(machine)) == ([], 2)
    counter.check(RS_2000)


class Noting(SpecMachine):
    """A machine that remembers the orders it looked at."""

    def take_order(self, fields: Fields) -> bool:
        self.seen = [*getattr(self, "seen", []), fields]
        return super().take_order(fields)


class Prober(SpecMachine):
    """A machine that wants what the test tells it, and keeps nothing of it."""

    def probe(self, port: int, *wants: tuple[int, int]) -> list[tuple[int, int]]:
        """Dial and send WANTs; offset and total of each CONTENT but *not here*."""
        self.to_be_sent, self.came = list(wants), list[tuple[int, int]]()
        assert dial(self, port).complete
        return self.came

    def wanted(self, orders: list[Fields]) -> tuple[int, int] | None:
        return self.to_be_sent.pop(0) if self.to_be_sent else None

    def take_part(self, fields: Fields) -> None:
        self.came.append((fields["offset"], fields["total"]))


def test_a_server_gives_what_it_ordered_and_nothing_else(counter: Counter) -> None:
    """DLG-16.3."""
    ordered = counter.firmware()
    total = len(ordered.read_bytes())
    counter.order("firmware", ordered)
    named = ("--number", 2, "--name", "A", "--approved", "B", "--line", "C")
    unordered = counter.signed("2.fmpc", "slogan", *named)
    ours, other = (content_id(file.read_bytes()) for file in (ordered, unordered))
    machine = counter.switch_on(kind=Prober)
    assert isinstance(machine, Prober)

    last = total // 512 * 512
    wants = ((ours, 512), (ours, last), (ours, 0))
    assert machine.probe(counter.port, *wants) == [(n, total) for _, n in wants]
    for want in ((other, 0), (ours, 1), (ours, last + 512), (ours, 2**32 - 512)):
        assert machine.probe(counter.port, want) == []
    counter.run("take-back", LICENCE, 1, "--reason", "not this one")
    assert machine.probe(counter.port, (ours, 0)) == []
    counter.check(0)


def test_a_server_answers_512_wants_in_one_dialogue(counter: Counter) -> None:
    """DLG-16.6."""
    ordered = counter.firmware()
    counter.order("firmware", ordered)
    want = content_id(ordered.read_bytes()), 0
    machine = counter.switch_on(kind=Prober)
    assert isinstance(machine, Prober)

    machine.wants_max = 513
    assert len(machine.probe(counter.port, *[want] * 512)) == 512
    with pytest.raises(PeerError) as error:
        machine.probe(counter.port, *[want] * 513)
    assert (error.value.code, len(machine.came)) == (UNEXPECTED, 512)
    counter.check(0)


def test_limits_are_kept_by_the_machine(counter: Counter) -> None:
    """DLG-10.8."""
    machine = counter.switch_on()
    counter.order("frank-limit", 10)
    counter.order("funds-limit", 2000)
    counter.order("clock")
    assert dial(machine, counter.port, Request.RECHARGE, 100_000).complete
    assert machine.psd.order_serial == 3
    machine.frank(3, 1_000)
    with pytest.raises(NotPossibleError):
        machine.frank(3, 1_001)
    machine.connect("127.0.0.1", counter.port)
    with pytest.raises(NotPossibleError):
        machine.dial(Request.RECHARGE, RS_2000)
    assert machine.dial(Request.RECHARGE, 100_000).complete
    counter.order("frank-limit", 0)
    counter.order("funds-limit", 0)
    assert dial(machine, counter.port).complete
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    machine.frank(3, 1_001)
    assert dial(machine, counter.port).complete
    counter.check(400_000)


def test_an_order_that_stays_impossible_is_taken_back(counter: Counter) -> None:
    """DLG-10.2, DLG-10.11: what stood behind it is applied at once."""
    machine = counter.switch_on(ahead_s=3 * 86_400, kind=Noting)
    assert isinstance(machine, Noting)
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    counter.order("clock")
    counter.order("lock", 7)
    for _ in range(2):
        began_s = int(time.time())
        assert dial(machine, counter.port).complete
        assert (machine.state, machine.psd.order_serial) == (State.IN_SERVICE, 0)
        assert machine.seen[-1]["value"] >= began_s, "CLOCK is the time of sending"
    counter.run("take-back", LICENCE, 1, "--reason", "it would jump")
    assert dial(machine, counter.port).complete
    assert (State(machine.psd.state), machine.psd.order_serial) == (State.LOCKED, 2)
    assert machine.psd.clock_offset_s == 0
    assert counter.waiting() == []
    counter.check(RS_2000)


def test_a_content_that_is_taken_back_half_fetched_is_fetched_no_more(
    counter: Counter,
) -> None:
    """DLG-10.11, DLG-16.3."""
    machine = counter.switch_on()
    counter.order("firmware", counter.firmware())
    cut_at_frame(machine, counter.port, 9)
    counter.run("take-back", LICENCE, 1, "--reason", "not this one")
    machine = counter.switch_on()
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    assert (machine.wants, machine.psd.order_serial) == ([], 1)
    assert machine.firmware == (1, 0, 0)
    counter.check(RS_2000)


@pytest.mark.parametrize("number", [3, 4, 6, 12, 20])
def test_a_line_cut_in_the_midst_of_a_content_goes_on_where_it_was(
    counter: Counter, number: int
) -> None:
    """DLG-16.5: GREETING_2, the RECEIPT and the ORDER are a frame each, a CONTENT 3."""
    content = counter.firmware()
    counter.order("firmware", content)
    counter.order("lock", 7)
    parts = -(-len(content.read_bytes()) // 512)
    whole = max(0, number - 5) // 3
    cut_at_frame(counter.switch_on(), counter.port, number)

    machine = counter.switch_on()
    assert len(machine.psd.fetched) == 512 * whole
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    assert [offset for _, offset in machine.wants] == [
        512 * part for part in range(whole, parts)
    ]
    assert (machine.firmware, machine.state) == ((2, 0, 0), State.LOCKED)
    assert counter.waiting() == []
    counter.check(RS_2000)


def test_what_a_machine_does_not_offer_is_held_back_until_it_does(
    counter: Counter,
) -> None:
    """DLG-10.6, DLG-10.2: with everything behind it."""
    counter.order("frank-limit", 10)
    counter.order("lock", 7)
    plain = counter.switch_on(Capability.ALL & ~Capability.LIMITS)
    assert dial(plain, counter.port, Request.RECHARGE, RS_2000).complete
    assert (plain.psd.order_serial, plain.state) == (0, State.IN_SERVICE)
    assert counter.waiting() == [1, 2]

    machine = counter.switch_on()
    assert dial(machine, counter.port).complete
    assert (machine.psd.frank_limit_paise, machine.state) == (1_000, State.LOCKED)
    assert counter.waiting() == []
    counter.check(RS_2000)


def test_a_licence_that_is_withheld_stops_the_machine_until_it_is_renewed(
    counter: Counter,
) -> None:
    """DLG-4.9: an inspection tells it, and tells it again."""
    machine = counter.switch_on()
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    for state, expected in (("withheld", "WITHHELD"), ("renewed", "IN_SERVICE")):
        counter.run("licence", LICENCE, "--state", state, "--reason", "a test")
        assert dial(machine, counter.port).complete
        assert machine.state.name == expected
        if expected == "WITHHELD":
            with pytest.raises(NotPossibleError):
                machine.frank(3, 500)
            refusal = dial(machine, counter.port, Request.RECHARGE, 100_000).refusal
            assert refusal == LICENCE_WITHHELD
    machine.frank(3, 500)
    assert dial(machine, counter.port).complete
    counter.check(RS_2000)


def test_a_psd_that_locked_itself_out_recharges_after_an_order(
    counter: Counter,
) -> None:
    """DLG-4.5, DLG-4.10, DLG-10.4."""
    machine = counter.switch_on()
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    while machine.state is not State.LOCKED_OUT:
        assert not machine.enter_pin("0000")
    refused = dial(machine, counter.port, Request.RECHARGE, 100_000)
    assert (refused.refusal, refused.complete) == (MACHINE_STATE, True)
    assert dial(machine, counter.port, Request.WITHDRAWAL).applied is Voucher.WITHDRAWAL
    counter.check(0)


def test_a_psd_that_locked_itself_out_is_unlocked_by_line(counter: Counter) -> None:
    """DLG-4.10, DLG-10.4."""
    machine = counter.switch_on()
    while machine.state is not State.LOCKED_OUT:
        assert not machine.enter_pin("0000")
    counter.order("unlock")
    assert dial(machine, counter.port).complete
    assert State(machine.psd.state) is State.IN_SERVICE
    assert dial(machine, counter.port, Request.RECHARGE, RS_2000).complete
    machine.frank(3, 500)
    assert dial(machine, counter.port).complete
    counter.check(RS_2000)


def credit_key_of(machine: SpecMachine) -> int:
    """The id of the key that signed the voucher applied last."""
    fields = unpack(machine.psd.last_voucher)[1]
    return int(fields["credit_key"])


def cut_at_frame(machine: SpecMachine, port: int, number: int) -> None:
    """Dial, and lose the line with this I frame of the server."""
    machine.connect_line(CutLine(port, from_machine=False, number=number))
    with pytest.raises(LinkEndedError):
        machine.dial()
