"""Ports of the channel: what a dialogue needs, and what a channel needs of EDHOC.

`MachineChannelPort` and `ServerChannelPort` are what the rest of the product sees; the
real channel and the deterministic double both are one. `InitiatorHandshake` and
`ResponderHandshake` are the seam below: four messages in, PRK_out out.
"""

from typing import Protocol

from protocol.keys import MachineCredential
from protocol.values import LicenceIdentifier


class MachineChannelPort(Protocol):
    """The machine's end of a channel; every call once and in this order, then records.

    A call out of order raises `LocalProtocolError`, anything wrong from the peer
    `RemoteProtocolError`; after either the channel is dead and every call raises.
    """

    def greeting_1(self) -> bytes:
        """Make packet GREETING_1."""
        ...

    def receive_greeting_2(self, packet: bytes) -> None:
        """Take GREETING_2: the server named itself and computed with its key."""
        ...

    @property
    def binding(self) -> bytes:
        """32 octets of this channel alone, after `receive_greeting_2`; never sent."""
        ...

    def greeting_3(self, body: bytes) -> bytes:
        """Make packet GREETING_3 around the first message body."""
        ...

    def receive_greeting_4(self, packet: bytes) -> bytes:
        """Take GREETING_4: the server is proven; its first message body comes back."""
        ...

    def seal(self, body: bytes) -> bytes:
        """Make a RECORD packet."""
        ...

    def open(self, packet: bytes) -> bytes:
        """Take a RECORD packet: its message body."""
        ...


class ServerChannelPort(Protocol):
    """The server's end of a channel; rules as at `MachineChannelPort`."""

    def receive_greeting_1(self, packet: bytes) -> bytes:
        """Take GREETING_1 and make GREETING_2."""
        ...

    def receive_greeting_3(self, packet: bytes) -> LicenceIdentifier:
        """Take GREETING_3: who the sender says it is, not yet proven."""
        ...

    def prove_machine(self, credential: MachineCredential) -> bytes:
        """Prove the sender of GREETING_3 by its enrolled credential: the first body."""
        ...

    @property
    def binding(self) -> bytes:
        """32 octets of this channel alone, after `prove_machine`; never sent."""
        ...

    def greeting_4(self, body: bytes) -> bytes:
        """Make packet GREETING_4 around the first message body."""
        ...

    def seal(self, body: bytes) -> bytes:
        """Make a RECORD packet."""
        ...

    def open(self, packet: bytes) -> bytes:
        """Take a RECORD packet: its message body."""
        ...


class InitiatorHandshake(Protocol):
    """EDHOC as the machine runs it, bound to its identity and its server."""

    def message_1(self) -> bytes:
        """Make message_1."""
        ...

    def receive_2(self, message_2: bytes) -> tuple[bytes, bytes]:
        """Verify message_2; message_3 and PRK_out come back."""
        ...

    def receive_4(self, message_4: bytes) -> None:
        """Verify message_4."""
        ...


class ResponderHandshake(Protocol):
    """EDHOC as the server runs it, bound to its identity."""

    def receive_1(self, message_1: bytes) -> bytes:
        """Check message_1; message_2 comes back."""
        ...

    def receive_3(self, message_3: bytes) -> LicenceIdentifier:
        """Decrypt message_3; the claimed sender comes back."""
        ...

    def prove(self, credential: MachineCredential) -> tuple[bytes, bytes]:
        """Verify message_3 by a credential; message_4 and PRK_out come back."""
        ...
