"""Registers, franks and requests of one body: MONEY, FRANK, PENDING, LIFE."""

import pytest

from rmfs_tools.simulation.observations import Franked
from tests.observed import (
    RUPEES_100,
    Story,
    pack_confirmation,
    pack_refusal,
    pack_statement,
    pack_voucher,
)
from tests.observed_stories import granted, loaded


def test_an_honest_life_breaks_nothing() -> None:
    story = loaded()
    story.frank(500)
    story.frank(0)
    story.power_cut()
    story.recharge()
    for kind, amount in (("REFUND", 2_000), ("WITHDRAWAL", 37_500)):
        story.want(kind, amount)
        story.power_cut()
        story.state()
        story.grant(kind, amount)
        story.apply()
        story.confirm()
        story.post()
        story.receipt()
    story.calm()
    story.rest()
    story.end()
    assert story.found == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"control_total_paise": 29_999},
        {"items": 2, "items_with_zero": 1},
        {"ascending_paise": 30_100, "descending_paise": -100},
    ],
)
def test_registers_that_do_not_add_up_are_seen(wrong: dict[str, int]) -> None:
    story = loaded()
    story.store(**wrong)
    assert "MONEY-1" in story.ids


@pytest.mark.parametrize(
    "wrong",
    [
        {"ascending_paise": 499, "descending_paise": 29_501},
        {"items": 0, "items_with_zero": 1},
        {"items_with_zero": 1},
        {"number": 0},
    ],
)
def test_a_register_that_goes_back_is_seen(wrong: dict[str, int]) -> None:
    story = loaded()
    story.frank(500)
    story.frank(0)
    story.store(powered_on=True, **wrong)
    assert "MONEY-2" in story.ids


def test_an_image_that_was_put_back_may_go_back() -> None:
    story = loaded()
    image = story.stored
    story.frank(500)
    story.cheat("image restored")
    story.stored = image
    story.power_cut()
    assert story.found == []


def test_a_frank_without_a_debit_is_seen() -> None:
    story = loaded()
    story.see(Franked(0, "desk", 500))
    assert story.ids == {"MONEY-3"}


def test_a_frank_of_a_machine_that_nobody_has_seen_is_seen() -> None:
    story = Story()
    story.see(Franked(0, "attic", 500))
    assert story.ids == {"MONEY-3"}


def test_two_franks_for_one_debit_are_seen() -> None:
    story = loaded()
    story.frank(500)
    story.see(Franked(0, "desk", 500))
    assert story.ids == {"MONEY-3"}


def test_a_frank_of_more_than_was_debited_is_seen() -> None:
    story = loaded()
    story.debit(500)
    story.see(Franked(0, "desk", 600))
    assert story.ids == {"MONEY-3"}


def test_postage_that_is_taken_without_a_frank_is_seen() -> None:
    story = loaded()
    story.debit(500)
    story.debit(500)
    assert story.ids == {"MONEY-3"}


def test_postage_that_is_counted_as_no_item_is_seen() -> None:
    story = loaded()
    story.store(ascending_paise=500, descending_paise=29_500)
    assert story.ids == {"MONEY-3"}


def test_a_power_cut_may_lose_one_debit_and_is_counted() -> None:
    story = loaded()
    story.debit(500)
    story.power_cut()
    story.store(
        powered_on=True,
        ascending_paise=1_000,
        descending_paise=29_000,
        items=2,
        items_with_zero=2,
    )
    story.frank(500)
    assert story.found == []
    assert story.oracle.reached()["debit lost to a power cut"] == 2
    assert story.oracle.reached()["write found at power-on"] == 1


def test_credit_that_comes_without_a_voucher_is_seen() -> None:
    story = loaded()
    story.store(descending_paise=40_000)
    assert {"MONEY-4", "MONEY-9"} <= story.ids


def test_a_number_that_rises_without_a_voucher_is_seen() -> None:
    story = loaded()
    story.power_cut()
    story.want("RECHARGE", RUPEES_100)
    story.cheat("image restored")
    story.power_cut()
    story.store(number=2, pending=None)
    assert story.ids == {"MONEY-4"}


def test_a_number_that_leaps_is_seen() -> None:
    story = granted()
    story.apply(number=3)
    assert "MONEY-4" in story.ids


def test_a_voucher_that_was_never_stored_is_seen_when_it_is_applied() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.state()
    story.machine_hears(pack_voucher("RECHARGE", 2, RUPEES_100, 30_000))
    story.store(descending_paise=40_000, number=2, pending=None)
    assert {"MONEY-5", "MONEY-10"} == story.ids


def test_a_voucher_that_is_applied_for_more_than_it_says_is_seen() -> None:
    story = granted()
    story.apply(descending_paise=50_000)
    assert {"MONEY-6", "MONEY-9"} <= story.ids


