"""The fund file: which deposits the Department has authenticated, for one OEM.

A deposit line brings an amount to the funds of a licence. A correction line names a
line of an earlier file and gives the difference. Whether a licence exists and an amount
obeys the deposit rules is not structure: the server judges that line by line, and a
wrong line does not hold up the others.

Source: docs/exchange-files.md; RMFS-13, RMFS-16 and RMFS-34 for what it must tell.
"""

import hashlib
import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import Enum
from typing import Any, Final

from protocol.exchange.file import (
    BY_HAND,
    DEPARTMENT,
    ExchangeFile,
    FileHeader,
    Line,
)
from protocol.exchange.layout import Layouts
from protocol.exchange.reading import read_file
from protocol.exchange.shipped import shipped_layouts
from protocol.exchange.spelling import Value
from protocol.exchange.writing import write_file
from protocol.parameters import INDIA
from protocol.values import EpochSeconds

FUND: Final = "fund"
"""Name of the layout."""
_DEPOSIT: Final = "deposit"
_CORRECTION: Final = "correction"


class PaymentMode(Enum):
    """How the licensee paid (RMFS-06 to RMFS-08, RMFS-19); NOTIONAL: nobody did."""

    NETBANKING = "NETBANKING"
    SBI_CASH = "SBI_CASH"
    SBI_CHEQUE = "SBI_CHEQUE"
    SBI_DRAFT = "SBI_DRAFT"
    PO_CASH = "PO_CASH"
    PO_CHEQUE = "PO_CHEQUE"
    PO_DRAFT = "PO_DRAFT"
    PORTAL_UPI = "PORTAL_UPI"
    NOTIONAL = "NOTIONAL"


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
        number: Line number in the file; 0 in a line that was not read.
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
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class FundFile:
    """One fund file.

    Attributes:
        header: Who sent it to whom, and which one it is.
        lines: Detail lines in their order; there may be none (RMFS-35).
    """

    header: FileHeader
    lines: tuple[DetailLine, ...]

    @classmethod
    def by_hand(
        cls, file_id: str, oem: str, made_on: date, lines: tuple[DetailLine, ...]
    ) -> "FundFile":
        """Make one outside the windows: dated the first second of its day."""
        midnight = datetime.combine(made_on, time(), INDIA)
        header = FileHeader(
            file_id=file_id,
            sender=DEPARTMENT,
            receiver=oem,
            sequence=0,
            business_date=made_on,
            window=BY_HAND,
            made_at=EpochSeconds(int(midnight.timestamp())),
        )
        return cls(header, lines)

    @property
    def file_id(self) -> str:
        """Never used again for another content."""
        return self.header.file_id

    @property
    def oem(self) -> str:
        """Letter of the OEM that it is for."""
        return self.header.receiver

    @property
    def total_paise(self) -> int:
        """Sum of all amounts, corrections with their sign."""
        return sum(line.amount_paise for line in self.lines)


def content_hash(octets: bytes) -> bytes:
    """Give the SHA-256 of a file's octets: what tells two files of one id apart."""
    return hashlib.sha256(octets).digest()


def encode_fund_file(fund_file: FundFile, layouts: Layouts | None = None) -> bytes:
    """Write a fund file, without a signature.

    Args:
        fund_file: What it tells.
        layouts: Of the deployment; None for those of this product.

    Raises:
        LocalProtocolError: The file would not be read back as it is. The message holds
            the findings.
    """
    layout = (layouts or shipped_layouts())[FUND]
    lines = [_written(line) for line in fund_file.lines]
    return write_file(layout, fund_file.header.values(), lines)


def parse_fund_file(octets: bytes, layouts: Layouts | None = None) -> FundFile:
    """Read a fund file; its signature is checked by `check_signature`.

    Args:
        octets: The whole file.
        layouts: Of the deployment; None for those of this product.

    Raises:
        ExchangeFileError: The structure is wrong; it holds every finding.
    """
    return fund_file_of(read_file((layouts or shipped_layouts())[FUND], octets))


def fund_file_of(file: ExchangeFile) -> FundFile:
    """Understand a file that was read by the layout `FUND`."""
    return FundFile(FileHeader.of(file), tuple(map(_understood, file.lines)))


def same_licensee(one: str, other: str) -> bool:
    """Say whether two spellings name the same licensee.

    Letter case and the amount of white space do not count, everything else does: both
    are brought to NFC, case-folded, brought to NFC again, and every run of white space
    becomes one space.
    """
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    once = unicodedata.normalize("NFC", name).casefold()
    return " ".join(unicodedata.normalize("NFC", once).split())


_PLAIN: Final = (
    "line_id",
    "licence",
    "licence_number",
    "licensee",
    "amount_paise",
    "value_date",
    "available_from",
)
"""Names that a line of the file and a `DetailLine` share."""


def _understood(line: Line) -> DetailLine:
    values: dict[str, Any] = {name: line.values[name] for name in _PLAIN}
    told: dict[str, Any] = dict(line.values)
    corrects = None
    if line.record == _CORRECTION:
        corrects = LineReference(told["corrects_file_id"], told["corrects_line_id"])
    mode = PaymentMode(told["mode"])
    return DetailLine(**values, mode=mode, corrects=corrects, number=line.number)


def _written(line: DetailLine) -> Line:
    values: dict[str, Value] = {name: getattr(line, name) for name in _PLAIN}
    values["mode"] = line.mode.value
    if line.corrects is None:
        return Line(_DEPOSIT, values)
    values["corrects_file_id"] = line.corrects.file_id
    values["corrects_line_id"] = line.corrects.line_id
    return Line(_CORRECTION, values)
