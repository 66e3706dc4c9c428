"""Books from an old copy that hold a life for in use which ended with a withdrawal.

The file of the PSD's next life says where the former one ended. What the books have
lost is posted once, by its journal's evidence, and the new life is enrolled.
"""

from dataclasses import replace
from typing import Final

import pytest
from sqlalchemy import select

from protocol.dialogue.server import Delivered, Frozen
from protocol.keys import MachineProvisioning
from protocol.registers import MachineState, Registers, RequestKind, VoucherKind
from protocol.settling import Grant
from protocol.values import LicenceIdentifier, Paise, RechargeNumber
from rmfs_server.books import Turn
from rmfs_server.former_life import FormerLife, FormerLives, show_former_life
from rmfs_server.refusals import MoveRefusedError
from rmfs_server.resolving import Resolving
from rmfs_server.store import discrepancies, machines, recharges, schema
from rmfs_server.store.schema import RechargeState
from rmfs_server.suspense import Explaining
from rmfs_server.vouchers import issue_void, issue_voucher
from tests.frozen_books import suspense
from tests.paper_machine import BY, LICENCE, NEW, NOW, Office, PaperMachine

NEXT: Final = LicenceIdentifier("N000002")


@pytest.fixture
def machine(office: Office) -> PaperMachine:
    """Give a machine with Rs 1,000 and Rs 9,000 of funds; voucher 1 is settled."""
    return office.enrolled(1_000_000, 100_000)


