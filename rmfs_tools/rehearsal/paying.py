"""Who pays, when, how much and where: at the bank, or at a counter of a post office."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from dop_gateway.licences.model import Licence
from dop_gateway.simulators.bank import PaidIn
from protocol.values import LicenceIdentifier, Paise
from rmfs_tools.rehearsal.counters import Payer
from rmfs_tools.rehearsal.post_offices import OfficeMistake, PostOffices
from rmfs_tools.simulation.dice import Dice

_FIRST_PAISE: Final = Paise(500_000)
_LATER_PAISE: Final = Paise(300_000)
_PAYS_AGAIN: Final = 0.02
_PAYMENTS_LEAST: Final = 3
"""On a working day: a bank makes mistakes with payments."""
_FIRST_AT_COUNTER: Final = 10
"""Every so many pay their first deposit at a counter."""
_AGAIN_AT_COUNTERS: Final = 2
"""Later payments there on a working day."""


class Licensees:
    """Everybody who has a licence.

    Attributes:
        licences: By their identifiers.
    """

    def __init__(self, post_offices: PostOffices, seed: int) -> None:
        """Begin with nobody."""
        self.licences: dict[LicenceIdentifier, Licence] = {}
        self._post_offices = post_offices
        self._at_counters = Dice(seed, "pay at counters")
        self._to_bank = Dice(seed, "pay to the bank")
        self._to_pay: list[LicenceIdentifier] = []
        self._paid: set[LicenceIdentifier] = set()

    def add(self, payer: Payer) -> None:
        """Let somebody have a licence, who has still to pay."""
        identifier = payer.licence.identifier
        self.licences[identifier] = payer.licence
        self._post_offices.know(payer)
        self._to_pay.append(identifier)

    def pay_at_counters(self, day: date, mistake: OfficeMistake | None) -> list[Paise]:
        """Let some pay at counters; gives what each of them paid.

        Args:
            day: Today, which is worked.
            mistake: That somebody's payment is made with; if nobody is where it can be
                made, it is not made.
        """
        before = sorted(self._paid)
        paying = set(self._to_pay[::_FIRST_AT_COUNTER])
        if before:
            again = (
                self._at_counters.one_of(before) for _ in range(_AGAIN_AT_COUNTERS)
            )
            paying.update(again)
        paid = [self._pay_at_counter(one, day) for one in sorted(paying)]
        self._to_pay = [one for one in self._to_pay if one not in self._paid]
        if mistake is not None:
            struck = self._post_offices.payer_for(mistake, before)
            if struck is not None:
                paid.append(self._pay_at_counter(struck, day, mistake))
        return paid

    def pay_to_bank(self) -> list[PaidIn]:
        """Let those pay who have not yet, and some others."""
        paying, self._to_pay = self._to_pay, []
        again: Sequence[LicenceIdentifier] = sorted(self._paid)
        paying += [one for one in again if self._to_bank.happens(_PAYS_AGAIN)]
        while again and len(paying) < _PAYMENTS_LEAST:
            paying.append(self._to_bank.one_of(again))
        return [self._to_the_bank(one) for one in paying]

    def _pay_at_counter(
        self,
        identifier: LicenceIdentifier,
        day: date,
        mistake: OfficeMistake | None = None,
    ) -> Paise:
        amount = self._amount(identifier)
        self._post_offices.pay(identifier, amount, day, mistake)
        return amount

    def _to_the_bank(self, identifier: LicenceIdentifier) -> PaidIn:
        licence = self.licences[identifier]
        amount = self._amount(identifier)
        return PaidIn(identifier, licence.number, licence.holder.name, amount)

    def _amount(self, identifier: LicenceIdentifier) -> Paise:
        amount = _LATER_PAISE if identifier in self._paid else _FIRST_PAISE
        self._paid.add(identifier)
        return amount
