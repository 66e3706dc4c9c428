"""A credit that a maker hides in all its files, until the machine's own word shows it.

The line is kept back, and the maker tells of its funds as if the credit had never been:
so nothing that it tells contradicts anything. What it cannot make is a STATEMENT: at
the next dial-in of the machine its control total is signed, and goes to the Department
with its usage.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from dop_gateway.incidents.model import IncidentKind
from dop_gateway.money.model import Cause
from fm_device.dial_in import DialInReport
from protocol.dialogue.machine import Outcome
from protocol.parameters import business_date
from protocol.values import LicenceIdentifier
from rmfs_server.store.sent_files import SentFile
from rmfs_tools.rehearsal import cooking
from rmfs_tools.rehearsal.cooking import Lines
from rmfs_tools.rehearsal.maker import Maker
from rmfs_tools.rehearsal.mistakes import Explained, Incident, Mistake, Sign

Dial = Callable[[LicenceIdentifier, int], DialInReport]
"""Lets a machine of the maker dial in for so many paise."""


class Hiding:
    """The credits that one maker hides."""

    def __init__(self, maker: Maker, name: str) -> None:
        """Begin with nothing to hide.

        Args:
            maker: Whose files are changed.
            name: Of the mistake, for reports.
        """
        self._maker = maker
        self._name = name
        self._hidden: dict[LicenceIdentifier, int] = {}
        self._showing: list[LicenceIdentifier] = []

    @property
    def is_at_work(self) -> bool:
        """Whether files of this window have to be changed."""
        return bool(self._hidden)

    def begin(self, licence: LicenceIdentifier, amount_paise: int) -> None:
        """Hide the last credit of a machine from now on."""
        self._hidden[licence] = amount_paise

    def look_in(self, dial: Dial) -> None:
        """Let the machines dial in whose credits are hidden."""
        for licence in self._hidden:
            if dial(licence, 0).outcome is Outcome.INSPECTED:
                self._showing.append(licence)

    def change(self, files: Mapping[str, SentFile]) -> None:
        """Tell of the funds in a window's file as if the credits had not been."""
        file = files.get("remaining-fund")
        if file is None:
            return
        for licence, amount in self._hidden.items():
            cooking.cook(self._maker, file, partial(_unspent, licence, amount))

    def shown(self) -> list[Mistake]:
        """Say what has to be found now that machines have spoken; hide it no more."""
        today = business_date(self._maker.clock.now())
        found = []
        for licence in self._showing:
            amount = self._hidden.pop(licence)
            signs: list[Sign] = [
                Incident(IncidentKind.CREDIT_NOT_REPORTED, licence),
                Explained(licence, Cause.NOT_REPORTED, today),
            ]
            subject = f"{amount} paise of {licence}"
            found.append(Mistake(self._name, subject, signs))
        self._showing.clear()
        return found


def _unspent(licence: LicenceIdentifier, amount_paise: int, lines: Lines) -> Lines:
    balance = cooking.last_of(lines, "balance", licence)
    if balance is None:
        return lines
    told: Mapping[str, Any] = balance.values
    return cooking.put(
        lines,
        balance,
        remaining_paise=told["remaining_paise"] + amount_paise,
        recharge_number=told["recharge_number"] - 1,
        control_total_paise=told["control_total_paise"] - amount_paise,
    )
