"""The points at which a story is cut, and how they are listed.

- `OctetCut`: the carrier is lost after so many octets, both ways counted together.
- `WriteCut`: the power of the machine fails at a write of its NVRAM: before it, inside
  it, or after it. Inside, the octets that did not get their new value keep the old one,
  or hold anything.
- `CommitCut`: the server is killed before a transaction begins, inside it (everything
  is written, nothing committed), or after it: it is durable, and nobody was told.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hw.nvram import every_power_cut


class Kind(Enum):
    """What is cut."""

    OCTET = "octet of the line"
    WRITE = "NVRAM write"
    GARBAGE = "NVRAM write, garbage"
    COMMIT = "commit of the server"


class When(Enum):
    """Where in a transaction the server dies."""

    BEFORE = "before"
    INSIDE = "inside"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class OctetCut:
    """The carrier is lost after so many octets, both ways together."""

    octets: int

    @property
    def kind(self) -> Kind:
        """What is cut."""
        return Kind.OCTET

    @property
    def place(self) -> str:
        """Where, in a word."""
        return str(self.octets)


@dataclass(frozen=True, slots=True)
class WriteCut:
    """The power fails at a write of the NVRAM.

    Attributes:
        write: Which, from 1.
        length: Its octets.
        stored: How many of them are stored; all of them, when it fails after it.
        garbage: The others hold anything, and not what was there before.
    """

    write: int
    length: int
    stored: int
    garbage: bool = False

    @property
    def kind(self) -> Kind:
        """What is cut."""
        return Kind.GARBAGE if self.garbage else Kind.WRITE

    @property
    def place(self) -> str:
        """Where, in a word: write and octets stored."""
        return f"{self.write}.{self.stored}"


@dataclass(frozen=True, slots=True)
class CommitCut:
    """The server is killed at a commit.

    Attributes:
        commit: Which, from 1.
        job: Which job of the writer it is, from 1.
        name: What the transaction does.
        when: Where in it.
    """

    commit: int
    job: int
    name: str
    when: When

    @property
    def kind(self) -> Kind:
        """What is cut."""
        return Kind.COMMIT

    @property
    def place(self) -> str:
        """Where, in words."""
        return f"{self.when.value} {self.name}"


Cut = OctetCut | WriteCut | CommitCut


@dataclass(frozen=True, slots=True)
class Whole:
    """A story that was not cut: where it can be.

    Attributes:
        octets: Octets on the line, both ways together.
        write_lengths: Octets of each write of the NVRAM.
        commits: The job and the name of each commit of the server.
    """

    octets: int
    write_lengths: tuple[int, ...]
    commits: tuple[tuple[int, str], ...]


EVERY_FOURTH: Final = 4


def list_octet_cuts(whole: Whole, step: int) -> list[OctetCut]:
    """List the cuts of the line after every so many octets, and after the last."""
    places = set(range(0, whole.octets + 1, step)) | {whole.octets}
    return [OctetCut(octets) for octets in sorted(places)]


def list_write_cuts(whole: Whole, *, every: bool) -> Iterator[WriteCut]:
    """List the cuts of the NVRAM: first all that keep old octets, then with garbage.

    Args:
        whole: The story.
        every: Tear each write at each octet, not at its edges alone.
    """
    for garbage in (False, True):
        for cut in every_power_cut(whole.write_lengths):
            length = whole.write_lengths[cut.at_write - 1]
            stored = length if cut.torn_octets is None else cut.torn_octets
            if (every or stored in _edges(length)) and not (
                garbage and stored == length
            ):
                yield WriteCut(cut.at_write, length, stored, garbage)


def list_commit_cuts(whole: Whole) -> list[CommitCut]:
    """List the deaths of the server: three at each commit."""
    return [
        CommitCut(number, job, name, when)
        for number, (job, name) in enumerate(whole.commits, start=1)
        for when in When
    ]


def list_cuts(whole: Whole, *, every: bool, octet_step: int) -> Sequence[Cut]:
    """List every cut of a story, kind by kind.

    Args:
        whole: The story.
        every: Tear each write at each octet, and cut the line after each.
        octet_step: Else cut the line after every so many octets.
    """
    return [
        *list_octet_cuts(whole, 1 if every else octet_step),
        *list_write_cuts(whole, every=every),
        *list_commit_cuts(whole),
    ]


def _edges(length: int) -> set[int]:
    """Choose the head of a write, its middle, its checksum, and both of its ends."""
    return {0, 1, 7, 8, 40, length // 2, length - 4, length - 1, length}
