"""Both ends of a link, heard from beside: frames, numbers, and the packets (LINK).

A listener sends nothing and repeats nothing. It knows which link is up by who asked and
who accepted (LINK-5), takes I frames as their receiver has to (LINK-6.4), and puts
messages together (LINK-9). A frame that breaks a rule ends its sender's side of the
link (LINK-14.1): what it says behind it reaches nobody.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from tests.oracle.octets import Way
from tests.witness.spec_link import (
    ADDRESS_A,
    ADDRESS_B,
    ONLY_COMMANDS,
    ONLY_RESPONSES,
    SUPERVISORY,
    WITH_INFORMATION,
    Assembler,
    Frame,
    Kind,
    Settings,
    decode,
)
from tests.witness.spec_link_reports import REPORT_OCTETS_MAX, agree

COMMANDS_OF: Final = {Way.MACHINE: ADDRESS_B, Way.SERVER: ADDRESS_A}
"""LINK-4.2."""
ADDRESSES: Final = frozenset(COMMANDS_OF.values())
SET_UP: Final = {Kind.SABM: 8, Kind.SABME: 128}
WIDEST: Final = Settings(n1=2048, k=127, modulus=128, reports=True)
"""More than anybody may ask for (LINK-11): a listener narrows nothing."""


class Amiss(Enum):
    """What is wrong with a good frame, for the end that it goes to."""

    FOREIGN = "address and kind do not fit (LINK-4.3)"
    CONTROL = "unknown control field (LINK-14.2, W)"
    INFORMATION = "information where none is allowed (LINK-14.2, X)"
    LENGTH = "longer than N1 (LINK-14.2, Y)"
    MESSAGE = "a message longer than 4,096 (LINK-14.2, Y)"
    NUMBER = "an N(R) that acknowledges nothing that was sent (LINK-14.2, Z)"
    SEGMENT = "a segment octet out of order (LINK-9.2)"
    NO_LINK = "an I frame outside a link (LINK-12.2)"
    PASSED_OVER = "a number that is not due (LINK-6.4)"


@dataclass(frozen=True)
class Carried:
    """A good frame, understood.

    Attributes:
        frame: Its fields; None where its control field is unknown.
        command: Whether it is a command of its sender's.
        amiss: What is wrong with it.
        begins: A link begins with it.
        packets: Messages of the link that it has completed, in order.
    """

    frame: Frame | None
    command: bool
    amiss: Amiss | None = None
    begins: bool = False
    packets: tuple[bytes, ...] = ()


@dataclass
class Sending:
    """What is known of one end as a sender, and of the other as its receiver."""

    sent: int = 0
    acknowledged: int = 0
    due: int = 0
    held: dict[int, bytes] = field(default_factory=dict)
    messages: Assembler = field(default_factory=Assembler)
    broken: bool = False


class LinkReader:
    """Understands the frames of one line, link after link.

    Attributes:
        in_force: Settings of the link, or of the one that is being set up.
    """

    def __init__(self) -> None:
        """Begin with a line on which no link is up."""
        self.in_force = Settings()
        self._offer = b""
        self._agreed: Settings | None = None
        self._agreed_at_s = 0.0
        self._asked: tuple[Way, Kind, bool] | None = None
        self._up = False
        self._ways = {way: Sending() for way in Way}

    @property
    def accm(self) -> int:
        """Octets that the line may put in: agreed, or about to be (LINK-2.4)."""
        agreed = 0 if self._agreed is None else self._agreed.accm
        return self.in_force.accm | agreed

    def take(self, way: Way, octets: bytes, at_s: float) -> Carried:
        """Understand a frame, address to information, that one end has sent."""
        command = octets[0] == COMMANDS_OF[way]
        frame = decode(octets, self.in_force.modulus)
        if octets[0] not in ADDRESSES:
            return Carried(frame, command, Amiss.FOREIGN)
        if frame is None:
            return self._broken(way, Carried(frame, command, Amiss.CONTROL))
        if frame.kind in (ONLY_RESPONSES if command else ONLY_COMMANDS):
            return Carried(frame, command, Amiss.FOREIGN)
        if frame.information and not self._may_inform(frame, command=command):
            return self._broken(way, Carried(frame, command, Amiss.INFORMATION))
        if frame.kind is Kind.I:
            return self._information(way, frame)
        if frame.kind in SUPERVISORY:
            return self._supervision(way, frame, command=command)
        begins = self._unnumbered(way, frame, at_s, command=command)
        return Carried(frame, command, begins=begins)

    def _may_inform(self, frame: Frame, *, command: bool) -> bool:
        if frame.kind is Kind.SREJ and self.in_force.reports and not command:
            information = frame.information
            return len(information) <= REPORT_OCTETS_MAX and information[0] < 128
        return frame.kind in WITH_INFORMATION

    def _broken(self, way: Way, carried: Carried) -> Carried:
        """A violation in a link ends it; without a link it is ignored."""
        if self._up:
            self._ways[way].broken = True
        return carried

    # LINK-5, LINK-10: links that begin and end.

    def _unnumbered(
        self, way: Way, frame: Frame, at_s: float, *, command: bool
    ) -> bool:
        """Follow set-up and end; whether a link begins."""
        kind = frame.kind
        if kind is Kind.XID:
            self._negotiated(way, frame, at_s, command=command)
        elif kind in SET_UP:
            glare = way is Way.SERVER and self._asked is not None and not self._up
            if not glare:
                self._asked, self._up = (way, kind, frame.pf), False
                self._put_in_force(SET_UP[kind], at_s)
        elif kind is Kind.UA:
            return self._accepted(way, frame)
        elif kind is Kind.DISC:
            self._up = False
            if self._asked is not None and way is self._asked[0]:
                self._asked = None
        elif self._up or frame.pf or kind is Kind.FRMR:
            self._up, self._asked = False, None
        return False

    def _negotiated(
        self, way: Way, frame: Frame, at_s: float, *, command: bool
    ) -> None:
        if command and way is Way.MACHINE:
            self._offer = frame.information
        elif not command and way is Way.SERVER:
            offered = agree(WIDEST, self._offer)
            self._agreed = offered and agree(offered, frame.information)
            self._agreed_at_s = at_s

    def _put_in_force(self, modulus: int, at_s: float) -> None:
        """What was agreed holds for the SABM that follows soon (LINK-10.5)."""
        agreed = self._agreed
        late = agreed is not None and at_s - self._agreed_at_s > 2 * agreed.t1_s
        if agreed is None or late or agreed.modulus != modulus:
            agreed = Settings(modulus=modulus)
        self.in_force = agreed

    def _accepted(self, way: Way, frame: Frame) -> bool:
        if self._asked is None:
            return False
        by, _, pf = self._asked
        if way is by or frame.pf is not pf:
            return False
        self._asked, self._agreed = None, None
        self._up = True
        self._ways = {each: Sending() for each in Way}
        return True

    # LINK-6 to LINK-9: numbers, and what frames carry.

    def _supervision(self, way: Way, frame: Frame, *, command: bool) -> Carried:
        report = frame.kind is Kind.SREJ and bool(frame.information)
        single = frame.kind is Kind.SREJ and not frame.pf and not report
        if self._up and not single and not self._acknowledges(way, frame.nr):
            return self._broken(way, Carried(frame, command, Amiss.NUMBER))
        return Carried(frame, command)

    def _acknowledges(self, way: Way, number: int) -> bool:
        """Take N(R) of one end; False where it is not possible (LINK-14.2)."""
        other, modulus = self._ways[way.other], self.in_force.modulus
        waiting = (other.sent - other.acknowledged) % modulus
        if (number - other.acknowledged) % modulus > waiting:
            return False
        other.acknowledged = number
        return True

    def _information(self, way: Way, frame: Frame) -> Carried:
        sending, carried = self._ways[way], Carried(frame, command=True)
        if not self._up or sending.broken:
            return replace(carried, amiss=Amiss.NO_LINK)
        if len(frame.information) > self.in_force.n1:
            return self._broken(way, replace(carried, amiss=Amiss.LENGTH))
        if not self._acknowledges(way, frame.nr):
            return self._broken(way, replace(carried, amiss=Amiss.NUMBER))
        modulus, k = self.in_force.modulus, self.in_force.k
        if (frame.ns - sending.sent) % modulus < k:
            sending.sent = (frame.ns + 1) % modulus
        ahead = (frame.ns - sending.due) % modulus
        if ahead >= (k if self.in_force.srej else 1):
            return replace(carried, amiss=Amiss.PASSED_OVER)
        sending.held[frame.ns] = frame.information
        in_order = all(self._delivered(sending))
        packets = tuple(sending.messages.messages)
        sending.messages.messages.clear()
        carried = replace(carried, packets=packets)
        if in_order:
            return carried
        amiss = Amiss.MESSAGE if sending.messages.too_long else Amiss.SEGMENT
        return self._broken(way, replace(carried, amiss=amiss))

    def _delivered(self, sending: Sending) -> Iterator[bool]:
        """Hand on what is due; False for a segment out of order."""
        while sending.due in sending.held:
            information = sending.held.pop(sending.due)
            sending.due = (sending.due + 1) % self.in_force.modulus
            yield sending.messages.take(information)
