"""ind.json: the witness makes it, the product meets it, and both judge alike."""

import ast
import json
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from protocol.indicium import (
    AcceptedDates,
    FrankKind,
    Indicium,
    MemorySeenFranks,
    PrintedFacts,
    Verdict,
    authentication_code,
    authentication_key,
    decode_indicium,
    encode_unsigned,
    sign_indicium,
    verify_indicium,
)
from protocol.indicium.authentication import covered_by_the_code
from protocol.keys import (
    MachineIdentity,
    Point,
    Realm,
    ServerIdentity,
    SigningKey,
    VerifyingKey,
    signed_octets,
    verify,
)
from protocol.values import EpochSeconds, LicenceIdentifier, Paise
from tests.spec.franks import FRANK, TODAY
from tests.spec.test_indicium_layout import indicia
from tests.witness import ecdsa_peer, spec_indicium
from tests.witness.spec_indicium import Frank, MalformedError, Verifier

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
IND: dict[str, Any] = json.loads((VECTORS / "ind.json").read_text("utf-8"))


def of(value: str) -> bytes:
    return bytes.fromhex(value)


def machine(realm: Realm = Realm.TEST, licence: str = "N123456") -> MachineIdentity:
    vector = IND["machine"]
    return MachineIdentity(
        LicenceIdentifier(licence),
        vector["psd_serial"],
        realm,
        of(vector["dh_private"]),
        SigningKey(of(vector["signing_private"])),
    )


SERVER = ServerIdentity(
    IND["server"]["name"],
    Realm.TEST,
    IND["server"]["kid"],
    of(IND["server"]["dh_private"]),
)
KEY = of(IND["authentication"]["key"])


def indicium_of(fields: dict[str, Any]) -> Indicium:
    return Indicium(
        kind=FrankKind[fields["kind"]],
        realm=Realm(ord(fields["realm"])),
        licence=LicenceIdentifier(fields["licence"]),
        generation=fields["generation"],
        item=fields["item"],
        items=fields["items"],
        ascending_paise=Paise(fields["ascending_paise"]),
        descending_paise=Paise(fields["descending_paise"]),
        value_paise=Paise(fields["value_paise"]),
        product_class=fields["product_class"],
        time=EpochSeconds(fields["time"]),
        printed_on=date.fromisoformat(fields["printed_on"]),
        pin_code=fields["pin_code"],
        weight_g=fields["weight_g"],
    )


def frank_of(indicium: Indicium) -> Frank:
    return Frank(
        indicium.kind.name,
        indicium.realm.letter,
        indicium.licence,
        indicium.generation,
        indicium.item,
        indicium.items,
        indicium.ascending_paise,
        indicium.descending_paise,
        indicium.value_paise,
        indicium.product_class,
        indicium.time,
        indicium.advance_days,
        indicium.pin_code,
        indicium.weight_g,
    )


def witness_refuses(octets: bytes) -> bool:
    try:
        spec_indicium.decode(octets)
    except MalformedError:
        return True
    return False


def test_the_published_vectors_are_those_that_the_witness_makes() -> None:
    """INDICIUM-8."""
    assert spec_indicium.make() == IND


