"""Items that both sides have had their say about: on to deposits, suspense, incidents.

- Agreed, in: the money is there and told; it is received as a deposit, and verified.
- Agreed, out again: the payment is taken back.
- With other amounts: what is in the account is received, for a person to look at.
- In the account alone: likewise, with no licence.
- Told alone: no money is there. It is named, and waits for an entry of a later day.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection

from dop_gateway.bank import item_store
from dop_gateway.bank.judging import Key, Named, name, subject_of
from dop_gateway.bank.model import FileId, Item, ItemState, Seen, Side
from dop_gateway.bank.neighbours import Paid, TakenBack
from dop_gateway.bank.store import get_file
from dop_gateway.bank.work import Work
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Source
from protocol.exchange import show_amount

_NO_MODE: Final = "NETBANKING"
"""A payment of unknown mode came by the only way that SBI has at launch (RMFS-07)."""

_OVER: Final = frozenset({ItemState.AGREED, ItemState.DIFFERS, ItemState.NOT_IN_FILE})


def settle(work: Work, items: Sequence[Item]) -> None:
    """Carry on with items that have just changed."""
    named = {_key(item): found for item in items if (found := name(item))}
    file_ids = _file_ids(work.connection, items)
    paid = [
        _paid(item, named.get(_key(item)), item.entered, file_ids)
        for item in items
        if item.side is Side.CREDIT and item.entered is not None and _is_over(item)
    ]
    wrong = list(named.values())
    if paid:
        wrong += work.neighbours.receive(work.connection, paid, work.by)
    back, other = _taken_back(work, items)
    if back:
        wrong += work.neighbours.take_back(work.connection, back, work.by)
    work.name(wrong + other)


def _taken_back(
    work: Work, items: Sequence[Item]
) -> tuple[list[TakenBack], list[Named]]:
    """Find what goes out again of what is there, and what cannot be of it.

    A payment may be taken back before the account has told that it came in: so whatever
    has come in now is looked up too.
    """
    keys = [
        (item.reference, side) for item in items for side in Side if item.state in _OVER
    ]
    known = item_store.known(work.connection, work.bank.code, keys)
    back, wrong = list[TakenBack](), list[Named]()
    for item in known.values():
        if item.side is Side.CREDIT or item.state is not ItemState.AGREED:
            continue
        paid, out = known.get((item.reference, Side.CREDIT)), item.entered
        if out is None or (paid is not None and paid.state not in _OVER):
            continue
        if paid is None or paid.entered is None:
            wrong.append(_odd(item, out, "we know of no such payment"))
        elif paid.entered.amount_paise != out.amount_paise:
            came = show_amount(paid.entered.amount_paise)
            wrong.append(_odd(item, out, f"what came in was {came}"))
        else:
            captured = item.captured
            on = captured.value_date or out.day
            back.append(TakenBack(Source.BANK, item.reference, on, captured.words))
    return back, wrong


def _odd(item: Item, out: Seen, words: str) -> Named:
    told = f"{item.reference}: {show_amount(out.amount_paise)} is taken back, {words}"
    return Named(IncidentKind.BANK_AMOUNT, subject_of(item), told, out.amount_paise)


def _is_over(item: Item) -> bool:
    return item.state in _OVER


def _key(item: Item) -> Key:
    return item.reference, item.side


def _file_ids(connection: Connection, items: Sequence[Item]) -> dict[FileId, str]:
    files = {seen.file for item in items if (seen := item.told or item.entered)}
    return {one: get_file(connection, one).file_id for one in files}


def _paid(
    item: Item, doubt: Named | None, entered: Seen, file_ids: Mapping[FileId, str]
) -> Paid:
    captured, seen = item.captured, item.told or entered
    return Paid(
        source=Source.BANK,
        reference=item.reference,
        licence=captured.licence,
        licence_number=captured.licence_number,
        licensee=captured.licensee,
        amount_paise=entered.amount_paise,
        mode=captured.mode or _NO_MODE,
        instrument=captured.instrument,
        value_date=captured.value_date or entered.day,
        realised_on=captured.realised_on,
        doubt="" if doubt is None else doubt.words,
        file_id=file_ids[seen.file],
        line_id=seen.line_id,
    )
