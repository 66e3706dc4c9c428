"""Incidents, credits and reconciliations over HTTP, each within its scope."""

from pathlib import Path
from typing import Any

import pytest

from dop_gateway.identity.model import Grant, PersonKind, Role, ScopeKind
from dop_gateway.incidents import service as incidents
from dop_gateway.incidents.model import IncidentKind
from dop_gateway.jobs.model import Ending
from dop_gateway.money import nightly
from tests.deposit_desk import N1, P1, DepositDesk, furnish
from tests.gateway_desk import Desk, Gateway, new_gateway
from tests.money_desk import MakerFiles, registered, take_downloads

REASON = {"reason": "a test"}
EVERYTHING = (ScopeKind.EVERYTHING, "")


class Room:
    """A gateway with a credit of one machine, and an incident of two makers each."""

    def __init__(self, url: str) -> None:
        """Let everything happen that is looked at."""
        self.gateway: Gateway = new_gateway(url)
        self.desk: DepositDesk = furnish(self.gateway.store)
        machine = registered(self.desk)
        self.desk.deliver(500_000)
        take_downloads(self.desk, MakerFiles(), machine.recharge(200_000))
        with self.gateway.store.writing("incidents") as connection:
            for licence in (N1, P1):
                incidents.report(
                    connection,
                    IncidentKind.SNAPSHOT_WRONG,
                    licence,
                    "Rs 5.00 are missing",
                    self.desk.by(),
                    amount_paise=500,
                    maker=licence[0],
                    licence=licence,
                )
        self.operator = self.somebody("olga", Role.DCR_OPERATOR, *EVERYTHING)
        self.supervisor = self.somebody("susan", Role.DCR_SUPERVISOR, *EVERYTHING)

    def somebody(
        self,
        login: str,
        role: Role,
        kind: ScopeKind,
        scope: str,
        side: PersonKind = PersonKind.STAFF,
    ) -> Desk:
        """Let somebody in."""
        return self.gateway.somebody(login, Grant(role, kind, scope), kind=side)

    def maker_officer(self, letter: str) -> Desk:
        """Let somebody of a maker in."""
        return self.somebody(
            f"of-{letter.lower()}",
            Role.MAKER_OFFICER,
            ScopeKind.MAKER,
            letter,
            PersonKind.MAKER,
        )


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(f"sqlite:///{tmp_path / 'gateway.sqlite'}")


def done(who: Desk, path: str, body: Any) -> Any:
    """Ask for what must be done."""
    answer = who.ask("POST", path, body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_incident_is_given_acted_upon_and_closed_by_somebody_else(
    room: Room,
) -> None:
    page = room.operator.get("/incidents?state=OPEN&sort=number")
    assert [one["licence"] for one in page["results"]] == [N1, P1]
    path = f"/incidents/{page['results'][0]['number']}"
    given = done(room.supervisor, f"{path}/assign", {"owner": "susan", **REASON})
    assert (given["state"], given["owner"], given["amount"]) == (
        *("ASSIGNED", "susan"),
        "5.00",
    )
    done(room.supervisor, f"{path}/act", {"action": "asked the maker", **REASON})
    own = room.supervisor.ask("POST", f"{path}/close", REASON)
    assert own.status_code == 403
    other = room.somebody("sam", Role.DCR_SUPERVISOR, *EVERYTHING)
    assert done(other, f"{path}/close", REASON)["state"] == "CLOSED"
    whole = room.operator.get(path)
    assert whole["possible"] == ["REOPENED"]
    assert [step["person"] for step in whole["history"]] == [
        *("gateway", "susan", "susan", "sam")
    ]
    again = room.operator.ask("POST", f"{path}/act", {"action": "more", **REASON})
    assert again.status_code == 409


def test_a_maker_sees_its_own_incidents_and_credits_and_no_other(room: Room) -> None:
    ours, theirs = room.maker_officer("N"), room.maker_officer("P")
    assert [one["licence"] for one in ours.get("/incidents")["results"]] == [N1]
    assert [one["licence"] for one in theirs.get("/incidents")["results"]] == [P1]
    (number,) = [one["number"] for one in theirs.get("/incidents")["results"]]
    assert ours.ask("GET", f"/incidents/{number}").status_code == 404
    (credit,) = ours.get("/downloads")["results"]
    assert (credit["amount"], credit["state"]) == ("2000.00", "TAKEN")
    assert theirs.get("/downloads")["count"] == 0
    assert ours.ask("POST", f"/incidents/{number}/close", REASON).status_code == 403


def test_an_auditor_of_an_office_sees_the_licences_below_it(room: Room) -> None:
    circle = str(room.desk.circle)
    within = room.somebody("anita", Role.AUDITOR, ScopeKind.OFFICE, circle)
    assert within.get("/incidents")["count"] == 2
    assert within.get("/downloads?licence=N123456")["count"] == 1
    assert within.ask("GET", "/reconciliations/2026-11-16").status_code == 404


def test_a_reconciliation_is_done_shown_and_listed(room: Room) -> None:
    body = {"day": "2026-11-16", **REASON}
    whole = done(room.supervisor, "/reconciliations", body)
    assert (whole["unexplained"], whole["licences"]) == ("0.00", 4)
    assert whole["received"]["BANK"] == "5000.00"
    assert whole["places"]["MACHINE"] == "2000.00"
    assert room.operator.get("/reconciliations/2026-11-16") == whole
    assert room.operator.get("/reconciliations")["count"] == 1
    (found,) = room.operator.get("/differences")["results"]
    assert (found["balance"], found["cause"]) == ("REMAINING", "IN_FLIGHT")
    assert found["words"].startswith("the maker has told no remaining funds yet")
    assert room.operator.get("/differences?cause=OEM_ERROR")["count"] == 0
    missing = room.operator.ask("GET", "/reconciliations/2026-11-15")
    assert missing.status_code == 404
    assert room.operator.ask("POST", "/reconciliations", body).status_code == 403


def test_a_list_of_differences_is_had_as_a_file(room: Room) -> None:
    done(room.supervisor, "/reconciliations", {"day": "2026-11-16", **REASON})
    answer = room.operator.ask("GET", "/differences?format=csv")
    assert answer.status_code == 200
    assert "the maker has told no remaining funds yet" in answer.text


def test_a_licence_is_explained_as_it_is_now(room: Room) -> None:
    report = room.maker_officer("N").get(f"/licences/{N1}/reconciliation")
    assert (report["remaining"], report["machine"]) == ("3000.00", "2000.00")
    machine = report["differences"][2]
    assert (machine["told"], machine["difference"]) == ("2000.00", "0.00")
    stranger = room.maker_officer("P")
    path = f"/licences/{N1}/reconciliation"
    assert stranger.ask("GET", path).status_code == 404


def test_the_nightly_job_says_how_much_was_looked_at(room: Room) -> None:
    parts = room.gateway.parts
    outcome = nightly.run(parts, parts.clock.now())
    assert outcome.ending is Ending.DONE
    assert outcome.words == (
        "4 licences, 1 with a difference, Rs 0.00 not explained, "
        "0 mistakes in the ledger"
    )
