"""Nobody posts or reverses against what the machine has shown, on both engines.

Books restored from an old copy have forgotten what their machine was granted since. A
test brings that about from the other end: its machine applies vouchers that the server
signed, and these books have never seen them.
"""

import pytest

from protocol.dialogue.server import Frozen
from protocol.messages import LicenceState, RefusalCode
from protocol.registers import (
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
)
from protocol.values import Paise, RechargeNumber
from rmfs_server.proposing import Action
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.store import recharges
from rmfs_server.store.schema import RechargeState
from rmfs_server.vouchers import issue_void
from tests.frozen_books import (
    NEWER_MARK,
    deliver,
    evidence_of,
    forgotten_voucher,
    freeze,
    present,
    remaining_after,
    state_of,
    suspense,
)
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine

RECHARGE = RequestKind.RECHARGE


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    """Give a machine with Rs 1,000 and Rs 4,000 of funds; voucher 1 is settled."""
    return office.enrolled(500_000, 100_000)


def forgotten_void(office: Office, machine: PaperMachine) -> bytes:
    """Sign the VOID of the outstanding voucher; the books know nothing of it."""
    with office.store.reading() as connection:
        opened = recharges.find_open(connection, LICENCE)
    assert opened is not None
    credential_hash = machine.identity.credential.credential_hash
    return issue_void(office.credit_key, credential_hash, opened, NOW)


def refuse(office: Office, action: Action, why: str) -> None:
    """Try an action that must be refused and change nothing."""
    before = office.balances()
    with pytest.raises(MoveRefusedError, match=why):
        office.resolving.resolve(LICENCE, action, BY)
    assert office.balances() == before


# Books that are behind by more than the outstanding voucher


def test_an_old_copy_with_an_open_voucher_is_brought_up_to_date_step_by_step(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 100_000))
    third = forgotten_voucher(office, machine, 150_000)
    machine.apply(third)
    machine.mark = NEWER_MARK
    present(office, machine, third)
    refuse(office, Action.REVERSE, "has applied voucher 2: post it")
    refuse(office, Action.ADOPT, "post or reverse it first")

    assert remaining_after(office, Action.POST) is RefusalCode.NUMBER_AHEAD
    assert office.balances() == (300_000, 0, 200_000)
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert office.balances() == (150_000, 0, 350_000)
    assert remaining_after(office, Action.ADOPT) is None

    assert state_of(office, 2) is RechargeState.POSTED
    assert state_of(office, 3) is RechargeState.POSTED
    assert suspense(office) == 0
    office.recharge(machine, 100_000)
    assert machine.number == 4
    assert office.balances() == (50_000, 0, 450_000)


def test_a_voucher_before_one_that_is_not_presented_is_posted_and_never_reversed(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 100_000))
    machine.apply(forgotten_voucher(office, machine, 100_000))
    machine.mark = NEWER_MARK
    assert freeze(office, machine) is RefusalCode.NUMBER_AHEAD
    assert evidence_of(office).proposed is None
    refuse(office, Action.REVERSE, "post it first, then the presented voucher")
    done = office.resolving.resolve(LICENCE, Action.POST, BY)
    assert done.remaining is RefusalCode.NUMBER_AHEAD
    assert office.balances() == (300_000, 0, 200_000)


def test_a_forged_next_voucher_proves_nothing_of_the_one_before_it(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 100_000)
    forged = bytearray(forgotten_voucher(office, machine, 100_000))
    forged[-1] ^= 1
    machine.number = RechargeNumber(3)
    machine.mark = NEWER_MARK
    present(office, machine, bytes(forged))
    assert evidence_of(office).presented is None
    refuse(office, Action.REVERSE, "post it first, then the presented voucher")


def test_a_voucher_that_was_taken_back_since_the_copy_is_reversed(
    office: Office, machine: PaperMachine
) -> None:
    """The next voucher says what CT was before it, and that was CT without this one."""
    deliver(office, machine, 100_000)
    machine.apply(forgotten_void(office, machine))
    third = forgotten_voucher(office, machine, 150_000)
    machine.apply(third)
    machine.mark = NEWER_MARK
    present(office, machine, third)
    refuse(office, Action.POST, "without the voucher: reverse it")
    assert remaining_after(office, Action.REVERSE) is RefusalCode.NUMBER_AHEAD
    assert office.balances() == (400_000, 0, 100_000)
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert remaining_after(office, Action.ADOPT) is None
    office.recharge(machine, 100_000)
    assert office.balances() == (150_000, 0, 350_000)


def test_a_withdrawal_that_follows_on_an_open_voucher_is_posted_behind_it(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 100_000))
    third = forgotten_voucher(office, machine, 200_000, VoucherKind.WITHDRAWAL)
    machine.apply(third)
    machine.state = MachineState.WITHDRAWN
    machine.mark = NEWER_MARK
    present(office, machine, third)
    assert remaining_after(office, Action.POST) is RefusalCode.NUMBER_AHEAD
    refuse(office, Action.REVERSE, "nothing is outstanding")


