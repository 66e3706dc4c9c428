"""The ledger, and what is stored about recharges: LEDGER, GRANT, SETTLE."""

from typing import Any

import pytest

from rmfs_tools.simulation.observations import BooksCommitted
from tests.observed import LICENCE, RUPEES_100, Story, pack_voucher
from tests.observed_stories import asked, confirmed

FUNDS = f"funds:{LICENCE}"
RESERVED = f"reserved:{LICENCE}"
MACHINE = f"machine:{LICENCE}"


def test_a_journal_that_does_not_add_up_is_seen() -> None:
    story = asked()
    story.commit(story.journal(("department", -100), ("suspense", 99)))
    assert story.ids == {"LEDGER-1"}


def test_a_journal_of_one_entry_is_seen() -> None:
    story = asked()
    story.commit(story.journal(("department", 0)))
    assert story.ids == {"LEDGER-1"}


@pytest.mark.parametrize("again", [{"idem": "idem 1"}, {"id": 1}])
def test_a_journal_that_stands_twice_is_seen(again: dict[str, str]) -> None:
    story = asked()
    story.commit(story.journal(("department", -100), ("suspense", 100), **again))
    assert story.ids == {"LEDGER-2"}


def test_funds_below_zero_are_seen() -> None:
    story = asked(amount=200 * RUPEES_100)
    story.store_voucher("RECHARGE", 200 * RUPEES_100)
    assert story.ids == {"LEDGER-3"}


def test_more_funds_than_were_paid_in_are_seen() -> None:
    story = asked()
    story.deposit(2 * RUPEES_100, paid=RUPEES_100)
    assert story.ids == {"LEDGER-4"}


def test_a_correction_may_come_after_its_deposit_and_before_it_is_booked() -> None:
    story = asked()
    story.deposit(5 * RUPEES_100)
    story.deposit(0, paid=-2 * RUPEES_100)
    story.deposit(RUPEES_100)
    assert story.found == []
    assert story.oracle.reached()["deposit corrected"] == 1


def test_a_machine_account_that_is_not_the_total_of_the_books_is_seen() -> None:
    story = confirmed()
    row = story.open
    story.commit(
        story.moved(RUPEES_100, "reserved", "funds"),
        recharges=(row._replace(state="POSTED"),),
        row=story.judged(number=2, control_total_paise=40_000),
    )
    story.person("POST")
    assert story.ids == {"LEDGER-5"}


def test_a_total_of_the_books_that_no_entry_explains_is_seen() -> None:
    story = confirmed()
    story.post(control_total_paise=50_000)
    story.person("ADOPT")
    assert {"LEDGER-5", "MONEY-10"} == story.ids


def test_a_machine_that_is_enrolled_with_a_base_breaks_nothing() -> None:
    story = Story(deposited=None)
    story.stored = story.stored._replace(
        ascending_paise=70_000, control_total_paise=70_000, number=4
    )
    story.see(story.stored)
    story.commit(row=story.row._replace(number=4, control_total_paise=70_000))
    story.deposit(10 * RUPEES_100)
    story.inspect()
    story.recharge()
    story.calm()
    story.rest()
    story.end()
    assert story.found == []


def test_a_base_that_has_an_entry_of_its_own_breaks_nothing() -> None:
    story = Story(deposited=None)
    story.stored = story.stored._replace(
        ascending_paise=70_000, control_total_paise=70_000
    )
    story.see(story.stored)
    opening = story.journal(("suspense", -70_000), (MACHINE, 70_000))
    story.commit(opening, row=story.row._replace(control_total_paise=70_000))
    story.deposit(10 * RUPEES_100)
    story.recharge()
    story.calm()
    story.rest()
    story.end()
    assert story.found == []


def test_a_reservation_that_is_not_the_open_recharge_is_seen() -> None:
    story = asked()
    made = story.new_row("RECHARGE", RUPEES_100)
    half = story.moved(RUPEES_100 // 2, "funds", "reserved")
    story.commit(half, recharges=(made,), row=story.judged())
    story.server_hears(b"\x14" + bytes(12))
    assert story.ids == {"LEDGER-6", "LEDGER-9"}


def test_two_recharges_open_at_once_are_seen() -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100)
    story.want("RECHARGE", RUPEES_100)
    story.state()
    more = story.new_row("RECHARGE", RUPEES_100)._replace(
        number=3,
        voucher=pack_voucher("RECHARGE", 3, RUPEES_100, 30_000),
    )
    story.commit(story.moved(RUPEES_100, "funds", "reserved"), recharges=(more,))
    assert "LEDGER-7" in story.ids


@pytest.mark.parametrize("state", ["RESERVED", "REVERSED", "VOIDED"])
def test_a_posted_recharge_that_changes_is_seen(state: str) -> None:
    story = confirmed()
    story.post()
    story.commit(recharges=(story.recharges[2]._replace(state=state),))
    assert "LEDGER-8" in story.ids


