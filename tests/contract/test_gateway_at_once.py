"""Two who do the same in one moment: one has done it, the other is told so."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from dop_gateway.errors import ConflictError
from dop_gateway.identity import store as people
from dop_gateway.identity.model import PersonKind
from dop_gateway.licences import standing
from dop_gateway.licences.application import ApplicationKind
from dop_gateway.licences.model import CancelReason
from hw.database import TakenError
from protocol.values import EpochSeconds
from tests.at_once import until_somebody_waits, with_patience
from tests.gateway_desk import Gateway, new_gateway
from tests.licence_desk import LicenceDesk, file_of, licence_desk_at, machine_of

NOW = EpochSeconds(0)


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    made = new_gateway(store_place)
    with_patience(made.store)
    return made


@pytest.fixture
def desk(store_place: str) -> Iterator[LicenceDesk]:
    with licence_desk_at(store_place) as desk:
        with_patience(desk.store)
        yield desk


def _let_in(connection: Connection, login: str) -> None:
    people.insert_person(
        connection,
        login=login,
        name="Kiran",
        kind=PersonKind.STAFF,
        email="",
        mobile="",
        password_hash=None,
        now=NOW,
    )


def test_what_may_be_there_once_is_named_when_it_is_there(gateway: Gateway) -> None:
    with gateway.store.writing("first") as connection:
        _let_in(connection, "kiran")
    with (
        pytest.raises(TakenError, match="second: the books refuse it") as caught,
        gateway.store.writing("second") as connection,
    ):
        _let_in(connection, "kiran")
    assert (caught.value.thing, caught.value.by) == ("person", "login")


def test_whoever_is_the_second_by_a_moment_is_told_that_it_is_there(
    gateway: Gateway,
) -> None:
    asha = gateway.administrator()
    body = {
        "login": "kiran",
        "name": "Kiran",
        "kind": "STAFF",
        "email": "kiran@example.invalid",
        "mobile": "",
        "reason": "a test",
    }
    with ThreadPoolExecutor(1) as threads:
        with gateway.store.writing("first") as connection:
            _let_in(connection, "kiran")
            asked = threads.submit(asha.ask, "POST", "/people", body)
            until_somebody_waits(gateway.store)
        answer = asked.result()
    assert answer.status_code == 409, answer.text
    problem = answer.json()
    assert problem["type"] == "urn:rmfs:problem:conflict"
    assert "login" in problem["detail"]
    assert "INSERT" not in problem["detail"]


def test_an_identifier_for_which_two_applications_are_approved_at_once_is_given_once(
    desk: LicenceDesk,
) -> None:
    """A new licence and a change of machine: both name the machine N777777."""
    licence = desk.issue()
    changed = desk.form_for(
        licence,
        ApplicationKind.MACHINE,
        identifier="N777777",
        provisioning=file_of(machine_of("N777777")),
        cancel=CancelReason.PSD_FAULTY,
    )
    applications = (desk.ready(changed), desk.ready(desk.form("N777777")))
    with desk.store.writing("test") as connection:
        standing.withhold(connection, licence.identifier, desk.by("authority"))

    def approve(place: int) -> str:
        try:
            return desk.approve(applications[place].id).identifier
        except ConflictError as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        done = sorted(threads.map(approve, range(2)))
    assert done[0] == "N777777"
    assert done[1].startswith("N777777 was given")
