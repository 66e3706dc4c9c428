"""Hold what a file of payments tells against what the account has (RMFS-15, RMFS-17).

Pure: items as they are known come in, items that changed go out, with what is to be
said of them. Nothing is looked up and nothing is stored here.

- An item is known by its reference and its side: in, or out again.
- The file of payments tells a reference once; what it tells a second time is named and
  does not count. The entries of one reference and side in a statement are added up: so
  a payment that was booked twice shows as a difference. An entry of the same reference
  in a later statement is an item of its own, ``REFERENCE/day``, which nobody tells.
- A side has had its say about a day when its file for that day was taken, a later day's
  file does not count for it. What the other side tells of that day is missing then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from dop_gateway.bank.model import (
    TABLE,
    AmountsAgree,
    AmountsDiffer,
    Captured,
    DayClosed,
    Entered,
    FileId,
    Item,
    ItemState,
    Seen,
    Side,
    Told,
    ToldUnrealised,
)
from dop_gateway.incidents.model import IncidentKind
from protocol.exchange import Line, show_amount
from protocol.values import Paise

Key = tuple[str, Side]
"""Reference and side of an item."""
CHEQUE: Final = "SBI_CHEQUE"
_BLANK: Final = ""
_LINE: Final = IncidentKind.LINE_REFUSED


@dataclass(frozen=True, slots=True)
class Named:
    """A mistake of the bank's, named for an incident.

    Attributes:
        kind: What it is.
        subject: The reference, and the line where one reference has many.
        amount_paise: What it is about.
    """

    kind: IncidentKind
    subject: str
    words: str
    amount_paise: Paise


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a file.

    Attributes:
        items: Those that changed or are new.
        named: What is wrong.
    """

    items: tuple[Item, ...]
    named: tuple[Named, ...]


def keys_of(lines: Iterable[Line]) -> list[Key]:
    """List the items that the lines of either file are about, each once."""
    return list(dict.fromkeys(_key(line) for line in lines))


def tell(
    known: Mapping[Key, Item], lines: Iterable[Line], file: FileId, day: date
) -> Judged:
    """Take what a file of payments tells.

    Args:
        known: Items that the lines are about, as far as they are stored.
        lines: Of layout ``funds-received``.
        file: That they stand in.
        day: Its business date.
    """
    items, changed, named = dict(known), dict[Key, None](), list[Named]()
    for line in lines:
        values: Mapping[str, Any] = line.values
        key = _key(line)
        before = items.get(key)
        if not _size(line):
            words = f"{key[0]}: line {values['line_id']} tells nothing that was paid"
            subject = f"{key[0]} {values['line_id']}"
            named.append(Named(_LINE, subject, words, Paise(0)))
            continue
        seen = Seen(_size(line), file, values["line_id"], day)
        captured = _captured(line)
        realised = captured.mode != CHEQUE or captured.realised_on is not None
        item = before or _new(key)
        if item.told is not None and item.state is not ItemState.UNREALISED:
            words = (
                f"{key[0]}: line {seen.line_id} tells "
                f"{show_amount(seen.amount_paise)}, line {item.told.line_id} of "
                f"{item.told.day} told {show_amount(item.told.amount_paise)} already"
            )
            subject = f"{key[0]} {seen.line_id}"
            named.append(Named(_LINE, subject, words, seen.amount_paise))
            continue
        if not realised:
            if item.state is ItemState.NEW:
                items[key] = _moved(item, ToldUnrealised, captured, told=seen)
                changed[key] = None
            words = f"{key[0]}: line {seen.line_id} is a cheque without its realisation"
            named.append(Named(_LINE, key[0], words, seen.amount_paise))
            continue
        items[key] = _told(item, captured, seen)
        changed[key] = None
        if items[key].state is ItemState.NOT_IN_FILE:
            words = (
                f"{key[0]}: its money is in suspense since {_day(item.entered)}; now "
                f"line {seen.line_id} tells it for {captured.licence or 'no licence'}"
            )
            named.append(Named(_LINE, key[0], words, seen.amount_paise))
    return Judged(tuple(items[key] for key in changed), tuple(named))


def enter(
    known: Mapping[Key, Item], lines: Iterable[Line], file: FileId, day: date
) -> Judged:
    """Take the entries of a statement; arguments as in `tell`."""
    sums: dict[Key, Paise] = {}
    first: dict[Key, Line] = {}
    for line in lines:
        key = _key(line)
        if _size(line):
            sums[key] = Paise(sums.get(key, 0) + _size(line))
            first.setdefault(key, line)
    items = list[Item]()
    for key, amount_paise in sums.items():
        item = known.get(key) or _new(key)
        values: Mapping[str, Any] = first[key].values
        if item.entered is not None:
            # An entry of another day: nobody tells of it, whatever the first was.
            item = _new((f"{key[0]}/{day:%Y%m%d}", key[1]))
        seen = Seen(amount_paise, file, values["line_id"], day)
        items.append(_entered(item, seen, values))
    return Judged(tuple(items), ())


