"""Books from an old copy that have lost several vouchers of a machine, or its mark.

What the server signed last names CT before it, so that the sum of what was lost is
known, and is taken from the funds of the licence: nothing stays in suspense that a
voucher explains.
"""

from dataclasses import replace

import pytest

from protocol.dialogue.server import Delivered, Frozen
from protocol.messages import RefusalCode
from protocol.registers import (
    MachineState,
    RequestKind,
    VoucherKind,
)
from protocol.values import Paise, RechargeNumber
from rmfs_server.frozen import (
    Kind,
    carry_out_proposed,
    picture_of_frozen,
    proposals,
    show_frozen,
    show_kind,
)
from rmfs_server.proposing import Action, Evidence
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.showing import show_evidence
from rmfs_server.store import licences, recharges
from rmfs_server.store.schema import RechargeState
from rmfs_server.suspense import Explaining, show_unexplained
from rmfs_server.vouchers import issue_void
from tests.frozen_books import (
    NEWER_MARK,
    deliver,
    evidence_of,
    forgotten_voucher,
    present,
    remaining_after,
    suspense,
)
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine

RECHARGE = RequestKind.RECHARGE


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    """Give a machine with Rs 1,000 and Rs 9,000 of funds; voucher 1 is settled."""
    return office.enrolled(1_000_000, 100_000)


def forget(
    office: Office,
    machine: PaperMachine,
    amount: int,
    kind: VoucherKind = VoucherKind.RECHARGE,
) -> bytes:
    """Let the machine apply a voucher that the books granted and have forgotten."""
    voucher = forgotten_voucher(office, machine, amount, kind)
    machine.apply(voucher)
    machine.mark = NEWER_MARK
    return voucher


# Several vouchers lost


