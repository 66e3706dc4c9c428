"""How the server judges a STATEMENT: settle first, then check, then decide.

One recharge at most is outstanding for a machine; its number says whether it was
applied and CT says which voucher it was. `judge` is pure: the books give an `Account`,
get a `Judgement` back, and write all of it in one transaction. So the order of the
rules stands here, once, and can be checked without a database.

Source: SPEC.md REG-5 to REG-9. The twin number follows the public patents on remote
resetting (US 5,367,464); frozen amount, stored bytes and VOID are this product's.
"""

from dataclasses import dataclass, replace
from enum import Enum

from protocol.errors import InvariantError
from protocol.messages import (
    Confirmation,
    Disposition,
    LicenceState,
    Refusal,
    RefusalCode,
    Statement,
)
from protocol.registers import (
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
    after_voucher,
    effect_paise,
)
from protocol.values import AMOUNT_PAISE_MAX, Paise, RechargeNumber


class Settled(Enum):
    """How an outstanding recharge ended."""

    POSTED = "posted"
    VOIDED = "voided"


@dataclass(frozen=True, slots=True)
class Outstanding:
    """The one recharge that was granted and is not settled.

    Attributes:
        number: Its recharge number, one more than the last settled.
        kind: What its voucher does.
        amount_paise: Its frozen amount.
        voucher: The stored bytes of its VOUCHER.
        void: The stored bytes of its VOID, once it was taken back.
    """

    number: RechargeNumber
    kind: VoucherKind
    amount_paise: Paise
    voucher: bytes
    void: bytes | None

    @property
    def to_send(self) -> bytes:
        """What the machine is sent: the VOID once there is one (REG-7)."""
        return self.voucher if self.void is None else self.void


@dataclass(frozen=True, slots=True)
class Account:
    """What the server's books say of one machine before a STATEMENT is judged.

    Attributes:
        base_paise: CT at enrolment or re-initialisation.
        settled_paise: Sum of the effects of all settled vouchers, withdrawals negative.
        number: Number of the last settled recharge.
        registers: The registers accepted last.
        mark_acknowledged: The mark that the machine is known to hold.
        mark_issued: A newer mark that it may hold, or None.
        outstanding: The recharge that is not settled, or None.
        frozen: A discrepancy waits for a person.
        licence_state: As of today, EXPIRED included.
        funds_paise: Funds remaining and available now.
        funds_later_paise: Funds that become available on a later day.
        refund_allowed: The authority has allowed a refund.
    """

    base_paise: Paise
    settled_paise: int
    number: RechargeNumber
    registers: Registers
    mark_acknowledged: bytes
    mark_issued: bytes | None
    outstanding: Outstanding | None
    frozen: bool
    licence_state: LicenceState
    funds_paise: Paise
    funds_later_paise: Paise
    refund_allowed: bool

    @property
    def next_number(self) -> RechargeNumber:
        """The number of the outstanding recharge, or of the next one."""
        return RechargeNumber(self.number + 1)


@dataclass(frozen=True, slots=True)
class Settlement:
    """The outstanding recharge is settled: what the books must post."""

    outstanding: Outstanding
    settled: Settled


@dataclass(frozen=True, slots=True)
class Resend:
    """Answer with the stored bytes, whatever is asked now (REG-7.1)."""

    voucher: bytes


@dataclass(frozen=True, slots=True)
class Grant:
    """Reserve the funds, sign and store a new voucher, then send it."""

    number: RechargeNumber
    kind: VoucherKind
    amount_paise: Paise
    control_total_before_paise: Paise
    control_total_after_paise: Paise


@dataclass(frozen=True, slots=True)
class Inspect:
    """Answer with a RECEIPT: the registers are in order and nothing was asked."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a REFUSAL; a discrepancy also freezes the account."""

    refusal: Refusal


