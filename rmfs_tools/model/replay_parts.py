"""Small parts of a replay: a channel that protects nothing, a memory with a fuse.

The model's configuration without a channel lets whatever was ever sent arrive at any
time. To try the real PSD below its channel, `OpenChannel` lets a packet through that
was never sealed, when the replay has said what it holds. It exists here alone.
"""

from typing import Final

from hw.nvram import MemoryNvram, PowerCutError
from protocol.channel import DoubleMachineChannel, PacketType
from protocol.channel.ends import MachineStep
from protocol.keys import MachineIdentity, ServerCredential

_PACKET_OCTETS: Final = 64


class Played:
    """Packets that nobody has sealed, with the bodies that they stand for."""

    def __init__(self) -> None:
        """Hold none."""
        self._bodies: dict[bytes, bytes] = {}

    def packet(self, body: bytes, *, first: bool) -> bytes:
        """Make a packet that an `OpenChannel` takes for `body`.

        Args:
            body: A message.
            first: It comes in place of GREETING_4.
        """
        kind = PacketType.GREETING_4 if first else PacketType.RECORD
        number = len(self._bodies).to_bytes(_PACKET_OCTETS, "big")
        packet = bytes((kind,)) + number
        self._bodies[packet] = body
        return packet

    def body(self, packet: bytes) -> bytes | None:
        """Say what a packet stands for, or None when it is a sealed one."""
        return self._bodies.get(packet)


class OpenChannel(DoubleMachineChannel):
    """The machine's end of the double, with a hole for what was played."""

    def __init__(
        self,
        identity: MachineIdentity,
        server: ServerCredential,
        seed: bytes,
        played: Played,
    ) -> None:
        """Take sealed packets, and those of `played`."""
        super().__init__(identity, server, seed)
        self._played = played

    def receive_greeting_4(self, packet: bytes) -> bytes:
        """Take GREETING_4, or what was played in its place."""
        body = self._played.body(packet)
        if body is None:
            return super().receive_greeting_4(packet)
        with self._order.call(
            "receive_greeting_4", at=MachineStep.SERVER_AWAITED, to=MachineStep.OPEN
        ):
            return body

    def open(self, packet: bytes) -> bytes:
        """Take a RECORD, or what was played in its place."""
        body = self._played.body(packet)
        return super().open(packet) if body is None else body


class FusedNvram(MemoryNvram):
    """A memory whose power can be made to fail in its next write."""

    def __init__(self, image: bytes) -> None:
        """Hold an image, with the fuse whole."""
        super().__init__(image)
        self._fused = False
        self._torn_part = 0

    def arm(self, *, torn_part: int = 0) -> None:
        """Let the power fail in the next write.

        Args:
            torn_part: Of so many parts of it the first is stored; 0 for none of it.
        """
        self._fused = True
        self._torn_part = torn_part

    def write(self, address: int, octets: bytes) -> None:
        """Write, unless the power fails.

        Raises:
            PowerCutError: It has failed, now.
        """
        if not self._fused:
            super().write(address, octets)
            return
        self._fused = False
        if self._torn_part:
            super().write(address, octets[: len(octets) // self._torn_part])
        raise PowerCutError("the power failed in a write")
