"""Books that froze a machine, or forgot what they knew, and what a person then does.

What books have forgotten is what an old copy of them does not hold: it is signed here
as the books would have signed it, and they know nothing of it.
"""

from protocol.dialogue.server import Delivered, Frozen
from protocol.messages import RefusalCode
from protocol.registers import RequestKind, VoucherKind, effect_paise
from protocol.settling import Grant
from protocol.values import Paise, RechargeNumber
from rmfs_server.books import Turn
from rmfs_server.proposing import Action, Evidence
from rmfs_server.store import ledger, recharges
from rmfs_server.store.schema import RechargeState
from rmfs_server.vouchers import issue_voucher
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine

NEWER_MARK = b"newer..."
"""A mark that books from an old copy have forgotten, or that a clone has taken."""


def deliver(office: Office, machine: PaperMachine, amount: int) -> bytes:
    """Let a voucher be granted; whether it arrives is the test's."""
    _, answer = office.state(machine, RequestKind.RECHARGE, amount)
    assert isinstance(answer, Delivered)
    return answer.voucher


def forgotten_voucher(
    office: Office,
    machine: PaperMachine,
    amount: int,
    kind: VoucherKind = VoucherKind.RECHARGE,
) -> bytes:
    """Sign what the books granted to a machine as it is now, and have forgotten."""
    before = machine.registers.control_total_paise
    grant = Grant(
        number=RechargeNumber(machine.number + 1),
        kind=kind,
        amount_paise=Paise(amount),
        control_total_before_paise=before,
        control_total_after_paise=Paise(before + effect_paise(kind, Paise(amount))),
    )
    credential_hash = machine.identity.credential.credential_hash
    return issue_voucher(office.credit_key, LICENCE, credential_hash, grant, NOW)


def freeze(office: Office, machine: PaperMachine, **bent: object) -> RefusalCode:
    """Let the machine dial with a STATEMENT that freezes it; by what."""
    _, answer = office.state(machine, **bent)
    assert isinstance(answer, Frozen)
    return answer.refusal.code


def present(office: Office, machine: PaperMachine, voucher: bytes) -> None:
    """Dial at books that are behind, and present the voucher applied last."""
    turn, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert answer.refusal.code is RefusalCode.NUMBER_AHEAD
    assert isinstance(turn, Turn)
    office.books.store_last_voucher(turn, voucher, NOW)


def evidence_of(office: Office, *, old_copy: bool = False) -> Evidence:
    return office.resolving.evidence(LICENCE, BY, old_copy=old_copy)


def remaining_after(office: Office, action: Action) -> RefusalCode | None:
    """Do what the evidence proposes, if it proposes this."""
    assert evidence_of(office).proposed is action
    return office.resolving.resolve(LICENCE, action, BY).remaining


def state_of(office: Office, number: int) -> RechargeState:
    with office.store.reading() as connection:
        found = recharges.find(connection, LICENCE, number)
    assert found is not None
    return found.state


def suspense(office: Office) -> int:
    """Give the balance of the suspense account in paise."""
    with office.store.reading() as connection:
        return ledger.balance_paise(connection, ledger.SUSPENSE)
