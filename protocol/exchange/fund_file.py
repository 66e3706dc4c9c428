"""The fund file: which deposits the Department has authenticated, for one OEM.

A fund file is text that a person can write and check by eye: one record a line, its
fields separated by ``|``, amounts in rupees with two decimals. A header names the file,
detail lines name deposits and corrections, a trailer gives their count and total::

    H|RMFS-FUNDS|1|FND-N-20261117-01|N|2026-11-17
    D|1|N123456|KN0600065|Bharat Stationers, Bengaluru|2000.00|...
    T|1|2000.00

Rules of this module:

- A file is read as a whole or not at all: `parse_fund_file` gives every finding with
  its line number, or a file in which the structure is right.
- There is exactly one way to write a file (no BOM, no CR, no blank, no spare zero), so
  that equal files have equal octets and `content_hash` tells files apart.
- Whether a licence exists and an amount obeys the deposit rules is not structure: the
  server judges that line by line, and a wrong line does not hold up the others. So
  licence identifier and number are only bounded here.
- Everything is bounded: octets, lines, octets of a line, findings.

Source: docs/fund-files.md, which is ours: Annexure F is not public. What a file must
tell is in RMFS-13, RMFS-16 and RMFS-34.
"""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from protocol.errors import LocalProtocolError, RmfsError
from protocol.exchange.fund_fields import (
    CORRECTION,
    DEPOSIT,
    HEADER,
    TRAILER,
    Columns,
    FieldError,
    PaymentMode,
    first_forbidden,
    write_amount,
)
from protocol.values import AMOUNT_PAISE_MAX

FORMAT: Final = "RMFS-FUNDS"
VERSION: Final = "1"
FILE_OCTETS_MAX: Final = 16 * 1024 * 1024
"""A file of 100,000 lines of the usual 100 octets, with room for long names."""
DETAIL_LINES_MAX: Final = 100_000
LINE_OCTETS_MAX: Final = 1024
"""Twice the longest honest line: 80 characters of a name are at most 320 octets."""
FINDINGS_MAX: Final = 100
"""What a person reads before writing the file anew; the rest is only counted."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DETAILS: Final = (b"D|", b"C|")


@dataclass(frozen=True, slots=True, order=True)
class LineReference:
    """A line for ever: line ids are unique in a file, file ids among all files."""

    file_id: str
    line_id: str

    def __str__(self) -> str:
        """Show it as people write it: ``FND-N-20261117-01/3``."""
        return f"{self.file_id}/{self.line_id}"


@dataclass(frozen=True, slots=True)
class DetailLine:
    """A deposit, or the correction of an earlier line.

    Attributes:
        line_id: Unique in its file.
        licence: Licence identifier as the bank or post office captured it.
        licence_number: Licence number as captured.
        licensee: Name as captured.
        amount_paise: What was paid, more than 0. In a correction the difference to be
            added to the old line's amount: positive, negative or 0.
        mode: How it was paid.
        value_date: Business date of the payment; chooses the deposit rules.
        available_from: First business date on which a machine may download it. The
            Department computes it, who knows clearance and holidays.
        corrects: The earlier line, in an earlier file; None in a deposit.
    """

    line_id: str
    licence: str
    licence_number: str
    licensee: str
    amount_paise: int
    mode: PaymentMode
    value_date: date
    available_from: date
    corrects: LineReference | None = None


@dataclass(frozen=True, slots=True)
class FundFile:
    """One fund file.

    Attributes:
        file_id: Never used again for another content.
        oem: Letter of the OEM that it is for.
        made_on: Date on which the Department made it.
        lines: Detail lines in their order; there may be none (RMFS-35).
    """

    file_id: str
    oem: str
    made_on: date
    lines: tuple[DetailLine, ...]

    @property
    def total_paise(self) -> int:
        """Sum of all amounts, corrections with their sign."""
        return sum(line.amount_paise for line in self.lines)

    def numbered(self) -> Sequence[tuple[int, DetailLine]]:
        """Give each detail line with its line number in the file."""
        return tuple(enumerate(self.lines, start=2))


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in one line of a file.

    Attributes:
        line_number: From 1.
        reason: A sentence for whoever wrote the file.
    """

    line_number: int
    reason: str

    def __str__(self) -> str:
        """Show it to a person."""
        return f"line {self.line_number}: {self.reason}"


class FundFileError(RmfsError):
    """A fund file is refused whole.

    Attributes:
        findings: What is wrong, in the order of the lines, at most `FINDINGS_MAX`.
        more: How many further findings there were.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        """Keep the first findings and count the rest."""
        ordered = sorted(findings, key=lambda finding: finding.line_number)
        self.findings = tuple(ordered[:FINDINGS_MAX])
        self.more = len(ordered) - len(self.findings)
        lines = [str(finding) for finding in self.findings]
        if self.more:
            lines.append(f"and {self.more} more")
        super().__init__("\n".join(lines))


def content_hash(octets: bytes) -> bytes:
    """Give the SHA-256 of a file's octets: what tells two files of one id apart."""
    return hashlib.sha256(octets).digest()