Outcome = Resend | Grant | Inspect | Refuse


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a STATEMENT or CONFIRMATION means for the books.

    Attributes:
        settlement: What to post first, if anything.
        outcome: What to answer.
        registers: The registers to remember, or None after a discrepancy.
        mark_acknowledged: The mark that the machine is now known to hold.
    """

    settlement: Settlement | None
    outcome: Outcome
    registers: Registers | None
    mark_acknowledged: bytes


def judge(account: Account, statement: Statement, step: Paise) -> Judgement:
    """Judge a STATEMENT whose signature and identity have been verified.

    Args:
        account: The books before it.
        statement: What the machine says.
        step: Downloads are multiples of this (RMFS-04).

    Source:
        SPEC.md REG-5 (settle), REG-3 and REG-8 (check), DLG-8 (codes and their order).
    """
    settled, code = _settle(account, statement.recharge_number, statement.registers)
    code = code or _gone_back(account, statement.registers)
    if code is None and not _mark_fits(account, statement.mark):
        code = RefusalCode.MARK_WRONG
    if code is None and account.frozen:
        code = RefusalCode.ACCOUNT_FROZEN
    if code is not None:
        return _discrepancy(account, code)
    after = _after(account, settled)
    return Judgement(
        settlement=settled,
        outcome=_decide(after, statement, step),
        registers=statement.registers,
        mark_acknowledged=statement.mark,
    )


def judge_confirmation(account: Account, confirmation: Confirmation) -> Judgement:
    """Judge a CONFIRMATION whose signature and identity are verified (REG-5.4)."""
    settled, code = _settle(
        account, confirmation.recharge_number, confirmation.registers
    )
    code = code or _gone_back(account, confirmation.registers)
    if code is None and account.frozen:
        code = RefusalCode.ACCOUNT_FROZEN
    if code is None and settled is None:
        code = RefusalCode.NUMBER_BEHIND
    if code is not None:
        return _discrepancy(account, code)
    return Judgement(
        settlement=settled,
        outcome=Inspect(),
        registers=confirmation.registers,
        mark_acknowledged=account.mark_acknowledged,
    )


def allowed_paise(account: Account, step: Paise) -> Paise:
    """Say how much may be asked now: whole steps of the funds available (DLG-8.2)."""
    return Paise(account.funds_paise // step * step)


def _settle(
    account: Account, number: RechargeNumber, registers: Registers
) -> tuple[Settlement | None, RefusalCode | None]:
    """Settle by number and CT (REG-5), or name the discrepancy."""
    if not registers.balanced:
        return None, RefusalCode.CONTROL_TOTAL_SUM
    expected = account.base_paise + account.settled_paise
    outstanding = account.outstanding
    if number == account.number:
        if registers.control_total_paise != expected:
            return None, RefusalCode.CONTROL_TOTAL_HISTORY
        return None, None
    if number < account.number:
        return None, RefusalCode.NUMBER_BEHIND
    if outstanding is None or number > outstanding.number:
        return None, RefusalCode.NUMBER_AHEAD
    effect = effect_paise(outstanding.kind, outstanding.amount_paise)
    if registers.control_total_paise == expected + effect:
        return Settlement(outstanding, Settled.POSTED), None
    if outstanding.void is not None and registers.control_total_paise == expected:
        return Settlement(outstanding, Settled.VOIDED), None
    return None, RefusalCode.CONTROL_TOTAL_HISTORY


def _gone_back(account: Account, registers: Registers) -> RefusalCode | None:
    if registers.ascending_paise < account.registers.ascending_paise:
        return RefusalCode.ASCENDING_BACK
    if not registers.not_before(account.registers):
        return RefusalCode.ITEMS_BACK
    return None


def _mark_fits(account: Account, mark: bytes) -> bool:
    return mark == account.mark_acknowledged or (
        account.mark_issued is not None and mark == account.mark_issued
    )


def _discrepancy(account: Account, code: RefusalCode) -> Judgement:
    kept = account.outstanding is not None
    refusal = Refusal(
        recharge_number=account.next_number,
        code=code,
        disposition=Disposition.KEPT if kept else Disposition.CLEARED,
        allowed_paise=Paise(0),
        receipt_follows=0,
    )
    return Judgement(None, Refuse(refusal), None, account.mark_acknowledged)


def _after(account: Account, settlement: Settlement | None) -> Account:
    """Say what the books hold once a settlement is posted."""
    if settlement is None:
        return account
    outstanding = settlement.outstanding
    effect = effect_paise(outstanding.kind, outstanding.amount_paise)
    posted = settlement.settled is Settled.POSTED
    funds = -min(effect, 0) if posted else max(effect, 0)
    return replace(
        account,
        number=outstanding.number,
        settled_paise=account.settled_paise + (effect if posted else 0),
        outstanding=None,
        funds_paise=Paise(account.funds_paise + funds),
    )


def _decide(account: Account, statement: Statement, step: Paise) -> Outcome:
    """Decide what to answer once everything agrees."""
    if account.outstanding is not None:
        return Resend(account.outstanding.to_send)
    if statement.request is RequestKind.INSPECTION:
        return Inspect()
    kind = VoucherKind(statement.request)
    code = (
        _recharge_refused(account, statement, step)
        if kind is VoucherKind.RECHARGE
        else _return_refused(account, statement, kind)
    )
    if code is not None:
        refusal = Refusal(
            recharge_number=account.next_number,
            code=code,
            disposition=Disposition.CLEARED,
            allowed_paise=allowed_paise(account, step),
            receipt_follows=1,
        )
        return Refuse(refusal)
    after = after_voucher(statement.registers, kind, statement.amount_paise)
    if after is None:
        raise InvariantError(f"a {kind.name} was decided that cannot be applied")
    return Grant(
        number=account.next_number,
        kind=kind,
        amount_paise=statement.amount_paise,
        control_total_before_paise=statement.registers.control_total_paise,
        control_total_after_paise=after.control_total_paise,
    )


_LICENCE_REFUSAL = {
    LicenceState.BLOCKED: RefusalCode.LICENCE_BLOCKED,
    LicenceState.WITHHELD: RefusalCode.LICENCE_WITHHELD,
    LicenceState.CANCELLED: RefusalCode.LICENCE_CANCELLED,
    LicenceState.EXPIRED: RefusalCode.LICENCE_EXPIRED,
}

_RECHARGEABLE = frozenset(
    {
        MachineState.INSTALLED,
        MachineState.IN_SERVICE,
        MachineState.BLOCKED,
        MachineState.WITHHELD,
    }
)
"""BLOCKED only means that no dial-in was complete in time: this one frees it.

