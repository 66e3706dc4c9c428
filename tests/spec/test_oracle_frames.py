"""Two readers judge one frame alike: the product's, and one from the text alone.

Every control octet, with every address that counts and one that does not, with and
without what may stand behind it, at either modulus and from either end (LINK-4, 6, 14).
"""

from typing import Final

import pytest

from protocol.link import Role
from protocol.link.frames import Fault, ForeignFrame, MalformedFrame, decode_frame
from protocol.link.frames import FrameKind as ProductKind
from tests.oracle.link import Amiss, LinkReader
from tests.oracle.octets import Way
from tests.witness.spec_link import Kind, Settings

ADDRESSES: Final = (0x01, 0x03, 0x05)
BEHIND: Final = (b"", b"\x00", b"\x01", b"\x81", b"\x00\x00", b"\x01\x03x", bytes(12))
RECEIVERS: Final = {Way.MACHINE: Role.SERVER, Way.SERVER: Role.MACHINE}
FAULTS: Final = {
    Fault.CONTROL_UNKNOWN: Amiss.CONTROL,
    Fault.INFORMATION_NOT_ALLOWED: Amiss.INFORMATION,
}
Judged = Amiss | tuple[str, int, int, bool, bool]


def judged_by_product(octets: bytes, way: Way, modulus: int) -> Judged:
    frame = decode_frame(octets, RECEIVERS[way], modulus)
    if isinstance(frame, ForeignFrame):
        return Amiss.FOREIGN
    if isinstance(frame, MalformedFrame):
        return FAULTS[frame.fault]
    name = "I" if frame.kind is ProductKind.INFORMATION else frame.kind.name
    numbers = frame.send_number, frame.receive_number
    return (name, *numbers, bool(frame.poll_final), frame.command)


def judged_by_witness(octets: bytes, way: Way, modulus: int) -> Judged:
    reader = LinkReader()
    reader.in_force = Settings(modulus=modulus, reports=modulus == 128)
    carried = reader.take(way, octets, 0.0)
    if carried.amiss in {Amiss.FOREIGN, Amiss.CONTROL, Amiss.INFORMATION}:
        return carried.amiss
    frame = carried.frame
    assert frame is not None
    return frame.kind.name, frame.ns, frame.nr, frame.pf, carried.command


def is_report(octets: bytes, modulus: int) -> bool:
    """The product looks at a report's form where it takes it, not in its frame."""
    return modulus == 128 and octets[1] == Kind.SREJ.value and len(octets) > 3


@pytest.mark.parametrize("modulus", [8, 128])
@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("address", ADDRESSES)
def test_every_frame_is_judged_alike(address: int, way: Way, modulus: int) -> None:
    frames = [
        bytes([address, control]) + behind
        for control in range(0x100)
        for behind in BEHIND
    ]
    differing = {
        octets.hex(): (ours, theirs)
        for octets in frames
        if not is_report(octets, modulus)
        and (ours := judged_by_witness(octets, way, modulus))
        != (theirs := judged_by_product(octets, way, modulus))
    }
    assert differing == {}
