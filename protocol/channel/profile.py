"""The EDHOC messages of FMP/1 have one form each: checked before any library sees them.

Every field but the keys and ciphertexts is fixed, so a message is right or wrong by
comparing a few octets. That is worth more than tidiness: lakers 0.6.2 panics on hostile
octets (most of all on a G_X or G_Y that is no point), prints to stderr and raises what
`except Exception` misses.

::

    message_1  03 02 58 20 G_X (32) 00                      37 octets
    message_2  58 2b G_Y (32) CIPHERTEXT_2 (11)             45
    message_3  58 19 CIPHERTEXT_3 (17 + 8)                  27
    message_4  48 CIPHERTEXT_4 (8)                           9

Source: RFC 9528 sections 5.2 to 5.5; protocol/SPEC.md CHAN-4, CHAN-7.
"""

from typing import Final

from protocol.channel.packets import (
    MESSAGE_1_OCTETS,
    MESSAGE_2_OCTETS,
    MESSAGE_3_OCTETS,
    MESSAGE_4_OCTETS,
)
from protocol.errors import (
    ErrorCode,
    LocalProtocolError,
    RemoteProtocolError,
)
from protocol.keys import is_x_of_a_point
from protocol.values import LicenceIdentifier, parse_licence_identifier

C_I: Final = b"\x00"
C_R: Final = b"\x01"
"""Connection identifiers tell sessions apart; a link has only one: they are fixed."""

MESSAGE_1_HEAD: Final = b"\x03\x02\x58\x20"
"""METHOD 3 (static Diffie-Hellman on both sides), SUITES_I 2, G_X of 32 octets."""
MESSAGE_2_HEAD: Final = b"\x58\x2b"
MESSAGE_3_HEAD: Final = b"\x58\x19"
MESSAGE_4_HEAD: Final = b"\x48"

_MACHINE_ID_CRED_HEAD: Final = b"\xa1\x04\x47"
_SERVER_ID_CRED_HEAD: Final = b"\xa1\x04\x41"
_G: Final = 32


def handshake_error(what: str, clause: str) -> RemoteProtocolError:
    """Make the error for a peer's EDHOC message that is refused."""
    return RemoteProtocolError(what, clause=clause, code=ErrorCode.HANDSHAKE)


def check_message_1(message: bytes) -> None:
    """Check everything of message_1 that can be checked without a key.

    Raises:
        RemoteProtocolError: HANDSHAKE.
    """
    _check_form("message_1", message, MESSAGE_1_OCTETS, MESSAGE_1_HEAD, "CHAN-7.1")
    if message[-1:] != C_I:
        raise handshake_error("C_I of message_1 is not 00", "CHAN-7.1")
    start = len(MESSAGE_1_HEAD)
    _check_point("G_X", message[start : start + _G])


def check_message_2(message: bytes) -> None:
    """Check everything of message_2 that can be checked without a key.

    Raises:
        RemoteProtocolError: HANDSHAKE.
    """
    _check_form("message_2", message, MESSAGE_2_OCTETS, MESSAGE_2_HEAD, "CHAN-7.2")
    start = len(MESSAGE_2_HEAD)
    _check_point("G_Y", message[start : start + _G])


def check_message_3(message: bytes) -> None:
    """Check the form of message_3.

    Raises:
        RemoteProtocolError: HANDSHAKE.
    """
    _check_form("message_3", message, MESSAGE_3_OCTETS, MESSAGE_3_HEAD, "CHAN-7.3")


def check_message_4(message: bytes) -> None:
    """Check the form of message_4.

    Raises:
        RemoteProtocolError: HANDSHAKE.
    """
    _check_form("message_4", message, MESSAGE_4_OCTETS, MESSAGE_4_HEAD, "CHAN-7.4")


def check_server(c_r: bytes, id_cred_r: bytes, ead_count: int, kid: int) -> None:
    """Check what message_2 says once it is decrypted: still not authenticated.

    Raises:
        RemoteProtocolError: HANDSHAKE; it names another server than the provisioned.
    """
    if c_r != C_R:
        raise handshake_error("C_R of message_2 is not 01", "CHAN-7.5")
    if id_cred_r != _SERVER_ID_CRED_HEAD + bytes((kid,)):
        raise handshake_error("message_2 names an unknown server", "CHAN-7.5")
    if ead_count:
        raise handshake_error("message_2 carries EAD", "CHAN-7.5")


def check_machine(id_cred_i: bytes, ead_count: int) -> LicenceIdentifier:
    """Read who sent message_3 once it is decrypted: still not authenticated.

    Raises:
        RemoteProtocolError: HANDSHAKE; the kid is no licence identifier.
    """
    head = len(_MACHINE_ID_CRED_HEAD)
    if id_cred_i[:head] != _MACHINE_ID_CRED_HEAD:
        raise handshake_error("message_3 names its sender by another form", "CHAN-7.6")
    if ead_count:
        raise handshake_error("message_3 carries EAD", "CHAN-7.6")
    try:
        return parse_licence_identifier(id_cred_i[head:].decode("ascii"))
    except (UnicodeDecodeError, LocalProtocolError):
        what = "message_3 names its sender by no licence identifier"
        raise handshake_error(what, "CHAN-7.6") from None


def _check_form(
    name: str, message: bytes, length: int, head: bytes, clause: str
) -> None:
    if len(message) != length or not message.startswith(head):
        raise handshake_error(
            f"{name} is not {length} octets that begin {head.hex(' ')}", clause
        )


def _check_point(name: str, x: bytes) -> None:
    if not is_x_of_a_point(x):
        raise handshake_error(f"{name} is not a point of P-256", "CHAN-7.7")
