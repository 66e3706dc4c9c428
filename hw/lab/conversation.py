"""A call as the bench leads it: packets, channel and messages over one station.

The channel is the product's, so that what the bench says is well protected, whatever it
says. A greeting that says what no end says is made by hand (`hw.lab.edhoc`): packets,
order and records of the channel are the product's even then. Records with a wrong
counter or under another type are sealed here with the keys of the channel, which the
bench is told (the test realm alone, CHAN-10.4).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from hw.lab.edhoc import HandInitiator, HandResponder, Said, drawn
from hw.lab.station import (
    FrameCame,
    Heard,
    LineEnded,
    LinkBegan,
    LinkEnded,
    PacketCame,
    Station,
)
from hw.lab.trace import Trace
from protocol.channel import PacketType, packet_type
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.channel.packets import COUNTER_OCTETS, MESSAGE_4_OCTETS, TAG_OCTETS
from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.channel.records import Records
from protocol.channel.schedule import IV_OCTETS, ChannelKeys, OnKeys, derive_keys
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    ServerCredential,
    ServerIdentity,
)
from protocol.link import Role
from protocol.messages import TABLE_OF, MessageTable, MessageType
from protocol.messages.codec import FieldValue, decode_fields

_HELD_BACK: Final = 0xFFFF


@dataclass(frozen=True, slots=True)
class Taken:
    """What came, understood as far as it goes.

    Attributes:
        name: ``STATEMENT``, ``GREETING_1``, ``ERROR``, ``end``, or what is wrong.
        packet: The packet, if it is one.
        body: The message, if there is one.
        table: Its layout.
        fields: Its fields.
        error: The code of an ERROR.
        wrong: Why it is nothing that can be read.
    """

    name: str
    packet: bytes = b""
    body: bytes = b""
    table: MessageTable | None = None
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    error: int | None = None
    wrong: str = ""

    def __str__(self) -> str:
        """Show what came in a word or two."""
        if self.name == "ERROR" and self.error is not None:
            return f"ERROR {error_name(self.error)}"
        return f"{self.name} ({self.wrong})" if self.wrong else self.name


ENDED: Final = "end"
"""What is taken when link or line has ended."""

MachineChannelMaker = Callable[[OnKeys], MachineChannelPort]
ServerChannelMaker = Callable[[OnKeys], ServerChannelPort]


class Conversation:
    """One dialogue of the bench, from the first packet to the end of the link.

    Attributes:
        binding: Of the channel, once there is one; 32 octets.
        greeted: Records may go both ways.
    """

    def __init__(self, station: Station, trace: Trace) -> None:
        """Begin before the first packet."""
        self.station = station
        self.binding = b""
        self.greeted = False
        self._trace = trace
        self._keys: ChannelKeys | None = None
        self._sealed = 0

    async def hear(self, within_s: float) -> Heard:
        """Take what comes next, but for news that a link has begun.

        Raises:
            SilenceError: Nothing came.
        """
        while True:
            heard = await self.station.hear_packet(within_s)
            if not isinstance(heard, LinkBegan):
                return heard

    def _learn(self, g_x: bytes, keys: ChannelKeys) -> None:
        self._keys = keys
        self._trace.learn_keys(g_x, keys)

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

    def understood(self, packet: bytes, body: bytes) -> Taken:
        """Read a message that a record held."""
        try:
            table = TABLE_OF[MessageType(body[0])]
        except (KeyError, ValueError):
            return Taken("message", packet, body, wrong=f"type 0x{body[0]:02x}")
        try:
            fields = decode_fields(table, body)
        except RemoteProtocolError as error:
            return Taken(table.type.name, packet, body, table, wrong=str(error))
        return Taken(table.type.name, packet, body, table, fields)

    def not_a_packet(self, heard: Heard) -> Taken | None:
        """Say what came if it is no packet but an end, or an ERROR."""
        if isinstance(heard, LinkEnded):
            return Taken(ENDED, wrong=heard.reason)
        if isinstance(heard, LineEnded):
            return Taken(ENDED, wrong=str(heard.loss))
        if isinstance(heard, FrameCame):
            return Taken("frame", wrong="the script makes the frames")
        if not isinstance(heard, PacketCame):
            return Taken(type(heard).__name__)
        packet = heard.octets
        if packet[0] == PacketType.ERROR:
            code = packet[1] if len(packet) > 1 else None
            return Taken("ERROR", packet, error=code)
        return None


class ServerConversation(Conversation):
    """The bench answers a machine."""

    def __init__(
        self,
        station: Station,
        trace: Trace,
        make_channel: ServerChannelMaker,
        credential: MachineCredential,
    ) -> None:
        """Wait for GREETING_1.

        Args:
            station: The line.
            trace: Takes what passes.
            make_channel: Makes the bench's end of the channel.
            credential: By which the machine is proved.
        """
        super().__init__(station, trace)
        self._channel = make_channel(self._learn)
        self._credential = credential
        self.greeting_2 = b""
        self._greeting_1 = b""
        self._by_hand: HandResponder | None = None
        self._has_begun = False

    async def hear(self, within_s: float) -> Heard:
        """Take what comes next.

        A link that is set up a second time before anything was said is one link: on a
        slow line the machine repeats its SABM until UA comes (LINK-5.2).

        Raises:
            SilenceError: Nothing came.
        """
        while True:
            heard = await super().hear(within_s)
            is_again = isinstance(heard, LinkEnded) and self.station.begins_again
            if self._has_begun or not is_again:
                self._has_begun = True
                return heard

    def greet_by_hand(self, identity: ServerIdentity, said: Said) -> bytes:
        """Make GREETING_2 by hand; with it another channel is begun.

        Args:
            identity: Who is dialled.
            said: What it says otherwise.

        Raises:
            LocalProtocolError: GREETING_1 has not come, and been taken.
        """
        if not self._greeting_1:
            raise LocalProtocolError("take GREETING_1 before GREETING_2 by hand")
        ephemeral = drawn(identity.dh_private, self._greeting_1)
        self._by_hand = HandResponder(identity, said, ephemeral)
        self._channel = ServerEnd(identity.realm, self._by_hand, self._learn)
        self.greeting_2 = self._channel.receive_greeting_1(self._greeting_1)
        return self.greeting_2

    async def take(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take the next message; greetings are answered on the way.

        Args:
            within_s: How long to wait for each packet.
            one_packet: Take GREETING_1 and GREETING_3 for what they are, and answer
                nothing.

        Raises:
            SilenceError: Nothing came.
        """
        while True:
            heard = await self.hear(within_s)
            other = self.not_a_packet(heard)
            if other is not None:
                return other
            packet = heard.octets if isinstance(heard, PacketCame) else b""
            try:
                taken = self._open(packet)
            except (RemoteProtocolError, LocalProtocolError) as error:
                return Taken("packet", packet, wrong=str(error))
            if taken.name == PacketType.GREETING_1.name and not one_packet:
                self.station.send_packet(self.greeting_2)
                continue
            return taken

    def _open(self, packet: bytes) -> Taken:
        kind = packet_type(packet)
        if kind is PacketType.GREETING_1:
            self.greeting_2 = self._channel.receive_greeting_1(packet)
            self._greeting_1 = packet
            return Taken(kind.name, packet)
        if kind is PacketType.GREETING_3:
            self._channel.receive_greeting_3(packet)
            body = self._channel.prove_machine(self._credential)
            self.binding = self._channel.binding
            return self.understood(packet, body)
        return self.understood(packet, self._channel.open(packet))

    def seal(self, body: bytes, said: Said | None = None) -> bytes:
        """Make the packet that carries a message now.

        Args:
            body: The message.
            said: What `message_4` says otherwise.

        Raises:
            LocalProtocolError: The greeting is not made by hand.
        """
        self._sealed += 1
        if self.greeted:
            return self._channel.seal(body)
        self.greeted = True
        packet = self._channel.greeting_4(body)
        if said is None:
            return packet
        message_4 = _hand(self._by_hand).message_4(said)
        return packet[:1] + message_4 + packet[1 + MESSAGE_4_OCTETS :]

    @property
    def next_counter(self) -> int:
        """The counter of the record that is sealed next."""
        return self._sealed


