"""What a rebate comes to: pure arithmetic over dated parameters.

Consumption is AR of the newest statement less AR of that up to which a rebate was
paid. From `rebate.min_paise` on, `rebate.rate_basis_points` of it are given back; of
mail that came sorted another `rebate.sorted_rate_basis_points`, where `rebate.sorted`
is on. Fractions of a paisa are left out.

Source: domain notes, sections 12 and 25 (vectors), 23 no. 18.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from protocol.errors import LocalProtocolError
from protocol.parameters import ParameterTable
from protocol.values import Paise, show_rupees

WHOLE: Final = 10_000
"""Basis points."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What holds on a day.

    Attributes:
        min_paise: Least consumption that earns a rebate.
        basis_points: Of the consumption.
        sorted_basis_points: Of sorted mail, besides; 0 where that is off.
    """

    min_paise: Paise
    basis_points: int
    sorted_basis_points: int

    @classmethod
    def on(cls, day: date, parameters: ParameterTable) -> "Rates":
        """Read what holds on a day."""
        also = parameters.switch("rebate.sorted", day)
        rate = parameters.basis_points("rebate.sorted_rate_basis_points", day)
        return cls(
            parameters.paise("rebate.min_paise", day),
            parameters.basis_points("rebate.rate_basis_points", day),
            rate if also else 0,
        )


@dataclass(frozen=True, slots=True)
class Rebate:
    """What is given back.

    Attributes:
        from_paise: AR up to which a rebate was paid.
        to_paise: AR of the newest statement.
        sorted_paise: Postage of what came sorted in between.
    """

    from_paise: Paise
    to_paise: Paise
    sorted_paise: Paise
    rates: Rates

    def __post_init__(self) -> None:
        """Check that AR has not fallen.

        Raises:
            LocalProtocolError: It has, or more came sorted than was franked.
        """
        if not 0 <= self.sorted_paise <= self.consumption_paise:
            words = f"AR {show_rupees(self.from_paise)} to {show_rupees(self.to_paise)}"
            raise LocalProtocolError(f"{words} holds no such mail")

    @property
    def consumption_paise(self) -> Paise:
        """What was franked in between."""
        return Paise(self.to_paise - self.from_paise)

    @property
    def is_earned(self) -> bool:
        """Whether enough was franked."""
        return self.consumption_paise >= max(self.rates.min_paise, 1)

    @property
    def rebate_paise(self) -> Paise:
        """For the consumption."""
        return self._share(self.consumption_paise, self.rates.basis_points)

    @property
    def sorted_rebate_paise(self) -> Paise:
        """For what came sorted."""
        return self._share(self.sorted_paise, self.rates.sorted_basis_points)

    @property
    def total_paise(self) -> Paise:
        """Both."""
        return Paise(self.rebate_paise + self.sorted_rebate_paise)

    def _share(self, paise: Paise, basis_points: int) -> Paise:
        return Paise(paise * basis_points // WHOLE if self.is_earned else 0)


def deduction_paise(gross: Paise, basis_points: int) -> Paise:
    """Say what is kept of spoiled impressions; fractions of a paisa are kept too."""
    return Paise(-(-gross * basis_points // WHOLE))
