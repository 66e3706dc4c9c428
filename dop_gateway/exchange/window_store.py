"""All SQL about the windows that a party met or missed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, and_, func, insert, select

from dop_gateway.exchange.model import Direction, FileState
from dop_gateway.exchange.tables import exchange_file, exchange_window
from dop_gateway.exchange.windows import Turn
from protocol.values import EpochSeconds

_of = exchange_window.c
_file = exchange_file.c


@dataclass(frozen=True, slots=True)
class WindowMet:
    """A file that was due in a window.

    Attributes:
        met: It was there when the window ended.
        came_at: When it came, if it ever did.
    """

    party: str
    business_date: date
    window: int
    layout: str
    met: bool
    came_at: EpochSeconds | None


def known(connection: Connection, party: str, turn: Turn) -> set[str]:
    """List the layouts of which it is said whether they came in a window."""
    rows = connection.execute(
        select(_of.layout).where(
            _of.party == party,
            _of.business_date == turn.business_date,
            _of.window_of_day == turn.window,
        )
    )
    return set(rows.scalars())


def came(connection: Connection, party: str, turn: Turn, layout: str) -> bool:
    """Whether a file that was made for a window came before its end."""
    return connection.execute(
        select(
            select(_file.id)
            .where(
                _file.party == party,
                _file.direction == Direction.IN.name,
                _file.layout == layout,
                _file.business_date == turn.business_date,
                _file.window_of_day == turn.window,
                _file.state != FileState.REFUSED.name,
                _file.at < turn.end,
            )
            .exists()
        )
    ).scalar_one()


def add(
    connection: Connection, party: str, turn: Turn, layout: str, *, met: bool
) -> None:
    """Say whether a file came in a window."""
    connection.execute(
        insert(exchange_window).values(
            party=party,
            business_date=turn.business_date,
            window_of_day=turn.window,
            layout=layout,
            ended_at=turn.end,
            met=met,
        )
    )


def missing(party: str, turn: Turn, layout: str) -> str:
    """Name a file that is missing, as the subject of an incident."""
    return f"{party} {layout} {turn.business_date} {turn.window}"


def windows(
    connection: Connection, parties: Sequence[str], first: date, last: date
) -> list[WindowMet]:
    """List what was due in the windows of some days, the latest first."""
    rows = connection.execute(
        select(
            exchange_window,
            func.min(_file.at).label("came_at"),
        )
        .select_from(
            exchange_window.outerjoin(
                exchange_file,
                and_(
                    _file.party == _of.party,
                    _file.layout == _of.layout,
                    _file.business_date == _of.business_date,
                    _file.window_of_day == _of.window_of_day,
                    _file.direction == Direction.IN.name,
                    _file.state != FileState.REFUSED.name,
                ),
            )
        )
        .where(_of.party.in_(parties), _of.business_date.between(first, last))
        .group_by(
            _of.party,
            _of.business_date,
            _of.window_of_day,
            _of.layout,
            _of.ended_at,
            _of.met,
        )
        .order_by(
            _of.business_date.desc(), _of.window_of_day.desc(), _of.party, _of.layout
        )
    )
    return [
        WindowMet(
            row.party,
            row.business_date,
            row.window_of_day,
            row.layout,
            row.met,
            None if row.came_at is None else EpochSeconds(row.came_at),
        )
        for row in rows
    ]
