"""KEY-5: provisioning files, and every way in which one can be wrong."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.keys import (
    MachineProvisioning,
    ProvisioningError,
    ProvisioningFault,
    Realm,
    ServerProvisioning,
    read_machine_provisioning,
    read_server_provisioning,
    sign,
    write_provisioning,
)
from protocol.values import EpochSeconds, Paise, RechargeNumber
from tests.spec.chan_parties import parties

US = parties()
MAKERS = [parties("second").maker.public, US.maker.public]

MACHINE = MachineProvisioning(
    US.machine.credential,
    "FM 100",
    "1.0.3",
    Paise(1_234_500),
    Paise(5_500),
    Paise(1_240_000),
    617,
    3,
    RechargeNumber(9),
    EpochSeconds(1_790_000_000),
)
SERVER = ServerProvisioning(US.trusted, EpochSeconds(1_790_000_000))


def document(content: MachineProvisioning | ServerProvisioning = MACHINE) -> Any:
    return json.loads(write_provisioning(content, US.maker))


def fault_of(text: str | bytes) -> ProvisioningFault:
    octets = text.encode() if isinstance(text, str) else text
    with pytest.raises(ProvisioningError) as caught:
        read_machine_provisioning(octets, MAKERS)
    return caught.value.fault


def signed_again(octets: bytes) -> str:
    """The machine's file around other octets that the maker did sign."""
    changed = document()
    changed["signed_octets"] = octets.hex()
    changed["signature"] = sign(
        US.maker.signing, "PROVISIONING", Realm.TEST, octets
    ).hex()
    return json.dumps(changed)


def test_a_file_that_was_written_is_read_back() -> None:
    machine = write_provisioning(MACHINE, US.maker)
    server = write_provisioning(SERVER, US.maker)

    assert read_machine_provisioning(machine.encode(), MAKERS) == MACHINE
    assert read_server_provisioning(server.encode(), MAKERS) == SERVER


def test_the_signed_octets_stand_where_the_spec_says() -> None:
    octets = MACHINE.encode()
    credential = US.machine.credential

    assert len(octets) == 220
    assert octets[:18] == b"\x01MTN123456PSD00001"
    assert octets[18:50] == b"FM 100".ljust(16, b"\x00") + b"1.0.3".ljust(16, b"\x00")
    assert octets[50:114] == credential.dh_point.x + credential.dh_point.y
    assert octets[114:178] == credential.signing.point.x + credential.signing.point.y
    assert octets[178:202] == b"".join(
        v.to_bytes(8, "big") for v in (1_234_500, 5_500, 1_240_000)
    )
    assert octets[202:214] == b"".join(v.to_bytes(4, "big") for v in (617, 3, 9))
    assert octets[214:216] == b"\x00\x01"
    assert octets[216:220] == (1_790_000_000).to_bytes(4, "big")

    octets = SERVER.encode()
    assert len(octets) == 153
    assert octets[:20] == b"\x01ST\x05" + b"rmfs.example".ljust(16, b"\x00")
    assert octets[84:85] == b"\x01"
    assert octets[149:] == (1_790_000_000).to_bytes(4, "big")


def test_nothing_private_is_in_a_file() -> None:
    text = write_provisioning(MACHINE, US.maker) + write_provisioning(SERVER, US.maker)

    for scalar in (
        US.machine.dh_private,
        US.machine.signing.scalar,
        US.server.dh_private,
        US.credit_scalar,
        US.maker.signing.scalar,
    ):
        assert scalar.hex() not in text


def test_the_order_and_spacing_of_the_json_do_not_matter() -> None:
    text = json.dumps(dict(reversed(document().items())), indent=None)

    assert read_machine_provisioning(text.encode(), MAKERS) == MACHINE


@pytest.mark.parametrize("name", sorted(MACHINE.readable()))
def test_a_readable_field_that_was_not_signed_is_refused(name: str) -> None:
    changed = document()
    changed[name] = "N654321" if name == "licence_identifier" else "other"
    assert fault_of(json.dumps(changed)) is ProvisioningFault.DIFFERS

    del changed[name]
    assert fault_of(json.dumps(changed)) is ProvisioningFault.DIFFERS


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(descending_paise=5500.0),
        lambda d: d.update(generation=True),
        lambda d: d.update(note="approved"),
        lambda d: d["dh_public_key"].update(z="00"),
        lambda d: d["maker"].update(name="Another maker"),
        lambda d: d["maker"].update(note=""),
        lambda d: d.update(realm="PRODUCTION"),
    ],
)
def test_a_file_that_looks_otherwise_than_it_was_signed_is_refused(
    change: Callable[[dict[str, Any]], None],
) -> None:
    changed = document()
    change(changed)

    assert fault_of(json.dumps(changed)) is ProvisioningFault.DIFFERS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "nonsense",
        "[" * 4000,
        b"\xff\xfe{}",
        write_provisioning(MACHINE, US.maker)[:-3],
        '{"a": 1' + "0" * 4000,
    ],
)
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    assert fault_of(text) is ProvisioningFault.JSON