def life(
    number: int,
    used: int,
    *,
    licence: LicenceIdentifier = NEXT,
    serial: str = "PSD00001",
    left: int = 0,
) -> PaperMachine:
    """Give a life that begins at this number, when `used` paise were franked in all."""
    total = Paise(used + left)
    registers = Registers(Paise(used), Paise(left), total, used // 1_000, used // 1_000)
    return PaperMachine(
        licence, serial, seed=licence.encode(), registers=registers, number=number
    )


def lives(office: Office) -> FormerLives:
    return FormerLives(office.store, office.resolving)


def close(
    office: Office,
    file: MachineProvisioning,
    licence: LicenceIdentifier = LICENCE,
) -> FormerLife:
    return lives(office).close(licence, file, BY, old_copy=True)


def open_voucher(office: Office, machine: PaperMachine, *request: object) -> bytes:
    _, answer = office.state(machine, *request)
    assert isinstance(answer, Delivered)
    return answer.voucher


def state_of(office: Office, number: int) -> RechargeState | None:
    with office.store.reading() as connection:
        found = recharges.find(connection, LICENCE, number)
    return None if found is None else found.state


# What is posted


def test_a_withdrawal_that_the_books_have_lost_is_posted_once_and_on_evidence(
    office: Office, machine: PaperMachine
) -> None:
    """Rs 300 of Rs 1,000 were franked, Rs 700 paid back with voucher 2."""
    new = life(2, 30_000)
    with pytest.raises(MoveRefusedError, match="resolve N123456 --next-life FILE"):
        office.administration.enrol(new.provisioning, NEW, BY)
    found = close(office, new.provisioning)
    assert found.effect_paise == -70_000
    assert office.balances() == (970_000, 0, 30_000)
    with office.store.reading() as connection:
        (row,) = connection.execute(
            select(schema.journal).where(schema.journal.c.kind == "RESTORE")
        )
    assert row.idem == "restore:N123456:2-2"
    assert (
        row.reason == f"a test; evidence: the MACHINE file of N000002, {found.digest}"
    )
    assert row.person == "asha"
    with pytest.raises(MoveRefusedError, match="withdrawn in these books: enrol"):
        close(office, new.provisioning)
    office.administration.enrol(new.provisioning, NEW, BY)
    with pytest.raises(MoveRefusedError, match="over already"):
        close(office, new.provisioning)
    office.deposit(50_000, NEXT)
    office.recharge(new, 50_000)
    assert office.balances() == (970_000, 0, 30_000)
    assert office.balances(NEXT) == (0, 0, 80_000)
    assert suspense(office) == 0


def test_recharges_that_were_lost_before_the_withdrawal_are_part_of_the_sum(
    office: Office, machine: PaperMachine
) -> None:
    """Rs 2,500 were franked: at least Rs 1,500 were recharged, whatever came back."""
    found = close(office, life(5, 250_000).provisioning)
    assert found.lost is not None
    assert (found.lost.first, found.lost.last) == (2, 5)
    assert office.balances() == (750_000, 0, 250_000)


def test_what_the_funds_do_not_hold_yet_stands_in_suspense_until_it_is_explained(
    office: Office, machine: PaperMachine
) -> None:
    close(office, life(3, 1_200_000).provisioning)
    assert suspense(office) == -1_100_000
    office.deposit(300_000)
    Explaining(office.store, office.resolving).explain(LICENCE, BY)
    assert suspense(office) == 0
    assert office.balances() == (100_000, 0, 1_200_000)


@pytest.mark.parametrize("revoked", [False, True])
def test_an_open_withdrawal_at_which_the_life_ended_is_posted(
    office: Office, machine: PaperMachine, *, revoked: bool
) -> None:
    machine.frank(30_000)
    open_voucher(office, machine, RequestKind.WITHDRAWAL, 70_000)
    new = life(2, 30_000)
    if revoked:
        office.administration.revoke(LICENCE, BY)
        with pytest.raises(MoveRefusedError, match="voucher of N123456 is outstanding"):
            office.administration.enrol(new.provisioning, NEW, BY)
    found = close(office, new.provisioning)
    assert found.lost is None
    assert state_of(office, 2) is RechargeState.POSTED
    assert office.balances() == (970_000, 0, 30_000)
    office.administration.enrol(new.provisioning, NEW, BY)


def test_an_open_withdrawal_that_the_machine_was_past_is_reversed(
    office: Office, machine: PaperMachine
) -> None:
    open_voucher(office, machine, RequestKind.WITHDRAWAL, 100_000)
    close(office, life(4, 130_000).provisioning)
    assert state_of(office, 2) is RechargeState.REVERSED
    assert office.balances() == (870_000, 0, 130_000)


@pytest.mark.parametrize("used", [0, 30_000, 170_000])
def test_an_open_recharge_before_the_withdrawal_costs_what_was_used(
    office: Office, machine: PaperMachine, used: int
) -> None:
    """Applied or taken back: the withdrawal behind it gave the rest to the funds."""
    open_voucher(office, machine, RequestKind.RECHARGE, 80_000)
    close(office, life(3, used).provisioning)
    assert state_of(office, 2) is RechargeState.POSTED
    assert office.balances() == (1_000_000 - used, 0, used)
    assert suspense(office) == 0


def test_a_revoked_life_that_the_books_are_behind_is_closed_before_the_next_is_enrolled(
    office: Office, machine: PaperMachine
) -> None:
    """To revoke it alone would leave with the old licence what was paid back."""
    office.administration.revoke(LICENCE, BY)
    new = life(2, 30_000)
    with pytest.raises(MoveRefusedError, match="vouchers as N123456 that are not in"):
        office.administration.enrol(new.provisioning, NEW, BY)
    close(office, new.provisioning)
    office.administration.enrol(new.provisioning, NEW, BY)
    assert office.balances() == (970_000, 0, 30_000)


def test_a_frozen_life_whose_withdrawal_a_person_posted_is_closed_without_a_move(
    office: Office, machine: PaperMachine
) -> None:
    present_withdrawal(office, machine)
    new = life(2, 0)
    assert close(office, new.provisioning).effect_paise == -100_000
    with office.store.reading() as connection:
        found = machines.find(connection, LICENCE)
        assert discrepancies.open_of(connection, LICENCE) == []
    assert found is not None
    assert (found.frozen, found.state) == (False, MachineState.WITHDRAWN)
    assert office.balances() == (1_000_000, 0, 0)


def present_withdrawal(office: Office, machine: PaperMachine) -> None:
    """Let the machine present a withdrawal that the books granted and forgot."""
    grant = Grant(
        number=RechargeNumber(2),
        kind=VoucherKind.WITHDRAWAL,
        amount_paise=Paise(100_000),
        control_total_before_paise=Paise(100_000),
        control_total_after_paise=Paise(0),
    )
    credential_hash = machine.identity.credential.credential_hash
    voucher = issue_voucher(office.credit_key, LICENCE, credential_hash, grant, NOW)
    machine.apply(voucher)
    machine.state = MachineState.WITHDRAWN
    turn, answer = office.state(machine)
    assert isinstance(answer, Frozen)
    assert isinstance(turn, Turn)
    office.books.store_last_voucher(turn, voucher, NOW)


def test_two_lives_that_were_lost_are_closed_one_after_the_other(
    office: Office, machine: PaperMachine
) -> None:
    second = life(2, 30_000)
    third = life(4, 50_000, licence=LicenceIdentifier("N000003"))
    close(office, second.provisioning)
    office.administration.enrol(second.provisioning, NEW, BY)
    office.deposit(40_000, NEXT)
    with pytest.raises(MoveRefusedError, match="know PSD PSD00001 as N000002 since"):
        close(office, third.provisioning)
    close(office, third.provisioning, NEXT)
    office.administration.enrol(third.provisioning, NEW, BY)
    assert office.balances() == (970_000, 0, 30_000)
    assert office.balances(NEXT) == (20_000, 0, 50_000)


# What is refused


def test_looking_changes_nothing_and_says_what_closing_would_do(
    office: Office, machine: PaperMachine
) -> None:
    open_voucher(office, machine, RequestKind.RECHARGE, 80_000)
    found = lives(office).look(LICENCE, life(3, 30_000).provisioning, BY)
    said = list(show_former_life(found))
    assert said[0] == "books      recharge 1, CT Rs 1,000.00, IN_SERVICE"
    assert "N000002 began at recharge 3, CT Rs 300.00, DR Rs 0.00" in said[1]
    assert said[2:] == [
        "open       recharge 2: RECHARGE Rs 800.00, will be POSTED",
        "lost       voucher 3: -Rs 1,500.00",
        "close      moves Rs 700.00 from the machine to the funds; the life is over",
    ]
    assert office.balances() == (820_000, 80_000, 100_000)


def test_closing_needs_an_old_copy_two_persons_and_a_reason(
    office: Office, machine: PaperMachine
) -> None:
    file = life(2, 30_000).provisioning
    with pytest.raises(MoveRefusedError, match="say --old-copy if these were"):
        lives(office).close(LICENCE, file, BY, old_copy=False)
    two = FormerLives(office.store, Resolving(office.store, two_persons=True))
    with pytest.raises(MoveRefusedError, match="a second person must agree"):
        two.close(LICENCE, file, BY, old_copy=True)
    with pytest.raises(MoveRefusedError, match="who resolves, and why"):
        two.close(LICENCE, file, replace(BY, reason=" "), old_copy=True)
    assert office.balances() == (900_000, 0, 100_000)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (life(2, 30_000, serial="PSD00002"), "give the file of that PSD"),
        (life(2, 30_000, licence=LICENCE), "is that of N123456 itself"),
        (life(2, 30_000, left=500), "held Rs 5.00 as it began"),
        (life(0, 30_000), "below those of N123456"),
        (life(1, 30_000), "no withdrawal after recharge 1"),
        (life(2, 100_001), "no withdrawal after recharge 1"),
    ],
)
def test_a_file_that_does_not_show_how_the_life_ended_closes_nothing(
    office: Office, machine: PaperMachine, new: PaperMachine, words: str
) -> None:
    with pytest.raises(MoveRefusedError, match=words):
        close(office, new.provisioning)
    assert office.balances() == (900_000, 0, 100_000)


