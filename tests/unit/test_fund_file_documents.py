"""The fund files that people are shown are fund files."""

import re
from pathlib import Path

import pytest

from protocol.exchange import (
    FINDINGS_MAX,
    PaymentMode,
    encode_fund_file,
    parse_fund_file,
    shipped_layouts,
)
from protocol.parameters import parameter
from protocol.values import parse_licence_identifier, parse_licence_number

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "exchange-files.md").read_text("utf-8")
SAMPLE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"


def _example() -> bytes:
    found = re.search(r"```text\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    return found[1].encode()


@pytest.mark.parametrize("octets", [_example(), SAMPLE.read_bytes()])
def test_what_is_shown_is_a_fund_file_with_identifiers_of_the_right_form(
    octets: bytes,
) -> None:
    fund_file = parse_fund_file(octets)
    assert encode_fund_file(fund_file) == octets
    for line in fund_file.lines:
        assert parse_licence_identifier(line.licence).startswith(fund_file.oem)
        parse_licence_number(line.licence_number)


def test_the_sample_holds_enough_for_two_recharges_of_two_thousand_rupees() -> None:
    fund_file = parse_fund_file(SAMPLE.read_bytes())
    assert {line.licence for line in fund_file.lines} == {"N123456"}
    assert {line.available_from.isoformat() for line in fund_file.lines} == {
        "2026-11-17"
    }
    first, *later = fund_file.lines
    step = parameter("deposit.step_paise", first.value_date)
    assert first.amount_paise >= parameter("deposit.first_min_paise", first.value_date)
    assert all(line.amount_paise % step == 0 for line in fund_file.lines)
    assert later
    assert fund_file.total_paise >= 500_000


def test_the_limits_in_the_document_are_those_of_the_code() -> None:
    layout = shipped_layouts()["fund"]
    limits = (
        f"({layout.octets_max:,} octets)",
        f"{layout.lines_max:,} detail lines",
        f"{layout.line_octets_max:,} octets a line",
        f"the first {FINDINGS_MAX} of them",
    )
    assert [limit for limit in limits if limit not in DOCUMENT] == []


def test_the_modes_in_the_document_are_those_of_the_code() -> None:
    found = re.search(r"Modes: (.*?)\.\n", DOCUMENT, re.DOTALL)
    assert found is not None
    assert re.findall(r"`(\w+)`", found[1]) == [mode.value for mode in PaymentMode]


def test_the_document_says_whose_format_it_is() -> None:
    assert "defined by this product, not by India Post" in DOCUMENT
    assert "Annexure F" in DOCUMENT
