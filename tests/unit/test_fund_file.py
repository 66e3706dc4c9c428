"""Fund files: read whole or refused whole, every finding with its line."""

import hashlib
import random
import tracemalloc
import unicodedata
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.exchange import (
    FINDINGS_MAX,
    DetailLine,
    ExchangeFileError,
    FileHeader,
    FundFile,
    LineReference,
    PaymentMode,
    content_hash,
    encode_fund_file,
    parse_fund_file,
    same_licensee,
    shipped_layouts,
    show_amount,
)
from protocol.values import U32_MAX, EpochSeconds

LAYOUT = shipped_layouts()["fund"]

GOOD = """\
H|RMFS-FUNDS|2|F2|DCR|N|12|2026-11-17|1|2026-11-17T09:00:00+05:30
D|1|N123456|KN0600065|Bharat Stationers|2000.00|NETBANKING|2026-11-16|2026-11-17
D|2|N765432|KN0600066|ಭಾರತ್ ಸ್ಟೇಷನರ್ಸ್|1100.00|PO_CHEQUE|2026-11-16|2026-11-19
C|3|N123456|KN0600065|Bharat Stationers|-500.00|NETBANKING|2026-11-10|2026-11-11|F1|7
T|3|2600.00
"""


HEADER = GOOD[: GOOD.index("\n") + 1]


def _refused(text: str | bytes) -> list[str]:
    octets = text.encode() if isinstance(text, str) else text
    with pytest.raises(ExchangeFileError) as caught:
        parse_fund_file(octets)
    return [str(finding) for finding in caught.value.findings]


