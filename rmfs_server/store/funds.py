"""What a licence may spend: its funds, split into what may be used today and later.

A credit may be posted before the day from which the Department lets it be used; the
account of the funds holds it already.

Source: SPEC.md REG-8.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Text, bindparam, func, literal_column, select

from hw.database.prepared import Prepared
from protocol.errors import LocalProtocolError
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.store import schema
from rmfs_server.store.ledger import funds_of
from rmfs_server.store.schema import AccountKind

FUNDS: Final = (
    select(schema.ledger.balance.c.balance_paise)
    .select_from(schema.account.join(schema.ledger.balance))
    .where(schema.account.c.name == bindparam("of_funds"))
    .scalar_subquery()
    .label("funds_paise"),
    select(func.coalesce(func.sum(schema.fund_credit.c.amount_paise), 0))
    .where(
        schema.fund_credit.c.licence == bindparam("of_licence"),
        schema.fund_credit.c.available_from > bindparam("of_day"),
    )
    .scalar_subquery()
    .label("waiting_paise"),
)
"""What `funds_split` takes, read with the parameters of `funds_wanted`."""
_READ_FUNDS: Final = Prepared(select(*FUNDS))
_OF_LICENCE: Final = schema.account.alias("of_licence")
FUNDS_OF_LICENCE: Final = (
    select(schema.ledger.balance.c.balance_paise)
    .select_from(
        _OF_LICENCE.join(
            schema.ledger.balance, schema.ledger.balance.c.account == _OF_LICENCE.c.id
        )
    )
    .where(
        _OF_LICENCE.c.licence == schema.licence.c.identifier,
        _OF_LICENCE.c.kind == literal_column(f"'{AccountKind.FUNDS.name}'", Text),
    )
    .correlate(schema.licence)
    .scalar_subquery()
    .label("funds_paise"),
    select(func.coalesce(func.sum(schema.fund_credit.c.amount_paise), 0))
    .where(
        schema.fund_credit.c.licence == schema.licence.c.identifier,
        schema.fund_credit.c.available_from > bindparam("of_day"),
    )
    .correlate(schema.licence)
    .scalar_subquery()
    .label("waiting_paise"),
)
"""The same beside each row of `licence`; the day is a parameter."""


@dataclass(frozen=True, slots=True)
class Funds:
    """What a licence has at this server, without what is reserved.

    Attributes:
        available_paise: May be used today.
        later_paise: May be used from a later day on.
    """

    available_paise: Paise
    later_paise: Paise

    @property
    def balance_paise(self) -> Paise:
        """All of it."""
        return Paise(self.available_paise + self.later_paise)


def read_funds(connection: Connection, licence: LicenceIdentifier, on: date) -> Funds:
    """Split the funds of a licence into what may be used today and what later.

    Credits that are not available yet are set aside first; what a correction took from
    them is taken from what is available, never below zero.

    Raises:
        LocalProtocolError: There is no such licence.
    """
    row = _READ_FUNDS.one(connection, funds_wanted(licence, on))
    return funds_split(licence, row.funds_paise, row.waiting_paise)


def funds_wanted(licence: LicenceIdentifier, on: date) -> dict[str, Any]:
    """Give the parameters with which `FUNDS` is read."""
    return {"of_funds": funds_of(licence), "of_licence": licence, "of_day": on}


def funds_split(
    licence: LicenceIdentifier, balance_paise: int | None, waiting_paise: int
) -> Funds:
    """Split what was read of `FUNDS`.

    Raises:
        LocalProtocolError: There is no such licence.
    """
    if balance_paise is None:
        raise LocalProtocolError(f"there is no account {funds_of(licence)}")
    later = min(max(int(waiting_paise), 0), balance_paise)
    return Funds(Paise(balance_paise - later), Paise(later))
