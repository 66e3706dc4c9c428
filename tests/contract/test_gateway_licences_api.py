"""Licences over HTTP: from the maker's application to the certificate."""

from dataclasses import dataclass
from typing import Any

import pytest

from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.licences.card import read_card
from dop_gateway.offices import service as office_service
from dop_gateway.offices import store as offices
from dop_gateway.offices.codes import shipped_codes
from dop_gateway.offices.reading import read_directory
from dop_gateway.web.app import PREFIX
from protocol.keys import write_public_key
from tests.gateway import ASHA
from tests.gateway_desk import Desk, Gateway, new_gateway
from tests.licence_desk import MAKER_KEY, MODEL, SAMPLE, file_of, machine_of

REASON = {"reason": "a test"}
HOLDER = {
    "name": "Bharat Stationers",
    "name_hi": "भारत स्टेशनर्स",
    "body": "PRIVATE",
    "address": ["12, M.G. Road", "Bengaluru"],
    "pin": "560001",
    "contact": "Ravi Kumar",
    "telephone": "9000000002",
    "email": "office@example.org",
}


@dataclass
class Offices:
    """People of a Division and of a maker, signed in."""

    gateway: Gateway
    facility: str
    administrator: Desk
    operator: Desk
    authority: Desk
    verifier: Desk
    officer: Desk
    counter: Desk
    stranger: Desk

    def form(self, identifier: str = "N123456", number: int = 1) -> dict[str, Any]:
        """Fill in an application as the maker does."""
        return {
            "kind": "ISSUE",
            "scenario": "OPEN",
            "identifier": identifier,
            "holder": HOLDER,
            "licence_kind": "INDIVIDUAL",
            "office": self.facility,
            "receipt": {
                "number": f"FM{number:019d}",
                "amount": "375.00",
                "paid_on": "2026-11-16",
            },
            "provisioning": file_of(machine_of(identifier)).decode(),
            **REASON,
        }

    def bring(self, form: dict[str, Any], key: str = "a-key-0001") -> Any:
        """Bring an application."""
        return self.officer.ask(
            "POST", "/licence-applications", form, **{"Idempotency-Key": key}
        )

    def issue(self, identifier: str = "N123456", number: int = 1) -> dict[str, Any]:
        """Have a licence issued, by everybody that it takes."""
        brought = self.bring(self.form(identifier, number), f"bring-{identifier}")
        assert brought.status_code == 201, brought.text
        path = f"/licence-applications/{brought.json()['id']}"
        assert brought.headers["Location"] == PREFIX + path
        shown = self.operator.get(path)
        checks = [
            {
                "item": line["item"],
                "result": "NOT_APPLICABLE" if line["may_be_left_out"] else "SATISFIED",
            }
            for line in shown["checks"]
        ]
        for desk, act, body in (
            (self.operator, "check", {"checks": checks}),
            (self.operator, "send-out", {}),
            (self.verifier, "confirm", {}),
        ):
            done = desk.ask("POST", f"{path}/{act}", {**body, **REASON})
            assert done.status_code == 200, done.text
        approved = self.authority.ask(
            "POST",
            f"{path}/approve",
            REASON,
            **{"Idempotency-Key": f"approve-{identifier}"},
        )
        assert approved.status_code == 200, approved.text
        answer: dict[str, Any] = approved.json()
        return answer


@pytest.fixture
def places(store_place: str) -> Offices:
    gateway = new_gateway(store_place)
    administrator = gateway.administrator()
    with gateway.store.writing("test") as connection:
        office_service.bring_in(
            connection, read_directory(SAMPLE), shipped_codes(), ASHA
        )
        division = offices.by_code(connection, "KN06")
        elsewhere = offices.by_code(connection, "KN14")
        (designated, *_) = offices.by_pin(connection, "560001")
    assert division is not None
    assert elsewhere is not None

    def staff(login: str, role: Role, office: int = division.office_id) -> Desk:
        return gateway.somebody(login, Grant(role, ScopeKind.OFFICE, str(office)))

    for path, body in (
        ("/makers/N/models", {"name": MODEL, "approved_on": "2020-01-01"}),
        (
            "/makers/N/keys",
            {
                "name": "Maker-N",
                "realm": "TEST",
                "public_key": write_public_key(MAKER_KEY.signing.public.point),
            },
        ),
    ):
        made = administrator.ask("POST", path, {**body, **REASON})
        assert made.status_code == 201, made.text
    return Offices(
        gateway,
        designated.facility,
        administrator,
        staff("operator", Role.LICENSING_OPERATOR),
        staff("authority", Role.LICENSING_AUTHORITY),
        staff("verifier", Role.VERIFIER),
        gateway.somebody(
            "officer",
            Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "N"),
            kind=PersonKind.MAKER,
        ),
        staff("counter", Role.COUNTER_ASSISTANT),
        staff("stranger", Role.LICENSING_AUTHORITY, elsewhere.office_id),
    )


def test_a_licence_goes_from_the_maker_to_the_certificate(places: Offices) -> None:
    approved = places.issue()
    assert (approved["licence"], approved["number"]) == ("N123456", "KN0600001")
    shown = places.authority.get("/licences/N123456")
    assert (shown["state"], shown["machine_state"]) == ("REGISTERED", "UNINSTALLED")
    assert (shown["issued_on"], shown["expires_on"]) == ("2026-11-16", "2031-11-15")
    assert shown["credential"]["psd_serial"] == "PSD23456"
    assert shown["moves"] == ["BLOCK", "WITHHOLD"]
    card = places.counter.get("/licences/N123456/card")
    assert read_card(card["payload"]).number == "KN0600001"
    answer = places.officer.ask("GET", "/licences/N123456/certificate")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    past = places.officer.get("/licences/N123456/history")
    assert [one["move"] for one in past["moves"]] == ["ISSUE", "REGISTER"]
    assert [one["layout"] for one in past["told"]] == ["license-issue"]
    # The licensee is told by mail and SMS.
    messages = places.administrator.get("/messages")["results"]
    assert {one["template"] for one in messages} == {"licence-issued"}


