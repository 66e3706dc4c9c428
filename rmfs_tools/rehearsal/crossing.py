"""The way between a maker's server and its drop, and what may go wrong on it.

It stands where the SFTP client would: the maker's session reads and hands over through
it, the drop answers as it does over the network. A mistake strikes the next file of its
layout, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from dop_gateway.errors import GatewayError
from dop_gateway.exchange.drop import Drop
from protocol.exchange import content_hash
from rmfs_server.exchange.remote import RemoteError

_HALF: Final = 2


class Trouble(Enum):
    """What may go wrong with a file that a maker hands over."""

    TRUNCATED = "only its first half arrives, under its whole name"
    TWICE = "it is handed over a second time"
    HELD_BACK = "it is left lying until it is let go; those behind it go"
    BREAKS = "the line breaks before it has arrived, again and again"


@dataclass(frozen=True, slots=True)
class Struck:
    """A file that something went wrong with.

    Attributes:
        sha256: Of the whole file.
    """

    trouble: Trouble
    name: str
    sha256: bytes


@dataclass
class Crossing:
    """Hands files over as it is told: `rmfs_server.exchange.remote.Remote`.

    Attributes:
        drop: The maker's drop at the Department.
        is_open: Whether the line is there at all.
        troubles: What strikes next, by layout.
        struck: What was struck.
    """

    drop: Drop
    is_open: bool = True
    troubles: dict[str, Trouble] = field(default_factory=dict)
    struck: list[Struck] = field(default_factory=list)
    _held: set[str] = field(default_factory=set)
    _has_broken: bool = False

    def let_go(self) -> None:
        """Hold nothing back any more, and let the line be good."""
        self._held.clear()
        self.troubles.clear()
        self._has_broken = False

    def names(self) -> Sequence[str]:
        """Name what lies there."""
        self._check_open()
        return self.drop.names()

    def read(self, name: str, octets_max: int) -> bytes:
        """Read a file; of one that is larger, `octets_max` + 1 octets."""
        self._check_open()
        try:
            return self.drop.read(name)[: octets_max + 1]
        except GatewayError as error:
            raise RemoteError(str(error)) from error

    def write(self, name: str, octets: bytes) -> None:
        """Hand a file over, as well as the line is."""
        self._check_open()
        if name in self._held:
            return
        layout = next((one for one in self.troubles if name.startswith(f"{one}-")), "")
        trouble = self.troubles.get(layout)
        if trouble is None:
            self._hand_over(name, octets)
            return
        if trouble is Trouble.BREAKS:
            if not self._has_broken:
                self.struck.append(Struck(trouble, name, content_hash(octets)))
            self._has_broken = True
            raise RemoteError(f"the line broke before {name} had arrived")
        del self.troubles[layout]
        self.struck.append(Struck(trouble, name, content_hash(octets)))
        if trouble is Trouble.TRUNCATED:
            self._hand_over(name, octets[: len(octets) // _HALF])
        elif trouble is Trouble.TWICE:
            self._hand_over(name, octets)
            self._hand_over(name, octets)
        else:
            self._held.add(name)

    def _hand_over(self, name: str, octets: bytes) -> None:
        try:
            self.drop.write(name, octets)
        except GatewayError as error:
            raise RemoteError(str(error)) from error

    def _check_open(self) -> None:
        if not self.is_open:
            raise RemoteError("the Department's server does not answer")
