"""Both ends of the channel over any handshake: packets, order of calls, records.

Sans-I/O: packets in, packets out. Nothing here knows lakers; `MachineChannel` and
`ServerChannel` bring it, the double brings something else.

Source: protocol/SPEC.md CHAN-8.
"""

from enum import Enum, auto

from protocol.channel.order import CallOrder
from protocol.channel.packets import (
    G_X_AT,
    G_X_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
    PacketType,
    packet_content,
)
from protocol.channel.ports import InitiatorHandshake, ResponderHandshake
from protocol.channel.records import Records
from protocol.channel.schedule import OnKeys, derive_keys
from protocol.errors import LocalProtocolError
from protocol.keys import MachineCredential, Realm
from protocol.values import LicenceIdentifier


class MachineStep(Enum):
    """Where the machine's end stands."""

    NEW = auto()
    GREETED = auto()
    SERVER_NAMED = auto()
    SERVER_AWAITED = auto()
    OPEN = auto()


class ServerStep(Enum):
    """Where the server's end stands."""

    NEW = auto()
    ANSWERED = auto()
    MACHINE_NAMED = auto()
    MACHINE_PROVEN = auto()
    OPEN = auto()


class MachineEnd:
    """`MachineChannelPort` over a handshake."""

    def __init__(
        self, handshake: InitiatorHandshake, on_keys: OnKeys | None = None
    ) -> None:
        """Stand before GREETING_1."""
        self._handshake = handshake
        self._on_keys = on_keys
        self._g_x = b""
        self._order = CallOrder(MachineStep.NEW)
        self._message_3 = b""
        self._records: Records | None = None
        self._binding = b""

    def greeting_1(self) -> bytes:
        """Make packet GREETING_1: 38 octets."""
        with self._order.call("greeting_1", at=MachineStep.NEW, to=MachineStep.GREETED):
            message_1 = self._handshake.message_1()
            self._g_x = _g_x(message_1)
            return _packet(PacketType.GREETING_1, message_1)

    def receive_greeting_2(self, packet: bytes) -> None:
        """Take GREETING_2 and verify the server by its provisioned credential.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED or HANDSHAKE.
        """
        with self._order.call(
            "receive_greeting_2", at=MachineStep.GREETED, to=MachineStep.SERVER_NAMED
        ):
            message_2 = packet_content(packet, PacketType.GREETING_2)
            self._message_3, prk_out = self._handshake.receive_2(message_2)
            keys = derive_keys(prk_out)
            if self._on_keys is not None:
                self._on_keys(self._g_x, keys)
            self._records = Records(keys.machine, keys.server)
            self._binding = keys.binding

    @property
    def binding(self) -> bytes:
        """32 octets of this channel alone, after `receive_greeting_2`; never sent."""
        if self._order.dead or not self._binding:
            raise self._order.refuse("binding")
        return self._binding

    def greeting_3(self, body: bytes) -> bytes:
        """Make packet GREETING_3: message_3 and the first record.

        Raises:
            LocalProtocolError: The body is empty or longer than 1024 octets.
        """
        with self._order.call(
            "greeting_3", at=MachineStep.SERVER_NAMED, to=MachineStep.SERVER_AWAITED
        ):
            record = self._opened().seal(PacketType.GREETING_3, body)
            return _packet(PacketType.GREETING_3, self._message_3 + record)

    def receive_greeting_4(self, packet: bytes) -> bytes:
        """Take GREETING_4: the server is proven, and its first body comes back.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED, HANDSHAKE or RECORD.
        """
        with self._order.call(
            "receive_greeting_4", at=MachineStep.SERVER_AWAITED, to=MachineStep.OPEN
        ):
            content = packet_content(packet, PacketType.GREETING_4)
            self._handshake.receive_4(content[:MESSAGE_4_OCTETS])
            record = content[MESSAGE_4_OCTETS:]
            return self._opened().open(PacketType.GREETING_4, record)

    def seal(self, body: bytes) -> bytes:
        """Make a RECORD packet.

        Raises:
            LocalProtocolError: The body has a wrong length, or no counter is left.
        """
        with self._order.call("seal", at=MachineStep.OPEN, to=MachineStep.OPEN):
            return _packet(
                PacketType.RECORD, self._opened().seal(PacketType.RECORD, body)
            )

    def open(self, packet: bytes) -> bytes:
        """Take a RECORD packet: its message body.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED or RECORD.
        """
        with self._order.call("open", at=MachineStep.OPEN, to=MachineStep.OPEN):
            record = packet_content(packet, PacketType.RECORD)
            return self._opened().open(PacketType.RECORD, record)

    def _opened(self) -> Records:
        if self._records is None:
            raise self._order.refuse("a record")
        return self._records