def test_a_voucher_whose_octets_change_is_seen() -> None:
    story = confirmed()
    octets = pack_voucher("RECHARGE", 2, RUPEES_100, 30_000, salt=9)
    story.commit(recharges=(story.open._replace(voucher=octets),))
    assert story.ids == {"LEDGER-8"}


def test_a_void_whose_octets_change_is_seen() -> None:
    story = confirmed()
    story.take_back()
    octets = pack_voucher("VOID", 2, 0, 30_000, salt=9)
    story.commit(recharges=(story.open._replace(void=octets),))
    assert story.ids == {"LEDGER-8"}


def test_a_void_beside_a_voucher_breaks_nothing() -> None:
    story = asked()
    story.grant()
    story.take_back()
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    assert story.found == []
    reached = story.oracle.reached()
    assert reached["voucher applied though a VOID was stored"] == 1


def test_a_refund_that_is_credited_before_it_is_posted_is_seen() -> None:
    story = asked("REFUND", 2_000)
    made = story.new_row("REFUND", 2_000)
    early = story.moved(2_000, "machine", "funds")
    story.commit(early, recharges=(made,), row=story.judged())
    story.answer(made.voucher)
    assert {"LEDGER-9", "LEDGER-5"} == story.ids


def test_a_reservation_that_a_timer_releases_is_seen() -> None:
    story = asked()
    story.grant()
    story.commit(story.moved(RUPEES_100, "reserved", "funds"))
    story.answer(story.open.voucher)
    assert {"LEDGER-6", "LEDGER-9"} <= story.ids


@pytest.mark.parametrize("over", [{"number": 3}, {"control_total_paise": 41_000}])
def test_books_that_move_by_more_than_they_settle_are_seen(over: Any) -> None:
    story = confirmed()
    story.post(**over)
    story.receipt()
    assert "LEDGER-10" in story.ids


def test_a_number_that_rises_with_nothing_settled_is_seen() -> None:
    story = asked()
    story.commit(row=story.judged(number=2))
    story.state()
    assert {"LEDGER-10", "MONEY-10"} == story.ids


def test_value_that_comes_to_a_machine_beside_its_funds_is_seen() -> None:
    story = asked()
    story.commit(story.journal(("department", -100), (MACHINE, 100)))
    story.state()
    assert {"LEDGER-5", "LEDGER-11"} <= story.ids


def test_value_that_goes_to_another_licence_is_seen() -> None:
    story = asked()
    story.commit(story.journal((FUNDS, -100), ("funds:N222222", 100)))
    assert "LEDGER-11" in story.ids


def test_a_voucher_that_nobody_asked_for_is_seen_when_it_is_stored() -> None:
    story = Story()
    story.inspect()
    story.store_voucher("RECHARGE", RUPEES_100)
    assert story.ids == {"GRANT-1"}


def test_a_voucher_for_another_amount_than_asked_is_seen() -> None:
    story = asked()
    story.store_voucher("RECHARGE", 2 * RUPEES_100)
    assert story.ids == {"GRANT-1"}


@pytest.mark.parametrize("state", ["BLOCKED", "WITHHELD", "EXPIRED", "CANCELLED"])
def test_a_recharge_under_a_licence_that_was_taken_away_is_seen(state: str) -> None:
    story = asked()
    story.licence_is(state)
    story.store_voucher("RECHARGE", RUPEES_100)
    assert story.ids == {"GRANT-3"}


@pytest.mark.parametrize("state", ["REGISTERED", "RENEWED", ""])
def test_a_recharge_under_a_licence_in_use_breaks_nothing(state: str) -> None:
    story = asked()
    story.licence_is("WITHHELD")
    story.licence_is(state)
    story.store_voucher("RECHARGE", RUPEES_100)
    assert story.found == []


def test_an_amount_that_is_not_in_steps_is_seen_when_it_is_granted() -> None:
    story = asked(amount=RUPEES_100 + 1)
    story.store_voucher("RECHARGE", RUPEES_100 + 1)
    assert story.ids == {"GRANT-1"}


@pytest.mark.parametrize(
    ("kind", "amount", "state"),
    [
        ("RECHARGE", RUPEES_100, 4),
        ("RECHARGE", RUPEES_100, 6),
        ("WITHDRAWAL", 30_000, 6),
        ("WITHDRAWAL", 20_000, 2),
        ("REFUND", 0, 2),
    ],
)
def test_what_state_or_registers_do_not_allow_is_seen_when_it_is_granted(
    kind: str, amount: int, state: int
) -> None:
    story = Story()
    story.inspect()
    story.recharge(3 * RUPEES_100)
    story.want(kind, amount)
    story.state(state=state, amount=amount)
    story.store_voucher(kind, amount)
    assert "GRANT-1" in story.ids


def test_a_grant_on_top_of_what_is_not_settled_is_seen() -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100)
    story.apply(number=2)
    story.machine_hears(story.open.voucher)
    story.row = story.row._replace(number=2)
    made = story.new_row("RECHARGE", RUPEES_100)
    story.row = story.row._replace(number=1)
    story.commit(story.moved(RUPEES_100, "funds", "reserved"), recharges=(made,))
    assert "GRANT-1" in story.ids


