"""INDICIUM-5 to INDICIUM-7: every verdict, when it holds, and what it says."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.entropy import SeededEntropy
from protocol.indicium import (
    INDICIUM_OCTETS,
    UNSIGNED_OCTETS,
    AcceptedDates,
    FrankKind,
    Indicium,
    MemorySeenFranks,
    PrintedFacts,
    SeenFranks,
    Unchecked,
    Verdict,
    Verification,
    authentication_code,
    authentication_key,
    decode_indicium,
    encode_unsigned,
    is_one_history,
    may_be_indicium,
    not_readable,
    sign_indicium,
    verify_indicium,
)
from protocol.keys import MachineCredential, MachineIdentity, Realm
from protocol.keys.points import ORDER
from protocol.parameters import parameter
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from tests.spec.franks import (
    FRANK,
    LICENCE,
    MACHINE,
    SERVER,
    TODAY,
    ZERO,
    frank,
    next_frank,
)

CODE = authentication_code(authentication_key(SERVER, MACHINE.credential), FRANK)
ALL_PRINTED = PrintedFacts(
    value_paise=Paise(500),
    printed_on=TODAY,
    item=42,
    licence="N123456",
    pin_code=560_001,
    product_class=3,
    code=CODE,
)


def known(licence: LicenceIdentifier) -> Iterable[MachineCredential]:
    return (MACHINE.credential,) if licence == LICENCE else ()


def key_of(credential: MachineCredential) -> bytes:
    return authentication_key(SERVER, credential)


def verify(what: Indicium | bytes, **given_: Any) -> Verification:
    octets = what if isinstance(what, bytes) else sign_indicium(what, MACHINE)
    known_: Callable[..., Any] = given_.pop("credentials_of", known)
    return verify_indicium(octets, known_, given_.pop("today", TODAY), **given_)


def verdicts(found: Verification) -> list[Verdict]:
    return [reason.verdict for reason in found.reasons]


def words(found: Verification) -> str:
    return " ".join(reason.detail for reason in found.reasons)


# GENUINE


def test_a_genuine_frank_is_genuine_and_nothing_is_left_unchecked() -> None:
    """INDICIUM-1.1, INDICIUM-5.1."""
    found = verify(
        FRANK, register=MemorySeenFranks(), printed=ALL_PRINTED, key_of=key_of
    )
    assert found.verdict is Verdict.GENUINE
    assert found.reasons == ()
    assert found.unchecked == ()
    assert found.signed is not None
    assert found.signed.indicium == FRANK


def test_a_genuine_zero_imprint_is_genuine() -> None:
    assert verify(ZERO).verdict is Verdict.GENUINE


def test_what_was_not_looked_at_is_said() -> None:
    """INDICIUM-5.2."""
    without_code = replace(ALL_PRINTED, code=None)
    assert verify(FRANK).unchecked == tuple(Unchecked)
    assert verify(
        FRANK, printed=ALL_PRINTED, register=MemorySeenFranks()
    ).unchecked == (Unchecked.CODE,)
    assert verify(FRANK, printed=without_code, key_of=key_of).unchecked == (
        Unchecked.SEEN,
        Unchecked.CODE,
    )
    assert verify(FRANK, printed=ALL_PRINTED, key_of=lambda _: None).unchecked == (
        Unchecked.SEEN,
        Unchecked.CODE,
    )


def test_verdicts_have_codes_of_their_own_and_say_what_to_do() -> None:
    assert len({verdict.code for verdict in Verdict}) == len(Verdict)
    assert all(verdict.code.startswith("IND-20-") for verdict in Verdict)
    assert all(verdict.advice for verdict in Verdict)
    assert list(Verdict)[-1] is Verdict.GENUINE


# NOT_READABLE


@pytest.mark.parametrize("octets", [b"", b"https://example", bytes(108), bytes(110)])
def test_octets_of_another_barcode_are_not_readable(octets: bytes) -> None:
    found = verify(octets)
    assert verdicts(found) == [Verdict.NOT_READABLE]
    assert "109 are needed" in words(found)
    assert found.signed is None
    assert not may_be_indicium(octets)


def test_a_picture_without_a_symbol_is_not_readable() -> None:
    found = not_readable("no symbol in front.png")
    assert found.verdict is Verdict.NOT_READABLE
    assert words(found) == "no symbol in front.png"


# MALFORMED


def test_a_field_that_cannot_be_makes_it_malformed_before_any_key_is_used() -> None:
    unsigned = b"\x02" + encode_unsigned(FRANK)[1:]
    octets = unsigned + MACHINE.sign("INDICIUM", unsigned)

    found = verify(octets)

    assert verdicts(found) == [Verdict.MALFORMED]
    assert "version 2" in words(found)
    assert may_be_indicium(octets)


# UNKNOWN_MACHINE and WRONG_REALM


def test_a_machine_without_credential_is_unknown() -> None:
    found = verify(FRANK, credentials_of=lambda _: ())
    assert verdicts(found) == [Verdict.UNKNOWN_MACHINE]
    assert words(found) == "no machine N123456 is known here"


def test_a_frank_of_the_test_realm_is_nothing_where_production_is_verified() -> None:
    production = MachineIdentity(
        LICENCE, "PSD00001", Realm.PRODUCTION, MACHINE.dh_private, MACHINE.signing
    )
    # Even the same keys: the realm is part of what is signed (KEY-2.2).
    found = verify(FRANK, credentials_of=lambda _: [production.credential])
    assert verdicts(found) == [Verdict.WRONG_REALM]
    assert words(found) == (
        "it is of the realm TEST, N123456 is known here in PRODUCTION"
    )


def test_a_frank_whose_realm_was_changed_is_forged() -> None:
    """INDICIUM-5.3."""
    production = MachineIdentity(
        LICENCE, "PSD00001", Realm.PRODUCTION, MACHINE.dh_private, MACHINE.signing
    )
    octets = bytearray(sign_indicium(FRANK, MACHINE))
    octets[2] = Realm.PRODUCTION

    found = verify(bytes(octets), credentials_of=lambda _: [production.credential])

    assert verdicts(found) == [Verdict.FORGED]


# FORGED


def test_a_frank_that_another_key_signed_is_forged() -> None:
    forger = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.TEST, SeededEntropy(b"forger")
    )
    register = MemorySeenFranks()

    found = verify(sign_indicium(FRANK, forger), register=register)

    assert verdicts(found) == [Verdict.FORGED]
    assert "the signature is not of N123456" in words(found)
    # What is forged says nothing about what was seen.
    assert verify(FRANK, register=register).verdict is Verdict.GENUINE


def test_a_machine_with_several_credentials_may_have_signed_with_any() -> None:
    second = MachineIdentity.generate(
        LICENCE, "PSD00001", Realm.TEST, SeededEntropy(b"second"), generation=2
    )
    both = (MACHINE.credential, second.credential)
    octets = sign_indicium(frank(generation=2), second)

    assert verify(octets, credentials_of=lambda _: both).verdict is Verdict.GENUINE
    assert verify(octets).verdict is Verdict.FORGED


def test_every_flipped_bit_is_found() -> None:
    octets = sign_indicium(FRANK, MACHINE)
    expected = {
        Verdict.FORGED,
        Verdict.MALFORMED,
        Verdict.UNKNOWN_MACHINE,
        Verdict.WRONG_REALM,
    }
    found = set()
    for bit in range(8 * INDICIUM_OCTETS):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        verdict = verify(bytes(flipped)).verdict
        assert verdict in expected, bit
        found.add(verdict)
    assert found >= {Verdict.FORGED, Verdict.MALFORMED, Verdict.UNKNOWN_MACHINE}


CHANGES: list[dict[str, Any]] = [
    {"generation": 2},
    {"item": 43},
    {"items": 41},
    {"ascending_paise": Paise(126_401)},
    {"descending_paise": Paise(73_601)},
    {"value_paise": Paise(5000)},
    {"product_class": 6},
    {"time": EpochSeconds(FRANK.time + 60)},
    {"printed_on": TODAY + timedelta(days=1)},
    {"pin_code": 560_002},
    {"weight_g": 19},
    {"kind": FrankKind.ZERO, "value_paise": Paise(0)},
]


@pytest.mark.parametrize("changes", CHANGES, ids=lambda changes: next(iter(changes)))
def test_every_field_that_was_changed_and_not_signed_again_is_found(
    changes: dict[str, Any],
) -> None:
    signature = decode_indicium(sign_indicium(FRANK, MACHINE)).signature
    found = verify(encode_unsigned(frank(**changes)) + signature)
    assert verdicts(found) == [Verdict.FORGED]


# ALTERED


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"value_paise": Paise(50_000)},
            "the value printed is Rs 500.00, the barcode says Rs 5.00",
        ),
        (
            {"printed_on": TODAY + timedelta(days=1)},
            "the date printed is 2026-11-23, the barcode says 2026-11-22",
        ),
        ({"item": 43}, "the item printed is 43, the barcode says 42"),
        (
            {"licence": "N123457"},
            "the licence printed is N123457, the barcode says N123456",
        ),
        ({"pin_code": 110_001}, "the PIN code printed is 110001"),
        ({"product_class": 6}, "the class printed is 6, the barcode says 3"),
        ({"code": "00000000"}, "the authentication code 00000000 is not this one's"),
        ({"code": "é"}, "the authentication code É is not this one's"),
    ],
)
def test_every_printed_fact_that_differs_is_found(
    changes: dict[str, Any], said: str
) -> None:
    found = verify(FRANK, printed=replace(ALL_PRINTED, **changes), key_of=key_of)
    assert verdicts(found) == [Verdict.ALTERED]
    assert said in words(found)


def test_an_authentication_code_may_be_typed_in_small_letters() -> None:
    printed = PrintedFacts(code=CODE.lower())
    assert verify(FRANK, printed=printed, key_of=key_of).verdict is Verdict.GENUINE


def test_each_altered_fact_is_a_reason_of_its_own() -> None:
    printed = PrintedFacts(value_paise=Paise(1), item=1)
    assert verdicts(verify(FRANK, printed=printed)) == [Verdict.ALTERED] * 2


# COPIED


def test_a_frank_that_was_seen_before_is_copied() -> None:
    """INDICIUM-6.2, INDICIUM-7.1."""
    register = MemorySeenFranks()
    verify(FRANK, register=register)

    found = verify(FRANK, register=register)

    assert verdicts(found) == [Verdict.COPIED]
    assert words(found) == "this very frank was seen before, on 2026-11-22"


def test_a_copy_whose_signature_was_mirrored_is_a_copy_and_accuses_nobody() -> None:
    """INDICIUM-3.2."""
    # For every ECDSA signature (r, s) there is another one, (r, n - s).
    register = MemorySeenFranks()
    octets = sign_indicium(FRANK, MACHINE)
    s = int.from_bytes(octets[-32:], "big")
    mirrored = octets[:-32] + (ORDER - s).to_bytes(32, "big")
    verify(octets, register=register)

    assert verdicts(verify(mirrored, register=register)) == [Verdict.COPIED]


# CLONED


def test_two_franks_of_one_item_show_two_devices_with_one_identity() -> None:
    """INDICIUM-6.3."""
    register = MemorySeenFranks()
    verify(FRANK, register=register)
    twin = frank(weight_g=40, value_paise=FRANK.value_paise)

    found = verify(twin, register=register)

    assert verdicts(found) == [Verdict.CLONED]
    assert words(found) == "another item 42 of N123456 was seen on 2026-11-22"
    assert verdicts(verify(FRANK, register=register)) == [
        Verdict.CLONED,
        Verdict.COPIED,
    ]


# ROLLED_BACK


def test_franks_of_one_memory_fit_in_whatever_order_they_are_scanned() -> None:
    franks = [FRANK]
    for value in (500, 1200, 1, 500):
        franks.append(next_frank(franks[-1], value))
    zero = replace(
        franks[-1],
        kind=FrankKind.ZERO,
        item=franks[-1].item + 1,
        value_paise=Paise(0),
    )
    register = MemorySeenFranks()
    for one in (franks[4], franks[0], zero, franks[2], franks[1], franks[3]):
        assert verify(one, register=register).verdict is Verdict.GENUINE


@pytest.mark.parametrize(
    "changes",
    [
        {"ascending_paise": FRANK.ascending_paise},
        {"ascending_paise": Paise(FRANK.ascending_paise + 999)},
        {"items": FRANK.items},
        {"items": FRANK.items + 4},
    ],
    ids=["AR stands still", "AR rises by less than was paid", "items", "too many"],
)
def test_registers_that_go_back_show_a_memory_that_was_put_back(
    changes: dict[str, Any],
) -> None:
    """INDICIUM-6.4."""
    # Two items later, both of Rs 5.00.
    later = replace(next_frank(skip=2, value=1000), **changes)

    for first, second in ((FRANK, later), (later, FRANK)):
        register: SeenFranks = MemorySeenFranks()
        verify(first, register=register)
        found = verify(second, register=register)
        assert verdicts(found) == [Verdict.ROLLED_BACK]
        assert f"item {second.item} (AR" in words(found)
        assert f"item {first.item} (AR" in words(found)
        assert "are not of one memory" in words(found)


def test_a_frank_may_contradict_both_its_neighbours() -> None:
    register = MemorySeenFranks()
    middle = next_frank()
    verify(FRANK, register=register)
    verify(next_frank(middle), register=register)
    wrong = replace(middle, items=1, ascending_paise=Paise(500))

    assert verdicts(verify(wrong, register=register)) == [Verdict.ROLLED_BACK] * 2


@pytest.mark.parametrize(
    ("later", "fits"),
    [
        (next_frank(), True),
        # The only other imprint between them was a zero one.
        (replace(next_frank(), item=FRANK.item + 2), True),
        # Nothing else was franked, so AR may not have risen by more.
        (replace(next_frank(), ascending_paise=Paise(126_901)), False),
        (next_frank(skip=1), True),
        # One other frank paid at least one paisa.
        (replace(next_frank(skip=1), ascending_paise=Paise(126_901)), True),
        (replace(next_frank(skip=1), ascending_paise=Paise(126_900)), False),
        (replace(ZERO, item=43), True),
        (replace(ZERO, item=43, items=41), False),
        (replace(ZERO, item=43, ascending_paise=Paise(126_401)), False),
        # A recharge changes DR, which is not compared.
        (replace(next_frank(), descending_paise=Paise(9_999_999)), True),
        # A clock may be set back.
        (replace(next_frank(), time=EpochSeconds(FRANK.time - 3600)), True),
    ],
)
def test_what_two_franks_of_one_memory_may_say(later: Indicium, fits: bool) -> None:
    assert is_one_history(FRANK, later) is fits


@given(st.lists(st.integers(0, 3), min_size=2, max_size=12), st.data())
def test_franks_that_one_memory_made_always_fit(
    values: list[int], data: st.DataObject
) -> None:
    history = [frank(item=1, items=1, ascending_paise=Paise(500))]
    for value in values:
        last = history[-1]
        history.append(
            replace(
                last,
                kind=FrankKind.VALID if value else FrankKind.ZERO,
                item=last.item + 1,
                items=last.items + (1 if value else 0),
                ascending_paise=Paise(last.ascending_paise + value),
                value_paise=Paise(value),
            )
        )
    early = data.draw(st.integers(0, len(history) - 2))
    late = data.draw(st.integers(early + 1, len(history) - 1))
    assert is_one_history(history[early], history[late])


# STALE and NOT_YET


def test_a_previous_date_is_refused_unless_it_is_accepted() -> None:
    """INDICIUM-5.4."""
    tomorrow = TODAY + timedelta(days=1)
    found = verify(FRANK, today=tomorrow)
    assert verdicts(found) == [Verdict.STALE]
    assert words(found) == (
        "dated 2026-11-22 and today is 2026-11-23; accepted: 0 days past"
    )
    lenient = AcceptedDates(past_days=1)
    assert verify(FRANK, today=tomorrow, dates=lenient).verdict is Verdict.GENUINE
    later = tomorrow + timedelta(days=1)
    assert verify(FRANK, today=later, dates=lenient).verdict is Verdict.STALE


def test_a_date_ahead_is_accepted_up_to_the_limit() -> None:
    within = frank(printed_on=TODAY + timedelta(days=30))
    beyond = frank(printed_on=TODAY + timedelta(days=31))
    assert verify(within).verdict is Verdict.GENUINE
    found = verify(beyond)
    assert verdicts(found) == [Verdict.NOT_YET]
    assert words(found) == (
        "dated 2026-12-23 and today is 2026-11-22; accepted: 30 days ahead"
    )


def test_the_limit_ahead_is_that_of_the_machines() -> None:
    limit = parameter("machine.date_advance_max_days", TODAY)
    assert AcceptedDates().ahead_days == limit


def test_a_clock_that_is_ahead_of_today_is_not_believed() -> None:
    found = verify(FRANK, today=TODAY - timedelta(days=1))
    assert verdicts(found) == [Verdict.NOT_YET]
    assert "the machine's clock said 2026-11-22" in words(found)


# All of it


def test_all_that_holds_is_told_and_the_worst_comes_first() -> None:
    """INDICIUM-5.2."""
    register = MemorySeenFranks()
    verify(FRANK, register=register)
    verify(frank(weight_g=40), register=register)
    verify(next_frank(FRANK), register=register)
    wrong = frank(weight_g=40, items=42, ascending_paise=Paise(900_000))
    verify(wrong, register=register)

    found = verify(
        wrong,
        register=register,
        today=TODAY + timedelta(days=9),
        printed=PrintedFacts(value_paise=Paise(1)),
    )

    assert verdicts(found) == [
        Verdict.CLONED,
        Verdict.ROLLED_BACK,
        Verdict.ALTERED,
        Verdict.COPIED,
        Verdict.STALE,
    ]
    assert found.verdict is Verdict.CLONED


@given(st.binary(min_size=INDICIUM_OCTETS, max_size=INDICIUM_OCTETS))
def test_no_octets_raise_and_none_that_nobody_signed_pass(octets: bytes) -> None:
    assert verify(octets).verdict is not Verdict.GENUINE


@given(st.binary(min_size=64, max_size=64))
def test_no_invented_signature_passes(signature: bytes) -> None:
    unsigned = sign_indicium(FRANK, MACHINE)[:UNSIGNED_OCTETS]
    assert verify(unsigned + signature).verdict is Verdict.FORGED
