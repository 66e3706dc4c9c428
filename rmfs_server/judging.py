"""One signed message of a machine, judged and written, inside one transaction.

`protocol.settling` decides; here its judgement becomes rows: the settlement first, then
what is granted, then the answer with the message that it answers, last the machine.

Source: SPEC.md REG-5 to REG-9, DLG-7, DLG-8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from hw.database.gathering import Gathering, Pen
from protocol.dialogue.server import Closed, Delivered, Frozen, SignedOctets
from protocol.errors import InvariantError
from protocol.messages import Order, Receipt, Refusal, RefusalCode
from protocol.messages.tables import MARK_OCTETS
from protocol.parameters import business_date
from protocol.ports import Entropy
from protocol.registers import MachineState, Registers, VoucherKind
from protocol.settling import (
    Account,
    Grant,
    Judgement,
    Refuse,
    Resend,
    Settled,
    Settlement,
)
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from rmfs_server.keyring import CreditKeys
from rmfs_server.store import (
    acts,
    credit_keys,
    discrepancies,
    ledger,
    licences,
    machines,
    messages,
    orders,
    recharges,
    standing,
)
from rmfs_server.store.acts import By
from rmfs_server.store.credit_keys import KnownKeys
from rmfs_server.store.funds import read_funds
from rmfs_server.store.gathered import gathering
from rmfs_server.store.licences import Licence
from rmfs_server.store.machines import Enrolled, Machine
from rmfs_server.store.messages import Answer, Answered, Heard
from rmfs_server.store.recharges import Ending, Recharge
from rmfs_server.store.schema import RechargeState, SettledBy, SignedKind
from rmfs_server.store.standing import Standing
from rmfs_server.vouchers import issue_voucher

_ENDED: Final = {
    Settled.POSTED: RechargeState.POSTED,
    Settled.VOIDED: RechargeState.VOIDED,
}
_SETTLED_BY: Final = {
    SignedKind.STATEMENT: SettledBy.STATEMENT,
    SignedKind.CONFIRMATION: SettledBy.CONFIRMATION,
}


@dataclass(frozen=True, slots=True)
class Signers:
    """What judging needs from outside: keys that grant, and unguessable marks."""

    credit_keys: CreditKeys
    entropy: Entropy


@dataclass(frozen=True, slots=True)
class Case:
    """A machine under lock with everything that the rules look at.

    Attributes:
        page: Gathers what every dial-in writes.
        opened: The recharge that is not settled.
        account: The same, as the rules see it.
        answered: What the message was answered with when it came before, if it did.
        last_order: The highest serial of any order to the machine.
        keys: The credit keys of this machine and of those judged with it.
    """

    page: Gathering
    machine: Machine
    enrolled: Enrolled
    licence: Licence
    opened: Recharge | None
    account: Account
    now: EpochSeconds
    answered: Answered | None
    last_order: int
    keys: KnownKeys

    @property
    def connection(self) -> Connection:
        """Reads and writes at once, for what few dial-ins need; nothing waits then."""
        return self.page.connection

    @property
    def today(self) -> date:
        """The business date of the case."""
        return business_date(self.now)


@dataclass(frozen=True, slots=True)
class Message:
    """What a STATEMENT and a CONFIRMATION have in common.

    Attributes:
        state: The machine's state as it tells it.
        order_serial: The highest order applied, as it tells it.
        dial_in: The number of the dial-in.
        call_generation: Generation of the call that the message belongs to.
        capabilities: Bits of what the machine can do, of its last STATEMENT.
    """

    kind: SignedKind
    signed: SignedOctets
    state: MachineState
    order_serial: int
    dial_in: int
    call_generation: int
    capabilities: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A machine that is to be judged.

    Attributes:
        digest: Of the message that is judged, if one is.
    """

    machine: Machine
    now: EpochSeconds
    digest: bytes | None = None


def open_case(
    connection: Connection, licence: LicenceIdentifier, now: EpochSeconds
) -> Case | None:
    """Lock a machine and read all that judging needs, or None when it is not enrolled.

    Args:
        connection: A writing transaction.
        licence: Of the machine.
        now: Wall time.
    """
    machine = machines.lock(connection, licence)
    if machine is None:
        return None
    wanted = [Wanted(machine, now)]
    return open_cases(gathering(connection), wanted).get(licence)