def test_the_same_request_again_brings_one_application(places: Offices) -> None:
    first, second = (places.bring(places.form()) for _ in range(2))
    assert first.json() == second.json()
    assert places.officer.get("/licence-applications")["count"] == 1
    without = places.officer.ask("POST", "/licence-applications", places.form())
    assert without.status_code == 400


def test_everything_that_is_wrong_is_told_by_field(places: Offices) -> None:
    form = places.form()
    form["holder"] = {**HOLDER, "pin": "563101", "telephone": "1"}
    form["receipt"] = {**form["receipt"], "amount": "475.00"}
    refused = places.bring(form)
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == [
        "/holder/telephone",
        "/holder/pin",
        "/receipt/amount",
    ]
    form["office"] = "F000000000"
    assert places.bring(form, "a-key-0002").json()["errors"][0]["pointer"] == "/office"


def test_what_a_role_does_not_reach_is_not_there(places: Offices) -> None:
    """GW-01: a role is for an office and all below it."""
    places.issue()
    for path in ("", "/history", "/certificate", "/card"):
        answer = places.stranger.ask("GET", f"/licences/N123456{path}")
        assert answer.status_code == 404
    answer = places.stranger.ask("POST", "/licences/N123456/block", REASON)
    assert answer.status_code == 404
    assert places.stranger.ask("GET", "/licence-applications/1").status_code == 404
    assert places.stranger.get("/licences")["count"] == 0
    assert places.stranger.get("/licence-applications")["count"] == 0


def test_an_illegal_move_is_a_conflict(places: Offices) -> None:
    places.issue()
    answer = places.authority.ask("POST", "/licences/N123456/release", REASON)
    assert answer.status_code == 409
    assert "possible are RENEW, BLOCK" in answer.json()["detail"]
    held = places.authority.ask("POST", "/licences/N123456/withhold", REASON)
    assert held.json()["state"] == "WITHHELD"
    # Who held it sees only what they can do with it.
    assert held.json()["moves"] == ["RELEASE"]
    same = places.authority.ask(
        "POST",
        "/licences/N123456/revoke",
        {"why": "MISUSE", "refund_allowed": False, **REASON},
        **{"Idempotency-Key": "a-key-0009"},
    )
    assert same.status_code == 403
    assert same.json()["type"].endswith("same-person")


def test_a_list_is_narrowed_ordered_and_had_as_a_file(places: Offices) -> None:
    for number in range(1, 4):
        places.issue(f"N00000{number}", number)
    places.authority.ask("POST", "/licences/N000002/block", REASON)
    page = places.counter.get("/licences?state=REGISTERED&sort=-number")
    assert [one["number"] for one in page["results"]] == ["KN0600003", "KN0600001"]
    found = places.counter.get(f"/licences?search=bharat&under={places.facility}")
    assert found["count"] == 3
    assert places.counter.get("/licences?search=KN0600002")["count"] == 1
    assert places.counter.get("/licences?ends_before=2031-11-15")["count"] == 0
    answer = places.counter.ask("GET", "/licences?format=csv&maker=N")
    assert "KN0600003" in answer.text
    assert places.counter.ask("GET", "/licences?colour=red").status_code == 400
    waiting = places.operator.get("/licence-applications?waiting=true")
    assert waiting["count"] == 0
    done = places.operator.get("/licence-applications?state=APPROVED&sort=-id")
    assert [one["id"] for one in done["results"]] == [3, 2, 1]


def test_who_has_no_business_with_contacts_is_shown_a_part(places: Offices) -> None:
    """GW-09: personal data is masked by role."""
    places.issue()
    whole = places.authority.get("/licences/N123456")["holder"]
    assert whole["telephone"] == "9000000002"
    masked = places.counter.get("/licences/N123456")["holder"]
    assert (masked["telephone"], masked["email"]) == (
        "******0002",
        "o*****@example.org",
    )


def test_makers_are_kept_by_administrators(places: Offices) -> None:
    ask = places.administrator.ask
    made = ask("POST", "/makers", {"letter": "Q", "name": "A maker", **REASON})
    assert made.status_code == 201
    # The dated parameter says from when it gets licences.
    assert made.json()["open"] is False
    again = ask("POST", "/makers", {"letter": "Q", "name": "Another", **REASON})
    assert again.status_code == 409
    renamed = ask("POST", "/makers/Q/rename", {"letter": "Q", "name": "B", **REASON})
    assert renamed.json()["name"] == "B"
    wrong = ask("POST", "/makers/Q/rename", {"letter": "N", "name": "B", **REASON})
    assert wrong.status_code == 422
    ended = ask(
        "POST",
        f"/makers/N/models/{MODEL}/withdraw",
        {"withdrawn_on": "2026-11-16", **REASON},
    )
    assert ended.json()["models"][0]["withdrawn_on"] == "2026-11-16"
    by_letter = {one["letter"]: one["open"] for one in places.officer.get("/makers")}
    assert by_letter == {"F": False, "N": True, "P": True, "Q": False}
    refused = places.bring(places.form())
    assert "no approved model" in refused.json()["detail"]
    key = {"name": "x", "realm": "TEST", "public_key": "no key", **REASON}
    assert ask("POST", "/makers/N/keys", key).status_code == 422
    assert ask("GET", "/makers/Z").status_code == 404
