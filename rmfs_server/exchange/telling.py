"""The lines of our files: what happened, with the octets that machines signed.

A line is made of a row that waits, of what is stored beside it and of nothing else, so
that the Department can check it with the machine's key.

Source: RMFS-29, RMFS-32, RMFS-33, RMFS-40; docs/exchange-files.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from protocol.dialogue.server import Frozen
from protocol.exchange import Layout, Line
from protocol.messages import Confirmation, Statement, UsageRow
from protocol.registers import Registers
from protocol.usage import usage_digest
from protocol.values import EpochSeconds, LicenceIdentifier
from rmfs_server.exchange.failing import (
    Failed,
    failure_of,
    may_still_end_well,
    told_together,
)
from rmfs_server.exchange.wording import fit_words
from rmfs_server.store import messages, told_items, usage
from rmfs_server.store.messages import Heard
from rmfs_server.store.recharges import Recharge
from rmfs_server.store.schema import RechargeState, SignedKind, TellingKind
from rmfs_server.store.told_items import (
    DiscrepancyItem,
    SettledItem,
    StatementItem,
)

CALL_OVER_S: Final = 3_600
"""A call that has not told its usage by then never will: its line was lost."""
LINES_OF_A_DIAL_IN: Final = 9
"""Classes of postage that a machine has at most, with some to spare, and a failure."""
FAILED: Final = "failed"
"""The record that tells why; a deployment's layout may have none."""
VOUCHERS_MAX: Final = 20_000
"""In one file: some 20 MB with their octets. The next file tells the others."""


@dataclass
class Told:
    """The lines of one file, and the rows that they tell.

    Attributes:
        items: Ids of rows, each with the line that tells it; None if there is nothing
            to tell of it.
    """

    lines: list[Line] = field(default_factory=list)
    items: list[tuple[int, str | None]] = field(default_factory=list)

    def add(self, record: str, values: Mapping[str, Any]) -> str:
        """Add a line, and give its id."""
        line_id = str(len(self.lines) + 1)
        self.lines.append(Line(record, {"line_id": line_id, **values}))
        return line_id


class Teller:
    """Makes lines in the transaction that keeps the files."""

    def __init__(self, connection: Connection, now: EpochSeconds) -> None:
        """Read with this connection."""
        self._connection = connection
        self._now = now

    def credit_download(self, layout: Layout) -> Told:
        """Tell vouchers that were settled, each with the machine's word."""
        told = Told()
        for item in told_items.settled(self._connection, _bounded(layout)):
            heard = self._word(item.recharge)
            if heard is not None:
                line_id = told.add("download", _download(item, heard))
                told.items.append((item.identity, line_id))
        return told

    def usage(self, layout: Layout) -> Told:
        """Tell dial-ins: registers that were accepted, what was franked, failures."""
        told = Told()
        failed: dict[LicenceIdentifier, list[Failed]] = {}
        limit = layout.lines_max // LINES_OF_A_DIAL_IN
        for item in told_items.statements(self._connection, limit):
            if may_still_end_well(item) and not self._is_over(item):
                continue
            line_id = None
            # What did not fit is told as a discrepancy, with the same octets.
            if not isinstance(messages.decode_answer(item.heard.answer), Frozen):
                statement = Statement.decode(item.heard.signed.octets)
                rows = self._usage_of(item, statement)
                if rows is None:
                    continue
                line_id = _tell_dial_in(told, item, statement, rows)
            failure = failure_of(item)
            if failure is not None and FAILED in layout.lines:
                one = Failed(item, failure, line_id)
                failed.setdefault(item.licence, []).append(one)
            else:
                told.items.append((item.identity, line_id))
        for of_one_machine in failed.values():
            _tell_failed(told, of_one_machine)
        return told

    def remaining_fund(self, _layout: Layout) -> Told:
        """Tell what every licence has."""
        told = Told()
        for one in told_items.remaining(self._connection):
            told.add(
                "balance",
                {
                    "licence": one.licence,
                    "licence_number": one.number,
                    "remaining_paise": one.remaining_paise,
                    "reserved_paise": one.reserved_paise,
                    "recharge_number": one.recharge_number,
                    "control_total_paise": one.control_total_paise,
                },
            )
        return told

    def discrepancy(self, layout: Layout) -> Told:
        """Tell what did not fit, and what a person settled without a machine's word."""
        told = Told()
        half = _bounded(layout) // 2
        for item in told_items.discrepancies(self._connection, half):
            found = item.kind is TellingKind.FOUND
            record, values = (
                ("found", _found(item))
                if found
                else ("resolved", _resolved(item, layout))
            )
            told.items.append((item.identity, told.add(record, values)))
        for settled in told_items.settled(self._connection, half):
            if self._word(settled.recharge) is None:
                line_id = told.add("settled", _settled(settled))
                told.items.append((settled.identity, line_id))
        return told

    def _word(self, recharge: Recharge) -> Heard | None:
        """Find what shows how a voucher ended: the message that settled it.

        Where a person settled it, that is the last one before; there may be none.
        """
        if recharge.settled_in is not None:
            return messages.find(self._connection, recharge.settled_in)
        at = recharge.settled_at or self._now
        return told_items.word_before(self._connection, recharge.licence, at)

    def _usage_of(
        self, item: StatementItem, statement: Statement
    ) -> list[UsageRow] | None:
        """Find the table that a STATEMENT signs; None while it may still come."""
        digest = statement.usage_digest
        if digest == usage_digest(()):
            return []
        reported = told_items.reported_usage(self._connection, item.licence, digest)
        if reported:
            return reported
        rows = [row for row in usage.read(self._connection, item.licence) if row.items]
        if usage_digest(rows) == digest:
            return rows
        return [] if self._is_over(item) else None

    def _is_over(self, item: StatementItem) -> bool:
        """Say whether nothing more can come of a dial-in."""
        old = self._now - item.heard.received_at > CALL_OVER_S
        return old or not item.is_newest


