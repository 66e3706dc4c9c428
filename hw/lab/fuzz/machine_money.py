"""Money of a machine under test, judged from the line alone.

What the machine stands at is a set: each valid voucher that reached it as the answer to
its STATEMENT may have been applied or not. What it states next has to be one of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.vouchers import (
    Holder,
    Standing,
    Voucher,
    applied,
    fault_of,
    read_voucher,
)
from hw.lab.fuzz.wire import Did, Passed
from hw.lab.side import number
from protocol.messages import MessageType
from protocol.registers import MachineState

_ELECTIVE = range(0x40, 0x80)


class MachineMoney:
    """Follows the registers of one machine."""

    def __init__(self, holder: Holder, known: Standing | None) -> None:
        """Begin.

        Args:
            holder: The machine, and the credit keys that it may know.
            known: How it stood before, or None: what it states first is believed.
        """
        self._holder = holder
        self._possible = set() if known is None else {known}
        self._ascending = 0 if known is None else known.ascending
        self._refused: list[tuple[Voucher, str]] = []
        self._answered: set[int] = set()
        self._records: dict[int, int] = {}
        self._is_in_fault = False

    def findings(self, passed: Iterable[Did | Passed]) -> Iterator[Finding]:
        """Judge what passed."""
        for one in passed:
            if not isinstance(one, Passed):
                continue
            if one.from_machine:
                if one.message in {MessageType.STATEMENT, MessageType.CONFIRMATION}:
                    yield from self._stated(one)
            elif one.packet.body is not None:
                self._brought(one, one.packet.body)

    def _brought(self, one: Passed, body: bytes) -> None:
        """Take what the bench has said: a voucher has a place once in a dialogue."""
        is_next = one.packet.counter == self._records.get(one.channel, 0)
        self._records[one.channel] = self._records.get(one.channel, 0) + 1
        has_place = is_next and one.channel not in self._answered
        if body[0] not in _ELECTIVE or not is_next:
            self._answered.add(one.channel)
        voucher = read_voucher(body)
        if voucher is None:
            return
        for standing in tuple(self._possible):
            fault = fault_of(voucher, self._holder, standing)
            if not fault and has_place:
                self._possible.add(applied(voucher, standing))
            else:
                self._refused.append((voucher, fault or "it came out of place"))

    def _stated(self, one: Passed) -> Iterator[Finding]:
        fields = one.packet.fields
        ascending = number(fields, "ascending_paise")
        descending = number(fields, "descending_paise")
        total = number(fields, "control_total_paise")
        stated = Standing(number(fields, "recharge_number"), ascending, total)
        in_fault = number(fields, "state") == MachineState.FAULT
        self._is_in_fault = self._is_in_fault or in_fault
        if ascending + descending != total and not self._is_in_fault:
            yield _money("REG-2", f"AR {ascending} + DR {descending} is not CT {total}")
        if ascending < self._ascending:
            yield _money("REG-3", f"AR fell from {self._ascending} to {ascending}")
        # Franks move value to AR between dialogues; a voucher never does.
        possible = {replace(one, ascending=ascending) for one in self._possible}
        if possible and stated not in possible:
            yield self._not_possible(stated)
        self._possible, self._refused = {stated}, []
        self._ascending = max(ascending, self._ascending)

    def _not_possible(self, stated: Standing) -> Finding:
        for voucher, fault in self._refused:
            for before in self._possible:
                after = applied(voucher, replace(before, ascending=stated.ascending))
                if after == stated:
                    return _money("REG-6", f"a voucher was applied: {fault}")
        if all(stated.number < one.number for one in self._possible):
            return _money("REG-3", f"the recharge number fell to {stated.number}")
        known = " or ".join(
            f"{one.control_total} after voucher {one.number}"
            for one in sorted(self._possible, key=lambda one: one.number)
        )
        words = f"CT is {stated.control_total} after voucher {stated.number}, not"
        return _money("REG-4", f"{words} {known}")


def _money(clause: str, reason: str) -> Finding:
    return Finding(Oracle.MONEY, clause, reason)
