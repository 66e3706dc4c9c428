"""The PSD's record: octets and back, and what may never be stored."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fm_device.psd.keyring import RING_OCTETS_MAX, Keyring
from fm_device.psd.memory import KEYS, STATE
from fm_device.psd.records import (
    CLASSES_MAX,
    LIVES_MAX,
    RECORD_OCTETS_MAX,
    ClassUsage,
    Life,
    PsdRecord,
    usage_reported,
    usage_unreported,
    with_usage,
)
from hw.entropy import SeededEntropy
from protocol.dialogue.machine import Request
from protocol.errors import InvariantError, LocalProtocolError, StoreError
from protocol.keys import MachineIdentity, Realm
from protocol.messages import LicenceState
from protocol.registers import ZERO_REGISTERS, MachineState, Registers, RequestKind
from protocol.values import (
    AMOUNT_PAISE_MAX,
    U32_MAX,
    EpochSeconds,
    LicenceIdentifier,
    OrderSerial,
    Paise,
    RechargeNumber,
)
from tests.witness.small_server import LICENCE, PROVISIONING

LIFE = Life(1, LICENCE, EpochSeconds(0), Paise(0), Paise(0), RechargeNumber(0))
NEW = PsdRecord("PSD00001", MachineState.INSTALLED, ZERO_REGISTERS, (LIFE,))
USED = replace(
    NEW,
    registers=Registers(Paise(700), Paise(300), Paise(1000), 2, 3),
    recharge_number=RechargeNumber(1),
    usage=(ClassUsage(1, 2, Paise(700), reported=False),),
)

_u32 = st.integers(0, U32_MAX)
_amounts = st.integers(0, AMOUNT_PAISE_MAX).map(Paise)
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
    usage=st.lists(
        st.builds(ClassUsage, st.integers(1, 255), _u32, _amounts, st.booleans()),
        max_size=20,
    ).map(tuple),
)


@given(_records)
def test_a_record_comes_back_as_it_was_stored(record: PsdRecord) -> None:
    assert PsdRecord.decode(record.encode()) == record


@given(st.binary(max_size=400))
def test_octets_that_are_no_record_are_a_store_error(octets: bytes) -> None:
    try:
        record = PsdRecord.decode(octets)
    except StoreError:
        return
    assert record.encode() == octets


def test_every_truncation_and_extension_is_refused() -> None:
    octets = USED.encode()
    for length in range(len(octets)):
        with pytest.raises(StoreError):
            PsdRecord.decode(octets[:length])
    with pytest.raises(StoreError):
        PsdRecord.decode(octets + b"\x00")


def test_the_longest_record_and_the_fullest_ring_fit_their_slots() -> None:
    full = replace(
        NEW,
        lives=(LIFE,) * LIVES_MAX,
        last_voucher=bytes(114),
        usage=tuple(
            ClassUsage(number, 1, Paise(1), reported=True)
            for number in range(1, CLASSES_MAX + 1)
        ),
    )
    assert len(full.encode()) == RECORD_OCTETS_MAX <= STATE.content_octets_max
    assert KEYS.content_octets_max >= RING_OCTETS_MAX


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("AR + DR is not CT", {"registers": replace(USED.registers, items=2)}),
        ("the class table differs from AR", {"usage": ()}),
        ("AR falls", {"registers": ZERO_REGISTERS, "usage": ()}),
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


def test_a_machine_out_of_balance_still_keeps_books_on_its_reports() -> None:
    registers = replace(USED.registers, descending_paise=Paise(301))
    broken = replace(USED, registers=registers)
    for following in (usage_reported(broken), usage_unreported(broken)):
        broken.check_successor(following)
        following.check_successor(replace(broken, wrong_vouchers=7))


def test_a_frank_adds_to_its_class_and_has_to_be_reported_again() -> None:
    reported = usage_reported(USED)
    assert all(row.reported for row in reported.usage)
    again = with_usage(with_usage(reported, Paise(50), 9), Paise(5), 1)
    assert again.usage == (
        ClassUsage(1, 3, Paise(705), reported=False),
        ClassUsage(9, 1, Paise(50), reported=False),
    )


def test_a_ring_comes_back_as_it_was_stored() -> None:
    entropy = SeededEntropy(b"ring")
    second = replace(LIFE, licence=LicenceIdentifier("N777777"))
    identities = tuple(
        MachineIdentity.generate(life.licence, "PSD00001", Realm.TEST, entropy)
        for life in (LIFE, second)
    )
    ring = Keyring(identities, (PROVISIONING,))
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
    octets = Keyring((identity,), (PROVISIONING,)).encode()
    for damaged in (b"", octets[:-1], b"\x02" + octets[1:], octets[:40] + octets[41:]):
        with pytest.raises(StoreError):
            Keyring.decode(damaged)


def test_a_psd_trusts_one_server_of_its_own_realm() -> None:
    production = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.PRODUCTION, SeededEntropy(b"ring")
    )
    with pytest.raises(LocalProtocolError, match="realms"):
        Keyring((production,), (PROVISIONING,))
    with pytest.raises(LocalProtocolError, match="server files"):
        Keyring((production,), ())