WITHHELD repeats what the last RECEIPT said of the licence; the books say it of today.
"""


def _recharge_refused(
    account: Account, statement: Statement, step: Paise
) -> RefusalCode | None:
    amount = statement.amount_paise
    if account.licence_state in _LICENCE_REFUSAL:
        return _LICENCE_REFUSAL[account.licence_state]
    if statement.state not in _RECHARGEABLE:
        return RefusalCode.MACHINE_STATE
    if amount == 0 or amount % step:
        return RefusalCode.AMOUNT_STEP
    if statement.registers.control_total_paise + amount > AMOUNT_PAISE_MAX:
        return RefusalCode.AMOUNT_LIMIT
    if amount > account.funds_paise + account.funds_later_paise:
        return RefusalCode.FUNDS_SHORT
    if amount > account.funds_paise:
        return RefusalCode.FUNDS_NOT_YET_AVAILABLE
    return None


def _return_refused(
    account: Account, statement: Statement, kind: VoucherKind
) -> RefusalCode | None:
    """Check a withdrawal or a refund: value goes from the machine to the account."""
    descending = statement.registers.descending_paise
    if account.licence_state is LicenceState.CANCELLED:
        return RefusalCode.LICENCE_CANCELLED
    if statement.state in {MachineState.UNINSTALLED, MachineState.WITHDRAWN}:
        return RefusalCode.MACHINE_STATE
    if kind is VoucherKind.REFUND and not account.refund_allowed:
        return RefusalCode.KIND_NOT_OFFERED
    wrong = (
        statement.amount_paise != descending
        if kind is VoucherKind.WITHDRAWAL
        else not 0 < statement.amount_paise <= descending
    )
    return RefusalCode.AMOUNT_LIMIT if wrong else None
