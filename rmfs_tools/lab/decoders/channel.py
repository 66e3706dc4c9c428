"""What stands in a message of the link: packets, greetings, records, and messages."""

from functools import cache
from typing import Final

from protocol.channel import (
    DoubleMachineChannel,
    DoubleServerChannel,
    MachineChannel,
    ServerChannel,
)
from protocol.channel.packets import (
    PacketType,
    packet_content,
    packet_type,
    read_error,
    write_error,
)
from protocol.channel.records import Records
from protocol.channel.schedule import derive_keys
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.messages import Message, decode_message
from rmfs_tools.lab.decoders.parties import IDENTITY, SERVER, TRUSTED
from rmfs_tools.lab.decoders.target import Target
from rmfs_tools.lab.decoders.vectors import octets_of

_KEYS: Final = derive_keys(bytes(32))
_RECORD: Final = bytes((PacketType.RECORD,))


def _packet(octets: bytes) -> bytes:
    return packet_content(octets, packet_type(octets))


def _record(octets: bytes) -> bytes:
    """Open a record of the machine; beside the given one, one that verifies."""
    Records(_KEYS.server, _KEYS.machine).open(PacketType.RECORD, octets)
    return octets


def _records() -> list[bytes]:
    sealing = Records(_KEYS.machine, _KEYS.server)
    return [sealing.seal(PacketType.RECORD, bytes(size)) for size in (1, 64, 1024)]


def _greet_server(octets: bytes) -> None:
    """Greet a server with GREETING_1, by EDHOC."""
    ServerChannel(SERVER).receive_greeting_1(octets)


def _greet_machine(octets: bytes) -> None:
    """Answer the GREETING_1 of a machine, by EDHOC."""
    machine = MachineChannel(IDENTITY, TRUSTED)
    machine.greeting_1()
    machine.receive_greeting_2(octets)


def _name_machine(octets: bytes) -> None:
    """Say who is there by GREETING_3, by EDHOC: claimed, then proven."""
    server = ServerChannel(SERVER)
    server.receive_greeting_1(_packets("GREETING_1")[0])
    server.receive_greeting_3(octets)
    server.prove_machine(IDENTITY.credential)


def _greetings(octets: bytes) -> None:
    """Play the greetings of the double: the form alone decides.

    The first octet says which of the four is replaced by what follows.
    """
    which, packet = (octets[0] % 4, octets[1:]) if octets else (0, b"")

    _greet({which: packet})


def _greet(replaced: dict[int, bytes]) -> list[bytes]:
    """Greet with some packets replaced; give those that the ends have made."""
    made: list[bytes] = []

    def sent(honest: bytes) -> bytes:
        made.append(honest)
        return replaced.get(len(made) - 1, honest)

    machine = DoubleMachineChannel(IDENTITY, TRUSTED, b"machine")
    server = DoubleServerChannel(SERVER, b"server")
    answer = server.receive_greeting_1(sent(machine.greeting_1()))
    machine.receive_greeting_2(sent(answer))
    server.receive_greeting_3(sent(machine.greeting_3(b"statement")))
    server.prove_machine(IDENTITY.credential)
    machine.receive_greeting_4(sent(server.greeting_4(b"voucher")))
    return made


@cache
def _packets(name: str) -> list[bytes]:
    return [
        one
        for one in octets_of("chan", "channels", "packets", "packet")
        + octets_of("call", "packets", "packet")
        if one[:1] == bytes((PacketType[name],))
    ]


def _messages() -> list[bytes]:
    return octets_of("dlg", "vectors", "octets")


TARGETS: Final = (
    Target(
        "packet",
        "the type and length of a packet",
        _packet,
        lambda: [*octets_of("call", "packets", "packet"), *_packets("RECORD")],
        (RemoteProtocolError,),
        runs=20_000,
        watched=("protocol.channel",),
    ),
    Target(
        "error-packet",
        "an ERROR packet",
        read_error,
        lambda: [write_error(code) for code in ErrorCode],
        (RemoteProtocolError,),
        write_error,
        runs=20_000,
        watched=("protocol.channel",),
    ),
    Target(
        "record",
        "a sealed record",
        _record,
        _records,
        (RemoteProtocolError,),
        watched=("protocol.channel",),
    ),
    Target(
        "greeting-1",
        "GREETING_1 at a server, by EDHOC",
        _greet_server,
        lambda: _packets("GREETING_1"),
        (RemoteProtocolError,),
        runs=1_500,
        octets_max=256,
        watched=("protocol.channel", "protocol.keys"),
    ),
    Target(
        "greeting-2",
        "GREETING_2 at a machine, by EDHOC",
        _greet_machine,
        lambda: _packets("GREETING_2"),
        (RemoteProtocolError,),
        runs=1_000,
        octets_max=256,
        watched=("protocol.channel", "protocol.keys"),
    ),
    Target(
        "greeting-3",
        "GREETING_3 at a server, by EDHOC",
        _name_machine,
        lambda: _packets("GREETING_3"),
        (RemoteProtocolError,),
        runs=500,
        octets_max=1_200,
        watched=("protocol.channel", "protocol.keys"),
    ),
    Target(
        "greetings",
        "each of the four greetings, without the cryptography",
        _greetings,
        lambda: [bytes([number]) + packet for number, packet in enumerate(_greet({}))],
        (RemoteProtocolError,),
        runs=4_000,
        octets_max=1_200,
        watched=("protocol.channel",),
    ),
    Target(
        "message",
        "a message of any type",
        decode_message,
        _messages,
        (RemoteProtocolError,),
        Message.encode,
        runs=20_000,
        octets_max=1_200,
        watched=("protocol.messages", "protocol.values"),
    ),
)