@pytest.mark.parametrize("text", ["[]", "3", "null", '"text"', "{}", "NaN"])
def test_json_of_another_form_is_refused(text: str) -> None:
    assert fault_of(text) is ProvisioningFault.FORM


def test_a_file_longer_than_allowed_is_not_even_parsed() -> None:
    text = write_provisioning(MACHINE, US.maker)

    assert fault_of(text + " " * 4096) is ProvisioningFault.SIZE


def test_a_key_that_stands_twice_is_refused() -> None:
    text = write_provisioning(MACHINE, US.maker)
    for line in text.splitlines():
        if '": "' in line or '": {' in line:
            name = line.split('"')[1]
            twice = text.replace("{\n", f'{{\n  "{name}": 0,\n', 1)
            if name in document():
                assert fault_of(twice) is ProvisioningFault.DUPLICATE
    nested = text.replace('"maker": {', '"maker": {"name": "x",', 1)
    assert fault_of(nested) is ProvisioningFault.DUPLICATE


@pytest.mark.parametrize("name", ["signed_octets", "signature"])
def test_bad_hex_is_refused(name: str) -> None:
    value = document()[name]
    for wrong in ("", "0", "zz", " " + value, value.upper(), value[:-1], value + "\n"):
        changed = document()
        changed[name] = wrong
        assert fault_of(json.dumps(changed)) is ProvisioningFault.HEX
    changed = document()
    changed[name] = 5
    assert fault_of(json.dumps(changed)) is ProvisioningFault.FORM


def test_a_maker_that_is_not_known_is_refused() -> None:
    text = write_provisioning(MACHINE, US.maker).encode()

    with pytest.raises(ProvisioningError) as caught:
        read_machine_provisioning(text, [parties("second").maker.public])

    assert caught.value.fault is ProvisioningFault.MAKER
    wrong: list[Any] = [None, [], {}, {"fingerprint": 5}, "Maker"]
    for maker in wrong:
        changed = document()
        changed["maker"] = maker
        assert fault_of(json.dumps(changed)) is ProvisioningFault.MAKER


def test_a_file_signed_by_another_maker_under_this_name_is_refused() -> None:
    forger = replace(parties("second").maker, name=US.maker.name)
    forged = json.loads(write_provisioning(MACHINE, forger))
    forged["maker"] = document()["maker"]

    assert fault_of(json.dumps(forged)) is ProvisioningFault.SIGNATURE


