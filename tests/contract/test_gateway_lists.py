"""Lists: a filter, an order, pages, and the same rows as a file (GW-08, RMFS-37)."""

import io
import json

import openpyxl
import pytest
from sqlalchemy import select

from dop_gateway.audit.tables import audit
from dop_gateway.identity.model import PersonKind
from dop_gateway.web.app import PREFIX
from tests.gateway_desk import Desk, Gateway, new_gateway


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    return new_gateway(store_place)


@pytest.fixture
def asha(gateway: Gateway) -> Desk:
    """An administrator; eleven others are there besides, and the gateway itself."""
    desk = gateway.administrator()
    for number in range(11):
        kind = PersonKind.MAKER if number % 2 else PersonKind.STAFF
        gateway.add(f"person{number:02d}", kind)
    return desk


def _logins(page: dict[str, list[dict[str, str]]]) -> list[str]:
    return [one["login"] for one in page["results"]]


def test_a_page_has_ten_rows_and_says_where_the_next_is(asha: Desk) -> None:
    first = asha.get("/people")
    assert first["count"] == 13
    assert len(first["results"]) == 10
    assert first["previous"] is None
    assert first["next"] == f"{PREFIX}/people?page=2"
    second = asha.get(first["next"].removeprefix(PREFIX))
    assert len(second["results"]) == 3
    assert second["next"] is None
    assert second["previous"] == f"{PREFIX}/people?page=1"
    assert not set(_logins(first)) & set(_logins(second))


def test_a_list_is_narrowed_and_ordered(asha: Desk) -> None:
    found = asha.get("/people?kind=MAKER&sort=-login&page_size=2")
    assert found["count"] == 5
    assert _logins(found) == ["person09", "person07"]
    assert "kind=MAKER" in found["next"]
    assert asha.get("/people?search=SON1")["count"] == 1
    assert asha.get("/people?search=%25")["count"] == 0


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("colour=blue", 400),
        ("page=0", 422),
        ("page_size=101", 422),
        ("sort=password_hash", 422),
        ("format=doc", 422),
        ("kind=maker", 422),
    ],
)
def test_what_a_list_does_not_know_is_refused(
    asha: Desk, query: str, status: int
) -> None:
    answer = asha.ask("GET", f"/people?{query}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_page_behind_the_last_is_empty(asha: Desk) -> None:
    page = asha.get("/people?page=9")
    assert (page["count"], page["results"], page["next"]) == (13, [], None)


def test_a_file_has_all_rows_of_the_same_filter(asha: Desk) -> None:
    answer = asha.ask("GET", "/people?kind=MAKER&sort=-login&format=csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "people-2026-11-16.csv" in answer.headers["Content-Disposition"]
    lines = answer.text.splitlines()
    assert lines[1] == "Filter,kind: MAKER"
    assert [line.split(",")[0] for line in lines[6:]] == [
        f"person{number:02d}" for number in (9, 7, 5, 3, 1)
    ]
    whole = json.loads(asha.ask("GET", "/people?kind=MAKER&format=json").text)
    assert whole["count"] == 5
    sheet = asha.ask("GET", "/people?format=xlsx").content
    assert openpyxl.load_workbook(io.BytesIO(sheet)).active is not None
    assert asha.ask("GET", "/people?format=pdf").content.startswith(b"%PDF-")


def test_who_had_which_file_is_in_the_audit_trail(gateway: Gateway, asha: Desk) -> None:
    asha.get("/people?kind=MAKER")
    asha.ask("GET", "/people?kind=MAKER&format=csv")
    with gateway.store.reading() as connection:
        rows = connection.execute(select(audit).where(audit.c.move == "download")).all()
    assert len(rows) == 1
    assert (rows[0].subject_kind, rows[0].subject) == ("list", "people")
    assert json.loads(rows[0].detail) == {
        "filter": {"kind": "MAKER"},
        "format": "CSV",
        "rows": 5,
    }
