"""What a scenario finds: the value behind each key of `expect`, and the money oracles.

The oracles run after every scenario, whatever was expected:

- AR + DR = CT, and the usage rows add up to what AR has grown in this life;
- the books verify, and every account together is zero;
- machine and books agree to the paisa, but for the one recharge that may be open, and
  unless the books have frozen the machine or the PSD is in FAULT: both say that a
  person has to look;
- no frank came out without its debit, and no more were debited without coming out than
  the machine itself tells of; copies that were put back have no such story.

A PSD that a preset was written into has no past to agree with: the books alone are
checked then.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import func, select

from fm_device.dial_in import DialInReport
from fm_device.firmware.boot import Verdict
from fm_device.flash.events import EventCode
from fm_device.psd.keyring import Keyring
from fm_device.psd.memory import KEYS
from fm_device.psd.pins import PinAnswer
from fm_device.psd.records import PsdRecord
from fm_device.psd.vault import Vault
from fm_device.scenarios.vocabulary import spelled
from hw.lines.port import LossCause
from protocol.errors import LocalProtocolError
from protocol.parameters import business_date
from protocol.registers import VoucherKind
from protocol.values import Paise
from rmfs_server.store import (
    discrepancies,
    ledger,
    licences,
    machines,
    orders,
    recharges,
    schema,
)
from rmfs_server.store.funds import read_funds
from rmfs_server.store.verify import verify_books
from rmfs_tools.scenario_world import World


class ScenarioPlayError(LocalProtocolError):
    """A step asks for what cannot be done at this point of the scenario."""


@dataclass
class StepResult:
    """What one step came to.

    Attributes:
        refusal: What the machine answered in place of doing it.
        error: Words of what stopped the step.
        done: How many were done before that.
        report: Of the dial-in.
        pin: Of the PIN.
        meanwhile: What the machine said to the operator during the dial-in.
        cut: The power was cut in it.
    """

    refusal: Any = None
    error: str | None = None
    done: int = 0
    report: DialInReport | None = None
    pin: PinAnswer | None = None
    meanwhile: Any = None
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Finder:
    """Finds the values behind the keys of `expect`."""

    world: World
    result: StepResult = field(default_factory=StepResult)

    def find(self, key: str) -> Any:
        """Give what is found behind a key.

        Raises:
            RmfsError: The machine is off, or its memory is lost.
        """
        return _FINDERS[key](self)

    @property
    def record(self) -> PsdRecord:
        """What the PSD remembers."""
        return self.world.machine.record

    def log(self) -> tuple[str, ...]:
        """Name every event of the machine's log."""
        return tuple(
            spelled(EventCode(one.code)) for one in self.world.machine.log.entries()
        )

    def failed_tests(self) -> tuple[str, ...]:
        """Name the parts that did not pass the self-test of the last start."""
        start = self.world.machine.start
        tests = () if start is None else start.tests
        failed = (test.part for test in tests if test.verdict is Verdict.FAILED)
        return tuple(spelled(part) for part in failed)

    def clock_error(self) -> int | None:
        """Say how wrong the machine's clock is, in seconds."""
        shown = self.world.machine.psd.time
        return None if shown is None else abs(shown - self.world.wall.now())

    def credit_keys(self) -> tuple[int, ...]:
        """List the credit keys that the PSD trusts."""
        ring = Keyring.decode(Vault(self.world.nvram.chip, KEYS).content)
        return tuple(sorted(one.credit_key_id for one in ring.servers))

    def spent(self) -> Mapping[int, int]:
        """Say what each department has franked since the last statement."""
        machine = self.world.machine
        return {
            one.number: machine.desk.spent_paise(one.number)
            for one in machine.settings.departments
        }

    def slogan(self) -> str | None:
        """Give the first line of the slogan on the last frank."""
        face = self.world.printer.last
        return None if face is None or face.slogan is None else face.slogan.lines[0]

    def face(self, name: str) -> Any:
        """Give a field of the last frank."""
        return getattr(self.world.printer.last, name, None)

    def balance(self, account: ledger.AccountName) -> int:
        """Give the balance of an account."""
        with self.world.server.store.reading() as connection:
            return ledger.balance_paise(connection, account)

    def funds(self) -> int:
        """Give the funds that remain at the server."""
        today = business_date(self.world.wall.now())
        with self.world.server.store.reading() as connection:
            return read_funds(connection, self.world.licence, today).available_paise

    def frozen(self) -> bool | None:
        """Whether the books have frozen the machine."""
        with self.world.server.store.reading() as connection:
            found = machines.find(connection, self.world.licence)
        return None if found is None else found.frozen

    def discrepancies(self) -> tuple[str, ...]:
        """Name what waits for a person at the server."""
        with self.world.server.store.reading() as connection:
            found = discrepancies.open_of(connection, self.world.licence)
        return tuple(spelled(one.code) for one in found)

    def orders_waiting(self) -> int:
        """Count the orders that no machine has acknowledged."""
        with self.world.server.store.reading() as connection:
            found = orders.all_of(connection, self.world.licence)
        return sum(one.acknowledged_at is None for one in found)

    def licence_state(self) -> str | None:
        """Name the state of the licence today."""
        today = business_date(self.world.wall.now())
        with self.world.server.store.reading() as connection:
            found = licences.find(connection, self.world.licence)
        return None if found is None else spelled(found.state_on(today))


def _server_refusal(finder: Finder) -> str | None:
    report = finder.result.report
    if report is None or report.refusal is None:
        return None
    return spelled(report.refusal.code)


def _carrier(finder: Finder) -> str | None:
    report = finder.result.report
    if report is None:
        return None
    return "lost" if report.loss.cause is LossCause.CARRIER_LOST else "kept"


