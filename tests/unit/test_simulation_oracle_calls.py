"""What is said in calls, in which order, and who is frozen: ORDER to GEN, and FORM."""

import json
from pathlib import Path

import pytest

from rmfs_tools.simulation.oracle.messages import (
    Ack,
    Confirmation,
    Goodbye,
    LastVoucher,
    Malformed,
    Receipt,
    Refusal,
    Statement,
    Usage,
    Voucher,
    decode,
)
from tests.observed import (
    RUPEES_100,
    Story,
    pack_ack,
    pack_confirmation,
    pack_goodbye,
    pack_receipt,
    pack_refusal,
    pack_statement,
    pack_usage,
    pack_voucher,
)
from tests.observed_stories import asked, confirmed, loaded

VECTORS = Path(__file__).resolve().parents[2] / "protocol" / "vectors" / "dlg.json"


# The octets.


def test_messages_are_decoded_as_the_vectors_have_them() -> None:
    vectors = {one["id"]: one for one in json.loads(VECTORS.read_text())["vectors"]}
    kinds = {
        "statement-recharge": Statement,
        "voucher-recharge": Voucher,
        "voucher-void": Voucher,
        "confirmation": Confirmation,
        "receipt": Receipt,
        "usage": Usage,
        "ack-usage": Ack,
        "goodbye": Goodbye,
        "refusal-funds-short": Refusal,
        "refusal-mark-wrong": Refusal,
        "last-voucher": LastVoucher,
    }
    same = {
        "number": "recharge_number",
        "before_paise": "control_total_before_paise",
        "after_paise": "control_total_after_paise",
    }
    for name, kind in kinds.items():
        message = decode(bytes.fromhex(vectors[name]["octets"]))
        assert message is not None
        assert isinstance(message, kind)
        fields = vectors[name]["fields"]
        for field, value in message._asdict().items():
            written = fields.get(same.get(field, field))
            if field == "cleared":
                assert value == (fields["disposition"] == 0)
            elif field == "licence":
                assert value.encode().hex() == written
            elif isinstance(value, bytes):
                assert value.hex() == written
            else:
                assert value == written


@pytest.mark.parametrize("octets", [b"", b"\x24" + bytes(13), b"\x16"])
def test_other_messages_are_not_looked_at(octets: bytes) -> None:
    assert decode(octets) is None


@pytest.mark.parametrize(
    "octets",
    [
        b"\x20" + bytes(112),
        pack_voucher("RECHARGE", 1, 2**53, 0, after=1),
        b"\x20\x05" + bytes(112),
        b"\x10" + bytes(159),
        pack_refusal(11),
        pack_refusal(2)[:-1] + b"\x00",
        pack_refusal(36)[:-1] + b"\x01",
        pack_receipt(1, bytes(8))[:-2] + b"\x07\x00",
    ],
)
def test_octets_that_are_no_message_are_seen(octets: bytes) -> None:
    assert isinstance(decode(octets), Malformed)
    story = asked()
    story.server_says(octets)
    story.machine_hears(octets)
    assert story.ids == {"FORM-1"}


@pytest.mark.parametrize("over", [{"ar": 2**53}, {"request": 3}, {"state": 9}])
def test_a_statement_out_of_range_is_seen(over: dict[str, int]) -> None:
    story = asked()
    story.machine_says(pack_statement(story.stored, 9, **over))
    assert story.ids == {"FORM-1"}


def test_a_confirmation_out_of_range_is_seen() -> None:
    story = asked()
    story.machine_says(pack_confirmation(story.stored, ar=2**53))
    assert story.ids == {"FORM-1"}


# The machine stores before it says.


@pytest.mark.parametrize("over", [{"ar": 1}, {"number": 2}, {"items": 1}])
def test_a_statement_of_what_is_not_stored_is_seen(over: dict[str, int]) -> None:
    story = asked()
    story.machine_says(pack_statement(story.stored, 9, **over))
    assert story.ids == {"ORDER-1"}


@pytest.mark.parametrize(
    "over",
    [{"amount": 2 * RUPEES_100}, {"request": 0}, {"request": 4}, {"mark": b"8 octets"}],
)
def test_a_statement_that_asks_for_what_is_not_pending_is_seen(
    over: dict[str, int],
) -> None:
    story = asked()
    story.machine_says(pack_statement(story.stored, 9, **over))
    assert story.ids == {"ORDER-1"}


def test_an_inspection_while_nothing_is_pending_breaks_nothing() -> None:
    story = Story()
    story.state(amount=77)
    assert story.found == []


