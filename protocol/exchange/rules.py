"""What the fields of a file mean together, beyond what a layout can say.

A rule is looked at once the structure of a file is right, by names alone; it holds in
every layout.

Source: docs/exchange-files.md; SOP chapter 6 as read in RMFS-34 (licence changes).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final

from protocol.exchange.file import ExchangeFile, Line
from protocol.exchange.findings import Findings
from protocol.exchange.spelling import show_amount

STANDING: Final = frozenset({"BLOCKED", "WITHHELD"})
"""Upon these a change tells the identifier and the status, and nothing else."""
_ALWAYS_TOLD: Final = frozenset({"line_id", "licence", "status"})


def _fund(file: ExchangeFile, findings: Findings) -> None:
    header: Mapping[str, Any] = file.header
    for line in file.lines:
        _deposit(line.number, line.values, header, findings)


def _deposit(
    number: int,
    values: Mapping[str, Any],
    header: Mapping[str, Any],
    findings: Findings,
) -> None:
    corrects = values.get("corrects_file_id")
    if corrects is None and values["amount_paise"] <= 0:
        findings.add(number, "a deposit is more than 0.00", "amount_paise")
    paid: date = values["value_date"]
    usable: date = values["available_from"]
    if usable < paid:
        reason = f"{usable} is before the value date {paid}"
        findings.add(number, reason, "available_from")
    made: date = header["business_date"]
    if paid > made:
        reason = f"{paid} is after the business date of the file, {made}"
        findings.add(number, reason, "value_date")
    if corrects is not None and corrects == header["file_id"]:
        reason = "a correction names a line of an earlier file"
        findings.add(number, reason, "corrects_file_id")


def _licence_modification(file: ExchangeFile, findings: Findings) -> None:
    for line in file.lines:
        told = {name for name, value in line.values.items() if value is not None}
        beside = sorted(told - _ALWAYS_TOLD)
        status = line.values["status"]
        if status in STANDING and beside:
            reason = f"upon {status} nothing else is told; here: {', '.join(beside)}"
            findings.add(line.number, reason, "status")


def _acknowledgement(file: ExchangeFile, findings: Findings) -> None:
    for line in file.lines:
        _verdict(line, findings)


def _verdict(line: Line, findings: Findings) -> None:
    if line.record != "file":
        return
    taken = line.values["verdict"] == "TAKEN"
    if taken == (line.values["code"] is not None):
        reason = "a code stands where a file is not taken whole, and only there"
        findings.add(line.number, reason, "code")


def _usage(file: ExchangeFile, findings: Findings) -> None:
    dial_ins: set[Any] = set()
    for line in file.lines:
        if line.record == "dial_in":
            dial_ins.add(line.values["line_id"])
        elif line.record == "product" and (
            line.values["dial_in_line_id"] not in dial_ins
        ):
            reason = "no dial-in before this line has this line id"
            findings.add(line.number, reason, "dial_in_line_id")


def _account_statement(file: ExchangeFile, findings: Findings) -> None:
    header: Mapping[str, Any] = file.header
    entries: Iterable[Any] = (line.values["amount_paise"] for line in file.lines)
    closing_paise = header["opening_paise"] + sum(entries)
    if closing_paise != header["closing_paise"]:
        told, found = map(show_amount, (header["closing_paise"], closing_paise))
        reason = f"{told} is told, opening balance and entries give {found}"
        findings.add(1, reason, "closing_paise")


RULES: Final[Mapping[str, Callable[[ExchangeFile, Findings], None]]] = {
    "account-statement": _account_statement,
    "acknowledgement": _acknowledgement,
    "fund": _fund,
    "license-modification": _licence_modification,
    "usage": _usage,
}
"""By name of the layout."""
