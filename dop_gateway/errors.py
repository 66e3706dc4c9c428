"""What the gateway refuses, by kind; what each kind is at an edge, the edge says.

A refusal tells what is wrong and what to do next. It never tells what the asker may not
know: for whoever has no business with a thing, there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.errors import RmfsError


class GatewayError(RmfsError):
    """The gateway does not do what it was asked."""


class NotSignedInError(GatewayError):
    """Nobody asks, or somebody whose session is over."""


class NotAllowedError(GatewayError):
    """Whoever asks has no role that may do this."""


class SamePersonError(NotAllowedError):
    """Somebody else has to do this: who made it may not also approve it (GW-03)."""


class NotFoundError(GatewayError):
    """There is no such thing, or none within the reach of whoever asks."""


class ConflictError(GatewayError):
    """The thing is not in a state in which this can be done; nothing was changed."""


class KeyUsedError(GatewayError):
    """The request came with a key that another request came with before."""


class TooManyError(GatewayError):
    """Asked too often.

    Attributes:
        retry_after_s: When it is worth asking again.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        """Say what was too often, and for how long."""
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class FieldFinding:
    """What is wrong with one field.

    Attributes:
        pointer: JSON pointer to it, as in ``/amount``.
        code: Stable, for programs: ``too_small``.
        words: For people.
    """

    pointer: str
    code: str
    words: str


class InvalidError(GatewayError):
    """Fields are wrong; all that is wrong with them is told at once."""

    def __init__(self, findings: Sequence[FieldFinding]) -> None:
        """Say what is wrong, field by field."""
        first = findings[0]
        super().__init__(f"{first.pointer}: {first.words}")
        self.findings = tuple(findings)
