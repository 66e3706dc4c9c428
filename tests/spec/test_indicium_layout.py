"""INDICIUM-2: 109 octets of fixed layout, and no other frank can be written in them."""

from contextlib import suppress
from datetime import date, timedelta
from itertools import product
from typing import Any

import pytest
import zxingcpp
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import LocalProtocolError
from protocol.indicium import (
    FIELDS,
    INDICIUM_OCTETS,
    UNSIGNED_OCTETS,
    FrankKind,
    Indicium,
    IndiciumError,
    IndiciumFault,
    decode_indicium,
    decode_unsigned,
    encode_unsigned,
    sign_indicium,
)
from protocol.keys import Realm
from protocol.parameters import business_date
from protocol.values import AMOUNT_PAISE_MAX, EpochSeconds, LicenceIdentifier, Paise
from tests.spec.franks import FRANK, MACHINE, TIME, TODAY, ZERO, frank

OCTETS = bytes.fromhex(
    "01 01 54 4e 01e240 01 0000002a 00000028 0000000001edc0 00000000011f80"
    "000001f4 03 6b027dd8 00 088b81 0012"
)


def matrix(octets: bytes) -> zxingcpp.Barcode:
    return zxingcpp.create_barcode(octets, zxingcpp.BarcodeFormat.DataMatrix)


def side(symbol: zxingcpp.Barcode) -> tuple[int, ...] | None:
    """Count the modules of a symbol, down and across."""
    picture: Any = symbol.to_image(scale=1, add_quiet_zones=False)
    return memoryview(picture).shape


