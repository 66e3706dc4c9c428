"""Mistakes that are put into a rehearsal, and whether the gateway names each.

A mistake says beforehand what has to be found of it: incidents of a kind and about a
subject, a file that came twice, a deposit that waits or went back, a difference with
its cause. It is named when all of that is there; nothing that the gateway
says at large counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.deposits import store as deposits
from dop_gateway.deposits.model import DepositState
from dop_gateway.exchange import file_store
from dop_gateway.incidents import store as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.incidents.store import Wanted
from dop_gateway.ledger import Source
from dop_gateway.money import report_store
from dop_gateway.money.model import Cause
from protocol.values import LicenceIdentifier

_TWICE: Final = 2
TAKEN_BACK: Final = frozenset(
    {
        DepositState.BOUNCED,
        DepositState.REVERSED,
        DepositState.RECALLED_UNANSWERED,
        DepositState.RECALLED,
        DepositState.OWED,
    }
)
"""Where a payment is that was taken back, wherever its money was by then."""


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident has to be there; it may be over by now."""

    kind: IncidentKind
    subject: str


@dataclass(frozen=True, slots=True)
class CameAgain:
    """A file has to be known to have come more than once.

    Attributes:
        sha256: Of its octets.
    """

    party: str
    name: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class DepositIs:
    """A deposit has to be in one of these states, or to have been.

    Attributes:
        never: It must not have been in one of these.
    """

    reference: str
    states: frozenset[DepositState]
    source: Source = Source.BANK
    never: frozenset[DepositState] = frozenset()


@dataclass(frozen=True, slots=True)
class Explained:
    """The reconciliation of a day has to explain a difference by this cause."""

    licence: LicenceIdentifier
    cause: Cause
    day: date


Sign = Incident | CameAgain | DepositIs | Explained


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something that went wrong on purpose.

    Attributes:
        name: What kind of mistake it is, as in ``truncated``.
        subject: Which thing it struck.
        signs: What has to be found.
    """

    name: str
    subject: str
    signs: Sequence[Sign]


@dataclass(frozen=True, slots=True)
class Named:
    """A mistake, and what the gateway says of it.

    Attributes:
        words: One sentence for each sign that was found.
        missing: Signs that were not.
    """

    mistake: Mistake
    words: Sequence[str]
    missing: Sequence[Sign]

    @property
    def is_named(self) -> bool:
        """Whether all of it was found."""
        return not self.missing


def look_for(connection: Connection, mistakes: Iterable[Mistake]) -> list[Named]:
    """Look what the gateway says of each mistake."""
    found = []
    for mistake in mistakes:
        said = {sign: _said_of(connection, sign) for sign in mistake.signs}
        found.append(
            Named(
                mistake,
                [words for words in said.values() if words],
                [sign for sign, words in said.items() if not words],
            )
        )
    return found


def _said_of(connection: Connection, sign: Sign) -> str:
    """Give the words about a sign; empty if there are none."""
    if isinstance(sign, Incident):
        wanted = Wanted(kinds=[sign.kind], subject=sign.subject)
        rows = incidents.list_incidents(connection, wanted, rows_max=1)
        return f"{sign.kind.name} {sign.subject}: {rows[0].words}" if rows else ""
    if isinstance(sign, CameAgain):
        row = file_store.came_with(connection, sign.party, sign.sha256)
        if row is None or row.offers < _TWICE:
            return ""
        return f"{sign.name} came {row.offers} times and was applied once"
    if isinstance(sign, Explained):
        return _explained(connection, sign)
    return _was(connection, sign)


def _explained(connection: Connection, sign: Explained) -> str:
    wanted = report_store.parts_matching(
        sign.day, licence=sign.licence, causes=[sign.cause]
    )
    found = wanted.page(connection, "amount", 0, 1)
    return f"{sign.licence} {sign.cause.name}: {found[0].words}" if found else ""


def _was(connection: Connection, sign: DepositIs) -> str:
    deposit = deposits.find(connection, sign.source, sign.reference)
    if deposit is None:
        return ""
    moves = deposits.history(connection, deposit.id)
    if any(DepositState[one.to_state] in sign.never for one in moves):
        return ""
    for move in moves:
        state = DepositState[move.to_state]
        if state in sign.states:
            why = move.reason or state.value
            return f"{sign.reference} was {state.name}: {why}"
    return ""
