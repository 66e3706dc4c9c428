"""The history of a world: every observation in its order, and their hash.

The hash tells whether two runs were the same to the last octet. A transcript keeps the
lines as well, for the one run that somebody wants to read.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from rmfs_tools.simulation.observations import (
    Deposited,
    Heard,
    MachineStored,
    Observation,
    Said,
)

_NAMES: Final = {
    0x10: "STATEMENT",
    0x11: "CONFIRMATION",
    0x12: "USAGE",
    0x13: "EVENT_LOG",
    0x14: "GOODBYE",
    0x15: "LAST_VOUCHER",
    0x16: "WANT",
    0x20: "VOUCHER",
    0x21: "REFUSAL",
    0x22: "RECEIPT",
    0x23: "ACK",
    0x24: "ORDER",
    0x25: "CONTENT",
}
"""Types of messages, SPEC.md DLG-2."""


class History:
    """Takes observations and deeds as they happen."""

    def __init__(self, on_line: Callable[[str], None] | None = None) -> None:
        """Begin empty.

        Args:
            on_line: Takes each line of a transcript; None when nobody reads one.
        """
        self._hash = hashlib.sha256()
        self._on_line = on_line

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the hash so far."""
        return self._hash.hexdigest()[:16]

    def see(self, observation: Observation) -> None:
        """Take an observation."""
        if isinstance(observation, (Said, Heard)):
            said, call = type(observation) is Said, observation.call
            head = f"(({said}, {call}, {observation.by_machine}), {observation.at_s!r})"
            self._hash.update(head.encode())
            self._hash.update(observation.octets)
        else:
            self._hash.update(repr(observation).encode())
        if self._on_line is not None:
            self._on_line(show(observation))

    def note(self, at_s: float, text: str) -> None:
        """Take something that was done to the world."""
        self._hash.update(f"{at_s!r} {text}".encode())
        if self._on_line is not None:
            self._on_line(f"{at_s:12.3f}  * {text}")


def show(observation: Observation) -> str:
    """Show an observation in one line."""
    at = f"{observation.at_s:12.3f}"
    if isinstance(observation, (Said, Heard)):
        who = "machine" if observation.by_machine else "server"
        verb = "says" if isinstance(observation, Said) else "hears"
        name = _NAMES.get(observation.octets[0], f"{observation.octets[0]:#04x}")
        place = f"call {observation.call}"
        return f"{at}    {place}: {who} of {observation.licence} {verb} {name}"
    if isinstance(observation, MachineStored):
        one = observation
        held = "reads" if one.powered_on else "stores"
        return (
            f"{at}    machine {one.body} {held} AR {one.ascending_paise} "
            f"DR {one.descending_paise} CT {one.control_total_paise} n {one.number} "
            f"items {one.items} pending {one.pending} {one.state} mark {one.mark.hex()}"
        )
    if isinstance(observation, Deposited):
        one_line = f"{observation.amount_paise} paise for {observation.licence}"
        return f"{at}    deposited: {one_line} ({observation.line})"
    return f"{at}    {observation}"
