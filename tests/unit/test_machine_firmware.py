"""What an operator may ask for, and what the machine says to it."""

import pytest

from fm_device.firmware.dialling import DialPlan, DialRefusal, plan_dial_in
from fm_device.psd.device import Psd, manufacture
from fm_device.psd.memory import NVRAM_OCTETS
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.amounts import parse_rupees
from protocol.dialogue.machine import INSPECTION, Request
from protocol.errors import LocalProtocolError
from protocol.keys import Realm
from protocol.messages import OrderKind
from protocol.registers import RequestKind
from protocol.values import AMOUNT_PAISE_MAX, Paise
from tests.franking import frank
from tests.witness.small_server import (
    LICENCE,
    MAKER,
    PROVISIONING,
    RUPEES_2000,
    Dial,
    a_clock,
    a_new_memory,
    complete,
    recharged,
    switch_on,
)

RECHARGE = RequestKind.RECHARGE


def _machine() -> Psd:
    clock = a_clock()
    psd = switch_on(a_new_memory(clock), clock)
    recharged(psd)
    return psd


@pytest.mark.parametrize(
    ("text", "paise"),
    [("2000", 200_000), ("2000.00", 200_000), ("0.05", 5), ("0", 0), ("007", 700)],
)
def test_rupees_are_read_to_the_paisa(text: str, paise: int) -> None:
    assert parse_rupees(text) == paise


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "-1", "+1", "1.", "1.5", "1.005", ".50", "2,000", "Rs 2000", "1e3"),
        *(" 1", "1 ", "0x10", "\u0967", "nan", "99999999999999.99", "9" * 15),
    ],
)
def test_an_amount_written_in_any_other_way_is_refused(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        parse_rupees(text)


def test_the_largest_amount_is_what_a_register_holds() -> None:
    rupees, paise = divmod(AMOUNT_PAISE_MAX, 100)
    assert parse_rupees(f"{rupees}.{paise:02d}") == AMOUNT_PAISE_MAX


def test_what_is_pending_stands_before_anything_new() -> None:
    psd = _machine()
    Dial(psd, RUPEES_2000).psd.hang_up()
    for kind in RequestKind:
        plan = plan_dial_in(psd, kind, Paise(999_900))
        assert plan == DialPlan(
            RUPEES_2000,
            "PENDING CREDIT Rs 2,000.00: the amount cannot be changed; dial again",
        )


def test_an_operator_is_warned_before_adding_an_amount_a_second_time() -> None:
    psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    dial.say(dial.voucher())
    psd.hang_up()
    plan = plan_dial_in(psd, RECHARGE, Paise(200_000))
    assert isinstance(plan, DialPlan)
    assert plan.notice.startswith("RECHARGE 2 IS STORED, Rs 4,000.00 available")
    complete(Dial(psd))
    assert plan_dial_in(psd, RECHARGE, Paise(200_000)) == DialPlan(RUPEES_2000, "")


def test_a_withdrawal_asks_for_the_whole_of_dr() -> None:
    psd = _machine()
    frank(psd, Paise(500), 1)
    plan = plan_dial_in(psd, RequestKind.WITHDRAWAL)
    assert plan == DialPlan(Request(RequestKind.WITHDRAWAL, Paise(199_500)), "")


def test_a_recharge_of_nothing_is_refused_before_a_line_is_used() -> None:
    assert plan_dial_in(_machine(), RECHARGE) is DialRefusal.AMOUNT_ZERO


def test_a_refund_of_nothing_or_of_more_than_dr_is_refused_before_a_line_is_used() -> (
    None
):
    psd = _machine()
    for paise, refusal in (
        (0, DialRefusal.AMOUNT_ZERO),
        (200_001, DialRefusal.REFUND_TOO_MUCH),
    ):
        assert plan_dial_in(psd, RequestKind.REFUND, Paise(paise)) is refusal
    assert plan_dial_in(psd, RequestKind.REFUND, Paise(200_000)) == DialPlan(
        Request(RequestKind.REFUND, Paise(200_000)), ""
    )
    assert psd.record.pending is None


def test_a_locked_machine_may_dial_for_an_inspection_only() -> None:
    psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.LOCK))
    psd.hang_up()
    assert plan_dial_in(psd, RECHARGE, Paise(100)) is DialRefusal.LOCKED
    assert plan_dial_in(psd, RequestKind.INSPECTION) == DialPlan(INSPECTION, "")


def test_a_withdrawn_machine_is_recharged_no_more() -> None:
    psd = _machine()
    dial = Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(200_000)))
    dial.say(dial.voucher())
    complete(dial)
    assert plan_dial_in(psd, RECHARGE, Paise(100)) is DialRefusal.WITHDRAWN
    assert plan_dial_in(psd, RequestKind.WITHDRAWAL) is DialRefusal.WITHDRAWN
    assert isinstance(plan_dial_in(psd, RequestKind.INSPECTION), DialPlan)


def test_a_machine_that_is_not_installed_does_not_dial() -> None:
    nvram = MemoryNvram.erased(NVRAM_OCTETS)
    manufacture(
        nvram,
        psd_serial="PSD00001",
        licence=LICENCE,
        realm=Realm.TEST,
        servers=[PROVISIONING],
        maker=MAKER,
        entropy=SeededEntropy(b"made"),
        clock=a_clock(),
    )
    psd = switch_on(nvram, a_clock())
    assert plan_dial_in(psd, RequestKind.INSPECTION) is DialRefusal.UNINSTALLED
    with pytest.raises(LocalProtocolError, match="not installed"):
        psd.dial(INSPECTION)


def test_a_machine_dials_once_at_a_time() -> None:
    psd = _machine()
    Dial(psd)
    assert plan_dial_in(psd, RECHARGE, Paise(100)) is DialRefusal.ALREADY_DIALLING


def test_every_refusal_to_dial_has_a_code_of_its_own_and_words() -> None:
    assert len({refusal.code for refusal in DialRefusal}) == len(DialRefusal)
    assert all(refusal.words for refusal in DialRefusal)
