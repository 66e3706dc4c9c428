"""Days of a report, what it is narrowed to, and the figures that are added up."""

from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Final

from dop_gateway.offices.model import OfficeId, OfficeKind
from hw.clock import epoch_seconds
from protocol.parameters import INDIA
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber

PERIOD_DAYS_MAX: Final = 366
_ONE_DAY: Final = timedelta(days=1)


class Group(Enum):
    """What a line of a report is about; names are lower case outside."""

    LICENCE = "a licence"
    DIVISION = "a Division"
    REGION = "a Region"
    CIRCLE = "a Circle"
    MAKER = "a maker"
    DAY = "a day"
    PRODUCT_CLASS = "a class of mail"

    @property
    def office_kind(self) -> OfficeKind | None:
        """The kind of the offices that lines are about; None if of no office."""
        return _KINDS.get(self)


_KINDS: Final = {
    Group.DIVISION: OfficeKind.DIVISION,
    Group.REGION: OfficeKind.REGION,
    Group.CIRCLE: OfficeKind.CIRCLE,
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days of India, both included."""

    first: date
    last: date

    @property
    def since(self) -> EpochSeconds:
        """Its first moment."""
        return _begin(self.first)

    @property
    def until(self) -> EpochSeconds:
        """The first moment behind it."""
        return _begin(self.last + _ONE_DAY)

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1


def _begin(day: date) -> EpochSeconds:
    return epoch_seconds(datetime.combine(day, time(), INDIA))


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a report is narrowed to; what is empty narrows nothing.

    Attributes:
        period: Of which days.
        licence: Identifier.
        office: Facility id; with all offices below it.
        maker: Letter.
    """

    period: Period
    licence: str = ""
    office: str = ""
    maker: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a licence belongs.

    Attributes:
        office: Its designated post office.
        path: Of that office.
    """

    office: OfficeId
    path: str
    name: str
    name_hi: str | None


@dataclass(frozen=True, slots=True)
class Named:
    """A licence as reports name it."""

    identifier: LicenceIdentifier
    number: LicenceNumber
    licensee: str
    licensee_hi: str | None
    maker: str
    issued_on: date
    place: Place


@dataclass(slots=True)
class Figures:
    """What is told of a licence, or of many: figures that can be added up.

    The three balances are never added to one another.

    Attributes:
        machines: How many licences.
        silent: How many of them did not dial in.
        deposits: Payments that reached their licence, by the day of the payment.
        downloads: Recharges that machines confirmed, by the day of that.
        given_back_paise: What machines gave back to their accounts.
        items: Franks with a value, as the registers rose.
        used_paise: Postage, likewise.
        deposited_paise: Balance at the end: not yet acknowledged by the maker.
        remaining_paise: Balance at the end: at the maker's server.
        machine_paise: Balance at the end: in the machine.
        told_paise: What makers said last that remains, with what is reserved.
        dial_ins: That were completed and told of.
        failed: Dial-ins that failed and were told of.
    """

    machines: int = 0
    silent: int = 0
    deposits: int = 0
    deposits_paise: int = 0
    downloads: int = 0
    downloads_paise: int = 0
    given_back_paise: int = 0
    items: int = 0
    used_paise: int = 0
    deposited_paise: int = 0
    remaining_paise: int = 0
    machine_paise: int = 0
    told_paise: int = 0
    dial_ins: int = 0
    failed: int = 0

    def add(self, other: "Figures") -> None:
        """Add the figures of others."""
        for name in _FIGURES:
            setattr(self, name, getattr(self, name) + getattr(other, name))


_FIGURES: Final = tuple(one.name for one in fields(Figures))


@dataclass(frozen=True, slots=True)
class LicenceLine:
    """A line of the month's report about one licence.

    Attributes:
        last_dial_in: Day of the last one until the end of the period; None: never.
        days_silent: Days from that, or from the issue of the licence, to the end of
            the period, or to today where the period is not over.
        told_at: When the maker said what remains; None: it never has.
    """

    of: Named
    figures: Figures
    last_dial_in: date | None
    days_silent: int
    told_at: EpochSeconds | None


@dataclass(frozen=True, slots=True)
class Key:
    """What a line about many licences is about; the rest is empty.

    Attributes:
        code: Of a Circle or Division, letter of a maker.
        name: Of the office or maker; empty for licences under no such office.
        facility: Of the office.
    """

    code: str = ""
    name: str = ""
    name_hi: str | None = None
    facility: str = ""
    day: date | None = None
    product_class: int | None = None


@dataclass(frozen=True, slots=True)
class GroupLine:
    """A line of the month's report about many licences."""

    of: Key
    figures: Figures


@dataclass(frozen=True, slots=True)
class SumLine:
    """A line of sums, in the order of the columns that were asked for."""

    of: Named | Key
    sums: tuple[int, ...]


def by_key(of: Named | Key) -> tuple[str, str, str, date, int]:
    """Give what lines are ordered by when it is the name of what they are about."""
    if isinstance(of, Named):
        return (of.identifier, "", "", date.min, 0)
    day = date.min if of.day is None else of.day
    return (of.name, of.code, of.facility, day, of.product_class or 0)
