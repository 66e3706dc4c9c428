"""Octets that go out one by one: in order, so far apart, and none behind a hang-up."""

from twisted.internet.task import Clock

from hw.lab.dripping import DrippingLine


class Wire:
    """A line that notes what it was given, and when."""

    name = "a wire"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.sent: list[tuple[float, bytes]] = []
        self.is_up = True

    def send(self, octets: bytes) -> None:
        self.sent.append((round(self.clock.seconds(), 3), octets))

    def drop(self) -> None:
        self.is_up = False


def line() -> tuple[Clock, Wire, DrippingLine]:
    clock = Clock()
    wire = Wire(clock)
    return clock, wire, DrippingLine(wire, clock)


def test_without_pauses_octets_go_as_they_come() -> None:
    _, wire, dripping = line()
    dripping.send(b"abc")
    assert wire.sent == [(0.0, b"abc")]
    assert dripping.name == "a wire"


def test_with_pauses_they_go_one_by_one_in_order() -> None:
    clock, wire, dripping = line()
    dripping.pause_s = 0.5
    dripping.send(b"ab")
    dripping.send(b"c")
    clock.pump([0.5] * 4)
    assert wire.sent == [(0.0, b"a"), (0.5, b"b"), (1.0, b"c")]


def test_when_pauses_end_the_rest_goes_at_once_and_in_order() -> None:
    clock, wire, dripping = line()
    dripping.pause_s = 0.5
    dripping.send(b"abc")
    dripping.pause_s = 0.0
    dripping.send(b"d")
    clock.advance(0.5)
    assert [octets for _, octets in wire.sent] == [b"a", b"bcd"]


def test_nothing_goes_behind_a_hang_up_or_a_loss() -> None:
    clock, wire, dripping = line()
    dripping.pause_s = 0.5
    dripping.send(b"abc")
    dripping.drop()
    clock.pump([0.5] * 3)
    assert wire.sent == [(0.0, b"a")]
    assert not wire.is_up
    dripping.lost()
