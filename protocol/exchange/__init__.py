"""Files that Department, OEMs, bank and post offices exchange.

Public names, in the order in which a program uses them:

- `shipped_layouts`, `read_layouts` (the `Layouts` of a deployment), `parse_layout`;
  `LayoutError` with every `Mistake`.
- `read_file` and `write_file` for any `Layout`: `ExchangeFile` with `Line`s;
  `ExchangeFileError` with every `Finding`. `FileHeader` is the header of all files.
- `sign_file`, `check_signature` (`Signed` or a `SignatureFault`), `is_signed`,
  `signed_part`.
- The fund file by its meaning: `FundFile`, `DetailLine`, `LineReference`,
  `PaymentMode`, `encode_fund_file`, `parse_fund_file`, `fund_file_of`,
  `same_licensee`, `content_hash`.

What a file tells is named in Python; how it stands in the octets is said by a layout,
which is data. The Department's own layouts (Annexure F of its 2010 procedure) are not
public: those in here are defined by this product, not by India Post, and carry a
version. docs/exchange-files.md describes them, and how to put others in their place.
"""

from protocol.exchange.file import (
    BY_HAND,
    DEPARTMENT,
    ExchangeFile,
    FileHeader,
    Line,
    SignatureLine,
)
from protocol.exchange.findings import FINDINGS_MAX, ExchangeFileError, Finding
from protocol.exchange.fund import (
    DetailLine,
    FundFile,
    LineReference,
    PaymentMode,
    content_hash,
    encode_fund_file,
    fund_file_of,
    parse_fund_file,
    same_licensee,
)
from protocol.exchange.layout import Layout, Layouts
from protocol.exchange.layout_file import parse_layout
from protocol.exchange.reading import read_file
from protocol.exchange.shipped import SHIPPED, read_layouts, shipped_layouts
from protocol.exchange.signing import (
    SignatureFault,
    Signed,
    check_signature,
    is_signed,
    sign_file,
    signed_part,
)
from protocol.exchange.spelling import Value, show_amount
from protocol.exchange.table_checks import LayoutError, Mistake
from protocol.exchange.writing import FileTooLongError, write_file

__all__ = [
    "BY_HAND",
    "DEPARTMENT",
    "FINDINGS_MAX",
    "SHIPPED",
    "DetailLine",
    "ExchangeFile",
    "ExchangeFileError",
    "FileHeader",
    "FileTooLongError",
    "Finding",
    "FundFile",
    "Layout",
    "LayoutError",
    "Layouts",
    "Line",
    "LineReference",
    "Mistake",
    "PaymentMode",
    "SignatureFault",
    "SignatureLine",
    "Signed",
    "Value",
    "check_signature",
    "content_hash",
    "encode_fund_file",
    "fund_file_of",
    "is_signed",
    "parse_fund_file",
    "parse_layout",
    "read_file",
    "read_layouts",
    "same_licensee",
    "shipped_layouts",
    "show_amount",
    "sign_file",
    "signed_part",
    "write_file",
]
