"""Which channel a world runs on.

The double keeps sizes, order, errors and records of the real channel and protects
nothing; it draws nothing of its own, so that a run is the same octet for octet. The
real one draws its own ephemeral keys: money is the same, octets are not.
"""

from dataclasses import dataclass
from typing import Protocol

from protocol.channel import MachineChannel, ServerChannel
from protocol.channel.double import DoubleMachineChannel, DoubleServerChannel
from protocol.channel.ports import MachineChannelPort, ServerChannelPort
from protocol.keys import MachineIdentity, ServerCredential, ServerIdentity


class Channels(Protocol):
    """Makes both ends of channels."""

    def machine(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> MachineChannelPort:
        """Make a machine's end; `seed` stands for what it would draw."""
        ...

    def server(self, identity: ServerIdentity, seed: bytes) -> ServerChannelPort:
        """Make a server's end; `seed` stands for what it would draw."""
        ...


@dataclass(frozen=True)
class DoubleChannels:
    """The double's."""

    def machine(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> MachineChannelPort:
        """Make a machine's end."""
        return DoubleMachineChannel(identity, server, seed)

    def server(self, identity: ServerIdentity, seed: bytes) -> ServerChannelPort:
        """Make a server's end."""
        return DoubleServerChannel(identity, seed)


@dataclass(frozen=True)
class RealChannels:
    """The product's own, which draw their ephemeral keys themselves."""

    def machine(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> MachineChannelPort:
        """Make a machine's end; the seed is of no use to it."""
        return MachineChannel(identity, server)

    def server(self, identity: ServerIdentity, seed: bytes) -> ServerChannelPort:
        """Make a server's end; the seed is of no use to it."""
        return ServerChannel(identity)
