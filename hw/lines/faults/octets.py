"""Faults of single octets: one class, and what is done to each octet that is befallen.

A parity bit or a stop bit is struck on the line, the data bits come as they were sent;
what the receiving end makes of that is said in `character.py`. Octets are dropped,
heard twice, or put in behind the receiving UART, as by a receiver that is overrun or a
buffer that is read twice. That takes no time of its own: what is heard beside an octet
is heard with it, and one that is dropped has had its time on the line.
"""

from collections.abc import Callable

from hw.lines.faults.passage import PARITY_BIT, STOP_BIT, Passage
from hw.lines.faults.trigger import Places, Trigger
from protocol.ports import Entropy

Deed = Callable[[Passage, int, Entropy], None]
"""What is done to the octet of this number; it may draw."""


class OctetFault:
    """Does one thing to each octet at its places."""

    def __init__(self, trigger: Trigger, entropy: Entropy, deed: Deed) -> None:
        """Do `deed`, at a rate for each octet."""
        self._places = Places(trigger, entropy)
        self._entropy = entropy
        self._deed = deed

    @property
    def times(self) -> int:
        """How many octets were befallen."""
        return self._places.times

    @property
    def next_octet(self) -> float:
        """The next octet that is befallen."""
        return self._places.next_octet

    def befall(self, passage: Passage) -> None:
        """Do it to some of the next octets."""
        for octet in self._places.before(passage.end):
            self._deed(passage, octet, self._entropy)


def strike_parity_bit(passage: Passage, octet: int, _entropy: Entropy) -> None:
    """Invert the parity bit."""
    passage.strike(octet, PARITY_BIT)


def strike_stop_bit(passage: Passage, octet: int, _entropy: Entropy) -> None:
    """Invert the first stop bit."""
    passage.strike(octet, STOP_BIT)


def drop(passage: Passage, octet: int, _entropy: Entropy) -> None:
    """Let nothing be heard of it."""
    passage.replace(octet, b"")


def duplicate(passage: Passage, octet: int, _entropy: Entropy) -> None:
    """Let it be heard twice in a row."""
    passage.replace(octet, 2 * passage.heard_at(octet))


def insert(passage: Passage, octet: int, entropy: Entropy) -> None:
    """Let an octet of any value be heard before it."""
    passage.replace(octet, entropy.octets(1) + passage.heard_at(octet))
