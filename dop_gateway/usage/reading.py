"""Dial-ins out of a usage file: names of fields are known here, and nowhere else."""

from collections.abc import Iterator
from typing import Any

from dop_gateway.usage.model import DialIn, FailedDialIn
from protocol.exchange import ExchangeFile
from protocol.messages import UsageRow
from protocol.values import Paise

DIAL_IN = "dial_in"
PRODUCT = "product"
FAILED = "failed"


def read_dial_ins(file: ExchangeFile) -> Iterator[DialIn]:
    """Give the dial-ins of a file whose structure is right, each with its products."""
    products: dict[str, list[UsageRow]] = {}
    for line in file.lines:
        if line.record == PRODUCT:
            values: Any = line.values
            products.setdefault(values["dial_in_line_id"], []).append(
                UsageRow(
                    values["product_class"],
                    values["items"],
                    Paise(values["amount_paise"]),
                )
            )
    for line in file.lines:
        if line.record == DIAL_IN:
            yield _dial_in(line.values, products)


def read_failed(file: ExchangeFile) -> Iterator[FailedDialIn]:
    """Give the dial-ins that failed."""
    for line in file.lines:
        if line.record == FAILED:
            values: Any = line.values
            yield FailedDialIn(
                line_id=values["line_id"],
                licence=values["licence"],
                licence_number=values["licence_number"],
                at=values["at"],
                code=values["code"],
                words=values["words"],
            )


def _dial_in(values: Any, products: dict[str, list[UsageRow]]) -> DialIn:
    line_id = values["line_id"]
    return DialIn(
        line_id=line_id,
        licence=values["licence"],
        licence_number=values["licence_number"],
        number=values["dial_in"],
        at=values["at"],
        ascending_paise=values["ascending_paise"],
        descending_paise=values["descending_paise"],
        control_total_paise=values["control_total_paise"],
        items=values["items"],
        statement=values["statement"],
        binding=values["binding"],
        products=tuple(products.get(line_id, ())),
    )
