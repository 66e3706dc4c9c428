"""What the panel says at the end of a dial-in, and of a machine's situation."""

from dataclasses import replace

import pytest

from fm_device.dial_in import DialInReport, ServerIsBusy
from fm_device.firmware.machine import Machine, Parts
from fm_device.flash.layout import FLASH_OCTETS
from fm_device.show import report_as_json, show_machine, show_progress, show_report
from hw.lines.port import LineLoss, LossCause
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import (
    Acknowledged,
    ContentTaken,
    OrderTaken,
    Outcome,
    Refused,
)
from protocol.dialogue.shared import (
    Failed,
    LineLost,
)
from protocol.errors import ErrorCode
from protocol.messages import (
    Ack,
    Disposition,
    MessageType,
    Order,
    OrderKind,
    Refusal,
    RefusalCode,
    Voucher,
)
from protocol.registers import Registers, VoucherKind
from protocol.values import OrderSerial, Paise, RechargeNumber
from tests.franking import frank
from tests.witness.small_server import (
    RUPEES_2000,
    Channels,
    Dial,
    a_clock,
    a_new_memory,
    recharged,
    switch_on,
)

EMPTY = Registers(Paise(0), Paise(0), Paise(0), 0, 0)
FULL = Registers(Paise(0), Paise(200_000), Paise(200_000), 0, 0)
FAILED = DialInReport(
    outcome=Outcome.IN_DOUBT,
    before=EMPTY,
    after=EMPTY,
    pending=RUPEES_2000,
    voucher=None,
    refusal=None,
    receipt=None,
    orders=((Order(OrderSerial(4), OrderKind.TARIFF, 0), False),),
    failure=None,
    loss=LineLoss(LossCause.CARRIER_LOST),
    octets_up=100,
    octets_down=50,
    duration_s=1.26,
)
REFUSAL = Refusal(
    RechargeNumber(1),
    RefusalCode.FUNDS_SHORT,
    Disposition.CLEARED,
    Paise(100_000),
    receipt_follows=1,
)


def _voucher(kind: VoucherKind) -> Voucher:
    clock = a_clock()
    psd = switch_on(a_new_memory(clock), clock)
    return Voucher.decode(Dial(psd, RUPEES_2000).voucher(kind=kind))


def test_a_lost_carrier_says_what_is_pending_and_what_it_cost() -> None:
    assert show_report(FAILED) == [
        "DIAL-IN FAILED (carrier lost): dial again",
        "PENDING CREDIT Rs 2,000.00: the amount cannot be changed; dial again",
        "150 octets (100 up, 50 down), 1.3 s",
    ]
    assert FAILED.may_dial_again


def test_why_the_link_ended_is_told_though_this_end_has_hung_up() -> None:
    loss = LineLoss(LossCause.DROPPED_HERE)
    report = replace(FAILED, lost="link ended: no answer", loss=loss)
    assert (
        show_report(report)[0] == "DIAL-IN FAILED (link ended: no answer): dial again"
    )
    said = report_as_json(report)
    assert (said["detail"], said["line"]) == ("link ended: no answer", "dropped here")
    assert report_as_json(FAILED)["detail"] is None


def test_what_an_earlier_attempt_has_applied_is_told_with_the_last_one() -> None:
    voucher = _voucher(VoucherKind.RECHARGE)
    stored = replace(FAILED, voucher=voucher, after=FULL, pending=None)
    last = replace(
        FAILED,
        outcome=Outcome.INSPECTED,
        before=FULL,
        after=FULL,
        pending=None,
        orders=((Order(OrderSerial(5), OrderKind.CLOCK, 0), True),),
    )
    report = last.after_attempt(stored)
    assert report.outcome is Outcome.CONFIRMED
    assert show_report(report)[:4] == [
        "RECHARGED",
        "Previous funds   Rs 0.00",
        "Funds added      Rs 2,000.00",
        "Funds available  Rs 2,000.00",
    ]
    assert [order.order_serial for order, _ in report.orders] == [4, 5]
    fetched = replace(
        last, orders=((Order(OrderSerial(4), OrderKind.TARIFF, 0), True),)
    )
    assert fetched.after_attempt(FAILED).orders == fetched.orders
    assert fetched.after_attempt(FAILED).outcome is Outcome.INSPECTED


def test_a_refusal_says_why_and_how_much_may_be_added() -> None:
    report = replace(FAILED, outcome=Outcome.REFUSED, refusal=REFUSAL, pending=None)
    assert show_report(report)[:2] == [
        "REFUSED: the funds at the server are short (2 FUNDS_SHORT)",
        "Amount that may be added  Rs 1,000.00",
    ]
    assert not report.may_dial_again


@pytest.mark.parametrize("code", RefusalCode)
def test_every_refusal_has_words(code: RefusalCode) -> None:
    refusal = replace(REFUSAL, code=code)
    words = show_progress(Refused(refusal)).removeprefix("refused: ")
    assert words
    assert words[0].islower()


