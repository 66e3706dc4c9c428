"""All SQL that reads what is known of the money of licences, many at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, or_, select

from dop_gateway.deposits.model import (
    IN_DEPOSITED,
    IN_REMAINING,
    DepositState,
    LineState,
)
from dop_gateway.deposits.tables import deposit, fund_line
from dop_gateway.exchange.model import Direction, FileState
from dop_gateway.exchange.tables import exchange_file
from dop_gateway.licences.tables import licence
from dop_gateway.money.model import FundLine, MakerFiles, Turn, Word
from dop_gateway.posting.model import ClaimKind, ClaimState, MailingState
from dop_gateway.posting.tables import claim, mailing, unused_credit
from dop_gateway.usage.tables import usage_dial_in, usage_posted
from protocol.messages import Statement
from protocol.parameters import business_date
from protocol.values import EpochSeconds, LicenceIdentifier, Paise

AT_A_TIME: Final = 500
"""Licences that are looked at together."""
_OPEN: Final = (LineState.WAITING.name, LineState.SENT.name)
_ANSWERED: Final = (FileState.APPLIED.name, FileState.APPLIED_IN_PART.name)
_LAYOUTS: Final = {
    "credit-download": "downloads",
    "usage": "usage",
    "remaining-fund": "remaining",
}

Of = Sequence[LicenceIdentifier]
Sums = dict[LicenceIdentifier, int]


@dataclass(frozen=True, slots=True)
class Refunds:
    """What was paid back of a licence that is cancelled.

    Attributes:
        refunded_paise: Of what remained at the maker.
        given_up_paise: Of what the machine still shows.
    """

    refunded_paise: int
    given_up_paise: int


def identifiers(
    connection: Connection, only: LicenceIdentifier | None
) -> Iterator[dict[LicenceIdentifier, str]]:
    """Give all licences with the letters of their makers, some at a time."""
    asked = select(licence.c.identifier, licence.c.maker).order_by(licence.c.identifier)
    if only is not None:
        asked = asked.where(licence.c.identifier == only)
    last = ""
    while True:
        rows = connection.execute(
            asked.where(licence.c.identifier > last).limit(AT_A_TIME)
        ).all()
        if not rows:
            return
        last = rows[-1].identifier
        yield {LicenceIdentifier(row.identifier): row.maker for row in rows}


def brought(connection: Connection, of: Of) -> Sums:
    """Sum the deposits that are in makers' funds."""
    return _sums(
        connection,
        select(deposit.c.licence, func.sum(deposit.c.amount_paise))
        .where(
            deposit.c.licence.in_(of),
            deposit.c.state.in_([one.name for one in IN_REMAINING]),
        )
        .group_by(deposit.c.licence),
    )


def answered(connection: Connection, of: Of) -> Sums:
    """Sum the fund lines that makers said they took, with their signs."""
    return _sums(
        connection,
        select(deposit.c.licence, func.sum(fund_line.c.amount_paise))
        .select_from(fund_line.join(deposit))
        .where(
            deposit.c.licence.in_(of),
            fund_line.c.state == LineState.TAKEN.name,
        )
        .group_by(deposit.c.licence),
    )


def fund_lines(
    connection: Connection, of: Of, answered_from: EpochSeconds
) -> dict[LicenceIdentifier, list[FundLine]]:
    """List fund lines that are not answered, or were from a moment on, in their order.

    Files are numbered by their first lines: lines are made and sent in one order.
    """
    line, exchanged = fund_line.c, exchange_file.c
    first = (
        select(line.file_id, func.min(line.id).label("first"))
        .where(line.file_id.is_not(None))
        .group_by(line.file_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            line.id,
            line.amount_paise,
            line.file_id,
            line.made_at,
            line.answered_at,
            deposit.c.licence,
            deposit.c.state,
            first.c.first,
            exchanged.answer_by,
        )
        .select_from(
            fund_line.join(deposit)
            .outerjoin(first, first.c.file_id == line.file_id)
            .outerjoin(
                exchange_file,
                and_(
                    exchanged.file_id == line.file_id,
                    exchanged.direction == Direction.OUT.name,
                ),
            )
        )
        .where(
            deposit.c.licence.in_(of),
            or_(
                line.state.in_(_OPEN),
                and_(
                    line.state == LineState.TAKEN.name,
                    line.answered_at >= answered_from,
                ),
            ),
        )
        .order_by(line.id)
    )
    found: dict[LicenceIdentifier, list[FundLine]] = {}
    for row in rows:
        found.setdefault(LicenceIdentifier(row.licence), []).append(_fund_line(row))
    return found


def refunds(connection: Connection, of: Of) -> dict[LicenceIdentifier, Refunds]:
    """Sum what was paid back of licences."""
    rows = connection.execute(
        select(
            claim.c.licence,
            func.sum(unused_credit.c.remaining_paise).label("refunded"),
            func.sum(unused_credit.c.descending_paise).label("given_up"),
        )
        .select_from(unused_credit.join(claim))
        .where(
            claim.c.licence.in_(of),
            claim.c.kind == ClaimKind.UNUSED.name,
            claim.c.state == ClaimState.PAID.name,
        )
        .group_by(claim.c.licence)
    )
    return {
        LicenceIdentifier(row.licence): Refunds(int(row.refunded), int(row.given_up))
        for row in rows
    }


