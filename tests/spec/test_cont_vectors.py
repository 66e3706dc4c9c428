"""cont.json: the witness makes it, the product reads the same out of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from protocol.contents import (
    Content,
    ContentError,
    ContentKind,
    Tariff,
    make_content,
    read_body,
    read_content,
    write_content,
)
from protocol.keys import MakerKey, Realm, SigningKey, signed_octets
from protocol.values import EpochSeconds
from tests.witness import cont_vectors

VECTORS = Path(__file__).parents[2] / "protocol" / "vectors"
CONT: dict[str, Any] = json.loads((VECTORS / "cont.json").read_text("utf-8"))


def of(value: str) -> bytes:
    return bytes.fromhex(value)


def maker(realm: str) -> MakerKey:
    scalar = of(CONT["maker_key"]["private"])
    return MakerKey("Maker", Realm(ord(realm)), SigningKey(scalar))


def found(one: dict[str, Any]) -> Content:
    return read_content(of(one["octets"]), maker(one["realm"]).public)


CONTENTS = CONT["vectors"]
BY_ID = {one["id"]: one for one in CONTENTS}


def test_the_published_vectors_are_those_that_the_witness_makes() -> None:
    """CONT-9."""
    assert cont_vectors.make() == CONT


def test_the_vectors_show_every_kind_and_both_realms() -> None:
    assert {one["kind"] for one in CONTENTS} == {kind.name for kind in ContentKind}
    assert {one["realm"] for one in CONTENTS} == {"T", "P"}


@pytest.mark.parametrize("one", CONTENTS, ids=[one["id"] for one in CONTENTS])
def test_a_content_of_the_vectors_is_read_and_written_to_the_octet(
    one: dict[str, Any],
) -> None:
    content = found(one)

    assert content == Content(
        ContentKind[one["kind"]],
        Realm(ord(one["realm"])),
        one["model"],
        one["number"],
        EpochSeconds(one["issued"]),
        EpochSeconds(one["valid_from"]),
        of(one["body"]),
    )
    assert content.content_id == int(one["content_id"], 16)
    again = make_content(
        read_body(content), content.realm, content.issued, model=content.model
    )
    octets = write_content(again, maker(one["realm"]))
    assert octets == of(one["octets"])
    assert signed_octets("CONTENT", content.realm, octets[:-64]) == of(one["covered"])


@pytest.mark.parametrize(
    "one", CONT["refused"], ids=[one["id"] for one in CONT["refused"]]
)
def test_what_is_no_content_is_refused_for_the_first_fault(one: dict[str, Any]) -> None:
    with pytest.raises(ContentError) as caught:
        read_body(read_content(of(one["octets"]), maker("T").public))
    assert caught.value.fault.name == one["fault"]


@pytest.mark.parametrize(
    "one", CONT["postage"], ids=[one["id"] for one in CONT["postage"]]
)
def test_postage_is_that_of_the_vectors(one: dict[str, Any]) -> None:
    tariff = read_body(found(BY_ID[one["tariff"]]))
    assert isinstance(tariff, Tariff)
    product = tariff.find(one["class"])
    assert product is not None
    assert product.postage_paise(one["weight_g"], one["zone"]) == one["paise"]
