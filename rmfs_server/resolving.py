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

An action ends the freeze only if the machine's last STATEMENT then fits, except KEEP,
after which the next one has to. A reason is needed always, a second person where the
server is configured so.

Source: design section 4, no. 7; SPEC.md REG-9.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import Connection

from hw.database import Store
from protocol.messages import (
    RefusalCode,
    UsageRow,
)
from protocol.parameters import parameter
from protocol.registers import VoucherKind, after_voucher
from protocol.settling import Refuse, judge
from protocol.values import LicenceIdentifier, Paise
from rmfs_server.judging import Case, open_case, settle_recharge
from rmfs_server.presented import enter_presented
from rmfs_server.proposing import (
    Action,
    Evidence,
    collect,
    shows_applied,
    usage_misfit,
    was_applied,
)
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import (
    acts,
    discrepancies,
    ledger,
    machines,
    messages,
    recharges,
    usage,
)
from rmfs_server.store.acts import By
from rmfs_server.store.machines import Machine, fenced
from rmfs_server.store.recharges import Ending, Recharge
from rmfs_server.store.schema import JournalKind, RechargeState, SettledBy


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
            return collect(_case(connection, licence, by), old_copy=old_copy)

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
            evidence = collect(case)
            machine = fenced(_ACTIONS[action](case, evidence, by))
            machines.change(connection, machine)
            remaining = None
            if action is not Action.KEEP:
                remaining = _remaining(connection, evidence, action, by)
            if remaining is None:
                machine = machine._replace(frozen=False)
                if case.enrolled.active:
                    # A revoked machine presents no voucher a second time.
                    machine = machine._replace(presented_voucher=None)
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
    if case.enrolled.active and was_applied(evidence) is False:
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
        stated is None or not shows_applied(stated, number, after_paise)
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
    applied = was_applied(evidence)
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
    adopted = machine._replace(
        base_paise=machine.base_paise + difference,
        registers=stated.registers,
        number=stated.recharge_number,
        dial_in=stated.dial_in,
    )
    if stated.mark not in (machine.mark_acknowledged, machine.mark_issued):
        adopted = adopted._replace(mark_acknowledged=stated.mark, mark_issued=None)
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
    detail = usage_misfit(evidence)
    if detail is None:
        return machine
    rows = [
        UsageRow(row["product_class"], row["items"], Paise(row["amount_paise"]))
        for row in detail["reported"]
    ]
    usage.write(case.connection, machine.licence, rows)
    ascending: int = detail["ascending_paise"]
    return machine._replace(
        usage_base_paise=ascending - usage.total_paise(rows),
        usage_ascending_paise=ascending,
    )


def _with_registers(machine: Machine, kind: VoucherKind, amount: Paise) -> Machine:
    after = after_voucher(machine.registers, kind, amount)
    return machine if after is None else machine._replace(registers=after)


def _remaining(
    connection: Connection, evidence: Evidence, action: Action, by: By
) -> RefusalCode | None:
    """Judge the machine's last STATEMENT again and say what still does not fit."""
    usage_open = any(
        one.code is RefusalCode.USAGE_MISMATCH for one in evidence.open_discrepancies
    )
    adopted = action is Action.ADOPT and usage_misfit(evidence) is not None
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
