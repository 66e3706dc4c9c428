"""What a target is, and how one input is played to it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from protocol.errors import RmfsError

OCTETS_MAX: Final = 6_000
"""Longest input, unless a target says otherwise."""


class UnstableError(RmfsError):
    """What a decoder has read is not what it reads when that is written out again."""


@dataclass(frozen=True, slots=True)
class Target:
    """A decoder, and what is known of it.

    Attributes:
        id: Its name in commands and in the names of files.
        what: What is read, and where it comes from.
        decode: Takes any octets; what it gives is compared with ``==``.
        seeds: Inputs to begin with.
        refusals: The errors that its docstring names; any other is a finding.
        encode: Writes out what `decode` gave; None where nothing does.
        watched: Packages and modules whose coverage leads the search.
        runs: How many inputs in a bounded run.
        octets_max: Longest input.
    """

    id: str
    what: str
    decode: Callable[[bytes], Any]
    seeds: Callable[[], Iterable[bytes]]
    refusals: tuple[type[Exception], ...] = ()
    encode: Callable[[Any], bytes] | None = None
    watched: tuple[str, ...] = ("protocol",)
    runs: int = 10_000
    octets_max: int = OCTETS_MAX

    def play(self, octets: bytes) -> bool:
        """Play one input; whatever is raised is a finding.

        Returns:
            Whether it was taken, and not refused.

        Raises:
            UnstableError: It is written out as something else.
        """
        try:
            value = self.decode(octets)
        except self.refusals:
            return False
        if self.encode is not None and value is not None:
            self._check_stable(value, self.encode)
        return True

    def _check_stable(self, value: Any, encode: Callable[[Any], bytes]) -> None:
        written = encode(value)
        try:
            again = self.decode(written)
        except self.refusals as error:
            raise UnstableError(f"what it writes it refuses: {error}") from error
        if again != value:
            raise UnstableError(f"{value!r} is read back as {again!r}")
        if encode(again) != written:
            raise UnstableError(f"{value!r} is written in two forms")
