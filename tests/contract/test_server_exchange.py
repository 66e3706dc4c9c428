"""Files with the Department: carried out once, answered, made once, sent until heard.

Requirements: RMFS-29, RMFS-31 to RMFS-35 (the maker's half).
"""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from protocol.exchange import FileHeader, content_hash, sign_file
from protocol.keys import Realm, SigningKey
from protocol.messages import SIGNATURE_OCTETS, LicenceState
from protocol.registers import RequestKind
from protocol.usage import usage_digest
from protocol.values import LicenceIdentifier
from rmfs_server.exchange.remote import RemoteError
from rmfs_server.exchange.session import SessionReport, run_session
from rmfs_server.exchange.showing import go_on, look
from rmfs_server.exchange.windows import Slot
from rmfs_server.funds import import_fund_file
from rmfs_server.proposing import Action
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import licences, messages, received_files
from rmfs_server.store.schema import Direction
from tests.exchange_desk import (
    BY_HAND,
    DEPOSIT,
    DOP_KEY,
    FIRST,
    ISSUED,
    SECOND,
    PaperDepartment,
    at,
    exchange_office,
)
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine

OURS = ("acknowledgement", "credit-download", "usage", "remaining-fund", "discrepancy")
OTHER = LicenceIdentifier("N000007")


@pytest.fixture
def dop() -> PaperDepartment:
    return PaperDepartment()


def dial(office: Office, dop: PaperDepartment, slot: Slot = FIRST) -> SessionReport:
    exchange = exchange_office(office.store, office.credit_key)
    return run_session(exchange, dop, slot, at(slot))


def licence(office: Office, identifier: LicenceIdentifier = LICENCE) -> Any:
    with office.store.reading() as connection:
        return licences.find(connection, identifier)


def funds(office: Office) -> int:
    return office.balances()[0]


def test_a_licence_and_its_funds_come_and_a_recharge_is_told(
    office: Office, dop: PaperDepartment
) -> None:
    machine = PaperMachine()
    credential = machine.identity.credential
    dop.lay_out(
        "license-issue",
        {
            **ISSUED,
            "credential": credential.ccs,
            "psd_serial": credential.psd_serial.encode(),
        },
    )
    dop.lay_out("license-modification")
    dop.lay_out("fund", DEPOSIT)
    report = dial(office, dop)
    assert report.in_order
    assert report.missing == []
    assert set(dop.verdicts().values()) == {("TAKEN", None)}
    assert len(dop.verdicts()) == 3
    assert funds(office) == 500_000

    office.administration.enrol(machine.provisioning, NEW, BY)
    office.recharge(machine, 200_000)
    dop.acknowledge()
    dop.lay_out_empty(SECOND)
    dial(office, dop, SECOND)
    (line,) = dop.lines("credit-download")
    told = {name: line[name] for name in ("licence", "licence_number", "kind")}
    assert told == {
        "licence": LICENCE,
        "licence_number": "KN0600065",
        "kind": "RECHARGE",
    }
    assert (line["recharge_number"], line["amount_paise"]) == (1, 200_000)
    assert line["control_total_before_paise"] == 0
    assert line["control_total_after_paise"] == line["descending_paise"] == 200_000
    octets = line["message"]
    signed, signature = octets[:-SIGNATURE_OCTETS], octets[-SIGNATURE_OCTETS:]
    assert credential.verify("CONFIRMATION", line["binding"] + signed, signature)
    balance = dop.lines("remaining-fund")[-1]
    assert balance["remaining_paise"] == 300_000
    assert balance["reserved_paise"] == 0
    assert balance["recharge_number"] == 1


def test_every_window_has_all_files_once_numbered_and_empty_ones_too(
    office: Office, dop: PaperDepartment
) -> None:
    for slot in (FIRST, FIRST, SECOND):
        dial(office, dop, slot)
    for layout in OURS:
        headers = [FileHeader.of(file) for file in dop.files(layout)]
        assert [(one.sequence, one.window) for one in headers] == [(1, 1), (2, 2)]
        assert not dop.lines(layout)


