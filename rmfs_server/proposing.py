"""What is known of a frozen machine, and which action of a person it proposes.

The machine's last word is its last STATEMENT and what it confirmed after it; beside it
stand the voucher that it has presented and what of the usage did not fit. Nothing here
changes anything: `rmfs_server.resolving` carries out what a person then decides.

A mark that alone does not fit is that of a clone, or of a machine that is ahead of an
old copy; no evidence tells which. A person who knows that the books are an old copy
says so, and adopting it is then proposed.

Source: design section 4, no. 7; SPEC.md REG-9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from protocol.dialogue.server import Frozen
from protocol.messages import Confirmation, RefusalCode, Statement, Voucher
from protocol.registers import VoucherKind
from rmfs_server.judging import Case
from rmfs_server.presented import Lost, lost_before, read_presented
from rmfs_server.store import discrepancies, messages
from rmfs_server.store.discrepancies import Discrepancy
from rmfs_server.store.machines import Machine
from rmfs_server.store.recharges import Recharge
from rmfs_server.store.schema import SignedKind


class Action(Enum):
    """What a person decides."""

    POST = "post"
    REVERSE = "reverse"
    ADOPT = "adopt"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person looks at before deciding.

    Attributes:
        machine: The books as they stand.
        open_discrepancies: What did not fit.
        opened: The outstanding recharge.
        stated: The machine's last word: its last STATEMENT, with registers and number
            of the CONFIRMATION if one followed.
        presented: The voucher that it presented, if it is genuine and ahead of the last
            settled and the outstanding one.
        proposed: What fits the evidence, if one action does.
        why: The reason for the proposal, in a sentence.
    """

    machine: Machine
    open_discrepancies: tuple[Discrepancy, ...]
    opened: Recharge | None
    stated: Statement | None
    presented: Voucher | None
    proposed: Action | None
    why: str

    @property
    def lost(self) -> Lost | None:
        """What the books have lost before the presented voucher, if anything."""
        if self.presented is None:
            return None
        return lost_before(self.machine, self.presented)

    @property
    def effect_paise(self) -> int:
        """What the proposed action does to CT in the books, with its sign."""
        if self.proposed is not Action.POST:
            return 0
        if self.opened is not None:
            return self.opened.effect_paise
        if self.presented is None:
            return 0
        after = self.presented.control_total_after_paise
        return after - self.machine.control_total_paise


def collect(case: Case, *, old_copy: bool = False) -> Evidence:
    """Read what is known of a machine, and say what it proposes."""
    machine, connection = case.machine, case.connection
    stated = _last_word(case)
    presented = read_presented(case)
    found = Evidence(
        machine=machine,
        open_discrepancies=tuple(discrepancies.open_of(connection, machine.licence)),
        opened=case.opened,
        stated=stated,
        presented=presented,
        proposed=None,
        why="",
    )
    proposed, why = _proposal(found, old_copy=old_copy)
    return replace(found, proposed=proposed, why=why)


def _last_word(case: Case) -> Statement | None:
    stated = None
    for heard in messages.last_call(case.connection, case.machine.licence):
        if heard.kind is SignedKind.STATEMENT:
            stated = Statement.decode(heard.signed.octets)
            if not isinstance(messages.decode_answer(heard.answer), Frozen):
                # Its mark was in order, and may have been renewed since.
                stated = replace(stated, mark=case.machine.mark_acknowledged)
        elif stated is not None:
            confirmation = Confirmation.decode(heard.signed.octets)
            stated = replace(
                stated,
                registers=confirmation.registers,
                recharge_number=confirmation.recharge_number,
                state=confirmation.state,
            )
    return stated


