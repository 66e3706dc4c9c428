"""The ledger added up again: double entry, balances, and what was paid in.

Accounts are ``department`` and ``suspense``, which are outside of all licences, and
``funds:``, ``reserved:`` and ``machine:`` with a licence. Money enters a licence by its
funds and moves on inside it.

Source:
    protocol/SPEC.md REG-5.3, REG-7.3, REG-8; KEY-9.2.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from rmfs_tools.simulation.observations import Deposited, Journal
from rmfs_tools.simulation.oracle.findings import Findings
from rmfs_tools.simulation.oracle.properties import Property

_INSIDE: Final = ("funds", "reserved", "machine")
_ENTRIES_MIN: Final = 2


class Moved(NamedTuple):
    """What journals inside one licence have moved, paise."""

    funds: int = 0
    reserved: int = 0
    machine: int = 0

    def plus(self, other: "Moved") -> "Moved":
        """Add two movements."""
        return Moved(
            self.funds + other.funds,
            self.reserved + other.reserved,
            self.machine + other.machine,
        )


class Booked(NamedTuple):
    """What one transaction did in the ledger.

    Attributes:
        moved: By licence, what journals moved inside it.
        from_outside: Licences whose machine or reserved account met the outside.
        touched: Licences of which any account changed.
    """

    moved: dict[str, Moved]
    from_outside: set[str]
    touched: set[str]


class Ledger:
    """Balances, replayed from the entries.

    Args:
        findings: Where to report.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._paid_in: dict[str, int] = defaultdict(int)
        self._net: dict[str, int] = defaultdict(int)
        self._forget()

    def deposit(self, event: Deposited) -> None:
        """Take what reached the Department."""
        self._net[event.licence] += event.amount_paise
        if event.amount_paise > 0:
            self._paid_in[event.licence] += event.amount_paise
        else:
            self._findings.reached("deposit corrected")

    def restore(self, journals: Iterable[Journal]) -> Booked:
        """Begin anew with all journals of a backup."""
        self._forget()
        return self.book(journals)

    def book(self, journals: Iterable[Journal]) -> Booked:
        """Add the journals of a transaction and look at every balance that moved."""
        booked = Booked({}, set(), set())
        changed: set[str] = set()
        for journal in journals:
            self._check_form(journal)
            for account, amount_paise in journal.entries:
                self._balances[account] += amount_paise
                changed.add(account)
            self._sort(journal, booked)
        for account in changed:
            self._check_balance(account)
        return booked

    def balance(self, kind: str, licence: str) -> int:
        """Give a balance, paise."""
        return self._balances[f"{kind}:{licence}"]

    def brought(self, licence: str) -> int:
        """Give what the outside has brought to a licence, opening included, paise."""
        return self._brought[licence]

    def not_credited(
        self, waiting_paise: Mapping[str, int]
    ) -> dict[str, tuple[int, int]]:
        """Give licences for which something else was deposited than there is.

        Args:
            waiting_paise: What waits in suspense, by licence.

        Returns:
            Deposited, and credited or waiting, paise, by licence.
        """
        found = {}
        for licence, net in self._net.items():
            there_is = self._credited[licence] + waiting_paise.get(licence, 0)
            if there_is != net:
                found[licence] = (net, there_is)
        return found

    def _forget(self) -> None:
        self._balances: dict[str, int] = defaultdict(int)
        self._funded: dict[str, int] = defaultdict(int)
        self._credited: dict[str, int] = defaultdict(int)
        self._brought: dict[str, int] = defaultdict(int)
        self._idems: set[str] = set()
        self._ids: set[int] = set()

    def _check_form(self, journal: Journal) -> None:
        name = f"journal {journal.id}"
        total = sum(amount for _, amount in journal.entries)
        if total or len(journal.entries) < _ENTRIES_MIN:
            self._findings.broken(
                Property.LEDGER_1,
                name,
                f"{len(journal.entries)} entries of {journal.kind} add up to {total}",
            )
        if journal.idem in self._idems or journal.id in self._ids:
            self._findings.broken(
                Property.LEDGER_2, name, f"{journal.idem} stands twice"
            )
        self._idems.add(journal.idem)
        self._ids.add(journal.id)

    def _sort(self, journal: Journal, booked: Booked) -> None:
        """Say which licences a journal is about, and whether the outside is in it."""
        inside: dict[str, Moved] = {}
        outside = paid_in = False
        for account, amount_paise in journal.entries:
            kind, _, licence = account.partition(":")
            if kind not in _INSIDE:
                outside = True
                paid_in |= kind == "department"
                continue
            moved = inside.get(licence, Moved())
            inside[licence] = moved.plus(Moved(**{kind: amount_paise}))
        booked.touched.update(inside)
        if len(inside) > 1:
            self._findings.broken(
                Property.LEDGER_11,
                f"journal {journal.id}",
                f"value went from one licence to another: {journal.entries}",
            )
        for licence, moved in inside.items():
            if not outside:
                booked.moved[licence] = booked.moved.get(licence, Moved()).plus(moved)
                continue
            self._funded[licence] += moved.funds
            self._brought[licence] += sum(moved)
            if paid_in:
                self._credited[licence] += moved.funds
            if moved.reserved or moved.machine:
                booked.from_outside.add(licence)

    def _check_balance(self, account: str) -> None:
        kind, _, licence = account.partition(":")
        if kind not in _INSIDE:
            return
        if self._balances[account] < 0:
            self._findings.broken(
                Property.LEDGER_3, account, f"balance {self._balances[account]}"
            )
        if kind == "funds" and self._funded[licence] > self._paid_in[licence]:
            self._findings.broken(
                Property.LEDGER_4,
                licence,
                f"credited {self._funded[licence]}, deposited {self._paid_in[licence]}",
            )
