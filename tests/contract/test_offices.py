"""The office tree on both engines: what stands where, and who serves a PIN."""

from collections.abc import Iterator

import pytest

from dop_gateway.errors import ConflictError, NotFoundError
from dop_gateway.offices import store as offices
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.importing import import_directory
from dop_gateway.offices.model import Office, OfficeId, OfficeKind
from dop_gateway.offices.reading import read_directory
from hw.database import Store
from protocol.errors import InvariantError
from tests.gateway import ASHA, gateway_at
from tests.house.sources import ROOT

SAMPLE = ROOT / "dop_gateway" / "offices" / "sample.csv"


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database with the sample in it."""
    with gateway_at(store_place) as store:
        with store.writing("sample") as connection:
            done = import_directory(
                connection, read_directory(SAMPLE), shipped_codes(), ASHA
            )
            assert done.taken
        yield store


def office(store: Store, code: str) -> Office:
    with store.reading() as connection:
        found = offices.by_code(connection, code)
    assert found is not None
    return found


def test_the_sample_has_three_circles_six_regions_and_twelve_divisions(
    store: Store,
) -> None:
    with store.reading() as connection:
        top = offices.top(connection)
        assert top is not None
        count = {
            kind: len(offices.subtree_of(connection, top.office_id, [kind]))
            for kind in OfficeKind
        }
    assert count == {
        OfficeKind.DIRECTORATE: 1,
        OfficeKind.CIRCLE: 3,
        OfficeKind.REGION: 6,
        OfficeKind.DIVISION: 12,
        OfficeKind.SUB_DIVISION: 0,
        OfficeKind.HO: 12,
        OfficeKind.SO: 48,
        OfficeKind.BO: 108,
    }


def test_a_licence_number_begins_with_the_code_of_a_division_that_is_there(
    store: Store,
) -> None:
    division = office(store, "KN0600065"[:4])
    assert division.kind is OfficeKind.DIVISION
    with store.reading() as connection:
        names = [one.name for one in offices.ancestors(connection, division.office_id)]
        circle = offices.of_kind(connection, division.office_id, OfficeKind.CIRCLE)
    assert names == ["Department of Posts", "Karnataka Circle", "Bengaluru HQ Region"]
    assert circle is not None
    assert (circle.code, circle.name_hi) == ("KN", "कर्नाटक सर्किल")


def test_a_pin_is_routed_to_the_division_of_the_office_that_serves_it(
    store: Store,
) -> None:
    with store.reading() as connection:
        at_pin = offices.by_pin(connection, "560001")
        division = offices.division_of_pin(connection, "560001")
        nobody = offices.division_of_pin(connection, "999999")
    assert [one.name for one in at_pin] == [
        "Bengaluru G.P.O.",
        "Bengaluru Collectorate S.O",
    ]
    assert [one.serves_pin for one in at_pin] == [True, False]
    assert division is not None
    assert division.code == "KN06"
    assert nobody is None


def test_branch_offices_stand_under_the_sub_office_that_serves_their_pin(
    store: Store,
) -> None:
    with store.reading() as connection:
        serving = offices.delivery_office(connection, "560002")
        assert serving is not None
        below = offices.children(connection, serving.office_id)
    assert [one.kind for one in below] == [OfficeKind.BO] * 3
    assert {one.pin for one in below} == {"560002"}


def test_a_subtree_is_an_office_and_all_below_it(store: Store) -> None:
    circle, division, other = (office(store, code) for code in ("KN", "KN06", "MH02"))
    with store.reading() as connection:
        below = offices.subtree_of(connection, division.office_id)
        assert len(below) == 15
        assert all(one.is_within(division) and one.is_within(circle) for one in below)
        for one in below:
            assert offices.is_within(connection, one.office_id, circle.office_id)
            assert not offices.is_within(connection, one.office_id, other.office_id)
        assert not offices.is_within(connection, circle.office_id, division.office_id)
        assert not offices.is_within(connection, OfficeId(0), circle.office_id)


def test_offices_are_found_by_what_a_person_types(store: Store) -> None:
    circle = office(store, "MH")
    with store.reading() as connection:
        for words in ("g.p.o", " Bengaluru G", "560001", "kn06", "कोलार"):
            assert offices.find(connection, words), words
        pattern = offices.find(connection, "%")
        within = offices.find(connection, "g.p.o", under=circle)
        heads = offices.find(connection, "h.o", kinds=[OfficeKind.HO], limit=2)
        facility = offices.find(connection, circle.facility.lower())
    assert pattern == []
    assert [one.name for one in within] == ["Mumbai G.P.O."]
    assert len(heads) == 2
    assert facility == [circle]


def test_an_office_is_found_by_its_facility_id(store: Store) -> None:
    division = office(store, "KN06")
    with store.reading() as connection:
        assert offices.by_facility(connection, division.facility) == division
        assert offices.by_facility(connection, "F000000000") is None
        with pytest.raises(NotFoundError, match="no office 0"):
            offices.get(connection, OfficeId(0))


def test_a_sub_division_takes_offices_of_its_division_with_all_below_them(
    store: Store,
) -> None:
    division = office(store, "KN06")
    with store.writing("test") as connection:
        sub = offices.add(
            connection, division, OfficeKind.SUB_DIVISION, "Indiranagar", ASHA
        )
        moved = offices.delivery_office(connection, "560002")
        assert moved is not None
        offices.place(connection, moved.office_id, sub.office_id, ASHA)
    with store.reading() as connection:
        below = offices.subtree_of(connection, sub.office_id)
        line = offices.ancestors(connection, below[-1].office_id)
    assert len(below) == 5
    assert [one.kind.name for one in line] == [
        *("DIRECTORATE", "CIRCLE", "REGION", "DIVISION", "SUB_DIVISION", "SO")
    ]


def test_an_office_stands_under_a_higher_kind_that_is_open(store: Store) -> None:
    circle, division = office(store, "KN"), office(store, "KN06")
    with store.writing("test") as connection:
        with pytest.raises(ConflictError, match="a Circle does not stand under"):
            offices.place(connection, circle.office_id, division.office_id, ASHA)
        sub = offices.add(connection, division, OfficeKind.SUB_DIVISION, "X", ASHA)
        offices.close(connection, sub.office_id, ASHA)
        closed = offices.get(connection, sub.office_id)
        with pytest.raises(ConflictError, match="X is closed: nothing new"):
            offices.add(connection, closed, OfficeKind.SO, "Y", ASHA, pin="560001")
        with pytest.raises(ConflictError, match="X is closed already"):
            offices.close(connection, sub.office_id, ASHA)
        with pytest.raises(ConflictError, match="open offices stand under"):
            offices.close(connection, division.office_id, ASHA)


def test_a_code_belongs_to_one_office(store: Store) -> None:
    division = office(store, "KN06")
    with (
        pytest.raises(InvariantError, match="refuse"),
        store.writing("test") as connection,
    ):
        offices.change(connection, division.office_id, ASHA, code="KN")


def test_a_new_name_is_found_and_the_old_one_is_not(store: Store) -> None:
    division = office(store, "KN06")
    with store.writing("test") as connection:
        offices.change(connection, division.office_id, ASHA, name="Halasuru Division")
        assert offices.find(connection, "bengaluru east d") == []
        (found,) = offices.find(connection, "halasuru")
    assert found.office_id == division.office_id
