"""A source takes a payment back, or the Department does: from wherever it is by then.

- Of what no money has moved, nothing moves.
- Before a maker knows of it, it goes back to its source at once.
- After that the maker is told to give it back. What a bank took it has at once, and
  suspense holds the claim, which is met when the maker says that it gave it back; what
  the Department takes back goes to its source then. What a machine has already, nobody
  can give back: the licensee owes what a bank took, and an incident says so. What
  paid such a debt may be taken back as well: then the licensee owes it again.

So the account of a source is what the source says at every moment, and ``remaining:``
is what the maker says.

Source: RMFS-39; domain notes, section 7.4.
"""

from datetime import date
from functools import partial
from typing import Final

from sqlalchemy import Connection

from dop_gateway.deposits import fund_lines, store
from dop_gateway.deposits import proposals_store as proposals
from dop_gateway.deposits.fund_lines import NewLine, SentLine
from dop_gateway.deposits.model import (
    CLAIMED,
    Deposit,
    DepositEvent,
    DepositState,
    LineKind,
    LineState,
)
from dop_gateway.deposits.steps import Money, Steps
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.ledger import Movement, Source, movements
from protocol.errors import InvariantError
from protocol.values import show_rupees

_S = DepositState
_OVER: Final = frozenset(
    {
        _S.BOUNCED,
        _S.REVERSED,
        _S.RETURNED,
        _S.RECALLED,
        _S.RECALLED_UNANSWERED,
        _S.OWED,
        _S.PAID_AGAIN,
    }
)
"""What is taken back already is not taken back again."""
_NEVER_POSTED: Final = frozenset({_S.RECEIVED, _S.REALISED})
_REACHED: Final = frozenset({LineState.SENT, LineState.TAKEN, LineState.REFUSED})


def bounce(  # noqa: PLR0917
    connection: Connection,
    source: Source,
    reference: str,
    on: date,
    words: str,
    by: By,
) -> Deposit:
    """Take over that a source took a payment back; again changes nothing.

    Args:
        connection: A writing transaction.
        source: Which.
        reference: Of the payment.
        on: The day on which it took it back.
        words: Why, as the source says.
        by: Who brought the news.

    Raises:
        NotFoundError: Nobody has told of such a payment.
    """
    deposit = store.lock_reference(connection, source, reference)
    if deposit is None:
        raise NotFoundError(f"there is no payment {reference} of {source.value}")
    if deposit.state in _OVER:
        return deposit
    why = f"taken back on {on.isoformat()}: {words or 'no reason told'}"
    return take_back(connection, deposit, DepositEvent.BOUNCED, why, by)


def take_back(
    connection: Connection, deposit: Deposit, event: DepositEvent, why: str, by: By
) -> Deposit:
    """Take a deposit back from wherever it is.

    Args:
        connection: A writing transaction, in which the deposit is locked.
        deposit: Which.
        event: `BOUNCED` or `REVERSED`.
        why: For the ledger.
        by: Who.

    Raises:
        IllegalMoveError: It cannot be taken back.
    """
    steps = Steps(by)
    lines = fund_lines.of_deposit(connection, deposit.id)
    fund_lines.drop(connection, deposit.id)
    money: Money | None = partial(_given_up, deposit, why)
    waits = event is DepositEvent.REVERSED and deposit.state is not _S.AUTHENTICATED
    if waits or deposit.state in _NEVER_POSTED:
        money = None
    for_what = _S.REVERSED if event is DepositEvent.REVERSED else _S.BOUNCED
    moved = steps.move(deposit, event, money, recalled_for=for_what)
    first = _first_told(lines, moved)
    no_line = moved.state is _S.OWED or deposit.state is _S.PAID_OWED
    if first is not None and moved.licence is not None and not no_line:
        told = -moved.amount_paise
        # What the maker refused waits in its suspense: no funds change.
        changes = told if moved.state in CLAIMED else 0
        back = LineKind.TAKE_BACK
        steps.line(NewLine(moved.id, moved.licence, back, changes, told, first.id))
    owed = moved if moved.state is _S.OWED else None
    if deposit.state is _S.PAID_OWED:
        owed = _owe_again(connection, steps, deposit)
    steps.write(connection, "take deposit back")
    proposals.overtake(connection, deposit.id, by)
    if owed is not None:
        tell_owed(connection, owed, by)
    return moved


def tell_owed(connection: Connection, deposit: Deposit, by: By) -> None:
    """Tell people that a licensee owes what a machine has."""
    told = show_rupees(deposit.amount_paise)
    incidents.report(
        connection,
        IncidentKind.DEPOSIT_BOUNCED_AFTER_USE,
        f"deposit {deposit.id}",
        f"{told} by {deposit.payment.reference} were taken back, and the maker cannot "
        "give them back: ask the licensee to pay",
        by,
        amount_paise=deposit.amount_paise,
        maker="" if deposit.licence is None else deposit.licence[0],
        licence=deposit.licence,
    )


def first_told(connection: Connection, deposit: Deposit) -> SentLine | None:
    """Find the line that told the maker of a deposit for its licence; None if none."""
    return _first_told(fund_lines.of_deposit(connection, deposit.id), deposit)


def _first_told(lines: list[SentLine], deposit: Deposit) -> SentLine | None:
    brought = (
        one
        for one in reversed(lines)
        if one.kind is LineKind.DEPOSIT and one.licence == deposit.licence
    )
    return next((one for one in brought if one.state in _REACHED), None)


def _owe_again(connection: Connection, steps: Steps, payment: Deposit) -> Deposit:
    """Let a licensee owe again what a payment settled that is taken back itself."""
    number = proposals.settled_by(connection, payment.id)
    settled = None if number is None else store.lock(connection, number)
    if settled is None:
        raise InvariantError(f"deposit {payment.id} paid what nobody owed")
    return steps.move(settled, DepositEvent.OWED_AGAIN)


def _given_up(deposit: Deposit, why: str, key: str) -> Movement:
    """Give a source back what it took."""
    source, amount = deposit.payment.source, deposit.amount_paise
    if deposit.state is _S.SUSPENSE:
        return movements.returned(source, amount, key, why)
    if deposit.state is _S.AUTHENTICATED and deposit.licence is not None:
        licence = deposit.licence
        return movements.reversed_unsent(source, licence, amount, key, why)
    return movements.claimed(source, amount, key, why)