def test_a_withdrawal_asks_for_the_whole_of_what_there_is() -> None:
    story = Story()
    story.inspect()
    story.recharge(3 * RUPEES_100)
    story.want("WITHDRAWAL", 0)
    story.state(amount=30_000)
    assert story.found == []


def test_a_confirmation_before_its_commit_is_seen() -> None:
    story = asked()
    story.grant()
    story.machine_says(pack_confirmation(story.stored, number=2, dr=40_000, ct=40_000))
    assert story.ids == {"ORDER-1"}


def test_a_mark_that_is_sent_back_before_it_is_stored_is_seen() -> None:
    story = Story()
    story.state()
    story.issue()
    assert story.row.mark_issued is not None
    story.machine_says(pack_goodbye(story.row.mark_issued))
    assert story.ids == {"ORDER-1"}


def test_a_presented_voucher_is_the_one_that_was_applied_last() -> None:
    story = confirmed()
    story.machine_says(b"\x15" + story.open.voucher)
    assert story.found == []
    story.machine_says(b"\x15" + story.recharges[1].voucher)
    assert story.ids == {"ORDER-1"}


def test_a_dial_in_that_does_not_rise_is_seen() -> None:
    story = asked()
    story.hang_up()
    story.dial_in -= 1
    story.state()
    assert "ORDER-2" in story.ids


def test_a_mark_that_no_receipt_brought_is_seen() -> None:
    story = asked()
    story.store(mark=b"8 octets")
    assert story.ids == {"ORDER-3"}


# The server stores before it says.


def test_a_voucher_that_is_sent_before_it_is_stored_is_seen() -> None:
    story = asked()
    made = story.new_row("RECHARGE", RUPEES_100)
    story.server_says(made.voucher)
    assert story.ids == {"ORDER-4"}


def test_a_receipt_before_its_mark_is_stored_is_seen() -> None:
    story = Story()
    story.state()
    story.commit(row=story.judged())
    story.server_says(pack_receipt(0, b"8 octets"))
    assert story.ids == {"ORDER-5"}


def test_a_receipt_before_the_recharge_is_posted_is_seen() -> None:
    story = confirmed()
    story.issue()
    assert story.row.mark_issued is not None
    story.server_says(pack_receipt(2, story.row.mark_issued))
    assert story.ids == {"ORDER-5"}


def test_a_receipt_for_another_number_is_seen() -> None:
    story = confirmed()
    story.post()
    assert story.row.mark_issued is not None
    story.server_says(pack_receipt(1, story.row.mark_issued))
    assert story.ids == {"ORDER-5"}


def test_a_mark_that_is_issued_twice_is_seen() -> None:
    story = Story()
    story.inspect()
    story.state()
    story.issue(mark_issued=story.stored.mark)
    assert story.ids == {"ORDER-5"}


def test_a_mark_that_counts_and_never_came_back_is_seen() -> None:
    story = Story()
    story.state()
    story.issue()
    story.commit(row=story.row._replace(mark_acknowledged=b"8 octets"))
    story.hang_up()
    story.end()
    assert story.ids == {"ORDER-6"}


# Answers.


def test_what_is_outstanding_is_sent_again_and_counted() -> None:
    story = asked()
    story.grant()
    story.hang_up()
    story.state()
    story.commit(row=story.judged())
    story.answer(story.open.voucher)
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    assert story.found == []
    assert story.oracle.reached()["voucher sent again"] == 1
    assert story.oracle.reached()["voucher heard twice"] == 1
    assert story.oracle.reached()["recharge posted by confirmation"] == 2


def test_a_voucher_that_is_built_anew_is_seen() -> None:
    story = asked()
    story.grant()
    story.hang_up()
    story.state()
    story.commit(row=story.judged())
    story.server_says(pack_voucher("RECHARGE", 2, RUPEES_100, 30_000, salt=1))
    assert story.ids == {"JUDGE-1", "ORDER-4"}


def test_a_voucher_that_is_sent_although_its_void_is_stored_is_seen() -> None:
    story = asked()
    story.store_voucher("RECHARGE", RUPEES_100)
    story.take_back()
    story.hang_up()
    story.state()
    story.commit(row=story.judged())
    story.server_says(story.open.voucher)
    assert story.ids == {"JUDGE-1"}


def test_a_receipt_while_a_voucher_is_outstanding_is_seen() -> None:
    story = asked()
    story.grant()
    story.hang_up()
    story.state()
    story.issue()
    story.receipt()
    assert story.ids == {"JUDGE-1"}


def test_a_receipt_for_a_request_is_seen() -> None:
    story = asked()
    story.issue()
    story.receipt()
    assert story.ids == {"JUDGE-2"}


