"""Deposits, suspense and counters over HTTP: what is shown to whom, and done once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from dop_gateway.deposits.model import DepositState
from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.ledger import movements
from dop_gateway.licences.card import Card
from dop_gateway.web.app import PREFIX
from tests.deposit_desk import (
    DEPARTMENTAL,
    N1,
    NAME,
    P1,
    DepositDesk,
    furnish,
    number_of,
)
from tests.gateway_desk import Desk, Gateway, new_gateway

EVERYTHING = (ScopeKind.EVERYTHING, "")
REASON = {"reason": "a test"}


@dataclass
class House:
    """A gateway with deposits, and whoever asks it."""

    gateway: Gateway
    deposits: DepositDesk
    keys: int = 0

    def staff(self, role: Role, kind: ScopeKind, scope: str) -> Desk:
        """Let somebody of the Department in."""
        return self.gateway.somebody(
            role.name.lower().replace("_", "-"), Grant(role, kind, scope)
        )

    def at_counter(self, role: Role) -> Desk:
        """Let somebody of the sub-office in."""
        return self.staff(role, ScopeKind.OFFICE, str(self.deposits.sub_office))

    def once(self, desk: Desk, path: str, body: Any = None, key: str = "") -> Any:
        """Ask for something that is done once."""
        self.keys += 1
        header = {"Idempotency-Key": key or f"key-{self.keys:06d}"}
        return desk.ask("POST", path, body, **header)


@pytest.fixture
def house(store_place: str) -> Iterator[House]:
    """Give a gateway with a Department; its money must add up in the end."""
    gateway = new_gateway(store_place)
    house = House(gateway, furnish(gateway.store))
    yield house
    house.deposits.adds_up()


def test_deposits_are_shown_to_whom_they_concern_and_to_nobody_else(
    house: House,
) -> None:
    desk = house.deposits
    mine, others = desk.deliver(), desk.bring(licence=P1)
    lost = desk.bring(licence="N999999")
    supervisor = house.staff(Role.DCR_SUPERVISOR, *EVERYTHING)
    found = supervisor.get("/deposits?sort=id")
    assert found["count"] == 3
    assert [one["reference"] for one in found["results"]] == [
        mine.reference,
        others.reference,
        lost.reference,
    ]
    assert found["results"][0]["amount"] == "2000.00"
    licensee = house.gateway.somebody(
        "licensee",
        Grant(Role.LICENSEE, ScopeKind.LICENCE, N1),
        kind=PersonKind.LICENSEE,
    )
    maker = house.gateway.somebody(
        "maker", Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "P"), kind=PersonKind.MAKER
    )
    office = house.at_counter(Role.POSTMASTER)
    for who, references in (
        (licensee, [mine.reference]),
        (maker, [others.reference]),
        (office, [mine.reference, others.reference]),
    ):
        listed = who.get("/deposits?sort=id")["results"]
        assert [one["reference"] for one in listed] == references
    number = desk.deposit(others).id
    assert licensee.ask("GET", f"/deposits/{number}").status_code == 404
    shown = maker.get(f"/deposits/{number}")
    assert [one["move"] for one in shown["moves"]] == [
        "RECEIVED",
        "VERIFIED",
        "AUTHENTICATED",
    ]
    assert [one["state"] for one in shown["lines"]] == ["WAITING"]
    narrowed = supervisor.get(f"/deposits?state=SUSPENSE&maker=N&licence={N1}")
    assert narrowed["count"] == 0


def test_the_three_balances_of_a_licence_are_shown_and_not_added(house: House) -> None:
    house.deposits.deliver()
    house.deposits.bring(100_000)
    licensee = house.gateway.somebody(
        "licensee",
        Grant(Role.LICENSEE, ScopeKind.LICENCE, N1),
        kind=PersonKind.LICENSEE,
    )
    shown = licensee.get(f"/licences/{N1}/balances")
    held = {name: shown[name] for name in ("deposited", "remaining", "machine")}
    assert held == {"deposited": "1000.00", "remaining": "2000.00", "machine": "0.00"}
    assert shown["entries"][0]["kind"] == "AUTHENTICATED"
    assert licensee.ask("GET", f"/licences/{P1}/balances").status_code == 404


def test_suspense_is_listed_by_age_and_decided_by_two(house: House) -> None:
    desk = house.deposits
    payment = desk.bring(licence="N123465", licence_number=number_of(N1))
    house.gateway.clock.advance(3 * 86_400)
    operator = house.staff(Role.DCR_OPERATOR, *EVERYTHING)
    supervisor = house.staff(Role.DCR_SUPERVISOR, *EVERYTHING)
    (waiting,) = operator.get("/suspense")["results"]
    assert (waiting["age_days"], waiting["fault_code"]) == (3, "DEP-01-001")
    path = f"/deposits/{waiting['id']}/proposals"
    body = {"action": "RELEASE", "licence": N1, **REASON}
    made = house.once(operator, path, body, "propose-1")
    assert made.status_code == 201, made.text
    again = house.once(operator, path, body, "propose-1")
    assert (again.status_code, again.json()) == (201, made.json())
    proposal = made.json()["id"]
    assert operator.get("/suspense")["results"][0]["proposed"]["id"] == proposal
    queue = "/deposit-proposals?state=PROPOSED"
    (asked,) = supervisor.get(queue)["results"]
    assert (asked["id"], asked["action"]) == (proposal, "RELEASE")
    assert supervisor.get(f"{queue}&action=SETTLE")["count"] == 0
    approve = f"/deposit-proposals/{proposal}/approve"
    assert house.once(operator, approve, REASON).status_code == 403
    done = house.once(supervisor, approve, REASON)
    assert (done.status_code, done.json()["state"]) == (200, "AUTHENTICATED")
    assert house.once(supervisor, approve, REASON).status_code == 409
    assert desk.state(payment) is DepositState.AUTHENTICATED
    assert supervisor.get(queue)["count"] == 0
    decided = supervisor.ask("GET", "/deposit-proposals?format=csv").text
    assert f"{proposal}," in decided
    assert "APPROVED" in decided
    file = operator.ask("GET", "/deposits?format=csv")
    assert file.status_code == 200
    assert payment.reference in file.text


def test_what_is_proposed_can_be_rejected_and_withdrawn(house: House) -> None:
    payment = house.deposits.bring(90_000)
    number = house.deposits.deposit(payment).id
    operator = house.staff(Role.DCR_OPERATOR, *EVERYTHING)
    supervisor = house.staff(Role.DCR_SUPERVISOR, *EVERYTHING)
    path, body = f"/deposits/{number}/proposals", {"action": "RETURN", **REASON}
    first = house.once(operator, path, body).json()["id"]
    told = supervisor.ask("POST", f"/deposit-proposals/{first}/reject", REASON)
    assert told.json()["state"] == "REJECTED"
    second = house.once(operator, path, body).json()["id"]
    told = operator.ask("POST", f"/deposit-proposals/{second}/withdraw", REASON)
    assert told.json()["state"] == "WITHDRAWN"


def test_notional_credit_is_entered_by_one_and_confirmed_by_another(
    house: House,
) -> None:
    operator = house.staff(Role.DCR_OPERATOR, *EVERYTHING)
    supervisor = house.staff(Role.DCR_SUPERVISOR, *EVERYTHING)
    body = {
        "licence": DEPARTMENTAL,
        "amount": "5000.00",
        "reference": "SANCTION 7",
        **REASON,
    }
    made = house.once(operator, "/notional-credits", body)
    assert made.status_code == 201, made.text
    number = made.json()["id"]
    assert made.headers["Location"] == f"{PREFIX}/deposits/{number}"
    confirm = f"/notional-credits/{number}/confirm"
    done = house.once(supervisor, confirm, REASON)
    assert (done.status_code, done.json()["state"]) == (200, "AUTHENTICATED")
    wrong = house.once(operator, "/notional-credits", {**body, "amount": 5000})
    assert wrong.status_code in {409, 422}
    for amount in ("5000", "1e3", "-1.00", "0.00"):
        wrong = house.once(operator, "/notional-credits", {**body, "amount": amount})
        assert wrong.status_code == 422, amount


def _receipt_body(mode: str = "PO_CASH", **instrument: Any) -> dict[str, Any]:
    tender: dict[str, Any] = {"amount": "2000.00", "mode": mode}
    if instrument:
        tender["instrument"] = instrument
    return {
        "card": Card(N1, number_of(N1)).payload,
        "form": {
            "licensee": NAME,
            "address": "1 MG Road",
            "licence": N1,
            "licence_number": number_of(N1),
            "amount": "2000.00",
            "depositor": "A messenger",
            "mobile": "9000000002",
        },
        "tender": tender,
    }


def test_a_day_at_a_counter_from_the_first_card_to_its_end(house: House) -> None:
    assistant = house.at_counter(Role.COUNTER_ASSISTANT)
    treasurer = house.at_counter(Role.TREASURER)
    postmaster = house.at_counter(Role.POSTMASTER)
    counter = "/counters/F000000059"
    card = {"card": Card(N1, number_of(N1)).payload}
    scanned = assistant.ask("POST", f"{counter}/scan", card)
    assert scanned.json()["licensee"] == NAME
    cash = house.once(assistant, f"{counter}/receipts", _receipt_body())
    assert cash.status_code == 201, cash.text
    given = cash.headers["Location"].removeprefix(PREFIX)
    assert assistant.get(given)["number"] == cash.json()["number"]
    cheque = {
        "number": "000123",
        "bank": "Canara Bank",
        "dated": "2026-11-16",
        "payee": house.deposits.head_office,
    }
    body = _receipt_body("PO_CHEQUE", **cheque)
    paid = [
        house.once(assistant, f"{counter}/receipts", body).json()["number"]
        for _ in range(2)
    ]
    end = f"{counter}/days/2026-11-16/end"
    assert house.once(postmaster, end).status_code == 409
    for number in paid:
        assert house.once(treasurer, f"/receipts/{number}/take-in").status_code == 200
    told = {"on": "2026-11-16", "words": "told by the bank"}
    for number, what in zip(paid, ("realise", "bounce"), strict=True):
        done = house.once(treasurer, f"/receipts/{number}/{what}", told)
        assert done.status_code == 200, done.text
    ended = house.once(postmaster, end)
    assert (ended.status_code, ended.json()["total"]) == (200, "6000.00")
    day = postmaster.get(f"{counter}/days/2026-11-16")
    assert (day["state"], day["receipts"]) == ("CLOSED", 3)
    late = house.once(assistant, f"{counter}/receipts", _receipt_body())
    assert late.status_code == 409
    listed = postmaster.get("/receipts?sort=number&day=2026-11-16")["results"]
    assert [one["state"] for one in listed] == ["TAKEN", "REALISED", "BOUNCED"]
    printed = assistant.ask("GET", f"/receipts/{paid[0]}/pdf")
    assert printed.content.startswith(b"%PDF-")
    assert "attachment" in printed.headers["content-disposition"]
    shown = assistant.get(f"/receipts/{paid[1]}")
    assert shown["outcome"] == "told by the bank"
    cancel = house.once(postmaster, f"/receipts/{listed[0]['number']}/cancel")
    assert cancel.status_code == 409


def test_nobody_sees_or_takes_at_the_counter_of_another_office(house: House) -> None:
    outside = str(house.deposits.head_office)
    house.deposits.next_day(0)
    assistant = house.at_counter(Role.COUNTER_ASSISTANT)
    number = house.once(
        assistant, "/counters/F000000059/receipts", _receipt_body()
    ).json()["number"]
    sub = Grant(Role.TREASURER, ScopeKind.OFFICE, outside)
    head = house.gateway.somebody("head", sub)
    # The head office answers for its sub-offices.
    assert head.get("/receipts")["count"] == 1
    elsewhere = house.once(assistant, "/counters/F000000042/receipts", _receipt_body())
    assert elsewhere.status_code == 404
    nowhere = house.once(assistant, "/counters/F000000991/receipts", _receipt_body())
    assert nowhere.status_code == 404
    assert assistant.ask("GET", f"/receipts/{number[:-1]}9").status_code == 404
    assert (
        assistant.ask("GET", "/counters/F000000042/days/2026-11-16").status_code == 404
    )


def test_what_is_owed_is_listed_by_age_and_settled_by_two(house: House) -> None:
    desk = house.deposits
    payment = desk.deliver()
    desk.move(movements.downloaded(N1, 200_000, "one", "a test"))
    desk.bounce(payment)
    file_id = desk.send()
    desk.answer(file_id, desk.told[file_id])
    paid = desk.deposit(desk.bring()).id
    house.gateway.clock.advance(4 * 86_400)
    operator = house.staff(Role.DCR_OPERATOR, *EVERYTHING)
    supervisor = house.staff(Role.DCR_SUPERVISOR, *EVERYTHING)
    (owed,) = operator.get("/owed?maker=N")["results"]
    assert (owed["amount"], owed["age_days"], owed["proposed"]) == ("2000.00", 4, None)
    assert operator.get(f"/owed?licence={P1}")["count"] == 0
    circle = house.staff(
        Role.POSTAL_AUTHORITY, ScopeKind.OFFICE, str(house.deposits.circle)
    )
    assert circle.get("/owed")["count"] == 1
    body = {"action": "SETTLE", "payment": paid, "reason": "paid by UTR"}
    made = house.once(operator, f"/deposits/{owed['id']}/proposals", body)
    assert (made.status_code, made.json()["payment"]) == (201, paid)
    approve = f"/deposit-proposals/{made.json()['id']}/approve"
    assert house.once(operator, approve, REASON).status_code == 403
    done = house.once(supervisor, approve, REASON)
    assert (done.status_code, done.json()["state"]) == (200, "PAID_AGAIN")
    assert operator.get("/owed")["count"] == 0
    moves = operator.get(f"/deposits/{owed['id']}")["moves"]
    assert moves[-1]["reason"] == "a test"
