"""What a virtual line is like, and the directions made of it."""

import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from hw.entropy import SeededEntropy
from hw.lines.faults.chain import FaultChain
from hw.lines.faults.character import OCTET_BITS, BadOctets, CharacterForm
from hw.lines.faults.noise import BIT_ERROR_RATE_MAX
from hw.lines.faults.parameters import WayParameters
from hw.lines.faults.ranges import check_ranges
from hw.lines.faults.trigger import NEVER, Places
from hw.lines.faults.way import Way
from hw.lines.pacing import Jitter, PacedWire
from hw.lines.port import LineError
from hw.ports.settings import Parity
from protocol.ports import Entropy

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "bit_s": (1, 10_000_000),
    "delay_s": (0, 3600),
    "bit_error_rate": (0, BIT_ERROR_RATE_MAX),
    "seed": (0, 2**64 - 1),
    "cut_after_octets_up": (0, 2**63 - 1),
    "cut_after_octets_down": (0, 2**63 - 1),
    "cut_after_octets": (0, 2**63 - 1),
    "cut_at_s": (0, 366 * 86_400),
    "cut_calls": (0, 2**63 - 1),
    "data_bits": (7, 8),
    "stop_bits": (1, 2),
    "turnaround_s": (0, 3600),
    "delivery_octets": (1, 65_536),
    "pending_octets_max": (1, 2**24),
}


@dataclass(frozen=True)
class VirtualLineParameters:
    """What a virtual line is like.

    Attributes:
        bit_s: Speed of each direction.
        delay_s: Time from leaving one end to arriving at the other.
        bit_error_rate: Probability that a data bit (or a parity bit) is struck.
        seed: Chooses what is befallen, together with the number of the call.
        cut_after_octets_up: Octets that arrive from the calling end before the carrier
            is lost; None for no such cut.
        cut_after_octets_down: The same from the answering end.
        cut_after_octets: The same for both directions counted together.
        cut_at_s: Time after line up at which the carrier is lost.
        cut_calls: Calls, from the first, in which the carrier is lost, for whatever
            reason of these or of a direction; None for every call.
        data_bits: 7 or 8; with 7 the highest bit of an octet does not travel.
        parity: Of each character.
        stop_bits: 1 or 2.
        bad_octets: What is heard of a character that is known to be bad.
        turnaround_s: How long the line needs to turn, where it carries one direction
            at a time; None for both at once.
        up: What only the direction from the calling end does.
        down: What only the direction from the answering end does.
        delivery_octets: Most octets handed over at once; 16 as in the receive buffer
            of a 16550A UART. Fewer cost more timers and change no octet.
        pending_octets_max: Most octets of one direction that wait or are under way;
            64 KiB is more than any window of FMP/1 and under an hour at 300 bit/s.
    """

    bit_s: int = 9600
    delay_s: float = 0.0
    bit_error_rate: float = 0.0
    seed: int = 0
    cut_after_octets_up: int | None = None
    cut_after_octets_down: int | None = None
    cut_after_octets: int | None = None
    cut_at_s: float | None = None
    cut_calls: int | None = None
    data_bits: int = 8
    parity: Parity = Parity.NONE
    stop_bits: int = 1
    bad_octets: BadOctets = BadOctets.NULL
    turnaround_s: float | None = None
    up: WayParameters = field(default_factory=WayParameters)
    down: WayParameters = field(default_factory=WayParameters)
    delivery_octets: int = 16
    pending_octets_max: int = 65_536

    def __post_init__(self) -> None:
        """Refuse what no line can be.

        Raises:
            LineError: A value is out of its range.
        """
        check_ranges(self, _RANGES, "a line")
        if self.parity is Parity.NONE:
            for way in (self.up, self.down):
                if not way.parity_errors.is_never:
                    message = "parity errors need a parity bit: set another parity"
                    raise LineError(message)

    @cached_property
    def form(self) -> CharacterForm:
        """The form of a character."""
        return CharacterForm(self.data_bits, self.parity, self.stop_bits)

    def of_call(self, call_number: int) -> "VirtualLineParameters":
        """Tell what the line of a call is like: not every call need be cut."""
        if self.cut_calls is None or call_number < self.cut_calls:
            return self
        return replace(
            self,
            cut_after_octets_up=None,
            cut_after_octets_down=None,
            cut_after_octets=None,
            cut_at_s=None,
            up=replace(self.up, carrier_losses=NEVER),
            down=replace(self.down, carrier_losses=NEVER),
        )

    def way_up(self, call: str) -> Way:
        """Make the direction from the calling end, for the call of this name."""
        return self._way(self.up, self.cut_after_octets_up, f"{call} up")

    def way_down(self, call: str) -> Way:
        """Make the direction from the answering end, for the call of this name."""
        return self._way(self.down, self.cut_after_octets_down, f"{call} down")

    def _way(self, way: WayParameters, cut: int | None, name: str) -> Way:
        def draw(what: str, own_seed: int | None) -> Entropy:
            seed = self.seed if own_seed is None else own_seed
            # Single bit errors were there first: what they strike stays as it was.
            label = name if what == "bit_errors" else f"{name} {what}"
            return SeededEntropy(f"virtual line {seed} {label}".encode())

        if way.bit_errors.rate is None and self.bit_error_rate:
            bit_errors = replace(way.bit_errors, rate=self.bit_error_rate)
            way = replace(way, bit_errors=bit_errors)
        jitter = Jitter(way.jitter_s, draw("jitter", None)) if way.jitter_s else None
        wire = PacedWire(
            self.bit_s if way.bit_s is None else way.bit_s,
            self.delay_s if way.delay_s is None else way.delay_s,
            self.delivery_octets,
            self.form.bits,
            jitter,
        )
        chain = FaultChain(way, self.form, self.bad_octets, draw)
        until_cut = math.inf if cut is None else cut
        losses = way.carrier_losses
        if not losses.is_never:
            places = Places(losses, draw("carrier_losses", losses.seed))
            until_cut = min(until_cut, places.next_octet)
        return Way(
            wire,
            chain,
            until_cut,
            seven_bits=self.data_bits < OCTET_BITS,
        )
