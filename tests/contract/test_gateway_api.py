"""What every answer of the gateway's API keeps to, and how often somebody may ask."""

import base64
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from dop_gateway.errors import TooManyError
from dop_gateway.web.app import PREFIX, access_table, build_app
from dop_gateway.web.documents import DOCS
from dop_gateway.web.rates import KEYS_MAX, Gate, Rates
from protocol.errors import LocalProtocolError
from protocol.values import EpochSeconds
from tests.gateway_desk import Gateway, new_gateway
from tests.gateway_world import bring_in_offices

NOW = EpochSeconds(1_790_000_000)


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    return new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")


@pytest.mark.parametrize("path", ["/me", "/openapi.json", "/nowhere"])
def test_no_answer_is_kept_framed_or_guessed_at(gateway: Gateway, path: str) -> None:
    answer = gateway.ask("GET", path, **{"X-Request-ID": "r-1"})
    headers = answer.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Strict-Transport-Security"].startswith("max-age=31536000;")
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", [f"{PREFIX}/me", DOCS])
def test_no_answer_lets_anything_be_framed_or_based_elsewhere(
    gateway: Gateway, path: str
) -> None:
    policy = gateway.client.get(path).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy


def test_an_answer_names_its_request(gateway: Gateway) -> None:
    answer = gateway.ask("GET", "/me", **{"X-Request-ID": "r-1"})
    assert answer.headers["X-Request-ID"] == "r-1"
    assert answer.json()["request_id"] == "r-1"
    drawn = gateway.ask("GET", "/me", **{"X-Request-ID": "a b"})
    assert len(drawn.headers["X-Request-ID"]) == 16


@pytest.mark.parametrize(
    ("method", "path", "status", "name"),
    [
        ("GET", "/me", 401, "not-signed-in"),
        ("GET", "/nowhere", 404, "no-such-path"),
        # It is not sent on to the path without the slash, by whatever name of a host.
        ("GET", "/me/", 404, "no-such-path"),
        ("PUT", "/me", 405, "no-such-method"),
        ("TRACE", "/me", 405, "no-such-method"),
        ("OPTIONS", "/me", 405, "no-such-method"),
        ("POST", "/sessions", 422, "invalid"),
    ],
)
def test_an_error_is_a_problem_with_a_name(
    gateway: Gateway, method: str, path: str, status: int, name: str
) -> None:
    """GW-06: RFC 9457, the same form for whatever goes wrong."""
    answer = gateway.ask(method, path, {})
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == f"urn:rmfs:problem:{name}"
    assert problem["status"] == status
    assert problem["instance"] == f"/api/v1{path}"
    assert problem["title"]
    assert problem["detail"]


def test_what_breaks_tells_nothing_of_itself(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    asha = gateway.administrator()
    app = build_app(gateway.parts)
    app.state.access.clear()
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.get(
        f"{PREFIX}/me", headers={"Authorization": f"Bearer {asha.token}"}
    )
    assert answer.status_code == 500
    assert answer.json()["detail"] == "The gateway failed; see its log"
    assert "KeyError" not in answer.text
    assert ": 500 failed [" in caplog.text


def test_the_page_lists_every_route_and_needs_nothing_from_elsewhere(
    gateway: Gateway,
) -> None:
    page = gateway.client.get(DOCS)
    assert page.status_code == 200
    for _, path in access_table():
        assert f"<code>{PREFIX}{path}</code>" in page.text
    assert "<script" not in page.text
    assert "http" not in page.text.replace("http-equiv", "")


def test_the_page_has_one_style_sheet_which_its_policy_knows(gateway: Gateway) -> None:
    page = gateway.client.get(DOCS)
    [style] = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    fingerprint = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'none'",
        f"style-src 'sha256-{fingerprint}'",
    ]


def test_a_route_that_needs_a_key_says_so(gateway: Gateway) -> None:
    document = gateway.ask("GET", "/openapi.json").json()
    named = document["paths"][f"{PREFIX}/offices"]["post"]["parameters"]
    assert [(one["name"], one["required"]) for one in named] == [
        ("Idempotency-Key", True)
    ]
    body = {"parent": "F000000018", "kind": "REGION", "name": "x", "reason": "x"}
    answer = gateway.administrator().ask("POST", "/offices", body)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]


