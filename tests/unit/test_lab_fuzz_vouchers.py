"""Valid vouchers, by a reading of REG-6 that shares no code with the product."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from hw.entropy import SeededEntropy
from hw.lab.fuzz.vouchers import (
    PAISE_MAX,
    REFUND,
    VOID,
    WITHDRAWAL,
    Holder,
    Standing,
    applied,
    fault_of,
    read_voucher,
)
from hw.lab.signatures import bent_signature
from protocol.keys import CreditKey, MachineIdentity, Realm
from protocol.messages import TABLE_OF, MessageType
from protocol.messages.codec import encode_fields
from protocol.values import LicenceIdentifier

KEY = CreditKey.generate(7, Realm.TEST, SeededEntropy(b"a credit key"))
OTHER = CreditKey.generate(7, Realm.TEST, SeededEntropy(b"another credit key"))
MACHINE = MachineIdentity.generate(
    LicenceIdentifier("N123456"), "PSD00001", Realm.TEST, SeededEntropy(b"a machine")
).credential
HOLDER = Holder(
    b"N123456",
    MACHINE.credential_hash,
    "T",
    {7: (KEY.signing.public.point.public_key,)},
)
STANDING = Standing(4, ascending=1_000, control_total=50_000)
RIGHT: dict[str, int | bytes] = {
    "kind": 1,
    "licence": b"N123456",
    "credential_hash": MACHINE.credential_hash,
    "recharge_number": 5,
    "amount_paise": 20_000,
    "control_total_before_paise": 50_000,
    "control_total_after_paise": 70_000,
    "time": 1,
    "credit_key": 7,
    "signature": bytes(64),
}


def body(
    wish: Mapping[str, int | bytes] = RIGHT,
    key: CreditKey = KEY,
    context: str = "VOUCHER",
) -> bytes:
    table = TABLE_OF[MessageType.VOUCHER]
    covered = encode_fields(table, {**RIGHT, **wish})[:-64]
    return covered + key.sign(context, covered)


def fault(octets: bytes, standing: Standing = STANDING) -> str:
    voucher = read_voucher(octets)
    assert voucher is not None
    return fault_of(voucher, HOLDER, standing)


def test_a_right_voucher_has_no_fault_and_raises_ct_by_its_amount() -> None:
    assert fault(body()) == ""
    voucher = read_voucher(body())
    assert voucher is not None
    assert applied(voucher, STANDING) == Standing(5, 1_000, 70_000)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"licence": b"N123457"}, "another licence"),
        ({"credential_hash": bytes(8)}, "other keys"),
        ({"recharge_number": 4}, "number"),
        ({"recharge_number": 6}, "number"),
        ({"control_total_before_paise": 49_999}, "CT before"),
        ({"control_total_after_paise": 70_001}, "CT after"),
        ({"amount_paise": 20_001}, "CT after"),
        ({"credit_key": 8}, "signature"),
        ({"kind": REFUND}, "CT after"),
        (
            {"kind": WITHDRAWAL, "control_total_after_paise": 30_000},
            "leaves value in DR",
        ),
        (
            {
                "kind": REFUND,
                "amount_paise": 49_500,
                "control_total_after_paise": 500,
            },
            "cannot hold",
        ),
    ],
)
def test_each_check_finds_what_is_wrong(
    wish: Mapping[str, int | bytes], words: str
) -> None:
    assert words in fault(body(wish))


def test_signatures_are_verified_by_key_context_and_range() -> None:
    good = body()
    assert "signature" in fault(body(key=OTHER))
    assert "signature" in fault(body(context="CONTENT"))
    assert "signature" in fault(body(key=replace(KEY, realm=Realm.PRODUCTION)))
    for wish in ("r-zero", "s-zero", "r-order", "s-order"):
        assert "signature" in fault(good[:-64] + bent_signature(wish, good[-64:]))
    # The other s of the same r is as good (KEY-4.4).
    assert fault(good[:-64] + bent_signature("mirrored", good[-64:])) == ""


def test_the_limits_of_registers_are_those_of_the_text() -> None:
    full = {"control_total_before_paise": 50_000, "amount_paise": PAISE_MAX - 50_000}
    assert fault(body({**full, "control_total_after_paise": PAISE_MAX})) == ""
    high = Standing(4, 0, PAISE_MAX)
    more = {
        "control_total_before_paise": PAISE_MAX,
        "amount_paise": 0,
        "control_total_after_paise": PAISE_MAX,
    }
    assert fault(body(more), high) == ""


def test_a_withdrawal_empties_dr_and_a_void_changes_the_number_alone() -> None:
    emptied = {
        "kind": WITHDRAWAL,
        "amount_paise": 49_000,
        "control_total_after_paise": 1_000,
    }
    assert fault(body(emptied)) == ""
    # Whatever amount stands in a VOID, nobody looks at it (DLG-5).
    assert fault(body({"kind": VOID, "control_total_after_paise": 50_000})) == ""


def test_what_is_no_voucher_is_not_read() -> None:
    good = body()
    assert read_voucher(good[:-1]) is None
    assert read_voucher(b"\x21" + good[1:]) is None
    assert read_voucher(good[:1] + b"\x05" + good[2:]) is None
    high = (PAISE_MAX + 1).to_bytes(8, "big")
    assert read_voucher(good[:21] + high + good[29:]) is None
