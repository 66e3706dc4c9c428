"""Every constant of the link layer, in one place, each with its reason.

The defaults are part of the protocol: an end that hears no XID works with them
(SPEC.md LINK-10). Values that only this end needs to know (T1, N2, T3, the longest
message) may differ between the two ends without harm.

Source: names of the system parameters as in ISO/IEC 7776 (LAPB) and ITU-T V.42.
"""

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from typing import Final

from protocol.errors import LocalProtocolError


class Role(Enum):
    """Which end of the link this is; it decides addresses and who dials."""

    MACHINE = "machine"
    """The DTE: dials, and sends SABM."""
    SERVER = "server"
    """The DCE: waits for SABM."""

    @property
    def peer(self) -> "Role":
        """The role of the other end."""
        return Role.SERVER if self is Role.MACHINE else Role.MACHINE


class Direction(Enum):
    """Which way a frame went, seen from this end."""

    SENT = "sent"
    RECEIVED = "received"


MODULO_8: Final = 8
MODULO_128: Final = 128

FRAME_OCTETS_MAX: Final = 256
"""N1. The longest message of a recharge is below 255 octets, so that each travels in
one I frame; a full frame is 2.2 s of line at 1,200 bit/s and 79 ms at 33,600 bit/s."""

FRAME_OCTETS_LEAST: Final = 16
"""Least N1 that may be agreed: a segment octet and 15 octets of message."""

FRAME_OCTETS_LIMIT: Final = 2048
"""Largest N1: FCS-16 finds every double error in up to 4,095 octets, so that the whole
frame stays well inside; longer frames gain less than 0.3 percent."""

WINDOW: Final = 4
"""k. With SREJ at modulo 8 no larger window is safe: with 5, old frames were seen to be
delivered as new."""

RETRIES_MAX: Final = 8
"""N2. With T1 at 1 s, doubling once, a silent peer is given up after some 17 s. At a
bit error rate of 3e-4 a poll of 6 octets and its answer (3 percent lost) fail eight
times in a row once in 10^12."""

ATTEMPTS_PER_RETRY: Final = 4
"""One I frame is sent at most N2 times this often. It ends a link that answers polls
but cannot carry some frame, as a line that swallows XON does without an ACCM."""

ACKNOWLEDGE_TIMEOUT_S: Final = 3.0
"""T1 for SABM, XID and DISC, and until a round trip was measured: 12 octets are 0.1 s
at 1,200 bit/s, a satellite hop adds 0.6 s and error correction in modems up to 1 s."""

ACK_DELAY_S: Final = 0.5
"""T2. An answer of the layers above that comes sooner carries the acknowledgement: a
group commit and two signatures in a slow PSD stay below it. It must be below T1."""

IDLE_S: Final = 30.0
"""T3. A link on which nothing was heard for this time is polled: 12 octets a half
minute, and with N2 a half-open link is found within a minute and a half."""

MESSAGE_OCTETS_MAX: Final = 4096
"""Longest message: four times the longest record body, and still a small buffer."""

QUEUE_OCTETS_MAX: Final = 262_144
"""Octets of messages that wait in one end; more is a caller that ignores the line."""

USUAL_OCTET_S: Final = 10 / 1200
"""Time of an octet until something was measured: 8N1 at 1,200 bit/s, the slowest modem
that is still sold."""

SLOWEST_OCTET_S: Final = 10 / 300
"""No line is taken to be slower, whatever was measured: a round trip in which an
acknowledgement was lost bounds nothing that is of use."""

TIMEOUT_MARGIN: Final = 1.5
"""T1 is this times the bound that was measured: room for jitter of modems."""

TIMEOUT_SLACK_S: Final = 0.2
"""Added to T1: scheduling at both ends, and latency timers of USB serial adapters."""

BACKOFF_DOUBLINGS_MAX: Final = 1
"""T1 doubles when it runs out again, once: the bound behind it is generous already, and
a peer that is gone must be found within a minute and a half."""

ROUND_TRIPS_KEPT: Final = 8
"""Measured round trips that T1 looks at: old ones go, as lines change."""

ADAPTIVE_OCTETS_LEAST: Final = 32
"""A sender does not cut frames shorter than this on a noisy line: below it the 8 octets
around a segment cost more than they save (best payload at a bit error rate of 1e-3:
28)."""

REPORTED_FRAME_OCTETS: Final = 96
"""Where arrival reports are agreed, the first frames have so many octets: four in ten
of them pass at a bit error rate of 1e-3, and within a second on a clean line they are
four times as long."""

FLIGHT_OCTETS_FIRST: Final = 512
"""Where arrival reports are agreed, so much may be under way before a sender knows the
line, and always: twice what a line at 33,600 bit/s with 20 ms each way holds."""

FLIGHT_GAIN: Final = 2.0
"""A sender lets twice as much go as the line holds at the speed that it measured: it
then doubles with each round trip until the line is full, and a repetition waits for
one round trip at most."""

PATIENCE: Final = 1
"""Where arrival reports are agreed, this takes the place of k in how often T1 is given
once more while I frames come: a peer lets go no more than T1 covers twice."""

SPEEDS_KEPT: Final = 16
"""Measured speeds of which the highest counts."""