def test_a_text_that_a_database_does_not_store_is_refused(store_place: str) -> None:
    asha = new_gateway(store_place).administrator()
    body = {"login": "a\0b", "password": "x"}
    assert asha.ask("POST", "/sessions", body).status_code == 422
    assert asha.ask("GET", "/people/a%00b").status_code == 400
    assert asha.ask("GET", "/people?search=a%00b").status_code == 400


def test_a_request_made_again_is_answered_the_same_over_http(gateway: Gateway) -> None:
    asha = gateway.administrator()
    with gateway.store.writing("test") as connection:
        bring_in_offices(connection, gateway)
    body = {"parent": "F000000018", "kind": "REGION", "name": "x", "reason": "x"}
    key = {"Idempotency-Key": '"8e03978e-40d5-43e6"'}
    first = asha.ask("POST", "/offices", body, **key)
    again = asha.ask("POST", "/offices", body, **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = asha.ask("POST", "/offices", {**body, "name": "y"}, **key)
    assert other.status_code == 422
    assert json.loads(other.text)["type"].endswith("key-used")


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        (
            "/people",
            {
                "login": "kiran",
                "name": "Kiran",
                "kind": "STAFF",
                "email": "kiran@example.invalid",
            },
            "/people/kiran",
        ),
        ("/makers", {"letter": "Q", "name": "A maker"}, "/makers/Q"),
        (
            "/exchange/parties",
            {"code": "ZZ", "kind": "BANK", "name": "A bank"},
            "/exchange/parties/ZZ",
        ),
    ],
)
def test_what_was_made_is_shown_where_its_location_says(
    gateway: Gateway, path: str, body: dict[str, str], place: str
) -> None:
    asha = gateway.administrator()
    made = asha.ask("POST", path, {**body, "reason": "a test"})
    assert (made.status_code, made.headers.get("Location")) == (201, PREFIX + place)
    asha.get(place)


def test_an_office_that_was_opened_is_shown_where_its_location_says(
    gateway: Gateway,
) -> None:
    asha = gateway.administrator()
    with gateway.store.writing("test") as connection:
        bring_in_offices(connection, gateway)
    body = {"parent": "F000000018", "kind": "REGION", "name": "x", "reason": "x"}
    for _ in range(2):
        made = asha.ask("POST", "/offices", body, **{"Idempotency-Key": "a-key-0001"})
        place = made.headers["Location"].removeprefix(PREFIX)
        assert asha.get(place)["facility"] == made.json()["facility"]


def test_sign_ins_of_an_address_are_counted_and_so_are_requests_of_a_person(
    tmp_path: Path,
) -> None:
    rates = Rates(sign_ins_per_minute=5, requests_per_minute=8)
    gateway = new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}", rates)
    asha = gateway.administrator()
    gateway.clock.advance(60)
    answers = [asha.ask("GET", "/me") for _ in range(9)]
    assert [one.status_code for one in answers] == [200] * 8 + [429]
    assert answers[-1].headers["Retry-After"] == "8"
    tried = [gateway.try_sign_in(f"nobody{n}", "wrong") for n in range(6)]
    assert [one.status_code for one in tried] == [401] * 5 + [429]
    gateway.clock.advance(12)
    assert gateway.try_sign_in("nobody", "wrong").status_code == 401
    assert asha.ask("GET", "/me").status_code == 200


def test_a_gate_lets_through_as_often_as_it_says_and_remembers_so_many() -> None:
    gate = Gate(2, "tries")
    for key in range(KEYS_MAX + 1):
        gate.pass_through(str(key), NOW)
        gate.pass_through(str(key), NOW)
    with pytest.raises(TooManyError, match="more than 2 tries") as caught:
        gate.pass_through(str(KEYS_MAX), NOW)
    assert caught.value.retry_after_s == 30
    gate.pass_through("0", NOW)
    gate.pass_through(str(KEYS_MAX), EpochSeconds(NOW + 30))
    gate.pass_through(str(KEYS_MAX), EpochSeconds(NOW - 7_200))
    with pytest.raises(LocalProtocolError):
        Gate(0, "tries")
