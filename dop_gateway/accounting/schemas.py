"""What is said about accounts over HTTP."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field, RootModel

from dop_gateway.accounting.model import (
    AccountSide,
    Difference,
    Head,
    Schedule,
    ScheduleDay,
    ScheduleState,
)
from dop_gateway.web.fields import Body, ByName, Reason, show_moment
from dop_gateway.web.money import Rupees
from protocol.values import Paise

SideName = Annotated[AccountSide, ByName(AccountSide)]
ScheduleStateName = Annotated[ScheduleState, ByName(ScheduleState)]
FacilityName = Annotated[str, Field(pattern=r"^F[0-9]{9}$")]
Month = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class HeadBody(Body):
    """How a deployment calls a head, and by which code it is accounted."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{0,35}$")] = ""
    reason: Reason


class HeadShown(BaseModel):
    """A head of account; its code is empty until the deployment says it."""

    key: str
    name: str
    side: SideName
    code: str

    @classmethod
    def of(cls, one: Head) -> "HeadShown":
        """Show it."""
        return cls(key=one.key, name=one.name, side=one.side, code=one.code)


class AccountRow(RootModel[dict[str, str | int | None]]):
    """A row of an account, by the names of its columns."""


class BookedDay(Body):
    """What the cash book says of a day."""

    day: date
    amount: Rupees


class ScheduleBody(Body):
    """A month of a head office; without `booked` the cash book says what lists say."""

    office: FacilityName
    month: Month
    booked: Annotated[list[BookedDay], Field(max_length=31)] | None = None
    reason: Reason

    def booked_by_day(self) -> dict[date, Paise] | None:
        """Give what the cash book says of each day; None where nothing is said."""
        if self.booked is None:
            return None
        return {one.day: one.amount for one in self.booked}


class ReasonBody(Body):
    """Why."""

    reason: Reason


class ScheduleShown(BaseModel):
    """A monthly schedule."""

    number: int
    office: str
    office_name: str
    month: str
    state: ScheduleStateName
    total: Rupees
    made_at: str
    made_by: str

    @classmethod
    def of(cls, one: Schedule, facility: str, name: str) -> "ScheduleShown":
        """Show it."""
        return cls(
            number=one.id,
            office=facility,
            office_name=name,
            month=f"{one.month:%Y-%m}",
            state=one.state,
            total=one.total_paise,
            made_at=show_moment(one.made_at),
            made_by=one.made_by,
        )


class ScheduleDayShown(BaseModel):
    """A day of a schedule: what the lists gave when it was made, what the book says."""

    day: date
    listed: Rupees
    booked: Rupees

    @classmethod
    def of(cls, one: ScheduleDay) -> "ScheduleDayShown":
        """Show it."""
        return cls(day=one.day, listed=one.listed_paise, booked=one.booked_paise)


class DifferenceShown(BaseModel):
    """A day that does not tally."""

    day: date
    listed: Rupees
    booked: Rupees
    now: Rupees
    words: str

    @classmethod
    def of(cls, one: Difference) -> "DifferenceShown":
        """Show it."""
        return cls(
            day=one.day,
            listed=one.listed_paise,
            booked=one.booked_paise,
            now=one.now_paise,
            words=one.words,
        )


class ScheduleWhole(ScheduleShown):
    """A schedule with its days, and those that do not tally."""

    days: list[ScheduleDayShown]
    differences: list[DifferenceShown]
