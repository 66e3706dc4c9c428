"""A gateway with a month of two Circles in it, and people who have its reports."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from dop_gateway.identity.model import (
    SIDES_OF_ROLES,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from rmfs_tools.bench import report_filling as filling
from tests.gateway_desk import Desk, Gateway, new_gateway

MACHINES = 24
"""In the first Circle; the second has a tenth as many."""
HEAD_LINES = 6


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
    gateway.clock.advance(filling.NOW - gateway.clock.now())
    filling.fill(gateway.store, machines)
    with gateway.store.reading() as connection:
        circle = filling.circle(connection)
    return ReportDesk(gateway, circle.facility, str(circle.office_id))


def csv_rows(text: str) -> list[Mapping[str, Any]]:
    """Read the rows of a report that was written as CSV, with its total."""
    lines = list(csv.reader(StringIO(text.removeprefix("\ufeff"))))
    head = lines[HEAD_LINES - 1]
    return [dict(zip(head, line, strict=True)) for line in lines[HEAD_LINES:]]
