"""What a fleet needs of a recharge server: dial-ins a second, cores, disk, and money.

A model, and no measurement: it multiplies what was measured for one dial-in by what
whoever asks assumes about machines and people. What is not in it stands in the docs.

Source: docs/growing.md.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import ceil
from typing import Any, Final

from protocol.exchange import shipped_layouts
from rmfs_server.exchange.telling import LINES_OF_A_DIAL_IN, VOUCHERS_MAX

WINDOWS: Final = 3
"""Of a working day in which files are exchanged (RMFS-31)."""
IDENTIFIERS: Final = 1_000_000
"""Of one letter, which is one maker."""
_MONTHS: Final = 12
_S_PER_HOUR: Final = 3_600
_US: Final = 1_000_000
_GB: Final = 1_000_000_000
_DIGITS: Final = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured; octets with indexes, as they lie on the disk.

    Attributes:
        dial_in_us: CPU of server and database for a recharge, the inspection likewise.
        machine_octets: Of a machine that is enrolled, with its licence and accounts.
        deposit_octets: Of a line of a fund file, and its posting.
        inspection_octets: Of a dial-in without a recharge.
        recharge_octets: Of a dial-in with one.
        class_octets: Of each product class that a dial-in tells, in table and file.
        balance_line: Of a licence in a Remaining Fund file.
        usage_line: Of a dial-in in a Usage file.
        download_line: Of a voucher in a Credit Download file.
    """

    dial_in_us: int
    machine_octets: int
    deposit_octets: int
    inspection_octets: int
    recharge_octets: int
    class_octets: int
    balance_line: int
    usage_line: int
    download_line: int


MEASURED: Final = {
    "sqlite": Measured(1_520, 1_150, 620, 560, 2_060, 85, 50, 460, 610),
    # PostgreSQL compresses files by itself.
    "postgresql": Measured(2_920, 2_140, 1_080, 760, 3_360, 140, 11, 250, 390),
}


@dataclass(frozen=True, slots=True)
class Assumed:
    """What whoever asks takes for granted.

    Attributes:
        machines: Of one maker.
        recharges_a_month: Of a machine.
        inspections_a_month: Its dial-ins without a recharge.
        deposits_a_month: Of its licensee.
        classes: Product classes that it has franked with.
        working_days: Of a month.
        busy_day: How many times the dial-ins of an average day.
        busy_hour: The share of that day's dial-ins that one hour has.
        core_share: How much of a core may be used in that hour.
        years: After which the disk is full.
        copies: Of the books: the leader and those that follow.
        core_price: Of a core for a month, in any money.
        gb_price: Of a gigabyte of disk for a month, in the same.
    """

    machines: int
    recharges_a_month: float
    inspections_a_month: float
    deposits_a_month: float
    classes: int
    working_days: int
    busy_day: float
    busy_hour: float
    core_share: float
    years: float
    copies: int
    core_price: float
    gb_price: float


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of something there may be, and how much there is."""

    of: str
    wanted: int
    most: int


@dataclass(frozen=True, slots=True)
class Need:
    """What it takes; growth is of one copy, in GB a year.

    Attributes:
        dial_ins_per_s: In the busy hour.
        cores: For server and database.
        first_gb: When all machines are enrolled.
        tables_gb: By which the tables grow.
        files_gb: By which the files to the Department grow that are kept.
        disk_gb: Of all copies in the end.
        per_month: Money, with the disk in the end.
        bounds: What one server exchanges at most, and what is wanted of it.
    """

    dial_ins_per_s: float
    cores: float
    first_gb: float
    tables_gb: float
    files_gb: float
    disk_gb: float
    per_month: float
    bounds: tuple[Bound, ...]

    @property
    def over(self) -> list[Bound]:
        """The bounds that do not hold."""
        return [bound for bound in self.bounds if bound.wanted > bound.most]

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        found = asdict(self)
        rounded = {
            name: round(value, _DIGITS)
            for name, value in found.items()
            if name != "bounds"
        }
        return {**rounded, "bounds": list(found["bounds"])}

    def lines(self) -> Iterator[str]:
        """Say it to a person."""
        yield f"in the busy hour {self.dial_ins_per_s:,.1f} dial-ins a second"
        yield f"{self.cores:,.1f} cores for server and database"
        yield f"{self.first_gb:,.1f} GB at first, in one copy"
        yield f"{self.tables_gb:,.1f} GB a year of tables in it"
        yield f"{self.files_gb:,.1f} GB a year of files in it"
        yield f"{self.disk_gb:,.0f} GB in all copies in the end"
        if self.per_month:
            yield f"{self.per_month:,.0f} a month in the end"
        for bound in self.over:
            yield f"too many {bound.of}: {bound.wanted:,}, and {bound.most:,} can be"


def estimate(assumed: Assumed, measured: Measured) -> Need:
    """Multiply what is assumed by what was measured."""
    machines, recharges = assumed.machines, assumed.recharges_a_month
    calls = recharges + assumed.inspections_a_month
    dial_ins = machines * calls
    busy = dial_ins / assumed.working_days * assumed.busy_day * assumed.busy_hour
    per_s = busy / _S_PER_HOUR
    tables = (
        recharges * measured.recharge_octets
        + assumed.inspections_a_month * measured.inspection_octets
        + assumed.deposits_a_month * measured.deposit_octets
        + calls * assumed.classes * measured.class_octets
    )
    files = (
        recharges * measured.download_line
        + calls * measured.usage_line
        + WINDOWS * assumed.working_days * measured.balance_line
    )
    first_gb = machines * measured.machine_octets / _GB
    tables_gb, files_gb = (
        machines * octets * _MONTHS / _GB for octets in (tables, files)
    )
    disk_gb = (first_gb + (tables_gb + files_gb) * assumed.years) * assumed.copies
    cores = per_s * measured.dial_in_us / _US / assumed.core_share
    money = cores * assumed.core_price + disk_gb * assumed.gb_price
    bounds = _bounds(
        machines, machines * recharges / assumed.working_days, dial_ins, assumed
    )
    return Need(
        per_s, cores, first_gb, tables_gb, files_gb, disk_gb, money, tuple(bounds)
    )


def _bounds(
    machines: int, vouchers: float, dial_ins: float, assumed: Assumed
) -> Iterator[Bound]:
    """Say what the exchange bears, by the layouts that ship."""
    layouts = shipped_layouts()
    yield Bound("identifiers of one letter", machines, IDENTIFIERS)
    licences = layouts["remaining-fund"].lines_max
    yield Bound("licences in a Remaining Fund file", machines, licences)
    told = min(layouts["credit-download"].lines_max, VOUCHERS_MAX) * WINDOWS
    yield Bound("vouchers told in a working day", ceil(vouchers), told)
    heard = layouts["usage"].lines_max // LINES_OF_A_DIAL_IN * WINDOWS
    wanted = ceil(dial_ins / assumed.working_days)
    yield Bound("dial-ins told in a working day", wanted, heard)
