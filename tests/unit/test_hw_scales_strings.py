"""A scale string names a scale, and a wrong one is told what is wrong with it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.clock import MemoryMonotonicClock
from hw.ports.settings import BAUD_RATES, Parity
from hw.scales.build import build_scale
from hw.scales.port import ScaleFault, Weight
from hw.scales.serial_port import SerialSettings
from hw.scales.strings import (
    ScaleAddress,
    ScaleStringError,
    SerialAddress,
    SimulatedAddress,
    parse_scale,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("simulated:", SimulatedAddress()),
        ("simulated:?grams=18.4", SimulatedAddress(Decimal("18.4"))),
        ("serial:/dev/ttyUSB0", SerialAddress(SerialSettings("/dev/ttyUSB0"))),
        (
            "serial:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1?baud=2400",
            SerialAddress(
                SerialSettings("/dev/serial/by-path/pci-0000:00:14.0-usb-0:1", 2400)
            ),
        ),
        (
            "serial:ttyS0?baud=300&bits=7&parity=even",
            SerialAddress(SerialSettings("ttyS0", 300, 7, Parity.EVEN)),
        ),
    ],
)
def test_a_scale_string_names_a_scale(text: str, address: ScaleAddress) -> None:
    assert parse_scale(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "there is no kind of scale called ''"),
        ("/dev/ttyUSB0", "there is no kind of scale called '/dev/ttyUSB0'"),
        ("simulated", "there is no kind of scale called 'simulated'"),
        ("usb:1", "there is no kind of scale called 'usb'"),
        ("simulated:/dev/ttyUSB0", "a simulated scale has no device"),
        ("simulated:?", "after ? comes a setting"),
        ("simulated:?baud=9600", "it has no 'baud', only grams"),
        ("simulated:?grams=heavy", "grams is a number from 0 to 65535, not 'heavy'"),
        ("simulated:?grams=-1", "grams is a number from 0 to 65535, not '-1'"),
        ("simulated:?grams=nan", "grams is a number from 0 to 65535, not 'nan'"),
        ("simulated:?grams=65536", "grams is a number from 0 to 65535"),
        ("serial:", "it does not say which port"),
        ("serial:?baud=9600", "it does not say which port"),
        ("serial:\0", "no port has such a name"),
        ("serial:ttyS0?baud=9601", "baud is one of 300, 600, 1200"),
        ("serial:ttyS0?baud=9600&baud=300", "baud is set twice"),
        ("serial:ttyS0?bits=9", "bits is 7 or 8, not '9'"),
        (
            "serial:ttyS0?parity=loud",
            "parity is none, even, odd, mark or space, not 'loud'",
        ),
        ("serial:ttyS0?parity", "parity is none, even, odd, mark or space, not ''"),
        ("serial:ttyS0?speed=9600", "it has no 'speed', only baud, bits, parity"),
    ],
)
def test_a_wrong_string_says_what_is_wrong_and_shows_the_right_form(
    text: str, problem: str
) -> None:
    with pytest.raises(ScaleStringError) as caught:
        parse_scale(text)
    message = str(caught.value)
    assert message.startswith(f"{text!r} names no scale: ")
    assert problem in message
    assert "write simulated:, simulated:?grams=18.4 or serial:/dev/ttyUSB0" in message


@given(
    st.from_regex(r"[A-Za-z0-9/:._-]+", fullmatch=True),
    st.sampled_from(BAUD_RATES),
    st.sampled_from([7, 8]),
    st.sampled_from(Parity),
)
def test_what_an_address_shows_can_be_read_again(
    device: str, baud: int, data_bits: int, parity: Parity
) -> None:
    address = SerialAddress(SerialSettings(device, baud, data_bits, parity))
    assert parse_scale(str(address)) == address


@given(st.text() | st.from_regex(r"(simulated|serial):[a-z/]*(\?[a-z=0-9.&]*)?"))
def test_any_text_gives_an_address_or_says_why_not(text: str) -> None:
    try:
        parse_scale(text)
    except ScaleStringError:
        return


def test_the_scale_is_built_from_its_address() -> None:
    clock = MemoryMonotonicClock()
    simulated = build_scale(parse_scale("simulated:?grams=18.4"), clock)
    assert simulated.weigh() == Weight(19, stable=True)
    serial = build_scale(parse_scale("serial:/nowhere/ttyUSB0"), clock)
    assert serial.weigh() is ScaleFault.NO_ANSWER
