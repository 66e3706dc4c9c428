"""A call in which the bench is a machine: it asks a server."""

from collections.abc import Callable

from hw.lab.conversation import Conversation, made_by_hand
from hw.lab.edhoc import HandInitiator, Said, drawn
from hw.lab.station import Station
from hw.lab.taken import Taken, message_taken
from hw.lab.trace import Trace
from protocol.channel import PacketType, packet_type
from protocol.channel.ends import MachineEnd
from protocol.channel.ports import MachineChannelPort
from protocol.channel.records import Records
from protocol.channel.schedule import OnKeys, derive_keys
from protocol.keys import MachineIdentity, ServerCredential

MachineChannelMaker = Callable[[OnKeys], MachineChannelPort]


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

    @property
    def _records(self) -> MachineChannelPort:
        return self._channel

    def _greeted(self, packet: bytes) -> Taken | None:
        match packet_type(packet):
            case PacketType.GREETING_2 as kind:
                self._channel.receive_greeting_2(packet)
                self.binding = self._channel.binding
                return Taken(kind.name, packet)
            case PacketType.GREETING_4:
                body = self._channel.receive_greeting_4(packet)
                return message_taken(packet, body)
            case _:
                return None

    def _first_packet(self, body: bytes, said: Said | None) -> bytes:
        packet = self._channel.greeting_3(body)
        if said is None:
            return packet
        message_3, prk_out = made_by_hand(self._by_hand).message_3(said)
        keys = derive_keys(prk_out)
        record = Records(keys.machine, keys.server).seal(PacketType.GREETING_3, body)
        return packet[:1] + message_3 + record
