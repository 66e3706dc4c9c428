"""A gateway with a month of two Circles in it, and people who have its reports."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from typing import Any

from dop_gateway.access import Permit
from dop_gateway.exports.json_writer import named
from dop_gateway.identity.model import (
    GATEWAY,
    SIDES_OF_ROLES,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.reports.catalogue import REPORTS
from dop_gateway.store.migrations import migrate
from hw.database import Store
from protocol.values import EpochSeconds
from rmfs_tools.bench import report_filling as filling
from rmfs_tools.bench import report_rows
from tests.gateway_desk import Desk, Gateway, new_gateway
from tests.migrated import open_migrated
from tests.system import OPENED

MACHINES = 24
"""In the first Circle; the second has a tenth as many."""
HEAD_LINES = 6
EVERYTHING = Permit(GATEWAY, (Grant(Role.AUDITOR, ScopeKind.EVERYTHING),))


@dataclass
class ReportDesk:
    """Where reports are asked for on the second of December."""

    gateway: Gateway
    facility: str
    circle: str
    people: dict[str, Desk] = field(default_factory=dict)

    def of(self, role: Role, kind: ScopeKind, scope: str = "") -> Desk:
        """Give somebody with one role."""
        login = f"{role.name}-{kind.name}-{scope}".lower().replace("_", "-").strip("-")
        if login not in self.people:
            side = SIDES_OF_ROLES.get(role, PersonKind.STAFF)
            grant = Grant(role, kind, scope)
            self.people[login] = self.gateway.somebody(login, grant, kind=side)
        return self.people[login]

    @property
    def everywhere(self) -> Desk:
        """Give somebody who sees the machines of the whole Department."""
        return self.of(Role.POSTAL_AUTHORITY, ScopeKind.EVERYTHING)

    @property
    def in_circle(self) -> Desk:
        """Give somebody who sees those of the first Circle."""
        return self.of(Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, self.circle)


def report_desk(url: str, machines: int = MACHINES) -> ReportDesk:
    """Fill an empty database."""
    gateway = new_gateway(url)
    gateway.clock.advance(report_rows.NOW - gateway.clock.now())
    filling.fill(gateway.store, machines)
    with gateway.store.reading() as connection:
        circle = filling.circle(connection)
    return ReportDesk(gateway, circle.facility, str(circle.office_id))


def filled(url: str) -> Store:
    """Fill an empty database, where nobody needs to sign in; closed behind the test."""
    store = open_migrated(url, migrate)
    OPENED.append(store)
    filling.fill(store, MACHINES)
    return store


def reported(
    store: Store,
    name: str,
    now: EpochSeconds = report_rows.NOW,
    permit: Permit = EVERYTHING,
    **asked: Any,
) -> list[dict[str, Any]]:
    """Give the rows of a report, as JSON has them."""
    report = REPORTS[name]
    query = report.query.model_validate(asked)
    made = report.make(query, now)
    with store.reading() as connection:
        selection = made.matching(connection, permit, query)
        found = list(selection.all(connection, query.sort))
        assert selection.count(connection) == len(found)
        page = selection.page(connection, query.sort, 1, 3)
        assert list(page) == found[1:4]
        shown = made.show(connection, page)
    rows = [dict(named(made.columns, made.cells(one))) for one in found]
    for row, one in zip(rows[1:4], shown, strict=True):
        told = one.model_dump(mode="json")
        assert row == {name: told[name] for name in row}
    return rows


def rupees(rows: list[dict[str, Any]], column: str) -> Decimal:
    """Sum a column of money."""
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def csv_rows(text: str) -> list[Mapping[str, Any]]:
    """Read the rows of a report that was written as CSV, with its total."""
    lines = list(csv.reader(StringIO(text.removeprefix("\ufeff"))))
    head = lines[HEAD_LINES - 1]
    return [dict(zip(head, line, strict=True)) for line in lines[HEAD_LINES:]]
