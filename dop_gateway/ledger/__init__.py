"""The Department's ledger: every rupee of a deposit, from the bank to the postage.

`model` says which accounts there are and why money moves; `movements` makes each
movement there is; `post` and `post_many` carry movements out; `balances` reads the
three balances of a licence; `verify` recomputes everything::

    ledger.post(connection, movements.downloaded(licence, amount, key, reason), by)
"""

from dop_gateway.ledger import movements
from dop_gateway.ledger.model import (
    AccountKind,
    Balances,
    JournalKind,
    Source,
)
from dop_gateway.ledger.movements import Movement, MovementOf
from dop_gateway.ledger.store import (
    all_balances,
    balance_paise,
    balances,
    balances_of,
    close_period,
    find,
    lock_accounts_of,
    open_licence,
    post,
    post_many,
    statement_of_account,
    sums_by_kind,
    total_paise,
    verify,
)
from hw.database.ledger import AccountName, Line

__all__ = [
    "AccountKind",
    "AccountName",
    "Balances",
    "JournalKind",
    "Line",
    "Movement",
    "MovementOf",
    "Source",
    "all_balances",
    "balance_paise",
    "balances",
    "balances_of",
    "close_period",
    "find",
    "lock_accounts_of",
    "movements",
    "open_licence",
    "post",
    "post_many",
    "statement_of_account",
    "sums_by_kind",
    "total_paise",
    "verify",
]
