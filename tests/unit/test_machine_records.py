"""The PSD's record: octets and back, and what may never be stored."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.psd.keyring import RING_OCTETS, Keyring
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.record_codec import (
    RECORD_OCTETS_MAX,
    decode_record,
    encode_record,
)
from fm_device.psd.records import (
    CONTENTS_MAX,
    LIVES_MAX,
    NO_TIME,
    RECHARGES_KEPT,
    USAGE_ROWS_MAX,
    ClassUsage,
    ContentHeld,
    KeptUsage,
    Life,
    OpenFrank,
    PsdRecord,
    RechargeNote,
    usage_reported,
    usage_unreported,
    with_usage,
)
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Request
from protocol.errors import InvariantError, LocalProtocolError, StoreError
from protocol.keys import MachineIdentity, Realm
from protocol.messages import CONTENT_ORDERS, LicenceState, OrderKind
from protocol.registers import (
    ZERO_REGISTERS,
    MachineState,
    Registers,
    RequestKind,
    VoucherKind,
)
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)
from tests.witness.small_server import LICENCE, MAKER, PROVISIONING

LIFE = Life(1, LICENCE, EpochSeconds(0), Paise(0), Paise(0), RechargeNumber(0))
NEW = PsdRecord("PSD00001", MachineState.INSTALLED, ZERO_REGISTERS, (LIFE,))
USED = replace(
    NEW,
    registers=Registers(Paise(700), Paise(300), Paise(1000), 2, 3),
    recharge_number=RechargeNumber(1),
    rows=(KeptUsage(0, 1, 2, Paise(700), reported=False),),
)

_u32 = st.integers(0, U32_MAX)
_amounts = st.integers(0, AMOUNT_PAISE_MAX).map(Paise)
_octet = st.integers(0, 255)
_times = _u32.map(EpochSeconds)
_numbers = _u32.map(RechargeNumber)
_registers = st.builds(Registers, _amounts, _amounts, _amounts, _u32, _u32)
_lives = st.builds(
    Life,
    st.integers(1, 65535),
    st.just(LicenceIdentifier("P001122")),
    _times,
    _amounts,
    _amounts,
    _numbers,
)
_kinds = st.sampled_from(
    [RequestKind.RECHARGE, RequestKind.WITHDRAWAL, RequestKind.REFUND]
)
_records = st.builds(
    PsdRecord,
    psd_serial=st.just("PSD00001"),
    standing=st.sampled_from(MachineState),
    registers=_registers,
    lives=st.lists(_lives, min_size=1, max_size=LIVES_MAX).map(tuple),
    fault=st.integers(0, 255),
    lock_reason=st.integers(0, 2**64 - 1),
    recharge_number=_numbers,
    closed_number=_numbers,
    pending=st.none() | st.builds(Request, _kinds, _amounts),
    mark=st.binary(min_size=8, max_size=8),
    order_serial=_u32.map(OrderSerial),
    dial_in=_u32,
    complete_at=_times,
    clock_offset_s=st.none() | st.integers(-U32_MAX, U32_MAX),
    next_call=_times,
    funds_paise=_amounts,
    licence_state=st.none() | st.sampled_from(LicenceState),
    wrong_vouchers=_u32,
    other_amounts=_u32,
    last_voucher=st.none() | st.binary(min_size=114, max_size=114),
    rows=st.lists(
        st.builds(KeptUsage, _octet, _octet, _u32, _amounts, st.booleans()),
        max_size=20,
    ).map(tuple),
    pin_code=_u32,
    frank_max_paise=_amounts,
    funds_max_paise=_amounts,
    open_frank=st.none()
    | st.builds(OpenFrank, _octet, _octet, _amounts, st.integers(0, 65535)),
    unprinted=_u32,
    wrong_pins=st.binary(min_size=3, max_size=3),
    pin_wait_until=_times,
    pins=st.binary(min_size=48, max_size=48),
    recharges=st.lists(
        st.builds(
            RechargeNote,
            _numbers,
            st.sampled_from(VoucherKind),
            _amounts,
            _amounts,
            _amounts,
            _times,
        ),
        max_size=5,
    ).map(tuple),
    contents=st.lists(
        st.builds(
            ContentHeld,
            st.sampled_from(sorted(CONTENT_ORDERS)),
            _u32,
            st.integers(0, 2**64 - 1),
            _times,
            _u32,
        ),
        max_size=16,
    ).map(tuple),
    latest=_times,
    shown=_times,
    put_back_s=_u32,
    lock_ordered=st.booleans(),
    som_number=_u32,
    som_time=_times,
    som_ascending_paise=_amounts,
    som_descending_paise=_amounts,
    som_items=_u32,
)


NOTE = RechargeNote(
    RechargeNumber(1), VoucherKind.RECHARGE, Paise(1), Paise(0), Paise(1), NO_TIME
)


@given(_records)
def test_a_record_comes_back_as_it_was_stored(record: PsdRecord) -> None:
    assert decode_record(encode_record(record)) == record


@given(st.binary(max_size=400))
def test_octets_that_are_no_record_are_a_store_error(octets: bytes) -> None:
    try:
        record = decode_record(octets)
    except StoreError:
        return
    assert encode_record(record) == octets


def test_every_truncation_and_extension_is_refused() -> None:
    octets = encode_record(USED)
    for length in range(len(octets)):
        with pytest.raises(StoreError):
            decode_record(octets[:length])
    with pytest.raises(StoreError):
        decode_record(octets + b"\x00")


@pytest.mark.parametrize(
    "change", [{"som_number": 3}, {"som_ascending_paise": Paise(499)}]
)
def test_no_statement_of_mailing_is_forgotten_within_a_life(
    change: dict[str, Any],
) -> None:
    stated = replace(USED, som_number=4, som_ascending_paise=Paise(500), som_items=1)
    with pytest.raises(InvariantError, match="statements of mailing"):
        stated.check_successor(replace(stated, **change))
    stated.check_successor(replace(stated, som_number=5))


def test_a_new_life_begins_without_a_statement_of_mailing() -> None:
    used = replace(USED, som_number=4, som_ascending_paise=Paise(500))
    life = replace(LIFE, generation=2, ascending_paise=Paise(700))
    new = replace(used, lives=(LIFE, life), rows=())
    with pytest.raises(InvariantError, match="without a statement"):
        used.check_successor(new)
    used.check_successor(replace(new, som_number=0, som_ascending_paise=Paise(0)))


def test_the_longest_record_and_the_fullest_ring_fit_their_slots() -> None:
    full = replace(
        NEW,
        lives=(LIFE,) * LIVES_MAX,
        last_voucher=bytes(114),
        rows=(KeptUsage(1, 1, 1, Paise(1), reported=True),) * USAGE_ROWS_MAX,
        recharges=(NOTE,) * RECHARGES_KEPT,
        contents=(ContentHeld(OrderKind.TARIFF, 1, 1),) * CONTENTS_MAX,
    )
    assert len(encode_record(full)) == RECORD_OCTETS_MAX <= STATE.content_octets_max
    assert KEYS.content_octets_max >= RING_OCTETS


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("AR + DR is not CT", {"registers": replace(USED.registers, items=2)}),
        ("the class table differs from AR", {"rows": ()}),
        ("AR falls", {"registers": ZERO_REGISTERS, "rows": ()}),
        ("the recharge number falls", {"recharge_number": RechargeNumber(0)}),
        (
            "CT rises without a voucher",
            {"registers": Registers(Paise(700), Paise(400), Paise(1100), 2, 3)},
        ),
    ],
)
def test_no_change_that_loses_or_makes_money_is_stored(
    name: str, changed: dict[str, object]
) -> None:
    following = replace(USED, **changed)  # type: ignore[arg-type]
    if name == "AR + DR is not CT":
        following = replace(
            USED, registers=replace(USED.registers, descending_paise=Paise(301))
        )
    with pytest.raises(InvariantError):
        USED.check_successor(following)


@pytest.mark.parametrize("changed", [{"order_serial": 4}, {"mark": bytes(8)}])
def test_mark_and_order_serial_go_back_in_a_new_life_only(
    changed: dict[str, Any],
) -> None:
    record = replace(USED, order_serial=OrderSerial(5), mark=b"mark0005")
    following = replace(record, **changed)
    with pytest.raises(InvariantError, match="in a new life only"):
        record.check_successor(following)
    record.check_successor(replace(following, lives=record.lives * 2))


def test_a_machine_out_of_balance_still_keeps_books_on_its_reports() -> None:
    registers = replace(USED.registers, descending_paise=Paise(301))
    broken = replace(USED, registers=registers)
    for following in (usage_reported(broken), usage_unreported(broken)):
        broken.check_successor(following)
        following.check_successor(replace(broken, wrong_vouchers=7))


def test_a_frank_adds_to_its_class_and_has_to_be_reported_again() -> None:
    reported = usage_reported(USED)
    assert all(row.reported for row in reported.usage)
    again = _franked(_franked(reported, 50, 9), 5, 1)
    assert again.usage == (
        ClassUsage(1, 3, Paise(705), reported=False),
        ClassUsage(9, 1, Paise(50), reported=False),
    )


def test_classes_are_summed_over_the_departments() -> None:
    reported = usage_reported(USED)
    for department, value in ((7, 10), (2, 20), (7, 30), (0, 40)):
        reported = _franked(reported, value, 1, department)
    assert [(row.department, row.items) for row in reported.rows] == [
        (0, 3),
        (2, 1),
        (7, 2),
    ]
    assert reported.usage == (ClassUsage(1, 6, Paise(800), reported=False),)


def test_a_row_is_never_forgotten_to_make_room() -> None:
    rows = tuple(
        KeptUsage(number >> 8, number & 0xFF, 1, Paise(1), reported=True)
        for number in range(1, USAGE_ROWS_MAX + 1)
    )
    full = replace(USED, rows=rows)
    assert with_usage(full, Paise(1), 9, 50) is None
    assert with_usage(full, Paise(1), 1, 0) is not None


def _franked(
    record: PsdRecord, value: int, product_class: int, department: int = 0
) -> PsdRecord:
    rows = with_usage(record, Paise(value), product_class, department)
    assert rows is not None
    return replace(record, rows=rows)


def test_a_ring_comes_back_as_it_was_stored() -> None:
    entropy = SeededEntropy(b"ring")
    second = replace(LIFE, licence=LicenceIdentifier("N777777"))
    identities = tuple(
        MachineIdentity.generate(life.licence, "PSD00001", Realm.TEST, entropy)
        for life in (LIFE, second)
    )
    ring = Keyring(identities, (PROVISIONING,), MAKER)
    found = Keyring.decode(ring.encode())
    assert found == ring
    assert found.identity(second) == identities[1]
    assert found.only(second).identities == (identities[1],)
    assert found.server.credit_keys == PROVISIONING.credential.credit_keys
    with pytest.raises(StoreError, match="N123456, generation 3"):
        found.identity(replace(LIFE, generation=3))


def test_a_damaged_ring_is_a_store_error() -> None:
    identity = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.TEST, SeededEntropy(b"ring")
    )
    octets = Keyring((identity,), (PROVISIONING,), MAKER).encode()
    for damaged in (b"", octets[:-1], b"\x01" + octets[1:], octets[:40] + octets[41:]):
        with pytest.raises(StoreError):
            Keyring.decode(damaged)


def test_a_psd_trusts_one_server_of_its_own_realm() -> None:
    production = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.PRODUCTION, SeededEntropy(b"ring")
    )
    with pytest.raises(LocalProtocolError, match="realms"):
        Keyring((production,), (PROVISIONING,), MAKER)
    with pytest.raises(LocalProtocolError, match="server files"):
        Keyring((production,), (), MAKER)
