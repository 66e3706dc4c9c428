"""What the protocol needs from outside, as ports: it has no randomness of its own."""

from typing import Protocol


class Entropy(Protocol):
    """Source of octets that nobody can guess."""

    def octets(self, count: int) -> bytes:
        """Draw `count` fresh octets."""
        ...
