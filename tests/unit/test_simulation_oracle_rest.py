"""What must come about once faults are off: LIVE; and what an oracle costs."""

from rmfs_tools.simulation.oracle.findings import RARE
from tests.observed import LICENCE, RUPEES_100, Story


def settled() -> Story:
    story = Story()
    story.inspect()
    story.recharge(3 * RUPEES_100)
    story.frank(500)
    return story


def test_a_machine_that_comes_to_rest_breaks_nothing() -> None:
    story = settled()
    story.calm()
    story.inspect()
    story.rest()
    story.end()
    assert story.found == []


def test_a_machine_that_is_given_up_is_seen() -> None:
    story = settled()
    story.calm()
    story.rest(finished=False)
    assert story.ids == {"LIVE-1"}


def test_a_machine_that_never_rests_is_seen_at_the_end() -> None:
    story = settled()
    story.calm()
    story.end()
    assert story.ids == {"LIVE-1"}


def test_nothing_is_due_before_the_calm() -> None:
    story = settled()
    story.deposit(0, paid=RUPEES_100)
    story.end()
    assert story.found == []


def test_nothing_is_due_from_a_cheat() -> None:
    story = settled()
    story.cheat("clone")
    story.calm()
    story.rest(finished=False)
    story.end()
    assert story.found == []


def test_a_request_that_is_left_at_rest_is_seen() -> None:
    story = settled()
    story.want("RECHARGE", RUPEES_100)
    story.calm()
    story.rest()
    assert story.ids == {"LIVE-2"}


def test_a_recharge_that_is_left_open_at_rest_is_seen() -> None:
    story = settled()
    story.want("RECHARGE", RUPEES_100)
    story.state()
    story.grant()
    story.apply()
    story.calm()
    story.rest()
    assert story.ids == {"LIVE-2"}


def test_an_account_that_is_left_frozen_at_rest_is_seen() -> None:
    story = settled()
    story.put_back(story.backup())
    story.commit(row=story.row._replace(frozen=True), discrepancies=("39",))
    story.calm()
    story.rest()
    assert story.ids == {"LIVE-2"}


def test_books_that_differ_from_the_machine_at_rest_are_seen() -> None:
    story = settled()
    backup = story.backup()
    story.recharge()
    story.put_back(backup)
    story.calm()
    story.rest()
    assert {"LIVE-3", "LIVE-4"} == story.ids


def test_paise_that_are_nowhere_at_rest_are_seen() -> None:
    story = settled()
    lost = story.journal((f"funds:{LICENCE}", -100), ("funds:N222222", 100))
    story.commit(lost)
    story.calm()
    story.rest()
    assert "LIVE-4" in story.ids


def a_life_that_is_over() -> Story:
    """Withdraw Rs 300 and begin a new life; what the books say is the test's."""
    story = Story()
    story.recharge(3 * RUPEES_100)
    story.want("WITHDRAWAL", 3 * RUPEES_100)
    story.state()
    story.grant("WITHDRAWAL", 3 * RUPEES_100)
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    story.store(licence="N222222", mark=bytes(8), state="INSTALLED")
    return story


def test_a_life_that_is_over_in_machine_and_books_breaks_nothing() -> None:
    story = a_life_that_is_over()
    story.calm()
    story.end()
    assert story.ids == {"LIVE-1"}, "the next life has not come to rest here"


def test_what_a_former_life_paid_back_and_old_books_forgot_is_seen_at_the_end() -> None:
    story = a_life_that_is_over()
    paid_back = Story()
    paid_back.recharge(3 * RUPEES_100)
    story.put_back(paid_back.backup())
    story.calm()
    story.end()
    assert story.ids == {"LIVE-1", "LIVE-3", "LIVE-4"}


def test_what_a_former_life_left_open_is_seen_at_the_end() -> None:
    story = a_life_that_is_over()
    story.commit(row=story.row._replace(frozen=True))
    story.calm()
    story.end()
    assert "LIVE-2" in story.ids


def test_a_deposit_that_is_never_credited_is_seen_at_the_end() -> None:
    story = settled()
    story.calm()
    story.deposit(0, paid=RUPEES_100)
    story.rest()
    story.end()
    assert story.ids == {"LIVE-5"}


def test_a_deposit_that_is_credited_twice_is_seen_at_the_end() -> None:
    story = settled()
    story.calm()
    story.deposit(0, paid=RUPEES_100)
    story.deposit(RUPEES_100, paid=0)
    story.deposit(RUPEES_100, paid=-RUPEES_100)
    story.rest()
    story.end()
    assert story.ids == {"LIVE-5"} | ({"LEDGER-4"} & story.ids)


def test_a_deposit_and_a_correction_may_wait_in_suspense() -> None:
    story = settled()
    story.calm()
    story.deposit(0, paid=2 * RUPEES_100)
    story.deposit(0, paid=-RUPEES_100)
    story.rest()
    story.end(waiting=RUPEES_100)
    assert story.found == []


def test_deposits_are_not_looked_at_without_word_of_what_waits() -> None:
    story = settled()
    story.calm()
    story.deposit(0, paid=RUPEES_100)
    story.rest()
    assert story.oracle.end() == []


def test_a_violation_is_reported_once() -> None:
    story = settled()
    story.commit(story.journal((f"machine:{LICENCE}", 5), ("department", -5)))
    story.commit(story.moved(5, "machine", "machine"))
    story.inspect()
    assert sorted(one.property_id for one in story.found) == ["LEDGER-11", "LEDGER-5"]
    assert "LEDGER-5 at " in str(story.found[0])


def test_every_rare_state_has_a_counter_from_the_beginning() -> None:
    assert Story(deposited=None).oracle.reached() == dict.fromkeys(RARE, 0)


def test_machines_do_not_mix() -> None:
    story = settled()
    story.see(story.stored._replace(body="attic", licence="N222222", number=9))
    story.commit(
        row=story.row._replace(licence="N222222", number=9, control_total_paise=30_000)
    )
    assert story.found == []


def test_a_world_may_begin_with_books() -> None:
    story = Story(deposited=None)
    story.see(story.stored)
    story.put_back(story.backup())
    story.deposit(10 * RUPEES_100)
    story.recharge()
    assert story.oracle.reached()["books restored"] == 0
    story.state()
    story.freeze(36)
    assert story.ids == {"FREEZE-2"}
