"""The fund files that people are shown are fund files."""

import re
from pathlib import Path

import pytest

from protocol.exchange import (
    PaymentMode,
    encode_fund_file,
    parse_fund_file,
    shipped_layouts,
    signed_part,
)
from protocol.parameters import parameter
from protocol.values import parse_licence_identifier, parse_licence_number

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "exchange-files.md").read_text("utf-8")
SAMPLE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"


def _example() -> bytes:
    found = re.search(r"```text\n(H\|RMFS-FUNDS\|.*?)```", DOCUMENT, re.DOTALL)
    assert found is not None
    return found[1].encode()


@pytest.mark.parametrize("octets", [_example(), SAMPLE.read_bytes()])
def test_what_is_shown_is_a_fund_file_with_identifiers_of_the_right_form(
    octets: bytes,
) -> None:
    fund_file = parse_fund_file(octets)
    assert encode_fund_file(fund_file) == signed_part(octets)
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


def test_the_modes_of_the_layout_are_those_that_programs_know() -> None:
    for record in shipped_layouts()["fund"].lines.values():
        (mode,) = (field for field in record.fields if field.name == "mode")
        assert list(mode.spelling.names) == [one.value for one in PaymentMode]
