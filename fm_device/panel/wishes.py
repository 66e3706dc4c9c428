"""What a panel wants done, as data; `driver` carries it out on a machine."""

from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Any, Final

from fm_device.firmware.dates import NextWorkingDay
from fm_device.firmware.desk import Service
from fm_device.psd.pins import Role
from fm_device.psd.records import NOTHING
from protocol.registers import RequestKind
from protocol.values import Paise


class ReportName(Enum):
    """A report that the machine prints: its key in `REPORTS`, words for people."""

    FUNDS = ("funds", "Funds")
    RECHARGE = ("recharge", "Recharge receipt")
    RECHARGES = ("recharges", "Last five recharges")
    MAILING = ("mailing", "Statement of mailing")
    CLASSES = ("classes", "Usage by class")
    DEPARTMENTS = ("departments", "Usage by department")
    CONFIGURATION = ("configuration", "Configuration")
    ERRORS = ("errors", "Error log")

    @property
    def key(self) -> str:
        """Its name in `fm_device.firmware.reporting.REPORTS`."""
        key: str = self.value[0]
        return key

    @property
    def words(self) -> str:
        """Its name for people."""
        words: str = self.value[1]
        return words


@dataclass(frozen=True, slots=True)
class SwitchOn:
    """Switch the machine on."""


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Switch it off."""


@dataclass(frozen=True, slots=True)
class FrankItem:
    """Frank what lies on the scale; `confirmed` when the operator knows the value."""

    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class FrankRun:
    """Frank one item after the other, until `count` are franked.

    Attributes:
        count: How many.
        done: How many of them are franked already.
        confirmed: The operator knows the value.
    """

    count: int
    done: int = 0
    confirmed: bool = False


NO_RUN: Final = FrankRun(0)


@dataclass(frozen=True, slots=True)
class TryOut:
    """Print to try the machine."""


@dataclass(frozen=True, slots=True)
class ChooseClass:
    """Choose a product class by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class ChooseZone:
    """Choose how far the item goes."""

    zone: str


@dataclass(frozen=True, slots=True)
class ChooseDepartment:
    """Choose who pays; 0 for nobody in particular."""

    number: int


@dataclass(frozen=True, slots=True)
class ChooseDay:
    """Choose the day that franks bear."""

    day: date | NextWorkingDay


@dataclass(frozen=True, slots=True)
class ChooseSlogan:
    """Choose the slogan beside the frank; 0 for none."""

    number: int


@dataclass(frozen=True, slots=True)
class EnterPin:
    """Give the PIN of a role."""

    role: Role
    pin: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetPin:
    """Set the PIN of a role, or take it away."""

    role: Role
    pin: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Leave:
    """Close what PINs have opened."""


@dataclass(frozen=True, slots=True)
class Change:
    """Change one setting."""

    name: str
    value: Any


@dataclass(frozen=True, slots=True)
class Serve:
    """Note what was mended or refilled."""

    service: Service


@dataclass(frozen=True, slots=True)
class PrintReport:
    """Print a report; a statement of mailing `by_total` where its rows are lost."""

    name: ReportName
    by_total: bool = False


@dataclass(frozen=True, slots=True)
class Dial:
    """Dial in."""

    kind: RequestKind
    amount_paise: Paise = NOTHING


Wish = (
    SwitchOn
    | SwitchOff
    | FrankItem
    | FrankRun
    | TryOut
    | ChooseClass
    | ChooseZone
    | ChooseDepartment
    | ChooseDay
    | ChooseSlogan
    | EnterPin
    | SetPin
    | Leave
    | Change
    | Serve
    | PrintReport
    | Dial
)
