"""The register of seen franks: what a verifier remembers, asked and told in one step.

Two questions about a frank need a memory: was it seen before, and does it fit what else
was seen of its machine? Looking and recording are one indivisible step, so that of two
verifiers with two copies exactly one is the first. What is asked of the memory is
bounded: at most four franks come back, however many are in it.

Source: SPEC.md INDICIUM-6.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from protocol.indicium.layout import FrankKind, Indicium, decode_unsigned
from protocol.keys import Realm
from protocol.values import LicenceIdentifier


@dataclass(frozen=True, slots=True)
class SeenFrank:
    """A frank in the register.

    Attributes:
        unsigned: Its 45 octets, which name it (INDICIUM-3.2).
        seen_on: The date of the verifier when it was seen first.
    """

    unsigned: bytes
    seen_on: date

    @property
    def indicium(self) -> Indicium:
        """What it says."""
        return decode_unsigned(self.unsigned)


@dataclass(frozen=True, slots=True)
class Sightings:
    """What a register knew about a frank before it recorded it.

    Attributes:
        same: This very frank, if it was seen before.
        twin: The first other frank with its item, if there is one.
        before: The frank of its machine with the nearest lower item.
        after: The one with the nearest higher item.
    """

    same: SeenFrank | None = None
    twin: SeenFrank | None = None
    before: SeenFrank | None = None
    after: SeenFrank | None = None


class SeenFranks(Protocol):
    """A register of franks whose signature was verified."""

    def see(self, unsigned: bytes, seen_on: date) -> Sightings:
        """Say what is known, and know this frank from now on: one indivisible step.

        Args:
            unsigned: The 45 octets of a frank; a frank stays recorded with the date at
                which it was seen first.
            seen_on: The date of the verifier.

        Raises:
            IndiciumError: The octets are none of a frank.
            StoreError: The register cannot be read or written; nothing is known.
        """
        ...


class MemorySeenFranks:
    """A register that lasts as long as the program; for one thread."""

    def __init__(self) -> None:
        """Begin with nothing seen."""
        self._machines: dict[tuple[Realm, LicenceIdentifier], _Machine] = {}

    def see(self, unsigned: bytes, seen_on: date) -> Sightings:
        """Say what is known, and know this frank from now on."""
        indicium = decode_unsigned(unsigned)
        machine = self._machines.setdefault(
            (indicium.realm, indicium.licence), _Machine()
        )
        return machine.see(indicium.item, SeenFrank(unsigned, seen_on))


class _Machine:
    def __init__(self) -> None:
        self._items: list[int] = []
        self._franks: dict[int, list[SeenFrank]] = {}

    def see(self, item: int, frank: SeenFrank) -> Sightings:
        known = self._franks.setdefault(item, [])
        lower = bisect_left(self._items, item)
        higher = bisect_right(self._items, item)
        same, twin = _first_same_and_twin(known, frank.unsigned)
        sightings = Sightings(
            same,
            twin,
            self._first_of(lower - 1) if lower else None,
            self._first_of(higher) if higher < len(self._items) else None,
        )
        if lower == higher:
            insort(self._items, item)
        if same is None:
            known.append(frank)
        return sightings

    def _first_of(self, place: int) -> SeenFrank:
        return self._franks[self._items[place]][0]


def _first_same_and_twin(
    known: list[SeenFrank], unsigned: bytes
) -> tuple[SeenFrank | None, SeenFrank | None]:
    def first(fits: Callable[[SeenFrank], bool]) -> SeenFrank | None:
        return next((frank for frank in known if fits(frank)), None)

    return (
        first(lambda frank: frank.unsigned == unsigned),
        first(lambda frank: frank.unsigned != unsigned),
    )


def is_one_history(earlier: Indicium, later: Indicium) -> bool:
    """Say whether one memory can have made both franks (INDICIUM-6.4).

    Args:
        earlier: A frank of a machine.
        later: A frank of the same machine with a higher item.
    """
    own = 1 if later.kind is FrankKind.VALID else 0
    imprints = later.item - earlier.item
    with_value = later.items - earlier.items
    others = with_value - own
    paid_by_others = later.ascending_paise - earlier.ascending_paise - later.value_paise
    if not own <= with_value <= imprints - (1 - own):
        return False
    return paid_by_others == 0 if others == 0 else paid_by_others >= others