LENGTH_MEMORY_FRAMES: Final = 64
"""A frame counts 1/e as much for the length of frames after so many: at the best length
about one frame in eight is lost, so that eight losses are remembered."""

LENGTH_PRIOR_ERRORS: Final = 0.3
"""What the first guess of the error rate weighs, in bit errors: one loss outweighs it,
and on a clean line the length doubles in half a second."""

LENGTH_ERRORS_LEAST: Final = 1e-6
"""Bit errors that are remembered at least, however long none was seen: the rate stays
above 0."""

ASKING_LOSS: Final = 0.01
"""The last frame of a queue is asked after where it is lost more often than this:
7 octets against the time-out T1."""

FRAME_OVERHEAD_OCTETS: Final = 8
"""Around an information field: address, control (1 or 2), FCS (2), two flags, and
one."""

SUPERVISORY_OCTETS: Final = 6
"""A supervisory frame at modulo 8 with both flags."""

REPORT_OCTETS_MAX: Final = 24
"""The longest arrival report, stuffing included."""

ACCM_MAX: Final = 0xFFFF_FFFF


@dataclass(frozen=True, kw_only=True)
class LinkParameters:
    """What one end is set to, or what two ends agreed.

    Attributes:
        frame_octets_max: N1, octets in the information field of an I frame, the segment
            octet included.
        window: k, I frames that may wait for an acknowledgement.
        retries_max: N2, how often something unanswered is repeated.
        acknowledge_timeout_s: T1 before anything was measured.
        ack_delay_s: T2, how long an acknowledgement may wait for an I frame to ride on.
        idle_s: T3, silence after which the peer is polled.
        message_octets_max: Longest message in either direction.
        modulus: 8 or 128.
        accm: Bit n asks for octet n (0 to 31) to be escaped on the line.
        srej: Selective reject; without it a loss repeats all that followed.
        reports: Arrival reports in SREJ (`protocol.link.reports`): modulo 128 only.
    """

    frame_octets_max: int = FRAME_OCTETS_MAX
    window: int = WINDOW
    retries_max: int = RETRIES_MAX
    acknowledge_timeout_s: float = ACKNOWLEDGE_TIMEOUT_S
    ack_delay_s: float = ACK_DELAY_S
    idle_s: float = IDLE_S
    message_octets_max: int = MESSAGE_OCTETS_MAX
    modulus: int = MODULO_8
    accm: int = 0
    srej: bool = True
    reports: bool = False

    def __post_init__(self) -> None:
        """Refuse values that the protocol cannot work with.

        Raises:
            LocalProtocolError: A value is out of its range, or the window is too large
                for the modulus.
        """
        for wrong, message in (
            (
                not FRAME_OCTETS_LEAST <= self.frame_octets_max <= FRAME_OCTETS_LIMIT,
                f"N1 must be {FRAME_OCTETS_LEAST} to {FRAME_OCTETS_LIMIT} octets",
            ),
            (
                self.modulus not in {MODULO_8, MODULO_128},
                "modulus must be 8 or 128",
            ),
            (
                self.reports and not (self.srej and self.modulus == MODULO_128),
                "arrival reports need SREJ and modulus 128",
            ),
            (
                not 1 <= self.window <= window_max(self.modulus, srej=self.srej),
                (
                    "window must be 1 to half the modulus with SREJ, "
                    "1 to one below the modulus without"
                ),
            ),
            (self.retries_max < 1, "retries_max must be at least 1"),
            (
                not 0 < self.ack_delay_s < self.acknowledge_timeout_s,
                "ack_delay_s must be above 0 and below acknowledge_timeout_s",
            ),
            (self.idle_s <= 0, "idle_s must be above 0"),
            (self.message_octets_max < 1, "message_octets_max must be at least 1"),
            (not 0 <= self.accm <= ACCM_MAX, "accm must have 32 bits"),
        ):
            if wrong:
                raise LocalProtocolError(message, clause="LINK-11")

    @property
    def negotiable(self) -> tuple[object, ...]:
        """What an XID tells: two ends with equal values need none."""
        return (
            self.frame_octets_max,
            self.window,
            self.retries_max,
            self.acknowledge_timeout_s,
            self.ack_delay_s,
            self.modulus,
            self.accm,
            self.srej,
            self.reports,
        )

    @cached_property
    def without_agreement(self) -> "LinkParameters":
        """What this end works with when no XID was exchanged (LINK-10.2).

        The wire follows the defaults. What only this end needs to know stays, and its
        own ACCM is still applied to what it sends, which no peer can mind.
        """
        return replace(
            self,
            frame_octets_max=FRAME_OCTETS_MAX,
            window=WINDOW,
            ack_delay_s=min(self.ack_delay_s, ACK_DELAY_S),
            modulus=MODULO_8,
            srej=True,
            reports=False,
        )


def window_max(modulus: int, *, srej: bool) -> int:
    """Largest window at which no old frame can be taken for a new one (LINK-6.3)."""
    return modulus // 2 if srej else modulus - 1


DEFAULT: Final = LinkParameters()
"""The parameters of FMP/1 when nobody asks for others."""

BULK: Final = LinkParameters(
    modulus=MODULO_128, window=64, frame_octets_max=1024, reports=True
)
"""What a server grants, and what a machine asks for where it pays: when it dials again
over a line that damaged frames. XID costs some 100 octets."""