def _good_but(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1
    return GOOD.replace(old, new, 1)


def test_a_good_file_is_read_and_written_back_octet_by_octet() -> None:
    fund_file = parse_fund_file(GOOD.encode())
    assert fund_file == FundFile(
        header=FileHeader(
            file_id="F2",
            sender="DCR",
            receiver="N",
            sequence=12,
            business_date=date(2026, 11, 17),
            window=1,
            made_at=EpochSeconds(1_794_886_200),
        ),
        lines=(
            DetailLine(
                line_id="1",
                licence="N123456",
                licence_number="KN0600065",
                licensee="Bharat Stationers",
                amount_paise=200_000,
                mode=PaymentMode.NETBANKING,
                value_date=date(2026, 11, 16),
                available_from=date(2026, 11, 17),
            ),
            DetailLine(
                line_id="2",
                licence="N765432",
                licence_number="KN0600066",
                licensee="ಭಾರತ್ ಸ್ಟೇಷನರ್ಸ್",
                amount_paise=110_000,
                mode=PaymentMode.PO_CHEQUE,
                value_date=date(2026, 11, 16),
                available_from=date(2026, 11, 19),
            ),
            DetailLine(
                line_id="3",
                licence="N123456",
                licence_number="KN0600065",
                licensee="Bharat Stationers",
                amount_paise=-50_000,
                mode=PaymentMode.NETBANKING,
                value_date=date(2026, 11, 10),
                available_from=date(2026, 11, 11),
                corrects=LineReference("F1", "7"),
            ),
        ),
    )
    assert fund_file.total_paise == 260_000
    assert [line.number for line in fund_file.lines] == [2, 3, 4]
    assert str(fund_file.lines[2].corrects) == "F1/7"
    assert encode_fund_file(fund_file) == GOOD.encode()


def test_a_file_without_detail_lines_is_a_file() -> None:
    text = f"{HEADER}T|0|0.00\n"
    assert parse_fund_file(text.encode()).lines == ()


def test_the_content_hash_is_the_sha_256_of_the_octets() -> None:
    assert content_hash(GOOD.encode()) == hashlib.sha256(GOOD.encode()).digest()


COUNT_IS_4 = "line 6: count: 3 is told, the file has 4 lines"
AFTER_HEADER = GOOD[GOOD.index("\n") + 1 :]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("", ["line 1: the file is empty"]),
        (GOOD[:-1], ["line 5: the file ends within this line: a line feed is missing"]),
        (
            AFTER_HEADER,
            ["line 1: the file does not start with a header (H)"],
        ),
        (
            _good_but("RMFS-FUNDS|2|", "RMFS-FUNDS|1|"),
            ["line 1: version: '1' where '2' stands in files of layout fund"],
        ),
        (
            _good_but("RMFS-FUNDS|2|", "RMFS-USAGE|2|") + "more|that|is|wrong\n",
            [
                (
                    "line 1: format: 'RMFS-USAGE' where 'RMFS-FUNDS' stands in files "
                    "of layout fund"
                )
            ],
        ),
        (
            _good_but("|DCR|N|", "|DCR|"),
            ["line 1: a record H has 10 fields, here are 9"],
        ),
        (
            _good_but("F2", "fnd 1"),
            [
                (
                    "line 1: file id: 'fnd 1' is not 1 to 32 capital letters, digits "
                    "and hyphens, the first not a hyphen"
                )
            ],
        ),
        (
            _good_but("|12|2026-11-17|", "|-1|17-11-2026|"),
            [
                "line 1: sequence: '-1' is not a whole number from 0 to 4294967295",
                (
                    "line 1: business date: '17-11-2026' is not a date written as "
                    "2026-11-17"
                ),
            ],
        ),
        (
            _good_but("T09:00:00", " 09:00:00"),
            [
                (
                    "line 1: made at: '2026-11-17 09:00:00+05:30' is not a moment "
                    "written as 2026-11-17T09:30:00+05:30"
                )
            ],
        ),
        (
            _good_but("T|3|", "T|4|"),
            ["line 5: count: 4 is told, the file has 3 lines"],
        ),
        (
            _good_but("T|3|", "T|03|"),
            ["line 5: count: '03' is not a whole number from 0 to 4294967295"],
        ),
        (
            _good_but("2600.00", "2600.01"),
            ["line 5: total: 2600.01 is told, the lines add up to 2600.00"],
        ),
        (
            GOOD.replace("T|3|2600.00\n", ""),
            ["line 4: the file ends without a trailer"],
        ),
        (GOOD + "\n", ["line 6: stands after the trailer in line 5"]),
        (_good_but("D|2|", "\nD|2|"), ["line 3: the line is empty", COUNT_IS_4]),
        (
            GOOD + "T|3|2600.00\n",
            ["line 6: stands after the trailer in line 5"],
        ),
        (
            _good_but("D|2|", "D|1|"),
            ["line 3: line id: '1' stands in line 2 already"],
        ),
        (
            _good_but("D|2|", "X|2|"),
            ["line 3: an unknown record: a line starts with D or C"],
        ),
        (
            _good_but("D|2|N765432|", "H|RMFS-FUNDS|2|"),
            ["line 3: a second header: a line starts with D or C"],
        ),
        (
            _good_but("|1100.00|", "|1,100.00|"),
            [
                (
                    "line 3: amount: '1,100.00' is not rupees with two decimals, "
                    "as in 2000.00"
                )
            ],
        ),
        (
            _good_but("|-500.00|", "|-0.00|"),
            ["line 4: amount: '-0.00' is not rupees with two decimals, as in 2000.00"],
        ),
        (
            _good_but("|1100.00|", "|99999999999999.00|"),
            ["line 3: amount: 99999999999999.00 is more than 90071992547409.91"],
        ),
        (
            _good_but("|1100.00|", "|0.00|").replace("2600.00", "1500.00"),
            ["line 3: amount: a deposit is more than 0.00"],
        ),
        (
            _good_but("|1100.00|", "|-100.00|").replace("2600.00", "1400.00"),
            ["line 3: amount: a deposit is more than 0.00"],
        ),
        (
            _good_but("|PO_CHEQUE|", "|CHEQUE|"),
            [
                (
                    "line 3: mode: 'CHEQUE' is none of NETBANKING, SBI_CASH, "
                    "SBI_CHEQUE, SBI_DRAFT, PO_CASH, PO_CHEQUE, PO_DRAFT, PORTAL_UPI, "
                    "NOTIONAL"
                )
            ],
        ),
        (
            _good_but("2026-11-19", "2026-11-31"),
            ["line 3: available from: 2026-11-31 is not in the calendar"],
        ),
        (
            _good_but("2026-11-19", "2026-11-15"),
            [
                (
                    "line 3: available from: 2026-11-15 is before the value date "
                    "2026-11-16"
                )
            ],
        ),
        (
            _good_but("2026-11-16|2026-11-19", "2026-11-18|2026-11-19"),
            [
                (
                    "line 3: value date: 2026-11-18 is after the business date of the "
                    "file, 2026-11-17"
                )
            ],
        ),
        (
            _good_but("|N765432|", "||"),
            ["line 3: licence: '' is not 1 to 16 visible ASCII characters"],
        ),
        (
            _good_but("|KN0600066|", "|KN 06 00066|"),
            [
                (
                    "line 3: licence number: 'KN 06 00066' is not 1 to 16 visible "
                    "ASCII characters"
                )
            ],
        ),
        (
            _good_but("|Bharat Stationers|", "||"),
            ["line 2: licensee: 0 characters where 1 to 80 are needed"],
        ),
        (
            _good_but("|Bharat Stationers", "|" + "B" * 81),
            ["line 2: licensee: 81 characters where 1 to 80 are needed"],
        ),
        (
            _good_but("|Bharat Stationers|", "|Bharat |"),
            ["line 2: licensee: it starts or ends with a space"],
        ),
        (
            _good_but("F1", "F2"),
            ["line 4: corrects file id: a correction names a line of an earlier file"],
        ),
        (
            _good_but("|F1|7\n", "\n"),
            ["line 4: a record C has 11 fields, here are 9"],
        ),
        (
            _good_but("Bharat Stationers", "Bharat|Stationers"),
            ["line 2: a record D has 9 fields, here are 10"],
        ),
        (
            (
                f"{HEADER}"
                "D|1|N123456|K|B|90071992547409.91|PO_CASH|2026-11-16|2026-11-17\n"
                "D|2|N123456|K|B|0.01|PO_CASH|2026-11-16|2026-11-17\n"
                "T|2|0.00\n"
            ),
            ["line 4: total: the amounts add up to more than can be held"],
        ),
    ],
)
def test_a_wrong_structure_is_told_with_its_line(
    text: str, findings: list[str]
) -> None:
    assert _refused(text) == findings


