"""A fleet that plays scenarios: each machine the one that is dealt to it.

A scenario has a world of its own, with its own server and its own virtual time
(`rmfs_tools.scenarios`): no folder of the fleet is touched, and its machines never
meet. Two machines that play the same one differ in the seed, which chooses keys, marks
and noise, and in when they begin: machine by machine later, as they dial.

So a fleet finds a scenario that hangs on luck, or on the minute at which it begins.
"""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

from fm_device.scenarios.library import library_names, library_scenario
from fm_device.scenarios.scenario import Scenario
from protocol.errors import RmfsError
from rmfs_tools.fleet import FleetError, FleetPlan, Member
from rmfs_tools.scenarios import Played, Unmet, play

_KEPT_MAX: Final = 256


@dataclass(frozen=True, slots=True)
class MemberPlayed:
    """How the scenario of one machine went."""

    member: Member
    played: Played

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "licence": self.member.licence,
            "scenario": self.member.scenario,
            "seed": self.member.scenario_seed,
            "delay_minutes": self.member.scenario_delay_minutes,
            "unmet": [asdict(one) for one in self.played.unmet],
        }

    def show(self) -> str:
        """Tell a person in one line."""
        played, later = self.played, self.member.scenario_delay_minutes
        what = f"{played.franks} imprints, {played.dial_ins} dial-ins"
        how = "as expected" if played.met else f"NOT as expected: {played.unmet[0]}"
        which = f"{self.member.scenario}, {later} min later"
        return f"{self.member.licence}: {which}: {how}; {what}"


@dataclass
class FleetPlayed:
    """How the scenarios of a fleet went.

    Attributes:
        machines: How many machines played.
        met: How many of them went as expected.
        franks: Imprints that came out of their printers.
        dial_ins: Dial-ins begun.
        scenarios: By name, how many machines played it, and how many as expected.
        missed: Those that did not.
    """

    machines: int = 0
    met: int = 0
    franks: int = 0
    dial_ins: int = 0
    scenarios: dict[str, dict[str, int]] = field(default_factory=dict)
    missed: list[MemberPlayed] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything went as expected."""
        return not self.missed

    def add(self, one: MemberPlayed) -> None:
        """Count one more."""
        met = one.played.met
        counts = self.scenarios.setdefault(one.member.scenario, {"played": 0, "met": 0})
        counts["played"] += 1
        counts["met"] += met
        self.machines += 1
        self.met += met
        self.franks += one.played.franks
        self.dial_ins += one.played.dial_ins
        if not met:
            self.missed.append(one)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "machines": self.machines,
            "met": self.met,
            "imprints": self.franks,
            "dial_ins": self.dial_ins,
            "scenarios": self.scenarios,
            "missed": [one.as_json() for one in self.missed],
        }

    def show(self) -> list[str]:
        """Tell a person."""
        lines = [
            f"{name}: {counts['met']} of {counts['played']} as expected"
            for name, counts in self.scenarios.items()
        ]
        what = f"{self.franks} imprints, {self.dial_ins} dial-ins"
        return [
            *lines,
            f"{self.met} of {self.machines} machines as expected; {what}",
            *(f"  {one.show()}" for one in self.missed),
        ]


def choose_members(plan: FleetPlan, only: Collection[str]) -> list[Member]:
    """Choose who plays: all machines, or those that are named by their licences.

    Raises:
        FleetError: The fleet plays none, or a licence is not of it.
    """
    if not plan.scenarios:
        names = ", ".join(library_names()[:3])
        raise FleetError(
            f"scenarios: the fleet's file names none to play: {names} ...; "
            "`rmfs scenario list` shows all"
        )
    members = {str(member.licence): member for member in plan.members()}
    for licence in only:
        if licence not in members:
            raise FleetError(f"{licence} is no machine of this fleet")
    return [one for one in members.values() if not only or one.licence in only]


def play_members(members: Collection[Member]) -> Iterator[MemberPlayed]:
    """Play the scenario of each machine in turn, in virtual time; tells how it went."""
    for member in members:
        yield MemberPlayed(member, _play(member))


def _play(member: Member) -> Played:
    scenario = _scenario(member.scenario)
    later = timedelta(minutes=member.scenario_delay_minutes)
    start = replace(scenario.start, at=scenario.start.at + later)
    try:
        return play(replace(scenario, start=start), seed=member.scenario_seed)
    except RmfsError as error:
        # Others play all the same.
        played = Played(scenario.name, member.scenario_seed, "")
        played.unmet.append(Unmet("start", "", "", str(error)))
        return played


@lru_cache(_KEPT_MAX)
def _scenario(name: str) -> Scenario:
    return library_scenario(name)