def test_a_voucher_for_another_number_is_seen_when_it_is_applied() -> None:
    story = granted()
    story.apply()
    story.store(descending_paise=50_000, number=3)
    assert "MONEY-6" in story.ids


def test_a_voucher_for_another_total_is_seen_when_it_is_applied() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.state()
    wrong = pack_voucher("RECHARGE", 2, RUPEES_100, 20_000)
    story.grant(voucher=wrong)
    story.apply()
    assert "MONEY-6" in story.ids


def test_a_withdrawal_that_leaves_the_machine_in_service_is_seen() -> None:
    story = granted("WITHDRAWAL", 30_000)
    story.apply(state="IN_SERVICE")
    assert story.ids == {"MONEY-6"}


def test_franking_inside_the_commit_of_a_voucher_is_seen() -> None:
    story = granted()
    story.apply(
        ascending_paise=500, descending_paise=39_500, items=1, items_with_zero=1
    )
    assert story.ids == {"MONEY-6"}


@pytest.mark.parametrize(
    "other", [{"licence": "N654321"}, {"credential": bytes.fromhex("0badc0de0badc0de")}]
)
def test_a_voucher_of_another_psd_is_seen_when_it_is_applied(
    other: dict[str, str | bytes],
) -> None:
    story = granted()
    story.machine_hears(
        pack_voucher("RECHARGE", 2, RUPEES_100, 30_000, **other)  # type: ignore[arg-type]
    )
    story.apply()
    assert "MONEY-7" in story.ids


def test_a_voucher_that_two_bodies_apply_is_seen() -> None:
    story = granted()
    before = story.stored
    voucher = story.open.voucher
    story.apply()
    story.stored = before._replace(body="copy")
    story.see(story.stored)
    story.machine_hears(voucher)
    story.apply()
    assert "MONEY-8" in story.ids


def test_a_clone_may_apply_what_its_twin_applied_and_is_counted() -> None:
    story = granted()
    before = story.stored
    voucher = story.open.voucher
    story.cheat("clone")
    story.apply()
    story.stored = before._replace(body="copy")
    story.see(story.stored)
    story.machine_hears(voucher)
    story.apply()
    assert story.found == []
    assert story.oracle.reached()["voucher applied by two bodies"] == 1


def test_an_older_image_may_apply_its_voucher_again_and_is_counted() -> None:
    story = granted()
    before = story.stored
    story.apply()
    story.cheat("image restored")
    story.stored = before
    story.power_cut()
    story.machine_hears(story.open.voucher)
    story.apply()
    assert story.found == []
    assert story.oracle.reached()["voucher applied again from an image"] == 1


def test_a_control_total_that_is_not_base_and_vouchers_is_seen() -> None:
    story = loaded()
    story.store(ascending_paise=500, items=1, items_with_zero=1)
    assert {"MONEY-4", "MONEY-9"} <= story.ids


def test_books_that_post_what_no_machine_applied_are_seen() -> None:
    story = granted()
    story.confirm(number=2, dr=40_000, ct=40_000)
    story.post()
    assert "MONEY-10" in story.ids


def test_a_voucher_found_applied_at_power_on_breaks_nothing() -> None:
    story = granted()
    story.apply(powered_on=True)
    story.state()
    story.post()
    story.receipt()
    assert story.found == []
    assert story.oracle.reached()["recharge posted by statement"] == 1


@pytest.mark.parametrize("kind", ["REFUND", "WITHDRAWAL"])
def test_a_frank_while_credit_is_going_back_is_seen(kind: str) -> None:
    story = loaded()
    story.want(kind, 30_000)
    story.frank(500)
    assert story.ids == {"FRANK-1"}


def test_a_frank_while_a_recharge_is_pending_breaks_nothing() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.frank(500)
    assert story.found == []


def test_a_frank_in_a_dialogue_is_seen() -> None:
    story = loaded()
    story.state()
    story.frank(500)
    assert story.ids == {"FRANK-2"}


def test_a_frank_after_a_dialogue_breaks_nothing() -> None:
    story = loaded()
    story.state()
    story.hang_up()
    story.frank(500)
    story.state()
    story.power_cut()
    story.frank(500)
    story.state()
    story.call += 1
    story.hang_up()
    story.frank(500)
    assert story.found == []


@pytest.mark.parametrize("state", ["INSTALLED", "LOCKED", "FAULT", "LOCKED_OUT"])
def test_a_frank_in_a_state_that_allows_none_is_seen(state: str) -> None:
    story = loaded()
    story.store(state=state)
    story.frank(500)
    assert story.ids == {"FRANK-3"}


def test_a_request_that_vanishes_is_seen() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.store(powered_on=True, pending=None)
    assert story.ids == {"PENDING-1"}


def test_a_request_whose_amount_changes_is_seen() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.want("RECHARGE", 2 * RUPEES_100)
    assert story.ids == {"PENDING-1"}


