"""Frames and octets below packets: link attacks, noise, and what must be ignored."""

from hypothesis import strategies as st

from hw.lab.fuzz.messages import Texts
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.framing import (
    ESCAPE,
    FLAG,
    Deframer,
    FramingCounters,
    Stuffing,
    flagged,
)
from protocol.link.parameters import FRAME_OCTETS_LIMIT

_FRAMES_MAX = 6
_NOISE_MAX = 400
_OCTETS_MAX = 40
_FLOOD = (2, 10, 100)
_XID = (
    "n1=16",
    "n1=8191",
    "k=0",
    "k=255",
    "n2=0",
    "t1=0",
    "t2=65535",
    "accm=ffffffff",
)
_XID_MORE = ("modulus=128", "srej=0", "reports=1", "extra=ff", "extra=8000ff")
_COMMANDS = ("SABM", "SABME", "DISC")
_RESPONSES = ("UA", "DM", "FRMR")
_BENT = (
    "fcs=wrong",
    "fcs=swapped",
    "fcs=none",
    "address=ff",
    "stray=7d7d",
    "escape=all",
)


def frame_events(role: Role) -> dict[str, st.SearchStrategy[Texts]]:
    """Give what can be done by frames to a unit, by the names of events."""
    digit = st.integers(0, 7)
    bit = st.sampled_from(("", " f=0", " f=1", " p=0", " p=1"))
    count = st.sampled_from(("", *(f" count={times}" for times in _FLOOD)))
    events: dict[str, st.SearchStrategy[Texts]] = {}
    for kind in ("RR", "RNR", "REJ", "SREJ"):
        number = st.one_of(st.just(""), digit.map(lambda one: f" nr={one}"))
        events[f"frame {kind}"] = _frames(kind, bit, number, count)
    for kind in _COMMANDS:
        final = st.sampled_from((" p=1", " p=0"))
        events[f"frame {kind}"] = _frames(kind, final, count)
    for kind in _RESPONSES:
        final = st.sampled_from((" f=0", " f=1"))
        information = st.sampled_from(("", " info=00", " info=110001"))
        events[f"frame {kind}"] = _frames(kind, final, information, count)
    events["frame I"] = _frames("I", _numbers(digit), _information(), bit)
    offer = st.lists(st.sampled_from(_XID + _XID_MORE), unique_by=_name, max_size=4)
    events["frame XID"] = _frames("XID", bit, offer.map(_joined))
    control = st.integers(0, 255).map(lambda octet: f" control={octet:02x} p=1")
    events["frame RAW bent"] = _frames("RAW", control)
    events["frame I bent"] = _frames("I", st.sampled_from(_BENT).map(_spaced))
    events["frame say"] = st.integers(1, 4_200).map(lambda size: (f"frame say {size}",))
    events["octets"] = _octets().map(lambda octets: (f"octets {octets.hex()}",))
    events["octets noise"] = _noise("")
    events["ignorable octets noise"] = _noise("! ")
    events["ignorable octets"] = _ignorable(role).map(
        lambda octets: (f"! octets {octets.hex()}",)
    )
    return events


def _spaced(text: str) -> str:
    return f" {text}"


def _name(text: str) -> str:
    return text.partition("=")[0]


def _joined(texts: list[str]) -> str:
    return "".join(map(_spaced, texts))


def _frames(kind: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[Texts]:
    """Draw some frames of a kind, one behind the other."""
    one = st.tuples(*parts).map(lambda drawn: f"frame send {kind}{''.join(drawn)}")
    return st.lists(one, min_size=1, max_size=_FRAMES_MAX).map(tuple)


def _numbers(digit: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    both = st.tuples(digit, digit)
    return st.just("") | both.map(lambda drawn: f" ns={drawn[0]} nr={drawn[1]}")


def _information() -> st.SearchStrategy[str]:
    octets = st.binary(min_size=1, max_size=_OCTETS_MAX)
    segment = st.sampled_from(("03", "01", "02", "00", "07", "ff"))
    drawn = st.tuples(segment, octets).map(lambda one: f" info={one[0]}{one[1].hex()}")
    return drawn | st.sampled_from((" info=03", " fill=0", " info=03 fill=300"))


def _octets() -> st.SearchStrategy[bytes]:
    flags = st.sampled_from((b"\x7e", b"\x7d\x7e", b"\x7d\x7d", b"\x7e\x7e", b"\x00"))
    parts = st.lists(flags | st.binary(min_size=1, max_size=12), min_size=1, max_size=4)
    return parts.map(b"".join)


def _noise(before: str) -> st.SearchStrategy[Texts]:
    return st.integers(1, _NOISE_MAX).map(lambda n: (f"{before}octets noise={n}",))


def _ignorable(role: Role) -> st.SearchStrategy[bytes]:
    """Draw octets that hold nothing for the unit (LINK-1.3, 4.3, 12.3)."""
    peer = Role.SERVER if role is Role.MACHINE else Role.MACHINE
    answer = Frame(FrameKind.UA, command=False, poll_final=False)
    # What a receiver sends itself comes back with its own address.
    echo = Frame(FrameKind.SABM, command=True, poll_final=True)
    hung_up = Frame(FrameKind.DISC, command=True)
    known = [_framed(answer, peer), _framed(echo, role), _framed(hung_up, role)]
    for kind, command in ((FrameKind.DISC, True), (FrameKind.DM, False)):
        # These would end the link, if they were not damaged or aborted.
        whole = _framed(Frame(kind, command=command), peer)
        known.append(whole[:-2] + bytes([whole[-2] ^ 1]) + FLAG)
        known.append(whole[:-1] + ESCAPE + FLAG)
    return st.sampled_from(known) | _octets().filter(_holds_nothing)


def _framed(frame: Frame, sender: Role) -> bytes:
    return flagged([Stuffing().encode(encode_frame(frame, sender, 8))])


def _holds_nothing(octets: bytes) -> bool:
    """Whether no good frame is in octets, whatever flags stand around them."""
    deframer = Deframer(2 * FRAME_OCTETS_LIMIT, FramingCounters())
    return not list(deframer.frames(b"\x7e" + octets + b"\x7e"))
