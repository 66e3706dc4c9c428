"""How a person ends a freeze: look at the evidence, then one of four actions.

- POST: the machine has applied the outstanding voucher. Where these books were restored
  from an old copy and know of none, or of one before it, the voucher that the machine
  presented is posted, if this server's own signature on it verifies. If the books have
  lost others before it, their sum is posted with it: the voucher names CT before it.
- REVERSE: the outstanding voucher was not applied and never can be: the machine has
  used its number up without it, or its keys are revoked. The funds are free again.
- ADOPT: the machine's registers are right and the books are wrong: the difference goes
  to suspense, where somebody has to explain it (`rmfs_server.suspense`).
- KEEP: the books are right: go on from them.

What a machine in use says binds the person: nothing is posted that its number does not
show to be used up, nothing reversed that it has or may have applied. A revoked machine
says nothing any more, and a person who has looked at it decides.

A mark that alone does not fit is that of a clone, or of a machine that is ahead of an
old copy; no evidence tells which. A person who knows that the books are an old copy
says so, and adopting it is then proposed.

An action ends the freeze only if the machine's last STATEMENT then fits, except KEEP,
after which the next one has to. A reason is needed always, a second person where the
server is configured so.

Source: design section 4, no. 7; SPEC.md REG-9.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Final

from sqlalchemy import Connection

from protocol.dialogue.server import Frozen
from protocol.messages import (
    Confirmation,
    RefusalCode,
    Statement,
    UsageRow,
    Voucher,
)
from protocol.parameters import parameter
from protocol.registers import VoucherKind, after_voucher
from protocol.settling import Refuse, judge
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.administration import fenced
from rmfs_server.judging import Case, open_case, settle_recharge
from rmfs_server.presented import Lost, enter_presented, lost_before, read_presented
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import (
    Store,
    acts,
    discrepancies,
    ledger,
    machines,
    messages,
    recharges,
    usage,
)
from rmfs_server.store.acts import By
from rmfs_server.store.discrepancies import Discrepancy
from rmfs_server.store.machines import Machine
from rmfs_server.store.recharges import Ending, Recharge
from rmfs_server.store.schema import JournalKind, RechargeState, SettledBy, SignedKind


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """What an action came to.

    Attributes:
        machine: The books after it.
        remaining: What still does not fit, so that the freeze stands; or None.
    """

    machine: Machine
    remaining: RefusalCode | None


class Resolving:
    """Evidence and actions for frozen machines."""

    def __init__(self, store: Store, *, two_persons: bool) -> None:
        """Act on the books in `store`."""
        self._store = store
        self._two_persons = two_persons

    @property
    def two_persons(self) -> bool:
        """Whether a second person must agree."""
        return self._two_persons

    def frozen(self) -> list[LicenceIdentifier]:
        """Name every machine that waits for a person."""
        with self._store.reading() as connection:
            return machines.frozen(connection)

    def evidence(
        self, licence: LicenceIdentifier, by: By, *, old_copy: bool = False
    ) -> Evidence:
        """Show what is known; nothing is changed.

        Args:
            licence: Whose.
            by: Who looks, and when.
            old_copy: The person knows that these books were put back from an old copy:
                a mark that alone does not fit is then newer than they are.

        Raises:
            MoveRefusedError: There is no such machine.
        """
        with self._store.writing("evidence") as connection:
            return _evidence(_case(connection, licence, by), old_copy=old_copy)

    def resolve(self, licence: LicenceIdentifier, action: Action, by: By) -> Resolved:
        """Carry an action out.

        Raises:
            MoveRefusedError: The machine is neither frozen nor revoked, a person or the
                reason is missing, or the evidence does not allow the action.
            InvariantError: Money does not add up; nothing was changed.
        """
        self.check_persons(by)
        with self._store.writing("resolve") as connection:
            case = _case(connection, licence, by)
            if not case.machine.frozen and case.enrolled.active:
                raise MoveRefusedError(f"{licence} is not frozen: nothing to resolve")
            evidence = _evidence(case)
            machine = fenced(_ACTIONS[action](case, evidence, by))
            machines.change(connection, machine)
            remaining = None
            if action is not Action.KEEP:
                remaining = _remaining(connection, evidence, action, by)
            if remaining is None:
                machine = replace(machine, frozen=False)
                if case.enrolled.active:
                    # A revoked machine presents no voucher a second time.
                    machine = replace(machine, presented_voucher=None)
                machines.change(connection, machine)
                reserved = RechargeState.RESERVED
                recharges.set_open_state(connection, licence, reserved)
                discrepancies.resolve(
                    connection,
                    licence,
                    resolution=action.name,
                    person=by.person,
                    second_person=by.second_person,
                    reason=by.reason,
                    now=by.now,
                )
            left = None if remaining is None else remaining.name
            acts.add(
                connection, licence, "resolve", by, action=action.name, remaining=left
            )
            return Resolved(machine, remaining)

    def check_persons(self, by: By) -> None:
        """Check that those who decide, and why, are named.

        Raises:
            MoveRefusedError: Somebody or the reason is missing.
        """
        if not by.person.strip() or not by.reason.strip():
            raise MoveRefusedError("who resolves, and why, must be said")
        second = (by.second_person or "").strip()
        if self._two_persons and not second:
            raise MoveRefusedError("a second person must agree: name one")
        if second and second.casefold() == by.person.strip().casefold():
            raise MoveRefusedError("the second person must be another one")


def _case(connection: Connection, licence: LicenceIdentifier, by: By) -> Case:
    case = open_case(connection, licence, by.now)
    if case is None:
        raise MoveRefusedError(f"no machine is enrolled as {licence}")
    return case


def _evidence(case: Case, *, old_copy: bool = False) -> Evidence:
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
    if presented is not None and _shows_applied(
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
    if codes == {RefusalCode.USAGE_MISMATCH} and _usage_misfit(evidence) is None:
        why = "the rows do not make up the table that the machine has signed"
        return Action.KEEP, f"{why}: it reports all of them at its next dial-in"
    return None, "the evidence allows more than one reading: look at the machine"


def _all_but_mark_fits(evidence: Evidence, stated: Statement) -> bool:
    machine = evidence.machine
    return (
        stated.recharge_number == machine.number
        and _shows_applied(stated, machine.number, machine.control_total_paise)
        and stated.registers.not_before(machine.registers)
    )


def _proposal_for_opened(
    evidence: Evidence, opened: Recharge, stated: Statement
) -> tuple[Action | None, str]:
    applied, presented = _was_applied(evidence), evidence.presented
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


def _was_applied(evidence: Evidence) -> bool | None:
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


def _shows_applied(stated: Statement, number: int, after_paise: int) -> bool:
    """Say whether a machine's word fits one that has applied this voucher.

    Beyond its number only the number speaks: CT has moved on.
    """
    if stated.recharge_number != number:
        return stated.recharge_number > number
    registers = stated.registers
    return registers.balanced and registers.control_total_paise == after_paise


def _post(case: Case, evidence: Evidence, by: By) -> Machine:
    if case.opened is not None:
        return _post_opened(case, case.opened, evidence, by)
    voucher, octets = evidence.presented, case.machine.presented_voucher
    if voucher is None or octets is None:
        message = "nothing is outstanding, and no genuine next voucher was presented"
        raise MoveRefusedError(f"{message}: there is nothing to post")
    _check_applied(
        case, evidence, voucher.recharge_number, voucher.control_total_after_paise
    )
    return enter_presented(case, voucher, octets, by)


def _post_opened(case: Case, opened: Recharge, evidence: Evidence, by: By) -> Machine:
    after = case.machine.control_total_paise + opened.effect_paise
    _check_applied(case, evidence, opened.number, after)
    if case.enrolled.active and _was_applied(evidence) is False:
        message = f"the machine has used number {opened.number} up without the voucher"
        raise MoveRefusedError(f"{message}: reverse it")
    ending = Ending(
        RechargeState.POSTED, SettledBy.PERSON, by.now, by.reason, person=by.person
    )
    machine = settle_recharge(
        case.connection, case.machine, case.licence, opened, ending
    )
    return _with_registers(machine, opened.kind, opened.amount_paise)


def _check_applied(
    case: Case, evidence: Evidence, number: int, after_paise: int
) -> None:
    """Refuse to post what a machine in use has not applied: it never could again."""
    stated = evidence.stated
    if case.enrolled.active and (
        stated is None or not _shows_applied(stated, number, after_paise)
    ):
        message = f"nothing shows that the machine has applied voucher {number}"
        raise MoveRefusedError(
            f"{message}: keep the books, and it is sent again if it is outstanding, "
            "or revoke the machine first"
        )


def _reverse(case: Case, evidence: Evidence, by: By) -> Machine:
    opened, stated = case.opened, evidence.stated
    if opened is None:
        raise MoveRefusedError("nothing is outstanding: there is nothing to reverse")
    applied = _was_applied(evidence)
    if applied is True:
        message = f"the machine has applied voucher {opened.number}"
        raise MoveRefusedError(f"{message}: post it")
    if case.enrolled.active and applied is None:
        if stated is not None and stated.recharge_number > opened.number:
            message = f"the machine is past voucher {opened.number} and may have"
            raise MoveRefusedError(
                f"{message} applied it: post it first, then the presented voucher"
            )
        message = f"the machine may still apply voucher {opened.number}, or has"
        raise MoveRefusedError(f"{message}: void it, or revoke the machine first")
    ending = Ending(
        RechargeState.REVERSED, SettledBy.PERSON, by.now, by.reason, person=by.person
    )
    return settle_recharge(case.connection, case.machine, case.licence, opened, ending)


def _adopt(case: Case, evidence: Evidence, by: By) -> Machine:
    machine, stated, opened = case.machine, evidence.stated, case.opened
    if stated is None or not stated.registers.balanced:
        raise MoveRefusedError(
            "there is no STATEMENT whose registers agree: adopt none"
        )
    if stated.recharge_number < machine.number:
        message = "recharge numbers never fall: withdraw the machine and"
        raise MoveRefusedError(f"{message} give it a new life and identifier")
    found = stated.registers.control_total_paise
    if opened is not None and (
        stated.recharge_number >= opened.number
        or opened.control_total_before_paise != found
    ):
        message = f"voucher {opened.number} is outstanding and does not fit"
        raise MoveRefusedError(f"{message}: post or reverse it first")
    difference = found - machine.control_total_paise
    if difference:
        _post_difference(case, difference, by)
    adopted = replace(
        machine,
        base_paise=machine.base_paise + difference,
        registers=stated.registers,
        number=stated.recharge_number,
        dial_in=stated.dial_in,
    )
    if stated.mark not in (machine.mark_acknowledged, machine.mark_issued):
        adopted = replace(adopted, mark_acknowledged=stated.mark, mark_issued=None)
    return _adopt_usage(case, adopted, evidence)


def _keep(case: Case, _evidence: Evidence, _by: By) -> Machine:
    return case.machine


_ACTIONS: Final[dict[Action, Callable[[Case, Evidence, By], Machine]]] = {
    Action.POST: _post,
    Action.REVERSE: _reverse,
    Action.ADOPT: _adopt,
    Action.KEEP: _keep,
}


def _post_difference(case: Case, difference: int, by: By) -> None:
    licence = case.machine.licence
    heard = messages.last_call(case.connection, licence)
    evidence = heard[-1].digest.hex() if heard else ""
    ledger.post(
        case.connection,
        idem=f"adopt:{licence}:{evidence}",
        request_hash=ledger.request_hash("adopt", difference),
        kind=JournalKind.ADOPT,
        entries=[
            (ledger.SUSPENSE, -difference),
            (ledger.machine_of(licence), difference),
        ],
        now=by.now,
        reason=by.reason,
        person=by.person,
    )


def _adopt_usage(case: Case, machine: Machine, evidence: Evidence) -> Machine:
    """Take the usage table as it was signed, and AR as far as it goes beyond it.

    Rows that are not the table of the signed digest are not taken, and AR is not set
    against them: that would refuse the whole table when it comes.
    """
    detail = _usage_misfit(evidence)
    if detail is None:
        return machine
    rows = [
        UsageRow(row["product_class"], row["items"], Paise(row["amount_paise"]))
        for row in detail["reported"]
    ]
    usage.write(case.connection, machine.licence, rows)
    ascending: int = detail["ascending_paise"]
    return replace(
        machine,
        usage_base_paise=ascending - usage.total_paise(rows),
        usage_ascending_paise=ascending,
    )


def _usage_misfit(evidence: Evidence) -> Mapping[str, Any] | None:
    """Find the last usage table that the machine signed and that did not fit."""
    for one in reversed(evidence.open_discrepancies):
        if one.code is RefusalCode.USAGE_MISMATCH and one.detail["digest_fits"]:
            return one.detail
    return None


def _with_registers(machine: Machine, kind: VoucherKind, amount: Paise) -> Machine:
    after = after_voucher(machine.registers, kind, amount)
    return machine if after is None else replace(machine, registers=after)


def _remaining(
    connection: Connection, evidence: Evidence, action: Action, by: By
) -> RefusalCode | None:
    """Judge the machine's last STATEMENT again and say what still does not fit."""
    usage_open = any(
        one.code is RefusalCode.USAGE_MISMATCH for one in evidence.open_discrepancies
    )
    adopted = action is Action.ADOPT and _usage_misfit(evidence) is not None
    if usage_open and not adopted:
        return RefusalCode.USAGE_MISMATCH
    case = open_case(connection, evidence.machine.licence, by.now)
    if case is None or evidence.stated is None or not case.enrolled.active:
        return None
    account = replace(case.account, frozen=False)
    step = Paise(parameter("download.step_paise", case.today))
    judgement = judge(account, evidence.stated, step)
    if judgement.registers is None and isinstance(judgement.outcome, Refuse):
        return judgement.outcome.refusal.code
    return None
