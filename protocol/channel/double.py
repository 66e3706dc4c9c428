"""A deterministic stand-in for the channel, for millions of simulated dialogues.

IT PROTECTS NOTHING: its keys are hashes of what anybody on the line can read. It keeps
everything else: packets of the same sizes and heads, real records, the same order of
calls, the same errors when a peer is not who it should be or an octet is changed. What
is random in EDHOC comes from a seed, so the same seeds give the same octets.

The product never constructs it; simulations name it where they build their parts.
"""

from hashlib import sha256
from typing import Final

from protocol.channel.ends import MachineEnd, ServerEnd
from protocol.channel.packets import (
    MESSAGE_1_OCTETS,
    MESSAGE_2_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
)
from protocol.channel.profile import (
    C_I,
    C_R,
    MESSAGE_1_HEAD,
    MESSAGE_2_HEAD,
    MESSAGE_3_HEAD,
    MESSAGE_4_HEAD,
    check_machine,
    check_message_3,
    check_message_4,
    check_server,
    handshake_error,
)
from protocol.errors import LocalProtocolError
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    ServerCredential,
    ServerIdentity,
)
from protocol.values import LicenceIdentifier

_MAC: Final = 8
_CLAUSE: Final = "CHAN-7.8"


class DoubleMachineChannel(MachineEnd):
    """`MachineChannelPort` without secrets; `seed` stands for the ephemeral key.

    Raises:
        LocalProtocolError: Machine and server are of different realms.
    """

    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> None:
        if identity.realm is not server.realm:
            raise LocalProtocolError(
                "machine and server are of different realms", clause="KEY-2.2"
            )
        super().__init__(_DoubleInitiator(identity, server, seed))


class DoubleServerChannel(ServerEnd):
    """`ServerChannelPort` without secrets; `seed` stands for the ephemeral key."""

    def __init__(self, identity: ServerIdentity, seed: bytes) -> None:
        super().__init__(identity.realm, _DoubleResponder(identity, seed))


class _DoubleInitiator:
    def __init__(
        self, identity: MachineIdentity, server: ServerCredential, seed: bytes
    ) -> None:
        self._identity = identity
        self._server = server
        self._message_1 = MESSAGE_1_HEAD + _hash("machine", seed) + C_I
        self._message_4 = b""

    def message_1(self) -> bytes:
        return self._message_1

    def receive_2(self, message_2: bytes) -> tuple[bytes, bytes]:
        head = len(MESSAGE_2_HEAD) + 32
        if len(message_2) != MESSAGE_2_OCTETS or message_2[:2] != MESSAGE_2_HEAD:
            raise handshake_error("message_2 has another form", "CHAN-7.2")
        c_r, kid = message_2[head : head + 1], message_2[head + 1 : head + 2]
        check_server(c_r, b"\xa1\x04\x41" + kid, 0, self._server.kid)
        before, mac = message_2[:-_MAC], message_2[-_MAC:]
        if mac != _mac_2(self._message_1, before, self._server):
            raise handshake_error("the double refused message_2", _CLAUSE)
        transcript = self._message_1 + message_2
        message_3 = _message_3(transcript, self._identity.credential)
        self._message_4, prk_out = _finish(transcript, message_3)
        return message_3, prk_out

    def receive_4(self, message_4: bytes) -> None:
        check_message_4(message_4)
        if message_4 != self._message_4:
            raise handshake_error("the double refused message_4", _CLAUSE)


class _DoubleResponder:
    def __init__(self, identity: ServerIdentity, seed: bytes) -> None:
        self._server = identity.credential
        self._seed = seed
        self._transcript = b""
        self._message_3 = b""

    def receive_1(self, message_1: bytes) -> bytes:
        # Only the point is not checked: it is a hash here.
        if (
            len(message_1) != MESSAGE_1_OCTETS
            or not message_1.startswith(MESSAGE_1_HEAD)
            or message_1[-1:] != C_I
        ):
            raise handshake_error("message_1 has another form", "CHAN-7.1")
        before = b"".join(
            (
                MESSAGE_2_HEAD,
                _hash("server", self._seed),
                C_R,
                bytes((self._server.kid, 0x48)),
            )
        )
        message_2 = before + _mac_2(message_1, before, self._server)
        self._transcript = message_1 + message_2
        return message_2

    def receive_3(self, message_3: bytes) -> LicenceIdentifier:
        check_message_3(message_3)
        before, mac = message_3[:-_MAC], message_3[-_MAC:]
        if mac != _hash("tag", self._transcript, before)[:_MAC]:
            raise handshake_error("the double refused message_3", _CLAUSE)
        self._message_3 = message_3
        return check_machine(b"\xa1\x04" + message_3[2:10], 0)

    def prove(self, credential: MachineCredential) -> tuple[bytes, bytes]:
        if self._message_3 != _message_3(self._transcript, credential):
            raise handshake_error("the double refused message_3", _CLAUSE)
        return _finish(self._transcript, self._message_3)


def _hash(purpose: str, *parts: bytes) -> bytes:
    return sha256(b"\x00".join((b"FMP/1 double", purpose.encode(), *parts))).digest()


def _mac_2(message_1: bytes, before: bytes, server: ServerCredential) -> bytes:
    return _hash("mac 2", message_1, before, server.ccs)[:_MAC]


def _message_3(transcript: bytes, machine: MachineCredential) -> bytes:
    mac_3 = _hash("mac 3", transcript, machine.ccs)[:_MAC]
    before = MESSAGE_3_HEAD + b"\x47" + machine.kid + b"\x48" + mac_3
    message_3 = before + _hash("tag", transcript, before)[:_MAC]
    if len(message_3) != MESSAGE_3_OCTETS:
        raise LocalProtocolError("the double made a message_3 of another length")
    return message_3


def _finish(transcript: bytes, message_3: bytes) -> tuple[bytes, bytes]:
    prk_out = _hash("prk out", transcript, message_3)
    message_4 = MESSAGE_4_HEAD + _hash("mac 4", prk_out)[: MESSAGE_4_OCTETS - 1]
    return message_4, prk_out
