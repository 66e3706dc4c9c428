"""The day of India that a stored moment falls on, as an expression of SQL.

It is written without parameters: a database has to see that the expression that is
grouped by is the one that is selected.
"""

from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from hw.database.columns import IsoDate

AHEAD_S = 19_800
"""India's clocks are five and a half hours ahead of UTC, all the year."""


class DayOf(GenericFunction[Any]):
    """The day of a column of `EpochSeconds`: ``DayOf(download_line.c.at)``."""

    type = IsoDate()
    name = "day_of"
    inherit_cache = True


@compiles(DayOf, "sqlite")
def _sqlite(element: DayOf, compiler: SQLCompiler, **more: Any) -> str:
    moment = compiler.process(element.clauses, **more)
    return f"strftime('%Y-%m-%d', {moment} + {AHEAD_S}, 'unixepoch')"


@compiles(DayOf, "postgresql")
def _postgresql(element: DayOf, compiler: SQLCompiler, **more: Any) -> str:
    moment = compiler.process(element.clauses, **more)
    in_india = f"to_timestamp({moment} + {AHEAD_S}) AT TIME ZONE 'UTC'"
    return f"to_char({in_india}, 'YYYY-MM-DD')"
