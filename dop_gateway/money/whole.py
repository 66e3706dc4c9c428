"""Where all money is: what came in, where it lies, and what is told but not counted.

    received = deposited + remaining + in machines + postage + suspense + refunds
               + returned

Both sides come from the ledger, by why money moved; and what sources told of payments,
which is not in the ledger, has to be what differs.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from dop_gateway.deposits.model import CLAIMED, WITH_WHO_PAID, DepositState
from dop_gateway.deposits.tables import deposit
from dop_gateway.ledger import AccountKind, JournalKind, Source
from dop_gateway.ledger.tables import ledger
from dop_gateway.money.model import Cause, Explanation
from protocol.values import EpochSeconds, Paise, show_rupees

_RECEIVED: Final = (JournalKind.AUTHENTICATED, JournalKind.SUSPENDED)
_SOURCES: Final = tuple(AccountKind[one.name] for one in Source)
_PLACES: Final = (
    AccountKind.DEPOSITED,
    AccountKind.REMAINING,
    AccountKind.MACHINE,
    AccountKind.POSTAGE,
    AccountKind.SUSPENSE,
    AccountKind.REFUNDS,
)
_NOT_COUNTED: Final = (
    DepositState.RECEIVED,
    DepositState.REALISED,
    DepositState.VERIFIED,
)


@dataclass(frozen=True, slots=True)
class Whole:
    """Where all money is.

    Attributes:
        received: What came in, by the name of its source.
        returned: What went back there, likewise.
        places: What lies where, by the name of the kind of account.
        told_paise: Payments that sources told of, less those that are over.
        explanations: Of what is told and not in the ledger.
    """

    received: dict[str, int]
    returned: dict[str, int]
    places: dict[str, int]
    told_paise: int
    explanations: tuple[Explanation, ...]

    @property
    def counted_paise(self) -> int:
        """What came in and did not go back, by the ledger."""
        return sum(self.received.values()) - sum(self.returned.values())

    @property
    def unexplained_paise(self) -> int:
        """What lies nowhere, or is told and not explained: 0."""
        missing = self.counted_paise - sum(self.places.values())
        explained = sum(one.amount_paise for one in self.explanations)
        return abs(missing) + abs(self.told_paise - self.counted_paise - explained)


def whole(connection: Connection, now: EpochSeconds) -> Whole:
    """Say where all money is.

    Args:
        connection: To the database.
        now: Stands for when something began that is not known.
    """
    sums = _sums(connection)
    received = {
        kind.name: -sum(sums.get((kind, why), 0) for why in _RECEIVED)
        for kind in _SOURCES
    }
    returned = {
        kind.name: sum(
            amount
            for (account, why), amount in sums.items()
            if account is kind and why not in _RECEIVED
        )
        for kind in _SOURCES
    }
    places = {
        kind.name: sum(
            amount for (account, _), amount in sums.items() if account is kind
        )
        for kind in _PLACES
    }
    told = _told(connection)
    explanations = tuple(
        one for one in (_cleared(told, now), _claimed(connection, now)) if one
    )
    total = sum(
        amount for state, (amount, _) in told.items() if state not in WITH_WHO_PAID
    )
    return Whole(received, returned, places, total, explanations)


def _sums(connection: Connection) -> dict[tuple[AccountKind, JournalKind], int]:
    account, entry, journal = ledger.account.c, ledger.entry.c, ledger.journal.c
    rows = connection.execute(
        select(account.kind, journal.kind, func.sum(entry.amount_paise))
        .select_from(ledger.entry.join(ledger.account).join(ledger.journal))
        .group_by(account.kind, journal.kind)
    )
    return {
        (AccountKind[kind], JournalKind[why]): int(total) for kind, why, total in rows
    }


def _told(connection: Connection) -> dict[DepositState, tuple[int, int]]:
    """Give the sum of deposits by state, and when the oldest came."""
    of = deposit.c
    rows = connection.execute(
        select(of.state, func.sum(of.amount_paise), func.min(of.received_at)).group_by(
            of.state
        )
    )
    return {DepositState[state]: (int(total), since) for state, total, since in rows}


def _cleared(
    told: dict[DepositState, tuple[int, int]], now: EpochSeconds
) -> Explanation | None:
    waiting = [told[state] for state in _NOT_COUNTED if state in told]
    amount = sum(one for one, _ in waiting)
    if not amount:
        return None
    words = (
        f"{show_rupees(Paise(amount))} are told of, and not realised or not confirmed "
        "by the account"
    )
    since = min((since for _, since in waiting), default=now)
    return Explanation(Cause.CLEARANCE, words, amount, EpochSeconds(since))


def _claimed(connection: Connection, now: EpochSeconds) -> Explanation | None:
    of = deposit.c
    total, since = connection.execute(
        select(func.coalesce(func.sum(of.amount_paise), 0), func.min(of.changed_at))
        .where(of.state.in_([state.name for state in CLAIMED]))
        .where(of.recalled_for == DepositState.BOUNCED.name)
    ).one()
    amount = int(total)
    if not amount:
        return None
    words = f"{show_rupees(Paise(amount))} were taken back by who paid, and are claimed"
    began = EpochSeconds(now if since is None else since)
    return Explanation(Cause.CLAIM, words, amount, began)
