"""A post office over HTTP: mail handed in, franks scanned, rebates and refunds paid."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.offices import store as offices
from dop_gateway.parts import make_parts
from dop_gateway.posting.model import NewMailing
from dop_gateway.web.app import build_app
from hw.entropy import SeededEntropy
from protocol.exchange import show_amount
from tests.gateway_desk import CHEAP, KEY, OFTEN, OURS, Desk, Gateway
from tests.posting_desk import PostingDesk, posting_desk
from tests.witness.small_server import LICENCE


@dataclass
class Counter:
    """A post office with a gateway, and people who are signed in."""

    desk: PostingDesk
    gateway: Gateway
    facility: str
    clerk: Desk
    postmaster: Desk

    def post(self, who: Desk, path: str, body: Any, status: int = 201) -> Any:
        """Ask for something that is done once."""
        key = f"request-{next(KEYS):04d}"
        answer = who.ask("POST", path, body, **{"Idempotency-Key": key})
        assert answer.status_code == status, answer.text
        return answer.json()

    def body(self, new: NewMailing, **changes: Any) -> dict[str, Any]:
        """Write a statement of mailing as a request."""
        return {
            "facility": self.facility,
            "number": new.number,
            "mail_dated": new.mail_dated.isoformat(),
            "opening_ascending": show_amount(new.opening_ascending_paise),
            "opening_descending": show_amount(new.opening_descending_paise),
            "closing_ascending": show_amount(new.closing_ascending_paise),
            "closing_descending": show_amount(new.closing_descending_paise),
            "lines": [
                {
                    "product_class": line.product_class,
                    "items": line.items,
                    "amount": show_amount(line.amount_paise),
                }
                for line in new.lines
            ],
            **changes,
        }

    def hand_in(self, **changes: Any) -> Any:
        """Have the machine print its statement, and hand it in."""
        new = self.desk.typed(self.desk.mailing())
        return self.post(self.clerk, "/mailings", self.body(new, **changes))


KEYS = count(1)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with posting_desk(f"sqlite:///{tmp_path / 'gateway.sqlite'}") as desk:
        clock = desk.bench.clock
        parts = make_parts(
            desk.store,
            clock,
            SeededEntropy(b"gateway"),
            key=KEY,
            cost=CHEAP,
            scope_exists=lambda _connection, _kind, _scope: True,
            exchange=OURS,
            rates=OFTEN,
        )
        gateway = Gateway(parts, clock, TestClient(build_app(parts)))
        with desk.store.reading() as connection:
            facility = offices.get(connection, desk.office).facility
        here = str(desk.office)
        clerk = gateway.somebody(
            "clerk", Grant(Role.COUNTER_ASSISTANT, ScopeKind.OFFICE, here)
        )
        postmaster = gateway.somebody(
            "postmaster", Grant(Role.POSTMASTER, ScopeKind.OFFICE, here)
        )
        yield Counter(desk, gateway, facility, clerk, postmaster)


def test_a_statement_is_handed_in_and_seen(counter: Counter) -> None:
    counter.desk.frank(3)
    made = counter.hand_in()
    assert (made["amount"], made["closing_descending"]) == ("15.00", "1985.00")
    shown = counter.clerk.get(f"/mailings/{made['number']}")
    assert shown["lines"][0]["items"] == 3
    page = counter.clerk.get("/mailings?state=CAPTURED&sort=-amount")
    assert [one["number"] for one in page["results"]] == [made["number"]]
    assert page["results"][0]["amount"] == "15.00"


def test_a_slip_is_answered_with_its_field(counter: Counter) -> None:
    counter.desk.frank(1)
    new = counter.desk.typed(counter.desk.mailing())
    body = counter.body(new, copies=1, shortage_due="5.00")
    told = counter.post(counter.clerk, "/mailings", body, 422)
    found = {(one["pointer"], one["code"]) for one in told["errors"]}
    assert {("/copies", "wrong_count"), ("/shortage_collected", "shortage")} <= found


def test_a_rebate_is_claimed_sanctioned_paid_and_has_its_receipt(
    counter: Counter,
) -> None:
    desk = counter.desk
    desk.recharge(600_000)
    desk.franked_worth(500_000)
    number = counter.hand_in()["number"]
    claim = counter.post(
        counter.clerk, f"/licences/{LICENCE}/rebates", {"to_number": number}
    )
    assert (claim["payable"], claim["state"]) == ("150.00", "PROPOSED")
    path = f"/claims/{claim['number']}"
    receipt = counter.clerk.ask("GET", f"{path}/receipt")
    assert receipt.status_code == 409
    reason = {"reason": "statements and book agree"}
    counter.post(counter.clerk, f"{path}/sanction", reason, 403)
    counter.post(counter.postmaster, f"{path}/sanction", reason, 200)
    paid = counter.post(counter.clerk, f"{path}/pay", {"paid_by": "CASH"}, 200)
    assert paid["state"] == "PAID"
    receipt = counter.clerk.ask("GET", f"{path}/receipt")
    assert receipt.headers["content-type"] == "application/pdf"
    assert receipt.content.startswith(b"%PDF")
    schedule = counter.postmaster.ask("GET", "/refund-schedule?format=csv")
    assert "Postal Revenue Refund in Cash" in schedule.text
    assert claim["number"] in schedule.text
    assert "150.00" in schedule.text


def test_the_same_request_claims_once(counter: Counter) -> None:
    """GW-05."""
    (octets,) = counter.desk.frank()
    path = f"/licences/{LICENCE}/spoiled-impressions"
    body = {"scans": [octets.hex()]}
    key = {"Idempotency-Key": "the-same-request"}
    first, again = (
        counter.clerk.ask("POST", path, body, **key).json() for _ in range(2)
    )
    assert first == again
    assert (first["gross"], first["deduction"]) == ("5.00", "0.25")
    without = counter.clerk.ask("POST", path, body)
    assert without.status_code == 400


def test_a_frank_is_verified_and_pays_once(counter: Counter) -> None:
    (octets,) = counter.desk.frank()
    body = {"facility": counter.facility, "scan": octets.hex(), "purpose": "MAIL"}
    first = counter.post(counter.clerk, "/franks/verify", body, 200)
    assert (first["verdict"], first["genuine"]) == ("GENUINE", True)
    assert (first["says"]["value"], first["says"]["product_class"]) == ("5.00", 3)
    again = counter.post(counter.clerk, "/franks/verify", body, 200)
    assert [one["code"] for one in again["findings"]] == ["IND-20-009"]


def test_usage_is_seen_by_its_licensee_and_by_nobody_elses(counter: Counter) -> None:
    """RMFS-40; what is out of reach is as if it were not there."""
    desk = counter.desk
    desk.frank(2)
    desk.tell(desk.dial_in())
    kavya, ravindra = (
        counter.gateway.somebody(
            login,
            Grant(Role.LICENSEE, ScopeKind.LICENCE, identifier),
            kind=PersonKind.LICENSEE,
        )
        for login, identifier in (("kavya", LICENCE), ("ravindra", "N654321"))
    )
    (row,) = kavya.get("/usage")["results"]
    assert (row["items"], row["amount"], row["product_class"]) == (2, "10.00", 3)
    assert row["day"] == desk.today.isoformat()
    assert ravindra.get("/usage")["count"] == 0
    for name in ("csv", "xlsx", "pdf", "json"):
        answer = kavya.ask("GET", f"/usage?format={name}")
        assert answer.status_code == 200
    assert counter.clerk.ask("GET", "/usage?what=1").status_code == 400


def test_unused_credit_is_confirmed_by_the_maker(counter: Counter) -> None:
    desk = counter.desk
    desk.frank(2)
    counter.hand_in()
    desk.tell(desk.dial_in())
    desk.cancel_licence()
    maker = counter.gateway.somebody(
        "maker", Grant(Role.MAKER_OFFICER, ScopeKind.MAKER, "N"), kind=PersonKind.MAKER
    )
    reason = {"reason": "given up"}
    claim = counter.post(counter.clerk, f"/licences/{LICENCE}/unused-credit", reason)
    assert claim["gross"] == "9990.00"
    path = f"/claims/{claim['number']}"
    counter.post(counter.postmaster, f"{path}/sanction", reason, 409)
    wrong = {"remaining": "1.00", **reason}
    counter.post(maker, f"{path}/confirm", wrong, 422)
    right = {"remaining": "8000.00", **reason}
    assert counter.post(maker, f"{path}/confirm", right, 200)["state"] == "CONFIRMED"
    counter.post(counter.postmaster, f"{path}/refuse", reason, 200)