def test_a_file_goes_again_with_the_same_octets_until_it_is_answered(
    office: Office, dop: PaperDepartment
) -> None:
    dial(office, dop)
    first = list(dop.heard)
    dial(office, dop)
    again = [name for name in first if not name.startswith("acknowledgement")]
    assert dop.heard == first + again
    dop.acknowledge()
    report = dial(office, dop)
    assert report.unanswered == []
    dop.heard.clear()
    dial(office, dop)
    assert dop.heard == []


def test_what_the_department_lays_out_again_is_answered_again_and_not_done_again(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dop.lay_out("fund", DEPOSIT)
    dial(office, dop)
    dial(office, dop, SECOND)
    assert funds(office) == 500_000
    answers = [
        [line.values["file_name"] for line in file.lines]
        for file in dop.files("acknowledgement")
    ]
    assert answers == [sorted(dop.laid_out)] * 2


def test_a_file_waits_for_the_one_before_it_and_is_done_when_that_comes(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    name, missing = dop.make("fund", DEPOSIT)
    dop.lay_out("fund", {**DEPOSIT, "amount_paise": 100_000})
    report = dial(office, dop)
    assert [one.file_id for one in report.waiting] == ["FND-N-000002"]
    assert not report.in_order
    assert "fund-FND-N-000002.txt" not in dop.verdicts()
    assert funds(office) == 0
    dop.laid_out[name] = missing
    assert dial(office, dop, SECOND).in_order
    assert funds(office) == 600_000
    assert dop.verdicts()["fund-FND-N-000002.txt"] == ("TAKEN", None)


def test_a_lost_file_that_was_given_up_holds_the_next_one_up_no_longer(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dop.lay_out("fund", DEPOSIT, sequence=2)
    assert dial(office, dop).waiting
    assert go_on(office.store, Direction.IN, "fund", 2, BY) == 1
    assert dial(office, dop).in_order
    assert funds(office) == 500_000


@pytest.mark.parametrize(
    ("bent", "code"),
    [
        ({"key": None}, "EXC-01-001"),
        ({"key": SigningKey(b"\x07" * 32)}, "EXC-01-004"),
        ({"sender": "P"}, "OEX-01-002"),
        ({"receiver": "P"}, "OEX-01-003"),
    ],
)
def test_a_file_that_is_not_for_us_is_refused_and_takes_no_number(
    office: Office, dop: PaperDepartment, bent: dict[str, Any], code: str
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dop.lay_out("fund", DEPOSIT, **bent)
    report = dial(office, dop)
    assert not report.in_order
    assert dop.verdicts()["fund-FND-N-000001.txt"] == ("REFUSED", code)
    assert funds(office) == 0
    dop.take_all_away()
    dop.lay_out("fund", DEPOSIT, sequence=1)
    assert dial(office, dop, SECOND).in_order
    assert funds(office) == 500_000


def test_a_file_whose_structure_is_wrong_is_refused_with_its_findings(
    office: Office, dop: PaperDepartment
) -> None:
    name, octets = dop.make("fund", DEPOSIT, key=None)
    bent = octets.replace(b"5000.00", b"5000.0x")
    dop.laid_out[name] = sign_file(bent, DOP_KEY, "dop-1", Realm.TEST)
    (judged,) = dial(office, dop).judged
    assert judged.code == "OEX-01-001"
    assert "line 2: amount: '5000.0x'" in (judged.words or "")


def test_a_number_and_an_id_stand_for_one_file(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dop.lay_out("fund", DEPOSIT)
    dial(office, dop)
    dop.take_all_away()
    dop.lay_out("fund", sequence=1, file_id="FND-OTHER")
    dop.lay_out("fund", sequence=2, file_id="FND-N-000001")
    dial(office, dop, SECOND)
    assert dop.verdicts()["fund-FND-OTHER.txt"] == ("REFUSED", "OEX-01-005")
    last = dop.lines("acknowledgement", "file")[-2:]
    assert {line["code"] for line in last} == {"OEX-01-004", "OEX-01-005"}
    assert funds(office) == 500_000


def test_a_key_that_is_known_by_now_lets_a_refused_file_in(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    exchange = exchange_office(office.store, office.credit_key)
    nobody = replace(exchange, department=replace(exchange.department, keys={}))
    run_session(nobody, dop, FIRST, at(FIRST))
    assert dop.verdicts()["license-issue-LI-N-000001.txt"][1] == "EXC-01-003"
    dial(office, dop, SECOND)
    assert dop.verdicts()["license-issue-LI-N-000001.txt"] == ("TAKEN", None)
    assert licence(office).licensee == NEW.licensee


def test_names_that_are_no_files_for_us_are_left_alone(
    office: Office, dop: PaperDepartment
) -> None:
    dop.laid_out["../fund-X.txt"] = b""
    dop.laid_out["usage-US-N-1.txt"] = b""
    dop.laid_out["fund-FND-N-000001.txt.part"] = b"half"
    dop.laid_out["fund-HUGE.txt"] = bytes(17 * 1024 * 1024)
    report = dial(office, dop)
    assert report.foreign == ["../fund-X.txt", "usage-US-N-1.txt"]
    assert report.too_large == ["fund-HUGE.txt"]
    assert report.judged == []


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


def change(dop: PaperDepartment, **told: Any) -> None:
    blank = dict.fromkeys(
        (
            *("licence_number", "kind", "licensee", "address_1", "address_2"),
            *("address_3", "address_pin", "contact", "telephone", "email"),
            *("issued_on", "expires_on", "office", "office_pin", "circle"),
            *("division", "psd_serial", "credential", "refund"),
        )
    )
    dop.lay_out("license-modification", {**blank, "licence": LICENCE, **told})


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


def test_a_suspended_deposit_is_a_refused_line_until_a_correction_frees_it(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    wrong = {**DEPOSIT, "licensee": "Asha Trader"}
    file_id = dop.lay_out("fund", wrong, {**DEPOSIT, "amount_paise": 300_000})
    dial(office, dop)
    assert dop.verdicts()[f"fund-{file_id}.txt"] == ("TAKEN_IN_PART", "OEX-02-001")
    (refused,) = dop.lines("acknowledgement", "refused")
    assert (refused["file_id"], refused["line_id"]) == (file_id, "1")
    assert refused["code"] == "FND-01-004"
    assert refused["words"].startswith("'Asha Trader' is not the licensee")
    assert funds(office) == 300_000
    corrected = {
        "record": "correction",
        "corrects_file_id": file_id,
        "corrects_line_id": "1",
        **DEPOSIT,
        "amount_paise": 0,
    }
    dop.lay_out("fund", corrected)
    dial(office, dop, SECOND)
    assert funds(office) == 800_000


def test_each_dial_in_is_told_with_the_usage_that_it_signs(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    for value in (500, 700):
        machine.frank(value)
        turn, closed = office.state(machine)
        with office.store.reading() as connection:
            statement = messages.last_statement(connection, LICENCE)
        assert statement is not None
        rows = tuple(machine.usage.values())
        office.books.store_usage(turn, statement, rows, NOW)
        office.books.store_goodbye(turn, machine.take(closed), NOW)
    dial(office, dop)
    dial_ins = dop.lines("usage", "dial_in")
    assert [line["dial_in"] for line in dial_ins] == [1, 2, 3]
    products = dop.lines("usage", "product")
    assert [
        (line["dial_in_line_id"], line["items"], line["amount_paise"])
        for line in products
    ] == [("2", 1, 500), ("4", 2, 1_200)]
    for line in dial_ins:
        octets = line["statement"]
        signed, signature = octets[:-SIGNATURE_OCTETS], octets[-SIGNATURE_OCTETS:]
        credential = machine.identity.credential
        assert credential.verify("STATEMENT", line["binding"] + signed, signature)
    dial(office, dop, SECOND)
    assert len(dop.lines("usage", "dial_in")) == 3


def test_usage_that_still_comes_is_waited_for_and_lost_usage_is_not(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    dial(office, dop)
    machine.frank(500)
    office.state(machine)
    dial(office, dop, SECOND)
    assert len(dop.lines("usage", "dial_in")) == 1
    exchange = exchange_office(office.store, office.credit_key)
    run_session(exchange, dop, Slot(FIRST.day, 3), at(FIRST, 7_200))
    (_, late) = dop.lines("usage", "dial_in")
    assert late["ascending_paise"] == 500
    assert dop.lines("usage", "product") == []


def test_what_did_not_fit_is_told_with_what_showed_it_and_how_it_ended(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000, 200_000)
    office.state(machine, mark=b"\x09" * 8)
    dial(office, dop)
    (found,) = dop.lines("discrepancy", "found")
    assert (found["licence"], found["code"]) == (LICENCE, "MARK_WRONG")
    assert found["control_total_paise"] == 200_000
    assert usage_digest(()) in found["message"]
    assert len(dop.lines("usage", "dial_in")) == 1
    office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    dial(office, dop, SECOND)
    (resolved,) = dop.lines("discrepancy", "resolved")
    assert (resolved["number"], resolved["resolution"]) == (found["number"], "ADOPT")
    assert (resolved["person"], resolved["words"]) == ("asha", "a test")


def test_a_voucher_that_a_person_settled_is_told_with_the_last_word_of_its_machine(
    office: Office, dop: PaperDepartment
) -> None:
    machine = office.enrolled(500_000)
    office.state(machine, RequestKind.RECHARGE, 200_000)
    office.administration.revoke(LICENCE, BY)
    office.resolving.resolve(LICENCE, Action.REVERSE, BY)
    dial(office, dop)
    (line,) = dop.lines("credit-download")
    assert (line["kind"], line["recharge_number"]) == ("VOID", 1)
    assert line["control_total_before_paise"] == line["control_total_after_paise"] == 0
    assert dop.lines("remaining-fund")[0]["remaining_paise"] == 500_000


def test_what_a_refused_file_told_is_told_again_under_its_number(
    office: Office, dop: PaperDepartment
) -> None:
    office.enrolled(500_000, 200_000)
    dial(office, dop)
    name = "credit-download-CD-N-000001.txt"
    dop.acknowledge(name, verdict="REFUSED", code="EXC-01-003", words="no such key")
    dial(office, dop, SECOND)
    files = dop.files("credit-download")
    assert [(file.header["file_id"], file.header["sequence"]) for file in files] == [
        ("CD-N-000001", 1),
        ("CD-N-000001-2", 1),
    ]
    assert [len(file.lines) for file in files] == [1, 1]


def test_a_number_that_the_department_counted_all_the_same_is_not_used_again(
    office: Office, dop: PaperDepartment
) -> None:
    office.enrolled(500_000, 200_000)
    dial(office, dop)
    name = "credit-download-CD-N-000001.txt"
    dop.acknowledge(name, verdict="REFUSED", code="EXC-02-008", words="used")
    dial(office, dop, SECOND)
    assert [file.header["sequence"] for file in dop.files("credit-download")] == [1, 2]


def test_a_file_that_is_refused_again_and_again_waits_for_a_person(
    office: Office, dop: PaperDepartment
) -> None:
    for _ in range(4):
        dial(office, dop)
        names = [one for one in dop.handed if one.startswith("usage-")]
        dop.acknowledge(*names, verdict="REFUSED", code="EXC-01-003", words="no")
        dial(office, dop)
    assert len(dop.files("usage")) == 2


def test_lines_that_the_department_refused_are_kept_and_not_told_again(
    office: Office, dop: PaperDepartment
) -> None:
    office.enrolled(500_000, 200_000)
    dial(office, dop)
    name = "credit-download-CD-N-000001.txt"
    dop.lay_out(
        "acknowledgement",
        {
            "record": "file",
            "file_name": name,
            "file_id": "CD-N-000001",
            "sha256": content_hash(dop.handed[name]),
            "verdict": "TAKEN_IN_PART",
            "code": "DLD-01-001",
            "words": "a line is wrong",
        },
        {
            "record": "refused",
            "file_id": "CD-N-000001",
            "line_id": "1",
            "code": "DLD-01-002",
            "words": "no machine has signed it",
        },
    )
    dial(office, dop, SECOND)
    assert len(dop.lines("credit-download")) == 1
    sent = {one.file_id: one for one in look(office.store, NOW, 20).went}
    assert sent["CD-N-000001"].state.name == "TAKEN_IN_PART"


def test_an_answer_about_a_file_that_never_went_is_told_back(
    office: Office, dop: PaperDepartment
) -> None:
    dial(office, dop)
    name = "usage-US-N-000001.txt"
    dop.lay_out(
        "acknowledgement",
        {
            "record": "file",
            "file_name": name,
            "file_id": None,
            "sha256": bytes(32),
            "verdict": "REFUSED",
            "code": "EXC-02-003",
            "words": "its structure is wrong",
        },
    )
    (judged,) = dial(office, dop, SECOND).judged
    assert judged.code == "OEX-02-002"
    assert name in (judged.words or "")


def test_an_acknowledgement_that_was_refused_is_given_again(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dial(office, dop)
    dop.take_all_away()
    name = "acknowledgement-ACK-N-000001.txt"
    dop.acknowledge(name, verdict="REFUSED", code="EXC-01-003", words="no such key")
    dial(office, dop, SECOND)
    told = [
        [line.values["file_name"] for line in file.lines if line.record == "file"]
        for file in dop.files("acknowledgement")
    ]
    assert told[0] == ["license-issue-LI-N-000001.txt"]
    assert "license-issue-LI-N-000001.txt" in told[1]


def test_by_hand_a_file_is_made_when_the_last_one_was_handed_over(
    office: Office, dop: PaperDepartment
) -> None:
    dop.is_down = True
    for _ in range(2):
        with pytest.raises(RemoteError):
            dial(office, dop, BY_HAND)
    dop.is_down = False
    dial(office, dop, BY_HAND)
    headers = [FileHeader.of(file) for file in dop.files("usage")]
    assert [(one.sequence, one.window) for one in headers] == [(1, 0)]


def test_the_files_of_two_windows_that_were_missed_are_done_in_their_order(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED, slot=FIRST)
    dop.lay_out("fund", DEPOSIT, slot=FIRST)
    change(dop, status="BLOCKED")
    dop.lay_out("fund", {**DEPOSIT, "amount_paise": 100_000}, slot=SECOND)
    report = dial(office, dop, SECOND)
    assert [one.layout for one in report.judged] == [
        "license-issue",
        "license-modification",
        "fund",
        "fund",
    ]
    assert funds(office) == 600_000


def test_a_fund_file_that_a_person_imported_is_answered_when_it_comes_by_the_window(
    office: Office, dop: PaperDepartment
) -> None:
    dop.lay_out("license-issue", ISSUED)
    dop.lay_out("fund", DEPOSIT)
    octets = dop.laid_out["fund-FND-N-000001.txt"]
    dial(office, PaperDepartment(dict(list(dop.laid_out.items())[:1])))
    import_fund_file(office.store, octets, NOW, "key dop-1")
    dial(office, dop, SECOND)
    assert dop.verdicts()["fund-FND-N-000001.txt"] == ("TAKEN", None)
    assert funds(office) == 500_000


def test_a_file_is_kept_as_it_came(office: Office, dop: PaperDepartment) -> None:
    dop.lay_out("fund")
    dial(office, dop)
    (octets,) = dop.laid_out.values()
    with office.store.reading() as connection:
        kept = received_files.with_hash(connection, content_hash(octets))
        assert kept is not None
        assert received_files.octets_of(connection, kept.identity) == octets
