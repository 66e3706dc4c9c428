"""What both sides of the bench have in common: who speaks, and what is seen broken."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from protocol.messages import SIGNATURE_OCTETS, MessageTable, UsageRow
from protocol.messages.codec import FieldValue, encode_fields
from protocol.messages.tables import USAGE_ROWS, Kind
from protocol.registers import Registers
from protocol.values import Paise

Fields = dict[str, FieldValue]

_NUMBERS: Final = frozenset({Kind.UINT, Kind.AMOUNT, Kind.TIME})
_REGISTERS: Final = (
    "ascending_paise",
    "descending_paise",
    "control_total_paise",
    "items",
    "items_with_zero",
)


@dataclass(frozen=True, slots=True)
class Breach:
    """A clause that was seen broken while a case tested another one."""

    clause: str
    words: str

    def __str__(self) -> str:
        """Show both."""
        return f"{self.clause}: {self.words}"


class Findings(list[Breach]):
    """What of a message is broken; it knows what else was looked at.

    Attributes:
        clauses: All that were looked at, broken or not.
    """

    def __init__(self) -> None:
        """Have looked at nothing."""
        super().__init__()
        self.clauses: set[str] = set()

    def look(self, clause: str, right: bool, words: str) -> None:
        """Look at something that a clause demands.

        Args:
            clause: The clause.
            right: Whether it is so.
            words: What is wrong if it is not.
        """
        self.clauses.add(clause)
        if not right:
            self.append(Breach(clause, words))

    # A list has the same: what + gives is a plain one.
    def __iadd__(self, more: Iterable[Breach]) -> Self:  # type: ignore[override, misc]
        """Take in what was found elsewhere."""
        self.extend(more)
        if isinstance(more, Findings):
            self.clauses |= more.clauses
        return self


def blank(table: MessageTable) -> Fields:
    """Give every field of a message the value 0."""
    return {
        field.name: 0 if field.kind in _NUMBERS else bytes(field.octets)
        for field in table.fields
    }


def number(fields: Mapping[str, FieldValue], name: str) -> int:
    """Read a field that is a number."""
    value = fields[name]
    return value if isinstance(value, int) else 0


def octets(fields: Mapping[str, FieldValue], name: str) -> bytes:
    """Read a field that is octets."""
    value = fields[name]
    return value if isinstance(value, bytes) else b""


def registers_of(fields: Mapping[str, FieldValue]) -> Registers:
    """Read the registers of a STATEMENT or CONFIRMATION."""
    return Registers(
        Paise(number(fields, "ascending_paise")),
        Paise(number(fields, "descending_paise")),
        Paise(number(fields, "control_total_paise")),
        number(fields, "items"),
        number(fields, "items_with_zero"),
    )


def fields_of(registers: Registers) -> Fields:
    """Write registers as fields."""
    return {name: getattr(registers, name) for name in _REGISTERS}


def usage_rows(fields: Mapping[str, FieldValue]) -> list[UsageRow]:
    """Read the rows of one part of a USAGE."""
    rows = [
        UsageRow(
            number(fields, f"class_{row}"),
            number(fields, f"items_{row}"),
            Paise(number(fields, f"amount_{row}_paise")),
        )
        for row in range(1, USAGE_ROWS + 1)
    ]
    return [row for row in rows if row.product_class]


def unsigned(table: MessageTable, fields: Mapping[str, FieldValue]) -> bytes:
    """Write a message that ends in a signature, without that."""
    whole = {**fields, "signature": bytes(SIGNATURE_OCTETS)}
    return encode_fields(table, whole)[:-SIGNATURE_OCTETS]