def close(item: Item) -> Item:
    """Say that the other side has had its say about the day of an item."""
    return _moved(item, DayClosed)


def name(item: Item) -> Named | None:
    """Say what is wrong with an item that both sides have had their say about."""
    told, entered = item.told, item.entered
    way = "" if item.side is Side.CREDIT else " is taken back:"
    if item.state is ItemState.NOT_IN_ACCOUNT and told is not None:
        words = (
            f"{item.reference}:{way} the file of payments of {told.day} tells "
            f"{show_amount(told.amount_paise)} in line {told.line_id}, the account "
            "has none of it"
        )
        missing = IncidentKind.BANK_NOT_IN_ACCOUNT
        return Named(missing, subject_of(item), words, told.amount_paise)
    if item.state is ItemState.NOT_IN_FILE and entered is not None:
        words = (
            f"{item.reference}:{way} the account has "
            f"{show_amount(entered.amount_paise)} on {entered.day}, no file of "
            "payments tells it"
        )
        untold = IncidentKind.BANK_NOT_IN_FILE
        return Named(untold, subject_of(item), words, entered.amount_paise)
    if item.state is ItemState.DIFFERS and told is not None and entered is not None:
        words = (
            f"{item.reference}:{way} the file of payments tells "
            f"{show_amount(told.amount_paise)}, the account has "
            f"{show_amount(entered.amount_paise)}"
        )
        other = IncidentKind.BANK_AMOUNT
        amount_paise = abs(told.amount_paise - entered.amount_paise)
        return Named(other, subject_of(item), words, Paise(amount_paise))
    return None


def subject_of(item: Item) -> str:
    """Give what incidents call an item."""
    return item.reference + ("" if item.side is Side.CREDIT else " returned")


def _key(line: Line) -> Key:
    values: Mapping[str, Any] = line.values
    comes = values["amount_paise"] >= 0 and line.record != "returned"
    return values["reference"], Side.CREDIT if comes else Side.DEBIT


def _size(line: Line) -> Paise:
    values: Mapping[str, Any] = line.values
    return Paise(abs(values["amount_paise"]))


def _new(key: Key) -> Item:
    return Item(None, key[0], key[1], TABLE.initial, Captured(), None, None)


def _told(item: Item, captured: Captured, seen: Seen) -> Item:
    entered = item.entered
    if entered is None or item.state is ItemState.NOT_IN_FILE:
        return _moved(item, Told, captured, told=seen)
    same = entered.amount_paise == seen.amount_paise
    return _moved(item, AmountsAgree if same else AmountsDiffer, captured, told=seen)


def _entered(item: Item, seen: Seen, values: Mapping[str, Any]) -> Item:
    if item.told is None or item.state is ItemState.UNREALISED:
        captured = item.captured
        if item.told is None:
            words = values.get("words") or _BLANK
            captured = Captured(value_date=values["value_date"], words=words)
        bare = replace(item, told=None)
        return _moved(bare, Entered, captured, entered=seen)
    same = item.told.amount_paise == seen.amount_paise
    return _moved(item, AmountsAgree if same else AmountsDiffer, entered=seen)


def _moved(
    item: Item,
    event: type,
    captured: Captured | None = None,
    *,
    told: Seen | None = None,
    entered: Seen | None = None,
) -> Item:
    return replace(
        item,
        state=TABLE.row(item.state, event()).to,
        captured=captured or item.captured,
        told=told or item.told,
        entered=entered or item.entered,
    )


def _captured(line: Line) -> Captured:
    values: Mapping[str, Any] = line.values
    if line.record == "returned":
        words = values["words"] or _BLANK
        return Captured(value_date=values["returned_on"], words=words)
    return Captured(
        licence=values["licence"] or _BLANK,
        licence_number=values["licence_number"] or _BLANK,
        licensee=values["licensee"] or _BLANK,
        mode=values["mode"],
        branch=values["branch"] or _BLANK,
        instrument=values["instrument"] or _BLANK,
        value_date=values["value_date"],
        realised_on=values["realised_on"],
    )


def _day(seen: Seen | None) -> str:
    return "an unknown day" if seen is None else seen.day.isoformat()