@st.composite
def indicia(draw: st.DrawFn) -> Indicium:
    """Draw any frank that can exist."""
    kind = draw(st.sampled_from(FrankKind))
    zero = kind is FrankKind.ZERO
    value = 0 if zero else draw(st.integers(1, 2**32 - 1))
    ascending = draw(st.integers(value, AMOUNT_PAISE_MAX))
    item = draw(st.integers(1, 2**32 - 1))
    time = EpochSeconds(draw(st.integers(1, 2**32 - 1)))
    letter = draw(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    return Indicium(
        kind=kind,
        realm=draw(st.sampled_from(Realm)),
        licence=LicenceIdentifier(f"{letter}{draw(st.integers(0, 999_999)):06}"),
        generation=draw(st.integers(1, 255)),
        item=item,
        items=draw(st.integers(0, item - 1) if zero else st.integers(1, item)),
        ascending_paise=Paise(ascending),
        descending_paise=Paise(draw(st.integers(0, AMOUNT_PAISE_MAX - ascending))),
        value_paise=Paise(value),
        product_class=draw(st.integers(1, 255)),
        time=time,
        printed_on=business_date(time) + timedelta(days=draw(st.integers(0, 255))),
        pin_code=draw(st.integers(100_000, 999_999)),
        weight_g=draw(st.integers(0, 65_535)),
    )


def test_a_frank_is_these_45_octets() -> None:
    """INDICIUM-2.2."""
    assert encode_unsigned(FRANK) == OCTETS
    assert UNSIGNED_OCTETS == 45


def test_a_signed_frank_fills_a_data_matrix_of_40_by_40_and_comes_out_again() -> None:
    """INDICIUM-2.1."""
    octets = sign_indicium(FRANK, MACHINE)
    assert len(octets) == INDICIUM_OCTETS == 109

    symbol = matrix(octets)

    assert side(symbol) == (40, 40)
    (read,) = zxingcpp.read_barcodes(symbol.to_image(scale=4))
    assert read.bytes == octets


def test_any_octets_of_that_length_fit_and_one_more_does_not() -> None:
    assert side(matrix(bytes(range(128, 237)))) == (40, 40)
    assert side(matrix(bytes(range(128, 238)))) != (40, 40)


@given(indicia())
def test_every_frank_comes_back_as_it_was(indicium: Indicium) -> None:
    assert decode_unsigned(encode_unsigned(indicium)) == indicium


@given(st.binary(min_size=UNSIGNED_OCTETS, max_size=UNSIGNED_OCTETS))
def test_what_can_be_read_has_one_form_only(octets: bytes) -> None:
    with suppress(IndiciumError):
        assert encode_unsigned(decode_unsigned(octets)) == octets


@given(indicia(), st.integers(0, UNSIGNED_OCTETS * 8 - 1))
def test_a_flipped_bit_is_another_frank_or_none(indicium: Indicium, bit: int) -> None:
    octets = bytearray(encode_unsigned(indicium))
    octets[bit // 8] ^= 1 << bit % 8
    with suppress(IndiciumError):
        assert decode_unsigned(bytes(octets)) != indicium


@given(st.binary(max_size=200).filter(lambda octets: len(octets) != INDICIUM_OCTETS))
def test_octets_of_another_length_are_no_indicium(octets: bytes) -> None:
    """INDICIUM-2.4."""
    with pytest.raises(IndiciumError) as caught:
        decode_indicium(octets)
    assert caught.value.fault is IndiciumFault.LENGTH


def test_unsigned_octets_of_another_length_are_none_either() -> None:
    with pytest.raises(IndiciumError, match="44 octets, 45 are needed"):
        decode_unsigned(OCTETS[:-1])


@pytest.mark.parametrize(
    ("offset", "octets", "words"),
    [
        (0, b"\x02", "version 2, this reads 1"),
        (1, b"\x00", "FrankKind"),
        (2, b"\x00", "no realm"),
        (3, b"n", "not a licence identifier"),
        (3, b"\xff", "not a licence identifier"),
        (4, (1_000_000).to_bytes(3, "big"), "not a licence identifier"),
        (7, b"\x00", "generation is 0"),
        (8, bytes(4), "item is 0"),
        (12, (43).to_bytes(4, "big"), "items is 43: 0 to 42"),
        (12, bytes(4), "VALID frank of 500 paise, item 42, 0 with a value"),
        (16, b"\xff" * 7, "ascending_paise is"),
        (16, (499).to_bytes(7, "big"), "AR 499 paise"),
        (23, b"\xff" * 7, "descending_paise is"),
        (23, AMOUNT_PAISE_MAX.to_bytes(7, "big"), "control total is"),
        (30, bytes(4), "VALID frank of 0 paise"),
        (34, b"\x00", "product_class is 0"),
        (35, bytes(4), "time is 0"),
        (40, (99_999).to_bytes(3, "big"), "pin_code is 99999"),
        (40, (1_000_000).to_bytes(3, "big"), "pin_code is 1000000"),
    ],
)
def test_a_field_that_cannot_be_is_named(
    offset: int, octets: bytes, words: str
) -> None:
    """INDICIUM-2.2 to INDICIUM-2.4."""
    wrong = OCTETS[:offset] + octets + OCTETS[offset + len(octets) :]

    with pytest.raises(IndiciumError, match=words) as caught:
        decode_unsigned(wrong)

    assert caught.value.fault is IndiciumFault.FIELD


def test_a_zero_imprint_is_counted_and_pays_nothing() -> None:
    """INDICIUM-2.3."""
    assert decode_unsigned(encode_unsigned(ZERO)) == ZERO
    with pytest.raises(LocalProtocolError, match="ZERO frank of 500 paise"):
        frank(kind=FrankKind.ZERO)
    with pytest.raises(LocalProtocolError, match="item 42, 42 with a value"):
        frank(kind=FrankKind.ZERO, value_paise=Paise(0), items=42)


def test_the_date_printed_is_that_of_the_clock_in_india_or_later() -> None:
    # 19:00 UTC is half past midnight of the next day in India.
    late = EpochSeconds(TIME - TIME % 86_400 + 19 * 3600)
    tomorrow = date(2026, 11, 23)

    assert frank(time=late, printed_on=tomorrow).advance_days == 0
    assert frank(printed_on=TODAY + timedelta(days=255)).advance_days == 255
    with pytest.raises(LocalProtocolError, match="advance is -1"):
        frank(time=late)
    with pytest.raises(LocalProtocolError, match="advance is 256"):
        frank(printed_on=TODAY + timedelta(days=256))


def test_widths_hold_what_the_registers_hold() -> None:
    widths = {field.name: field.octets for field in FIELDS}
    for name in ("ascending_paise", "descending_paise"):
        assert 2 ** (8 * widths[name]) > AMOUNT_PAISE_MAX
    for kind, realm in product(FrankKind, Realm):
        assert max(kind, realm) < 2**8
