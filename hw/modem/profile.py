"""Profiles: how a modem is set, and what of it outlives the power.

``&W`` writes the profile in force to one of two places, ``Z`` brings it back, ``&F``
brings back the maker's. ``&Z`` keeps four telephone numbers beside them. Where that is
kept is the business of a `ProfileStore`: in memory, or in a file.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from hw.modem.registers import RegisterError, Registers
from protocol.errors import RmfsError

PROFILES: Final = 2
NUMBERS: Final = 4
NUMBER_CHARACTERS_MAX: Final = 64
_FILE_OCTETS_MAX: Final = 65_536

SETTINGS: Final[dict[str, tuple[int, frozenset[int]]]] = {
    "E": (1, frozenset({0, 1})),
    "L": (1, frozenset({0, 1, 2, 3})),
    "M": (1, frozenset({0, 1, 2, 3})),
    "Q": (0, frozenset({0, 1})),
    "V": (1, frozenset({0, 1})),
    "X": (4, frozenset({0, 1, 2, 3, 4})),
    "&C": (1, frozenset({0, 1})),
    "&D": (2, frozenset({0, 1, 2, 3})),
    "&K": (3, frozenset({0, 3, 4})),
    "&S": (0, frozenset({0, 1})),
}
"""Commands that set something: the value after ``&F``, and all that there are.

V.250 recommends ``&C1`` and ``&D2``. ``&K3`` is flow control by RTS and CTS, ``&K4`` by
XON and XOFF.
"""

_NUMBER: Final = re.compile(r"[0-9A-D*#TPW,;!@ ()+.-]*", re.ASCII)


class ProfileError(RmfsError):
    """Stored profiles cannot be read, or hold what no modem has."""


@dataclass(slots=True)
class Profile:
    """How a modem is set."""

    settings: dict[str, int] = field(
        default_factory=lambda: {name: usual for name, (usual, _) in SETTINGS.items()}
    )
    registers: Registers = field(default_factory=Registers)

    def copy(self) -> "Profile":
        """Make another that is set alike."""
        return Profile(dict(self.settings), Registers(self.registers.values()))

    @property
    def echo(self) -> bool:
        """E1."""
        return self.settings["E"] == 1

    @property
    def quiet(self) -> bool:
        """Q1."""
        return self.settings["Q"] == 1

    @property
    def in_words(self) -> bool:
        """V1."""
        return self.settings["V"] == 1

    @property
    def dtr(self) -> int:
        """The digit of &D."""
        return self.settings["&D"]

    @property
    def line_end(self) -> bytes:
        """S3 and S4."""
        return bytes((self.registers.get(3), self.registers.get(4)))

    def show(self) -> list[str]:
        """Write it as lines for ``&V``."""
        settings = " ".join(f"{name}{value}" for name, value in self.settings.items())
        values = self.registers.values().items()
        registers = [f"S{number:02d}:{value:03d}" for number, value in values]
        half = (len(registers) + 1) // 2
        return [settings, " ".join(registers[:half]), " ".join(registers[half:])]


class ProfileStore(Protocol):
    """Keeps profiles and telephone numbers while a modem has no power."""

    def profile(self, place: int) -> Profile:
        """Read the profile of place 0 or 1; the maker's if nothing was written."""
        ...

    def write_profile(self, place: int, profile: Profile) -> None:
        """Keep a profile."""
        ...

    def number(self, place: int) -> str:
        """Read the telephone number of place 0 to 3; empty if there is none."""
        ...

    def write_number(self, place: int, number: str) -> None:
        """Keep a telephone number."""
        ...


class MemoryProfiles:
    """Keeps profiles as long as the program runs."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._profiles: dict[int, Profile] = {}
        self._numbers: dict[int, str] = {}

    def profile(self, place: int) -> Profile:
        """Read a profile."""
        return self._profiles.get(place, Profile()).copy()

    def write_profile(self, place: int, profile: Profile) -> None:
        """Keep a profile."""
        self._profiles[place] = profile.copy()

    def number(self, place: int) -> str:
        """Read a telephone number."""
        return self._numbers.get(place, "")

    def write_number(self, place: int, number: str) -> None:
        """Keep a telephone number."""
        self._numbers[place] = number


class FileProfiles(MemoryProfiles):
    """Keeps profiles in a file of JSON, which is made when the first is written."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            ProfileError: It cannot be read, or holds what no modem has.
        """
        super().__init__()
        self._path = path
        try:
            with path.open("rb") as file:
                octets = file.read(_FILE_OCTETS_MAX + 1)
        except FileNotFoundError:
            return
        except OSError as error:
            message = f"the profiles in {path} cannot be read: {error.strerror}"
            raise ProfileError(message) from error
        try:
            self._take(json.loads(octets))
        except (
            *(ValueError, TypeError, KeyError, AttributeError),
            *(RecursionError, RmfsError),
        ) as error:
            message = (
                f"{path} holds no profiles of a modem ({error}): delete it, and the "
                "modem begins as its maker set it"
            )
            raise ProfileError(message) from error

    def write_profile(self, place: int, profile: Profile) -> None:
        """Keep a profile, and write the file.

        Raises:
            ProfileError: The file cannot be written.
        """
        super().write_profile(place, profile)
        self._write()

    def write_number(self, place: int, number: str) -> None:
        """Keep a telephone number, and write the file.

        Raises:
            ProfileError: The file cannot be written.
        """
        super().write_number(place, number)
        self._write()

    def _take(self, stored: dict[str, Any]) -> None:
        for place, profile in stored["profiles"].items():
            settings = {name: usual for name, (usual, _) in SETTINGS.items()}
            for name, value in profile["settings"].items():
                if value not in SETTINGS[name][1]:
                    message = f"{name} cannot be {value}"
                    raise RegisterError(message)
                settings[name] = value
            registers = {int(key): int(v) for key, v in profile["registers"].items()}
            self._profiles[int(place)] = Profile(settings, Registers(registers))
        for place, number in stored["numbers"].items():
            if not is_number(number):
                message = f"{number!r} is no telephone number"
                raise ProfileError(message)
            self._numbers[int(place)] = number

    def _write(self) -> None:
        stored = {
            "profiles": {
                str(place): {
                    "settings": profile.settings,
                    "registers": profile.registers.values(),
                }
                for place, profile in sorted(self._profiles.items())
            },
            "numbers": {str(place): text for place, text in self._numbers.items()},
        }
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            beside.write_text(json.dumps(stored, indent=1) + "\n")
            beside.replace(self._path)
        except OSError as error:
            message = f"the profiles cannot be written to {self._path}: {error}"
            raise ProfileError(message) from error


def is_number(text: str) -> bool:
    """Whether a modem can keep `text` as a telephone number."""
    return len(text) <= NUMBER_CHARACTERS_MAX and bool(_NUMBER.fullmatch(text.upper()))
