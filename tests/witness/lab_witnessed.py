"""Cases of the catalogue, played at a reference stand with the witness beside it.

The witness has the octets of every line and is told, when a case is over, what the
bench kept of the channels: keys and bindings. Who the machine and the server are it
reads from provisioning files, and believes their maker's signature alone.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Case
from hw.lab.player import Player, Result
from hw.lab.trace import Trace, Traffic
from hw.lines.exchange import every_call
from hw.seen.decoding import LineDecoder, Understood
from hw.seen.reading import SeenEvent
from protocol.keys import (
    MachineIdentity,
    MachineProvisioning,
    ServerProvisioning,
    write_provisioning,
)
from protocol.link import Role
from protocol.values import EpochSeconds, Paise, RechargeNumber
from rmfs_tools.lab.reference import (
    LINE,
    machine_bench,
    reference_machine,
    server_bench,
)
from rmfs_tools.lab.reference_server import ReferenceServer
from rmfs_tools.lab.universe import universe
from rmfs_tools.lab.virtual_time import run
from rmfs_tools.lab.zoo.stands import stand_at
from rmfs_tools.lab.zoo.units import FaultyUnit
from rmfs_tools.simulation.clock import SimulatedClock, WorldClock
from rmfs_tools.simulation.setting import CREDIT_KEY, IDENTITY, MAKER_KEY
from tests.oracle.books import open_book
from tests.oracle.channel import Secrets
from tests.oracle.money import Finding, Judge
from tests.oracle.octets import Way
from tests.oracle.vouchers import Stated
from tests.oracle.witness import Heard, Witness
from tests.witness.lab_octets import HeardExchange, Octets
from tests.witness.lab_reading import differences
from tests.witness.spec_keys import MachinePaper, Maker, ServerPaper, read_file

POINT: Final = MAKER_KEY.public.verifying.point
MAKER: Final = Maker(POINT.x + POINT.y, "T", MAKER_KEY.name)
CREDENTIAL: Final = IDENTITY.credential.with_credit_key(
    CREDIT_KEY.key_id, CREDIT_KEY.signing.public
)
SECONDS: Final = EpochSeconds(1_700_000_000)
"""When papers are made here; nothing depends on it."""

Bench = MachineBench | ServerBench


@dataclass(frozen=True)
class Played:
    """A case, as the bench and as the witness saw it.

    Attributes:
        result: The bench's.
        octets: Of all its lines, as they passed.
        lines: What the bench understood of each line, and what the witness heard.
        findings: Of the judge of money.
        before: What the machine had stated before it, to the witness.
        after: What it stated last.
    """

    result: Result
    octets: tuple[Octets, ...]
    lines: tuple[tuple[list[Understood], list[Heard]], ...]
    findings: tuple[Finding, ...]
    before: Stated
    after: Stated

    @property
    def differences(self) -> list[str]:
        """Where the two readings differ."""
        return [
            words
            for understood, heard in self.lines
            for words in differences(heard, understood)
        ]

    def against(self, role: Role) -> list[Finding]:
        """The findings against one end."""
        way = Way.MACHINE if role is Role.MACHINE else Way.SERVER
        return [one for one in self.findings if one.against is way]


class Witnessed:
    """A stand with a witness beside its bench."""

    def __init__(self, bench: Bench, exchange: HeardExchange) -> None:
        """Begin to listen.

        Args:
            bench: The bench.
            exchange: Where its lines are made.
        """
        self._bench = bench
        self._exchange = exchange
        self._secrets: dict[bytes, Secrets] = {}
        self._witness = Witness(self._secrets)
        self._judge: Judge | None = None
        self._past = 0

    @property
    def paper(self) -> MachinePaper:
        """Of the machine that is at the bench, or that the bench is."""
        return paper_of(self._bench)

    def play(self, case: Case) -> Played:
        """Play a case, and have it witnessed."""
        bench = self._bench
        bench.begin_case()
        judge = self._judge_of(bench)
        before, said = judge.book.last, len(judge.findings)
        result = run(self._exchange.clock, Player(bench, bench.side, case).play())
        judge.know(paper_of(bench))
        self._secrets |= secrets_of(result.trace)
        octets = self._new_octets()
        heard = [one for each in octets for one in heard_of(self._witness, each)]
        for one in heard:
            judge.take(one)
        return Played(
            result,
            octets,
            tuple(zip(understood_by_lines(result), by_lines(heard), strict=True)),
            tuple(judge.findings[said:]),
            before,
            judge.book.last,
        )

    def _new_octets(self) -> tuple[Octets, ...]:
        """Those of the lines of this case; an earlier case's may go on ending."""
        every = tuple(self._exchange.heard)
        self._exchange.heard.clear()
        octets = tuple(one for one in every if one.line > self._past)
        self._past = max([self._past, *(one.line for one in octets)])
        return octets

    def _judge_of(self, bench: Bench) -> Judge:
        """One machine at a bench that answers; another for each case at the other."""
        if self._judge is None or isinstance(bench, MachineBench):
            book = open_book(paper_of(bench), [server_paper()])
            self._judge = Judge(book, MAKER)
        return self._judge