# A machine that has not applied, or has used the number up without applying


@pytest.mark.parametrize("action", [Action.POST, Action.REVERSE])
def test_a_voucher_that_has_not_reached_the_machine_stands(
    office: Office, machine: PaperMachine, action: Action
) -> None:
    """A clone has caused the freeze; the honest machine still waits for voucher 2."""
    voucher = deliver(office, machine, 200_000)
    assert freeze(office, machine, mark=NEWER_MARK) is RefusalCode.MARK_WRONG
    assert evidence_of(office).proposed is None
    why = "nothing shows" if action is Action.POST else "may still apply"
    refuse(office, action, why)
    assert office.resolving.resolve(LICENCE, Action.KEEP, BY).remaining is None
    assert deliver(office, machine, 200_000) == voucher
    machine.apply(voucher)
    office.inspect(machine)
    office.recharge(machine, 100_000)
    assert office.balances() == (100_000, 0, 400_000)


def test_a_void_that_was_applied_is_reversed_and_never_posted(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    machine.apply(office.administration.void(LICENCE, BY))
    assert freeze(office, machine, mark=NEWER_MARK) is RefusalCode.MARK_WRONG
    refuse(office, Action.POST, "nothing shows")
    assert remaining_after(office, Action.REVERSE) is RefusalCode.MARK_WRONG
    assert office.balances() == (400_000, 0, 100_000)


def test_registers_that_say_neither_allow_neither(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    odd = Registers(Paise(0), Paise(200_000), Paise(200_000), 0, 0)
    code = freeze(office, machine, registers=odd, recharge_number=2)
    assert code is RefusalCode.CONTROL_TOTAL_HISTORY
    assert evidence_of(office).proposed is None
    refuse(office, Action.POST, "nothing shows")
    refuse(office, Action.REVERSE, "may still apply voucher 2, or has")


def test_registers_that_do_not_agree_prove_nothing(
    office: Office, machine: PaperMachine
) -> None:
    deliver(office, machine, 200_000)
    torn = Registers(Paise(0), Paise(100_000), Paise(300_000), 0, 0)
    code = freeze(office, machine, registers=torn, recharge_number=2)
    assert code is RefusalCode.CONTROL_TOTAL_SUM
    refuse(office, Action.POST, "nothing shows")
    refuse(office, Action.REVERSE, "or has")


def test_a_presented_voucher_that_the_machine_does_not_hold_is_not_posted(
    office: Office, machine: PaperMachine
) -> None:
    voucher = forgotten_voucher(office, machine, 200_000)
    turn, answer = office.state(machine, mark=NEWER_MARK)
    assert isinstance(answer, Frozen)
    office.books.store_last_voucher(turn, voucher, NOW)
    refuse(office, Action.POST, "nothing shows that the machine has applied voucher 2")


# Revoked machines


@pytest.mark.parametrize("action", [Action.POST, Action.REVERSE])
def test_whoever_has_looked_at_a_revoked_machine_decides(
    office: Office, machine: PaperMachine, action: Action
) -> None:
    deliver(office, machine, 200_000)
    office.administration.revoke(LICENCE, BY)
    assert office.resolving.resolve(LICENCE, action, BY).remaining is None
    posted = action is Action.POST
    assert office.balances() == (
        (200_000, 0, 300_000) if posted else (400_000, 0, 100_000)
    )


def test_what_a_machine_has_shown_to_be_applied_is_not_reversed_when_it_is_revoked(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 200_000))
    freeze(office, machine, mark=NEWER_MARK)
    office.administration.revoke(LICENCE, BY)
    refuse(office, Action.REVERSE, "has applied voucher 2: post it")


def test_both_vouchers_of_a_revoked_machine_are_posted_one_after_the_other(
    office: Office, machine: PaperMachine
) -> None:
    machine.apply(deliver(office, machine, 100_000))
    third = forgotten_voucher(office, machine, 150_000)
    machine.apply(third)
    present(office, machine, third)
    office.administration.revoke(LICENCE, BY)
    for _ in range(2):
        office.resolving.resolve(LICENCE, Action.POST, BY)
    assert office.balances() == (150_000, 0, 350_000)
    refuse(office, Action.POST, "nothing to post")


def test_a_cancelled_licence_keeps_what_its_machine_has_applied(
    office: Office, machine: PaperMachine
) -> None:
    """The VOID came too late, and a clone has frozen the account meanwhile."""
    machine.apply(deliver(office, machine, 200_000))
    office.administration.set_licence(LICENCE, BY, state=LicenceState.CANCELLED)
    assert freeze(office, machine, mark=NEWER_MARK) is RefusalCode.MARK_WRONG
    refuse(office, Action.REVERSE, "has applied voucher 2: post it")
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert office.balances() == (200_000, 0, 300_000)
