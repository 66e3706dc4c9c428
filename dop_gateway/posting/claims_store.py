"""All SQL about claims: rebates, spoiled impressions, unused credit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By, PersonId
from dop_gateway.offices.model import OfficeId
from dop_gateway.posting.model import (
    Claim,
    ClaimEvent,
    ClaimId,
    ClaimKind,
    ClaimState,
    MailingId,
    PaidBy,
    parse_claim_number,
)
from dop_gateway.posting.rebates import Rates, Rebate
from dop_gateway.posting.tables import claim, rebate, spoiled_frank, unused_credit
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

_c = claim.c
_WHO: Final[Mapping[ClaimEvent, str]] = {
    ClaimEvent.PROPOSED: "proposed_by",
    ClaimEvent.CONFIRMED: "confirmed_by",
    ClaimEvent.SANCTIONED: "sanctioned_by",
    ClaimEvent.PAID: "paid_out_by",
    ClaimEvent.REFUSED: "refused_by",
}
"""The column that says who made a move."""


@dataclass(frozen=True, slots=True)
class ClaimedRebate:
    """What a claim of a rebate is made of.

    Attributes:
        from_mailing: Up to which a rebate was claimed before; None before the first.
        to_mailing: The newest statement.
    """

    from_mailing: MailingId | None
    to_mailing: MailingId
    rebate: Rebate


@dataclass(frozen=True, slots=True)
class UnusedCredit:
    """What is left of a cancelled licence.

    Attributes:
        last_mailing: The statement that DR is read from; None where there is none.
        descending_paise: In the machine.
        remaining_paise: With its maker.
    """

    last_mailing: MailingId | None
    descending_paise: Paise
    remaining_paise: Paise
    cancelled_on: date


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim that somebody proposes."""

    kind: ClaimKind
    licence: LicenceIdentifier
    office: OfficeId
    claimed_on: date
    gross_paise: Paise
    deduction_paise: Paise


def add(connection: Connection, new: NewClaim, by: By) -> Claim:
    """Keep a claim that is proposed."""
    made: Any = connection.execute(
        insert(claim).values(
            kind=new.kind.name,
            licence=new.licence,
            office=new.office,
            state=ClaimState.PROPOSED.name,
            claimed_on=new.claimed_on,
            gross_paise=new.gross_paise,
            deduction_paise=new.deduction_paise,
            proposed_by=by.actor.person,
            proposed_at=by.now,
        )
    ).inserted_primary_key
    return _one(connection, ClaimId(made[0]))