def open_cases(
    page: Gathering, wanted: Sequence[Wanted]
) -> dict[LicenceIdentifier, Case]:
    """Read all that judging needs of machines that are locked, each named once.

    The locks come first and alone: what is read after them cannot be older than they.
    """
    if not wanted:
        return {}
    connection = page.connection
    named = [one.machine.licence for one in wanted]
    ledger.lock_accounts_of(connection, *named)
    found: dict[LicenceIdentifier, Standing] = {}
    for today in {business_date(one.now) for one in wanted}:
        some = [
            one.machine.licence for one in wanted if business_date(one.now) == today
        ]
        found.update(standing.find_all(connection, some, today))
    digests = [one.digest for one in wanted if one.digest is not None]
    answered = messages.answers(connection, digests)
    keys = KnownKeys(connection, named)
    cases = {}
    for one in wanted:
        licence = one.machine.licence
        if licence in found:
            answer = answered.get(one.digest or b"")
            cases[licence] = _case(page, one, found[licence], answer, keys)
    return cases


def _case(
    page: Gathering,
    wanted: Wanted,
    found: Standing,
    answered: Answered | None,
    keys: KnownKeys,
) -> Case:
    machine, now = wanted.machine, wanted.now
    today = business_date(now)
    opened, funds = found.opened, found.funds
    account = Account(
        base_paise=Paise(machine.base_paise),
        settled_paise=machine.settled_paise,
        number=machine.number,
        registers=machine.registers,
        mark_acknowledged=machine.mark_acknowledged,
        mark_issued=machine.mark_issued,
        outstanding=None if opened is None else opened.outstanding,
        frozen=machine.frozen,
        licence_state=found.licence.state_on(today),
        funds_paise=funds.available_paise,
        funds_later_paise=funds.later_paise,
        refund_allowed=found.licence.refund_allowed,
    )
    return Case(
        page,
        machine,
        found.enrolled,
        found.licence,
        opened,
        account,
        now,
        answered,
        found.last_order,
        keys,
    )


def carry_out(
    case: Case, judgement: Judgement, message: Message, signers: Signers
) -> Answer:
    """Write everything that a judgement means, and give the answer that was stored.

    Raises:
        InvariantError: Money does not add up; the transaction must not be committed.
    """
    digest = messages.digest_of(message.signed)
    answer: Answer
    if isinstance(judgement.outcome, Refuse) and judgement.registers is None:
        machine = case.machine._replace(
            call_generation=message.call_generation, frozen=True
        )
        answer = Frozen(judgement.outcome.refusal)
    else:
        machine = _accepted(case.machine, judgement, message, case.now)
        if judgement.settlement is not None:
            machine = settle_machine(
                case, machine, judgement.settlement, _SETTLED_BY[message.kind], digest
            )
        if machine.order_serial > case.machine.order_serial:
            acknowledge_orders(case.connection, machine, case.now)
        machine, answer = _answer(case, machine, judgement, digest, signers)
    messages.add(
        case.page,
        Heard(
            digest,
            machine.licence,
            message.kind,
            message.signed,
            messages.encode_answer(answer),
            message.call_generation,
            case.now,
        ),
    )
    if isinstance(answer, Frozen):
        freeze(
            case.connection,
            machine,
            answer.refusal.code,
            digest,
            detail=_expected(case),
            now=case.now,
        )
    machines.change(case.page, machine)
    return answer


def freeze(
    connection: Connection,
    machine: Machine,
    code: RefusalCode,
    digest: bytes | None,
    *,
    detail: Mapping[str, Any],
    now: EpochSeconds,
) -> None:
    """Record a discrepancy; what is open stays reserved until a person decides."""
    if code is not RefusalCode.ACCOUNT_FROZEN:
        discrepancies.add(
            connection,
            machine.licence,
            code,
            found_in=digest,
            detail=detail,
            now=now,
        )
    recharges.set_open_state(connection, machine.licence, RechargeState.FROZEN)


def acknowledge_orders(
    connection: Connection, machine: Machine, now: EpochSeconds
) -> None:
    """Note which orders a machine has applied; keep an act of what is given again."""
    given_again = orders.acknowledge(
        connection, machine.licence, machine.order_serial, now
    )
    for serial, again in given_again.items():
        reason = f"{machine.licence} took another order {serial}: these books lost it"
        by = By("rmfs server", reason, now)
        acts.add(connection, machine.licence, "renumber", by, serial=serial, now=again)


def settle_machine(
    case: Case,
    machine: Machine,
    settlement: Settlement,
    by: SettledBy,
    digest: bytes,
) -> Machine:
    """Post a settlement and give the machine as it is after it.

    Raises:
        InvariantError: The open recharge is not the one that was judged.
    """
    opened = case.opened
    if opened is None or opened.outstanding != settlement.outstanding:
        raise InvariantError(f"{machine.licence}: what was judged is not what is open")
    state = _ENDED[settlement.settled]
    words = f"recharge {opened.number}: {state.value}, told by {by.value}"
    ending = Ending(state, by, case.now, words, digest)
    return settle_recharge(case.page, machine, case.licence, opened, ending)


