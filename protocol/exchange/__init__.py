"""Files that the Department of Posts and an OEM's recharge server exchange.

The Department's own layouts (Annexure F of its 2010 procedure) are not public: every
format in here is defined by this product, not by India Post, and carries a version.
"""

from protocol.exchange.fund_fields import PaymentMode, same_licensee, write_amount
from protocol.exchange.fund_file import (
    DetailLine,
    Finding,
    FundFile,
    FundFileError,
    LineReference,
    content_hash,
    encode_fund_file,
    parse_fund_file,
)

__all__ = [
    "DetailLine",
    "Finding",
    "FundFile",
    "FundFileError",
    "LineReference",
    "PaymentMode",
    "content_hash",
    "encode_fund_file",
    "parse_fund_file",
    "same_licensee",
    "write_amount",
]
