"""How far an auditor of offices sees: what was done to what is there or below.

Licences and machines by their office, deposits, proposals and claims by their licence,
what was handed in at a counter by the office of the counter. What is of no office
(people, parameters, files of makers and banks, moves of many deposits at once) is seen
only by who audits the whole Department: a rule of ours.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    or_,
    select,
)

from dop_gateway.access import Permit
from dop_gateway.accounting.tables import monthly_schedule
from dop_gateway.audit.tables import audit
from dop_gateway.counter.tables import counter_day, counter_receipt
from dop_gateway.deposits.tables import deposit, proposal
from dop_gateway.identity.model import ScopeKind
from dop_gateway.licences.tables import licence, licence_application
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId
from dop_gateway.offices.tables import office
from dop_gateway.posting.model import ClaimKind
from dop_gateway.posting.tables import claim, mailing

_of: Final = audit.c


def within_reach(connection: Connection, permit: Permit) -> ColumnElement[bool] | None:
    """Give the condition that somebody may see a row of the trail; None: all of them.

    Args:
        connection: To the database.
        permit: Who asks, with which roles.
    """
    if permit.reaches_everything:
        return None
    tops = [
        offices.get(connection, OfficeId(int(one)))
        for one in sorted(permit.scopes(ScopeKind.OFFICE))
    ]
    within = offices.within_any(tops)
    here = select(office.c.id).where(within)
    return or_(
        *(
            and_(_of.subject_kind == kind, _of.subject.in_(subjects))
            for kind, subjects in _subjects(here)
        )
    )


def _subjects(here: Select[Any]) -> Iterator[tuple[str, Select[Any]]]:
    """Give what each kind of subject is called that belongs to these offices."""
    held = select(licence.c.identifier).where(licence.c.office.in_(here))
    paid = select(deposit.c.id).where(deposit.c.licence.in_(held))
    day, taken = counter_day.c, counter_receipt.c
    yield "licence", held
    yield "machine", held
    yield "licence application", _named(licence_application.c, "id", here)
    yield "deposit", select(cast(deposit.c.id, Text)).where(deposit.c.licence.in_(held))
    yield (
        "proposal",
        select(cast(proposal.c.id, Text)).where(proposal.c.deposit.in_(paid)),
    )
    yield "receipt", select(taken.number).where(taken.office.in_(here))
    yield (
        "counter day",
        (
            select(office.c.facility + " " + cast(day.day, Text))
            .join(counter_day, day.office == office.c.id)
            .where(office.c.id.in_(here))
        ),
    )
    yield "mailing", _named(mailing.c, "number", here)
    yield "claim", select(_claim_number()).where(claim.c.licence.in_(held))
    yield "monthly_schedule", _named(monthly_schedule.c, "id", here)
    yield "office", select(office.c.facility).where(office.c.id.in_(here))


def _claim_number() -> ColumnElement[str]:
    """Say in SQL what `dop_gateway.posting.model.claim_number` says."""
    digits = cast(claim.c.id, Text)
    zeros = func.substr("00000000", 1, 8 - func.length(digits))
    letters = case({kind.name: kind.value for kind in ClaimKind}, value=claim.c.kind)
    return letters + zeros + digits


def _named(columns: Any, name: str, here: Select[Any]) -> Select[Any]:
    return select(cast(columns[name], Text)).where(columns["office"].in_(here))
