"""What the Department answers to the maker's files, and what the maker does then.

Requirements: RMFS-33, RMFS-35 (the maker's half).
"""

from protocol.exchange import content_hash
from rmfs_server.exchange.showing import look
from tests.exchange_desk import (
    ISSUED,
    SECOND,
    PaperDepartment,
    dial,
)
from tests.paper_machine import NOW, Office


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
