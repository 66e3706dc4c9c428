"""Dial-ins that failed: the Department is told what they asked for and did not get.

- Nothing is written for it: what a machine signed, and what it was answered, say how
  its dial-in ended, also after the server was killed in the middle of it.
- So only a dial-in is told whose STATEMENT verified and was judged. Whoever has proved
  nothing, or was ended by an ERROR before, stands in counters and log alone
  (CHAN-9.1): anybody can make such calls, in any machine's name.
- A machine that dials all day has its first failures told one by one, and the others
  by their number.

Source: RMFS-40; SPEC.md DLG-8.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from protocol.dialogue.server import Delivered
from protocol.messages import Refusal, RefusalCode, Voucher
from protocol.values import Paise, show_rupees
from rmfs_server.exchange.wording import WORDS_MAX, fit_words
from rmfs_server.store import messages
from rmfs_server.store.messages import Answer
from rmfs_server.store.told_items import StatementItem

NO_CONFIRMATION: Final = "NO_CONFIRMATION"
"""A voucher went, and the dial-in ended without the machine's word. A name of ours."""
TOLD_ONE_BY_ONE: Final = 19
"""Of a machine, in one file; all behind them are one line more."""
_IN_FULL: Final[Mapping[RefusalCode, str]] = {
    RefusalCode.AMOUNT_STEP: "the amount is not in steps that can be downloaded",
    RefusalCode.FUNDS_SHORT: "more was asked for than is left of what was paid in",
    RefusalCode.FUNDS_NOT_YET_AVAILABLE: "enough is paid in, but not available yet",
    RefusalCode.AMOUNT_LIMIT: "the amount is not possible for this machine",
    RefusalCode.LICENCE_BLOCKED: "the licence is blocked",
    RefusalCode.LICENCE_WITHHELD: "the licence is withheld",
    RefusalCode.LICENCE_CANCELLED: "the licence is cancelled",
    RefusalCode.LICENCE_EXPIRED: "the licence has expired",
    RefusalCode.MACHINE_STATE: "the machine's state allows no such request",
    RefusalCode.KIND_NOT_OFFERED: "a refund is not allowed",
    RefusalCode.CONTROL_TOTAL_SUM: "the registers do not agree with each other",
    RefusalCode.CONTROL_TOTAL_HISTORY: "CT is not the sum of what was credited",
    RefusalCode.ASCENDING_BACK: "AR went back",
    RefusalCode.ITEMS_BACK: "a counter of items went back",
    RefusalCode.MARK_WRONG: "another machine has used this identity",
    RefusalCode.NUMBER_AHEAD: "the machine has a voucher that the books do not know",
    RefusalCode.NUMBER_BEHIND: "the machine's memory is older than its last voucher",
    RefusalCode.USAGE_MISMATCH: "what it says to have franked does not fit AR",
    RefusalCode.ACCOUNT_FROZEN: "an earlier discrepancy is not resolved",
}
_WITH_AMOUNT: Final = frozenset(
    {RefusalCode.FUNDS_SHORT, RefusalCode.FUNDS_NOT_YET_AVAILABLE}
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a dial-in failed: a name for programs, and words for people."""

    code: str
    words: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A dial-in that failed.

    Attributes:
        line_id: The line that tells its registers, if one does.
    """

    item: StatementItem
    failure: Failure
    line_id: str | None


def may_still_end_well(item: StatementItem) -> bool:
    """Say whether a voucher was sent, and no word of the machine has come yet."""
    answer = messages.decode_answer(item.heard.answer)
    return isinstance(answer, Delivered) and item.confirmed_with is None


def failure_of(item: StatementItem) -> Failure | None:
    """Say why a dial-in failed that is over; None if it did not."""
    answer = messages.decode_answer(item.heard.answer)
    if isinstance(answer, Delivered):
        if item.confirmed_with is None:
            return _unconfirmed(answer)
        answer = messages.decode_answer(item.confirmed_with)
    refusal = _refusal_in(answer)
    if refusal is not None:
        return refused(refusal.code, refusal.allowed_paise)
    if item.usage_refused:
        return refused(RefusalCode.USAGE_MISMATCH, Paise(0))
    return None


def refused(code: RefusalCode, allowed: Paise) -> Failure:
    """Say that a REFUSAL was the answer.

    Args:
        code: Why.
        allowed: What could be had instead, where it is about funds.
    """
    words = _IN_FULL[code]
    if code in _WITH_AMOUNT:
        words = f"{words}; {show_rupees(allowed)} could be had"
    return Failure(code.name, words)


def told_together(of_one_machine: list[Failed]) -> tuple[list[Failed], str]:
    """Bound what is told of one machine in one file.

    Args:
        of_one_machine: Its failures, the oldest first; one at least.

    Returns:
        Those that are told in a line each, and the words of the last of these lines.
    """
    told = of_one_machine[: TOLD_ONE_BY_ONE + 1]
    words = told[-1].failure.words
    more = len(of_one_machine) - len(told)
    if not more:
        return told, words
    counted = f"; {more} more failed since and are told by this number alone"
    return told, fit_words(words, characters_max=WORDS_MAX - len(counted)) + counted


def _refusal_in(answer: Answer) -> Refusal | None:
    if isinstance(answer, Delivered):
        return None
    return answer.refusal


def _unconfirmed(answer: Delivered) -> Failure:
    voucher = Voucher.decode(answer.voucher)
    words = (
        f"{voucher.kind.name} {voucher.recharge_number} of "
        f"{show_rupees(voucher.amount_paise)} was sent, and the machine's word that it "
        "has it did not come in this dial-in"
    )
    return Failure(NO_CONFIRMATION, words)
