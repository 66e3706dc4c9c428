"""Errors of the protocol, each saying whose fault it is.

`LocalProtocolError` is our own bug: the caller asked for something that the protocol
does not allow, and the code is to be mended. `RemoteProtocolError` is the peer's: it
carries the ERROR code that the peer is told (SPEC.md CHAN-9) and the clause that was
broken. Nothing that a peer sends may raise anything else.
"""

from enum import IntEnum


class ErrorCode(IntEnum):
    """Codes of the unauthenticated ERROR packet (SPEC.md CHAN-9).

    An ERROR ends the dialogue and changes nothing at either side but line counters.
    """

    MALFORMED = 1
    """A packet, record or message does not have the form that its type demands."""
    HANDSHAKE = 2
    """An EDHOC message was refused, or its keys do not prove the peer."""
    UNKNOWN_MACHINE = 3
    """The licence identifier is not enrolled here, or its credential is revoked."""
    RECORD = 4
    """A record does not verify, or its counter is not exactly the next one."""
    UNEXPECTED = 5
    """The message is well formed but has no place in this state of the dialogue."""
    STATEMENT = 6
    """The signature or the identity in a signed message does not verify."""
    TIMEOUT = 7
    """The peer did not answer within the time of this state."""
    SUPERSEDED = 8
    """A newer call of the same machine has taken over."""
    UNAVAILABLE = 9
    """The server cannot serve now (draining, overloaded, store down): dial later."""
    VERSION = 10
    """The two sides share no protocol version."""
    VOUCHER = 11
    """The voucher failed a check inside the PSD; nothing was applied."""


class RmfsError(Exception):
    """Every error that this product raises on purpose."""


class ProtocolError(RmfsError):
    """Something happened that FMP/1 does not allow."""

    def __init__(self, message: str, *, clause: str = "") -> None:
        """Say what happened and which clause of SPEC.md it breaks."""
        super().__init__(f"{message} [{clause}]" if clause else message)
        self.clause = clause


class LocalProtocolError(ProtocolError):
    """Our own code asked for something impossible: a bug to be mended."""


class RemoteProtocolError(ProtocolError):
    """The peer broke a clause; `code` is what it is told."""

    def __init__(self, message: str, *, clause: str, code: ErrorCode) -> None:
        """Say what the peer did, the clause it broke, and the ERROR it is sent."""
        super().__init__(message, clause=clause)
        self.code = code


class NoTransitionError(RmfsError):
    """A state table has no row for this state and event."""


class LinkDownError(RmfsError):
    """The line or the link ended: nobody's fault, dial again."""


class StoreError(RmfsError):
    """The database or NVRAM did not do what was asked; the outcome may be unknown."""


class InvariantError(RmfsError):
    """Money does not add up: stop this account and tell a person, never continue."""


class NeedsAttentionError(RmfsError):
    """An outside party failed, or a person must decide before work goes on."""
