"""What people do about accounts: heads, and the monthly schedule that must tally.

The Postmaster of a head office makes the schedule of a month with what the cash book
says of each day, and sends it to the Postal Accounts Office once it tallies with the
daily lists, day by day; a difference is told with the days that cause it. Somebody of
the Postal Accounts Office accepts it or sends it back (GW-03: somebody else).

Source: RMFS-22, RMFS-23; domain notes, section 14.
"""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date
from typing import Final

from sqlalchemy import Connection

from dop_gateway.accounting import receipt_store, store
from dop_gateway.accounting.model import (
    SCHEDULE,
    Accepted,
    Difference,
    Head,
    Remade,
    Schedule,
    ScheduleDay,
    ScheduleId,
    ScheduleState,
    Sent,
    SentBack,
)
from dop_gateway.accounting.places import head_office
from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.errors import (
    ConflictError,
    FieldFinding,
    InvalidError,
    SamePersonError,
)
from dop_gateway.identity.model import By
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeKind
from protocol.errors import NoTransitionError
from protocol.parameters import business_date
from protocol.values import Paise

_NAME_MAX: Final = 120
_CODE_MAX: Final = 35
_NOTHING: Final = Paise(0)


def set_head(connection: Connection, one: Head, by: By) -> None:
    """Say how a deployment calls a head, and by which code it is accounted.

    Raises:
        NotFoundError: No program knows such a head.
        InvalidError: Name or code cannot be.
    """
    before = store.head(connection, one.key)
    if not 1 <= len(one.name.strip()) <= _NAME_MAX:
        words = f"1 to {_NAME_MAX} characters are needed"
        raise InvalidError([FieldFinding("/name", "wrong_length", words)])
    if len(one.code) > _CODE_MAX or (one.code and not one.code.isalnum()):
        words = f"up to {_CODE_MAX} letters and digits"
        raise InvalidError([FieldFinding("/code", "wrong_form", words)])
    store.put_head(connection, one, by)
    subject = Subject("head_of_account", one.key)
    trail.add(
        connection, by, "set", subject, name=one.name, code=one.code, was=before.code
    )


def make_schedule(
    connection: Connection,
    of: Office,
    month: date,
    by: By,
    booked: Mapping[date, Paise] | None = None,
) -> Schedule:
    """Make the schedule of a month, or make it anew.

    Args:
        connection: A writing transaction.
        of: A head office.
        month: Its first day.
        by: The Postmaster.
        booked: What the cash book says of days; without it: what the lists say.

    Raises:
        InvalidError: It is no head office, no month that has begun, or a day is not
            of this month.
        ConflictError: It was sent already.
    """
    first, last = _month(month)
    findings = []
    if of.kind is not OfficeKind.HO:
        findings.append(FieldFinding("/office", "no_head_office", "name a head office"))
    if first > business_date(by.now):
        findings.append(FieldFinding("/month", "too_early", "it has not begun"))
    if any(not first <= day <= last for day in booked or ()):
        findings.append(
            FieldFinding("/booked", "other_month", "name days of the month")
        )
    if findings:
        raise InvalidError(findings)
    known = store.schedule_of(connection, of.office_id, first)
    if known is not None:
        _move(known, Remade())
    listed = listed_by_day(connection, of, first)
    told = listed if booked is None else booked
    days = {
        day: ScheduleDay(day, listed.get(day, _NOTHING), told.get(day, _NOTHING))
        for day in sorted({*listed, *told})
    }
    number = store.write_schedule(
        connection, known, of.office_id, first, days=days, by=by
    )
    made = store.schedule(connection, number)
    _tell(connection, by, "make", made, total_paise=made.total_paise)
    return made


def differences(connection: Connection, schedule: Schedule) -> list[Difference]:
    """Name the days on which schedule, cash book and daily lists are not the same."""
    of = offices.get(connection, schedule.office)
    days = store.days_of(connection, schedule.id)
    now = listed_by_day(connection, of, schedule.month)
    found = []
    for day in sorted({*days, *now}):
        one = days.get(day, ScheduleDay(day, _NOTHING, _NOTHING))
        amounts = one.listed_paise, one.booked_paise, now.get(day, _NOTHING)
        if len(set(amounts)) > 1:
            found.append(Difference(day, *amounts))
    return found


def send_schedule(connection: Connection, number: ScheduleId, by: By) -> Schedule:
    """Send a schedule to the Postal Accounts Office; it has to tally.

    Raises:
        NotFoundError: There is none.
        ConflictError: It was sent already, its month is not over, or it does not
            tally: the days are named.
    """
    known = store.schedule(connection, number)
    to = _move(known, Sent())
    if _month(known.month)[1] >= business_date(by.now):
        raise ConflictError(f"the month {known.month:%Y-%m} is not over")
    wrong = differences(connection, known)
    if wrong:
        told = "; ".join(one.words for one in wrong)
        raise ConflictError(f"the schedule does not tally: {told}")
    return _to(connection, known, to, "send", by)


def accept_schedule(connection: Connection, number: ScheduleId, by: By) -> Schedule:
    """Accept a schedule at the Postal Accounts Office.

    Raises:
        NotFoundError: There is none.
        SamePersonError: Who made it accepts it.
        ConflictError: It was not sent.
    """
    known = store.schedule(connection, number)
    to = _move(known, Accepted())
    if known.made_by == by.actor.login:
        raise SamePersonError("who made the schedule cannot accept it: ask a colleague")
    return _to(connection, known, to, "accept", by)


def send_back_schedule(connection: Connection, number: ScheduleId, by: By) -> Schedule:
    """Send a schedule back to the Postmaster, with a reason.

    Raises:
        NotFoundError: There is none.
        ConflictError: It was not sent.
    """
    known = store.schedule(connection, number)
    return _to(connection, known, _move(known, SentBack()), "send_back", by)


def listed_by_day(connection: Connection, of: Office, month: date) -> dict[date, Paise]:
    """Add up the daily lists of a head office and its sub offices, day by day."""
    members = head_office(connection, of).members
    sums: dict[date, Paise] = {}
    for one in receipt_store.totals(connection, members, *_month(month)):
        sums[one.day] = Paise(sums.get(one.day, 0) + one.amount_paise)
    return sums


def _month(day: date) -> tuple[date, date]:
    first = day.replace(day=1)
    return first, first.replace(day=monthrange(first.year, first.month)[1])


def _move(known: Schedule, event: object) -> ScheduleState:
    try:
        return SCHEDULE.row(known.state, event).to
    except NoTransitionError as error:
        words = f"the schedule {known.state.value}: this cannot be done with it now"
        raise ConflictError(words) from error


def _to(
    connection: Connection, known: Schedule, to: ScheduleState, act: str, by: By
) -> Schedule:
    store.set_schedule_state(connection, known.id, to)
    after = store.schedule(connection, known.id)
    _tell(connection, by, act, after, from_state=known.state.name)
    return after


def _tell(
    connection: Connection,
    by: By,
    act: str,
    schedule: Schedule,
    *,
    from_state: str = "",
    **detail: object,
) -> None:
    trail.add(
        connection,
        by,
        act,
        Subject("monthly_schedule", str(schedule.id)),
        from_state=from_state,
        to_state=schedule.state.name,
        month=schedule.month.isoformat(),
        **detail,
    )