@pytest.mark.parametrize(
    ("request_kind", "number", "used"),
    [
        (RequestKind.RECHARGE, 2, 30_000),
        (RequestKind.RECHARGE, 3, 200_001),
        (RequestKind.WITHDRAWAL, 1, 0),
        (RequestKind.WITHDRAWAL, 2, 30_000),
        (RequestKind.WITHDRAWAL, 3, 100_001),
    ],
)
def test_a_file_that_does_not_fit_the_outstanding_voucher_closes_nothing(
    office: Office,
    machine: PaperMachine,
    request_kind: RequestKind,
    number: int,
    used: int,
) -> None:
    open_voucher(office, machine, request_kind, 100_000)
    with pytest.raises(MoveRefusedError, match="no withdrawal after recharge 1"):
        close(office, life(number, used).provisioning)
    assert state_of(office, 2) is RechargeState.RESERVED


def test_a_file_that_is_older_than_the_presented_voucher_closes_nothing(
    office: Office, machine: PaperMachine
) -> None:
    present_withdrawal(office, machine)
    with pytest.raises(MoveRefusedError, match="presented voucher 2, which the file"):
        close(office, life(2, 30_000).provisioning)


def test_a_life_that_is_withdrawn_in_the_books_is_not_closed_over_one_in_between(
    office: Office, machine: PaperMachine
) -> None:
    turn, answer = office.state(machine, RequestKind.WITHDRAWAL, 100_000)
    machine.apply(answer.voucher)
    machine.state = MachineState.WITHDRAWN
    office.books.judge_confirmation(turn, *machine.confirm(), NOW)
    with pytest.raises(MoveRefusedError, match="enrol the life in between first"):
        close(office, life(4, 30_000).provisioning)


def test_a_licence_without_a_machine_has_no_life_to_close(office: Office) -> None:
    with pytest.raises(MoveRefusedError, match="no machine is enrolled as N123456"):
        close(office, life(2, 30_000).provisioning)


def test_a_voucher_that_was_taken_back_before_the_withdrawal_moves_no_money(
    office: Office, machine: PaperMachine
) -> None:
    """The list of recharges says POSTED, for nobody can tell; the money is right."""
    open_voucher(office, machine, RequestKind.RECHARGE, 80_000)
    with office.store.reading() as connection:
        opened = recharges.find_open(connection, LICENCE)
    assert opened is not None
    credential_hash = machine.identity.credential.credential_hash
    machine.apply(issue_void(office.credit_key, credential_hash, opened, NOW))
    machine.frank(40_000)
    close(office, life(machine.number + 1, 40_000).provisioning)
    assert office.balances() == (960_000, 0, 40_000)
