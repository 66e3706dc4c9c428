"""What a wrong server, or a thief of its channel key, can do to a machine: nothing.

REG-6: the PSD checks every voucher inside its boundary. KEY-9.5: a stolen channel key
alone makes no voucher. What fails is answered with an ERROR; registers, recharge
number, mark and the pending request stay, and the right server is served afterwards.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from fm_device.psd.records import PsdRecord
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Outcome, Request
from protocol.errors import ErrorCode
from protocol.keys import CreditKey, Realm, ServerIdentity
from protocol.messages import (
    Ack,
    Disposition,
    MessageType,
    Order,
    OrderKind,
    Refusal,
    RefusalCode,
)
from protocol.registers import RequestKind, VoucherKind
from protocol.values import (
    AMOUNT_PAISE_MAX,
    LicenceIdentifier,
    LicenceNumber,
    OrderSerial,
    Paise,
    RechargeNumber,
)
from rmfs_server.enrolling import NewLicence
from tests.situations import let_a_voucher_be_lost
from tests.system import CREDIT_KEY, IDENTITY, LICENCE, RUPEES_2000, System
from tests.witness.rogue_server import (
    RogueServer,
    Script,
    receipt_for,
    sign_voucher,
    to_the_statement,
)

OTHER_LICENCE = LicenceIdentifier("N654321")


def asked(before: PsdRecord, **changes: object) -> PsdRecord:
    """Give the record after a dial-in that stored no more than its request."""
    changed = {"dial_in": before.dial_in + 1, "pending": RUPEES_2000, **changes}
    return replace(before, **changed)  # type: ignore[arg-type]


def check_the_right_server_is_served(system: System) -> None:
    assert system.dial(RUPEES_2000).outcome is Outcome.CONFIRMED
    system.check_quiet(system.psd().record.registers.control_total_paise)
    assert system.psd().record.recharge_number == 2


# Vouchers: REG-6, no. by no.

Made = Callable[[System], bytes]


def _applied_before(system: System) -> bytes:
    """The genuine voucher 1, which the PSD has applied."""
    voucher = system.psd().record.last_voucher
    assert voucher is not None
    return voucher


def _damaged(system: System) -> bytes:
    voucher = sign_voucher(system)
    return voucher[:-1] + bytes((voucher[-1] ^ 1,))


def _raised_after_signing(system: System) -> bytes:
    voucher = sign_voucher(system)
    more = sign_voucher(system, amount_paise=Paise(300_000))
    return more[:-64] + voucher[-64:]


def _signed_by_a_stranger(system: System) -> bytes:
    stranger = CreditKey.generate(1, Realm.TEST, SeededEntropy(b"stranger"))
    return sign_voucher(system, key=stranger)


def _signed_by_an_unknown_key(system: System) -> bytes:
    stranger = CreditKey.generate(2, Realm.TEST, SeededEntropy(b"stranger"))
    return sign_voucher(system, key=stranger, credit_key=2)


def _signed_in_the_other_realm(system: System) -> bytes:
    return sign_voucher(system, key=replace(CREDIT_KEY, realm=Realm.PRODUCTION))


def bent(**changes: object) -> Made:
    """Sign, with the right key, what should not have been signed."""
    return lambda system: sign_voucher(system, **changes)  # type: ignore[arg-type]


VOUCHERS: dict[str, Made] = {
    "REG-6 no. 1 the signature is damaged": _damaged,
    "REG-6 no. 1 the amount was raised after signing": _raised_after_signing,
    "REG-6 no. 1 signed by a stranger": _signed_by_a_stranger,
    "KEY-1.3 signed by a key that the PSD does not know": _signed_by_an_unknown_key,
    "KEY-4.2 signed as a STATEMENT": bent(context="STATEMENT"),
    "KEY-2.2 signed in the other realm": _signed_in_the_other_realm,
    "REG-6 no. 2 for another licence": bent(licence=OTHER_LICENCE),
    "REG-6 no. 2 for another PSD": bent(credential_hash=b"another!"),
    "REG-6 no. 3 stale: the one applied last": _applied_before,
    "REG-6 no. 3 stale: its number": bent(recharge_number=RechargeNumber(1)),
    "REG-6 no. 3 one too far": bent(recharge_number=RechargeNumber(3)),
    "REG-6 no. 4 CT before is a paisa more": bent(
        control_total_before_paise=Paise(200_001),
        control_total_after_paise=Paise(400_001),
    ),
    "REG-6 no. 4 CT before is a paisa less": bent(
        control_total_before_paise=Paise(199_999),
        control_total_after_paise=Paise(399_999),
    ),
    "REG-6 no. 4 CT after is a paisa more": bent(
        control_total_after_paise=Paise(400_001)
    ),
    "REG-6 no. 4 CT after is a paisa less": bent(
        control_total_after_paise=Paise(399_999)
    ),
    "REG-6 no. 4 a VOID that adds": bent(
        kind=VoucherKind.VOID, control_total_after_paise=Paise(400_000)
    ),
    "REG-6 no. 5 CT would pass its limit": bent(
        amount_paise=Paise(AMOUNT_PAISE_MAX - 100_000),
        control_total_after_paise=Paise(AMOUNT_PAISE_MAX),
    ),
    "REG-6 no. 5 a refund above DR": bent(
        kind=VoucherKind.REFUND, amount_paise=Paise(198_501)
    ),
    "REG-6 no. 5 a withdrawal that leaves something": bent(
        kind=VoucherKind.WITHDRAWAL, amount_paise=Paise(198_499)
    ),
}


@pytest.mark.parametrize("make", VOUCHERS.values(), ids=VOUCHERS.keys())
def test_a_voucher_that_fails_a_check_changes_nothing(
    system: System, make: Made
) -> None:
    """DLG-5.3: ERROR VOUCHER; the request stays pending (DLG-4.3)."""
    before = system.psd().record
    server = RogueServer(system, to_the_statement(make(system)))
    report = server.take_call(system.psd(), RUPEES_2000)
    assert server.error is ErrorCode.VOUCHER
    assert report.outcome is Outcome.IN_DOUBT
    assert report.voucher is None
    after = asked(before, wrong_vouchers=before.wrong_vouchers + 1)
    assert system.psd().record == after
    check_the_right_server_is_served(system)


def test_a_voucher_from_before_a_reinitialisation_is_useless(system: System) -> None:
    """REG-10: new keys make every voucher of the old life fail REG-6 no. 2."""
    withdrawal = Request(RequestKind.WITHDRAWAL, Paise(198_500))
    lost = let_a_voucher_be_lost(system)
    system.administration.void(LICENCE, system.by())
    assert system.dial(withdrawal).voucher is not None
    assert system.dial(withdrawal).outcome is Outcome.CONFIRMED
    system.check_quiet(1_500)
    psd = system.psd()
    psd.reinitialise(OTHER_LICENCE, SeededEntropy(b"keys of the new life"))
    new = NewLicence(LicenceNumber("KN0600066"), "Bharat Books", date(2031, 8, 15))
    provisioning = psd.provisioning(system.wall.now())
    system.administration.enrol(provisioning, new, system.by())
    before = psd.record
    stale = lost.encode()
    same_number = sign_voucher(
        system,
        licence=LICENCE,
        credential_hash=lost.credential_hash,
    )
    for voucher in (stale, same_number):
        server = RogueServer(system, to_the_statement(voucher))
        server.take_call(system.psd(), RUPEES_2000)
        assert server.error is ErrorCode.VOUCHER
    record = system.psd().record
    assert record.registers == before.registers
    assert record.recharge_number == before.recharge_number
    assert record.wrong_vouchers == before.wrong_vouchers + 2


# Other messages of the server: DLG-1, DLG-7, DLG-9, DLG-10.


def _refusal(system: System, *, receipt_follows: int) -> bytes:
    return Refusal(
        recharge_number=RechargeNumber(2),
        code=RefusalCode.FUNDS_SHORT,
        disposition=Disposition.KEPT,
        allowed_paise=Paise(0),
        receipt_follows=receipt_follows,
    ).encode()


ANSWERS: dict[str, tuple[Made, ErrorCode]] = {
    "DLG-7 a RECEIPT for another number": (
        lambda system: receipt_for(system, recharge_number=RechargeNumber(2)),
        ErrorCode.UNEXPECTED,
    ),
    "DLG-1.3 an ORDER": (
        lambda _: Order(OrderSerial(1), OrderKind.LOCK, 0).encode(),
        ErrorCode.UNEXPECTED,
    ),
    "DLG-1.3 an ACK": (
        lambda _: Ack(MessageType.USAGE, 0).encode(),
        ErrorCode.UNEXPECTED,
    ),
    "DLG-2.2 an unknown type": (lambda _: b"\x3f", ErrorCode.UNEXPECTED),
    "DLG-12 an EVENT_LOG": (lambda _: b"\x13" + bytes(20), ErrorCode.UNEXPECTED),
    "DLG-1 a GOODBYE": (lambda _: b"\x14" + bytes(12), ErrorCode.UNEXPECTED),
    "DLG-2.1 a VOUCHER one octet short": (
        lambda system: sign_voucher(system)[:-1],
        ErrorCode.MALFORMED,
    ),
    "DLG-2.1 a VOUCHER one octet long": (
        lambda system: sign_voucher(system) + b"\x00",
        ErrorCode.MALFORMED,
    ),
    "DLG-2.1 a RECEIPT one octet short": (
        lambda system: receipt_for(system)[:-1],
        ErrorCode.MALFORMED,
    ),
    "DLG-5 a VOUCHER of kind 9": (
        lambda system: b"\x20\x09" + sign_voucher(system)[2:],
        ErrorCode.MALFORMED,
    ),
}


@pytest.mark.parametrize(("make", "error"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_without_form_or_place_changes_nothing(
    system: System, make: Made, error: ErrorCode
) -> None:
    before = system.psd().record
    server = RogueServer(system, to_the_statement(make(system)))
    report = server.take_call(system.psd(), RUPEES_2000)
    assert server.error is error
    assert report.outcome is Outcome.IN_DOUBT
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


def test_two_vouchers_in_one_call_are_one_too_many(system: System) -> None:
    """DLG-1.3: the second has no place, though it is the next and genuine."""
    first = sign_voucher(system)
    second = sign_voucher(
        system,
        recharge_number=RechargeNumber(3),
        control_total_before_paise=Paise(400_000),
        control_total_after_paise=Paise(600_000),
    )
    server = RogueServer(system, to_the_statement(first, second))
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is ErrorCode.UNEXPECTED
    assert system.psd().record.registers.control_total_paise == 400_000
    assert system.psd().record.recharge_number == 2


def test_more_orders_than_announced_are_not_applied(system: System) -> None:
    """DLG-10: orders follow the RECEIPT, as many as it announces."""
    lock = Order(OrderSerial(1), OrderKind.LOCK, 7).encode()
    unlock = Order(OrderSerial(2), OrderKind.UNLOCK, 0).encode()
    receipt = receipt_for(system, orders=1)
    server = RogueServer(
        system,
        to_the_statement(_refusal(system, receipt_follows=1), receipt, lock, unlock),
    )
    server.take_call(system.psd(), RUPEES_2000)
    assert system.psd().record.order_serial == 1
    assert system.psd().record.lock_reason == 7


def test_a_refusal_that_keeps_the_request_keeps_it(system: System) -> None:
    """DLG-8.4: the disposition decides, not the code. Usage is told anew (DLG-9.2)."""
    before = system.psd().record
    script = to_the_statement(_refusal(system, receipt_follows=0))
    report = RogueServer(system, script).take_call(system.psd(), RUPEES_2000)
    assert report.outcome is Outcome.REFUSED
    rows = tuple(replace(row, reported=False) for row in before.rows)
    assert system.psd().record == replace(asked(before), rows=rows)
    check_the_right_server_is_served(system)


def test_elective_messages_of_a_server_are_passed_over(system: System) -> None:
    """DLG-2.2: types 0x40 to 0x7F, wherever they stand."""
    script = to_the_statement(
        b"\x40anything",
        b"\x7f",
        _refusal(system, receipt_follows=1),
        b"\x41",
        receipt_for(system),
        b"\x55" + bytes(1023),
    )
    server = RogueServer(system, script)
    report = server.take_call(system.psd(), RUPEES_2000)
    assert server.error is None
    assert report.outcome is Outcome.REFUSED
    assert report.receipt is not None
    assert system.psd().record.mark == b"new mark"


# Who the server is, and what anybody on the line can say: CHAN-7, CHAN-9.


SILENT: Script = to_the_statement()


def test_a_server_with_other_keys_hears_no_statement(system: System) -> None:
    """CHAN-7.8: MAC_2 does not verify; the machine states nothing to strangers."""
    before = system.psd().record
    stranger = ServerIdentity.generate(
        "TEST-OEM", Realm.TEST, 1, SeededEntropy(b"stranger")
    )
    server = RogueServer(system, SILENT, identity=stranger)
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is ErrorCode.HANDSHAKE
    assert server.heard == []
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


def test_a_server_of_the_other_realm_hears_no_statement(system: System) -> None:
    """KEY-2.2: not even with the same keys."""
    other_realm = replace(IDENTITY, realm=Realm.PRODUCTION)
    before = system.psd().record
    server = RogueServer(system, SILENT, identity=other_realm)
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is ErrorCode.HANDSHAKE
    assert server.heard == []
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


GREETINGS_2 = {
    "CHAN-2.2 truncated": (b"\x02" + bytes(44), ErrorCode.MALFORMED),
    "CHAN-2.2 oversized": (b"\x02" + bytes(46), ErrorCode.MALFORMED),
    "CHAN-7.2 no message_2": (b"\x02" + bytes(45), ErrorCode.HANDSHAKE),
    "CHAN-2.1 an unknown type": (b"\x99", ErrorCode.MALFORMED),
    "CHAN-8.2 a GREETING_4": (b"\x04" + bytes(20), ErrorCode.UNEXPECTED),
    "CHAN-8.2 a RECORD": (b"\x05" + bytes(11), ErrorCode.UNEXPECTED),
}


@pytest.mark.parametrize(
    ("packet", "error"), GREETINGS_2.values(), ids=GREETINGS_2.keys()
)
def test_a_greeting_2_without_form_or_place_is_not_stated_to(
    system: System, packet: bytes, error: ErrorCode
) -> None:
    before = system.psd().record
    server = RogueServer(system, SILENT, instead_of_greeting_2=packet)
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is error
    assert server.heard == []
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


GREETINGS_4 = {
    "CHAN-2.2 truncated": (b"\x04" + bytes(19), ErrorCode.MALFORMED),
    "CHAN-2.2 oversized": (b"\x04" + bytes(9 + 1035), ErrorCode.MALFORMED),
    "CHAN-7.4 no message_4": (b"\x04" + bytes(20), ErrorCode.HANDSHAKE),
    "CHAN-7.8 a message_4 of noise": (b"\x04\x48" + bytes(19), ErrorCode.HANDSHAKE),
    "CHAN-8.2 a RECORD": (b"\x05" + bytes(11), ErrorCode.UNEXPECTED),
    "CHAN-8.2 a second GREETING_2": (b"\x02" + bytes(45), ErrorCode.UNEXPECTED),
}


@pytest.mark.parametrize(
    ("packet", "error"), GREETINGS_4.values(), ids=GREETINGS_4.keys()
)
def test_nothing_is_stored_before_greeting_4_has_been_verified_whole(
    system: System, packet: bytes, error: ErrorCode
) -> None:
    """CHAN-8.5."""
    before = system.psd().record
    script = to_the_statement(sign_voucher(system))
    server = RogueServer(system, script, instead_of_greeting_4=packet)
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is error
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


@pytest.mark.parametrize("code", [*ErrorCode], ids=lambda code: code.name)
def test_an_error_from_the_line_changes_nothing_in_the_machine(
    system: System, code: ErrorCode
) -> None:
    """CHAN-9.1, CHAN-9.2: anybody can make one; it is not answered."""
    before = system.psd().record
    packet = bytes((0x0E, code))
    script = to_the_statement(sign_voucher(system))
    server = RogueServer(system, script, instead_of_greeting_4=packet)
    report = server.take_call(system.psd(), RUPEES_2000)
    assert server.error is None
    assert report.failure is not None
    assert (report.failure.code, report.failure.by_peer) == (code, True)
    assert system.psd().record == asked(before)
    check_the_right_server_is_served(system)


@pytest.mark.parametrize(
    "packet", [b"\x0e\xee", b"\x0e", b"\x0e\x01\x01"], ids=["code", "short", "long"]
)
def test_an_error_without_form_is_not_answered_by_the_machine(
    system: System, packet: bytes
) -> None:
    """CHAN-9.2."""
    before = system.psd().record
    server = RogueServer(system, SILENT, instead_of_greeting_2=packet)
    server.take_call(system.psd(), RUPEES_2000)
    assert server.error is None
    assert system.psd().record == asked(before)


def test_a_server_that_says_nothing_is_given_up_in_60_s(system: System) -> None:
    """DLG-13: ERROR TIMEOUT; the request stays pending."""
    before = system.psd().record
    server = RogueServer(system, SILENT)
    report = server.take_call(system.psd(), RUPEES_2000)
    assert server.error is ErrorCode.TIMEOUT
    assert 59 < report.duration_s < 65
    assert system.psd().record == asked(before)
