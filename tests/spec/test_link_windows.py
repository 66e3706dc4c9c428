"""SPEC.md LINK-6 and LINK-7: numbering, and why k is at most half the modulus."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from protocol.errors import LocalProtocolError
from protocol.link import LinkParameters
from protocol.link.windows import ReceiveWindow, SendWindow

FORWARD_FRAMES_MAX = 2
BACKWARD_FRAMES_MAX = 2


@dataclass(frozen=True)
class World:
    """A sender, a receiver and a line in order, in numbers that never wrap.

    All numbers count from V(A), the oldest that is not acknowledged; `turn` is V(A)
    modulo the modulus.
    """

    turn: int
    sent: int
    received: int
    held: frozenset[int]
    forward: tuple[int, ...]
    backward: tuple[int, ...]


class OldFrameDelivered(Exception):  # noqa: N818
    pass


def accept(world: World, number: int, modulus: int, window: int) -> World:
    """Let the product's receiver take a frame, and see what it makes of it."""
    receiver = ReceiveWindow(modulus, window, srej=True)
    receiver.next_number = (world.turn + world.received) % modulus
    receiver._held = {(world.turn + n) % modulus: str(n).encode() for n in world.held}
    arrival = receiver.accept((world.turn + number) % modulus, str(number).encode())
    came = [int(information) for information in arrival.in_order]
    expected = list(range(world.received, world.received + len(came)))
    held = frozenset(int(information) for information in receiver._held.values())
    if came != expected:
        raise OldFrameDelivered(came, expected)
    if any(n <= world.received for n in held):
        raise OldFrameDelivered(held, world)
    return World(
        world.turn,
        world.sent,
        world.received + len(came),
        held,
        world.forward,
        world.backward,
    )


def acknowledge(world: World, number: int, modulus: int, window: int) -> World:
    """Let the product's sender take an N(R)."""
    sender = SendWindow(modulus, window)
    sender.next_number = world.turn
    for _ in range(world.sent):
        sender.add(b"")
    if not sender.allows((world.turn + number) % modulus):
        raise OldFrameDelivered(number, world)
    count = len(sender.acknowledge((world.turn + number) % modulus))
    if count != max(number, 0):
        raise OldFrameDelivered(number, count, world)
    return World(
        (world.turn + count) % modulus,
        world.sent - count,
        world.received - count,
        frozenset(n - count for n in world.held),
        tuple(n - count for n in world.forward),
        tuple(n - count for n in world.backward[1:]),
    )


def steps(world: World, modulus: int, window: int) -> Iterator[World]:
    turn, sent, received, held, forward, backward = (
        world.turn,
        world.sent,
        world.received,
        world.held,
        world.forward,
        world.backward,
    )
    if len(forward) < FORWARD_FRAMES_MAX:
        for number in range(sent):  # any frame may be sent again at any time
            yield World(turn, sent, received, held, (*forward, number), backward)
        if sent < window:
            yield World(turn, sent + 1, received, held, (*forward, sent), backward)
    if len(backward) < BACKWARD_FRAMES_MAX:
        yield World(turn, sent, received, held, forward, (*backward, received))
    if forward:
        yield World(turn, sent, received, held, forward[1:], backward)  # lost
        taken = accept(world, forward[0], modulus, window)
        yield taken  # arrived, and arrives again
        yield World(turn, sent, taken.received, taken.held, forward[1:], backward)
    if backward:
        yield World(turn, sent, received, held, forward, backward[1:])
        yield acknowledge(world, backward[0], modulus, window)


def explore(modulus: int, window: int) -> int:
    start = World(0, 0, 0, frozenset(), (), ())
    seen = {start}
    waiting = deque(seen)
    while waiting:
        for world in steps(waiting.popleft(), modulus, window):
            if world not in seen:
                seen.add(world)
                waiting.append(world)
    return len(seen)


def test_with_a_window_of_half_the_modulus_no_old_frame_is_taken_for_a_new_one() -> (
    None
):
    assert explore(4, 2) == 996
    assert explore(8, 4) > 10_000


def test_the_same_search_finds_the_fault_of_a_larger_window() -> None:
    with pytest.raises(OldFrameDelivered):
        explore(8, 5)
    with pytest.raises(OldFrameDelivered):
        explore(4, 3)


@pytest.mark.parametrize(
    ("modulus", "window", "srej"), [(8, 5, True), (128, 65, True), (8, 8, False)]
)
def test_parameters_with_too_large_a_window_are_refused(
    modulus: int, window: int, srej: bool
) -> None:
    with pytest.raises(LocalProtocolError, match="window"):
        LinkParameters(modulus=modulus, window=window, srej=srej)


def test_a_gap_is_asked_for_once_and_filled_in_order() -> None:
    window = ReceiveWindow(8, 4, srej=True)
    assert window.accept(0, b"a").in_order == [b"a"]
    assert window.accept(2, b"c").ask_for == [1]
    assert window.accept(3, b"d").ask_for == []
    assert window.missing() == [1]
    assert window.accept(1, b"b").in_order == [b"b", b"c", b"d"]
    assert window.next_number == 4


def test_without_srej_everything_from_the_gap_on_is_asked_for_once() -> None:
    window = ReceiveWindow(8, 7, srej=False)
    assert window.accept(0, b"a").in_order == [b"a"]
    assert window.accept(2, b"c").ask_for == [1]
    assert window.accept(3, b"d").ask_for == []
    assert window.accept(1, b"b").in_order == [b"b"]
    assert window.accept(3, b"d").ask_for == [2]


def test_a_number_that_was_never_sent_is_not_acknowledged() -> None:
    window = SendWindow(8, 4)
    window.add(b"a")
    window.add(b"b")
    assert window.allows(0)
    assert window.allows(2)
    assert not window.allows(3)
    assert window.acknowledge(3) == []
    assert len(window.frames) == 2


def test_a_poll_judges_only_what_was_sent_before_it() -> None:
    window = SendWindow(8, 4)
    for order in range(3):
        window.add(b"")
        frame = window.newest
        assert frame is not None
        frame.due, frame.order = False, order
    assert [frame.number for frame in window.repeat_all(before=2)] == [0, 1]
    assert window.repeat_one(2, before=2) is None
