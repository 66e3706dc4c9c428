"""Exchange files of every layout: read strictly, written in one way only."""

import re
import tracemalloc
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.exchange import (
    FINDINGS_MAX,
    ExchangeFile,
    ExchangeFileError,
    FileHeader,
    Layout,
    Line,
    fund_file_of,
    parse_fund_file,
    parse_layout,
    read_file,
    read_layouts,
    write_file,
)
from tests.exchange_values import HEADER, LAYOUTS, UNTAGGED, WIDE, contents

WIDE_LAYOUT = parse_layout(WIDE)
UNTAGGED_LAYOUT = parse_layout(UNTAGGED)
EVERY = [*LAYOUTS.values(), WIDE_LAYOUT, UNTAGGED_LAYOUT]

FUNDS = """\
H|RMFS-FUNDS|2|FND-N-000012|DCR|N|12|2026-11-17|1|2026-11-17T09:00:00+05:30
D|1|N123456|KN0600065|Bharat Stationers|2000.00|NETBANKING|2026-11-16|2026-11-17
D|2|N765432|KN0600066|Mysuru Seva Sangha|1100.50|PO_CHEQUE|2026-11-16|2026-11-19
C|3|N123456|KN0600065|Bharat Stationers|-500.00|PO_CASH|2026-11-10|2026-11-11|F1|7
T|3|2600.50
"""

SAME_IN_FIXED_WIDTH = (
    "0117-11-202600000300000000260050FND-N-000012        20261117090000   12NB  \r\n"
    "02000000200000NB1       N123456KN0600065Bharat Stationers                       "
    "          17-11-202616-11-2026\r\n"
    "02000000110050PQ2       N765432KN0600066Mysuru Seva Sangha                      "
    "          19-11-202616-11-2026\r\n"
    "037       F1                  Bharat Stationers                       "
    "-00000050000"
    "3       N123456KN060006511-11-202610-11-2026PC\r\n"
)


def _refused(layout: Layout, octets: bytes) -> list[str]:
    with pytest.raises(ExchangeFileError) as caught:
        read_file(layout, octets)
    return [str(finding) for finding in caught.value.findings]


def test_another_layout_carries_the_same_fund_file_to_the_same_values() -> None:
    wide = SAME_IN_FIXED_WIDTH.encode()

    ours = read_file(LAYOUTS["fund"], FUNDS.encode())
    theirs = read_file(WIDE_LAYOUT, wide)

    assert theirs.header == ours.header
    assert theirs.totals == ours.totals == {"count": 3, "total_paise": 260_050}
    remark = {"remark": None}
    assert [
        {**line.values, **(remark if line.record == "deposit" else {})}
        for line in ours.lines
    ] == [line.values for line in theirs.lines]
    assert fund_file_of(theirs) == fund_file_of(ours)
    assert write_file(WIDE_LAYOUT, ours.header, ours.lines) == wide
    assert parse_fund_file(wide, read_layouts({"fund.toml": WIDE})) == fund_file_of(
        ours
    )


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ("0117-11", "0217-11", "line 1: the file does not start with a header (01)"),
        ("   12N", "00012N", "line 1: sequence: '00012' is not a whole number"),
        ("   12N", "12   N", "line 1: sequence: '12   ' is not a whole number"),
        ("NB  \r", "NA  \r", "line 1: edition: 'A' where 'B' stands in files of"),
        ("000003", " 00003", "line 1: count: ' 00003' is not filled up with zeros"),
        ("000003", "000004", "line 1: count: 4 is told, the file has 3 lines"),
        ("260050F", "260051F", "line 1: total: 260051 is told, the lines add up to"),
        (
            "0000200000",
            "      2000",
            "line 2: amount: '0      2000' is not whole paise",
        ),
        ("PQ2", "XX2", "line 3: mode: 'XX' is none of NB, SC, SQ, SD, PC, PQ, PD, UP"),
        ("-0000005", "-  00005", "line 4: amount: '-  000050000' is not filled up"),
        ("-0000005", "00000-05", "line 4: amount: '0-050000' is not whole paise"),
        ("Mysuru", " Mysur", "line 3: licensee: it starts or ends with a space"),
        ("Mysuru ", "Mysuru", "line 3: a record 02 has 110 characters, here are 109"),
        ("\r\n02", "\n02", "line 1: the character U+000A is not allowed"),
        ("Mysuru", "Mysür", "line 3: octet 44 of the line is not ASCII"),
        ("037 ", "047 ", "line 4: an unknown record: a line starts with 03 or 02"),
        ("PC\r\n", "PC\n", "line 4: the file ends within this line: carriage return"),
    ],
)
def test_a_file_of_fixed_width_is_read_as_strictly(
    old: str, new: str, finding: str
) -> None:
    assert SAME_IN_FIXED_WIDTH.count(old) >= 1
    text = SAME_IN_FIXED_WIDTH.replace(old, new, 1)
    found = _refused(WIDE_LAYOUT, text.encode())
    assert any(one.startswith(finding) for one in found), found


