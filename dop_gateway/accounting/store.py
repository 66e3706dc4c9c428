"""All SQL about heads of account and monthly schedules."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from dop_gateway.accounting.model import (
    SHIPPED,
    AccountSide,
    Head,
    Schedule,
    ScheduleDay,
    ScheduleId,
    ScheduleState,
)
from dop_gateway.accounting.tables import (
    head_of_account,
    monthly_schedule,
    schedule_day,
)
from dop_gateway.errors import NotFoundError
from dop_gateway.identity.model import By
from dop_gateway.offices.model import OfficeId
from dop_gateway.offices.store import within_any
from dop_gateway.offices.tables import office
from protocol.values import Paise


def heads(connection: Connection) -> list[Head]:
    """List the heads: those that are shipped, as a deployment has them."""
    own = {
        row.key: Head(row.key, row.name, AccountSide[row.side], row.code)
        for row in connection.execute(select(head_of_account))
    }
    shipped = [own.pop(one.key, one) for one in SHIPPED]
    return [*shipped, *(own[key] for key in sorted(own))]


def head(connection: Connection, key: str) -> Head:
    """Find a head.

    Raises:
        NotFoundError: There is none.
    """
    for one in heads(connection):
        if one.key == key:
            return one
    raise NotFoundError(f"there is no head of account {key}")


def put_head(connection: Connection, one: Head, by: By) -> None:
    """Write what a deployment says of a head."""
    values = {
        "name": one.name,
        "side": one.side.name,
        "code": one.code,
        "changed_at": by.now,
        "changed_by": by.actor.login,
    }
    done = connection.execute(
        update(head_of_account).where(head_of_account.c.key == one.key).values(**values)
    )
    if not done.rowcount:
        row = {"key": one.key, **values}
        connection.execute(insert(head_of_account).values(**row))


def schedule(connection: Connection, number: int) -> Schedule:
    """Find a schedule.

    Raises:
        NotFoundError: There is none.
    """
    found = _schedules(connection, monthly_schedule.c.id == number)
    if not found:
        raise NotFoundError(f"there is no schedule {number}")
    return found[0]


def schedule_of(connection: Connection, of: OfficeId, month: date) -> Schedule | None:
    """Find the schedule of a head office for a month, and keep others from it."""
    found = _schedules(
        connection,
        monthly_schedule.c.office == of,
        monthly_schedule.c.month == month,
        locked=True,
    )
    return found[0] if found else None


def schedules_within(connection: Connection, tops: Any) -> list[Schedule]:
    """List the schedules of head offices within some offices, the latest first.

    Args:
        connection: To the database.
        tops: Offices, each with all below it.
    """
    rows = connection.execute(
        select(monthly_schedule)
        .join(office, office.c.id == monthly_schedule.c.office)
        .where(within_any(tops))
        .order_by(monthly_schedule.c.month.desc(), monthly_schedule.c.office)
    )
    return [_schedule(row) for row in rows]


def write_schedule(
    connection: Connection,
    known: Schedule | None,
    of: OfficeId,
    month: date,
    *,
    days: Mapping[date, ScheduleDay],
    by: By,
) -> ScheduleId:
    """Write a schedule, in the place of the one that is known."""
    values = {
        "state": ScheduleState.MADE.name,
        "total_paise": sum(one.booked_paise for one in days.values()),
        "made_at": by.now,
        "made_by": by.actor.login,
    }
    if known is None:
        number = connection.execute(
            insert(monthly_schedule)
            .values(office=of, month=month, **values)
            .returning(monthly_schedule.c.id)
        ).scalar_one()
    else:
        number = known.id
        connection.execute(
            update(monthly_schedule)
            .where(monthly_schedule.c.id == number)
            .values(**values)
        )
        connection.execute(
            delete(schedule_day).where(schedule_day.c.schedule == number)
        )
    if days:
        rows = [
            {
                "schedule": number,
                "day": one.day,
                "listed_paise": one.listed_paise,
                "booked_paise": one.booked_paise,
            }
            for one in days.values()
        ]
        connection.execute(insert(schedule_day), rows)
    return ScheduleId(number)


def set_schedule_state(
    connection: Connection, number: ScheduleId, state: ScheduleState
) -> None:
    """Say how far a schedule is."""
    connection.execute(
        update(monthly_schedule)
        .where(monthly_schedule.c.id == number)
        .values(state=state.name)
    )


def days_of(connection: Connection, number: ScheduleId) -> dict[date, ScheduleDay]:
    """List the days of a schedule."""
    rows = connection.execute(
        select(schedule_day)
        .where(schedule_day.c.schedule == number)
        .order_by(schedule_day.c.day)
    )
    return {
        row.day: ScheduleDay(row.day, Paise(row.listed_paise), Paise(row.booked_paise))
        for row in rows
    }


def _schedules(
    connection: Connection, *conditions: Any, locked: bool = False
) -> list[Schedule]:
    wanted = select(monthly_schedule).where(*conditions)
    if locked:
        wanted = wanted.with_for_update()
    return [_schedule(row) for row in connection.execute(wanted)]


def _schedule(row: Row[Any]) -> Schedule:
    return Schedule(
        id=row.id,
        office=row.office,
        month=row.month,
        state=ScheduleState[row.state],
        total_paise=row.total_paise,
        made_at=row.made_at,
        made_by=row.made_by,
    )
