"""The place where the Department lays files out, and where ours are handed over."""

from collections.abc import Sequence
from typing import Final, Protocol

from protocol.errors import NeedsAttentionError

PART: Final = ".part"
"""Ends the name of a file that is not whole yet."""
NAMES_MAX: Final = 1_000
"""Names looked at in one session; in three windows there are a dozen."""


class RemoteError(NeedsAttentionError):
    """The Department's server did not do what was asked; it is tried again."""


class Remote(Protocol):
    """Where files lie, as one maker sees it."""

    def names(self) -> Sequence[str]:
        """Name the files that are laid out for us, at most `NAMES_MAX`.

        Raises:
            RemoteError: The server did not answer.
        """
        ...

    def read(self, name: str, octets_max: int) -> bytes:
        """Read such a file; of one that is larger, `octets_max` + 1 octets.

        Raises:
            RemoteError: There is none, or the server did not answer.
        """
        ...

    def write(self, name: str, octets: bytes) -> None:
        """Hand a file over: it is there whole under its name, or not at all.

        The same file again changes nothing.

        Raises:
            RemoteError: It was not taken, or the server did not answer.
        """
        ...
