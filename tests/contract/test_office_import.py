"""A directory is brought in whole, again without effect, and what is missing closes."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, select

from dop_gateway.offices import store as offices
from dop_gateway.offices.bulk_store import all_offices
from dop_gateway.offices.codes import Codes, parse_codes, shipped_codes
from dop_gateway.offices.importing import Imported, import_directory
from dop_gateway.offices.model import Office, OfficeId, OfficeKind
from dop_gateway.offices.reading import COLUMNS, read_octets
from dop_gateway.offices.tables import office_import
from hw.database import Store
from protocol.errors import LocalProtocolError
from tests.gateway import ASHA, NOW, gateway_at

HEAD = ",".join(COLUMNS)


def line(
    name: str,
    pin: str,
    kind: str,
    division: str = "Kolar Division",
) -> str:
    place = f"Karnataka Circle,South Region,{division}"
    return f"{place},{name},{pin},{kind},Delivery,KOLAR,KARNATAKA,13.1,78.1"


HO = line("Kolar H.O", "563101", "HO")
SO = line("Malur S.O", "563130", "SO")
BO = line("Lakkur B.O", "563130", "BO")
FAR = line("Hassan H.O", "573201", "HO", division="Hassan Division")
ALL = (HO, SO, BO, FAR)


@pytest.fixture
def store(store_place: str) -> Iterator[Store]:
    """Open a database without an office."""
    with gateway_at(store_place) as store:
        yield store


def bring(
    store: Store,
    *lines: str,
    codes: Codes | None = None,
    although_left_out: bool = False,
) -> Imported:
    directory = read_octets(f"{one}\n".encode() for one in (HEAD, *lines))
    with store.writing("import") as connection:
        return import_directory(
            connection,
            directory,
            codes or shipped_codes(),
            ASHA,
            although_left_out=although_left_out,
        )


def named(store: Store, name: str) -> Office:
    with store.reading() as connection:
        row = next(one for one in all_offices(connection) if one.name == name)
        found = offices.get(connection, OfficeId(row.id))
        expected = "".join(f"/{one}" for one in _line(connection, found)) + "/"
    assert found.path == expected
    return found


def _line(connection: Connection, office: Office) -> list[int]:
    line = [office.office_id]
    while office.parent is not None:
        office = offices.get(connection, office.parent)
        line.insert(0, office.office_id)
    return [int(one) for one in line]


def above(store: Store, name: str) -> str:
    with store.reading() as connection:
        parent = named(store, name).parent
        assert parent is not None
        return offices.get(connection, parent).name


def test_the_same_directory_again_changes_nothing(store: Store) -> None:
    first = bring(store, *ALL)
    # The Department, a Circle, a Region and two Divisions come with them.
    assert (first.added, first.changed, first.closed, first.unchanged) == (9, 0, 0, 0)
    with store.reading() as connection:
        before = list(all_offices(connection))
    again = bring(store, *reversed(ALL))
    assert (again.added, again.changed, again.closed, again.unchanged) == (0, 0, 0, 9)
    with store.reading() as connection:
        assert list(all_offices(connection)) == before


def test_a_changed_row_is_written_and_told_of(store: Store) -> None:
    bring(store, *ALL)
    done = bring(store, HO, SO.replace("13.1,78.1", "NA,NA"), BO, FAR)
    assert (done.added, done.changed, done.closed, done.unchanged) == (0, 1, 0, 8)
    assert str(done.changes[0]) == (
        "Malur S.O, 563130: latitude microdegrees was 13100000, is None; "
        "longitude microdegrees was 78100000, is None"
    )
    assert named(store, "Malur S.O").latitude_microdegrees is None


def test_an_office_that_is_missing_is_closed_and_opens_again_when_listed(
    store: Store,
) -> None:
    bring(store, *ALL)
    before = named(store, "Hassan H.O")
    done = bring(store, HO, SO, BO)
    # Its Division closes with it.
    assert (done.added, done.changed, done.closed) == (0, 0, 2)
    closed = named(store, "Hassan H.O")
    assert (closed.closed_at, closed.serves_pin) == (NOW, False)
    again = bring(store, *ALL)
    assert (again.added, again.changed, again.closed) == (0, 2, 0)
    assert named(store, "Hassan H.O") == before


def test_an_office_moves_to_another_division_with_its_branch_offices(
    store: Store,
) -> None:
    bring(store, *ALL)
    before = named(store, "Malur S.O")
    moved = [one.replace("Kolar Division", "Hassan Division") for one in (SO, BO)]
    done = bring(store, HO, *moved, FAR)
    assert (done.added, done.changed, done.closed) == (0, 2, 0)
    after = named(store, "Malur S.O")
    assert after.office_id == before.office_id
    assert above(store, "Malur S.O") == "Hassan Division"
    assert above(store, "Lakkur B.O") == "Malur S.O"


def test_a_division_moves_to_another_region_with_all_below_it(store: Store) -> None:
    bring(store, *ALL)
    done = bring(store, *(one.replace("South", "North") for one in (HO, SO, BO)), FAR)
    assert done.added == 1
    assert above(store, "Kolar Division") == "North Region"
    assert above(store, "Lakkur B.O") == "Malur S.O"
    assert above(store, "Hassan Division") == "South Region"


def test_an_office_stays_where_a_person_has_put_it(store: Store) -> None:
    bring(store, *ALL)
    with store.writing("test") as connection:
        division = named(store, "Kolar Division")
        sub = offices.add(connection, division, OfficeKind.SUB_DIVISION, "East", ASHA)
        moved = named(store, "Malur S.O").office_id
        offices.place(connection, moved, sub.office_id, ASHA)
    done = bring(store, *ALL)
    assert (done.added, done.changed, done.closed) == (0, 0, 0)
    assert above(store, "Malur S.O") == "East"


def test_what_a_person_added_goes_one_up_where_the_office_above_closes(
    store: Store,
) -> None:
    bring(store, *ALL)
    with store.writing("test") as connection:
        division = named(store, "Hassan Division")
        sub = offices.add(connection, division, OfficeKind.SUB_DIVISION, "West", ASHA)
        offices.add(
            connection, sub, OfficeKind.SO, "Own S.O", ASHA, pin="573299", delivers=True
        )
    done = bring(store, HO, SO, BO)
    assert done.closed == 2
    assert above(store, "West") == "South Region"
    assert above(store, "Own S.O") == "West"
    own = named(store, "Own S.O")
    assert (own.closed_at, own.serves_pin) == (None, True)


def test_one_office_serves_a_pin_and_the_highest_kind_is_chosen(store: Store) -> None:
    lines = [
        line("Zeta B.O", "563101", "BO"),
        line("Beta S.O", "563101", "SO"),
        line("Alpha S.O", "563101", "SO"),
    ]
    done = bring(store, *lines)
    assert named(store, "Alpha S.O").serves_pin
    assert done.contested == ("563101",)
    # Among equals the one that serves stays; a head office goes before both.
    bring(store, *lines, line("Aaa S.O", "563101", "SO"))
    assert named(store, "Alpha S.O").serves_pin
    done = bring(store, *lines, HO)
    assert done.contested == ()
    with store.reading() as connection:
        at_pin = offices.by_pin(connection, "563101")
    assert [one.name for one in at_pin if one.serves_pin] == ["Kolar H.O"]


def test_a_pin_at_which_nobody_delivers_is_told_of(store: Store) -> None:
    done = bring(store, HO, SO.replace(",Delivery,", ",Non Delivery,"))
    assert (done.unserved, done.unserved_count) == (("563130",), 1)
    with store.reading() as connection:
        assert offices.division_of_pin(connection, "563130") is None


def test_a_directory_with_a_mistake_is_refused_whole(store: Store) -> None:
    done = bring(store, HO, SO.replace(",SO,", ",XO,"))
    assert not done.taken
    assert done.findings[0].line_number == 3
    with store.reading() as connection:
        assert list(all_offices(connection)) == []


def test_the_rest_may_be_taken_all_the_same_and_then_nothing_closes(
    store: Store,
) -> None:
    bring(store, *ALL)
    wrong = FAR.replace(",HO,", ",XO,")
    new = line("Bangarapet S.O", "563114", "SO")
    done = bring(store, HO, new, wrong, although_left_out=True)
    assert (done.taken, done.added, done.closed, done.left_out) == (True, 1, 0, 1)
    assert named(store, "Malur S.O").closed_at is None


def test_every_import_is_noted_with_who_did_it(store: Store) -> None:
    bring(store, *ALL)
    bring(store, HO, SO, BO)
    with store.reading() as connection:
        rows = connection.execute(select(office_import)).all()
    assert [(one.lines, one.added, one.closed) for one in rows] == [
        (4, 9, 0),
        (3, 0, 2),
    ]
    assert {(one.person, one.reason, one.at) for one in rows} == {
        ("asha", "a test", NOW)
    }


def test_a_new_table_of_codes_is_taken_over(store: Store) -> None:
    bring(store, *ALL)
    assert named(store, "Kolar Division").code == "KN14"
    codes = parse_codes(
        'directorate = {name = "D"}\n'
        'circle = [{name = "KARNATAKA  circle", code = "KN"}]\n'
        'division = [{name = "kolar division", code = "KN77"}]\n'
    )
    done = bring(store, *ALL, codes=codes)
    assert str(done.changes[0]) == "Kolar Division: code was KN14, is KN77"


def test_two_divisions_may_have_each_others_code_from_one_import_on(
    store: Store,
) -> None:
    circle = (
        'directorate = {name = "D"}\n'
        'circle = [{name = "KARNATAKA circle", code = "KN"}]\n'
    )

    def codes(kolar: str, hassan: str) -> Codes:
        named = f'{{name = "Kolar Division", code = "{kolar}"}}'
        other = f'{{name = "Hassan Division", code = "{hassan}"}}'
        return parse_codes(f"{circle}division = [{named}, {other}]\n")

    bring(store, *ALL, codes=codes("KN01", "KN02"))
    bring(store, *ALL, codes=codes("KN02", "KN01"))
    found = [named(store, name).code for name in ("Kolar Division", "Hassan Division")]
    assert found == ["KN02", "KN01"]


@pytest.mark.parametrize(
    ("division", "reason"),
    [
        ('{name = "A", code = "KN7"}', "'KN7' is not a Circle's code and two digits"),
        ('{name = "A", code = "MH07"}', "MH07 begins with the code of no Circle"),
        ('{name = "A", code = "KN07"}, {name = "B", code = "KN07"}', "stands twice"),
        ('{name = "A"}', "lack a field: 'code'"),
        ("{", "cannot be read"),
    ],
)
def test_a_table_of_codes_with_a_mistake_is_refused(division: str, reason: str) -> None:
    text = 'directorate = {name = "D"}\ncircle = [{name = "K", code = "KN"}]\n'
    with pytest.raises(LocalProtocolError, match=reason):
        parse_codes(f"{text}division = [{division}]\n")
