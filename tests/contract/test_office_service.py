"""What people do to the office tree is checked, and told to the audit."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from dop_gateway.audit.tables import audit
from dop_gateway.errors import ConflictError, InvalidError
from dop_gateway.offices import service
from dop_gateway.offices import store as offices
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.model import Office, OfficeKind
from dop_gateway.offices.reading import COLUMNS, read_directory, read_octets
from dop_gateway.offices.tables import office
from hw.database import Store
from tests.gateway import ASHA, gateway_at
from tests.house.sources import ROOT

SAMPLE = ROOT / "dop_gateway" / "offices" / "sample.csv"
MALUR = {"name": "Malur S.O", "pin": "563130", "delivers": True}


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database with the sample in it."""
    with gateway_at(store_place) as store:
        with store.writing("sample") as connection:
            service.bring_in(connection, read_directory(SAMPLE), shipped_codes(), ASHA)
        yield store


def kolar(store: Store) -> Office:
    with store.reading() as connection:
        found = offices.by_code(connection, "KN14")
    assert found is not None
    return found


def acts(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(
            connection.execute(select(audit.c.move).order_by(audit.c.number)).scalars()
        )


def test_an_office_lives_and_each_act_is_told(store: Store) -> None:
    division = kolar(store).office_id
    with store.writing("test") as connection:
        sub = service.open_office(
            connection, division, OfficeKind.SUB_DIVISION, {"name": "East"}, ASHA
        )
        malur = service.open_office(connection, division, OfficeKind.SO, MALUR, ASHA)
        service.put_under(connection, malur.office_id, sub.office_id, ASHA)
        served = service.serve_pin(connection, malur.office_id, ASHA)
        assert served.serves_pin
        service.serve_pin(connection, malur.office_id, ASHA)
        named = service.correct(
            connection, malur.office_id, {"name": "Maluru S.O", "name_hi": None}, ASHA
        )
        assert named.name == "Maluru S.O"
        service.correct(connection, malur.office_id, {"name": "Maluru S.O"}, ASHA)
        service.close(connection, malur.office_id, ASHA)
    assert acts(store) == [
        *("bring in", "open", "open", "put under", "serve PIN", "correct", "close")
    ]


def test_an_office_serves_a_pin_in_place_of_another(store: Store) -> None:
    with store.writing("test") as connection:
        before = offices.delivery_office(connection, "563102")
        assert before is not None
        values = {**MALUR, "pin": "563102"}
        new = service.open_office(
            connection, kolar(store).office_id, OfficeKind.SO, values, ASHA
        )
        service.serve_pin(connection, new.office_id, ASHA)
        after = offices.by_pin(connection, "563102")
    assert [one.office_id for one in after if one.serves_pin] == [new.office_id]


@pytest.mark.parametrize(
    ("kind", "values", "pointers"),
    [
        (OfficeKind.SO, {"name": "A S.O"}, ["/pin"]),
        (OfficeKind.SO, {"name": "A S.O", "pin": "5631"}, ["/pin"]),
        (OfficeKind.SUB_DIVISION, {"name": "A", "pin": "563101"}, ["/pin"]),
        (OfficeKind.SUB_DIVISION, {}, ["/name"]),
        (OfficeKind.SUB_DIVISION, {"name": " "}, ["/name"]),
        (OfficeKind.SUB_DIVISION, {"name": "A", "path": "/1/"}, ["/path"]),
        (OfficeKind.SUB_DIVISION, {"name": "A", "code": "KN99"}, ["/code"]),
        (
            OfficeKind.BO,
            {"name": "", "pin": "1", "code": "K"},
            ["/name", "/pin", "/code"],
        ),
    ],
)
def test_everything_that_is_wrong_with_a_new_office_is_told(
    store: Store, kind: OfficeKind, values: dict[str, Any], pointers: list[str]
) -> None:
    with store.writing("test") as connection:
        with pytest.raises(InvalidError) as refused:
            service.open_office(connection, kolar(store).office_id, kind, values, ASHA)
        assert [one.pointer for one in refused.value.findings] == pointers


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("KN6", "the Circle's two letters and two digits are needed"),
        ("MH66", "it begins with the code of another Circle"),
        ("KN06", "it is the code of Bengaluru East Division"),
    ],
)
def test_a_code_that_a_division_cannot_have_is_refused(
    store: Store, code: str, words: str
) -> None:
    with store.writing("test") as connection:
        with pytest.raises(InvalidError) as refused:
            service.correct(connection, kolar(store).office_id, {"code": code}, ASHA)
        assert [one.words for one in refused.value.findings] == [words]


def test_what_the_directory_says_is_corrected_there(store: Store) -> None:
    with store.writing("test") as connection:
        with pytest.raises(InvalidError, match="it is corrected there"):
            service.correct(connection, kolar(store).office_id, {"name": "K"}, ASHA)
        serving = offices.delivery_office(connection, "563102")
        assert serving is not None
        with pytest.raises(ConflictError, match="serves 563102: let another"):
            service.correct(connection, serving.office_id, {"delivers": False}, ASHA)
        with pytest.raises(ConflictError, match="does not deliver"):
            service.serve_pin(connection, kolar(store).office_id, ASHA)
        values = {"name": serving.name.upper(), "pin": "563102"}
        with pytest.raises(ConflictError, match="is there already"):
            service.open_office(
                connection, kolar(store).office_id, OfficeKind.SO, values, ASHA
            )


def test_a_directory_that_would_close_many_offices_is_refused(store: Store) -> None:
    one = (
        "Karnataka Circle,Bengaluru HQ Region,Kolar Division,Kolar H.O,563101,HO,"
        "Delivery,KOLAR,KARNATAKA,NA,NA"
    )
    few = read_octets(f"{line}\n".encode() for line in (",".join(COLUMNS), one))
    with store.writing("test") as connection:
        refused = service.bring_in(connection, few, shipped_codes(), ASHA)
        assert (refused.taken, refused.closed) == (False, 185)
        taken = service.bring_in(
            connection, few, shipped_codes(), ASHA, closes_many=True
        )
    assert (taken.taken, taken.closed) == (True, 185)
    assert acts(store) == ["bring in", "bring in"]


def test_a_role_for_several_offices_reaches_what_is_within_any_of_them(
    store: Store,
) -> None:
    with store.reading() as connection:
        tops = [offices.by_code(connection, code) for code in ("KN14", "KN06")]
        found = [one for one in tops if one is not None]
        for some, count in ((found, 30), (found[:1], 15), ([], 0)):
            rows = connection.execute(
                select(office.c.id).where(offices.within_any(some))
            ).all()
            assert len(rows) == count