@pytest.mark.parametrize(
    ("octets", "findings"),
    [
        (b"\xef\xbb\xbf" + GOOD.encode(), "line 1: the line starts with a byte order"),
        (
            GOOD.encode("utf-16-le") + b"\n",
            "line 1: the character U+0000 is not allowed",
        ),
        (
            GOOD.encode().replace(b"Bharat", b"Bh\xe4rat", 1),
            "line 2: octet 25 of the line is not UTF-8",
        ),
        (
            GOOD.encode().replace(b"\n", b"\r\n", 1),
            "line 1: the character U+000D is not allowed: lines end with a line feed",
        ),
        (
            GOOD.encode().replace(b"Bharat", b"Bh\x00rat", 1),
            "line 2: the character U+0000 is not allowed",
        ),
        (
            _good_but("Bharat", "Bh\u202erat").encode(),
            "line 2: the character U+202E is not allowed",
        ),
        (
            _good_but("Bharat ", "Bharat\u00a0").encode(),
            "line 2: the character U+00A0 is not allowed",
        ),
        (
            _good_but("Bharat", "Bha\u0301rat").encode(),
            "line 2: the text is not in Unicode normal form NFC",
        ),
        (
            _good_but("Bharat", "B" * LAYOUT.line_octets_max).encode(),
            "line 2: the line has more than 1024 octets",
        ),
    ],
)
def test_wrong_octets_are_told_with_their_line(octets: bytes, findings: str) -> None:
    assert _refused(octets)[0].startswith(findings)


