"""What two tapped ports hand over in any order is told as it passed on the line."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from hw.capture import CaptureDirection, LineEvent, NoFrame
from hw.seen.in_order import HOLD_S, InOrder
from protocol.link import Role
from protocol.link.frames import Frame, FrameKind, encode_frame
from protocol.link.parameters import MODULO_8
from tests.seen import DOWN, UP, SeenSink

Passed = tuple[CaptureDirection, bytes]


def up(
    kind: FrameKind, *, command: bool = True, pf: bool = False, nr: int = 0
) -> Passed:
    return UP, encode_frame(frame(kind, command, pf, nr), Role.MACHINE, MODULO_8)


def down(
    kind: FrameKind, *, command: bool = True, pf: bool = False, nr: int = 0
) -> Passed:
    return DOWN, encode_frame(frame(kind, command, pf, nr), Role.SERVER, MODULO_8)


def frame(kind: FrameKind, command: bool, pf: bool, nr: int) -> Frame:
    information = b"\x01a" if kind is FrameKind.INFORMATION else b""
    number = nr if kind in {FrameKind.INFORMATION, FrameKind.RR} else 0
    return Frame(
        kind,
        command=command,
        poll_final=pf,
        send_number=0,
        receive_number=number,
        information=information,
    )


SABM = up(FrameKind.SABM, pf=True)
UA = down(FrameKind.UA, command=False, pf=True)
ASKED = up(FrameKind.INFORMATION)
ANSWERED = down(FrameKind.INFORMATION, nr=1)
POLL = up(FrameKind.RR, pf=True, nr=1)
FINAL = down(FrameKind.RR, command=False, pf=True, nr=1)
DISC = up(FrameKind.DISC, pf=True)
CALL = [SABM, UA, ASKED, ANSWERED, POLL, FINAL, DISC, UA]


class Ports:
    """Two ports that hand over frames, and what is told of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.sink = SeenSink()
        self.order = InOrder(self.sink, self.clock)

    def hear(self, frames: Iterable[Passed]) -> None:
        for way, octets in frames:
            self.order.write_frame(way, octets)

    @property
    def told(self) -> list[Passed]:
        return self.sink.frames


def test_frames_that_come_in_order_are_told_at_once() -> None:
    ports = Ports()
    for count, passed in enumerate(CALL, start=1):
        ports.hear([passed])
        assert ports.told == CALL[:count]
    assert ports.clock.getDelayedCalls() == []


@pytest.mark.parametrize("first", list(CaptureDirection))
def test_one_port_may_be_read_to_its_end_before_the_other(
    first: CaptureDirection,
) -> None:
    """Only of frames that do not wait for each other may any come first."""
    ports = Ports()
    ports.hear(one for one in CALL if one[0] is first)
    ports.hear(one for one in CALL if one[0] is not first)
    ports.order.flush()
    assert ports.told[:5] == CALL[:5]
    assert sorted(ports.told[5:7], key=CALL.index) == [FINAL, DISC]
    assert ports.told[7:] == [UA]


@pytest.mark.parametrize(
    ("cause", "answer"), [(SABM, UA), (ASKED, ANSWERED), (POLL, FINAL), (DISC, UA)]
)
def test_an_answer_waits_for_what_it_answers(cause: Passed, answer: Passed) -> None:
    ports = Ports()
    place = CALL.index(cause)
    ports.hear(CALL[:place])
    ports.hear([answer])
    assert ports.told == CALL[:place]
    ports.clock.advance(HOLD_S / 2)
    ports.hear([cause])
    assert ports.told == [*CALL[:place], cause, answer]
    assert ports.clock.getDelayedCalls() == []


def test_what_never_comes_is_not_waited_for_long_nor_twice() -> None:
    ports = Ports()
    ports.hear([SABM, UA, ANSWERED])
    assert ports.told == [SABM, UA]
    ports.clock.advance(HOLD_S)
    assert ports.told == [SABM, UA, ANSWERED]
    ports.hear([down(FrameKind.RR, command=False, nr=1)])
    assert len(ports.told) == 4


def test_a_line_that_is_tapped_in_the_midst_of_a_link_is_told_at_once() -> None:
    ports = Ports()
    middle = [down(FrameKind.RR, command=False, nr=5), POLL, FINAL]
    ports.hear(middle)
    assert ports.told == middle


def test_damage_and_events_keep_their_place_in_their_direction() -> None:
    ports = Ports()
    ports.hear([UA])
    ports.order.write_no_frame(DOWN, NoFrame.BAD_FCS, b"\x01")
    ports.order.write_event(LineEvent.BREAK, direction=DOWN)
    assert (ports.told, ports.sink.others, ports.sink.events) == ([], [], [])
    ports.order.write_no_frame(UP, NoFrame.BAD_FCS, b"\x02")
    assert ports.sink.others == [(UP, NoFrame.BAD_FCS, b"\x02")]
    ports.order.write_event(LineEvent.LOST, "the whole line")
    assert ports.told == [UA]
    assert ports.sink.others[1:] == [(DOWN, NoFrame.BAD_FCS, b"\x01")]
    assert ports.sink.events == [LineEvent.BREAK, LineEvent.LOST]


@given(st.lists(st.tuples(st.sampled_from(CALL), st.sampled_from([0.0, 0.1, 0.3]))))
def test_nothing_is_lost_and_each_direction_keeps_its_order(
    heard: list[tuple[Passed, float]],
) -> None:
    ports = Ports()
    for passed, later_s in heard:
        ports.hear([passed])
        ports.clock.advance(later_s)
    ports.clock.advance(HOLD_S)
    for way in CaptureDirection:
        mine = [one for one, _ in heard if one[0] is way]
        assert [one for one in ports.told if one[0] is way] == mine
    assert ports.clock.getDelayedCalls() == []