def test_the_sum_of_several_lost_vouchers_is_posted_with_the_presented_one(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    forget(office, machine, 50_000, VoucherKind.REFUND)
    machine.frank(7_000)
    present(office, machine, forget(office, machine, 300_000))
    evidence = evidence_of(office)
    assert evidence.lost is not None
    assert (evidence.lost.first, evidence.lost.last) == (2, 3)
    assert evidence.lost.effect_paise == 150_000
    assert evidence.effect_paise == 450_000
    said = "\n".join(show_evidence(evidence))
    assert "lost       vouchers 2 to 3: Rs 1,500.00 in all" in said

    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert office.balances() == (450_000, 0, 550_000)
    assert office.findings() == []
    assert remaining_after(office, Action.ADOPT) is None
    assert suspense(office) == 0
    office.inspect(machine)
    office.recharge(machine, 100_000)
    assert machine.number == 5
    assert office.balances() == (350_000, 0, 650_000)


def test_a_withdrawal_behind_lost_vouchers_and_franks_is_posted(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    machine.frank(60_000)
    voucher = forget(office, machine, 240_000, VoucherKind.WITHDRAWAL)
    machine.state = MachineState.WITHDRAWN
    present(office, machine, voucher)
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert office.findings() == []
    assert remaining_after(office, Action.ADOPT) is None
    assert office.balances() == (940_000, 0, 60_000)


def test_lost_vouchers_that_came_to_nothing_move_nothing(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    forget(office, machine, 200_000, VoucherKind.REFUND)
    present(office, machine, forget(office, machine, 100_000))
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert office.balances() == (800_000, 0, 200_000)


def test_a_later_voucher_that_is_not_genuine_posts_nothing(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    forged = bytearray(forget(office, machine, 300_000))
    forged[-1] ^= 1
    present(office, machine, bytes(forged))
    assert evidence_of(office).presented is None
    with pytest.raises(MoveRefusedError, match="nothing to post"):
        office.resolving.resolve(LICENCE, Action.POST, BY)


def test_a_later_voucher_of_another_machine_posts_nothing(
    office: Office, machine: PaperMachine
) -> None:
    other = PaperMachine(seed=b"another")
    other.number, other.registers = machine.number, machine.registers
    forget(office, other, 200_000)
    voucher = forget(office, other, 300_000)
    forget(office, machine, 200_000)
    forget(office, machine, 300_000)
    present(office, machine, voucher)
    assert evidence_of(office).presented is None


@pytest.mark.parametrize("applied", [True, False])
def test_an_open_voucher_before_lost_ones_costs_the_same_whatever_became_of_it(
    office: Office, machine: PaperMachine, *, applied: bool
) -> None:
    """Whether it was applied or taken back nobody can tell; the sum is the same."""
    voucher = deliver(office, machine, 100_000)
    if not applied:
        with office.store.reading() as connection:
            opened = recharges.find_open(connection, LICENCE)
        assert opened is not None
        credential_hash = machine.identity.credential.credential_hash
        voucher = issue_void(office.credit_key, credential_hash, opened, NOW)
    machine.apply(voucher)
    forget(office, machine, 200_000)
    present(office, machine, forget(office, machine, 300_000))
    assert remaining_after(office, Action.POST) is RefusalCode.NUMBER_AHEAD
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert remaining_after(office, Action.ADOPT) is None
    total = 700_000 if applied else 600_000
    assert office.balances() == (1_000_000 - total, 0, total)
    assert suspense(office) == 0
    office.recharge(machine, 100_000)


def test_an_open_withdrawal_that_the_machine_is_past_was_taken_back(
    office: Office, machine: PaperMachine
) -> None:
    _, answer = office.state(machine, RequestKind.WITHDRAWAL, 100_000)
    assert isinstance(answer, Delivered)
    with office.store.reading() as connection:
        opened = recharges.find_open(connection, LICENCE)
    assert opened is not None
    credential_hash = machine.identity.credential.credential_hash
    machine.apply(issue_void(office.credit_key, credential_hash, opened, NOW))
    forget(office, machine, 200_000)
    present(office, machine, forget(office, machine, 300_000))
    assert remaining_after(office, Action.REVERSE) is RefusalCode.NUMBER_AHEAD
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert remaining_after(office, Action.ADOPT) is None
    assert office.balances() == (400_000, 0, 600_000)


def test_a_refund_that_is_posted_again_was_the_one_that_is_allowed(
    office: Office, machine: PaperMachine
) -> None:
    office.administration.set_licence(LICENCE, BY, refund_allowed=True)
    present(office, machine, forget(office, machine, 40_000, VoucherKind.REFUND))
    office.resolving.resolve(LICENCE, Action.POST, BY)
    with office.store.reading() as connection:
        found = licences.find(connection, LICENCE)
    assert found is not None
    assert not found.refund_allowed
    assert office.balances() == (940_000, 0, 60_000)


# A mark alone


def test_adopting_a_mark_alone_is_proposed_to_who_knows_of_an_old_copy(
    office: Office, machine: PaperMachine
) -> None:
    machine.mark = NEWER_MARK
    _, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert evidence_of(office).proposed is None
    assert "clone" in evidence_of(office).why
    assert evidence_of(office, old_copy=True).proposed is Action.ADOPT


def test_registers_that_do_not_fit_are_not_proposed_to_be_adopted(
    office: Office, machine: PaperMachine
) -> None:
    machine.number = RechargeNumber(2)
    machine.mark = NEWER_MARK
    _, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert evidence_of(office, old_copy=True).proposed is None


# Suspense


def leave_in_suspense(office: Office, machine: PaperMachine) -> None:
    """Post a voucher whose funds come with a file that is not imported yet."""
    present(office, machine, forget(office, machine, 1_200_000))
    office.resolving.resolve(LICENCE, Action.POST, BY)
    office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    assert suspense(office) == -1_200_000
    assert office.balances() == (900_000, 0, 1_300_000)


def test_what_a_late_fund_file_explains_is_taken_from_the_funds_once(
    office: Office, machine: PaperMachine
) -> None:
    leave_in_suspense(office, machine)
    explaining = Explaining(office.store, office.resolving)
    with pytest.raises(MoveRefusedError, match="too little: import the fund file"):
        explaining.explain(LICENCE, BY)
    office.deposit(500_000)
    (found,) = explaining.unexplained()
    assert (found.licence, found.amount_paise) == (LICENCE, 1_200_000)
    assert list(show_unexplained([found])) == [
        f"N123456  journal {found.journal} RESTORE Rs 12,000.00: a test"
    ]
    assert explaining.explain(LICENCE, BY) == [found]
    assert suspense(office) == 0
    assert office.balances() == (200_000, 0, 1_300_000)
    with pytest.raises(MoveRefusedError, match="nothing stands in suspense"):
        explaining.explain(LICENCE, BY)
    assert list(show_unexplained(explaining.unexplained(LICENCE))) == [
        "nothing stands in suspense"
    ]


def test_lost_vouchers_without_funds_stand_in_suspense_until_they_are_explained(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 1_000_000)
    present(office, machine, forget(office, machine, 100_000))
    assert remaining_after(office, Action.POST) is RefusalCode.MARK_WRONG
    assert suspense(office) == -1_000_000
    office.deposit(300_000)
    Explaining(office.store, office.resolving).explain(LICENCE, BY)
    assert suspense(office) == 0
    assert office.balances() == (100_000, 0, 1_200_000)


def test_what_adopted_registers_lack_is_given_to_the_funds_when_it_is_explained(
    office: Office, machine: PaperMachine
) -> None:
    less = replace(
        machine.registers,
        descending_paise=Paise(60_000),
        control_total_paise=Paise(60_000),
    )
    office.state(machine, registers=less)
    office.resolving.resolve(LICENCE, Action.ADOPT, BY)
    assert suspense(office) == 40_000
    Explaining(office.store, office.resolving).explain(LICENCE, BY)
    assert suspense(office) == 0
    assert office.balances() == (940_000, 0, 60_000)


def test_explaining_needs_the_persons_that_resolving_needs(
    office: Office, machine: PaperMachine
) -> None:
    leave_in_suspense(office, machine)
    office.deposit(500_000)
    resolving = Resolving(office.store, two_persons=True)
    explaining = Explaining(office.store, resolving)
    with pytest.raises(MoveRefusedError, match="a second person must agree"):
        explaining.explain(LICENCE, BY)
    assert explaining.explain(LICENCE, replace(BY, second_person="ravi"))


def test_a_licence_that_is_not_known_has_nothing_to_explain(office: Office) -> None:
    with pytest.raises(MoveRefusedError, match="there is no licence"):
        Explaining(office.store, office.resolving).explain(LICENCE, BY)


# All frozen machines


def test_all_that_is_proposed_is_carried_out_after_one_question_for_each_kind(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    present(office, machine, forget(office, machine, 300_000))
    found = proposals(office.resolving, BY, old_copy=True)
    shown = list(show_frozen(picture_of_frozen(found)))
    assert len(shown) == 2
    assert "post" in shown[1]
    assert "Rs 5,000.00" in shown[1]
    asked: list[str] = []

    def agree(kind: Kind, of_kind: tuple[Evidence, ...]) -> bool:
        asked.append(show_kind(kind, of_kind))
        return True

    said: list[str] = []
    report = carry_out_proposed(
        office.resolving, BY, agree, old_copy=True, on_progress=said.append
    )
    assert [words.split(":")[0] for words in asked] == [
        "post for 1 machine, Rs 5,000.00 in all",
        "adopt for 1 machine, Rs 0.00 in all",
    ]
    assert said == ["N123456: post", "N123456: adopt, resolved"]
    assert report.as_json() == {
        "counts": {"resolved": 1, "refused": 0, "remaining": 0},
        "actions": {"N123456": ["post", "adopt"]},
        "refused": {},
        "remaining": {},
    }
    assert list(
        show_frozen(picture_of_frozen(proposals(office.resolving, BY, old_copy=True)))
    ) == ["no machine is frozen"]


def test_what_a_person_does_not_agree_to_stays_as_it_is(
    office: Office, machine: PaperMachine
) -> None:
    present(office, machine, forget(office, machine, 300_000))
    report = carry_out_proposed(
        office.resolving, BY, lambda *_: False, old_copy=True, on_progress=print
    )
    assert report.resolved == []
    assert report.remaining[LICENCE].startswith("post is proposed: ")
    assert office.balances() == (900_000, 0, 100_000)


def test_a_machine_whose_evidence_proposes_nothing_is_left_to_a_person(
    office: Office, machine: PaperMachine
) -> None:
    machine.mark = NEWER_MARK
    office.state(machine)
    report = carry_out_proposed(
        office.resolving, BY, lambda *_: True, old_copy=False, on_progress=print
    )
    assert "--old-copy" in report.remaining[LICENCE]


def test_nothing_is_carried_out_without_the_second_person(
    office: Office, machine: PaperMachine
) -> None:
    present(office, machine, forget(office, machine, 300_000))
    resolving = Resolving(office.store, two_persons=True)
    with pytest.raises(MoveRefusedError, match="second person"):
        carry_out_proposed(
            resolving, BY, lambda *_: True, old_copy=True, on_progress=print
        )


def test_a_voucher_of_the_sum_is_kept_as_posted(
    office: Office, machine: PaperMachine
) -> None:
    forget(office, machine, 200_000)
    present(office, machine, forget(office, machine, 300_000))
    office.resolving.resolve(LICENCE, Action.POST, BY)
    with office.store.reading() as connection:
        states = {
            one.number: one.state for one in recharges.all_of(connection, LICENCE)
        }
    assert states == {1: RechargeState.POSTED, 3: RechargeState.POSTED}
