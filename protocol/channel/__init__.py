"""The secure channel of FMP/1: who is there is proven, nobody else reads or writes.

Packets in, packets out: EDHOC in four greetings, then records. `real` is the channel of
the product, `double` a deterministic stand-in for simulations that protects nothing.
SPEC.md CHAN is the normative text.
"""

from protocol.channel.double import DoubleMachineChannel, DoubleServerChannel
from protocol.channel.packets import (
    BODY_OCTETS_MAX,
    PACKET_OCTETS_MAX,
    PacketType,
    packet_type,
    read_error,
    write_error,
)
from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.channel.real import (
    MachineChannel,
    ServerChannel,
    check_keys_may_be_told,
)
from protocol.channel.schedule import BINDING_OCTETS, ChannelKeys, OnKeys

__all__ = [
    "BINDING_OCTETS",
    "BODY_OCTETS_MAX",
    "PACKET_OCTETS_MAX",
    "ChannelKeys",
    "DoubleMachineChannel",
    "DoubleServerChannel",
    "MachineChannel",
    "MachineChannelPort",
    "OnKeys",
    "PacketType",
    "ServerChannel",
    "ServerChannelPort",
    "check_keys_may_be_told",
    "packet_type",
    "read_error",
    "write_error",
]