class ServerEnd:
    """`ServerChannelPort` over a handshake."""

    def __init__(
        self,
        realm: Realm,
        handshake: ResponderHandshake,
        on_keys: OnKeys | None = None,
    ) -> None:
        """Stand before GREETING_1."""
        self._realm = realm
        self._on_keys = on_keys
        self._g_x = b""
        self._handshake = handshake
        self._order = CallOrder(ServerStep.NEW)
        self._claimed: LicenceIdentifier | None = None
        self._first_record = b""
        self._message_4 = b""
        self._records: Records | None = None
        self._binding = b""

    def receive_greeting_1(self, packet: bytes) -> bytes:
        """Take GREETING_1 and make GREETING_2: 46 octets.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED or HANDSHAKE.
        """
        with self._order.call(
            "receive_greeting_1", at=ServerStep.NEW, to=ServerStep.ANSWERED
        ):
            message_1 = packet_content(packet, PacketType.GREETING_1)
            self._g_x = _g_x(message_1)
            return _packet(PacketType.GREETING_2, self._handshake.receive_1(message_1))

    def receive_greeting_3(self, packet: bytes) -> LicenceIdentifier:
        """Take GREETING_3: who the sender says it is. Anybody can say that.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED or HANDSHAKE.
        """
        with self._order.call(
            "receive_greeting_3", at=ServerStep.ANSWERED, to=ServerStep.MACHINE_NAMED
        ):
            content = packet_content(packet, PacketType.GREETING_3)
            claimed = self._handshake.receive_3(content[:MESSAGE_3_OCTETS])
            self._claimed = claimed
            self._first_record = content[MESSAGE_3_OCTETS:]
            return claimed

    def prove_machine(self, credential: MachineCredential) -> bytes:
        """Prove the sender by its enrolled credential, and open its first record.

        Raises:
            LocalProtocolError: The credential is another machine's or another realm's.
            RemoteProtocolError: HANDSHAKE or RECORD.
        """
        with self._order.call(
            "prove_machine", at=ServerStep.MACHINE_NAMED, to=ServerStep.MACHINE_PROVEN
        ):
            if credential.licence_identifier != self._claimed:
                raise LocalProtocolError(
                    "the credential is of another machine than message_3 names",
                    clause="CHAN-8.4",
                )
            if credential.realm is not self._realm:
                raise LocalProtocolError(
                    "the credential is of another realm than this server",
                    clause="KEY-2.2",
                )
            self._message_4, prk_out = self._handshake.prove(credential)
            keys = derive_keys(prk_out)
            if self._on_keys is not None:
                self._on_keys(self._g_x, keys)
            self._records = Records(keys.server, keys.machine)
            body = self._records.open(PacketType.GREETING_3, self._first_record)
            self._binding = keys.binding
            return body

    @property
    def binding(self) -> bytes:
        """32 octets of this channel alone, after `prove_machine`; never sent."""
        if self._order.dead or not self._binding:
            raise self._order.refuse("binding")
        return self._binding

    def greeting_4(self, body: bytes) -> bytes:
        """Make packet GREETING_4: message_4 and the first record.

        Raises:
            LocalProtocolError: The body is empty or longer than 1024 octets.
        """
        with self._order.call(
            "greeting_4", at=ServerStep.MACHINE_PROVEN, to=ServerStep.OPEN
        ):
            record = self._opened().seal(PacketType.GREETING_4, body)
            return _packet(PacketType.GREETING_4, self._message_4 + record)

    def seal(self, body: bytes) -> bytes:
        """Make a RECORD packet.

        Raises:
            LocalProtocolError: The body has a wrong length, or no counter is left.
        """
        with self._order.call("seal", at=ServerStep.OPEN, to=ServerStep.OPEN):
            return _packet(
                PacketType.RECORD, self._opened().seal(PacketType.RECORD, body)
            )

    def open(self, packet: bytes) -> bytes:
        """Take a RECORD packet: its message body.

        Raises:
            RemoteProtocolError: UNEXPECTED, MALFORMED or RECORD.
        """
        with self._order.call("open", at=ServerStep.OPEN, to=ServerStep.OPEN):
            record = packet_content(packet, PacketType.RECORD)
            return self._opened().open(PacketType.RECORD, record)

    def _opened(self) -> Records:
        if self._records is None:
            raise self._order.refuse("a record")
        return self._records


def _g_x(message_1: bytes) -> bytes:
    return message_1[G_X_AT : G_X_AT + G_X_OCTETS]


def _packet(packet_type: PacketType, content: bytes) -> bytes:
    return bytes((packet_type,)) + content
