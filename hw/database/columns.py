"""Column types that SQLite (STRICT) and PostgreSQL store alike.

SQLite's STRICT tables know INTEGER, TEXT and BLOB and check them; so a date is its ISO
text on both engines (it sorts as a date does), a truth is 0 or 1, and an enumeration is
its name with a CHECK.
"""

from collections.abc import Iterable
from datetime import date
from enum import Enum
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Dialect,
    Integer,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

INTEGER: Final[TypeEngine[int]] = Integer().with_variant(BigInteger(), "postgresql")
"""64 bits on both: paise, epoch seconds, numbers, keys of rows."""


class IsoDate(TypeDecorator[date]):
    """A calendar day of India, as ``YYYY-MM-DD``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: date | None, dialect: Dialect) -> str | None:
        """Write the day."""
        return None if value is None else value.isoformat()

    def process_result_value(self, value: Any | None, dialect: Dialect) -> date | None:
        """Read the day."""
        return None if value is None else date.fromisoformat(value)


class Flag(TypeDecorator[bool]):
    """True or false, as 1 or 0."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """Write the truth."""
        return None if value is None else int(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> bool | None:
        """Read the truth."""
        return None if value is None else bool(value)


def names(values: Iterable[Enum]) -> str:
    """List the names of members, in alphabetical order, for an IN of SQL."""
    members = sorted(values, key=lambda member: member.name)
    return ", ".join(f"'{member.name}'" for member in members)


def one_of(column: str, values: Iterable[Enum]) -> CheckConstraint:
    """Allow only the names of these members in a text column."""
    return CheckConstraint(f"{column} IN ({names(values)})", name=f"{column}_known")


def flag(column: str) -> CheckConstraint:
    """Allow only 0 and 1."""
    return CheckConstraint(f"{column} IN (0, 1)", name=f"{column}_flag")


def octets(column: str, count: int) -> CheckConstraint:
    """Allow only so many octets."""
    return CheckConstraint(f"length({column}) = {count}", name=f"{column}_octets")