def used(connection: Connection, of: Of) -> dict[LicenceIdentifier, tuple[Paise, int]]:
    """Give the highest AR that was taken of machines, and how much of it was posted."""
    rows = connection.execute(
        select(usage_posted).where(usage_posted.c.licence.in_(of))
    )
    return {
        LicenceIdentifier(row.licence): (Paise(row.ascending_paise), row.posted_paise)
        for row in rows
    }


def last_statements(connection: Connection, of: Of) -> dict[LicenceIdentifier, Word]:
    """Give what machines signed in the last dial-in that was taken of each."""
    dial_in, exchanged = usage_dial_in.c, exchange_file.c
    last = (
        select(dial_in.licence, func.max(dial_in.number).label("number"))
        .where(dial_in.licence.in_(of))
        .group_by(dial_in.licence)
        .subquery()
    )
    rows = connection.execute(
        select(
            dial_in.licence,
            dial_in.number,
            dial_in.statement,
            dial_in.at,
            dial_in.file_id,
            dial_in.taken_at,
            exchanged.business_date,
            exchanged.window_of_day,
        ).select_from(
            usage_dial_in.join(
                last,
                and_(
                    last.c.licence == dial_in.licence, last.c.number == dial_in.number
                ),
            ).outerjoin(
                exchange_file,
                and_(
                    exchanged.file_id == dial_in.file_id,
                    exchanged.direction == Direction.IN.name,
                    exchanged.state.in_(_ANSWERED),
                ),
            )
        )
    )
    return {LicenceIdentifier(row.licence): _statement(row) for row in rows}


def last_mailings(connection: Connection, of: Of) -> dict[LicenceIdentifier, Word]:
    """Give registers of the last Statement of Mailing of each licence."""
    ours = mailing.c
    last = (
        select(ours.licence, func.max(ours.running).label("running"))
        .where(ours.licence.in_(of), ours.state == MailingState.CAPTURED.name)
        .group_by(ours.licence)
        .subquery()
    )
    rows = connection.execute(
        select(mailing)
        .join(
            last, and_(last.c.licence == ours.licence, last.c.running == ours.running)
        )
        .where(ours.state == MailingState.CAPTURED.name)
    )
    return {LicenceIdentifier(row.licence): _mailing(row) for row in rows}


def maker_files(connection: Connection) -> dict[str, MakerFiles]:
    """Give the last file of each kind that was taken of each maker."""
    of = exchange_file.c
    last = (
        select(func.max(of.id))
        .where(
            of.direction == Direction.IN.name,
            of.layout.in_(_LAYOUTS),
            of.state.in_(_ANSWERED),
        )
        .group_by(of.party, of.layout)
    )
    rows = connection.execute(select(exchange_file).where(of.id.in_(last)))
    found: dict[str, dict[str, Turn]] = {}
    for row in rows:
        turn = Turn(row.business_date, row.window_of_day, EpochSeconds(row.at))
        found.setdefault(row.party, {})[_LAYOUTS[row.layout]] = turn
    return {party: MakerFiles(**turns) for party, turns in found.items()}


def _sums(connection: Connection, asked: Select[Any]) -> Sums:
    rows = connection.execute(asked)
    return {LicenceIdentifier(of): int(total) for of, total in rows}


def _fund_line(row: Any) -> FundLine:
    state = DepositState[row.state]
    return FundLine(
        id=str(row.id),
        amount_paise=row.amount_paise,
        file_id=row.file_id,
        file=row.first or 0,
        made_at=EpochSeconds(row.made_at),
        answer_by=None if row.answer_by is None else EpochSeconds(row.answer_by),
        answered_at=None if row.answered_at is None else EpochSeconds(row.answered_at),
        is_claimed=state is DepositState.RECALLED_UNANSWERED,
        is_deposited=state in IN_DEPOSITED,
    )


def _statement(row: Any) -> Word:
    message = Statement.decode(row.statement)
    taken_at = EpochSeconds(row.taken_at)
    turn = Turn(business_date(taken_at), 0, taken_at)
    if row.business_date is not None:
        turn = Turn(row.business_date, row.window_of_day, taken_at)
    return Word(
        message.registers.ascending_paise,
        message.registers.descending_paise,
        message.registers.control_total_paise,
        message.recharge_number,
        EpochSeconds(row.at),
        is_signed=True,
        turn=turn,
        reference=f"dial-in {row.number} in {row.file_id}",
    )


def _mailing(row: Any) -> Word:
    ascending, descending = row.closing_ascending_paise, row.closing_descending_paise
    captured_at = EpochSeconds(row.captured_at)
    return Word(
        Paise(ascending),
        Paise(descending),
        Paise(ascending + descending),
        None,
        captured_at,
        is_signed=False,
        turn=Turn(business_date(captured_at), 0, captured_at),
        reference=f"statement of mailing {row.number}",
    )
