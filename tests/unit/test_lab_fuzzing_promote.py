"""Findings that become cases: strict steps, the next number, the clause's words."""

from pathlib import Path

import pytest

from hw.lab.catalogue import Case, CatalogueError, Ends, read_cases, read_catalogue
from hw.lab.fuzz.fuzz_case import FuzzCase, fuzz_case
from hw.lab.verdicts import Level
from protocol.link import Role
from rmfs_tools.lab.case_text import CaseNumberError, case_text, free_id
from rmfs_tools.lab.clause_words import ClauseError, check_words, first_sentence
from rmfs_tools.lab.fuzz.promoting import PromotionError, Wanted, promoted
from rmfs_tools.lab.fuzz.virtual_targets import faulty_unit
from rmfs_tools.lab.own_cases import catalogue_with

REPLAY = fuzz_case(
    Role.MACHINE,
    "none",
    ["recharge 20000", "dial INSPECTION", "take STATEMENT", "send stored VOUCHER"],
)
REPLAYING = faulty_unit("voucher-replay-accepted").edits

AREA = "REG"


def wanted(clause: str = "REG-6", kind: str = "N", role: Role = Role.MACHINE) -> Wanted:
    name = free_id(clause, role, kind, read_catalogue())
    return Wanted(name, clause, Level.MUST, first_sentence(clause), "a finding")


def texts(case: Case) -> list[str]:
    return [step.text for step in case.steps]


def test_a_case_expects_what_the_product_answers_and_fails_on_the_faulty_unit() -> None:
    case = promoted(REPLAY, wanted(), REPLAYING)
    assert texts(case) == [
        *("recharge 20000", "dial INSPECTION", "take STATEMENT"),
        *("send stored VOUCHER", "! take ERROR VOUCHER", "! take end"),
    ]
    assert case.ends is Ends.SERVED


def test_a_step_that_was_waited_for_in_vain_is_no_part_of_the_case() -> None:
    vain = fuzz_case(
        Role.MACHINE, "none", [*REPLAY.texts, "take CONFIRMATION", "take nothing"]
    )
    case = promoted(vain, wanted(), None)
    assert "! take ERROR VOUCHER" in texts(case)
    assert not any("CONFIRMATION" in text for text in texts(case))


def test_a_case_looks_at_registers_where_nothing_was_to_change() -> None:
    wrong = fuzz_case(
        Role.MACHINE,
        "none",
        ["dial RECHARGE 20000", "take STATEMENT", "send VOUCHER signature=wrong"],
    )
    edits = faulty_unit("voucher-signature-not-checked").edits
    case = promoted(wrong, wanted(), edits)
    assert case.ends is Ends.UNCHANGED
    assert "ends" not in case_text(case)


def test_a_server_case_is_made_as_well() -> None:
    wrong = fuzz_case(
        Role.SERVER, "none", ["dial RECHARGE 20000", "send STATEMENT signature=wrong"]
    )
    edits = faulty_unit("statement-signature-not-checked").edits
    case = promoted(wrong, wanted("DLG-3.2", role=Role.SERVER), edits)
    assert case.clause == "DLG-3.2"
    assert any(step.expects for step in case.steps)


def test_what_needs_a_preset_stays_a_finding() -> None:
    torn = FuzzCase(Role.MACHINE, "torn", REPLAY.steps)
    with pytest.raises(PromotionError, match="needs the preset torn"):
        promoted(torn, wanted(), None)


def test_what_expects_nothing_is_no_case() -> None:
    nothing = fuzz_case(Role.MACHINE, "none", ["wait 1"])
    with pytest.raises(PromotionError, match="it expects nothing"):
        promoted(nothing, wanted(kind="P"), None)


def test_what_the_faulty_unit_passes_too_is_no_case() -> None:
    good = fuzz_case(
        Role.MACHINE, "none", ["dial INSPECTION", "take STATEMENT", "finish"]
    )
    with pytest.raises(PromotionError, match="the faulty unit passes"):
        promoted(good, wanted(), REPLAYING)


def test_a_case_is_written_as_it_is_read(tmp_path: Path) -> None:
    for number, case in enumerate(read_catalogue()):
        if number % 40:
            continue
        path = tmp_path / f"{case.id}.toml"
        path.write_text(case_text(case))
        (read,) = read_cases(path)
        assert read.steps == case.steps
        for name in ("id", "clause", "level", "title", "needs", "ends"):
            assert getattr(read, name) == getattr(case, name), case.id


def test_a_number_is_given_once_whatever_the_kind() -> None:
    cases = read_catalogue()
    highest = max(
        int(case.id.split("-")[2])
        for case in cases
        if case.clause.split(".")[0] == "REG-6" and case.role is Role.MACHINE
    )
    assert (
        free_id("REG-6.2", Role.MACHINE, "B", cases)
        == f"{AREA}-06-{highest + 1:02d}-M-B"
    )
    assert free_id("REG-6", Role.SERVER, "N", []) == f"{AREA}-06-01-S-N"
    with pytest.raises(CaseNumberError, match="REG is no clause"):
        free_id("REG", Role.SERVER, "N", [])


@pytest.mark.parametrize(
    "clause",
    sorted({case.clause for case in read_catalogue()} | {"DLG-8.3", "LINK-10"}),
)
def test_the_first_sentence_of_every_clause_stands_in_the_specification(
    clause: str,
) -> None:
    words = first_sentence(clause)
    assert len(words) > 10, words
    check_words(words)


def test_a_clause_that_is_not_there_and_words_that_are_not_are_told() -> None:
    with pytest.raises(ClauseError, match=r"no clause NONE-9\.1"):
        first_sentence("NONE-9.1")
    with pytest.raises(ClauseError, match="do not stand in SPEC"):
        check_words("A machine MAY print money.")


def test_a_labs_own_cases_stand_beside_the_catalogue(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    case = promoted(REPLAY, wanted(), None)
    own.write_text(case_text(case))
    assert case.id in [one.id for one in catalogue_with(own)]
    assert catalogue_with(None) == read_catalogue()
    own.write_text(case_text(read_catalogue()[0]))
    with pytest.raises(CatalogueError, match="is another case's"):
        catalogue_with(own)
