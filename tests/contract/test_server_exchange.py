"""Files with the Department: carried out once, answered, made once, sent until heard.

Requirements: RMFS-31 to RMFS-35 (the maker's half).
"""

from dataclasses import replace
from typing import Any

import pytest

from protocol.exchange import FileHeader, content_hash, sign_file
from protocol.keys import Realm, SigningKey
from protocol.messages import SIGNATURE_OCTETS
from protocol.values import LicenceIdentifier
from rmfs_server.exchange.remote import RemoteError
from rmfs_server.exchange.session import run_session
from rmfs_server.exchange.showing import go_on
from rmfs_server.funds import import_fund_file
from rmfs_server.store import received_files
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
    change,
    dial,
    exchange_office,
    funds,
    licence,
)
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine

OURS = ("acknowledgement", "credit-download", "usage", "remaining-fund", "discrepancy")
OTHER = LicenceIdentifier("N000007")


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