def test_a_refusal_of_an_inspection_is_seen() -> None:
    story = Story()
    story.state()
    story.issue()
    story.server_says(pack_refusal(10))
    assert story.ids == {"JUDGE-2"}


def test_an_answer_that_nobody_asked_for_is_seen() -> None:
    story = Story()
    story.inspect()
    story.server_says(pack_refusal(10))
    assert story.ids == {"JUDGE-2"}


def test_a_voucher_for_a_confirmation_is_seen() -> None:
    story = confirmed()
    story.post()
    story.server_says(story.recharges[2].voucher)
    assert story.ids == {"JUDGE-2"}


def test_a_request_may_be_refused_and_the_dial_in_is_complete() -> None:
    story = asked(amount=200 * RUPEES_100)
    story.issue()
    story.answer(pack_refusal(2))
    story.store(pending=None)
    story.receipt()
    assert story.found == []


def test_a_refusal_for_want_of_funds_that_are_there_is_seen() -> None:
    story = asked()
    story.issue()
    story.answer(pack_refusal(2))
    assert story.ids == {"JUDGE-3"}


def test_a_refusal_that_clears_what_is_outstanding_is_seen() -> None:
    story = asked()
    story.grant()
    story.hang_up()
    story.cheat("image restored")
    story.state(mark=b"8 octets")
    story.freeze(36, cleared=True)
    assert "PENDING-3" in story.ids


def test_a_refusal_that_keeps_what_nothing_is_outstanding_for_is_seen() -> None:
    story = asked(amount=200 * RUPEES_100)
    story.issue()
    story.answer(pack_refusal(2, cleared=False))
    assert story.ids == {"PENDING-3"}


# Freezing.

CHEATS = [
    ({"dr": 99}, 32),
    ({"number": 0}, 38),
    ({"number": 2}, 37),
    ({"dr": 30_500, "ct": 31_000}, 33),
    ({"ar": 0, "dr": 30_000}, 34),
    ({"items": 0}, 35),
    ({"zero": 1}, 35),
    ({"mark": b"8 octets"}, 36),
]


def a_machine_that_has_franked() -> Story:
    story = loaded()
    story.frank(500)
    story.frank(0)
    story.inspect()
    return story


@pytest.mark.parametrize(("over", "code"), CHEATS)
def test_a_cheat_that_shows_is_frozen(over: dict[str, int], code: int) -> None:
    story = a_machine_that_has_franked()
    story.cheat("forged")
    story.state(**over)
    story.freeze(code)
    story.hang_up()
    story.state(**over)
    story.commit(row=story.row, discrepancies=(str(code),))
    story.answer(pack_refusal(code))
    story.hang_up()
    story.state()
    story.answer(pack_refusal(40))
    assert story.found == []
    assert story.oracle.reached()["forged registers frozen"] == 1
    assert story.oracle.reached()["frozen account refused"] == 1
    assert story.oracle.reached()["cheat without a trace"] == 0


@pytest.mark.parametrize(("over", "code"), CHEATS)
def test_a_cheat_that_shows_and_is_served_is_seen(
    over: dict[str, int], code: int
) -> None:
    story = a_machine_that_has_franked()
    story.cheat("forged")
    story.state(**over)
    story.issue()
    assert story.row.mark_issued is not None
    story.server_says(pack_receipt(over.get("number", 1), story.row.mark_issued))
    assert "FREEZE-1" in story.ids


def test_a_cheat_on_a_frozen_account_that_is_served_is_seen() -> None:
    story = a_machine_that_has_franked()
    story.cheat("clone")
    story.forge(mark=b"8 octets")
    story.freeze(36)
    story.hang_up()
    story.state()
    story.issue()
    story.receipt()
    assert story.ids == {"FREEZE-1"}


def test_a_cheat_that_leaves_no_trace_is_counted() -> None:
    story = a_machine_that_has_franked()
    story.cheat("image restored")
    story.inspect()
    assert story.found == []
    assert story.oracle.reached()["cheat without a trace"] == 1


def test_a_confirmation_that_settles_nothing_is_frozen() -> None:
    story = confirmed()
    story.post()
    story.receipt()
    story.cheat("clone")
    story.confirm()
    story.freeze(38)
    assert story.found == []


def test_a_confirmation_that_settles_nothing_and_is_served_is_seen() -> None:
    story = confirmed()
    story.post()
    story.receipt()
    story.confirm()
    story.issue()
    story.receipt()
    assert "FREEZE-1" in story.ids


def test_an_honest_machine_that_is_frozen_is_seen() -> None:
    story = asked()
    story.freeze(36)
    assert story.ids == {"FREEZE-2"}