def test_the_witness_shares_no_code_with_the_product() -> None:
    assert spec_indicium.__file__
    tree = ast.parse(Path(spec_indicium.__file__).read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported - sys.stdlib_module_names == {"cryptography"}


@pytest.mark.parametrize("vector", IND["franks"], ids=lambda vector: vector["id"])
def test_every_frank_of_the_vectors_is_made_and_read(vector: dict[str, Any]) -> None:
    indicium = indicium_of(vector["fields"])
    octets = of(vector["octets"])

    signed = decode_indicium(octets)

    assert encode_unsigned(indicium) == of(vector["unsigned"])
    assert signed.indicium == indicium
    assert signed.unsigned == of(vector["unsigned"])
    assert signed_octets("INDICIUM", indicium.realm, signed.unsigned) == of(
        vector["covered"]
    )
    point = of(IND["machine"]["signing_public"])
    key = VerifyingKey(Point(point[:32], point[32:]))
    assert verify(key, "INDICIUM", indicium.realm, signed.unsigned, signed.signature)
    assert covered_by_the_code(indicium) == of(vector["code_octets"])
    assert authentication_code(KEY, indicium) == vector["code"]
    maker = replace(
        machine(indicium.realm, indicium.licence), generation=indicium.generation
    )
    assert sign_indicium(indicium, maker) == octets


def test_whole_numbers_make_the_same_signatures() -> None:
    private = int(IND["machine"]["signing_private"], 16)
    for vector in IND["franks"]:
        signature = ecdsa_peer.sign(private, of(vector["covered"]))
        assert of(vector["octets"]) == of(vector["unsigned"]) + signature


def test_both_sides_derive_the_key_of_the_vectors() -> None:
    assert machine().ccs == of(IND["machine"]["ccs"])
    assert SERVER.ccs == of(IND["server"]["ccs"])
    assert authentication_key(machine(), SERVER.credential) == KEY
    assert authentication_key(SERVER, machine().credential) == KEY


def test_every_scan_of_the_vectors_is_judged_as_it_says() -> None:
    register = MemorySeenFranks()
    scans = IND["scans"]
    for scan in scans["in_order"]:
        printed = dict(scan["printed"])
        if "printed_on" in printed:
            printed["printed_on"] = date.fromisoformat(printed["printed_on"])
        found = verify_indicium(
            of(scan["octets"]),
            lambda licence: [machine().credential] if licence == "N123456" else [],
            date.fromisoformat(scans["today"]),
            register,
            PrintedFacts(**printed),
            key_of=lambda credential: authentication_key(SERVER, credential),
        )
        verdicts = [reason.verdict.name for reason in found.reasons]
        assert list(dict.fromkeys(verdicts)) == scan["verdicts"], scan["what"]


def test_the_vectors_have_every_verdict() -> None:
    told = {name for scan in IND["scans"]["in_order"] for name in scan["verdicts"]}
    assert told == {verdict.name for verdict in Verdict} - {"GENUINE"}


@given(indicia())
def test_the_witness_packs_and_reads_every_frank_alike(indicium: Indicium) -> None:
    octets = encode_unsigned(indicium)
    assert spec_indicium.encode(frank_of(indicium)) == octets
    assert spec_indicium.decode(octets) == frank_of(indicium)


@given(st.binary(min_size=45, max_size=45) | st.binary(min_size=42, max_size=42))
def test_the_witness_refuses_the_same_octets(octets: bytes) -> None:
    # Half of the samples begin as a frank does, so that the rest is looked at.
    octets = octets if len(octets) == 45 else b"\x01\x01T" + octets
    signed = octets + bytes(64)
    malformed = (
        verify_indicium(signed, lambda _: (), TODAY).verdict is Verdict.MALFORMED
    )
    assert witness_refuses(octets) is malformed


@given(
    st.lists(
        st.tuples(
            st.integers(1, 6),
            st.integers(0, 5),
            st.integers(0, 4),
            st.integers(0, 2),
            st.integers(0, 40),
        ),
        max_size=12,
    ),
    st.integers(-3, 40),
)
def test_witness_and_product_judge_any_row_of_scans_alike(
    rows: list[tuple[int, int, int, int, int]], day: int
) -> None:
    own, today = machine(), TODAY + timedelta(days=day)
    public = own.credential.signing.point.public_key
    assert isinstance(public, ec.EllipticCurvePublicKey)
    witness = Verifier({("N123456", "T", 1): public}, past_days=1)
    register = MemorySeenFranks()
    for item, items, paid, value, advance in rows:
        zero = value == 0
        indicium = replace(
            FRANK,
            kind=FrankKind.ZERO if zero else FrankKind.VALID,
            item=item,
            items=min(items, item - 1) if zero else max(1, min(items, item)),
            ascending_paise=Paise(paid + value),
            value_paise=Paise(value),
            printed_on=TODAY + timedelta(days=advance),
        )
        octets = sign_indicium(indicium, own)

        found = verify_indicium(
            octets,
            lambda _: [own.credential],
            today,
            register,
            dates=AcceptedDates(past_days=1),
        )

        verdicts = [reason.verdict.name for reason in found.reasons]
        assert list(dict.fromkeys(verdicts)) == witness.verify(octets, today)
