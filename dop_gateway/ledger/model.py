"""Which accounts the Department's ledger has, and why money moves between them.

Accounts: pooled ones, of which ``bank``, ``post_office``, ``notional`` and ``portal``
are where money comes from (what they hold is negative), and three of each licence::

    bank ──AUTHENTICATED──▶ deposited: ──ACKNOWLEDGED──▶ remaining: ──DOWNLOADED──▶
      │                        │                             ▲           machine:
      └─SUSPENDED─▶ suspense ◀─┘ REFUSED_BY_MAKER            └──WITHDRAWN── │ USED
                                                                            ▼ postage

- ``deposited:`` is authenticated here and not yet acknowledged by the maker;
- ``remaining:`` is what the maker's server holds, as far as its acknowledgements say;
- ``machine:`` is the descending register, as far as the machine's statements say.

The three are never added or mixed. ``suspense`` may have any sum: what was taken back
by the bank before the maker gave it back is a claim, and lowers it.

Source: domain notes, section 7.5.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from protocol.values import Paise


class AccountKind(Enum):
    """What an account is for."""

    BANK = "the Department's account at the bank"
    POST_OFFICE = "what post offices took at their counters"
    NOTIONAL = "notional credit of departmental licences"
    PORTAL = "payments through the portal"
    SUSPENSE = "money that waits for a person's decision; claims lower it"
    REFUNDS = "paid back to licensees"
    POSTAGE = "franked"
    DEPOSITED = "authenticated, and not yet acknowledged by the maker"
    REMAINING = "at the maker's server"
    MACHINE = "in the machine's descending register"


PER_LICENCE: Final = (
    AccountKind.DEPOSITED,
    AccountKind.REMAINING,
    AccountKind.MACHINE,
)
POOLED: Final = frozenset(AccountKind) - frozenset(PER_LICENCE)


class JournalKind(Enum):
    """Why money moves."""

    AUTHENTICATED = "a source's payment fits: source to deposited"
    SUSPENDED = "a source's payment does not fit: source to suspense"
    RELEASED = "a suspended payment fits after all: suspense to deposited"
    RETURNED = "a suspended payment goes back to who paid: suspense to source"
    REVERSED = "a deposit is taken back: deposited or remaining to source or suspense"
    RECALLED = "a claim is met by what the maker never took: deposited to suspense"
    CLAIMED = "the source took back what the maker still has: suspense to source"
    ACKNOWLEDGED = "the maker took the line of a fund file: deposited to remaining"
    REFUSED_BY_MAKER = "the maker refused it: deposited to suspense"
    DOWNLOADED = "a machine confirmed a recharge: remaining to machine"
    WITHDRAWN = "a machine gave credit back: machine to remaining"
    USED = "a machine franked: machine to postage"
    REFUNDED = "what remained was paid back: remaining to refunds"


class Source(Enum):
    """Where payments come from; each has an account of that name."""

    BANK = "the bank"
    POST_OFFICE = "a counter of a post office"
    NOTIONAL = "no payment: credit of a departmental licence"
    PORTAL = "the portal"


@dataclass(frozen=True, slots=True)
class Balances:
    """The three balances of a licence, which are never added.

    Attributes:
        deposited: Authenticated, not yet acknowledged by the maker.
        remaining: At the maker's server.
        machine: In the descending register.
    """

    deposited: Paise
    remaining: Paise
    machine: Paise
