"""A gateway with a month of two Circles in it, filled by bulk for a bench.

What a machine has is in `report_rows`. A second Circle has a tenth as many machines:
whoever asks for the first reports none of them.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final

from sqlalchemy import Connection, Table, func, insert, literal, select, text

from dop_gateway import ledger
from dop_gateway.access import Permit
from dop_gateway.deposits.tables import deposit
from dop_gateway.downloads.tables import download_line
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonId,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.ledger.tables import ledger as ledger_tables
from dop_gateway.licences.tables import (
    licence,
    licence_application,
    licence_credential,
    maker,
)
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import Office, OfficeId, OfficeKind
from dop_gateway.remaining.tables import remaining_fund
from dop_gateway.store.migrations import migrate
from dop_gateway.usage.tables import failed_dial_in, usage_dial_in, usage_product
from hw.database import Store
from rmfs_tools.bench import report_rows

_OFFICES: Final = 40
_AT_A_TIME: Final = 5_000
_OUTSIDE: Final = 10
"""Of the machines of the first Circle, one in so many is in the second besides."""
_BY: Final = By(GATEWAY, report_rows.NOW, "bench", "a bench")


def fill(store: Store, machines: int) -> None:
    """Fill an empty database.

    Args:
        store: Opened; it is migrated here.
        machines: Of the first Circle.
    """
    migrate(store)
    with store.writing("a Circle") as connection:
        places = [*_circle(connection, "KN", _OFFICES), *_circle(connection, "TN", 1)]
        inside = places[:-1]
        outside = max(1, machines // _OUTSIDE)
        known = [
            report_rows.Machine(
                one, *(inside[one % len(inside)] if one < machines else places[-1])
            )
            for one in range(machines + outside)
        ]
        _fill(connection, known)
    if store.engine.dialect.name == "postgresql":
        # In service autovacuum does it.
        with store.writing("statistics") as connection:
            connection.execute(text("ANALYZE"))


def circle(connection: Connection) -> Office:
    """Give the first Circle."""
    return next(
        one
        for one in offices.find(connection, "KN", kinds=[OfficeKind.CIRCLE])
        if one.code == "KN"
    )


def authority(connection: Connection) -> Permit:
    """Give somebody who has reports of the machines of the first Circle."""
    scope = str(circle(connection).office_id)
    grant = Grant(Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, scope)
    actor = Actor(PersonId(2), "authority", PersonKind.STAFF, (grant,))
    return Permit(actor, (grant,))


def count_rows(connection: Connection) -> int:
    """Count the rows that a month's report may have to look at."""
    return sum(
        connection.execute(select(func.count()).select_from(one)).scalar_one()
        for one in (deposit, download_line, usage_dial_in, usage_product)
    )


def _circle(
    connection: Connection, code: str, count: int
) -> list[tuple[OfficeId, OfficeId]]:
    """Make a Circle; gives designated post offices, each with its Division."""
    top = offices.top(connection) or offices.add(
        connection, None, OfficeKind.DIRECTORATE, "Dak Bhawan", _BY
    )
    made = offices.add(connection, top, OfficeKind.CIRCLE, code, _BY, code=code)
    places = []
    for number in range(max(1, count // 10)):
        division = offices.add(
            connection,
            made,
            OfficeKind.DIVISION,
            f"Division {code} {number}",
            _BY,
            code=f"{code}{number:02d}",
        )
        for office in range(min(count, 10)):
            pin = f"{560 if code == 'KN' else 600}{number * 10 + office:03d}"
            name = f"Post Office {pin}"
            at = offices.add(
                connection, division, OfficeKind.HO, name, _BY, pin=pin, name_hi="डाकघर"
            )
            places.append((at.office_id, division.office_id))
    return places


def _fill(connection: Connection, known: list[report_rows.Machine]) -> None:
    there = set(connection.execute(select(maker.c.letter)).scalars())
    new = sorted(set(report_rows.MAKERS) - there)
    _bulk(connection, maker, (_maker(letter) for letter in new))
    for table, rows_of in (
        (licence_application, report_rows.applications),
        (licence, report_rows.licences),
        (licence_credential, report_rows.credentials),
        (ledger_tables.account, report_rows.accounts),
        (deposit, report_rows.deposits),
        (download_line, report_rows.downloads),
        (usage_dial_in, report_rows.dial_ins),
        (usage_product, report_rows.products),
        (failed_dial_in, report_rows.failed),
        (remaining_fund, report_rows.remaining),
    ):
        _bulk(connection, table, (row for one in known for row in rows_of(one)))
    _open_balances(connection)
    for day in (report_rows.DAYS[-1], report_rows.BEHIND):
        by = By(GATEWAY, report_rows.moment(day), "bench", "a bench")
        moved = (row for one in known for row in report_rows.moves(one, day))
        while some := list(islice(moved, _AT_A_TIME)):
            ledger.post_many(connection, some, by)


def _bulk(
    connection: Connection, table: Table, rows: Iterable[Mapping[str, Any]]
) -> None:
    waiting = iter(rows)
    while some := list(islice(waiting, _AT_A_TIME)):
        connection.execute(insert(table), some)


def _open_balances(connection: Connection) -> None:
    account = ledger_tables.account.c
    empty = select(account.id, literal(0), literal(0)).where(
        account.licence.isnot(None)
    )
    columns = ["account", "balance_paise", "seq"]
    connection.execute(insert(ledger_tables.balance).from_select(columns, empty))


def _maker(letter: str) -> dict[str, Any]:
    return {"letter": letter, "name": f"Maker {letter}", "added_at": report_rows.NOW}
