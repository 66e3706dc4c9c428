"""EDHOC through lakers: the only file that knows the library.

lakers draws its own ephemeral keys (the one exception to injected randomness), and on
hostile octets it may panic: a PanicException is a BaseException. The checks of
`profile` stand before it; what it still raises becomes the peer's error in
`_PeersFault`, the one place where BaseException is caught.

Source: lakers-python 0.6.2; protocol/SPEC.md CHAN-4, CHAN-7.
"""

from types import TracebackType
from typing import Final

import lakers

from protocol.channel.profile import (
    C_I,
    C_R,
    check_machine,
    check_message_1,
    check_message_2,
    check_message_3,
    check_message_4,
    check_server,
    handshake_error,
)
from protocol.errors import RmfsError
from protocol.keys import (
    MachineCredential,
    MachineIdentity,
    ServerCredential,
    ServerIdentity,
)
from protocol.values import LicenceIdentifier

_NOT_THE_PEERS: Final = (
    RmfsError,
    KeyboardInterrupt,
    SystemExit,
    GeneratorExit,
    MemoryError,
)


class LakersInitiator:
    """`InitiatorHandshake` by lakers."""

    def __init__(self, identity: MachineIdentity, server: ServerCredential) -> None:
        """Bind the identity; the ephemeral key is drawn by `message_1`."""
        self._identity = identity
        self._server = server

    def message_1(self) -> bytes:
        """Make message_1."""
        self._edhoc = lakers.EdhocInitiator()
        return bytes(self._edhoc.prepare_message_1(C_I))

    def receive_2(self, message_2: bytes) -> tuple[bytes, bytes]:
        """Verify message_2; message_3 and PRK_out come back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        check_message_2(message_2)
        with _MESSAGE_2:
            c_r, id_cred_r, ead = self._edhoc.parse_message_2(message_2)
            check_server(bytes(c_r), bytes(id_cred_r), len(ead), self._server.kid)
            self._edhoc.verify_message_2(
                self._identity.dh_private,
                lakers.Credential(self._identity.ccs),
                lakers.Credential(self._server.ccs),
            )
            message_3, prk_out = self._edhoc.prepare_message_3(
                lakers.CredentialTransfer.ByReference
            )
        return bytes(message_3), bytes(prk_out)

    def receive_4(self, message_4: bytes) -> None:
        """Verify message_4.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        check_message_4(message_4)
        with _MESSAGE_4:
            ead = self._edhoc.process_message_4(message_4)
        if ead:
            raise handshake_error("message_4 carries EAD", "CHAN-7.4")


class LakersResponder:
    """`ResponderHandshake` by lakers."""

    def __init__(self, identity: ServerIdentity) -> None:
        """Bind the identity; the ephemeral key is drawn once message_1 looks right."""
        self._identity = identity

    def receive_1(self, message_1: bytes) -> bytes:
        """Check message_1; message_2 comes back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        check_message_1(message_1)
        self._edhoc = lakers.EdhocResponder(
            self._identity.dh_private, lakers.Credential(self._identity.ccs)
        )
        with _MESSAGE_1:
            _, ead = self._edhoc.process_message_1(message_1)
            message_2 = self._edhoc.prepare_message_2(
                lakers.CredentialTransfer.ByReference, C_R
            )
        if ead:
            raise handshake_error("message_1 carries EAD", "CHAN-7.1")
        return bytes(message_2)

    def receive_3(self, message_3: bytes) -> LicenceIdentifier:
        """Decrypt message_3; the claimed sender comes back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        check_message_3(message_3)
        with _MESSAGE_3:
            id_cred_i, ead = self._edhoc.parse_message_3(message_3)
        return check_machine(bytes(id_cred_i), len(ead))

    def prove(self, credential: MachineCredential) -> tuple[bytes, bytes]:
        """Verify message_3 by a credential; message_4 and PRK_out come back.

        Raises:
            RemoteProtocolError: HANDSHAKE.
        """
        with _MESSAGE_3:
            prk_out = self._edhoc.verify_message_3(lakers.Credential(credential.ccs))
            message_4 = self._edhoc.prepare_message_4()
        return bytes(message_4), bytes(prk_out)


class _PeersFault:
    """Turns whatever lakers raises about a peer's message into the peer's error."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, _NOT_THE_PEERS):
            return
        # Only the kind is shown: what a panic says was never reviewed for secrets.
        what = f"EDHOC refused {self._name}: {type(error).__name__}"
        raise handshake_error(what, "CHAN-7.8") from error


_MESSAGE_1: Final = _PeersFault("message_1")
_MESSAGE_2: Final = _PeersFault("message_2")
_MESSAGE_3: Final = _PeersFault("message_3")
_MESSAGE_4: Final = _PeersFault("message_4")