def encode_fund_file(fund_file: FundFile) -> bytes:
    """Write a fund file.

    Raises:
        LocalProtocolError: The file would not be read back as it is: a field is out of
            range or a line id stands twice. The message holds the findings.
    """
    header = ("H", FORMAT, VERSION, fund_file.file_id, fund_file.oem)
    records: list[tuple[str, ...]] = [(*header, fund_file.made_on.isoformat())]
    records += [_fields_of(line) for line in fund_file.lines]
    records.append(
        ("T", str(len(fund_file.lines)), write_amount(fund_file.total_paise))
    )
    text = "".join("|".join(record) + "\n" for record in records)
    try:
        octets = text.encode("utf-8")
        same = parse_fund_file(octets) == fund_file
    except (UnicodeEncodeError, FundFileError) as error:
        raise LocalProtocolError(f"not a fund file: {error}") from error
    if not same:
        raise LocalProtocolError("a field holds a separator or a line feed")
    return octets


def parse_fund_file(octets: bytes) -> FundFile:
    """Read a fund file.

    Args:
        octets: The whole file.

    Returns:
        A file whose structure is right: `encode_fund_file` gives the same octets.

    Raises:
        FundFileError: The structure is wrong; it holds every finding.

    Source:
        docs/fund-files.md.
    """
    lines = _split(octets)
    return _Reader(lines).read()


def _split(octets: bytes) -> list[bytes]:
    """Cut a file into lines, after a look at its size."""
    if len(octets) > FILE_OCTETS_MAX:
        reason = f"the file has more than {FILE_OCTETS_MAX:,} octets"
        raise FundFileError([Finding(1, reason)])
    line_feeds = octets.count(b"\n")
    if line_feeds > DETAIL_LINES_MAX + 2:
        reason = f"the file has more than {DETAIL_LINES_MAX:,} detail lines"
        raise FundFileError([Finding(DETAIL_LINES_MAX + 3, reason)])
    if not octets:
        raise FundFileError([Finding(1, "the file is empty")])
    if not octets.endswith(b"\n"):
        # Nothing in it can be trusted: the usual cause is a transfer that broke off.
        reason = "the file ends within this line: a line feed is missing"
        raise FundFileError([Finding(line_feeds + 1, reason)])
    return octets.split(b"\n")[:-1]


