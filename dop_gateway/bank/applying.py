"""Let the lines of a file count that was taken.

Lines of payments and entries become items, which are written as they change; what both
sides have had their say about goes on (`settling`).
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from dop_gateway.bank import item_store, judging, store
from dop_gateway.bank.e_payment import take_day
from dop_gateway.bank.judging import Named
from dop_gateway.bank.model import (
    ACCOUNT_STATEMENT,
    E_PAYMENT_DAY,
    FUNDS_RECEIVED,
    Bank,
    FileId,
    Item,
    ItemState,
)
from dop_gateway.bank.settling import settle
from dop_gateway.bank.work import Work
from dop_gateway.incidents.model import IncidentKind
from protocol.errors import InvariantError
from protocol.exchange import BY_HAND, ExchangeFile, FileHeader, show_amount
from protocol.values import Paise

_GAPS_NAMED_MAX: Final = 10
_NOTHING: Final = Paise(0)


def of_day(bank: Bank, layout: str, day: date) -> str:
    """Give what incidents call the file of a day."""
    return f"{bank.code} {layout} {day}"


def apply(work: Work, number: FileId, file: ExchangeFile) -> None:
    """Let the lines of a file count.

    Args:
        work: Whose file it is, and who is told.
        number: Ours, of the file.
        file: As it was read; its turn has come.
    """
    header, layout = FileHeader.of(file), file.layout.name
    _watch_numbers(work, number, header, layout)
    subject = of_day(work.bank, layout, header.business_date)
    words = f"{layout} of {header.business_date} has come: {header.file_id}"
    work.over([Named(IncidentKind.FILE_MISSING, subject, words, _NOTHING)])
    if layout == E_PAYMENT_DAY:
        take_day(work, number, file)
        return
    connection, code = work.connection, work.bank.code
    judge = judging.tell if layout == FUNDS_RECEIVED else judging.enter
    known = item_store.known(connection, code, judging.keys_of(file.lines))
    judged = judge(known, file.lines, number, header.business_date)
    item_store.write(connection, code, judged.items)
    moved = [one for one in judged.items if _has_moved(one, known)]
    _come_right(work, moved, known)
    settle(work, moved)
    work.name(judged.named)
    _close_days(work)


def _close_days(work: Work) -> None:
    """Look for items of whose day the other side has had its say."""
    connection, code = work.connection, work.bank.code
    for state, other in (
        (ItemState.TOLD, ACCOUNT_STATEMENT),
        (ItemState.ENTERED, FUNDS_RECEIVED),
    ):
        waiting = item_store.waiting(connection, code, state)
        days = store.days_taken(connection, code, other, map(_day, waiting))
        closed = [judging.close(one) for one in waiting if _day(one) in days]
        item_store.write(connection, code, closed)
        settle(work, closed)


def _come_right(
    work: Work, items: list[Item], known: Mapping[judging.Key, Item]
) -> None:
    """Say that what was told alone has come into the account."""
    work.over(
        [
            Named(
                IncidentKind.BANK_NOT_IN_ACCOUNT,
                judging.subject_of(one),
                f"{one.reference}: the account has "
                f"{show_amount(one.entered.amount_paise)} on {one.entered.day}",
                _NOTHING,
            )
            for one in items
            if one.entered is not None
            and (before := known.get(_key(one))) is not None
            and before.state is ItemState.NOT_IN_ACCOUNT
        ]
    )


def _watch_numbers(work: Work, number: FileId, header: FileHeader, layout: str) -> None:
    """Name the numbers that are left out, and say of one that comes that it came."""
    code = work.bank.code
    highest = store.highest_number(work.connection, code, layout, number)
    if highest is None or header.sequence == BY_HAND:
        return

    def gap(sequence: int, words: str) -> Named:
        subject = f"{code} {layout} no. {sequence}"
        return Named(IncidentKind.SEQUENCE_GAP, subject, words, _NOTHING)

    if header.sequence < highest:
        work.over([gap(header.sequence, f"it has come: {header.file_id}")])
        return
    left_out = range(highest + 1, header.sequence)[:_GAPS_NAMED_MAX]
    words = f"{header.file_id} of {code} is no. {header.sequence} after {highest}"
    work.name([gap(one, f"{words}: ask for no. {one}") for one in left_out])


def _key(item: Item) -> judging.Key:
    return item.reference, item.side


def _has_moved(item: Item, known: Mapping[judging.Key, Item]) -> bool:
    before = known.get(_key(item))
    return before is None or before.state is not item.state


def _day(item: Item) -> date:
    seen = item.told or item.entered
    if seen is None:
        raise InvariantError(f"{item.reference} stands in no file")
    return seen.day
