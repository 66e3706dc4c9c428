"""A call as the bench leads it: packets, channel and messages over one station.

The channel is the product's, so that what the bench says is well protected, whatever it
says. A greeting that says what no end says is made by hand (`hw.lab.edhoc`): packets,
order and records of the channel are the product's even then. Records with a wrong
counter or under another type are sealed here with the keys of the channel, which the
bench is told (the test realm alone, CHAN-10.4).
"""

from abc import ABC, abstractmethod
from typing import Final, Protocol, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw.lab.edhoc import HandInitiator, HandResponder, Said
from hw.lab.station import Heard, LinkBegan, PacketCame, Station
from hw.lab.taken import Taken, message_taken, other_taken
from hw.lab.trace import Trace
from protocol.channel.packets import COUNTER_OCTETS, TAG_OCTETS
from protocol.channel.schedule import IV_OCTETS, ChannelKeys
from protocol.errors import LocalProtocolError, RemoteProtocolError
from protocol.link import Role

_HELD_BACK: Final = 0xFFFF


class _Channel(Protocol):
    """What both ends of a channel can do once it is there."""

    def seal(self, body: bytes) -> bytes: ...

    def open(self, packet: bytes) -> bytes: ...


class Conversation(ABC):
    """One dialogue of the bench, from the first packet to the end of the link.

    Attributes:
        station: The bench's end of the line.
        binding: Of the channel, once there is one; 32 octets.
    """

    def __init__(self, station: Station, trace: Trace) -> None:
        """Begin before the first packet.

        Args:
            station: The line.
            trace: Takes what passes.
        """
        self.station = station
        self.binding = b""
        self._trace = trace
        self._keys: ChannelKeys | None = None
        self._sealed = 0

    @property
    @abstractmethod
    def _records(self) -> _Channel:
        """The channel, as it seals and opens records."""

    @abstractmethod
    def _first_packet(self, body: bytes, said: Said | None) -> bytes:
        """Make the packet of the greeting that carries the bench's first message."""

    @abstractmethod
    def _greeted(self, packet: bytes) -> Taken | None:
        """Take a packet of the greeting; None: it is none that is awaited."""

    # What comes.

    async def hear(self, within_s: float) -> Heard:
        """Take what comes next, but for news that a link has begun.

        Raises:
            SilenceError: Nothing else came; such news does not begin the wait anew.
        """
        by_s = self.station.now_s + within_s
        while True:
            left_s = max(0.0, by_s - self.station.now_s)
            heard = await self.station.hear_packet(left_s)
            if not isinstance(heard, LinkBegan):
                return heard

    async def take(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take the next message or greeting.

        Args:
            within_s: How long to wait for each packet.
            one_packet: Take a greeting for what it is, and answer nothing.

        Raises:
            SilenceError: Nothing came.
        """
        del one_packet  # Only a server answers greetings by itself.
        heard = await self.hear(within_s)
        other = other_taken(heard)
        if other is not None:
            return other
        packet = heard.octets if isinstance(heard, PacketCame) else b""
        try:
            greeted = self._greeted(packet)
            if greeted is not None:
                return greeted
            return message_taken(packet, self._records.open(packet))
        except (RemoteProtocolError, LocalProtocolError) as error:
            return Taken("packet", packet, wrong=str(error))

    def _learn(self, g_x: bytes, keys: ChannelKeys) -> None:
        self._keys = keys
        self._trace.learn_keys(g_x, keys)

    # What is said.

    @property
    def has_sealed(self) -> bool:
        """Whether the bench has said its first message: others go in records."""
        return self._sealed > 0

    @property
    def next_counter(self) -> int:
        """The counter of the record that is sealed next."""
        return self._sealed

    def seal(self, body: bytes, said: Said | None = None) -> bytes:
        """Make the packet that carries a message now.

        Args:
            body: The message.
            said: What the greeting says otherwise, if it goes in one.

        Raises:
            LocalProtocolError: The greeting is to say something otherwise, and is not
                made by hand.
        """
        self._sealed += 1
        if self._sealed > 1:
            return self._records.seal(body)
        return self._first_packet(body, said)

    def reseal(
        self, packet: bytes, body: bytes, counter: int, *, first: int, covered: int
    ) -> bytes:
        """Seal a body again under another counter, or as of another packet.

        Args:
            packet: As it would be right.
            body: What it holds.
            counter: The counter to use; its lowest 16 bits.
            first: Where the record begins in the packet.
            covered: The type that its tag covers.

        Raises:
            LocalProtocolError: There are no keys yet.
        """
        if self._keys is None:
            raise LocalProtocolError("there is no channel yet")
        own = self.station.role is Role.MACHINE
        keys = self._keys.machine if own else self._keys.server
        counter &= _HELD_BACK
        number = counter.to_bytes(COUNTER_OCTETS, "big")
        nonce = int.from_bytes(keys.iv, "big") ^ counter
        sealed = AESCCM(keys.key, tag_length=TAG_OCTETS).encrypt(
            nonce.to_bytes(IV_OCTETS, "big"), body, bytes([covered]) + number
        )
        return packet[:first] + number + sealed


_Hand = TypeVar("_Hand", HandInitiator, HandResponder)


def made_by_hand(hand: _Hand | None) -> _Hand:
    """Give the greeting that is made by hand.

    Raises:
        LocalProtocolError: It is not.
    """
    if hand is None:
        raise LocalProtocolError("the greeting is not made by hand: GREETING by-hand")
    return hand
