"""Vouchers at the PSD: what is not exactly right changes nothing and is named."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from fm_device.presets.applying import apply_preset
from fm_device.presets.library import read_library
from fm_device.psd.crediting import WRONG_VOUCHERS_MAX
from fm_device.psd.device import Psd
from fm_device.psd.session import VoucherRefusedError
from hw.entropy import SeededEntropy
from hw.nvram import MemoryNvram
from protocol.dialogue.machine import INSPECTION, Request, VoucherApplied
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.keys import Realm, SigningKey
from protocol.messages import Confirmation, OrderKind, Voucher
from protocol.registers import MachineState, RequestKind, VoucherKind
from protocol.values import AMOUNT_PAISE_MAX, LicenceIdentifier, Paise, RechargeNumber
from protocol.vouchers import VoucherFault, VoucherHolder, check_voucher
from tests.franking import frank
from tests.witness.small_server import (
    CREDIT_KEY,
    RUPEES_2000,
    Dial,
    a_clock,
    a_new_memory,
    complete,
    recharged,
    switch_on,
)

STRANGER = SigningKey.generate(SeededEntropy(b"stranger"))


def _machine() -> tuple[MemoryNvram, Psd]:
    """A machine with Rs 2,000 recharged and Rs 5 franked."""
    clock = a_clock()
    nvram = a_new_memory(clock)
    psd = switch_on(nvram, clock)
    recharged(psd)
    frank(psd, Paise(500), 3)
    return nvram, psd


def _refused(nvram: MemoryNvram, dial: Dial, voucher: bytes) -> VoucherFault:
    """Nothing but the count of wrong vouchers changes, and that at once."""
    before = dial.psd.record
    counted = replace(before, wrong_vouchers=before.wrong_vouchers + 1)
    with pytest.raises(VoucherRefusedError) as refused:
        dial.say(voucher)
    assert switch_on(MemoryNvram(nvram.image()), a_clock()).record == counted
    assert refused.value.code is ErrorCode.VOUCHER
    return refused.value.fault


def test_a_good_voucher_is_stored_before_it_is_confirmed() -> None:
    nvram, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    voucher = dial.voucher()
    answer = dial.say(voucher)
    after = switch_on(MemoryNvram(nvram.image()), a_clock()).record
    assert after.registers.descending_paise == 399_500
    assert after.registers.control_total_paise == 400_000
    assert (after.recharge_number, after.pending) == (2, None)
    assert after.last_voucher == voucher
    assert isinstance(answer, VoucherApplied)
    confirmation, body = dial.open(answer.packet)
    dial.check("CONFIRMATION", body)
    assert isinstance(confirmation, Confirmation)
    assert confirmation.registers == after.registers == answer.registers
    assert confirmation.recharge_number == 2


Change = Callable[[Dial], bytes]

FAULTS: list[tuple[str, VoucherFault, Change]] = [
    (
        "another licence",
        VoucherFault.LICENCE,
        lambda dial: dial.voucher(licence=LicenceIdentifier("N999999")),
    ),
    (
        "other keys, as before a re-initialisation",
        VoucherFault.CREDENTIAL,
        lambda dial: dial.voucher(credential_hash=bytes(8)),
    ),
    (
        "a credit key that is not known",
        VoucherFault.CREDIT_KEY,
        lambda dial: dial.voucher(credit_key=CREDIT_KEY.key_id + 1),
    ),
    (
        "a stranger's signature",
        VoucherFault.SIGNATURE,
        lambda dial: dial.voucher(sign_with=STRANGER),
    ),
    (
        "a signature for another purpose",
        VoucherFault.SIGNATURE,
        lambda dial: dial.voucher(context="STATEMENT"),
    ),
    (
        "a signature of the other realm",
        VoucherFault.SIGNATURE,
        lambda dial: dial.voucher(realm=Realm.PRODUCTION),
    ),
    (
        "the number applied last",
        VoucherFault.NUMBER,
        lambda dial: dial.voucher(recharge_number=RechargeNumber(1)),
    ),
    (
        "a number skipped",
        VoucherFault.NUMBER,
        lambda dial: dial.voucher(recharge_number=RechargeNumber(3)),
    ),
    (
        "another CT before",
        VoucherFault.CONTROL_TOTAL_BEFORE,
        lambda dial: dial.voucher(control_total_before_paise=Paise(199_999)),
    ),
    (
        "another CT after",
        VoucherFault.CONTROL_TOTAL_AFTER,
        lambda dial: dial.voucher(control_total_after_paise=Paise(400_001)),
    ),
    (
        "a VOID that moves CT",
        VoucherFault.CONTROL_TOTAL_AFTER,
        lambda dial: dial.voucher(
            kind=VoucherKind.VOID, control_total_after_paise=Paise(400_000)
        ),
    ),
    (
        "a withdrawal that leaves value",
        VoucherFault.REGISTERS,
        lambda dial: dial.voucher(
            kind=VoucherKind.WITHDRAWAL, amount_paise=Paise(199_400)
        ),
    ),
    (
        "a refund of more than there is",
        VoucherFault.REGISTERS,
        lambda dial: dial.voucher(kind=VoucherKind.REFUND, amount_paise=Paise(199_501)),
    ),
]


@pytest.mark.parametrize(
    ("fault", "change"),
    [(fault, change) for _, fault, change in FAULTS],
    ids=[name for name, _, _ in FAULTS],
)
def test_a_voucher_with_a_fault_changes_nothing_and_is_named(
    fault: VoucherFault, change: Change
) -> None:
    nvram, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    assert _refused(nvram, dial, change(dial)) is fault
    psd.hang_up()
    assert psd.record.wrong_vouchers == 1
    assert psd.record.pending == RUPEES_2000


def test_every_fault_has_a_case() -> None:
    assert {fault for _, fault, _ in FAULTS} == set(VoucherFault)


def test_a_voucher_with_any_bit_changed_is_not_applied() -> None:
    _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    octets = dial.voucher()
    record = psd.record
    holder = VoucherHolder(
        psd.credential, psd.server, record.registers, record.recharge_number
    )
    for bit in range(8, 8 * len(octets)):
        changed = bytearray(octets)
        changed[bit // 8] ^= 0x80 >> bit % 8
        try:
            voucher = Voucher.decode(bytes(changed))
        except RemoteProtocolError:
            continue
        result = check_voucher(voucher, bytes(changed), holder)
        assert isinstance(result, VoucherFault), f"bit {bit}"


@pytest.mark.parametrize("amount", [AMOUNT_PAISE_MAX + 1, 2**64 - 1])
def test_an_amount_beyond_what_a_register_holds_is_no_voucher(amount: int) -> None:
    nvram, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    octets = bytearray(dial.voucher())
    assert octets[21:29] == bytes.fromhex("0000000000030d40")
    octets[21:29] = amount.to_bytes(8, "big")
    image = nvram.image()
    with pytest.raises(RemoteProtocolError) as refused:
        dial.say(bytes(octets))
    assert refused.value.code is ErrorCode.MALFORMED
    assert nvram.image() == image


def test_another_machines_voucher_is_useless() -> None:
    clock = a_clock()
    other = switch_on(
        a_new_memory(clock, "PSD00002", LicenceIdentifier("N654321")), clock
    )
    theirs = Dial(other, RUPEES_2000).voucher()
    nvram, psd = _machine()
    assert _refused(nvram, Dial(psd, RUPEES_2000), theirs) is VoucherFault.LICENCE


def test_a_voucher_presented_twice_is_applied_once() -> None:
    nvram, psd = _machine()
    first = Dial(psd, RUPEES_2000)
    voucher = first.voucher()
    first.say(voucher)
    image = nvram.image()
    with pytest.raises(RemoteProtocolError) as refused:
        first.say(voucher)
    assert refused.value.code is ErrorCode.UNEXPECTED
    assert nvram.image() == image
    psd.hang_up()
    second = Dial(psd)
    assert _refused(nvram, second, voucher) is VoucherFault.NUMBER


def test_a_void_takes_the_number_and_nothing_else() -> None:
    nvram, psd = _machine()
    before = psd.record
    dial = Dial(psd, RUPEES_2000)
    late = dial.voucher()
    dial.say(dial.voucher(kind=VoucherKind.VOID))
    assert psd.record.registers == before.registers
    assert (psd.record.recharge_number, psd.record.pending) == (2, None)
    assert psd.record.other_amounts == 0
    psd.hang_up()
    assert _refused(nvram, Dial(psd), late) is VoucherFault.NUMBER


def test_a_void_after_the_voucher_was_applied_changes_nothing() -> None:
    nvram, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    void = dial.voucher(kind=VoucherKind.VOID)
    dial.say(dial.voucher())
    psd.hang_up()
    assert _refused(nvram, Dial(psd), void) is VoucherFault.NUMBER


def test_the_voucher_rules_whatever_is_pending() -> None:
    _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    dial.say(dial.voucher(amount_paise=Paise(100_000)))
    assert psd.record.registers.control_total_paise == 300_000
    assert (psd.record.pending, psd.record.other_amounts) == (None, 1)


def test_a_voucher_without_a_request_is_applied_and_noted() -> None:
    _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.voucher(amount_paise=Paise(100_000)))
    assert psd.record.registers.control_total_paise == 300_000
    assert psd.record.other_amounts == 1


def test_a_withdrawal_empties_dr_and_withdraws_in_one_commit() -> None:
    nvram, psd = _machine()
    commits = psd.commits
    dial = Dial(psd, Request(RequestKind.WITHDRAWAL, Paise(199_500)))
    answer = dial.say(dial.voucher())
    assert psd.commits == commits + 2, "one for dialling, one for the voucher"
    assert psd.record.registers.descending_paise == 0
    assert psd.record.registers.control_total_paise == 500
    assert psd.state is MachineState.WITHDRAWN
    assert isinstance(answer, VoucherApplied)
    confirmation, _ = dial.open(answer.packet)
    assert isinstance(confirmation, Confirmation)
    assert confirmation.state is MachineState.WITHDRAWN
    complete(dial)
    assert switch_on(nvram, a_clock()).state is MachineState.WITHDRAWN


def test_a_refund_leaves_the_machine_in_service() -> None:
    _, psd = _machine()
    dial = Dial(psd, Request(RequestKind.REFUND, Paise(99_500)))
    dial.say(dial.voucher())
    assert psd.record.registers.descending_paise == 100_000
    assert psd.state is MachineState.IN_SERVICE


def test_a_wrong_voucher_counts_though_the_power_fails_before_the_dial_in_ends() -> (
    None
):
    """DLG-4.10."""
    nvram, psd = _machine()
    for _ in range(WRONG_VOUCHERS_MAX):
        assert psd.state is MachineState.IN_SERVICE
        dial = Dial(psd, RUPEES_2000)
        with pytest.raises(VoucherRefusedError):
            dial.say(dial.voucher(credit_key=99))
        psd = switch_on(nvram, a_clock())
    assert psd.state is MachineState.LOCKED_OUT


def test_dialling_hangs_up_a_dial_in_that_is_still_open() -> None:
    _, psd = _machine()
    dial = Dial(psd, RUPEES_2000)
    with pytest.raises(VoucherRefusedError):
        dial.say(dial.voucher(credit_key=99))
    complete(Dial(psd))
    assert psd.record.wrong_vouchers == 1
    assert not psd.dialling


def test_the_psd_itself_asks_for_no_recharge_above_the_limit() -> None:
    """DLG-10.8."""
    _, psd = _machine()
    dial = Dial(psd)
    dial.say(dial.receipt(orders=1))
    dial.say(dial.order(OrderKind.FUNDS_LIMIT, 300_000))
    psd.hang_up()
    number = psd.record.dial_in
    with pytest.raises(LocalProtocolError) as refused:
        psd.dial(Request(RequestKind.RECHARGE, Paise(100_501)))
    assert refused.value.clause == "DLG-10.8"
    assert (psd.record.dial_in, psd.dialling) == (number, False)
    psd.dial(Request(RequestKind.RECHARGE, Paise(100_500)))
    assert psd.record.pending == Request(RequestKind.RECHARGE, Paise(100_500))


def test_a_machine_that_does_not_balance_takes_no_value_and_goes_on() -> None:
    clock = a_clock()
    nvram = a_new_memory(clock)
    switch_on(nvram, clock)
    apply_preset(nvram, read_library("unbalanced"), clock.now())
    dial = Dial(switch_on(nvram, clock), INSPECTION)
    before = dial.psd.record.registers
    value = dial.voucher(amount_paise=Paise(200_000))
    assert _refused(nvram, dial, value) is VoucherFault.REGISTERS
    void = dial.voucher(kind=VoucherKind.VOID, amount_paise=Paise(0))
    again = Dial(dial.psd, INSPECTION)
    assert isinstance(again.say(void), VoucherApplied)
    assert again.psd.record.registers == before
    assert again.psd.record.recharge_number == 1
