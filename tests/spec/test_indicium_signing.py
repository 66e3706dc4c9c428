"""INDICIUM-3 and INDICIUM-4: two proofs, one for everybody and one for the server."""

import pytest
from hypothesis import given

from hw.entropy import SeededEntropy
from protocol.errors import LocalProtocolError
from protocol.indicium import (
    INDICIUM_OCTETS,
    Indicium,
    IndiciumError,
    authentication_code,
    authentication_key,
    decode_indicium,
    is_signed_by,
    sign_indicium,
)
from protocol.keys import MachineIdentity, Realm, ServerIdentity
from protocol.values import LicenceIdentifier, Paise
from tests.spec.franks import FRANK, LICENCE, MACHINE, SERVER, frank
from tests.spec.test_indicium_layout import indicia

KEY = authentication_key(MACHINE, SERVER.credential)


def other_machine(realm: Realm = Realm.TEST) -> MachineIdentity:
    return MachineIdentity.generate(
        LICENCE, "PSD00002", realm, SeededEntropy(b"another machine")
    )


def test_a_frank_is_signed_by_its_machine_and_no_other() -> None:
    """INDICIUM-1.1, INDICIUM-3.1."""
    signed = decode_indicium(sign_indicium(FRANK, MACHINE))

    assert signed.indicium == FRANK
    assert is_signed_by(signed, MACHINE.credential)
    assert not is_signed_by(signed, other_machine().credential)


def test_the_same_frank_gives_the_same_octets() -> None:
    assert sign_indicium(FRANK, MACHINE) == sign_indicium(FRANK, MACHINE)


def test_every_flipped_bit_is_found() -> None:
    octets = sign_indicium(FRANK, MACHINE)
    for bit in range(8 * INDICIUM_OCTETS):
        flipped = bytearray(octets)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            signed = decode_indicium(bytes(flipped))
        except IndiciumError:
            continue
        assert not is_signed_by(signed, MACHINE.credential), bit


def test_a_signature_for_another_purpose_is_none() -> None:
    unsigned = decode_indicium(sign_indicium(FRANK, MACHINE)).unsigned
    borrowed = unsigned + MACHINE.sign("STATEMENT", unsigned)

    assert not is_signed_by(decode_indicium(borrowed), MACHINE.credential)


@pytest.mark.parametrize(
    "changes",
    [
        {"licence": LicenceIdentifier("N123457")},
        {"realm": Realm.PRODUCTION},
        {"generation": 2},
    ],
)
def test_a_machine_signs_in_its_own_name_only(changes: dict[str, object]) -> None:
    """INDICIUM-3.1."""
    with pytest.raises(LocalProtocolError, match="is not signed by N123456"):
        sign_indicium(frank(**changes), MACHINE)


def test_both_sides_derive_the_same_key_and_nobody_else() -> None:
    """INDICIUM-4.1."""
    other_server = ServerIdentity.generate(
        "rmfs.example", Realm.TEST, 1, SeededEntropy(b"another server")
    )

    assert len(KEY) == 32
    assert authentication_key(SERVER, MACHINE.credential) == KEY
    assert authentication_key(SERVER, other_machine().credential) != KEY
    assert authentication_key(other_server, MACHINE.credential) != KEY


def test_the_key_belongs_to_these_credentials_and_not_only_to_their_keys() -> None:
    renamed = MachineIdentity(
        LicenceIdentifier("N123457"),
        MACHINE.psd_serial,
        MACHINE.realm,
        MACHINE.dh_private,
        MACHINE.signing,
    )
    moved = ServerIdentity("rmfs.other", Realm.TEST, 1, SERVER.dh_private)

    assert authentication_key(renamed, SERVER.credential) != KEY
    assert authentication_key(MACHINE, moved.credential) != KEY


def test_a_key_is_shared_by_one_machine_and_one_server_of_one_realm() -> None:
    production = ServerIdentity.generate(
        "rmfs.example", Realm.PRODUCTION, 1, SeededEntropy(b"production")
    )
    with pytest.raises(LocalProtocolError, match="different realms"):
        authentication_key(MACHINE, production.credential)
    with pytest.raises(LocalProtocolError, match="one machine and one server"):
        authentication_key(SERVER, production.credential)
    with pytest.raises(LocalProtocolError, match="one machine and one server"):
        authentication_key(MACHINE, MACHINE.credential)


def test_a_code_is_eight_capital_hex_digits() -> None:
    """INDICIUM-4.3."""
    code = authentication_code(KEY, FRANK)

    assert len(code) == 8
    assert code == code.upper()
    assert int(code, 16) >= 0


@given(indicia(), indicia())
def test_a_code_follows_its_inputs_and_nothing_else(
    one: Indicium, other: Indicium
) -> None:
    """INDICIUM-4.2."""

    def inputs(of: Indicium) -> tuple[object, ...]:
        money = of.licence, of.item, of.value_paise
        return *money, of.printed_on, of.time, of.pin_code

    same = authentication_code(KEY, one) == authentication_code(KEY, other)

    # Two of 2**32 codes meet by chance so seldom that a search will not see it.
    assert same == (inputs(one) == inputs(other))


def test_weight_class_and_registers_are_not_in_the_code() -> None:
    """INDICIUM-4.4."""
    changed = frank(weight_g=20, product_class=6, ascending_paise=Paise(200_000))

    assert authentication_code(KEY, changed) == authentication_code(KEY, FRANK)
    assert sign_indicium(changed, MACHINE) != sign_indicium(FRANK, MACHINE)
