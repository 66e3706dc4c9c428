"""A dial-in as a maker tells it, what is known of it, and what can be wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from protocol.coded import Coded
from protocol.messages import UsageRow
from protocol.parameters import business_date
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise


class UsageFault(Coded):
    """Why a dial-in of a usage file is refused; a stable code, and what to do."""

    NOT_OURS = (
        "USG-20-001",
        "no machine of this maker has the licence: leave the line out",
    )
    OTHER_NUMBER = (
        "USG-20-002",
        "the licence has another number: take it from the licence issue file",
    )
    NO_KEY = (
        "USG-20-003",
        "no signing key of the machine is registered: have it registered, send again",
    )
    NOT_READABLE = (
        "USG-20-004",
        "the octets are no STATEMENT: send them as the machine signed them",
    )
    OTHER_MACHINE = (
        "USG-20-005",
        "the STATEMENT is of another machine: send that of this one",
    )
    NOT_SIGNED = (
        "USG-20-006",
        "the machine has not signed it over this binding: send both as they came",
    )
    ALTERED = (
        "USG-20-007",
        "the line says other than the machine signed: send what was signed",
    )
    UNBALANCED = (
        "USG-20-008",
        "AR and DR are not CT: have the machine looked at",
    )
    OTHER_PRODUCTS = (
        "USG-20-009",
        "the machine has signed other products: send those, or none",
    )
    NOT_THE_SUM = (
        "USG-20-010",
        "the products are not what AR has risen by: have the machine looked at",
    )
    WENT_BACK = (
        "USG-20-011",
        "registers went back: lock the machine and have it looked at",
    )
    SAID_OTHERWISE = (
        "USG-20-012",
        "a dial-in has one STATEMENT: lock the machine and have it looked at",
    )


@dataclass(frozen=True, slots=True)
class Objection:
    """One fault, and what was seen."""

    fault: UsageFault
    detail: str

    @property
    def words(self) -> str:
        """What people read: what was seen, and what to do next."""
        return f"{self.detail}; {self.fault.words}"


@dataclass(frozen=True, slots=True)
class DialIn:
    """One dial-in as a line of a file tells it, with its products.

    Attributes:
        line_id: Of its line.
        number: Of the dial-in, as the machine counts.
        at: When the STATEMENT came, as the maker says; the machine has not signed it.
        ascending_paise: AR.
        descending_paise: DR.
        control_total_paise: CT.
        items: Franks with a value so far.
        statement: Octets of the STATEMENT.
        binding: 32 octets of the channel, which the machine signed with it.
        products: Totals since the life of the PSD began, by class; none where no usage
            came in this dial-in.
    """

    line_id: str
    licence: LicenceIdentifier
    licence_number: LicenceNumber
    number: int
    at: EpochSeconds
    ascending_paise: Paise
    descending_paise: Paise
    control_total_paise: Paise
    items: int
    statement: bytes
    binding: bytes
    products: tuple[UsageRow, ...]

    @property
    def day(self) -> date:
        """The day in India on which it came."""
        return business_date(self.at)

    @property
    def products_paise(self) -> int:
        """Postage of all products."""
        return sum(row.amount_paise for row in self.products)


@dataclass(frozen=True, slots=True)
class FailedDialIn:
    """A dial-in that failed, as a line of a file tells it.

    Attributes:
        line_id: Of its line.
        at: When it failed, as the maker says.
        code: Why, by the names of SPEC.md DLG-8, or one of the maker's own.
        words: The same for people.
    """

    line_id: str
    licence: LicenceIdentifier
    licence_number: LicenceNumber
    at: EpochSeconds
    code: str
    words: str

    @property
    def day(self) -> date:
        """The day in India on which it failed."""
        return business_date(self.at)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A dial-in that was taken, as far as others are held against it.

    Attributes:
        products: By class; None where no usage came with it.
    """

    number: int
    ascending_paise: Paise
    items: int
    statement: bytes
    products: Mapping[int, UsageRow] | None


@dataclass(frozen=True, slots=True)
class Known:
    """What was taken of a machine before.

    Attributes:
        began_paise: AR at the beginning of its life, as its maker has signed it.
        same: The dial-in of this number.
        before: The one with the nearest lower number.
        after: The one with the nearest higher number.
        classes_before: The nearest lower one that has products.
        classes_after: The nearest higher one that has products.
    """

    began_paise: Paise
    same: Neighbour | None = None
    before: Neighbour | None = None
    after: Neighbour | None = None
    classes_before: Neighbour | None = None
    classes_after: Neighbour | None = None


def growth(
    rows: Sequence[UsageRow], before: Mapping[int, UsageRow]
) -> tuple[UsageRow, ...]:
    """Give what was franked since an earlier dial-in, class by class.

    Args:
        rows: Totals of the later dial-in.
        before: Totals of the earlier one, by class.
    """
    nothing = UsageRow(0, 0, Paise(0))
    return tuple(
        UsageRow(
            row.product_class,
            row.items - before.get(row.product_class, nothing).items,
            Paise(
                row.amount_paise - before.get(row.product_class, nothing).amount_paise
            ),
        )
        for row in rows
    )
