"""Banks, their files, accounts and schedules over HTTP."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import select

from dop_gateway.audit.tables import audit
from dop_gateway.bank import taking
from dop_gateway.bank.e_payment_file import CounterReceipt
from dop_gateway.bank.model import BankCode, BankKind
from dop_gateway.bank.taking import Delivered
from dop_gateway.bank.work import Rules, Work
from dop_gateway.identity.model import GATEWAY, By, Grant, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.offices.model import OfficeKind
from dop_gateway.simulators.bank import Fault
from dop_gateway.simulators.bank_e_payment import CentralBooks, make_central_day
from hw.clock import epoch_seconds
from protocol.keys import write_public_key
from protocol.parameters import INDIA
from protocol.values import Paise
from tests.bank_desk import BHARAT, KAVERI, MONDAY, SBI, SEAL, BankDesk, Noted
from tests.gateway_desk import Desk, Gateway, new_gateway
from tests.gateway_samples.bank import SAMPLES
from tests.gateway_world import bring_in_offices

_BODY = SAMPLES["PUT /banks/{code}"].body


@dataclass
class Office:
    """A gateway with a head office, and people of it."""

    gateway: Gateway
    facility: str
    place: tuple[str, str]
    administrator: Desk
    operator: Desk
    postmaster: Desk
    accountant: Desk
    stranger: Desk

    def put(self, code: str = "SBI", **changes: Any) -> Any:
        body = {**_BODY, "key": write_public_key(SBI.key), "key_id": SBI.key_id}
        body |= changes
        return self.ask(self.administrator, "PUT", f"/banks/{code}", body)

    def ask(self, desk: Desk, method: str, path: str, body: Any = None) -> Any:
        key = self.gateway.parts.entropy.octets(8).hex()
        return desk.ask(method, path, body, **{"Idempotency-Key": key})

    def take(self, name: str, octets: bytes, bank: Any = SBI) -> None:
        by = By(GATEWAY, self.gateway.clock.now(), "a-test", "a test")
        rules = Rules(SEAL.layouts, SEAL.realm, Noted())
        with self.gateway.store.writing("test") as connection:
            work = Work(connection, bank, by, rules)
            taking.take(work, Delivered(name, octets, by.now))


@pytest.fixture
def office(store_place: str) -> Office:
    gateway = new_gateway(store_place)
    gateway.clock.set(datetime.combine(MONDAY, time(22), INDIA))
    with gateway.store.writing("test") as connection:
        bring_in_offices(connection, gateway)
        division = offices.by_code(connection, "KN06")
        other = offices.by_code(connection, "TN")
        assert division is not None
        assert other is not None
        kinds = [OfficeKind.HO]
        head = offices.subtree_of(connection, division.office_id, kinds)[0]

    def somebody(login: str, role: Role, scope: int | None = None) -> Desk:
        kind = ScopeKind.EVERYTHING if scope is None else ScopeKind.OFFICE
        return gateway.somebody(
            login, Grant(role, kind, "" if scope is None else str(scope))
        )

    return Office(
        gateway,
        head.facility,
        (head.name, head.pin or ""),
        gateway.administrator(),
        somebody("omar", Role.DCR_OPERATOR),
        somebody("prakash", Role.POSTMASTER, head.office_id),
        somebody("anita", Role.ACCOUNTS_OFFICER, division.office_id),
        somebody("tilak", Role.AUDITOR, other.office_id),
    )


def test_a_bank_is_registered_shown_and_told_to_the_audit(office: Office) -> None:
    answer = office.put()
    assert answer.status_code == 200, answer.text
    assert answer.json()["account"] == "30012345678"
    assert office.put(in_use=False).json()["in_use"] is False
    (shown,) = office.operator.get("/banks")
    assert office.operator.get("/banks/SBI") == shown
    with office.gateway.store.reading() as connection:
        moves = connection.execute(
            select(audit.c.move).where(audit.c.subject_kind == "bank")
        )
        assert list(moves.scalars()) == ["register", "change"]


def test_a_bank_that_cannot_be_is_refused_with_every_reason(office: Office) -> None:
    refused = office.put(account="", host="a host", host_key="none", key_id="a b")
    assert refused.status_code == 422
    pointers = {one["pointer"] for one in refused.json()["errors"]}
    assert pointers == {"/account", "/host", "/host_key", "/key_id"}
    assert office.put(key="none").json()["errors"][0]["pointer"] == "/key"
    wrong = office.put("EPCS", kind="E_PAYMENT").json()["errors"]
    assert [one["pointer"] for one in wrong] == ["/account"]


def test_a_bank_keeps_its_account(office: Office) -> None:
    office.put()
    refused = office.put(account="30099999999")
    assert refused.status_code == 409
    assert "under a code of its own" in refused.json()["detail"]


def test_files_and_items_are_listed_shown_and_downloaded_by_dcr(
    office: Office,
) -> None:
    """RMFS-40: unmatched lines."""
    office.put()
    bank = BankDesk(office.gateway.store, Noted())
    made = bank.day(MONDAY, BHARAT, KAVERI, faults=[Fault.NOT_IN_ACCOUNT])
    for file in made.files:
        office.take(file.name, file.octets)
    files = office.operator.get("/bank-files?layout=funds-received&day=2026-11-16")
    assert files["count"] == 1
    (file,) = files["results"]
    assert (file["state"], file["lines"], file["total"]) == ("TAKEN", 2, "5500.00")
    number = file["number"]
    assert office.operator.get(f"/bank-files/{number}") == file
    octets = office.operator.ask("GET", f"/bank-files/{number}/octets")
    assert octets.content == made.files[0].octets
    alone = office.operator.get("/bank-items?state=NOT_IN_ACCOUNT&bank=SBI")
    (item,) = alone["results"]
    assert (item["licence"], item["told"], item["entered"]) == (
        *("N123456", "2000.00", None),
    )
    query = "entered_from=2026-11-16&entered_to=2026-11-16&side=CREDIT"
    book = office.operator.ask("GET", f"/bank-items?{query}&format=csv")
    assert "3500.00" in book.content.decode("utf-8-sig")
    assert office.stranger.get("/bank-items")["count"] == 0
    assert office.stranger.ask("GET", f"/bank-files/{number}").status_code == 404


def test_an_account_of_an_office_is_shown_and_had_as_a_file(office: Office) -> None:
    """RMFS-22, RMFS-23: accounts, and the schedule from its making to its end."""
    office.put("EPCS", kind="E_PAYMENT", account="")
    central = replace(SBI, code=BankCode("EPCS"), kind=BankKind.E_PAYMENT, account="")
    name, pin = office.place
    at = epoch_seconds(datetime.combine(MONDAY, time(11), INDIA))
    receipt = CounterReceipt(
        *("R1", name, pin, at, "N123456", "KN0600065", "Bharat Stationers"),
        amount_paise=Paise(200_000),
        mode="PO_CASH",
    )
    file, _ = make_central_day(CentralBooks("EPCS"), MONDAY, [receipt], SEAL)
    office.take(file.name, file.octets, central)
    query = f"office={office.facility}&first=2026-11-01&last=2026-11-30"
    book = office.postmaster.get(f"/accounts/ho-cash-book?{query}")
    assert [one["amount"] for one in book["results"]] == ["2000.00"]
    pdf = office.postmaster.ask("GET", f"/accounts/daily-list?{query}&format=pdf")
    assert pdf.content.startswith(b"%PDF")
    far = f"office={office.facility}&first=2026-11-01&last=2028-11-30"
    assert office.postmaster.ask("GET", f"/accounts/so-account?{far}").status_code == (
        422
    )
    assert (
        office.stranger.ask("GET", f"/accounts/ho-summary?{query}").status_code == 404
    )
    _schedule(office)


def _schedule(office: Office) -> None:
    booked = [{"day": "2026-11-16", "amount": "2100.00"}]
    body = {"office": office.facility, "month": "2026-11", "reason": "a test"}
    made = office.ask(
        office.postmaster, "POST", "/monthly-schedules", {**body, "booked": booked}
    ).json()
    assert [one["words"] for one in made["differences"]] == [
        "2026-11-16: schedule 2000.00, cash book 2100.00, daily lists 2000.00"
    ]
    path, reason = f"/monthly-schedules/{made['number']}", {"reason": "a test"}
    office.gateway.clock.set(datetime.combine(date(2026, 12, 1), time(9), INDIA))
    for login in ("prakash", "anita"):
        desk = {"prakash": office.postmaster, "anita": office.accountant}[login]
        again = office.gateway.sign_in(
            login, "seven brown foxes jump", office.gateway.code(desk.secret)
        )
        desk.token = again.token
    refused = office.ask(office.postmaster, "POST", f"{path}/send", reason)
    assert refused.status_code == 409
    assert "2026-11-16" in refused.json()["detail"]
    right = office.ask(office.postmaster, "POST", "/monthly-schedules", body).json()
    assert (right["number"], right["differences"]) == (made["number"], [])
    sent = office.ask(office.postmaster, "POST", f"{path}/send", reason).json()
    assert (sent["state"], sent["total"]) == ("SENT", "2000.00")
    back = office.ask(office.accountant, "POST", f"{path}/send-back", reason).json()
    assert back["state"] == "MADE"
    office.ask(office.postmaster, "POST", f"{path}/send", reason)
    done = office.ask(office.accountant, "POST", f"{path}/accept", reason).json()
    assert done["state"] == "ACCEPTED"
    listed = office.accountant.get("/monthly-schedules?state=ACCEPTED")
    assert [one["number"] for one in listed["results"]] == [made["number"]]
    assert office.accountant.get(path)["days"][0]["listed"] == "2000.00"


def test_a_head_of_account_gets_its_code(office: Office) -> None:
    body = {"name": "Revenue Realised", "code": "120100101230100", "reason": "a test"}
    path = "/heads-of-account/RMFS_E_PAYMENT"
    done = office.ask(office.administrator, "PUT", path, body)
    assert done.json()["code"] == "120100101230100"
    heads = office.postmaster.get("/heads-of-account")
    assert heads[0] == done.json()
    unknown = office.ask(office.administrator, "PUT", "/heads-of-account/NONE", body)
    assert unknown.status_code == 404
