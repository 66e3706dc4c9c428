"""Octets of MT-SICS: each answer has one meaning, and garbage has one too."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.scales.mt_sics import (
    LINE_OCTETS_MAX,
    Lines,
    decode_reading,
    decode_serial_number,
    decode_zeroing,
    encode_weight,
)
from hw.scales.port import Reading, ScaleFault, Weight, reading_of
from hw.scales.responder import ScaleResponder
from hw.scales.simulated import SimulatedScale
from protocol.errors import LocalProtocolError


@pytest.mark.parametrize(
    ("line", "reading"),
    [
        (b"S S      18.40 g", Weight(19, stable=True)),
        (b"S D      18.40 g", Weight(19, stable=False)),
        (b"S S     100.00 g", Weight(100, stable=True)),
        (b"S S          0 g", Weight(0, stable=True)),
        (b"S S      -0.00 g", Weight(0, stable=True)),
        (b"S S   0.018401 kg", Weight(19, stable=True)),
        (b"S S    20000.0 mg", Weight(20, stable=True)),
        (b"S S   65535.00 g", Weight(65_535, stable=True)),
        (b"S S   65535.01 g", ScaleFault.OVERLOAD),
        (b"S S  999999999 kg", ScaleFault.OVERLOAD),
        (b"S S      -0.01 g", ScaleFault.NOT_ZERO),
        (b"S D     -18.40 g", ScaleFault.UNSTABLE),
        (b"S I", ScaleFault.UNSTABLE),
        (b"S +", ScaleFault.OVERLOAD),
        (b"S -", ScaleFault.UNDERLOAD),
        (b"S S Error 10b", ScaleFault.DEFECTIVE),
        (b"S S       0.65 oz", ScaleFault.WRONG_UNIT),
        (b"S S       1.18 PCS", ScaleFault.WRONG_UNIT),
        (b"ES", ScaleFault.REFUSED),
        (b"EL", ScaleFault.REFUSED),
        (b"ET", ScaleFault.GARBLED),
        (b"", ScaleFault.GARBLED),
        (b"S", ScaleFault.GARBLED),
        (b"SI", ScaleFault.GARBLED),
        (b"S S", ScaleFault.GARBLED),
        (b"S S 18.40", ScaleFault.GARBLED),
        (b"S S 18.40g", ScaleFault.GARBLED),
        (b"S S 18,40 g", ScaleFault.GARBLED),
        (b"S S - 18.40 g", ScaleFault.GARBLED),
        (b"S S 1.8.4 g", ScaleFault.GARBLED),
        (b"S S .4 g", ScaleFault.GARBLED),
        (b"S S 18. g", ScaleFault.GARBLED),
        (b"S S 1e3 g", ScaleFault.GARBLED),
        (b"S S 18.40 g ", ScaleFault.GARBLED),
        (b"S S 12345678901 g", ScaleFault.GARBLED),
        ("S S ١٨ g".encode(), ScaleFault.GARBLED),
        (b"S S 18.40 g\rS S 19.40 g", ScaleFault.GARBLED),
        (b'I4 A "B021002593"', ScaleFault.GARBLED),
        (b"Z A", ScaleFault.GARBLED),
    ],
)
def test_an_answer_is_a_weight_or_says_why_there_is_none(
    line: bytes, reading: Reading
) -> None:
    assert decode_reading(line) == reading


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"Z A", None),
        (b"Z I", ScaleFault.UNSTABLE),
        (b"Z +", ScaleFault.NOT_ZERO),
        (b"Z -", ScaleFault.NOT_ZERO),
        (b"ES", ScaleFault.REFUSED),
        (b"EL", ScaleFault.REFUSED),
        (b"ET", ScaleFault.GARBLED),
        (b"S S      18.40 g", ScaleFault.GARBLED),
    ],
)
def test_an_answer_says_whether_the_scale_is_zeroed(
    line: bytes, fault: ScaleFault | None
) -> None:
    assert decode_zeroing(line) is fault


@pytest.mark.parametrize(
    ("line", "serial_number"),
    [
        (b'I4 A "B021002593"', "B021002593"),
        (b'I4 A "B0 21/2"', "B0 21/2"),
        (b'I4 A ""', None),
        (b'I4 A "B02"1"', None),
        (b'I4 A "B02', None),
        (b'I4 A "B0\x0721"', None),
        (b'I4 A "' + b"9" * 41 + b'"', None),
        (b"I4 I", None),
    ],
)
def test_a_serial_number_stands_between_quotes(
    line: bytes, serial_number: str | None
) -> None:
    assert decode_serial_number(line) == serial_number


@given(st.binary(max_size=80) | st.from_regex(rb"S [SD] +-?[0-9.]{0,11} [a-z]{1,3}"))
def test_any_octets_are_a_reading(line: bytes) -> None:
    assert isinstance(decode_reading(line), Weight | ScaleFault)
    assert decode_zeroing(line) in {None, *ScaleFault}
    assert isinstance(decode_serial_number(line), str | None)


@given(
    st.decimals(min_value="-999999", max_value="999999", places=2),
    st.booleans(),
)
def test_a_weight_that_is_written_is_read(
    grams: Decimal,
    stable: bool,
) -> None:
    line = encode_weight(grams, stable=stable)
    assert len(line) == len(b"S S     100.00 g")
    assert decode_reading(line) == reading_of(grams, stable=stable)


def test_a_weight_of_more_than_ten_characters_is_a_bug() -> None:
    with pytest.raises(LocalProtocolError, match="does not fit into 10 characters"):
        encode_weight(Decimal("12345678.90"), stable=True)


@given(st.binary(max_size=300), st.data())
def test_how_lines_are_cut_on_their_way_changes_nothing(
    octets: bytes, data: st.DataObject
) -> None:
    def cut(parts: list[bytes]) -> list[bytes]:
        lines = Lines()
        for part in parts:
            lines.take(part)
        found = []
        while (line := lines.next_line()) is not None:
            found.append(line)
        return found

    at = data.draw(st.integers(0, len(octets)))
    found = cut([octets])
    assert cut([octets[:at], octets[at:]]) == found
    assert len(found) == octets.count(b"\n")
    assert all(len(line) <= LINE_OCTETS_MAX + 1 for line in found)


def test_a_line_without_end_is_not_kept() -> None:
    lines = Lines()
    for _ in range(100):
        lines.take(b"x" * 1000)
    assert lines.is_inside_one
    assert lines.next_line() is None
    lines.take(b"\r\nS +\r\nS")
    assert lines.next_line() == b"x" * (LINE_OCTETS_MAX + 1)
    assert lines.next_line() == b"S +"
    assert lines.next_line() is None
    assert lines.is_inside_one


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"S\r\n", b"S S      18.40 g\r\n"),
        (b"SI\r\n", b"S S      18.40 g\r\n"),
        (b"SI\n", b"S S      18.40 g\r\n"),
        (b"@\r\n", b'I4 A "B021002593"\r\n'),
        (b"I4\r\n", b'I4 A "B021002593"\r\n'),
        (b"Z\r\nSI\r\n", b"Z A\r\nS S       0.00 g\r\n"),
        (b"s\r\n", b"ES\r\n"),
        (b"S \r\n", b"ES\r\n"),
        (b"\r\n", b"ES\r\n"),
        (b"TA 5.00 g\r\n", b"ES\r\n"),
        (b"x" * 1000 + b"\r\n", b"ES\r\n"),
        (b"S\xd3\r\n", b"ET\r\n"),
        (b"S", b""),
    ],
)
def test_a_simulated_scale_answers_as_the_manual_says(
    sent: bytes, answer: bytes
) -> None:
    scale = SimulatedScale()
    scale.put(Decimal("18.40"))
    assert ScaleResponder(scale, "B021002593").receive(sent) == answer


def test_a_simulated_scale_takes_commands_in_pieces() -> None:
    responder = ScaleResponder(SimulatedScale())
    answers = [responder.receive(b"%c" % octet) for octet in b"SI\r\n"]
    assert answers == [b"", b"", b"", b"S S       0.00 g\r\n"]


@given(st.lists(st.binary(max_size=100), max_size=10))
def test_a_simulated_scale_answers_every_line_of_anything(pieces: list[bytes]) -> None:
    responder = ScaleResponder(SimulatedScale())
    answers = b"".join(responder.receive(piece) for piece in pieces)
    assert answers.count(b"\r\n") == b"".join(pieces).count(b"\n")


@pytest.mark.parametrize("grams", [0, 100_001, -5])
def test_there_is_no_simulated_scale_for_nothing(grams: int) -> None:
    with pytest.raises(LocalProtocolError, match="up to 1 to 100000 g"):
        SimulatedScale(capacity_grams=grams)


@pytest.mark.parametrize("grams", ["NaN", "Infinity"])
def test_nothing_weighs_infinitely_much(grams: str) -> None:
    with pytest.raises(LocalProtocolError, match="nothing weighs"):
        SimulatedScale().put(Decimal(grams))
