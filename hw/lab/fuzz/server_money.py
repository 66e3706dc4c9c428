"""Money of a server under test, judged from the line alone, for one of its machines.

Whatever the machine of the bench has said, a number has one voucher (and one VOID, if
somebody took it back), for what was asked under it; all vouchers together are covered
by what was brought; and a RECEIPT tells what is left of that.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.vouchers import (
    RECHARGE,
    REFUND,
    VOID,
    WITHDRAWAL,
    Holder,
    Standing,
    Voucher,
    is_signed,
    read_voucher,
)
from hw.lab.fuzz.wire import Did, Passed
from hw.lab.side import number, octets
from protocol.messages import MessageType
from protocol.messages.codec import FieldValue

STEP_PAISE: Final = 10_000
"""Downloads are multiples of Rs 100 (DLG-8, AMOUNT_STEP)."""
_DISCREPANCY: Final = 32
_INSPECTION: Final = 0


@dataclass(slots=True)
class _Number:
    """What is known of one recharge number.

    Attributes:
        asked: Kinds and amounts that were stated under it.
        vouchers: What came for it, by kind.
    """

    asked: set[tuple[int, int]] = field(default_factory=set)
    vouchers: dict[int, Voucher] = field(default_factory=dict)

    def effects(self) -> set[int]:
        """By how much it may have changed CT, once it is settled."""
        return {one.effect for one in self.vouchers.values()}


class ServerMoney:
    """Follows the account of one machine."""

    def __init__(self, holder: Holder, start: Standing, funds_paise: int) -> None:
        """Begin.

        Args:
            holder: The machine, and the server's credit keys.
            start: How it stands at first.
            funds_paise: What is left at the server at first.
        """
        self._holder = holder
        self._start = start
        self._brought = self._brought_at_last = funds_paise
        self._numbers: dict[int, _Number] = {}
        self._stated: dict[int, Mapping[str, FieldValue]] = {}
        self._unanswered: set[int] = set()
        self._accepted = (0, 0, 0)
        self._frozen_in = 0
        self._is_taken_back = False
        self._has_two_calls = False

    def findings(self, passed: Iterable[Did | Passed]) -> Iterator[Finding]:
        """Judge what passed."""
        for one in passed:
            if isinstance(one, Did):
                self._did(one.text.split())
            elif one.from_machine:
                self._said(one)
            else:
                yield from self._came(one)

    def _did(self, words: list[str]) -> None:
        match words:
            case ["ask", "fund", paise, *when]:
                self._brought_at_last += int(paise)
                self._brought += 0 if when else int(paise)
            case ["ask", "void" | "licence" | "expire" | "revoke", *_]:
                # Whoever closes a licence may take back what is outstanding.
                self._is_taken_back = True
            case ["dial", *more] if "beside" in more:
                self._has_two_calls = True

    def _said(self, one: Passed) -> None:
        fields = one.packet.fields
        if one.message is not MessageType.STATEMENT or one.packet.wrong:
            return
        if octets(fields, "licence") != self._holder.licence:
            return
        self._stated[one.channel] = fields
        asked = number(fields, "request"), number(fields, "amount_paise")
        if asked[0] != _INSPECTION:
            due = number(fields, "recharge_number") + 1
            self._number(due).asked.add(asked)
            self._unanswered.add(one.channel)

    def _number(self, recharge_number: int) -> _Number:
        return self._numbers.setdefault(recharge_number, _Number())

    def _came(self, one: Passed) -> Iterator[Finding]:
        stated = self._stated.get(one.channel)
        if stated is None:
            return
        fields = one.packet.fields
        match one.message:
            case MessageType.VOUCHER:
                self._unanswered.discard(one.channel)
                voucher = read_voucher(one.packet.body or b"")
                if voucher is not None:
                    yield from self._voucher(voucher, stated)
                yield from self._accept(stated, one.channel)
            case MessageType.RECEIPT:
                self._unanswered.discard(one.channel)
                yield from self._receipt(fields)
                yield from self._accept(stated, one.channel)
            case MessageType.REFUSAL:
                self._unanswered.discard(one.channel)
                if number(fields, "code") >= _DISCREPANCY:
                    self._frozen_in = one.channel

    def _accept(
        self, stated: Mapping[str, FieldValue], channel: int
    ) -> Iterator[Finding]:
        """Judge what the server took for good: registers that do not go back."""
        names = ("ascending_paise", "items", "items_with_zero")
        now = tuple(number(stated, name) for name in names)
        before = self._accepted
        if any(one < least for one, least in zip(now, before, strict=True)):
            yield _money("REG-3", "registers that went back were accepted")
        self._accepted = (now[0], now[1], now[2])
        total = number(stated, "control_total_paise")
        if now[0] + number(stated, "descending_paise") != total:
            yield _money("REG-5.2", "AR + DR is not CT, and the server goes on")
        # A call that was open already may end as it began.
        if 0 < self._frozen_in < channel and not self._has_two_calls:
            yield _money("REG-9", "a frozen account is served")

    def _voucher(
        self, voucher: Voucher, stated: Mapping[str, FieldValue]
    ) -> Iterator[Finding]:
        if not is_signed(voucher, self._holder):
            yield _money("DLG-5", "a voucher's signature does not verify")
        if voucher.licence != self._holder.licence:
            yield _money("REG-6", "a voucher is made out to another licence")
        known = self._number(voucher.number)
        before = known.vouchers.get(voucher.kind)
        if before is not None and before.octets != voucher.octets:
            yield _money("REG-7.1", "two vouchers have one number")
        if before is None:
            yield from self._granted(voucher, known, stated)
        known.vouchers.setdefault(voucher.kind, voucher)
        if voucher.number != number(stated, "recharge_number") + 1:
            yield _money("REG-8", "a voucher has not the number that is due")
        if voucher.before != number(stated, "control_total_paise"):
            yield _money("REG-6", "CT before is not the one that was stated")
        if voucher.after != voucher.before + voucher.effect:
            yield _money("REG-4", "CT after does not follow from the amount")

    def _granted(
        self, voucher: Voucher, known: _Number, stated: Mapping[str, FieldValue]
    ) -> Iterator[Finding]:
        """Judge a voucher that is seen for the first time."""
        if voucher.kind == VOID:
            if not self._is_taken_back:
                yield _money("REG-7.2", "a VOID came, and nobody took anything back")
            return
        if any(kind != VOID for kind in known.vouchers):
            yield _money("REG-8", "two vouchers of two kinds have one number")
        if (voucher.kind, voucher.amount) not in known.asked:
            yield _money("DLG-5", "a voucher is not for what was asked")
        descending = number(stated, "descending_paise")
        fits = {
            RECHARGE: voucher.amount > 0 and voucher.amount % STEP_PAISE == 0,
            WITHDRAWAL: voucher.amount == descending,
            REFUND: 0 < voucher.amount <= descending,
        }
        if not fits[voucher.kind]:
            yield _money("DLG-8", "a voucher is granted for an amount that must not be")
        settled = voucher.number - 1
        if voucher.before not in self._totals(settled):
            words = f"CT {voucher.before} does not follow from the vouchers before"
            yield _money("REG-5", words)
        known.vouchers[voucher.kind] = voucher
        if voucher.kind == RECHARGE and self._most_left(settled) < 0:
            yield _money("REG-8", "more is granted than was ever brought and returned")

    def _totals(self, settled: int) -> set[int]:
        """Say which CT a machine may have that has applied so many vouchers."""
        totals = {self._start.control_total}
        for one in range(self._start.number + 1, settled + 1):
            effects = self._numbers[one].effects() if one in self._numbers else set()
            if not effects:
                # It was granted, and never seen: its STATEMENT got no answer.
                asked = self._numbers[one].asked if one in self._numbers else set()
                effects = {kind_effect(*wish) for wish in asked} | {0}
            totals = {total + effect for total in totals for effect in effects}
        return totals

    def _most_left(self, settled: int) -> int:
        """Say how much may be left at most, with all that is granted taken off."""
        left = self._brought_at_last
        for recharge_number, known in self._numbers.items():
            if VOID in known.vouchers:
                continue
            for voucher in known.vouchers.values():
                if voucher.kind == RECHARGE:
                    left -= voucher.amount
                elif recharge_number <= settled:
                    left += voucher.amount
        return left

    def _receipt(self, fields: Mapping[str, FieldValue]) -> Iterator[Finding]:
        """Judge what a RECEIPT says is left, where nothing is in doubt."""
        settled = number(fields, "recharge_number")
        unsure = self._unanswered or self._is_taken_back or self._has_two_calls
        if unsure or self._brought != self._brought_at_last:
            return
        due = range(self._start.number + 1, settled + 1)
        seen = [self._numbers[one] for one in due if one in self._numbers]
        if len(seen) < len(due) or not all(one.vouchers for one in seen):
            return
        left = self._brought - sum(sum(one.effects()) for one in seen)
        told = number(fields, "funds_paise")
        if told != left:
            yield _money("DLG-7.5", f"a RECEIPT tells of {told} paise, {left} are left")


def kind_effect(request: int, amount: int) -> int:
    """Say what a request changes in CT once it is granted and applied."""
    return amount if request == RECHARGE else -amount


def _money(clause: str, reason: str) -> Finding:
    return Finding(Oracle.MONEY, clause, reason)
