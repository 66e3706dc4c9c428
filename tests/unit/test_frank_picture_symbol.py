"""A symbol is always 40 by 40 modules, and holds any octets exactly."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fm_device.frank import (
    DPI,
    SYMBOL_OCTETS_MAX,
    draw_frank,
    make_symbol,
    render_png,
)
from fm_device.frank.symbol import Modules
from hw.scanner import read_symbols
from protocol.errors import LocalProtocolError
from tests.faces import LETTER

SIDES = range(40)


def column(modules: Modules, at: int) -> list[bool]:
    return [row[at] for row in modules]


@pytest.mark.parametrize("count", [1, 60, 109, 111, SYMBOL_OCTETS_MAX])
def test_a_symbol_has_forty_rows_of_forty_modules(count: int) -> None:
    modules = make_symbol(bytes(range(100, 100 + count)))
    assert [len(row) for row in modules] == [40] * 40


def test_a_symbol_has_its_finder_without_quiet_zone() -> None:
    modules = make_symbol(bytes(111))
    assert all(column(modules, 0))
    assert all(modules[39])
    assert list(modules[0]) == [at % 2 == 0 for at in SIDES]
    assert column(modules, 39) == [at % 2 == 1 for at in SIDES]


@pytest.mark.parametrize("count", [0, SYMBOL_OCTETS_MAX + 1])
def test_a_symbol_of_the_wrong_size_is_refused(count: int) -> None:
    with pytest.raises(LocalProtocolError, match="1 to 112 octets"):
        make_symbol(bytes(count))


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=1, max_size=SYMBOL_OCTETS_MAX))
def test_whatever_octets_go_in_come_out(octets: bytes) -> None:
    picture = render_png(draw_frank(replace(LETTER, indicium=octets)), DPI)
    assert read_symbols(picture) == [octets]


@pytest.mark.parametrize(
    "octets",
    [
        bytes(SYMBOL_OCTETS_MAX),
        b"\xff" * SYMBOL_OCTETS_MAX,
        b"0123456789" * 11,
        b"ABCDEFGH" * 14,
        b"\x1d\x1e\x04\r\n" * 20,
        b"[)>\x1e05\x1d" * 10,
        "\N{DEVANAGARI LETTER KA}".encode() * 30,
        bytes([241, 3]) * 50,
    ],
    ids=["zeros", "ones", "digits", "letters", "controls", "macro", "utf-8", "eci"],
)
def test_octets_that_look_like_something_else_come_out(octets: bytes) -> None:
    picture = render_png(draw_frank(replace(LETTER, indicium=octets)), DPI)
    assert read_symbols(picture) == [octets]