def test_an_honest_machine_that_is_frozen_for_its_usage_is_seen() -> None:
    story = asked()
    story.say(pack_usage())
    story.commit(row=story.row._replace(frozen=True), discrepancies=("39",))
    assert story.ids == {"FREEZE-2"}


def test_a_message_in_order_that_is_refused_is_seen_also_with_a_cheat() -> None:
    story = asked()
    story.cheat("clone")
    story.freeze(36)
    assert story.ids == {"FREEZE-2"}


def test_a_freeze_that_is_said_and_not_stored_is_seen() -> None:
    story = asked()
    story.cheat("clone")
    story.hang_up()
    story.forge(mark=b"8 octets")
    story.server_says(pack_refusal(36))
    assert story.ids == {"FREEZE-3"}


def test_a_freeze_that_is_not_reported_is_seen() -> None:
    story = asked()
    story.cheat("clone")
    story.commit(row=story.row._replace(frozen=True))
    assert story.ids == {"FREEZE-3"}


def test_a_report_without_a_freeze_is_seen() -> None:
    story = asked()
    story.cheat("clone")
    story.commit(discrepancies=("36",))
    assert story.ids == {"FREEZE-3"}


def test_a_freeze_that_settles_is_seen() -> None:
    story = confirmed()
    story.cheat("clone")
    row = story.open._replace(state="POSTED")
    moved = story.moved(RUPEES_100, "reserved", "machine")
    after = story.judged(number=2, control_total_paise=40_000, frozen=True)
    story.commit(moved, recharges=(row,), row=after, discrepancies=("36",))
    assert story.ids == {"FREEZE-4"}


def frozen() -> Story:
    story = confirmed()
    story.cheat("clone")
    story.hang_up()
    story.forge(mark=b"8 octets")
    opened = story.open._replace(state="FROZEN")
    after = story.row._replace(frozen=True)
    story.commit(recharges=(opened,), row=after, discrepancies=("36",))
    story.answer(pack_refusal(36, cleared=False))
    story.hang_up()
    return story


def test_a_frozen_account_that_moves_by_itself_is_seen() -> None:
    story = frozen()
    story.state()
    story.post()
    story.end()
    assert {"FREEZE-4", "SETTLE-1"} == story.ids


def test_a_freeze_that_no_person_ended_is_seen() -> None:
    story = frozen()
    story.commit(row=story.row._replace(frozen=False))
    story.state()
    assert story.ids == {"FREEZE-4"}


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_a_person_may_post_what_is_frozen(*, first: bool) -> None:
    story = frozen()
    if first:
        story.person("POST")
    story.post(frozen=False, mark=False)
    if not first:
        story.person("POST")
    story.inspect()
    assert story.found == []
    assert story.oracle.reached()["person posted"] == 1


def test_a_person_may_reverse_what_is_frozen_and_adopt_or_keep() -> None:
    story = frozen()
    back = story.moved(RUPEES_100, "reserved", "funds")
    row = story.row._replace(number=2, frozen=False)
    story.commit(back, recharges=(story.open._replace(state="REVERSED"),), row=row)
    story.person("REVERSE")
    story.state()
    story.freeze(33)
    adopted = story.journal(
        ("suspense", -10_000), (f"machine:{story.stored.licence}", 10_000)
    )
    mark = story.stored.mark
    row = story.row._replace(frozen=False, control_total_paise=40_000)
    story.commit(adopted, row=row._replace(mark_acknowledged=mark))
    story.person("ADOPT")
    story.person("KEEP")
    story.inspect()
    assert story.found == []
    reached = story.oracle.reached()
    assert [reached[f"person {act}"] for act in ("reversed", "adopted", "kept")] == [
        1,
        1,
        1,
    ]


def test_another_code_than_the_first_is_seen() -> None:
    story = a_machine_that_has_franked()
    story.cheat("forged")
    story.state(mark=b"8 octets", number=2)
    story.freeze(36)
    assert story.ids == {"FREEZE-5"}


def test_a_receipt_after_a_discrepancy_is_seen() -> None:
    story = a_machine_that_has_franked()
    story.cheat("forged")
    story.state(mark=b"8 octets")
    story.freeze(36)
    mark = story.fresh_mark()
    story.commit(row=story.row._replace(mark_issued=mark))
    story.server_says(pack_receipt(1, mark))
    assert story.ids == {"FREEZE-5"}


def test_a_machine_that_an_old_backup_does_not_know_may_be_frozen() -> None:
    story = asked()
    backup = story.backup()
    story.grant()
    story.apply()
    story.confirm()
    story.post()
    story.receipt()
    story.put_back(backup)
    story.state()
    story.freeze(37)
    assert story.found == []
    assert story.oracle.reached()["books restored"] == 1


