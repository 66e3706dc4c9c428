"""Whatever directories follow one another, the tree is whole and says the last."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from dop_gateway.offices.bulk_store import Stored
from dop_gateway.offices.codes import Codes, shipped_codes
from dop_gateway.offices.model import OfficeKind, name_key
from dop_gateway.offices.planning import Plan, Planner
from dop_gateway.offices.reading import Line

CODES: Codes = shipped_codes()
RANK = {kind.name: kind.rank for kind in OfficeKind}
DIVISIONS = (
    ("Karnataka Circle", "South", "Kolar Division"),
    ("Karnataka Circle", "", "Hassan Division"),
    ("Maharashtra Circle", "Pune", "Satara Division"),
    ("Karnataka Circle", "North", "Kolar Division"),
)

LINES = st.builds(
    lambda place, name, pin, kind, delivers: Line(
        2, *DIVISIONS[place], name, pin, kind, delivers, None, None, None, None
    ),
    st.integers(0, 2),
    st.sampled_from(["A", "B", "a", "C", "D"]),
    st.sampled_from(["563101", "563102", "563103"]),
    st.sampled_from([OfficeKind.HO, OfficeKind.SO, OfficeKind.BO]),
    st.booleans(),
)
DIRECTORIES = st.tuples(
    st.booleans(),
    st.lists(
        LINES,
        min_size=1,
        max_size=10,
        unique_by=lambda one: (one.pin, name_key(one.name)),
    ),
).map(
    lambda drawn: [
        one._replace(region="North") if drawn[0] and one.region == "South" else one
        for one in drawn[1]
    ]
)


def plan(stored: Sequence[Stored], lines: Sequence[Line], *, closes: bool) -> Plan:
    return Planner(stored, CODES, 1_790_000_000, closes=closes).plan(lines)


def by_hand(rows: Sequence[Stored]) -> list[Stored]:
    """Add what a person might: a Sub-Division, and an office that delivers in it."""
    number = max(row.id for row in rows) + 1
    division = next(row for row in rows if row.kind == "DIVISION")
    sub = division._replace(
        id=number,
        parent=division.id,
        path=f"{division.path}{number}/",
        kind="SUB_DIVISION",
        name="Own",
        name_key="own",
        code=None,
        listed=False,
    )
    office = sub._replace(
        id=number + 1,
        parent=number,
        path=f"{sub.path}{number + 1}/",
        kind="SO",
        pin="563101",
        name="Own S.O",
        name_key="own s.o",
        delivers=True,
    )
    return [*rows, sub, office]


def check(rows: Sequence[Stored], lines: Sequence[Line], *, closes: bool) -> None:
    known = {row.id: row for row in rows}
    for row in rows:
        if row.parent is None:
            assert (row.kind, row.path) == ("DIRECTORATE", f"/{row.id}/")
            continue
        parent = known[row.parent]
        assert row.path == f"{parent.path}{row.id}/"
        assert RANK[parent.kind] < RANK[row.kind]
        if row.closed_at is None:
            assert parent.closed_at is None
    wanted = {(one.pin, name_key(one.name)): one for one in lines}
    open_listed = {
        (row.pin, row.name_key): row
        for row in rows
        if row.listed and row.pin is not None and row.closed_at is None
    }
    assert wanted.keys() <= open_listed.keys()
    assert not closes or wanted.keys() == open_listed.keys()
    for key, one in wanted.items():
        row = open_listed[key]
        assert (row.kind, row.delivers) == (one.kind.name, one.delivers)
        above = [known[int(part)] for part in row.path.strip("/").split("/")]
        names = {other.kind: other.name for other in above}
        assert names["CIRCLE"] == one.circle
        assert names["DIVISION"] == one.division
        assert names.get("REGION", "") == one.region
    for pin in {row.pin for row in rows if row.pin}:
        delivering = [
            row
            for row in rows
            if row.pin == pin and row.delivers and row.closed_at is None
        ]
        serving = [row for row in rows if row.pin == pin and row.serves_pin]
        assert len(serving) == bool(delivering)
        for row in serving:
            assert row in delivering
            assert RANK[row.kind] == min(RANK[other.kind] for other in delivering)


@given(DIRECTORIES, DIRECTORIES, st.booleans(), st.booleans())
def test_the_tree_says_what_the_last_directory_says_and_the_same_again_changes_nothing(
    first: list[Line], second: list[Line], closes: bool, touched: bool
) -> None:
    rows = list(plan([], first, closes=True).after.values())
    check(rows, first, closes=True)
    if touched:
        rows = by_hand(rows)
    planned = plan(rows, second, closes=closes)
    after = list(planned.after.values())
    check(after, second, closes=closes)
    own = [row for row in after if row.name == "Own S.O"]
    assert [row.closed_at for row in own] == [None] * touched
    again = plan(after, list(reversed(second)), closes=closes)
    assert (again.added, again.changed) == ([], [])


@given(DIRECTORIES)
def test_every_new_office_comes_after_the_one_that_it_stands_under(
    lines: list[Line],
) -> None:
    seen: set[int | None] = {None}
    for row in plan([], lines, closes=True).added:
        assert row.parent in seen
        seen.add(row.id)