def get(connection: Connection, number: str) -> Claim:
    """Find a claim by its number.

    Raises:
        NotFoundError: There is none.
    """
    try:
        kind, claim_id = parse_claim_number(number)
    except LocalProtocolError as error:
        raise NotFoundError(str(error)) from error
    row = connection.execute(
        select(claim).where(_c.id == claim_id, _c.kind == kind.name)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no claim {number}")
    return claim_of(row)


def put_move(
    connection: Connection,
    one: Claim,
    event: ClaimEvent,
    state: ClaimState,
    by: By,
    **values: Any,
) -> Claim:
    """Write a move of a claim, and who made it."""
    changed = {"state": state.name, _WHO[event]: by.actor.person, **values}
    connection.execute(update(claim).where(_c.id == one.id).values(**changed))
    return _one(connection, one.id)


def pay(connection: Connection, one: Claim, paid_by: PaidBy, on: date, by: By) -> Claim:
    """Write that a claim is paid."""
    return put_move(
        connection,
        one,
        ClaimEvent.PAID,
        ClaimState.PAID,
        by,
        paid_by=paid_by.name,
        schedule_on=on,
    )


def waits(
    connection: Connection, licence: LicenceIdentifier, kind: ClaimKind
) -> str | None:
    """Give the number of a claim of a kind that is neither paid nor refused."""
    ended = [ClaimState.PAID.name, ClaimState.REFUSED.name]
    row = connection.execute(
        select(claim)
        .where(_c.licence == licence, _c.kind == kind.name, _c.state.not_in(ended))
        .limit(1)
    ).one_or_none()
    return None if row is None else claim_of(row).number


def add_rebate(connection: Connection, one: Claim, made_of: ClaimedRebate) -> None:
    """Keep what a rebate is made of."""
    rates = made_of.rebate.rates
    connection.execute(
        insert(rebate).values(
            claim=one.id,
            from_mailing=made_of.from_mailing,
            to_mailing=made_of.to_mailing,
            from_ascending_paise=made_of.rebate.from_paise,
            to_ascending_paise=made_of.rebate.to_paise,
            rate_basis_points=rates.basis_points,
            rebate_paise=made_of.rebate.rebate_paise,
            sorted_paise=made_of.rebate.sorted_paise,
            sorted_basis_points=rates.sorted_basis_points,
            sorted_rebate_paise=made_of.rebate.sorted_rebate_paise,
        )
    )


def rebate_of(connection: Connection, one: ClaimId) -> ClaimedRebate:
    """Give what a rebate is made of."""
    row = connection.execute(select(rebate).where(rebate.c.claim == one)).one()
    return _rebate(row)


def last_rebate(
    connection: Connection, licence: LicenceIdentifier
) -> ClaimedRebate | None:
    """Give the newest rebate of a licence that was not refused."""
    row = connection.execute(
        select(rebate)
        .select_from(rebate.join(claim))
        .where(_c.licence == licence, _c.state != ClaimState.REFUSED.name)
        .order_by(rebate.c.to_ascending_paise.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else _rebate(row)


def add_franks(
    connection: Connection, one: Claim, franks: Iterable[tuple[int, Paise]]
) -> None:
    """Keep which franks are surrendered with a claim: row among those seen, value."""
    connection.execute(
        insert(spoiled_frank),
        [
            {"frank": number, "claim": one.id, "value_paise": value}
            for number, value in franks
        ],
    )


def let_franks_go(connection: Connection, one: Claim) -> int:
    """Let the franks of a refused claim be claimed again; gives how many."""
    gone = delete(spoiled_frank).where(spoiled_frank.c.claim == one.id)
    return connection.execute(gone).rowcount


def count_franks(connection: Connection, one: ClaimId) -> int:
    """Count the franks that are surrendered with a claim."""
    rows = connection.execute(
        select(spoiled_frank.c.frank).where(spoiled_frank.c.claim == one)
    )
    return len(rows.all())


def add_unused(connection: Connection, one: Claim, left: UnusedCredit) -> None:
    """Keep what is left of a licence."""
    connection.execute(
        insert(unused_credit).values(
            claim=one.id,
            last_mailing=left.last_mailing,
            descending_paise=left.descending_paise,
            remaining_paise=left.remaining_paise,
            cancelled_on=left.cancelled_on,
        )
    )


def unused_of(connection: Connection, one: ClaimId) -> UnusedCredit:
    """Give what is left of a licence."""
    row = connection.execute(
        select(unused_credit).where(unused_credit.c.claim == one)
    ).one()
    last = row.last_mailing
    return UnusedCredit(
        None if last is None else MailingId(last),
        Paise(row.descending_paise),
        Paise(row.remaining_paise),
        row.cancelled_on,
    )


def claim_of(row: Row[Any]) -> Claim:
    """Read a claim from a row."""
    values = row._mapping  # noqa: SLF001
    return Claim(
        ClaimId(row.id),
        ClaimKind[row.kind],
        LicenceIdentifier(row.licence),
        OfficeId(row.office),
        ClaimState[row.state],
        row.claimed_on,
        Paise(row.gross_paise),
        Paise(row.deduction_paise),
        None if row.paid_by is None else PaidBy[row.paid_by],
        row.schedule_on,
        EpochSeconds(row.proposed_at),
        {
            event: PersonId(values[column])
            for event, column in _WHO.items()
            if values[column] is not None
        },
    )


def _one(connection: Connection, one: ClaimId) -> Claim:
    return claim_of(connection.execute(select(claim).where(_c.id == one)).one())


def _rebate(row: Row[Any]) -> ClaimedRebate:
    before = row.from_mailing
    rates = Rates(Paise(0), row.rate_basis_points, row.sorted_basis_points)
    return ClaimedRebate(
        None if before is None else MailingId(before),
        MailingId(row.to_mailing),
        Rebate(
            Paise(row.from_ascending_paise),
            Paise(row.to_ascending_paise),
            Paise(row.sorted_paise),
            rates,
        ),
    )