def test_registers_of_a_backup_are_those_accepted_then() -> None:
    story = a_machine_that_has_franked()
    backup = story.backup()
    story.cheat("forged")
    story.frank(500)
    story.inspect()
    story.put_back(backup)
    story.state(ar=499, dr=29_501)
    story.freeze(34)
    assert story.found == []


def test_usage_that_a_backup_has_lost_may_freeze() -> None:
    story = Story()
    story.inspect()
    story.put_back(story.backup())
    story.inspect()
    story.inspect()
    story.state()
    story.issue()
    story.answer(pack_receipt(0, story.row.mark_issued or b""))
    story.say(pack_usage())
    story.commit(row=story.row._replace(frozen=True), discrepancies=("39",))
    story.answer(pack_refusal(39))
    assert story.found == []


def test_a_machine_that_has_met_its_restored_books_is_never_frozen_again() -> None:
    story = Story()
    story.inspect()
    story.put_back(story.backup())
    story.inspect()
    story.state()
    story.issue()
    story.answer(pack_receipt(0, story.row.mark_issued or b""))
    story.say(pack_usage())
    story.answer(pack_ack())
    story.commit(row=story.row._replace(frozen=True), discrepancies=("39",))
    assert story.ids == {"FREEZE-2"}


# Two calls of one machine.


def test_a_newer_call_wins_and_is_counted() -> None:
    story = asked()
    story.state()
    story.grant()
    assert story.found == []
    assert story.oracle.reached()["older call superseded"] == 1


def test_an_answer_in_a_call_that_had_lost_is_seen() -> None:
    story = asked()
    first = story.call
    story.grant()
    story.state()
    story.commit(row=story.judged())
    story.answer(story.open.voucher)
    story.apply()
    story.say(pack_confirmation(story.stored), first)
    story.post()
    story.server_says(pack_receipt(2, story.row.mark_issued or b""), first)
    assert story.ids == {"GEN-1"}
    assert story.oracle.reached()["superseded call heard"] == 1


def test_a_mark_from_a_call_that_had_lost_is_seen_when_it_counts() -> None:
    story = Story()
    story.inspect()
    old = story.stored.mark
    first = story.call
    story.inspect()
    story.state()
    story.issue()
    story.server_says(pack_receipt(0, story.row.mark_issued or b""))
    story.server_hears(pack_goodbye(old), first)
    story.commit(row=story.row._replace(mark_acknowledged=old))
    story.end()
    assert story.ids == {"GEN-1"}


def test_a_goodbye_of_a_call_that_had_lost_is_dropped() -> None:
    story = Story()
    story.inspect()
    story.state()
    first = story.call
    story.issue()
    story.machine_hears(pack_receipt(0, story.row.mark_issued or b""))
    story.server_says(pack_receipt(0, story.row.mark_issued or b""))
    mark = story.row.mark_issued or b""
    story.store(mark=mark)
    story.inspect()
    story.server_hears(pack_goodbye(mark), first)
    assert story.found == []


def test_a_statement_of_an_older_dial_in_that_is_answered_is_seen() -> None:
    story = Story()
    story.inspect()
    story.dial_in += 5
    story.inspect()
    story.dial_in = 2
    story.forge()
    story.commit(row=story.row._replace(mark_issued=story.fresh_mark()))
    story.server_says(pack_receipt(0, story.row.mark_issued or b""))
    assert story.ids == {"GEN-2"}


def test_a_statement_of_an_older_dial_in_may_go_unanswered_or_be_frozen() -> None:
    story = Story()
    story.inspect()
    story.dial_in += 5
    story.inspect()
    story.cheat("image restored")
    story.power_cut()
    story.dial_in = 2
    story.state()
    story.hang_up()
    story.power_cut()
    story.state(mark=bytes(8))
    story.freeze(36)
    assert "GEN-2" not in story.ids
    assert story.oracle.reached()["image restored across a mark frozen"] == 1


@pytest.mark.parametrize("dial_in", [1, 9])
def test_a_dial_in_that_counts_and_was_not_stated_is_seen(dial_in: int) -> None:
    story = Story()
    story.inspect()
    story.inspect()
    story.state()
    story.commit(row=story.judged(dial_in=dial_in))
    story.hang_up()
    story.end()
    assert story.ids == {"GEN-3"}


def test_only_the_last_calls_are_remembered() -> None:
    story = Story()
    for _ in range(20):
        story.inspect()
    story.server_says(pack_refusal(2), 1)
    assert story.found == []
