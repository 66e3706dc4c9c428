"""Profiles of faults: what befalls a world, and how often."""

from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError


class ProfileError(RmfsError):
    """There is no such profile of faults."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How often what befalls a world, as a factor; 1 is often, 0 never.

    Attributes:
        line: Noise, cuts, hung modems, stale and repeated frames, other vouchers.
        power: Power cuts at writes, plugs pulled, clocks that jump.
        server: Kills at commits and between them, a database in trouble.
        people: Fund files late, twice and corrected, VOIDs, licences, orders, and
            operators who ask for another amount.
        cheats: Clones, images put back, forged registers, recordings played.
        backups: An old database put back.
    """

    line: float = 0.0
    power: float = 0.0
    server: float = 0.0
    people: float = 0.0
    cheats: float = 0.0
    backups: float = 0.0


PROFILES: Final[dict[str, Profile]] = {
    "none": Profile(),
    "line": Profile(line=1.0),
    "power": Profile(power=1.0),
    "server": Profile(server=1.0),
    "people": Profile(people=1.0, line=0.3),
    "cheats": Profile(cheats=1.0, line=0.3),
    "backups": Profile(backups=1.0, line=0.3),
    "all": Profile(
        line=0.5, power=0.5, server=0.5, people=0.5, cheats=0.3, backups=0.2
    ),
    "storm": Profile(
        line=1.0, power=1.0, server=1.0, people=1.0, cheats=1.0, backups=0.2
    ),
}


def check_profile(name: str) -> None:
    """Check the name of a profile.

    Raises:
        ProfileError: There is no such profile.
    """
    if name not in PROFILES:
        known = ", ".join(PROFILES)
        raise ProfileError(f"there is no profile of faults {name!r}: one of {known}")