def settle_recharge(
    pen: Pen,
    machine: Machine,
    licence: Licence,
    recharge: Recharge,
    ending: Ending,
) -> Machine:
    """Settle a recharge in books, ledger and licence; give the machine after it."""
    recharges.settle(pen, recharge, ending)
    posted = ending.state is RechargeState.POSTED
    if posted and recharge.kind is VoucherKind.REFUND:
        # What the authority allowed was one refund.
        connection = pen.connection if isinstance(pen, Gathering) else pen
        licences.change(connection, replace(licence, refund_allowed=False))
    effect = recharge.effect_paise if posted else 0
    return machine._replace(
        number=recharge.number, settled_paise=machine.settled_paise + effect
    )


def _accepted(
    machine: Machine, judgement: Judgement, message: Message, now: EpochSeconds
) -> Machine:
    registers = judgement.registers
    if registers is None:
        raise InvariantError(f"{machine.licence}: accepted without registers")
    stated = message.kind is SignedKind.STATEMENT
    return machine._replace(
        call_generation=message.call_generation,
        registers=registers,
        state=message.state,
        mark_acknowledged=judgement.mark_acknowledged,
        # A STATEMENT shows which mark the machine holds: the other one is forgotten.
        mark_issued=None if stated else machine.mark_issued,
        order_serial=max(machine.order_serial, message.order_serial),
        dial_in=message.dial_in,
        capabilities=message.capabilities,
        stated_at=now if stated else machine.stated_at,
    )


def _answer(
    case: Case, machine: Machine, judgement: Judgement, digest: bytes, signers: Signers
) -> tuple[Machine, Answer]:
    outcome = judgement.outcome
    if isinstance(outcome, Resend):
        return machine, Delivered(outcome.voucher)
    if isinstance(outcome, Grant):
        stored = _grant(case, machine, outcome, digest, signers.credit_keys)
        return machine, Delivered(stored)
    refusal = outcome.refusal if isinstance(outcome, Refuse) else None
    mark = signers.entropy.octets(MARK_OCTETS)
    funds = case.account.funds_paise
    if judgement.settlement is not None and _moves_funds(judgement.settlement):
        funds = read_funds(case.connection, machine.licence, case.today).available_paise
    closed = _close(case, machine, mark, refusal, funds)
    return machine._replace(mark_issued=mark, completed_at=case.now), closed


def _moves_funds(settlement: Settlement) -> bool:
    """Say whether funds change; a recharge that is posted takes what was reserved."""
    posted = settlement.settled is Settled.POSTED
    return not (posted and settlement.outstanding.kind is VoucherKind.RECHARGE)


def _grant(
    case: Case, machine: Machine, grant: Grant, digest: bytes, keys: CreditKeys
) -> bytes:
    """Sign a voucher, store it with what it reserves, and give it as it is stored."""
    known = case.keys.of(machine.licence)
    if machine.order_serial != case.machine.order_serial:
        # What it has just applied may have brought a key, or retired one.
        known = credit_keys.known_to(case.connection, machine)
    key = keys.newest_of(known, machine.licence)
    if not case.keys.have_signed(key):
        credit_keys.register(case.connection, key, case.now)
    credential = case.enrolled.credential
    voucher = issue_voucher(
        key,
        case.machine.licence,
        credential.credential_hash,
        grant,
        case.now,
    )
    return recharges.reserve(
        case.page,
        case.machine.licence,
        grant,
        voucher,
        requested_in=digest,
        now=case.now,
    )


def _close(
    case: Case, machine: Machine, mark: bytes, refusal: Refusal | None, funds: Paise
) -> Closed:
    pending: tuple[Order, ...] = ()
    # Where the machine has just applied some, others may have been given again.
    if machine.order_serial != case.machine.order_serial or (
        machine.order_serial < case.last_order
    ):
        pending = orders.send(
            case.connection,
            machine.licence,
            machine.order_serial,
            case.now,
            machine.capabilities or 0,
        )
    receipt = Receipt(
        recharge_number=machine.number,
        mark=mark,
        time=case.now,
        funds_paise=funds,
        licence_state=case.account.licence_state,
        orders=len(pending),
    )
    return Closed(receipt, pending, refusal)


def _expected(case: Case) -> dict[str, Any]:
    """What the books held when something did not fit, for whoever resolves it."""
    machine, opened = case.machine, case.opened
    registers: Registers = machine.registers
    return {
        "control_total_paise": machine.control_total_paise,
        "ascending_paise": registers.ascending_paise,
        "items": registers.items,
        "items_with_zero": registers.items_with_zero,
        "number": machine.number,
        "open_number": None if opened is None else opened.number,
        "mark_acknowledged": machine.mark_acknowledged.hex(),
        "mark_issued": None
        if machine.mark_issued is None
        else machine.mark_issued.hex(),
    }
