"""Marks of a terminal are told from octets, wherever they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.ports.marks import Marks
from hw.ports.port import PortFault
from hw.ports.settings import Parity


def read(*parts: bytes, parity: Parity = Parity.EVEN) -> list[bytes | PortFault]:
    marks = Marks(parity)
    return [what for part in parts for what in marks.read(part)]


def joined(read_parts: list[bytes | PortFault]) -> list[bytes | PortFault]:
    """Join octets that follow each other."""
    whole: list[bytes | PortFault] = []
    for part in read_parts:
        if whole and isinstance(part, bytes) and isinstance(whole[-1], bytes):
            whole[-1] += part
        else:
            whole.append(part)
    return whole


@pytest.mark.parametrize(
    ("marked", "parts"),
    [
        (b"", []),
        (b"\x00\x7e\x11", [b"\x00\x7e\x11"]),
        (b"\xff\xff", [b"\xff"]),
        (b"a\xff\xffb", [b"a\xffb"]),
        (b"\xff\xff\x00", [b"\xff\x00"]),
        (b"\xff\x00\x00", [PortFault.BREAK]),
        (b"a\xff\x00\x00b", [b"a", PortFault.BREAK, b"b"]),
        (b"\xff\x00x\xff\x00y", [PortFault.PARITY, PortFault.PARITY]),
        (b"\xff\x00\xff\xff\xff", [PortFault.PARITY, b"\xff"]),
        (b"\xff\xff\xff\x00\x00", [b"\xff", PortFault.BREAK]),
    ],
)
def test_octets_faults_and_breaks_are_told_apart(
    marked: bytes, parts: list[bytes | PortFault]
) -> None:
    assert read(marked) == parts
    assert joined(read(*(bytes([octet]) for octet in marked))) == parts


def test_without_a_parity_the_stop_bit_was_wrong() -> None:
    assert read(b"\xff\x00x", parity=Parity.NONE) == [PortFault.FRAMING]
    assert read(b"\xff\x00\x00", parity=Parity.NONE) == [PortFault.BREAK]


@given(
    st.lists(st.binary(min_size=1) | st.sampled_from([PortFault.BREAK])),
    st.lists(st.integers(0, 200)),
)
def test_what_a_terminal_marks_is_read_as_it_was_however_it_is_cut(
    sent: list[bytes | PortFault], cuts: list[int]
) -> None:
    marked = b"".join(
        part.replace(b"\xff", b"\xff\xff")
        if isinstance(part, bytes)
        else b"\xff\x00\x00"
        for part in sent
    )
    places = sorted({0, len(marked), *(cut for cut in cuts if cut < len(marked))})
    parts = read(*(marked[start:end] for start, end in pairwise(places)))
    assert joined(parts) == joined(sent)
