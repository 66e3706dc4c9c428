"""The movements of money that there are, each from one account to another.

Each function gives a `Movement`, which `dop_gateway.ledger.post` puts into the ledger.
The key is made of what the movement is about, as in ``deposit:17:acknowledged``: the
same movement again changes nothing, another one with its key is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dop_gateway.ledger.model import AccountKind, JournalKind, Source
from hw.database.ledger import AccountName
from protocol.values import LicenceIdentifier


@dataclass(frozen=True, slots=True)
class Movement:
    """An amount that goes from one account to another.

    Attributes:
        kind: Why.
        key: Made of what it is about.
        amount_paise: More than 0.
        reason: A sentence for people.
    """

    kind: JournalKind
    key: str
    from_account: AccountName
    to_account: AccountName
    amount_paise: int
    reason: str


MovementOf = Callable[[LicenceIdentifier, int, str, str], Movement]
"""Makes a movement of a licence, an amount, a key and a reason."""


def account_of(kind: AccountKind, licence: LicenceIdentifier) -> AccountName:
    """Name an account of a licence, as in ``remaining:N123456``."""
    return AccountName(f"{kind.name.lower()}:{licence}")


def pooled(kind: AccountKind) -> AccountName:
    """Name a pooled account, as in ``post_office``."""
    return AccountName(kind.name.lower())


SUSPENSE: Final = pooled(AccountKind.SUSPENSE)
POSTAGE: Final = pooled(AccountKind.POSTAGE)
REFUNDS: Final = pooled(AccountKind.REFUNDS)
_DEPOSITED: Final = AccountKind.DEPOSITED
_REMAINING: Final = AccountKind.REMAINING
_MACHINE: Final = AccountKind.MACHINE


def source_account(source: Source) -> AccountName:
    """Name the account of a source."""
    return pooled(AccountKind[source.name])


def authenticated(
    source: Source, licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Bring a payment that fits to its licence."""
    to = account_of(_DEPOSITED, licence)
    kind = JournalKind.AUTHENTICATED
    return Movement(kind, key, source_account(source), to, amount, reason)


def suspended(source: Source, amount: int, key: str, reason: str) -> Movement:
    """Let a payment that does not fit wait for a person."""
    kind = JournalKind.SUSPENDED
    return Movement(kind, key, source_account(source), SUSPENSE, amount, reason)


def released(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Bring a suspended payment to its licence."""
    to = account_of(_DEPOSITED, licence)
    return Movement(JournalKind.RELEASED, key, SUSPENSE, to, amount, reason)


def returned(source: Source, amount: int, key: str, reason: str) -> Movement:
    """Give a suspended payment back to who paid."""
    kind = JournalKind.RETURNED
    return Movement(kind, key, SUSPENSE, source_account(source), amount, reason)


def reversed_unsent(
    source: Source, licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Take a deposit back that no maker has in its funds."""
    to = source_account(source)
    held = account_of(_DEPOSITED, licence)
    return Movement(JournalKind.REVERSED, key, held, to, amount, reason)


def claimed(source: Source, amount: int, key: str, reason: str) -> Movement:
    """Note that a source took back what the maker still has: suspense is lowered."""
    kind = JournalKind.CLAIMED
    return Movement(kind, key, SUSPENSE, source_account(source), amount, reason)


def met_unanswered(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Meet a claim by a deposit that the maker never brought into its funds."""
    held = account_of(_DEPOSITED, licence)
    return Movement(JournalKind.RECALLED, key, held, SUSPENSE, amount, reason)


def met_by_maker(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Meet a claim by what the maker gave back of its funds."""
    held = account_of(_REMAINING, licence)
    return Movement(JournalKind.REVERSED, key, held, SUSPENSE, amount, reason)


def reversed_at_maker(
    source: Source, licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Take a deposit back that the maker gave back of its funds."""
    held, to = account_of(_REMAINING, licence), source_account(source)
    return Movement(JournalKind.REVERSED, key, held, to, amount, reason)


def acknowledged(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Bring a deposit to the maker's funds, which said that it took it."""
    held, to = account_of(_DEPOSITED, licence), account_of(_REMAINING, licence)
    return Movement(JournalKind.ACKNOWLEDGED, key, held, to, amount, reason)


def refused_by_maker(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Let a deposit that the maker refused wait for a person."""
    held = account_of(_DEPOSITED, licence)
    kind = JournalKind.REFUSED_BY_MAKER
    return Movement(kind, key, held, SUSPENSE, amount, reason)


def downloaded(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Bring credit into a machine, which confirmed it."""
    held, to = account_of(_REMAINING, licence), account_of(_MACHINE, licence)
    return Movement(JournalKind.DOWNLOADED, key, held, to, amount, reason)


def withdrawn(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Bring credit out of a machine, which confirmed it."""
    held, to = account_of(_MACHINE, licence), account_of(_REMAINING, licence)
    return Movement(JournalKind.WITHDRAWN, key, held, to, amount, reason)


def used(licence: LicenceIdentifier, amount: int, key: str, reason: str) -> Movement:
    """Take what a machine franked out of it."""
    held = account_of(_MACHINE, licence)
    return Movement(JournalKind.USED, key, held, POSTAGE, amount, reason)


def refunded(
    licence: LicenceIdentifier, amount: int, key: str, reason: str
) -> Movement:
    """Pay back what remains at the maker's server."""
    held = account_of(_REMAINING, licence)
    return Movement(JournalKind.REFUNDED, key, held, REFUNDS, amount, reason)