def test_all_findings_of_a_file_are_told_at_once_in_the_order_of_its_lines() -> None:
    text = (
        GOOD.replace("|2000.00|", "|2000|")
        .replace("PO_CHEQUE", "CHEQUE")
        .replace("2026-11-19", "soon")
        .replace("C|3|", "C|2|")
        .replace("T|3|", "T|9|")
    )
    starts = [finding[:24] for finding in _refused(text)]
    assert starts == [
        "line 2: amount: '2000' i",
        "line 3: mode: 'CHEQUE' i",
        "line 3: available from: ",
        "line 4: line id: '2' sta",
        "line 5: count: 9 is told",
    ]


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    text = HEADER + "?\n" * 250 + "T|250|0.00\n"
    with pytest.raises(ExchangeFileError) as caught:
        parse_fund_file(text.encode())
    assert len(caught.value.findings) == FINDINGS_MAX
    assert caught.value.more == 150
    assert str(caught.value).endswith("\nand 150 more")


def test_a_file_that_is_too_long_is_refused_before_it_is_cut_into_lines() -> None:
    octets = b"\n" * (LAYOUT.octets_max + 1)
    lines = b"\n" * LAYOUT.octets_max
    tracemalloc.start()
    assert _refused(octets) == ["line 1: the file has more than 16,777,216 octets"]
    assert _refused(lines) == [
        "line 100004: the file has more than 100,000 lines of content"
    ]
    _, peak_octets = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_octets < 100_000


def test_a_file_may_have_a_hundred_thousand_lines_and_not_one_more() -> None:
    line = "D|{}|N1|K1|B|1.00|PO_CASH|2026-11-16|2026-11-17\n"
    body = "".join(line.format(number) for number in range(LAYOUT.lines_max))
    full = f"{HEADER}{body}T|100000|100000.00\n"
    assert len(parse_fund_file(full.encode()).lines) == LAYOUT.lines_max
    longer = f"{HEADER}{body}{line.format('X')}T|100001|100001.00\n"
    assert _refused(longer) == [
        "line 100003: the file has more than 100,000 lines of content"
    ]


_identifiers = st.from_regex(r"\A[A-Z0-9][A-Z0-9-]{0,31}\Z")
_codes = st.from_regex(r"\A[!-{}~]{1,16}\Z")
_names = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="|"),
    min_size=1,
    max_size=30,
).filter(lambda name: name == _nfc(name) and len(name.encode()) < 300)
_dates = st.dates(date(2010, 8, 16), date(2099, 12, 31))


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@st.composite
def _lines(draw: st.DrawFn, line_id: str) -> DetailLine:
    value_date, available_from = sorted([draw(_dates), draw(_dates)])
    corrects = draw(
        st.none() | st.builds(LineReference, st.just("AN-EARLIER-FILE"), _identifiers)
    )
    least = 1 if corrects is None else -(10**13)
    return DetailLine(
        line_id=line_id,
        licence=draw(_codes),
        licence_number=draw(_codes),
        licensee=draw(_names),
        amount_paise=draw(st.integers(least, 10**13)),
        mode=draw(st.sampled_from(PaymentMode)),
        value_date=value_date,
        available_from=available_from,
        corrects=corrects,
    )


@st.composite
def _files(draw: st.DrawFn) -> FundFile:
    line_ids = draw(st.lists(_identifiers, unique=True, max_size=6))
    return FundFile(
        header=FileHeader(
            file_id=draw(_identifiers.filter(lambda one: one != "AN-EARLIER-FILE")),
            sender="DCR",
            receiver=draw(st.sampled_from("NPF")),
            sequence=draw(st.integers(0, U32_MAX)),
            business_date=date(2100, 1, 1),
            window=draw(st.integers(0, 3)),
            made_at=EpochSeconds(draw(st.integers(0, U32_MAX))),
        ),
        lines=tuple(draw(_lines(line_id)) for line_id in line_ids),
    )