def _firmware(finder: Finder) -> str:
    return ".".join(str(part) for part in finder.world.machine.firmware)


def _tariff(finder: Finder) -> int | None:
    tariff = finder.world.machine.tariff
    return None if tariff is None else tariff.number


def _mark(finder: Finder) -> str | None:
    mark = finder.face("mark")
    return None if mark is None else spelled(mark)


def _pending(finder: Finder) -> str | None:
    pending = finder.record.pending
    return None if pending is None else spelled(pending.kind)


_FINDERS: Final[Mapping[str, Callable[[Finder], Any]]] = {
    "refused": lambda it: it.result.refusal,
    "fails": lambda it: it.result.error,
    "meanwhile": lambda it: it.result.meanwhile,
    "done": lambda it: it.result.done,
    "outcome": lambda it: it.result.report and spelled(it.result.report.outcome),
    "server-refusal": _server_refusal,
    "carrier": _carrier,
    "pin": lambda it: it.result.pin and spelled(it.result.pin.verdict),
    "attempts-left": lambda it: it.result.pin and it.result.pin.attempts_left,
    "duration-s": lambda it: it.result.report and it.result.report.duration_s,
    "power": lambda it: "on" if it.world.machine.is_on else "off",
    "state": lambda it: spelled(it.world.machine.psd.state),
    "boot": lambda it: spelled(it.world.machine.boot),
    "failed-tests": Finder.failed_tests,
    "faults": lambda it: it.world.machine.faults,
    "silence": lambda it: spelled(it.world.machine.psd.silence),
    "call-due": lambda it: it.world.machine.calls.due,
    "pending": _pending,
    "clock-set": lambda it: it.world.machine.psd.time is not None,
    "clock-error-s": Finder.clock_error,
    "firmware": _firmware,
    "tariff": _tariff,
    "slogans": lambda it: tuple(
        one.number for one in it.world.machine.contents.slogans
    ),
    "credit-keys": Finder.credit_keys,
    "licence": lambda it: it.record.life.licence,
    "log": Finder.log,
    "ascending": lambda it: it.record.registers.ascending_paise,
    "descending": lambda it: it.record.registers.descending_paise,
    "control-total": lambda it: it.record.registers.control_total_paise,
    "items": lambda it: it.record.registers.items,
    "imprints": lambda it: it.record.registers.items_with_zero,
    "recharges": lambda it: it.record.recharge_number,
    "unprinted": lambda it: it.record.unprinted,
    "usage-rows": lambda it: len(it.record.rows),
    "spent": Finder.spent,
    "printed": lambda it: it.world.printer.printed,
    "mark": _mark,
    "value": lambda it: it.face("value_paise"),
    "printed-on": lambda it: it.face("printed_on"),
    "slogan": Finder.slogan,
    "frozen": Finder.frozen,
    "discrepancies": Finder.discrepancies,
    "funds": Finder.funds,
    "reserved": lambda it: it.balance(ledger.reserved_of(it.world.licence)),
    "posted": lambda it: it.balance(ledger.machine_of(it.world.licence)),
    "orders-waiting": Finder.orders_waiting,
    "licence-state": Finder.licence_state,
}


def money_findings(world: World) -> list[str]:
    """Run the money oracles; an empty list is what must come out."""
    record = world.stored_record()
    found = [f"books: {one.rule}, {one.subject}: {one.detail}" for one in _books(world)]
    if record is None or world.preset:
        return found
    found += _registers(record)
    if not world.restored:
        found += _prints(world, record)
    return found + list(_agreement(world, record))


def _books(world: World) -> Any:
    with world.server.store.reading() as connection:
        return verify_books(connection)


def _registers(record: PsdRecord) -> Iterator[str]:
    registers = record.registers
    total = registers.ascending_paise + registers.descending_paise
    if total != registers.control_total_paise and not record.fault:
        yield f"AR + DR is {total}, CT is {registers.control_total_paise}"
    grown = registers.ascending_paise - record.life.ascending_paise
    rows = sum(row.amount_paise for row in record.rows)
    if rows != grown:
        yield f"usage rows tell {rows}, AR has grown by {grown}"


def _prints(world: World, record: PsdRecord) -> Iterator[str]:
    printer, base = world.printer, world.base
    accounted = record.registers.items_with_zero - base.items_with_zero
    value = record.registers.ascending_paise - base.ascending_paise
    if not printer.franked <= accounted <= printer.franked + record.unprinted:
        yield (
            f"{printer.franked} imprints came out, {accounted} are accounted, "
            f"{record.unprinted} of them as perhaps not printed"
        )
    if printer.value_paise > value:
        yield f"{printer.value_paise} paise came out, AR has grown by {value}"
    if not record.unprinted and printer.value_paise != value:
        yield f"{printer.value_paise} paise came out, AR has grown by {value}"


def _agreement(world: World, record: PsdRecord) -> Iterator[str]:
    with world.server.store.reading() as connection:
        entries = connection.execute(select(func.sum(schema.entry.c.amount_paise)))
        everything = entries.scalar_one() or 0
        machine = machines.find(connection, world.licence)
    if everything:
        yield f"all accounts together are {everything}"
    if machine is None or machine.frozen or record.fault:
        return
    with world.server.store.reading() as connection:
        opened = recharges.find_open(connection, world.licence)
        posted = ledger.balance_paise(connection, ledger.machine_of(world.licence))
    total = record.registers.control_total_paise
    effect = 0
    if opened is not None:
        added = opened.kind is VoucherKind.RECHARGE
        effect = opened.amount_paise if added else -opened.amount_paise
    if total not in (posted, Paise(posted + effect)):
        yield f"CT is {total}, the books tell {posted} and {effect} open"
