"""Channels whose handshakes are the tests' own EDHOC peer, with ephemerals from a seed.

A third channel for simulated worlds, beside the double, which protects nothing, and the
real one, which draws its own ephemerals: whole EDHOC, and the same octets in every run.
Packets, order of calls and records are the product's (`protocol.channel.ends`); the
four messages are made and verified by `edhoc_peer`, which shares nothing with lakers.

Source: SPEC.md CHAN-4 and CHAN-7.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hw.entropy import SeededEntropy
from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.errors import ErrorCode, RemoteProtocolError
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    ServerCredential,
    ServerIdentity,
    draw_scalar,
)
from protocol.values import LicenceIdentifier
from tests.witness.edhoc_peer import (
    EdhocPeerError,
    Initiator,
    Party,
    Responder,
    read_bstr,
    read_identifier,
    unseal,
)

C_I, C_R = b"\x00", b"\x01"

OnEphemeral = Callable[[bytes], None]


@contextmanager
def _peers_fault() -> Iterator[None]:
    try:
        yield
    except EdhocPeerError as error:
        raise RemoteProtocolError(
            str(error), clause="CHAN-7.8", code=ErrorCode.HANDSHAKE
        ) from error


def _machine(credential: MachineCredential, private: bytes = b"") -> Party:
    return Party(credential.kid, credential.ccs, credential.dh_point.x, private)


def _server(credential: ServerCredential, private: bytes = b"") -> Party:
    kid = bytes([credential.kid])
    return Party(kid, credential.ccs, credential.dh_point.x, private)


class PeerInitiator:
    """`InitiatorHandshake` by the tests' own peer."""

    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, ephemeral: bytes
    ) -> None:
        own = _machine(identity.credential, identity.dh_private)
        self._peer = Initiator(own, ephemeral=ephemeral, c_i=C_I)
        self._trusted = _server(server)

    def message_1(self) -> bytes:
        return self._peer.message_1

    def receive_2(self, message_2: bytes) -> tuple[bytes, bytes]:
        with _peers_fault():
            self._peer.receive_2(message_2, {self._trusted.kid: self._trusted})
            if self._peer.c_r != C_R:
                raise EdhocPeerError("C_R is not the one of FMP/1")
            message_3 = self._peer.message_3()
        return message_3, self._peer.prk_out

    def receive_4(self, message_4: bytes) -> None:
        with _peers_fault():
            self._peer.receive_4(message_4)


class PeerResponder:
    """`ResponderHandshake` by the tests' own peer."""

    def __init__(self, identity: ServerIdentity, ephemeral: bytes) -> None:
        own = _server(identity.credential, identity.dh_private)
        self._peer = Responder(own, ephemeral=ephemeral, c_r=C_R)
        self._message_3 = b""

    def receive_1(self, message_1: bytes) -> bytes:
        with _peers_fault():
            self._peer.receive_1(message_1)
            return self._peer.message_2()

    def receive_3(self, message_3: bytes) -> LicenceIdentifier:
        """Decrypt who it is said to come from; `prove` verifies it."""
        with _peers_fault():
            ciphertext_3, _ = read_bstr(message_3)
            plaintext_3 = unseal(*self._peer._key_3(), self._peer.th_3, ciphertext_3)
            kid, _ = read_identifier(plaintext_3)
        self._message_3 = message_3
        return LicenceIdentifier(kid.decode("ascii", "replace"))

    def prove(self, credential: MachineCredential) -> tuple[bytes, bytes]:
        machine = _machine(credential)
        with _peers_fault():
            self._peer.receive_3(self._message_3, {machine.kid: machine})
            return self._peer.message_4(), self._peer.prk_out


def _ignore(_ephemeral: bytes) -> None:
    """Nobody counts."""


@dataclass(frozen=True)
class PeerChannels:
    """Both ends for a simulated world; a `rmfs_tools.simulation.channels.Channels`.

    Attributes:
        on_ephemeral: Told each ephemeral scalar as it is drawn.
    """

    on_ephemeral: OnEphemeral = _ignore

    def machine(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> MachineEnd:
        return MachineEnd(PeerInitiator(identity, server, self._ephemeral(seed)))

    def server(self, identity: ServerIdentity, seed: bytes) -> ServerEnd:
        return ServerEnd(identity.realm, PeerResponder(identity, self._ephemeral(seed)))

    def _ephemeral(self, seed: bytes) -> bytes:
        ephemeral = draw_scalar(SeededEntropy(b"ephemeral of " + seed))
        self.on_ephemeral(ephemeral)
        return ephemeral
