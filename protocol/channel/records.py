"""Records: AES-CCM-16-64-128 with a strictly sequential counter per direction.

::

    record = counter (2 octets) | ciphertext (as long as the body) | tag (8 octets)
    nonce  = IV of the direction XOR counter, right-aligned in 13 octets
    AAD    = packet type octet | counter (2 octets)

The link delivers in order and without loss, so the next counter is exactly the last one
plus one; anything else is an attack or a bug and ends the channel. A counter is never
used twice: after 65535 the channel can send no more (a dialogue uses fewer than ten).

Source: RFC 9053 section 4.2 (AES-CCM-16-64-128); protocol/SPEC.md CHAN-6.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

from protocol.channel.packets import (
    BODY_OCTETS_MAX,
    COUNTER_OCTETS,
    RECORD_OCTETS_MAX,
    RECORD_OCTETS_MIN,
    TAG_OCTETS,
    PacketType,
)
from protocol.channel.schedule import IV_OCTETS, DirectionKeys
from protocol.errors import ErrorCode, LocalProtocolError, RemoteProtocolError

COUNTER_MAX: Final = 0xFFFF


class Records:
    """The records of one channel, both directions, seen from one end."""

    def __init__(self, sending: DirectionKeys, receiving: DirectionKeys) -> None:
        """Start both counters at 0."""
        self._sending = AESCCM(sending.key, tag_length=TAG_OCTETS)
        self._sending_iv = int.from_bytes(sending.iv, "big")
        self._send_next = 0
        self._receiving = AESCCM(receiving.key, tag_length=TAG_OCTETS)
        self._receiving_iv = int.from_bytes(receiving.iv, "big")
        self._receive_next = 0

    def seal(self, packet_type: PacketType, body: bytes) -> bytes:
        """Make the next record of this end.

        Raises:
            LocalProtocolError: The body is empty or longer than 1024 octets, or the
                counters of this channel are used up.
        """
        if not 0 < len(body) <= BODY_OCTETS_MAX:
            message = (
                f"a record body has 1 to {BODY_OCTETS_MAX} octets, not {len(body)}"
            )
            raise LocalProtocolError(message, clause="CHAN-6.2")
        if self._send_next > COUNTER_MAX:
            raise LocalProtocolError("the counters are used up", clause="CHAN-6.4")
        counter = self._send_next.to_bytes(COUNTER_OCTETS, "big")
        nonce = (self._sending_iv ^ self._send_next).to_bytes(IV_OCTETS, "big")
        # The counter moves before the key is used: no failure can use it twice.
        self._send_next += 1
        return counter + self._sending.encrypt(
            nonce, body, bytes((packet_type,)) + counter
        )

    def open(self, packet_type: PacketType, record: bytes) -> bytes:
        """Take the next record of the other end.

        Raises:
            RemoteProtocolError: MALFORMED for a wrong length, RECORD for a counter that
                is not the next one or a tag that does not verify.
        """
        if not RECORD_OCTETS_MIN <= len(record) <= RECORD_OCTETS_MAX:
            raise RemoteProtocolError(
                f"a record has {len(record)} octets",
                clause="CHAN-6.2",
                code=ErrorCode.MALFORMED,
            )
        counter, sealed = record[:COUNTER_OCTETS], record[COUNTER_OCTETS:]
        number = int.from_bytes(counter, "big")
        if number != self._receive_next:
            raise RemoteProtocolError(
                f"record {number} came where {self._receive_next} belongs",
                clause="CHAN-6.4",
                code=ErrorCode.RECORD,
            )
        nonce = (self._receiving_iv ^ number).to_bytes(IV_OCTETS, "big")
        try:
            body = self._receiving.decrypt(
                nonce, sealed, bytes((packet_type,)) + counter
            )
        except InvalidTag:
            raise RemoteProtocolError(
                f"record {number} does not verify",
                clause="CHAN-6.3",
                code=ErrorCode.RECORD,
            ) from None
        self._receive_next += 1
        return body