def test_every_flipped_bit_of_signature_and_signed_octets_is_refused() -> None:
    honest = document()
    for name in ("signature", "signed_octets"):
        octets = bytes.fromhex(honest[name])
        for bit in range(0, 8 * len(octets), 3):
            changed = bytearray(octets)
            changed[bit // 8] ^= 1 << bit % 8
            fault = fault_of(json.dumps({**honest, name: changed.hex()}))
            assert fault in (ProvisioningFault.SIGNATURE, ProvisioningFault.REALM)


def test_a_short_signature_is_refused() -> None:
    changed = document()
    changed["signature"] = changed["signature"][:126]

    assert fault_of(json.dumps(changed)) is ProvisioningFault.SIGNATURE


def test_a_file_of_the_other_realm_is_refused() -> None:
    production = parties("first", Realm.PRODUCTION)
    content = replace(MACHINE, credential=production.machine.credential)
    text = write_provisioning(content, production.maker)

    # The keys are the same in both realms: only the realm parts them.
    assert fault_of(text) is ProvisioningFault.REALM
    with pytest.raises(LocalProtocolError, match="own realm"):
        write_provisioning(content, US.maker)


def test_a_signature_of_the_other_realm_is_refused() -> None:
    octets = MACHINE.encode()
    changed = document()
    changed["signature"] = sign(
        US.maker.signing, "PROVISIONING", Realm.PRODUCTION, octets
    ).hex()

    assert fault_of(json.dumps(changed)) is ProvisioningFault.SIGNATURE


@pytest.mark.parametrize(
    ("at", "octets", "fault"),
    [
        (0, b"\x02", ProvisioningFault.FORM),
        (1, b"S", ProvisioningFault.FORM),
        (3, b"n", ProvisioningFault.FIELD),
        (10, b"\xff", ProvisioningFault.FIELD),
        (18, b"\x00" * 16, ProvisioningFault.FIELD),
        (18, b"a\x00b", ProvisioningFault.FIELD),
        (18, b"\x7f", ProvisioningFault.FIELD),
        (50, b"\x00" * 32, ProvisioningFault.POINT),
        (114, b"\xff" * 32, ProvisioningFault.POINT),
        (
            50,
            US.machine.credential.signing.point.x
            + US.machine.credential.signing.point.y,
            ProvisioningFault.FIELD,
        ),
        (178, b"\xff" * 8, ProvisioningFault.FIELD),
        (185, b"\x01", ProvisioningFault.FIELD),
        (214, b"\x00\x00", ProvisioningFault.FIELD),
    ],
)
def test_signed_nonsense_is_refused_all_the_same(
    at: int, octets: bytes, fault: ProvisioningFault
) -> None:
    changed = bytearray(MACHINE.encode())
    changed[at : at + len(octets)] = octets

    assert fault_of(signed_again(bytes(changed))) is fault


@pytest.mark.parametrize("length", [0, 1, 3, 152, 219, 221])
def test_signed_octets_of_another_length_are_refused(length: int) -> None:
    octets = (MACHINE.encode() + b"\x00")[:length]

    expected = ProvisioningFault.FORM if length else ProvisioningFault.HEX
    assert fault_of(signed_again(octets)) is expected


def test_a_file_of_the_other_kind_is_refused() -> None:
    server = write_provisioning(SERVER, US.maker)
    machine = write_provisioning(MACHINE, US.maker)

    assert fault_of(server) is ProvisioningFault.FORM
    with pytest.raises(ProvisioningError) as caught:
        read_server_provisioning(machine.encode(), MAKERS)
    assert caught.value.fault is ProvisioningFault.FORM


@pytest.mark.parametrize(
    "change",
    [
        {"model": ""},
        {"model": "x" * 17},
        {"firmware": " 1"},
        {"firmware": "ü"},
        {"ascending_paise": -1},
        {"descending_paise": 5_501},
        {"control_total_paise": 2**53},
        {"items": 2**32},
        {"zero_items": -1},
        {"recharge_number": 2**32},
        {"issued": 2**32},
    ],
)
def test_content_out_of_range_is_our_own_bug(change: dict[str, Any]) -> None:
    with pytest.raises(LocalProtocolError):
        replace(MACHINE, **change)


def test_a_server_file_carries_exactly_one_credit_key() -> None:
    with pytest.raises(LocalProtocolError, match="one credit key"):
        ServerProvisioning(US.server.credential, EpochSeconds(0))
    with pytest.raises(LocalProtocolError, match="one credit key"):
        ServerProvisioning(
            US.trusted.with_credit_key(2, US.credit.signing.public), EpochSeconds(0)
        )


def test_no_mutation_of_a_file_is_believed_or_raises_anything_else() -> None:
    random_ = random.Random(9)
    honest = write_provisioning(MACHINE, US.maker).encode()
    refused = 0
    for _ in range(3_000):
        text = bytearray(honest)
        for _ in range(random_.randrange(1, 4)):
            at = random_.randrange(len(text))
            match random_.randrange(4):
                case 0:
                    text[at] ^= 1 << random_.randrange(8)
                case 1:
                    text[at : at + 1] = random_.choice((b'"', b"{", b"}", b",", b"\\u"))
                case 2:
                    del text[at : at + random_.randrange(1, 40)]
                case _:
                    text[at:at] = random_.randbytes(random_.randrange(1, 4))
        try:
            content = read_machine_provisioning(bytes(text), MAKERS)
        except ProvisioningError:
            refused += 1
        else:
            # White space may change; what is believed may not.
            assert content == MACHINE

    assert refused > 2_900


paise = st.integers(0, 2**52)


@given(
    model=st.from_regex(r"[!-~]([ -~]{0,14}[!-~])?", fullmatch=True),
    ascending=paise,
    descending=paise,
    counters=st.tuples(*[st.integers(0, 2**31 - 1)] * 4),
    generation=st.integers(1, 65_535),
)
def test_whatever_a_file_says_comes_back_from_it(
    model: str,
    ascending: int,
    descending: int,
    counters: tuple[int, ...],
    generation: int,
) -> None:
    total = min(ascending + descending, 2**53 - 1)
    items, zero_items, number, issued = counters
    content = MachineProvisioning(
        replace(US.machine.credential, generation=generation),
        model,
        "1",
        Paise(total - descending),
        Paise(descending),
        Paise(total),
        items,
        zero_items,
        RechargeNumber(number),
        EpochSeconds(issued),
    )

    text = write_provisioning(content, US.maker)

    assert MachineProvisioning.decode(content.encode()) == content
    assert read_machine_provisioning(text.encode(), MAKERS) == content


def test_counters_that_no_statement_can_hold_are_refused() -> None:
    """KEY-5.1: items + zero imprints fit the 32 bits of a STATEMENT."""
    with pytest.raises(LocalProtocolError, match=r"items \+ zero_items"):
        replace(MACHINE, items=2**32 - 1, zero_items=1)