def _proposal(evidence: Evidence, *, old_copy: bool) -> tuple[Action | None, str]:
    stated = evidence.stated
    codes = {one.code for one in evidence.open_discrepancies}
    if stated is None or not codes:
        return None, "the machine has stated nothing that does not fit"
    if evidence.opened is not None:
        return _proposal_for_opened(evidence, evidence.opened, stated)
    presented = evidence.presented
    if presented is not None and shows_applied(
        stated, presented.recharge_number, presented.control_total_after_paise
    ):
        why = "the presented voucher is signed by this server and is the next one"
        if evidence.lost is not None:
            why = "the presented voucher is signed by this server and says what CT was"
            why = f"{why} before it, so what others lost before it came to"
        return Action.POST, f"{why}: these books are an old copy"
    if RefusalCode.USAGE_MISMATCH not in codes and _all_but_mark_fits(evidence, stated):
        why = "number and control total fit"
        if RefusalCode.NUMBER_AHEAD in codes or old_copy:
            return (
                Action.ADOPT,
                f"{why} now: the mark is newer than these books, an old copy",
            )
        return None, (
            f"{why}, the mark does not: it is of a clone, or newer than books that are "
            "an old copy (--old-copy)"
        )
    if codes == {RefusalCode.USAGE_MISMATCH} and usage_misfit(evidence) is None:
        why = "the rows do not make up the table that the machine has signed"
        return Action.KEEP, f"{why}: it reports all of them at its next dial-in"
    return None, "the evidence allows more than one reading: look at the machine"


def _all_but_mark_fits(evidence: Evidence, stated: Statement) -> bool:
    machine = evidence.machine
    return (
        stated.recharge_number == machine.number
        and shows_applied(stated, machine.number, machine.control_total_paise)
        and stated.registers.not_before(machine.registers)
    )


def _proposal_for_opened(
    evidence: Evidence, opened: Recharge, stated: Statement
) -> tuple[Action | None, str]:
    applied, presented = was_applied(evidence), evidence.presented
    if applied is None:
        why = "the evidence does not show what became of the outstanding voucher"
        if (
            presented is not None
            and stated.recharge_number >= presented.recharge_number
        ):
            # Behind it stands a sum: what was taken back here is less of that.
            why = f"{why}, and the presented one says what it and all behind it came to"
            return Action.POST, f"{why}: posting it moves no more than was used"
        return None, f"{why}: look at the machine"
    if stated.recharge_number > opened.number:
        done = "with" if applied else "without"
        why = f"the presented voucher follows on registers {done} the outstanding one"
    elif applied:
        why = "number and control total say that it was applied"
    else:
        why = "the number is used up and the control total is not"
    return (Action.POST if applied else Action.REVERSE), why


def was_applied(evidence: Evidence) -> bool | None:
    """Say what is proved of the outstanding voucher: applied, never to be, or nothing.

    A machine that holds its number can never apply it any more, and CT at that number
    says whether it did, as in settling. CT of a machine that is further on says nothing
    of it, since later vouchers have moved CT as well; but the next voucher, which this
    server signed when it had settled this one, says what CT was before it. And behind a
    withdrawal that was applied there is no other voucher in the same life.
    """
    opened, stated = evidence.opened, evidence.stated
    if opened is None or stated is None or stated.recharge_number < opened.number:
        return None
    found: int | None = None
    presented = evidence.presented
    if stated.recharge_number > opened.number:
        if opened.kind is VoucherKind.WITHDRAWAL:
            return False
        if presented is not None and presented.recharge_number == opened.number + 1:
            found = presented.control_total_before_paise
    elif stated.registers.balanced:
        found = stated.registers.control_total_paise
    expected = evidence.machine.control_total_paise
    if found == expected + opened.effect_paise:
        return True
    return False if found == expected else None


def shows_applied(stated: Statement, number: int, after_paise: int) -> bool:
    """Say whether a machine's word fits one that has applied this voucher.

    Beyond its number only the number speaks: CT has moved on.
    """
    if stated.recharge_number != number:
        return stated.recharge_number > number
    registers = stated.registers
    return registers.balanced and registers.control_total_paise == after_paise


def usage_misfit(evidence: Evidence) -> Mapping[str, Any] | None:
    """Find the last usage table that the machine signed and that did not fit."""
    for one in reversed(evidence.open_discrepancies):
        if one.code is RefusalCode.USAGE_MISMATCH and one.detail["digest_fits"]:
            return one.detail
    return None
