"""Licences that the Department issues and changes, in files, at the maker.

Requirements: RMFS-34 (the maker's half).
"""

from datetime import date
from typing import Any

import pytest

from protocol.messages import LicenceState
from protocol.registers import RequestKind
from protocol.values import LicenceIdentifier
from rmfs_server.refusals import MoveRefusedError
from tests.exchange_desk import (
    ISSUED,
    SECOND,
    PaperDepartment,
    change,
    dial,
    licence,
)
from tests.paper_machine import BY, NEW, Office, PaperMachine

OTHER = LicenceIdentifier("N000007")


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"licence": "P123456"}, "OEX-03-001"),
        ({"licence_number": "KN0600066"}, "OEX-03-002"),
        ({"licensee": "Somebody Else"}, "OEX-03-003"),
        ({"credential": b"another machine"}, "OEX-03-004"),
        ({"psd_serial": b"PSD00009"}, "OEX-03-004"),
    ],
)
def test_an_issue_that_is_not_the_enrolled_licence_is_refused_line_by_line(
    office: Office, dop: PaperDepartment, bent: dict[str, Any], code: str
) -> None:
    office.administration.enrol(PaperMachine().provisioning, NEW, BY)
    before = licence(office)
    other = {**ISSUED, "licence": OTHER, "licence_number": "KN0600099"}
    dop.lay_out("license-issue", {**ISSUED, **bent}, other)
    dial(office, dop)
    name = "license-issue-LI-N-000001.txt"
    assert dop.verdicts()[name] == ("TAKEN_IN_PART", "OEX-02-001")
    (refused,) = dop.lines("acknowledgement", "refused")
    assert (refused["line_id"], refused["code"]) == ("1", code)
    assert licence(office) == before
    assert licence(office, OTHER).state is LicenceState.REGISTERED


def test_the_department_sets_kind_and_last_day_of_an_enrolled_licence(
    office: Office, dop: PaperDepartment
) -> None:
    office.administration.enrol(PaperMachine().provisioning, NEW, BY)
    told = {"kind": "INDIVIDUAL", "expires_on": date(2031, 3, 31)}
    dop.lay_out("license-issue", {**ISSUED, **told})
    assert dial(office, dop).in_order
    found = licence(office)
    assert (found.kind, found.expires_on) == ("INDIVIDUAL", date(2031, 3, 31))


def test_only_the_machine_that_the_licence_was_issued_for_is_enrolled(
    office: Office, dop: PaperDepartment
) -> None:
    machine = PaperMachine()
    dop.lay_out(
        "license-issue", {**ISSUED, "credential": machine.identity.credential.ccs}
    )
    dial(office, dop)
    wrong = PaperMachine(seed=b"another")
    with pytest.raises(MoveRefusedError, match="issued N123456 for another machine"):
        office.administration.enrol(wrong.provisioning, NEW, BY)
    office.administration.enrol(machine.provisioning, NEW, BY)


def test_a_blocked_licence_is_told_to_the_machine_when_it_dials_in(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    change(dop, status="BLOCKED")
    assert dial(office, dop).in_order
    assert office.inspect(machine).receipt.licence_state is LicenceState.BLOCKED
    change(dop, status="RENEWED", expires_on=date(2035, 12, 31), refund="ALLOWED")
    assert dial(office, dop, SECOND).in_order
    assert office.inspect(machine).receipt.licence_state is LicenceState.RENEWED
    found = licence(office)
    assert (found.expires_on, found.refund_allowed) == (date(2035, 12, 31), True)


def test_a_cancelled_licence_takes_its_voucher_back_and_stays_cancelled(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    office.state(machine, RequestKind.RECHARGE, 200_000)
    change(dop, status="CANCELLED")
    assert dial(office, dop).in_order
    _, void = office.state(machine, RequestKind.RECHARGE, 200_000)
    machine.apply(void.voucher)
    assert machine.registers.control_total_paise == 0
    change(dop, status="REGISTERED")
    dial(office, dop, SECOND)
    (refused,) = dop.lines("acknowledgement", "refused")
    assert refused["code"] == "OEX-03-005"


def test_a_change_of_an_unknown_licence_is_refused(
    office: Office, dop: PaperDepartment
) -> None:
    change(dop, status="BLOCKED")
    dial(office, dop)
    (refused,) = dop.lines("acknowledgement", "refused")
    assert refused["code"] == "OEX-03-006"
