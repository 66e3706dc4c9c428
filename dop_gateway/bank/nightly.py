"""The nightly run (RMFS-14): every bank is asked, what stands there is taken.

It asks every day, Sundays and holidays too. Running it again for the same moment
changes nothing: what was taken is known, and what is missing is named once. A bank that
does not answer is asked again after a pause, as every job is that fails; a file that
comes late is taken at the next run, for its own day.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from dop_gateway.bank import fetching, own_counters, store, taking
from dop_gateway.bank.carrying import GatewayNeighbours
from dop_gateway.bank.fetching import BankUnreachableError, Standing
from dop_gateway.bank.model import Bank, BankFile, FileState
from dop_gateway.bank.neighbours import Neighbours
from dop_gateway.bank.work import Rules, Work
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs.model import Ending, Outcome
from dop_gateway.parts import Parts
from protocol.exchange import Layouts
from protocol.parameters import business_date
from protocol.values import EpochSeconds

NEIGHBOURS: Final[Neighbours] = GatewayNeighbours()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a run brought.

    Attributes:
        files: Those that were not known, in the order in which they were taken.
        missing: Layouts of the day that have not come.
        failure: Why the bank could not be asked; empty if it was.
    """

    bank: Bank
    files: tuple[BankFile, ...]
    missing: tuple[str, ...]
    failure: str = ""

    @property
    def words(self) -> str:
        """Say it in a line."""
        if self.failure:
            return f"{self.bank.code}: {self.failure}"
        counts = dict.fromkeys(FileState, 0)
        for one in self.files:
            counts[one.state] += 1
        told = ", ".join(
            f"{count} {state.name.lower()}" for state, count in counts.items() if count
        )
        missing = f"; missing {', '.join(self.missing)}" if self.missing else ""
        return f"{self.bank.code}: {told or 'nothing new'}{missing}"


def run(parts: Parts, moment: EpochSeconds) -> Outcome:
    """Ask every bank that is in use, for the day of a moment."""
    request_id = f"bank-fetch:{moment}"
    by = By(GATEWAY, parts.clock.now(), request_id)
    with parts.store.reading() as connection:
        banks = [
            (one, store.known_since(connection, one.code))
            for one in store.banks(connection)
            if one.in_use
        ]
    own = _own_counters(parts, moment, by)
    if not banks and own is None:
        return Outcome(Ending.NOTHING_TO_DO, "no bank is in use")
    found = [
        fetch(parts, one, business_date(moment) if since <= moment else None, by)
        for one, since in banks
    ]
    failed = any(one.failure for one in found)
    words = [one.words for one in found]
    if own is not None:
        words.append(f"our own counters: {own.name}")
    return Outcome(Ending.FAILED if failed else Ending.DONE, "; ".join(words))


def fetch(parts: Parts, bank: Bank, day: date | None, by: By) -> Fetched:
    """Ask a bank, and take what is new.

    Args:
        parts: The gateway.
        bank: Which.
        day: Whose files are named if they are missing; None: of a day on which the bank
            was not known yet nothing is missing.
        by: Who asks.
    """
    ours = parts.exchange
    rules = Rules(ours.layouts, ours.realm, NEIGHBOURS)
    with parts.store.reading() as connection:
        before = store.files_of(connection, bank.code)
    numbers = {one.id for one in before}
    known = {Standing(one.name, one.octet_count, one.modified_at) for one in before}

    def wanted(one: Standing) -> int | None:
        return None if one in known else _octets_max(bank, ours.layouts, one.name)

    failure, delivered = "", []
    try:
        delivered = fetching.fetch(bank.address, parts.bank_ssh_key, wanted)
    except BankUnreachableError as error:
        failure = str(error)
    files = []
    for one in delivered:
        with parts.store.writing("take a file of a bank") as connection:
            file = taking.take(Work(connection, bank, by, rules), one)
        if file.id not in numbers:
            files.append(file)
    missing: list[str] = []
    if day is not None:
        with parts.store.writing("look for files of a bank") as connection:
            missing = taking.missing(Work(connection, bank, by, rules), day)
    return Fetched(bank, tuple(files), tuple(missing), failure)


def _own_counters(parts: Parts, moment: EpochSeconds, by: By) -> BankFile | None:
    ours = parts.exchange
    rules = Rules(ours.layouts, ours.realm, NEIGHBOURS)
    with parts.store.writing("hand over our own counters") as connection:
        return own_counters.hand_over(connection, moment, by, rules=rules, ours=ours)


def _octets_max(bank: Bank, layouts: Layouts, name: str) -> int | None:
    """Say how long a file may be; None if it is none of this bank."""
    layout = layouts.of_file(name)
    if layout is None or layout.name not in bank.kind.layouts:
        return None
    return layout.octets_max
