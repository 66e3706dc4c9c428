"""What one direction of a virtual line is like."""

from dataclasses import dataclass
from typing import Final

from hw.lines.faults.noise import BIT_ERROR_RATE_MAX
from hw.lines.faults.ranges import check_ranges
from hw.lines.faults.trigger import NEVER, Trigger
from hw.lines.port import LineError

_RANGES: Final[dict[str, tuple[float, float]]] = {
    "bit_s": (1, 10_000_000),
    "delay_s": (0, 3600),
    "jitter_s": (0, 3600),
    "burst_bits": (1, 65_536),
    "break_octets": (1, 65_536),
}


@dataclass(frozen=True, slots=True)
class WayParameters:
    """What one direction does beside what the whole line does.

    Attributes:
        bit_s: Its speed; None is that of the line.
        delay_s: Its propagation delay; None is that of the line.
        jitter_s: Most time by which octets arrive later than that; see
            `hw.lines.pacing.Jitter`.
        bit_errors: When a bit is struck; without a rate that of the line.
        bursts: When a burst of struck bits begins, at a rate for each bit.
        burst_bits: Its length.
        parity_errors: When a parity bit is struck; the line must have one.
        framing_errors: When a stop bit is struck.
        breaks: When a BREAK begins.
        break_octets: Its length, in octets as they are sent: 240 are a quarter of a
            second at 9,600 bit/s.
        drops: When an octet is not heard.
        duplicates: When an octet is heard twice.
        insertions: When an octet that nobody sent is heard before one.
        carrier_losses: When the carrier is lost instead of an octet; it is lost once in
            a call.
    """

    bit_s: int | None = None
    delay_s: float | None = None
    jitter_s: float = 0.0
    bit_errors: Trigger = NEVER
    bursts: Trigger = NEVER
    burst_bits: int = 20
    parity_errors: Trigger = NEVER
    framing_errors: Trigger = NEVER
    breaks: Trigger = NEVER
    break_octets: int = 240
    drops: Trigger = NEVER
    duplicates: Trigger = NEVER
    insertions: Trigger = NEVER
    carrier_losses: Trigger = NEVER

    def __post_init__(self) -> None:
        """Refuse what no direction can be.

        Raises:
            LineError: A value is out of its range.
        """
        check_ranges(self, _RANGES, "a line")
        rate = self.bit_errors.rate
        if rate is not None and rate > BIT_ERROR_RATE_MAX:
            message = f"ber is {rate}, but a line has 0 to {BIT_ERROR_RATE_MAX}"
            raise LineError(message)
