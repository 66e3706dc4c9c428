"""Write the file of one day that the e-Payment Central Server hands over (RMFS-24)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dop_gateway.accounting.model import Outcome
from protocol.exchange import FileHeader, Layout, Line, Value, write_file
from protocol.values import EpochSeconds, Paise


@dataclass(frozen=True, slots=True)
class CounterReceipt:
    """A payment at a counter, of a day that has ended."""

    reference: str
    office: str
    office_pin: str
    at: EpochSeconds
    licence: str
    licence_number: str
    licensee: str
    amount_paise: Paise
    mode: str
    instrument: str = ""
    instrument_bank: str = ""


@dataclass(frozen=True, slots=True)
class ChequeOutcome:
    """What became of the cheque or draft of a receipt."""

    reference: str
    outcome: Outcome
    on: date
    words: str = ""


def write_day(
    layout: Layout,
    header: FileHeader,
    receipts: Iterable[CounterReceipt],
    outcomes: Iterable[ChequeOutcome],
) -> bytes:
    """Write the file, without a signature.

    Raises:
        LocalProtocolError: A value cannot be written.
    """
    lines: list[Line] = []
    for one in receipts:
        values: dict[str, Value] = {
            "line_id": f"{len(lines) + 1}",
            "reference": one.reference,
            "office": one.office,
            "office_pin": one.office_pin,
            "at": int(one.at),
            "licence": one.licence,
            "licence_number": one.licence_number,
            "licensee": one.licensee,
            "amount_paise": int(one.amount_paise),
            "mode": one.mode,
            "instrument": one.instrument or None,
            "instrument_bank": one.instrument_bank or None,
        }
        lines.append(Line("receipt", values))
    for cheque in outcomes:
        told: dict[str, Value] = {
            "line_id": f"{len(lines) + 1}",
            "reference": cheque.reference,
            "outcome": cheque.outcome.name,
            "on": cheque.on,
            "words": cheque.words or None,
        }
        lines.append(Line("instrument", told))
    return write_file(layout, header.values(), lines)
