"""Which of what is pending survives: choices for one moment of a power failure.

None of it; all of it; all of it with the last write torn, where a sector ends and
inside one; seeded choices of whole writes and of single sectors, in any order. Where
little is pending, all subsets of it there are.

Source: reliability notes, section 4.1.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from protocol.ports import Entropy
from rmfs_tools.simulation.ledger_file.disk import Data, Disk
from rmfs_tools.simulation.ledger_file.record import Write

SECTOR_OCTETS: Final = 512
ALL_SUBSETS_OF: Final = 4
"""Up to so many pending writes and truncates, every subset is looked at."""

_NAMES_ALL: Final = 3
_CUT_NEWEST: Final = 128
"""More is never pending where commits are synced; without syncs it would take hours."""
_HALF: Final = 128
_MOST: Final = 224
"""Chances to survive, of 256."""

Pending = tuple[int, Data]
"""A write or truncate, with the number of its operation."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """One choice.

    Attributes:
        kind: What it is, in a word or two.
        names_kept: So many of the pending names.
        kept: What is left of the pending writes and truncates, with their numbers.
    """

    kind: str
    names_kept: int
    kept: tuple[Pending, ...]

    @property
    def key(self) -> tuple[object, ...] | None:
        """Tell it from other choices over the same durable octets; None: it is alone.

        Only what leaves little can come a second time, at a later moment.
        """
        if len(self.kept) > ALL_SUBSETS_OF:
            return None
        pieces = tuple(
            (number, one.offset, len(one.octets)) if isinstance(one, Write) else number
            for number, one in self.kept
        )
        return self.names_kept, pieces


def survivors(disk: Disk, entropy: Entropy, subsets: int) -> Iterator[Survivor]:
    """Choose what may be left of what is pending.

    Args:
        disk: As it is when the power fails.
        entropy: Draws subsets and places to tear at.
        subsets: How many choices to draw where more is pending than all subsets of.
    """
    pending = tuple(disk.data)
    for kind, torn in _torn(pending, entropy):
        yield Survivor(kind, len(disk.names), torn)
    for names in _names(len(disk.names), entropy):
        yield Survivor("none", names, ())
        if not pending:
            continue
        yield Survivor("all", names, pending)
        if len(pending) <= ALL_SUBSETS_OF:
            # None and all are there already.
            for chosen in range(1, 2 ** len(pending) - 1):
                kept = (one for bit, one in enumerate(pending) if chosen >> bit & 1)
                yield Survivor("subset", names, tuple(kept))
    if len(pending) > ALL_SUBSETS_OF:
        for number in range(subsets):
            names = entropy.octets(1)[0] % (len(disk.names) + 1)
            kind, drawn = _DRAWN[number % len(_DRAWN)]
            yield Survivor(kind, names, drawn(pending, entropy))


def _names(pending: int, entropy: Entropy) -> Sequence[int]:
    """Choose how many changes of the folder survive."""
    if pending <= _NAMES_ALL:
        return range(pending + 1)
    return (0, 1 + _draw(entropy, pending - 1), pending)


def _drawn(
    pending: Sequence[Pending], entropy: Entropy, below: int
) -> tuple[Pending, ...]:
    """Keep each with a chance of ``below / 256``."""
    drawn = entropy.octets(len(pending))
    return tuple(
        one for one, octet in zip(pending, drawn, strict=True) if octet < below
    )


def _half(pending: Sequence[Pending], entropy: Entropy) -> tuple[Pending, ...]:
    return _drawn(pending, entropy, _HALF)


def _most_and_torn(pending: Sequence[Pending], entropy: Entropy) -> tuple[Pending, ...]:
    most = _drawn(pending, entropy, _MOST)
    torn = [kept for _, kept in _torn(most, entropy)]
    return torn[-1] if torn else most


def _half_the_sectors(
    pending: Sequence[Pending], entropy: Entropy
) -> tuple[Pending, ...]:
    return _drawn(_sectors(pending), entropy, _HALF)


def _most_sectors(pending: Sequence[Pending], entropy: Entropy) -> tuple[Pending, ...]:
    return _drawn(_sectors(pending), entropy, _MOST)


_DRAWN: Final[
    tuple[tuple[str, Callable[[Sequence[Pending], Entropy], tuple[Pending, ...]]], ...]
] = (
    ("half", _half),
    ("most, torn", _most_and_torn),
    ("half the sectors", _half_the_sectors),
    ("most sectors", _most_sectors),
)


def _sectors(pending: Sequence[Pending]) -> list[Pending]:
    """Cut the newest writes where their sectors end; what is older stays whole."""
    older = max(0, len(pending) - _CUT_NEWEST)
    pieces = list(pending[:older])
    for number, one in pending[older:]:
        if not isinstance(one, Write):
            pieces.append((number, one))
            continue
        edges = [0, *_edges(one), len(one.octets)]
        for first, last in pairwise(edges):
            piece = Write(one.file, one.offset + first, one.octets[first:last])
            pieces.append((number, piece))
    return pieces


def _edges(write: Write) -> range:
    """Give the places inside a write where a sector ends, counted from its start."""
    first = -write.offset % SECTOR_OCTETS or SECTOR_OCTETS
    return range(first, len(write.octets), SECTOR_OCTETS)


def _torn(
    pending: tuple[Pending, ...], entropy: Entropy
) -> Iterator[tuple[str, tuple[Pending, ...]]]:
    """Tear the last write: where a sector ends, and inside a sector."""
    if not pending:
        return
    number, last = pending[-1]
    if not isinstance(last, Write):
        return
    size, edges = len(last.octets), _edges(last)
    places = [edges[_draw(entropy, len(edges))]] if edges else []
    if size > 1:
        # Next to where a sector ends, it does not end.
        drawn = 1 + _draw(entropy, size - 1)
        near = (drawn, drawn + 1, drawn - 1)
        places += [one for one in near if 0 < one < size and one not in edges][:1]
    for place in places:
        kind = "torn at a sector" if place in edges else "torn inside one"
        torn = Write(last.file, last.offset, last.octets[:place])
        yield kind, (*pending[:-1], (number, torn))


def _draw(entropy: Entropy, below: int) -> int:
    return int.from_bytes(entropy.octets(4), "big") % below