TELLERS: Final[Mapping[str, Callable[[Teller, Layout], Told]]] = {
    "credit-download": Teller.credit_download,
    "usage": Teller.usage,
    "remaining-fund": Teller.remaining_fund,
    "discrepancy": Teller.discrepancy,
}
"""Who makes the lines of each file."""


def _bounded(layout: Layout) -> int:
    return min(layout.lines_max, VOUCHERS_MAX)


def _registers(heard: Heard) -> Registers:
    octets = heard.signed.octets
    if heard.kind is SignedKind.CONFIRMATION:
        return Confirmation.decode(octets).registers
    return Statement.decode(octets).registers


def _download(item: SettledItem, heard: Heard) -> dict[str, Any]:
    recharge, registers = item.recharge, _registers(heard)
    before_paise = recharge.control_total_before_paise
    posted = recharge.state is RechargeState.POSTED
    void = recharge.voucher if recharge.void is None else recharge.void
    return {
        **_voucher(item),
        "at": heard.received_at,
        "control_total_before_paise": before_paise,
        "control_total_after_paise": recharge.control_total_after_paise
        if posted
        else before_paise,
        "ascending_paise": registers.ascending_paise,
        "descending_paise": registers.descending_paise,
        "items": registers.items,
        "message": heard.signed.octets,
        "binding": heard.signed.binding,
        "voucher": recharge.voucher if posted else void,
    }


def _settled(item: SettledItem) -> dict[str, Any]:
    return {
        **_voucher(item),
        "at": item.recharge.settled_at,
        "voucher": item.recharge.voucher,
    }


def _voucher(item: SettledItem) -> dict[str, Any]:
    recharge = item.recharge
    posted = recharge.state is RechargeState.POSTED
    return {
        "licence": item.licence,
        "licence_number": item.number,
        "recharge_number": recharge.number,
        "kind": recharge.kind.name if posted else "VOID",
        "amount_paise": recharge.amount_paise,
    }


def _tell_dial_in(
    told: Told, item: StatementItem, statement: Statement, rows: Sequence[UsageRow]
) -> str:
    """Tell a dial-in with its registers and products; gives the id of its line."""
    line_id = told.add("dial_in", _dial_in(item, statement))
    for row in rows:
        told.add(
            "product",
            {
                "dial_in_line_id": line_id,
                "product_class": row.product_class,
                "items": row.items,
                "amount_paise": row.amount_paise,
            },
        )
    return line_id


def _tell_failed(told: Told, of_one_machine: list[Failed]) -> None:
    """Tell what failed of one machine, the last line for all that have none."""
    singly, last_words = told_together(of_one_machine)
    line_id = ""
    for place, one in enumerate(singly, start=1):
        is_last = place == len(singly)
        line_id = told.add(
            FAILED,
            {
                "licence": one.item.licence,
                "licence_number": one.item.number,
                "at": one.item.heard.received_at,
                "code": one.failure.code,
                "words": last_words if is_last else one.failure.words,
            },
        )
        told.items.append((one.item.identity, one.line_id or line_id))
    for one in of_one_machine[len(singly) :]:
        told.items.append((one.item.identity, one.line_id or line_id))


def _dial_in(item: StatementItem, statement: Statement) -> dict[str, Any]:
    registers = statement.registers
    return {
        "licence": item.licence,
        "licence_number": item.number,
        "dial_in": statement.dial_in,
        "at": item.heard.received_at,
        "ascending_paise": registers.ascending_paise,
        "descending_paise": registers.descending_paise,
        "control_total_paise": registers.control_total_paise,
        "items": registers.items,
        "statement": item.heard.signed.octets,
        "binding": item.heard.signed.binding,
    }


def _found(item: DiscrepancyItem) -> dict[str, Any]:
    expected = item.expected
    return {
        **_discrepancy(item),
        "found_at": item.found_at,
        "recharge_number": expected.get("open_number"),
        "control_total_paise": expected.get("control_total_paise"),
        "message": None if item.message is None else item.message.octets,
        "binding": None if item.message is None else item.message.binding,
    }


def _resolved(item: DiscrepancyItem, layout: Layout) -> dict[str, Any]:
    def fitting(words: str | None, characters_max: int) -> str:
        return fit_words(words or "", layout.separator, characters_max)

    second = item.second_person
    return {
        **_discrepancy(item),
        "resolved_at": item.resolved_at,
        "resolution": item.resolution,
        "person": fitting(item.person, 80),
        "second_person": fitting(second, 80) if second else None,
        "words": fitting(item.reason, 300),
    }


def _discrepancy(item: DiscrepancyItem) -> dict[str, Any]:
    return {
        "licence": item.licence,
        "licence_number": item.number,
        "number": item.discrepancy,
        "code": item.code.name,
    }