class _Reader:
    """Reads the lines of one file and gathers what is wrong with them."""

    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self._findings: list[Finding] = []
        self._number_by_line_id: dict[str, int] = {}
        self._details = 0
        self._total_paise: int | None = 0
        """Sum so far, or None once an amount could not be read."""

    def read(self) -> FundFile:
        header = self._header()
        details: list[DetailLine] = []
        trailer_at: int | None = None
        # A file whose header was forgotten starts with a detail line: it counts as one.
        body = 0 if self._lines[0].startswith(_DETAILS) else 1
        for number, octets in enumerate(self._lines[body:], start=body + 1):
            if trailer_at is not None:
                self._find(number, f"stands after the trailer in line {trailer_at}")
                continue
            record = self._record(number, octets)
            if record is None:
                self._details += 1
                self._total_paise = None
            elif record[0] == "T":
                trailer_at = number
                self._trailer(number, record)
            else:
                detail = self._detail(number, record, header)
                if detail is not None:
                    details.append(detail)
        if trailer_at is None:
            self._find(len(self._lines), "the file ends without a trailer")
        if header is None or self._findings:
            raise FundFileError(self._findings)
        file_id, oem, made_on = header
        return FundFile(file_id, oem, made_on, tuple(details))

    def _header(self) -> tuple[str, str, date] | None:
        forgotten = self._lines[0].startswith(_DETAILS)
        record = None if forgotten else self._record(1, self._lines[0])
        if forgotten or (record is not None and record[0] != "H"):
            self._find(1, "the file does not start with a header (H)")
            return None
        if record is None:
            return None
        if record[1:3] != [FORMAT, VERSION]:
            # Another version may mean anything by its lines: say this and no more.
            told = "|".join(record[1:3])
            reason = f"the format is {told!r}; read here is {FORMAT}|{VERSION}"
            raise FundFileError([Finding(1, reason)])
        values = self._fields(1, record, 3, HEADER)
        if values is None or len(values) < len(HEADER):
            return None
        return values["file_id"], values["oem"], values["made_on"]

    def _detail(
        self, number: int, record: list[str], header: tuple[str, str, date] | None
    ) -> DetailLine | None:
        self._details += 1
        columns = {"D": DEPOSIT, "C": CORRECTION}.get(record[0])
        if columns is None:
            self._total_paise = None
            reason = "a second header" if record[0] == "H" else "an unknown record type"
            self._find(number, f"{reason}: a detail line starts with D or C")
            return None
        values = self._fields(number, record, 1, columns)
        amount_paise = None if values is None else values.get("amount_paise")
        if amount_paise is None or self._total_paise is None:
            self._total_paise = None
        else:
            self._total_paise += amount_paise
        if values is None:
            return None
        line_id = values.get("line_id")
        if line_id is not None:
            first = self._number_by_line_id.setdefault(line_id, number)
            if first != number:
                self._find(number, f"line id {line_id} stands in line {first} already")
        if len(values) < len(columns):
            return None
        corrects = None
        if record[0] == "C":
            corrects = LineReference(
                values.pop("corrects_file_id"), values.pop("corrects_line_id")
            )
        detail = DetailLine(**values, corrects=corrects)
        self._check(number, detail, header)
        return detail

    def _check(
        self, number: int, detail: DetailLine, header: tuple[str, str, date] | None
    ) -> None:
        """Compare the fields of a line with each other and with the header."""
        if detail.corrects is None and detail.amount_paise <= 0:
            self._find(number, "amount: a deposit is more than 0.00")
        if detail.available_from < detail.value_date:
            self._find(
                number,
                f"available from {detail.available_from} is before the value date "
                f"{detail.value_date}",
            )
        if header is None:
            return
        file_id, _, made_on = header
        if detail.value_date > made_on:
            self._find(
                number,
                f"the value date {detail.value_date} is after the date of the file, "
                f"{made_on}",
            )
        if detail.corrects is not None and detail.corrects.file_id == file_id:
            self._find(number, "a correction names a line of an earlier file")

    def _trailer(self, number: int, record: list[str]) -> None:
        values = self._fields(number, record, 1, TRAILER)
        if values is None:
            return
        count, total_paise = values.get("count"), values.get("total_paise")
        if count is not None and count != self._details:
            self._find(
                number,
                f"the trailer counts {count} detail lines, there are {self._details}",
            )
        known = self._total_paise
        if known is not None and abs(known) > AMOUNT_PAISE_MAX:
            self._find(number, "the amounts add up to more than can be held")
        elif known is not None and total_paise is not None and total_paise != known:
            self._find(
                number,
                f"the trailer's total is {write_amount(total_paise)}, the lines add up "
                f"to {write_amount(known)}",
            )

    def _record(self, number: int, octets: bytes) -> list[str] | None:
        """Cut a line into fields; None, with a finding, if it is no text."""
        if len(octets) > LINE_OCTETS_MAX:
            self._find(number, f"the line has more than {LINE_OCTETS_MAX} octets")
            return None
        if octets.startswith(_BYTE_ORDER_MARK):
            self._find(number, "the line starts with a byte order mark")
            return None
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError as error:
            self._find(number, f"octet {error.start + 1} of the line is not UTF-8")
            return None
        if not text:
            self._find(number, "the line is empty")
            return None
        wrong = first_forbidden(text)
        if wrong is not None:
            shown = f"U+{ord(wrong):04X}"
            hint = ": lines end with a line feed alone" if wrong == "\r" else ""
            self._find(number, f"the character {shown} is not allowed{hint}")
            return None
        if not unicodedata.is_normalized("NFC", text):
            self._find(number, "the text is not in Unicode normal form NFC")
            return None
        return text.split("|")

    def _fields(
        self, number: int, record: list[str], start: int, columns: "Columns"
    ) -> dict[str, Any] | None:
        """Read the fields of a record; those that cannot be read are left out."""
        needed = start + len(columns)
        if len(record) != needed:
            self._find(
                number,
                f"a record {record[0]} has {needed} fields, here are {len(record)}",
            )
            return None
        values: dict[str, Any] = {}
        for (name, read), text in zip(columns, record[start:], strict=True):
            try:
                values[name] = read(text)
            except FieldError as error:
                words = name.removesuffix("_paise").replace("_", " ")
                self._find(number, f"{words}: {error}")
        return values

    def _find(self, number: int, reason: str) -> None:
        self._findings.append(Finding(number, reason))


def _fields_of(line: DetailLine) -> tuple[str, ...]:
    fields = (
        "D" if line.corrects is None else "C",
        line.line_id,
        line.licence,
        line.licence_number,
        line.licensee,
        write_amount(line.amount_paise),
        line.mode.value,
        line.value_date.isoformat(),
        line.available_from.isoformat(),
    )
    if line.corrects is None:
        return fields
    return (*fields, line.corrects.file_id, line.corrects.line_id)