class MachineConversation(Conversation):
    """The bench asks a server."""

    def __init__(
        self, station: Station, trace: Trace, make_channel: MachineChannelMaker
    ) -> None:
        """Stand before GREETING_1."""
        super().__init__(station, trace)
        self._make_channel = make_channel
        self._channel = make_channel(self._learn)
        self._named = False
        self._stated = False
        self._by_hand: HandInitiator | None = None

    def again(self) -> "MachineConversation":
        """Begin a further dialogue on the same line."""
        self.station.connect()
        return MachineConversation(self.station, self._trace, self._make_channel)

    def greeting_1(self) -> bytes:
        """Make GREETING_1."""
        self._named = True
        return self._channel.greeting_1()

    def greet_by_hand(
        self, identity: MachineIdentity, server: ServerCredential, dial_in: int
    ) -> bytes:
        """Make GREETING_1 of a channel whose greetings are made by hand.

        Args:
            identity: Who dials.
            server: Who is dialled.
            dial_in: Number of the dial-in; an ephemeral key is drawn for it alone.
        """
        parts = str(dial_in).encode(), str(self.station.now_s).encode()
        self._by_hand = HandInitiator(
            identity, server, drawn(identity.dh_private, *parts)
        )
        self._channel = MachineEnd(self._by_hand, self._learn)
        return self.greeting_1()

    async def greet(self, within_s: float) -> Taken | None:
        """Do the greeting as far as it has not been done; what came instead, if so.

        Raises:
            SilenceError: Nothing came.
        """
        if self.binding:
            return None
        if not self._named:
            self.station.send_packet(self.greeting_1())
        taken = await self.take(within_s)
        return None if taken.name == PacketType.GREETING_2.name else taken

    async def take(self, within_s: float, *, one_packet: bool = False) -> Taken:
        """Take the next message or greeting.

        Raises:
            SilenceError: Nothing came.
        """
        del one_packet  # A server's greetings are never answered by themselves.
        heard = await self.hear(within_s)
        other = self.not_a_packet(heard)
        if other is not None:
            return other
        packet = heard.octets if isinstance(heard, PacketCame) else b""
        try:
            return self._open(packet)
        except (RemoteProtocolError, LocalProtocolError) as error:
            return Taken("packet", packet, wrong=str(error))

    def _open(self, packet: bytes) -> Taken:
        kind = packet_type(packet)
        if kind is PacketType.GREETING_2:
            self._channel.receive_greeting_2(packet)
            self.binding = self._channel.binding
            return Taken(kind.name, packet)
        if kind is PacketType.GREETING_4:
            body = self._channel.receive_greeting_4(packet)
            self.greeted = True
            return self.understood(packet, body)
        return self.understood(packet, self._channel.open(packet))

    def seal(self, body: bytes, said: Said | None = None) -> bytes:
        """Make the packet that carries a message now.

        Args:
            body: The message.
            said: What `message_3` says otherwise.

        Raises:
            LocalProtocolError: The greeting is not made by hand.
        """
        self._sealed += 1
        if self._stated:
            return self._channel.seal(body)
        self._stated = True
        packet = self._channel.greeting_3(body)
        if said is None:
            return packet
        message_3, prk_out = _hand(self._by_hand).message_3(said)
        keys = derive_keys(prk_out)
        record = Records(keys.machine, keys.server).seal(PacketType.GREETING_3, body)
        return packet[:1] + message_3 + record

    @property
    def next_counter(self) -> int:
        """The counter of the record that is sealed next."""
        return self._sealed


_Hand = TypeVar("_Hand", HandInitiator, HandResponder)


def _hand(hand: _Hand | None) -> _Hand:
    if hand is None:
        raise LocalProtocolError("the greeting is not made by hand: GREETING by-hand")
    return hand


def error_name(code: int) -> str:
    """Name the code of an ERROR."""
    try:
        return ErrorCode(code).name
    except ValueError:
        return f"0x{code:02x}"