def test_a_file_without_tags_is_known_by_the_places_of_its_lines() -> None:
    file = read_file(LAYOUTS["fund"], FUNDS.encode())
    octets = write_file(UNTAGGED_LAYOUT, file.header, file.lines[:2])
    first, *_, last = octets.decode().splitlines()
    assert first.startswith("RMFS-FUNDS;2;FND-N-000012;")
    assert last == "2;3100.50"
    assert list(read_file(UNTAGGED_LAYOUT, octets).lines) == list(file.lines[:2])
    assert _refused(UNTAGGED_LAYOUT, octets.partition(b"\n")[2])[0].startswith(
        "line 1: a header has 9 fields, here are 8"
    )
    assert _refused(UNTAGGED_LAYOUT, octets[: octets.rindex(b"2;3100")])[0].startswith(
        "line 3: a trailer has 2 fields, here are 8"
    )


@pytest.mark.parametrize("layout", EVERY, ids=lambda layout: layout.title)
@settings(max_examples=30)
@given(data=st.data())
def test_what_is_written_is_read_back_and_written_the_same(
    layout: Layout, data: st.DataObject
) -> None:
    header, lines = data.draw(contents(layout))
    octets = write_file(layout, header, lines)
    file = read_file(layout, octets)
    given_here = layout.header.given
    assert file.header == {**header, **given_here}
    assert list(file.lines) == lines
    assert write_file(layout, file.header, file.lines) == octets


@pytest.mark.parametrize("layout", EVERY, ids=lambda layout: layout.title)
@settings(max_examples=30)
@given(octets=st.binary(max_size=400))
def test_any_octets_are_a_file_or_findings(layout: Layout, octets: bytes) -> None:
    _file_or_findings(layout, octets)


@pytest.mark.parametrize("layout", EVERY, ids=lambda layout: layout.title)
@settings(max_examples=30)
@given(data=st.data())
def test_any_change_of_a_file_gives_a_file_or_findings(
    layout: Layout, data: st.DataObject
) -> None:
    header, lines = data.draw(contents(layout))
    octets = bytearray(write_file(layout, header, lines))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        until = data.draw(st.integers(at, min(at + 3, len(octets))))
        octets[at:until] = data.draw(st.sampled_from(CHANGES) | st.binary(max_size=2))
        if not octets:
            break
    _file_or_findings(layout, bytes(octets))


CHANGES = [b"|", b"\n", b"\r\n", b"S|k|", b"T|", b"-", b"0", b" ", b"\xff", b"\x00"]


def _file_or_findings(layout: Layout, octets: bytes) -> None:
    try:
        file = read_file(layout, octets)
    except ExchangeFileError as error:
        numbers = [finding.line_number for finding in error.findings]
        assert 1 <= len(numbers) <= FINDINGS_MAX
        assert numbers == sorted(numbers)
        assert numbers[0] >= 1
    else:
        again = write_file(layout, _told(layout, file), file.lines)
        assert octets.startswith(again)
        assert (octets == again) == (file.signature is None)


def _told(layout: Layout, file: ExchangeFile) -> dict[str, Any]:
    return {one.name: file.header[one.name] for one in layout.header.told}


def test_a_line_takes_less_than_two_kilobytes_while_it_is_read() -> None:
    lines = [
        Line(
            "balance",
            {
                "line_id": str(number),
                "licence": f"N{number:06d}",
                "licence_number": f"KN06{number:05d}",
                "remaining_paise": 100_000 + number,
                "reserved_paise": 50_000 + number,
                "recharge_number": 7 + number,
                "control_total_paise": 10_000_000 + number,
            },
        )
        for number in range(5_000)
    ]
    layout = LAYOUTS["remaining-fund"]
    octets = write_file(layout, HEADER.values(), lines)
    del lines
    tracemalloc.start()
    file = read_file(layout, octets)
    _, peak_octets = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(file.lines) == 5_000
    assert peak_octets < 5_000 * 2_000


def _line(name: str, record: str, **values: Any) -> Line:
    """Make a line of which no more is told than has to be."""
    told = {
        one.name: _ANY[one.kind]
        for one in LAYOUTS[name].lines[record].told
        if not one.blank and not one.spelling.names
    }
    return Line(record, told | values)


_ANY: Final[dict[str, Any]] = {
    "identifier": "X1",
    "code": "X1",
    "text": "words",
    "licence": "N123456",
    "licence-number": "KN0600065",
    "amount": 100_000,
    "count": 1,
    "date": date(2026, 11, 16),
    "moment": 1_794_886_200,
    "octets": bytes(32),
}


