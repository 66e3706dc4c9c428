"""Parties, files and windows over HTTP, each within somebody's reach."""

from http import HTTPStatus

import pytest

from dop_gateway.audit.tables import audit
from dop_gateway.exchange import jobs
from dop_gateway.exchange.drop import Drop
from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from protocol.keys import SigningKey, write_public_key
from tests.gateway_desk import Desk, Gateway, new_gateway
from tests.gateway_exchange import (
    SOURCES,
    SSH_KEY,
    Maker,
    add_tables,
    at,
    balance,
    drop_of,
    register,
)

REASON = {"reason": "a test"}


@pytest.fixture
def gateway(store_place: str) -> Gateway:
    made = new_gateway(store_place)
    add_tables(made)
    return made


def somebody(gateway: Gateway, role: Role, maker: str = "") -> Desk:
    kind = ScopeKind.MAKER if maker else ScopeKind.EVERYTHING
    side = PersonKind.MAKER if maker else PersonKind.STAFF
    login = f"{role.name.lower().replace('_', '-')}{maker.lower()}"
    return gateway.somebody(login, Grant(role, kind, maker), kind=side)


def a_window(gateway: Gateway, drop: Drop, maker: Maker) -> None:
    moment = at(gateway, 16, 9, 30)
    jobs.make(gateway.parts, moment, SOURCES)
    drop.take(*maker.file("remaining-fund", [balance("1"), balance("99")]))
    moment = at(gateway, 16, 10)
    jobs.check(gateway.parts, moment, SOURCES)


def test_a_party_is_added_with_its_key_and_account_and_exchanges_files(
    gateway: Gateway,
) -> None:
    desk = somebody(gateway, Role.ADMINISTRATOR)
    maker = Maker()
    steps = [
        ("", {"code": "N", "kind": "MAKER", "name": "Northern"}),
        (
            "/N/keys",
            {
                "key_id": maker.key_id,
                "public_key": write_public_key(maker.key.public.point),
                "valid_from": "2026-01-01",
            },
        ),
        ("/N/account", {"login": "maker-n", "ssh_key": SSH_KEY}),
    ]
    for path, body in steps:
        answer = desk.ask("POST", f"/exchange/parties{path}", {**body, **REASON})
        assert answer.status_code < HTTPStatus.BAD_REQUEST, answer.text
    shown = desk.get("/exchange/parties/N")
    assert (shown["login"], shown["state"]) == ("maker-n", "OPEN")
    assert [key["key_id"] for key in shown["keys"]] == [maker.key_id]
    assert drop_of(gateway, maker).take(*maker.file("usage")).row.code == ""
    ended = {"valid_to": "2026-11-15", **REASON}
    path = f"/exchange/parties/N/keys/{maker.key_id}/end"
    assert desk.ask("POST", path, ended).json()["keys"][0]["valid_to"] == "2026-11-15"
    closed = {"state": "CLOSED", **REASON}
    answer = desk.ask("POST", "/exchange/parties/N/state", closed)
    assert answer.json()["state"] == "CLOSED"
    again = desk.ask("POST", "/exchange/parties/N/state", closed)
    assert again.status_code == HTTPStatus.CONFLICT


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("", {"code": "NN", "kind": "MAKER", "name": "x"}, "/code"),
        ("", {"code": "DCR", "kind": "BANK", "name": "x"}, "/code"),
        ("", {"code": "Q", "kind": "MAKER", "name": " "}, "/name"),
        ("/N/account", {"login": "Root", "ssh_key": SSH_KEY}, "/login"),
        ("/N/account", {"login": "n", "ssh_key": "x\nssh-ed25519"}, "/ssh_key"),
        (
            "/N/keys",
            {"key_id": "a|b", "public_key": "x", "valid_from": "2026-01-01"},
            "/public_key",
        ),
    ],
)
def test_what_is_wrong_with_a_party_is_named(
    gateway: Gateway, path: str, body: dict[str, str], pointer: str
) -> None:
    register(gateway, Maker())
    desk = somebody(gateway, Role.ADMINISTRATOR)
    answer = desk.ask("POST", f"/exchange/parties{path}", {**body, **REASON})
    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, answer.text
    assert pointer in answer.text


def test_files_are_listed_narrowed_and_had_as_they_went_or_came(
    gateway: Gateway,
) -> None:
    maker = Maker()
    drop = register(gateway, maker)
    a_window(gateway, drop, maker)
    desk = somebody(gateway, Role.DCR_OPERATOR)
    assert desk.get("/exchange/files")["count"] == 6
    came = desk.get("/exchange/files?direction=IN&party=N")["results"]
    (file,) = came
    assert (file["state"], file["refused"], file["window"]) == ("APPLIED_IN_PART", 1, 1)
    whole = desk.get(f"/exchange/files/{file['number']}")
    assert whole["refused_lines"][0]["line_id"] == "99"
    fund = desk.get("/exchange/files?layout=fund")["results"][0]
    answer = desk.ask("GET", f"/exchange/files/{fund['number']}/octets")
    assert answer.content == drop.open(fund["name"])[1]
    assert answer.headers["content-disposition"].startswith("attachment")
    with gateway.store.reading() as connection:
        downloads = connection.execute(
            audit.select().where(audit.c.move == "download")
        ).all()
    assert [row.subject for row in downloads] == [str(fund["number"])]
    as_file = desk.ask("GET", "/exchange/files?format=csv&state=OFFERED")
    assert as_file.text.count("license-") == 2 * len(("layout", "name"))
    assert desk.ask("GET", "/exchange/files?colour=red").status_code == 400


def test_windows_tell_what_was_met_and_what_was_missed(gateway: Gateway) -> None:
    maker = Maker()
    a_window(gateway, register(gateway, maker), maker)
    desk = somebody(gateway, Role.AUDITOR)
    rows = desk.get("/exchange/windows?first_day=2026-11-16&last_day=2026-11-16")
    met = {row["layout"]: row["met"] for row in rows["results"]}
    assert met == {
        "credit-download": False,
        "usage": False,
        "remaining-fund": True,
        "acknowledgement": False,
    }
    assert desk.get("/exchange/windows?first_day=2026-11-17")["count"] == 0


def test_a_maker_sees_its_own_files_and_no_others(gateway: Gateway) -> None:
    ours, theirs = Maker(), Maker("P", SigningKey((12).to_bytes(32, "big")), "oem-p-1")
    a_window(gateway, register(gateway, ours), ours)
    register(gateway, theirs, "maker-p")
    desk = somebody(gateway, Role.MAKER_OFFICER, "P")
    assert desk.get("/exchange/files")["count"] == 0
    assert [one["code"] for one in desk.get("/exchange/parties")["results"]] == ["P"]
    assert desk.get("/exchange/windows")["count"] == 0
    for path in ("files/1", "files/1/octets", "parties/N"):
        answer = desk.ask("GET", f"/exchange/{path}")
        assert answer.status_code == HTTPStatus.NOT_FOUND


def test_a_supervisor_gives_up_files_that_never_come(gateway: Gateway) -> None:
    maker = Maker()
    drop = register(gateway, maker)
    maker.file("usage")
    drop.take(*maker.file("usage"))
    desk = somebody(gateway, Role.DCR_SUPERVISOR)
    body = {"layout": "usage", "through": 1, **REASON}
    answer = desk.ask("POST", "/exchange/parties/N/skip", body)
    assert answer.json() == {"released": 1}
    again = desk.ask("POST", "/exchange/parties/N/skip", body)
    assert again.status_code == HTTPStatus.CONFLICT