def secrets_of(trace: Trace) -> dict[bytes, Secrets]:
    """What a bench has kept of its channels, as the witness is told it."""
    return {
        g_x: Secrets(
            {
                Way.MACHINE: (machine.key, machine.iv),
                Way.SERVER: (server.key, server.iv),
            },
            trace.bindings[g_x],
        )
        for g_x, (machine, server) in trace.keys.items()
    }


def heard_of(witness: Witness, octets: Octets) -> list[Heard]:
    """Have a witness hear octets, or the end of their line."""
    if octets.octets:
        return witness.hear(octets.at_s, octets.line, octets.way, octets.octets)
    return witness.ended(octets.at_s, octets.line)


def understood_by_lines(result: Result) -> list[list[Understood]]:
    """Read a trace as the bench does for its pages; lines without traffic are none."""
    lines: dict[int, list[Understood]] = {}
    decoders: dict[int, LineDecoder] = {}
    for entry in result.trace.entries:
        if isinstance(entry, Traffic):
            keys = result.trace.keys
            decoder = decoders.setdefault(entry.line, LineDecoder(keys))
            understood = decoder.understand(entry.seen)
            if not isinstance(entry.seen, SeenEvent):
                lines.setdefault(entry.line, []).append(understood)
    return [lines[line] for line in sorted(lines)]


def by_lines(heard: Iterable[Heard]) -> list[list[Heard]]:
    """Sort what was heard by lines, in their order."""
    lines: dict[int, list[Heard]] = {}
    for one in heard:
        lines.setdefault(one.line, []).append(one)
    return [lines[line] for line in sorted(lines)]


def paper_of(bench: Bench) -> MachinePaper:
    """Read the file of the machine that is at a bench, or that the bench is."""
    if isinstance(bench, ServerBench):
        return machine_paper(bench.side.machine)
    return machine_paper(new_machine(bench.side.identity))


def new_machine(identity: MachineIdentity) -> MachineProvisioning:
    """What a maker signs of a machine that was never franked with."""
    return MachineProvisioning(
        identity.credential,
        model="BENCH",
        firmware="1.0.0",
        ascending_paise=Paise(0),
        descending_paise=Paise(0),
        control_total_paise=Paise(0),
        items=0,
        zero_items=0,
        recharge_number=RechargeNumber(0),
        issued=SECONDS,
    )


def machine_paper(provisioning: MachineProvisioning) -> MachinePaper:
    """Have a machine's file read by the witness."""
    paper = _read(write_provisioning(provisioning, MAKER_KEY))
    if not isinstance(paper, MachinePaper):
        raise TypeError("no paper of a machine")
    return paper


def server_paper() -> ServerPaper:
    """Have the file of the server of the reference stands read by the witness."""
    provisioning = ServerProvisioning(CREDENTIAL, SECONDS)
    paper = _read(write_provisioning(provisioning, MAKER_KEY))
    if not isinstance(paper, ServerPaper):
        raise TypeError("no paper of a server")
    return paper


def _read(text: str) -> MachinePaper | ServerPaper:
    return read_file(text.encode(), {MAKER.fingerprint: MAKER})


def witnessed_machine() -> Witnessed:
    """The reference machine on the bench, with the witness beside it."""
    exchange = heard_exchange(Role.SERVER)
    clock = exchange.clock
    unit = reference_machine(exchange, reactor=clock, clock=WorldClock(clock))
    return Witnessed(machine_bench(unit.provisioning, unit, exchange, clock), exchange)


def witnessed_server(folder: Path) -> Witnessed:
    """The reference server on the bench, with the witness beside it.

    Args:
        folder: An empty one, for its database.
    """
    exchange = heard_exchange(Role.MACHINE)
    clock = exchange.clock
    unit = ReferenceServer(folder, exchange, reactor=clock, clock=WorldClock(clock))
    return Witnessed(server_bench(unit.new_machine, unit, exchange, clock), exchange)


@contextmanager
def witnessed_unit(unit: FaultyUnit) -> Iterator[Witnessed]:
    """A faulty unit of the zoo on the bench, with the witness beside it."""
    with universe(unit.id, unit.edits) as there, ExitStack() as stack:
        bench_role = Role.SERVER if unit.role is Role.MACHINE else Role.MACHINE
        exchange = heard_exchange(bench_role)
        stand = stack.enter_context(
            stand_at(exchange, exchange.clock, there, unit.role)
        )
        yield Witnessed(stand.bench, exchange)


def heard_exchange(bench: Role) -> HeardExchange:
    """Make lines that are listened at where a bench hangs on them."""
    return HeardExchange(SimulatedClock(), every_call(LINE), bench)