def test_a_recharge_that_is_stored_but_not_closed_warns_of_asking_again() -> None:
    report = replace(
        FAILED, voucher=_voucher(VoucherKind.RECHARGE), after=FULL, pending=None
    )
    lines = show_report(report)
    assert lines[0] == (
        "STORED, BUT NOT CLOSED AT THE SERVER (carrier lost): "
        "dial again for an inspection, without an amount"
    )
    assert lines[1:4] == [
        "Previous funds   Rs 0.00",
        "Funds added      Rs 2,000.00",
        "Funds available  Rs 2,000.00",
    ]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (VoucherKind.RECHARGE, "RECHARGED"),
        (VoucherKind.WITHDRAWAL, "WITHDRAWN: the value is back in the account"),
        (VoucherKind.REFUND, "REFUNDED to the account"),
        (VoucherKind.VOID, "TAKEN BACK by the server: nothing was added"),
    ],
)
def test_each_voucher_has_its_headline(kind: VoucherKind, words: str) -> None:
    report = replace(FAILED, outcome=Outcome.CONFIRMED, voucher=_voucher(kind))
    assert show_report(report)[0] == words


def test_a_broken_clause_is_named_and_dialling_again_does_not_help() -> None:
    failure = Failed(ErrorCode.VOUCHER, "its number is not the next one", by_peer=False)
    report = replace(FAILED, failure=failure)
    assert "broken off (VOUCHER): its number" in show_report(report)[0]
    assert not report.may_dial_again
    busy = replace(failure, code=ErrorCode.UNAVAILABLE)
    assert replace(FAILED, failure=busy).may_dial_again


def test_progress_is_one_line_each() -> None:
    order = Order(OrderSerial(4), OrderKind.LOCK, 0)
    assert show_progress(OrderTaken(order, applied=True)) == "order 4: LOCK done"
    assert show_progress(OrderTaken(order, applied=False)) == "order 4: LOCK not done"
    part = ContentTaken(0xA1, 512, 612, ())
    assert show_progress(part) == "content 00000000000000a1: 512 of 612 octets"
    last = ContentTaken(0xA1, 612, 612, (OrderTaken(order, applied=True),))
    assert show_progress(last).endswith("612 of 612 octets; order 4: LOCK done")
    missing = ContentTaken(0xA1, 0, 0, ())
    assert show_progress(missing) == "content 00000000000000a1 is not at the server"
    acknowledged = Acknowledged(Ack(MessageType.USAGE, 3))
    assert show_progress(acknowledged) == "USAGE is acknowledged"
    assert show_progress(LineLost("carrier lost")) == "line lost: carrier lost"


def test_programs_get_the_same_in_paise() -> None:
    said = report_as_json(replace(FAILED, refusal=REFUSAL))
    assert said["refusal"] == "FUNDS_SHORT"
    assert said["allowed_paise"] == 100_000
    assert said["orders"] == [{"serial": 4, "kind": "TARIFF", "applied": False}]
    assert said["pending"] == {"kind": "RECHARGE", "amount_paise": 200_000}
    assert said["duration_s"] == 1.26


def test_a_machine_shows_what_needs_attention() -> None:
    clock = a_clock()
    channels = Channels()
    flash = MemoryNvram.erased(FLASH_OCTETS)
    parts = Parts(a_new_memory(clock), flash, clock, channel=channels.machine)
    machine = Machine(parts)
    machine.switch_on()
    psd = machine.psd
    recharged(psd)
    frank(psd, Paise(500), 3)
    machine.look()
    assert "Last dial-in         01-06-2026 10:00:00 IST" in show_machine(machine)
    assert "  L           1 items  Rs 5.00" in show_machine(machine)
    assert show_machine(machine)[-1] == "NO TARIFF: dial in to fetch one (FMW-16-001)"
    clock.advance(26 * 86_400)
    assert show_machine(machine)[-2].startswith("DIAL IN SOON")
    dial = Dial(psd)
    dial.say(dial.receipt(orders=2))
    dial.say(dial.order(OrderKind.LOCK, 17))
    dial.say(dial.order(OrderKind.NEXT_CALL, clock.now()))
    psd.hang_up()
    assert show_machine(machine)[-3:-1] == [
        "LOCKED by the recharge server, reason 17",
        "DIAL IN: a call is due",
    ]


def test_a_busy_server_is_shown_as_busy_and_dialled_again() -> None:
    lost = "link ended: refused"
    busy = replace(FAILED, pending=None, lost=lost, refused_link=True)
    assert show_report(busy)[0] == (
        "SERVER IS BUSY (link ended: refused): nothing was changed, dial again later"
    )
    assert report_as_json(busy)["busy"] is True
    assert busy.may_dial_again
    told = Failed(ErrorCode.UNAVAILABLE, "the server said ERROR", by_peer=True)
    assert show_report(replace(FAILED, failure=told))[0] == (
        "SERVER IS BUSY (broken off (UNAVAILABLE): the server said ERROR): "
        "dial again later"
    )
    assert not FAILED.server_is_busy
    assert show_progress(ServerIsBusy()) == "the server is busy: it takes no call now"
