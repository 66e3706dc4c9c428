"""A post office, its people, and a licence as if it had been issued."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from dop_gateway import ledger
from dop_gateway.identity import store as people
from dop_gateway.identity.model import (
    GATEWAY,
    Actor,
    By,
    Grant,
    PersonKind,
    Role,
    ScopeKind,
)
from dop_gateway.ledger import Source, movements
from dop_gateway.licences import store as licences
from dop_gateway.licences.application import (
    ApplicationKind,
    ApplicationState,
    Scenario,
)
from dop_gateway.licences.model import (
    Body,
    CommercialAs,
    Holder,
    Licence,
    LicenceKind,
    MachineState,
)
from dop_gateway.licences.store import holder_columns
from dop_gateway.licences.tables import licence_application
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeId, OfficeKind
from protocol.keys import MachineProvisioning
from protocol.messages import LicenceState
from protocol.parameters import INDIA
from protocol.values import (
    EpochSeconds,
    LicenceNumber,
    Paise,
    RechargeNumber,
)
from tests.machines import PIN_CODE, Bench
from tests.witness.small_server import LICENCE

NUMBER = LicenceNumber("KN0600065")
SERVER_FUNDS = 1_000_000
"""What the maker's server holds of the licence, in paise, before the first recharge."""


@dataclass(frozen=True)
class PostOffice:
    """A designated office, another one, and people at both, by their logins."""

    office: OfficeId
    other: OfficeId
    people: dict[str, By]


def open_post_office(
    connection: Connection, bench: Bench, *, days: int, kind: LicenceKind
) -> PostOffice:
    """Open it on an empty database.

    Args:
        connection: A writing transaction.
        bench: The machine, with Rs 2,000.
        days: From today to the last day of the licence.
        kind: What the licence is for.
    """
    at = bench.clock.now()
    gateway = By(GATEWAY, at, "a-test", "a test")
    top = offices.add(connection, None, OfficeKind.DIRECTORATE, "Dak Bhawan", gateway)
    circle = offices.add(
        connection, top, OfficeKind.CIRCLE, "Karnataka", gateway, code="KN"
    )
    division = offices.add(
        connection, circle, OfficeKind.DIVISION, "East", gateway, code="KN06"
    )
    office, other = (
        offices.add(
            connection, division, OfficeKind.HO, name, gateway, pin=str(pin)
        ).office_id
        for name, pin in (("Bengaluru GPO", PIN_CODE), ("Malur", 563_130))
    )
    grants = {
        "meena": Grant(Role.COUNTER_ASSISTANT, ScopeKind.OFFICE, str(office)),
        "prakash": Grant(Role.POSTMASTER, ScopeKind.OFFICE, str(office)),
        "padma": Grant(Role.POSTMASTER, ScopeKind.OFFICE, str(office)),
        "malini": Grant(Role.POSTMASTER, ScopeKind.OFFICE, str(other)),
        "lata": Grant(
            Role.LICENSING_AUTHORITY,
            ScopeKind.OFFICE,
            str(division.office_id),
        ),
        "nina": Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "N"),
    }
    people_there = {"gateway": gateway}
    for login, grant in grants.items():
        people_there[login] = _person(connection, login, grant, gateway)
    _licence(connection, office, division.office_id, at, days=days, kind=kind)
    licences.register(connection, _provisioning(bench, at), at)
    ledger.open_licence(connection, LICENCE)
    _fund(connection, gateway)
    return PostOffice(office, other, people_there)


def _person(connection: Connection, login: str, grant: Grant, by: By) -> By:
    maker = grant.role is Role.MAKER_OFFICER
    kind = PersonKind.MAKER if maker else PersonKind.STAFF
    number = people.insert_person(
        connection,
        login=login,
        name=login.title(),
        kind=kind,
        email="",
        mobile="",
        password_hash=None,
        now=by.now,
    )
    people.insert_grant(connection, number, grant, GATEWAY.person, by.now)
    return By(Actor(number, login, kind, (grant,)), by.now, "a-test", "a test")


def _licence(
    connection: Connection,
    office: OfficeId,
    division: OfficeId,
    at: EpochSeconds,
    *,
    days: int,
    kind: LicenceKind,
) -> None:
    day = datetime.fromtimestamp(at, INDIA).date()
    holder = Holder("Asha Textiles", Body.PRIVATE, ("1 MG Road",), str(PIN_CODE))
    made: Any = connection.execute(
        insert(licence_application).values(
            **holder_columns(holder),
            kind=ApplicationKind.ISSUE.name,
            scenario=Scenario.NEW.name,
            state=ApplicationState.APPROVED.name,
            maker="N",
            identifier=LICENCE,
            licence_kind=kind.name,
            office=office,
            division=division,
            applied_on=day,
            due_on=day,
            entered_by=GATEWAY.person,
            entered_at=at,
            delay="",
            ended_on=day,
        )
    ).inserted_primary_key
    licences.add(
        connection,
        Licence(
            LICENCE,
            NUMBER,
            "N",
            kind,
            CommercialAs.REGISTRAR if kind is LicenceKind.COMMERCIAL else None,
            holder,
            office,
            division,
            LicenceState.REGISTERED,
            MachineState.IN_SERVICE,
            day,
            day + timedelta(days=days),
            1,
            refund_allowed=False,
            cancelled=None,
            cancelled_on=None,
            replaces=None,
            application=made[0],
        ),
    )


def _provisioning(bench: Bench, at: EpochSeconds) -> MachineProvisioning:
    """Give what its maker signed of the machine when it was made."""
    nothing = Paise(0)
    return MachineProvisioning(
        bench.machine.psd.credential,
        "RMFS-S1",
        "0.1.0",
        nothing,
        nothing,
        nothing,
        0,
        0,
        RechargeNumber(0),
        at,
    )


def _fund(connection: Connection, by: By) -> None:
    """Bring funds to the maker's server, and the first Rs 2,000 into the machine."""
    source = Source.BANK
    for movement in (
        movements.authenticated(source, LICENCE, SERVER_FUNDS, "test:a", "a test"),
        movements.acknowledged(LICENCE, SERVER_FUNDS, "test:b", "a test"),
        movements.downloaded(LICENCE, 200_000, "test:1", "a test"),
    ):
        ledger.post(connection, movement, by)
