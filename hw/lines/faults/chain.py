"""All that befalls the octets of one direction, in its order.

Noise, struck parity and stop bits, and a BREAK come upon the line; the receiving UART
makes octets of what came; drops, duplicates and insertions happen behind it. Octets
that no fault is about to befall pass with one comparison, however many faults there
are.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

from hw.lines.faults.breaks import Breaks
from hw.lines.faults.character import BadOctets, CharacterForm, Receiver
from hw.lines.faults.noise import BitErrors, Bursts
from hw.lines.faults.octets import (
    OctetFault,
    drop,
    duplicate,
    insert,
    strike_parity_bit,
    strike_stop_bit,
)
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.passage import Fault, Passage
from hw.lines.faults.trigger import NEVER, Trigger
from protocol.ports import Entropy

Draw = Callable[[str, int | None], Entropy]
"""Gives the randomness of a fault by its name, and its own seed where it has one."""

Maker = Callable[[Trigger, Entropy, WayParameters, CharacterForm], Fault]

_ON_THE_LINE: Final[Mapping[str, Maker]] = {
    "bit_errors": lambda trigger, entropy, _, form: BitErrors(trigger, entropy, form),
    "bursts": lambda trigger, entropy, parameters, form: Bursts(
        trigger, entropy, form, parameters.burst_bits
    ),
    "parity_errors": lambda trigger, entropy, *_: OctetFault(
        trigger, entropy, strike_parity_bit
    ),
    "framing_errors": lambda trigger, entropy, *_: OctetFault(
        trigger, entropy, strike_stop_bit
    ),
    "breaks": lambda trigger, entropy, parameters, _: Breaks(
        trigger, entropy, parameters.break_octets
    ),
}
_BEHIND: Final[Mapping[str, Maker]] = {
    "drops": lambda trigger, entropy, *_: OctetFault(trigger, entropy, drop),
    "duplicates": lambda trigger, entropy, *_: OctetFault(trigger, entropy, duplicate),
    "insertions": lambda trigger, entropy, *_: OctetFault(trigger, entropy, insert),
}


class FaultChain:
    """The faults of one direction and its receiving UART."""

    def __init__(
        self,
        parameters: WayParameters,
        form: CharacterForm,
        bad_octets: BadOctets,
        draw: Draw,
    ) -> None:
        """Make those faults that can befall at all.

        Args:
            parameters: When they do.
            form: The form of the characters.
            bad_octets: What is heard of a character known to be bad.
            draw: Where each draws from.
        """

        def made(makers: Mapping[str, Maker]) -> dict[str, Fault]:
            found: dict[str, Fault] = {}
            for name, make in makers.items():
                trigger: Trigger = getattr(parameters, name)
                if trigger is not NEVER and not trigger.is_never:
                    entropy = draw(name, trigger.seed)
                    found[name] = make(trigger, entropy, parameters, form)
            return found

        self._faults: dict[str, Fault] = {
            **made(_ON_THE_LINE),
            "bad_octets": Receiver(form, bad_octets),
            **made(_BEHIND),
        }
        self._passed = 0
        self._next_octet = self._look_ahead()

    def pass_on(self, octets: bytes) -> bytes:
        """Pass the next octets of the stream, and give what is heard of them."""
        first = self._passed
        self._passed += len(octets)
        if self._next_octet >= self._passed:
            return octets
        passage = Passage(first, octets)
        for fault in self._faults.values():
            fault.befall(passage)
        self._next_octet = self._look_ahead()
        return passage.heard()

    def times(self) -> dict[str, int]:
        """How often each fault has befallen, by its name."""
        return {name: fault.times for name, fault in self._faults.items()}

    def _look_ahead(self) -> float:
        return min(
            (fault.next_octet for fault in self._faults.values()), default=math.inf
        )
