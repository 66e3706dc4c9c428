"""Credits out of files: names of fields are known here, and nowhere else."""

from collections.abc import Iterator
from typing import Any, Final

from dop_gateway.downloads.model import Download
from protocol.errors import RemoteProtocolError
from protocol.exchange import ExchangeFile
from protocol.messages import Voucher
from protocol.registers import VoucherKind
from protocol.values import Paise

_SETTLED: Final = "settled"


def read_downloads(file: ExchangeFile) -> Iterator[Download]:
    """Give the credits of a credit download file whose structure is right."""
    for line in file.lines:
        values: Any = line.values
        yield Download(
            line_id=values["line_id"],
            licence=values["licence"],
            licence_number=values["licence_number"],
            number=values["recharge_number"],
            kind=VoucherKind[values["kind"]],
            amount_paise=values["amount_paise"],
            at=values["at"],
            control_total_before_paise=values["control_total_before_paise"],
            control_total_after_paise=values["control_total_after_paise"],
            ascending_paise=values["ascending_paise"],
            descending_paise=values["descending_paise"],
            items=values["items"],
            message=values["message"],
            binding=values["binding"],
            voucher=values["voucher"],
        )


def read_settled(file: ExchangeFile) -> Iterator[Download]:
    """Give what people settled, out of a discrepancy file.

    CT before and after stand in the voucher; a voucher that cannot be read gives 0, and
    is objected to later.
    """
    for line in file.lines:
        if line.record == _SETTLED:
            yield _settled(line.values)


def _settled(values: Any) -> Download:
    before, after = _control_totals(values["voucher"])
    return Download(
        line_id=values["line_id"],
        licence=values["licence"],
        licence_number=values["licence_number"],
        number=values["recharge_number"],
        kind=VoucherKind[values["kind"]],
        amount_paise=values["amount_paise"],
        at=values["at"],
        control_total_before_paise=before,
        control_total_after_paise=after,
        ascending_paise=Paise(0),
        descending_paise=Paise(0),
        items=0,
        message=b"",
        binding=b"",
        voucher=values["voucher"],
    )


def _control_totals(octets: bytes) -> tuple[Paise, Paise]:
    try:
        voucher = Voucher.decode(octets)
    except RemoteProtocolError:
        return Paise(0), Paise(0)
    return voucher.control_total_before_paise, voucher.control_total_after_paise