def test_a_grant_in_the_transaction_that_settles_breaks_nothing() -> None:
    story = asked()
    story.grant()
    story.apply()
    story.hang_up()
    story.want("RECHARGE", 2 * RUPEES_100)
    story.state()
    settled = story.open._replace(state="POSTED")
    posted = story.moved(RUPEES_100, "reserved", "machine")
    row = story.judged(number=2, control_total_paise=40_000)
    story.row = row
    made = story.new_row("RECHARGE", 2 * RUPEES_100)
    reserved = story.moved(2 * RUPEES_100, "funds", "reserved")
    story.commit(posted, reserved, recharges=(settled, made), row=row)
    story.answer(made.voucher)
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    assert story.found == []


@pytest.mark.parametrize(
    "voucher",
    [
        pack_voucher("RECHARGE", 2, 2 * RUPEES_100, 30_000),
        pack_voucher("RECHARGE", 2, RUPEES_100, 29_000),
        pack_voucher("RECHARGE", 2, RUPEES_100, 30_000, after=41_000),
        pack_voucher("RECHARGE", 3, RUPEES_100, 30_000),
        pack_voucher("RECHARGE", 2, RUPEES_100, 30_000, licence="N222222"),
        pack_voucher("REFUND", 2, RUPEES_100, 30_000),
        b"no voucher at all",
    ],
)
def test_octets_that_say_another_thing_than_their_row_are_seen(voucher: bytes) -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100, voucher=voucher)
    assert story.ids == {"GRANT-2"}


@pytest.mark.parametrize(
    "void",
    [
        pack_voucher("VOID", 3, 0, 30_000),
        pack_voucher("VOID", 2, 0, 40_000),
        pack_voucher("RECHARGE", 2, RUPEES_100, 30_000),
        b"",
    ],
)
def test_a_void_for_another_voucher_is_seen(void: bytes) -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100)
    story.commit(recharges=(story.open._replace(void=void),))
    assert story.ids == {"GRANT-2"}


def test_a_post_that_no_message_explains_is_seen() -> None:
    story = asked()
    story.grant()
    story.apply()
    story.post()
    story.hang_up()
    story.state()
    assert "SETTLE-1" in story.ids


def test_a_void_that_no_message_explains_is_seen() -> None:
    story = asked()
    story.grant()
    story.take_back()
    story.void()
    story.state()
    assert "SETTLE-1" in story.ids


def test_a_reversal_that_no_person_made_is_seen() -> None:
    story = asked()
    story.grant()
    back = story.moved(RUPEES_100, "reserved", "funds")
    row = story.judged(number=2)
    story.commit(back, recharges=(story.open._replace(state="REVERSED"),), row=row)
    story.end()
    assert {"SETTLE-1", "MONEY-10"} == story.ids


def test_a_void_that_the_machine_applied_is_settled_by_its_statement() -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100)
    story.take_back()
    story.hang_up()
    story.state()
    story.commit(row=story.judged())
    void = story.open.void
    assert void is not None
    story.answer(void)
    story.store(number=2, pending=None)
    story.hang_up()
    story.state()
    story.void()
    story.receipt()
    assert story.found == []
    assert story.oracle.reached()["VOID applied"] == 1
    assert story.oracle.reached()["VOID settled"] == 1


def test_a_recharge_that_is_posted_at_once_by_unknown_octets_is_seen() -> None:
    story = asked()
    row = story.new_row("RECHARGE", RUPEES_100)._replace(state="POSTED")
    moved = story.moved(RUPEES_100, "funds", "machine")
    after = story.judged(number=2, control_total_paise=40_000)
    story.commit(moved, recharges=(row,), row=after)
    story.person("POST")
    assert "SETTLE-2" in story.ids


def test_a_presented_voucher_that_the_books_forgot_may_be_posted_by_a_person() -> None:
    story = asked()
    backup = story.backup()
    story.grant()
    story.apply()
    story.hang_up()
    forgotten = story.recharges[2]
    story.put_back(backup)
    story.state()
    story.freeze(37)
    moved = story.moved(RUPEES_100, "funds", "machine")
    row = story.row._replace(frozen=False, number=2, control_total_paise=40_000)
    story.person("POST")
    story.commit(moved, recharges=(forgotten._replace(state="POSTED"),), row=row)
    story.inspect()
    story.inspect()
    story.calm()
    story.rest()
    story.end()
    assert story.found == []
    reached = story.oracle.reached()
    assert reached["machine ahead of restored books posted"] == 1
    assert reached["number ahead frozen"] == 1
    assert reached["person posted"] == 1


def test_books_without_a_machine_give_nothing() -> None:
    story = Story(deposited=None)
    made = story.new_row("RECHARGE", RUPEES_100)
    story.see(BooksCommitted(0, "a transaction", (), (made,), (), ()))
    assert "GRANT-1" in story.ids
