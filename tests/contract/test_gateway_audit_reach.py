"""An auditor of an office sees what was done there or below, and nothing else."""

import pytest
from sqlalchemy import insert

from dop_gateway.audit import trail
from dop_gateway.audit.trail import Subject
from dop_gateway.identity.model import GATEWAY, By, Grant, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeKind
from dop_gateway.posting.model import ClaimId, ClaimKind, claim_number
from dop_gateway.posting.tables import claim
from tests.deposit_desk import N1, DepositDesk, furnish
from tests.gateway_desk import Desk, Gateway, new_gateway


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    return new_gateway(store_place)


@pytest.fixture
def deposits(gateway: Gateway) -> DepositDesk:
    return furnish(gateway.store)


def _auditor(gateway: Gateway, login: str, office: int) -> Desk:
    grant = Grant(Role.AUDITOR, ScopeKind.OFFICE, str(office))
    return gateway.somebody(login, grant)


def _tell(gateway: Gateway, *subjects: Subject) -> None:
    by = By(GATEWAY, gateway.clock.now(), "test", "a test")
    with gateway.store.writing("tell") as connection:
        for one in subjects:
            trail.add(connection, by, "try", one)


def _add_claim(gateway: Gateway, deposits: DepositDesk) -> ClaimId:
    with gateway.store.writing("a claim") as connection:
        number = connection.execute(
            insert(claim)
            .values(
                kind=ClaimKind.UNUSED.name,
                licence=N1,
                office=deposits.sub_office,
                state="PROPOSED",
                claimed_on=deposits.day,
                gross_paise=1_000,
                deduction_paise=0,
                proposed_by=GATEWAY.person,
                proposed_at=0,
            )
            .returning(claim.c.id)
        ).scalar_one()
    return ClaimId(number)


def test_what_was_done_to_licences_of_an_office_is_seen_by_who_audits_it(
    gateway: Gateway, deposits: DepositDesk
) -> None:
    deposits.bring()
    deposits.bring(licence="N999999")
    made = claim_number(ClaimKind.UNUSED, _add_claim(gateway, deposits))
    _tell(
        gateway,
        Subject("licence", N1),
        Subject("machine", N1),
        Subject("claim", made),
        Subject("claim", "UC99999999"),
        Subject("parameter", "licence.years"),
        Subject("office", "F000000099"),
    )
    division = _auditor(gateway, "divya", deposits.division)
    seen = division.get("/audit?page_size=100")["results"]
    kinds = sorted({(one["subject_kind"], one["subject"]) for one in seen})
    assert kinds == [
        ("claim", made),
        ("deposit", "1"),
        ("licence", N1),
        ("machine", N1),
    ]
    for one in seen:
        assert division.get(f"/audit/{one['number']}") == one
    assert division.get("/audit?subject_kind=licence")["count"] == 1
    everything = gateway.somebody("usha", Grant(Role.AUDITOR, ScopeKind.EVERYTHING))
    numbers = {one["number"] for one in seen}
    others = [
        one["number"]
        for one in everything.get("/audit?page_size=100")["results"]
        if one["number"] not in numbers
    ]
    assert others
    assert {
        division.ask("GET", f"/audit/{number}").status_code for number in others
    } == {404}


def test_an_auditor_of_another_office_sees_none_of_it(
    gateway: Gateway, deposits: DepositDesk
) -> None:
    deposits.bring()
    by = By(GATEWAY, gateway.clock.now(), "test", "a test")
    with gateway.store.writing("an office beside it") as connection:
        head = offices.get(connection, deposits.head_office)
        beside = offices.add(
            connection, head, OfficeKind.SO, "Hebbal", by, pin="560024"
        )
    auditor = _auditor(gateway, "hema", beside.office_id)
    assert auditor.get("/audit")["count"] == 0
    above = _auditor(gateway, "divya", deposits.head_office)
    assert above.get("/audit?subject_kind=deposit")["count"] == 3
