"""A face that contradicts itself, or cannot be printed, is not made."""

from dataclasses import replace
from typing import Any

import pytest

from fm_device.frank import FrankFace, FrankMark, SloganFace
from protocol.errors import LocalProtocolError
from protocol.values import Paise
from tests.faces import LETTER, SPECIMEN, VOID, ZERO


@pytest.mark.parametrize("face", [SPECIMEN, VOID], ids=["specimen", "void"])
@pytest.mark.parametrize(
    "proof",
    [{"item": 1}, {"authentication_code": "00000000"}, {"indicium": bytes(111)}],
    ids=lambda proof: next(iter(proof)),
)
def test_a_frank_that_franks_nothing_carries_no_proof(
    face: FrankFace, proof: dict[str, Any]
) -> None:
    with pytest.raises(LocalProtocolError, match="carries no item number"):
        replace(face, **proof)


@pytest.mark.parametrize("face", [LETTER, ZERO], ids=["valid", "zero"])
@pytest.mark.parametrize("part", ["licence", "item", "authentication_code", "indicium"])
def test_a_frank_that_counts_needs_all_of_its_proof(face: FrankFace, part: str) -> None:
    with pytest.raises(LocalProtocolError, match="needs a licence, an item number"):
        replace(face, **{part: None})  # type: ignore[arg-type]


def test_a_zero_frank_has_no_value() -> None:
    with pytest.raises(LocalProtocolError, match="a zero frank has no value"):
        replace(LETTER, mark=FrankMark.ZERO)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("pin_code", "56000", "no PIN code"),
        ("pin_code", "५६०००१", "no PIN code"),
        ("value_paise", Paise(-1), "no frank has a value"),
        ("value_paise", Paise(2**32), "no frank has a value"),
        ("weight_g", -1, "no article weighs"),
        ("weight_g", 65_536, "no article weighs"),
        ("item", 2**32, "no item number"),
        ("item", -1, "no item number"),
        ("authentication_code", "1a2b3c4d", "8 hexadecimal digits"),
        ("authentication_code", "1A2B3C4", "8 hexadecimal digits"),
        ("class_letters", "LLLLL", "at most 4 characters"),
        ("class_name", "l" * 25, "at most 24 characters"),
        ("office_name", "बेंगलुरु", "characters of ASCII"),
        ("office_name", "Line\nfeed", "characters of ASCII"),
    ],
)
def test_what_cannot_be_printed_is_refused(
    field: str, value: object, words: str
) -> None:
    with pytest.raises(LocalProtocolError, match=words):
        replace(LETTER, **{field: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ("a", "b", "c", "d"),
        ("x" * 25,),
        ("caf\N{LATIN SMALL LETTER E WITH ACUTE}",),
    ],
)
def test_a_slogan_has_one_to_three_short_lines(lines: tuple[str, ...]) -> None:
    with pytest.raises(LocalProtocolError, match="slogan"):
        SloganFace(lines)