@given(_files())
def test_what_is_written_is_read_back(fund_file: FundFile) -> None:
    assert parse_fund_file(encode_fund_file(fund_file)) == fund_file


@given(st.binary(max_size=300))
def test_any_octets_are_a_file_or_findings(octets: bytes) -> None:
    _file_or_findings(octets)


def _file_or_findings(octets: bytes) -> None:
    try:
        fund_file = parse_fund_file(octets)
    except ExchangeFileError as error:
        numbers = [finding.line_number for finding in error.findings]
        assert min(numbers) >= 1
    else:
        assert encode_fund_file(fund_file) == octets


def test_every_truncation_is_told_and_none_is_read() -> None:
    octets = GOOD.encode()
    for length in range(len(octets)):
        with pytest.raises(ExchangeFileError):
            parse_fund_file(octets[:length])


def test_five_thousand_mutations_give_a_file_or_findings() -> None:
    octets = GOOD.encode()
    generator = random.Random(20261117)
    for _ in range(5_000):
        mutated = bytearray(octets)
        for _ in range(generator.choice((1, 1, 1, 2, 5))):
            at = generator.randrange(len(mutated))
            kind = generator.randrange(3)
            if kind == 0:
                mutated[at] = generator.randrange(256)
            elif kind == 1:
                del mutated[at]
            else:
                mutated.insert(at, generator.choice(b"|\n\r\x00-.0123456789DCTH\xff"))
        _file_or_findings(bytes(mutated))


@pytest.mark.parametrize(
    "change",
    [
        {"licensee": "Bharat\nStationers"},
        {"licensee": "Bharat|Stationers"},
        {"licensee": ""},
        {"licensee": "\ud800"},
        {"amount_paise": 0},
        {"licence": "N 1"},
        {"available_from": date(2026, 11, 15)},
    ],
)
def test_what_could_not_be_read_back_is_not_written(change: dict[str, object]) -> None:
    fund_file = parse_fund_file(GOOD.encode())
    line = replace(fund_file.lines[0], **change)  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError, match="not a file of layout fund"):
        encode_fund_file(replace(fund_file, lines=(line,)))


def test_a_name_cannot_smuggle_a_second_line_in() -> None:
    smuggled = (
        "B|2000.00|NETBANKING|2026-11-16|2026-11-17\n"
        "D|9|N123456|KN0600065|Bharat Stationers"
    )
    fund_file = parse_fund_file(GOOD.encode())
    line = replace(fund_file.lines[0], licensee=smuggled)
    with pytest.raises(LocalProtocolError):
        encode_fund_file(replace(fund_file, lines=(line,)))


@pytest.mark.parametrize(
    ("amount_paise", "text"),
    [(0, "0.00"), (5, "0.05"), (200_000, "2000.00"), (-50_001, "-500.01")],
)
def test_amounts_are_written_in_rupees(amount_paise: int, text: str) -> None:
    assert show_amount(amount_paise) == text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Bharat Stationers, Bengaluru", "BHARAT  STATIONERS,\tBENGALURU ", True),
        ("Bharat Stationers, Bengaluru", "Bharat Stationers Bengaluru", False),
        ("Jos\u00e9", "JOSE\u0301", True),
        ("Jose", "Jos\u00e9", False),
        ("Gro\u00dfe Stra\u00dfe", "GROSSE STRASSE", True),
        ("ಭಾರತ್", "ಭಾರತ", False),
    ],
)
def test_names_are_the_same_but_for_letter_case_and_white_space(
    one: str, other: str, same: bool
) -> None:
    assert same_licensee(one, other) is same