def test_a_request_that_is_pending_again_without_a_new_wish_is_seen() -> None:
    story = loaded()
    story.wish("RECHARGE", RUPEES_100)
    story.recharge()
    assert story.found == []
    story.want("RECHARGE", RUPEES_100)
    assert story.ids == {"PENDING-4"}


def test_a_request_for_another_amount_than_wished_is_seen() -> None:
    story = loaded()
    story.wish("RECHARGE", RUPEES_100)
    story.want("RECHARGE", 2 * RUPEES_100)
    assert story.ids == {"PENDING-4"}


def test_a_wish_that_was_refused_may_be_pending_again() -> None:
    story = loaded()
    story.wish("RECHARGE", RUPEES_100)
    story.want("RECHARGE", RUPEES_100)
    story.machine_hears(pack_refusal(2))
    story.store(pending=None)
    story.want("RECHARGE", RUPEES_100)
    assert story.found == []


def test_a_wish_that_is_pending_over_a_power_cut_breaks_nothing() -> None:
    story = loaded()
    story.wish("RECHARGE", RUPEES_100)
    story.want("RECHARGE", RUPEES_100)
    story.power_cut()
    story.recharge()
    story.wish("RECHARGE", RUPEES_100)
    story.recharge()
    assert story.found == []


def test_a_request_that_an_old_refusal_clears_is_seen() -> None:
    story = loaded()
    story.machine_hears(pack_refusal(2))
    story.want("RECHARGE", RUPEES_100)
    story.store(pending=None)
    assert story.ids == {"PENDING-1"}


def test_a_request_that_was_refused_and_kept_may_not_end() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.machine_hears(pack_refusal(36, cleared=False))
    story.store(pending=None)
    assert story.ids == {"PENDING-1"}
    assert story.oracle.reached()["request refused and kept"] == 1


def test_a_request_ends_by_a_refusal_that_clears_it() -> None:
    story = loaded()
    story.want("RECHARGE", RUPEES_100)
    story.power_cut()
    story.machine_hears(pack_refusal(2))
    story.store(powered_on=True, pending=None)
    assert story.found == []
    assert story.oracle.reached()["request refused and cleared"] == 1
    assert story.oracle.reached()["pending kept over a power cut"] == 1


def test_a_request_that_outlives_its_voucher_is_seen() -> None:
    story = granted()
    story.apply(pending=("RECHARGE", RUPEES_100))
    assert story.ids == {"PENDING-2"}


def test_a_new_life_begins_from_a_withdrawn_machine() -> None:
    story = granted("WITHDRAWAL", 30_000)
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    story.store(licence="N222222", mark=bytes(8), state="INSTALLED")
    assert story.found == []
    assert story.oracle.reached()["new life"] == 1


@pytest.mark.parametrize(
    "wrong",
    [{}, {"descending_paise": 0}, {"number": 5}, {"licence": "N333333"}],
)
def test_a_new_life_of_a_machine_in_service_is_seen(wrong: dict[str, int]) -> None:
    story = loaded()
    changes = {"licence": "N222222", "mark": bytes(8), "state": "INSTALLED"} | wrong
    story.store(**changes)
    assert "LIFE-1" in story.ids


def test_a_forged_body_is_not_followed() -> None:
    story = loaded()
    story.cheat("forged")
    story.store(ascending_paise=1, descending_paise=99_999, control_total_paise=5)
    story.machine_says(pack_statement(story.stored, 1))
    story.machine_says(pack_confirmation(story.stored, number=77))
    story.see(Franked(0, "desk", 7))
    assert story.found == []


def a_withdrawal_asked_for() -> Story:
    """Loaded, its whole DR of 30,000 paise asked back and not answered."""
    story = loaded()
    story.want("WITHDRAWAL", 30_000)
    return story


def test_a_copy_of_a_forged_body_is_not_followed() -> None:
    story = a_withdrawal_asked_for()
    story.cheat("forged")
    story.store(descending_paise=80_000)
    story.cheat("clone", copy="desk-clone")
    story.store(body="desk-clone", powered_on=True)
    story.machine_says(pack_statement(story.stored, 9))
    story.cheat("clone", copy="third desk")
    story.store(body="third desk", powered_on=True)
    story.machine_says(pack_statement(story.stored, 9))
    assert story.found == []


def test_a_copy_of_a_body_in_order_is_followed() -> None:
    story = a_withdrawal_asked_for()
    story.cheat("clone", copy="desk-clone")
    story.cheat("forged")
    story.store(descending_paise=80_000)
    story.store(body="desk-clone", powered_on=True, descending_paise=30_000)
    story.machine_says(pack_statement(story.stored, 9))
    assert story.found == []
    story.machine_says(pack_statement(story.stored, 10, amount=29_999))
    assert story.ids == {"ORDER-1"}
