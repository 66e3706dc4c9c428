"""Numbering: what was sent and is not acknowledged, what came and is not yet in order.

`SendWindow` keeps I frames from V(A) to V(S) and knows when each was last transmitted,
so that an answer to a poll tells which of them are lost: on a line that keeps the
order, whatever was transmitted before the poll and is not acknowledged by its answer.

`ReceiveWindow` holds V(R) and, with SREJ, the frames beyond a gap. A frame is new when
its number is one of the k from V(R) on, else old: with SREJ that is safe only while the
window is at most half the modulus, because an end that has delivered k frames whose
acknowledgement is lost sees the peer repeat the k numbers before V(R).

Source: ISO/IEC 13239 5.6 and 6.11 (modulus, REJ, SREJ, checkpoint recovery); SPEC.md
LINK-6 and LINK-7.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class SentFrame:
    """An I frame that waits for its acknowledgement.

    Attributes:
        number: N(S).
        information: Segment octet and part of a message.
        due: To be transmitted, for the first time or again.
        transmissions: How often it was.
        order: Place of its last transmission among all that this end transmitted.
        sent_at: When it was last given to the line.
        octets_together: What was given to the line with it, up to its end.
        held: The peer has it, but not yet all before it.
    """

    number: int
    information: bytes
    due: bool = True
    transmissions: int = 0
    order: int = 0
    sent_at: float = 0.0
    octets_together: int = 0
    held: bool = False


class SendWindow:
    """I frames from V(A) to V(S)."""

    def __init__(self, modulus: int, size: int) -> None:
        """Begin at 0, as SABM demands.

        Args:
            modulus: 8 or 128.
            size: k.
        """
        self.next_number = 0
        self._modulus = modulus
        self._size = size
        self.frames: deque[SentFrame] = deque()
        """From V(A) on; to be looked at, not to be changed."""

    @property
    def is_open(self) -> bool:
        """Whether another frame may be added."""
        return len(self.frames) < self._size

    @property
    def oldest(self) -> SentFrame | None:
        """The frame at V(A), if any waits."""
        return self.frames[0] if self.frames else None

    @property
    def newest(self) -> SentFrame | None:
        """The frame before V(S), if any waits."""
        return self.frames[-1] if self.frames else None

    def add(self, information: bytes) -> SentFrame:
        """Give the next number to a frame, which is to be transmitted now."""
        sent = SentFrame(self.next_number, information)
        self.frames.append(sent)
        self.next_number = (self.next_number + 1) % self._modulus
        return sent

    def allows(self, receive_number: int) -> bool:
        """Whether N(R) lies between V(A) and V(S)."""
        return self._distance_to_next(receive_number) <= len(self.frames)

    def acknowledge(self, receive_number: int) -> list[SentFrame]:
        """Let go of what the peer has up to N(R) - 1: none if N(R) is not possible.

        Returns:
            The frames, oldest first.
        """
        count = len(self.frames) - self._distance_to_next(receive_number)
        frames = [self.frames.popleft() for _ in range(count)]
        if self.frames:
            # What the peer waits for it does not hold, whatever was said before.
            self.frames[0].held = False
        return frames

    def find(self, number: int) -> SentFrame | None:
        """Give the frame with this N(S), if it waits."""
        return next((f for f in self.frames if f.number == number), None)

    def repeat_one(self, number: int, *, before: int | None) -> SentFrame | None:
        """Make one frame due again.

        Args:
            number: Its N(S).
            before: Only if its last transmission came before this place in the order.
        """
        for frame in self.frames:
            if frame.number == number and _was_sent_before(frame, before):
                frame.due = True
                return frame
        return None

    def repeat_all(self, *, before: int | None) -> list[SentFrame]:
        """Make all frames due again that were sent before a place in the order."""
        repeated = [frame for frame in self.frames if _was_sent_before(frame, before)]
        for frame in repeated:
            frame.due = True
        return repeated

    def hold(self, numbers: frozenset[int]) -> list[SentFrame]:
        """Note what the peer holds, which is not repeated, and what it does not.

        Returns:
            The frames that it was not known to hold.
        """
        new = [f for f in self.frames if f.number in numbers and not f.held]
        for frame in self.frames:
            frame.held = frame.number in numbers
            frame.due = frame.due and not frame.held
        return new

    def _distance_to_next(self, number: int) -> int:
        return (self.next_number - number) % self._modulus


def _was_sent_before(frame: SentFrame, before: int | None) -> bool:
    if frame.due or frame.held:
        return False
    return before is None or frame.order < before


class Arrival(NamedTuple):
    """What an I frame brought.

    Attributes:
        in_order: Information fields that are now in order, oldest first.
        ask_for: Numbers that are now known to be missing and were not asked for yet;
            without SREJ, V(R) when everything from there is to be repeated.
    """

    in_order: list[bytes]
    ask_for: list[int]


class ReceiveWindow:
    """V(R), and with SREJ the frames beyond a gap."""

    def __init__(self, modulus: int, size: int, *, srej: bool) -> None:
        """Begin at 0, as SABM demands.

        Args:
            modulus: 8 or 128.
            size: k of the peer; no number further from V(R) is taken.
            srej: Whether frames beyond a gap are kept.
        """
        self.next_number = 0
        self._modulus = modulus
        self._size = size if srej else 1
        self._srej = srej
        self._held: dict[int, bytes] = {}
        self._asked: set[int] = set()

    @property
    def has_gap(self) -> bool:
        """Whether something is held that waits for an earlier frame."""
        return bool(self._held)

    def accept(self, number: int, information: bytes) -> Arrival:
        """Take an I frame that came; one that is old or already held brings nothing."""
        if number == self.next_number:
            return Arrival(self._advance(information), [])
        if not self._srej:
            return self._ask_from_here(number)
        if self._distance(number) < self._size and number not in self._held:
            self._held[number] = information
            self._asked.discard(number)
            ask_for = [n for n in self.missing() if n not in self._asked]
            self._asked.update(ask_for)
            return Arrival([], ask_for)
        return Arrival([], [])

    @property
    def held(self) -> frozenset[int]:
        """Numbers that are held."""
        return frozenset(self._held)

    def missing(self) -> list[int]:
        """Numbers between V(R) and the furthest frame held that did not come."""
        furthest = max(map(self._distance, self._held), default=0)
        numbers = [(self.next_number + n) % self._modulus for n in range(furthest)]
        return [number for number in numbers if number not in self._held]

    def _advance(self, information: bytes) -> list[bytes]:
        in_order = [information]
        self._asked.discard(self.next_number)
        self.next_number = (self.next_number + 1) % self._modulus
        while self.next_number in self._held:
            in_order.append(self._held.pop(self.next_number))
            self.next_number = (self.next_number + 1) % self._modulus
        return in_order

    def _ask_from_here(self, number: int) -> Arrival:
        # One REJ for each gap: asking again for every frame behind it would repeat the
        # whole window as often. A frame from before V(R) is a repetition, not a gap.
        is_old = self._distance(number) > self._modulus // 2
        if is_old or self.next_number in self._asked:
            return Arrival([], [])
        self._asked = {self.next_number}
        return Arrival([], [self.next_number])

    def _distance(self, number: int) -> int:
        return (number - self.next_number) % self._modulus
