"""A call in which the bench is a server: it answers a machine."""

from collections.abc import Callable

from hw.lab.conversation import Conversation, made_by_hand
from hw.lab.edhoc import HandResponder, Said, drawn
from hw.lab.station import Heard, LinkEnded, Station
from hw.lab.taken import Taken, message_taken
from hw.lab.trace import Trace
from protocol.channel import PacketType, packet_type
from protocol.channel.ends import ServerEnd
from protocol.channel.packets import MESSAGE_4_OCTETS
from protocol.channel.ports import ServerChannelPort
from protocol.channel.schedule import OnKeys
from protocol.errors import LocalProtocolError
from protocol.keys import MachineCredential, ServerIdentity

ServerChannelMaker = Callable[[OnKeys], ServerChannelPort]


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
        by_s = self.station.now_s + within_s
        while True:
            heard = await super().hear(max(0.0, by_s - self.station.now_s))
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
            taken = await super().take(within_s)
            if one_packet or taken.name != PacketType.GREETING_1.name:
                return taken
            self.station.send_packet(self.greeting_2)

    @property
    def _records(self) -> ServerChannelPort:
        return self._channel

    def _greeted(self, packet: bytes) -> Taken | None:
        match packet_type(packet):
            case PacketType.GREETING_1 as kind:
                self.greeting_2 = self._channel.receive_greeting_1(packet)
                self._greeting_1 = packet
                return Taken(kind.name, packet)
            case PacketType.GREETING_3:
                self._channel.receive_greeting_3(packet)
                body = self._channel.prove_machine(self._credential)
                self.binding = self._channel.binding
                return message_taken(packet, body)
            case _:
                return None

    def _first_packet(self, body: bytes, said: Said | None) -> bytes:
        packet = self._channel.greeting_4(body)
        if said is None:
            return packet
        message_4 = made_by_hand(self._by_hand).message_4(said)
        return packet[:1] + message_4 + packet[1 + MESSAGE_4_OCTETS :]
