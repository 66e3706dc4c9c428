"""What can go wrong with an HSM, by what is to be done about it."""

from protocol.errors import InvariantError, NeedsAttentionError


class HsmError(NeedsAttentionError):
    """The HSM did not do what was asked: nothing was signed, ask again later.

    Whoever needs a signature is told to come again; who needs none is served.
    """


class HsmPinError(HsmError):
    """The PIN was refused, or may not be tried: a person must look before it is."""


class HsmWrongKeyError(InvariantError):
    """A signature came back that the public half does not verify: another key signs."""
