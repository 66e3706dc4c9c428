"""Cells in words: as people in India read them, and as programs do.

| kind | people | programs |
|---|---|---|
| MONEY, 1234567890 paise | 1,23,45,678.90 | 12345678.90 |
| COUNT | 1,23,456 | 123456 |
| DAY | 16-11-2026 | 2026-11-16 |
| MOMENT | 16-11-2026 09:00:00 | 2026-11-16T09:00:00+05:30 |
| SHARE, 1250 basis points | 12.50% | 12.50 |
"""

from datetime import date, datetime
from typing import Final

from dop_gateway.exports.table import Cell, Kind
from protocol.parameters import INDIA
from protocol.values import EpochSeconds

DAY_SHOWN: Final = "%d-%m-%Y"
MOMENT_SHOWN: Final = "%d-%m-%Y %H:%M:%S"


def show(kind: Kind, cell: Cell) -> str:
    """Show a cell to a person."""
    if isinstance(cell, date):
        return cell.strftime(DAY_SHOWN)
    if isinstance(cell, int):
        if kind is Kind.MONEY:
            return _hundredths(cell, grouped=True)
        if kind is Kind.SHARE:
            return f"{_hundredths(cell, grouped=True)}%"
        if kind is Kind.MOMENT:
            return india(cell).strftime(MOMENT_SHOWN)
        return group(cell)
    return cell or ""


def tell(kind: Kind, cell: Cell) -> str:
    """Write a cell for a program."""
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, int):
        if kind in {Kind.MONEY, Kind.SHARE}:
            return _hundredths(cell, grouped=False)
        if kind is Kind.MOMENT:
            return india(cell).isoformat()
        return str(cell)
    return cell or ""


def show_moment(moment: EpochSeconds) -> str:
    """Show a moment with its time zone, where no heading says it."""
    return f"{india(moment).strftime(MOMENT_SHOWN)} IST"


def india(moment: int) -> datetime:
    """Give a moment as India's clocks show it."""
    return datetime.fromtimestamp(moment, INDIA)


def group(count: int) -> str:
    """Put commas as India does: after three digits, then after every two."""
    digits = str(abs(count))
    front, end = digits[:-3], digits[-3:]
    pairs = []
    while front:
        front, pair = front[:-2], front[-2:]
        pairs.append(pair)
    return f"{'-' if count < 0 else ''}{','.join((*reversed(pairs), end))}"


def _hundredths(count: int, *, grouped: bool) -> str:
    whole, rest = divmod(abs(count), 100)
    shown = group(whole) if grouped else str(whole)
    return f"{'-' if count < 0 else ''}{shown}.{rest:02d}"