@pytest.mark.parametrize("status", ["BLOCKED", "WITHHELD"])
def test_a_blocked_licence_is_told_by_identifier_and_status_alone(status: str) -> None:
    name = "license-modification"
    line = _line(name, "change", status=status)
    octets = write_file(LAYOUTS[name], HEADER.values(), [line])
    assert octets.splitlines()[1] == f"M|X1|N123456|{status}{'|' * 19}".encode()

    more = _line(name, "change", status=status, expires_on=date(2031, 8, 15))
    with pytest.raises(LocalProtocolError, match="nothing else is told; here: expires"):
        write_file(LAYOUTS[name], HEADER.values(), [more])


def test_a_product_line_belongs_to_a_dial_in_before_it() -> None:
    dial_in = _line("usage", "dial_in", line_id="1")
    product = _line("usage", "product", line_id="2", dial_in_line_id="1")
    write_file(LAYOUTS["usage"], HEADER.values(), [dial_in, product])
    with pytest.raises(LocalProtocolError, match="no dial-in before this line"):
        write_file(LAYOUTS["usage"], HEADER.values(), [product, dial_in])


def test_a_dial_in_that_failed_belongs_to_no_other_line() -> None:
    failed = _line("usage", "failed", code="NO_CONFIRMATION")
    octets = write_file(LAYOUTS["usage"], HEADER.values(), [failed])
    (read,) = read_file(LAYOUTS["usage"], octets).lines
    assert (read.record, read.values["code"]) == ("failed", "NO_CONFIRMATION")


def test_an_account_statement_has_to_add_up() -> None:
    entry = _line("account-statement", "entry", amount_paise=-5)
    header = {**HEADER.values(), "account": "1", "opening_paise": 7}
    layout = LAYOUTS["account-statement"]
    write_file(layout, {**header, "closing_paise": 2}, [entry])
    with pytest.raises(
        LocalProtocolError, match=r"closing: 0.03 is told, .* give 0.02"
    ):
        write_file(layout, {**header, "closing_paise": 3}, [entry])


def test_a_file_that_is_not_taken_whole_is_acknowledged_with_a_code() -> None:
    layout = LAYOUTS["acknowledgement"]
    for verdict, code in (("TAKEN", "EXC-01-001"), ("REFUSED", None)):
        line = _line("acknowledgement", "file", verdict=verdict, code=code)
        with pytest.raises(LocalProtocolError, match="code: a code stands where"):
            write_file(layout, HEADER.values(), [line])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"licence": 7}, "licence: 7 is int, str is needed"),
        ({"remaining_paise": True}, "remaining_paise: True is bool, int is needed"),
        ({"remaining_paise": None}, "remaining_paise is missing"),
        ({"remaining_paise": -1}, "remaining: '-0.01' is not rupees"),
        ({"licence": "N1234567"}, "licence: 'N1234567' is not one capital letter"),
        ({"other": 1}, "a balance of remaining-fund has no other"),
    ],
)
def test_values_of_another_kind_are_not_written(
    change: dict[str, Any], words: str
) -> None:
    line = _line("remaining-fund", "balance", **change)
    with pytest.raises(LocalProtocolError, match=re.escape(words)):
        write_file(LAYOUTS["remaining-fund"], HEADER.values(), [line])


def test_a_line_of_no_record_is_not_written() -> None:
    with pytest.raises(LocalProtocolError, match="line 1 is a 'sum'; layout remaining"):
        write_file(LAYOUTS["remaining-fund"], HEADER.values(), [Line("sum", {})])


def test_every_file_has_the_header_of_all_files() -> None:
    for layout in LAYOUTS.values():
        told = [one.name for one in layout.header.told]
        assert told[: len(HEADER.values())] == list(HEADER.values())
        extra = dict.fromkeys(told[len(HEADER.values()) :], _ANY["amount"])
        extra |= {"account": "1"} if "account" in extra else {}
        file = read_file(layout, write_file(layout, HEADER.values() | extra, []))
        assert FileHeader.of(file) == HEADER


def test_the_name_of_a_file_tells_its_layout_and_no_other() -> None:
    for layout in LAYOUTS.values():
        name = layout.name_file(HEADER.values())
        assert name == f"{layout.name}-FND-N-000012.txt"
        assert [one for one in LAYOUTS.values() if one.is_file_name(name)] == [layout]
        assert LAYOUTS.of_file(name) is layout
    for name in ("", "fund-.txt", "fund-A/B.txt", "fund-A.txt.part", "../fund-A.txt"):
        assert LAYOUTS.of_file(name) is None
    with pytest.raises(LocalProtocolError, match="is no name of a file"):
        LAYOUTS["fund"].name_file({"file_id": "../x"})
