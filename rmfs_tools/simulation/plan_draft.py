"""A plan as it is being made: its deeds so far, and where faults can strike.

Whoever adds to it draws from a stream of dice of their own, named by the topic.
"""

from typing import Final

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.deeds import Deed, DialIn, LineTrouble, Plan
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.profiles import PROFILES

DAY_S: Final = 86_400.0
FIRST_S: Final = 600.0
STEP_PAISE: Final = 10_000
FIRST_DEPOSIT_PAISE: Final = 1_000_000
DIAL_INS_A_DAY: Final = 6
_OCTETS_OF_A_DIAL_IN: Final = 900
_REQUESTS: Final = {"RECHARGE": 50, "INSPECTION": 37, "REFUND": 12, "WITHDRAWAL": 1}
_STEPS_MAX: Final = {"RECHARGE": 20, "INSPECTION": 0, "REFUND": 10, "WITHDRAWAL": 0}
_TROUBLES: Final = {
    "noise": 20,
    "bursts": 10,
    "cut": 30,
    "hang": 12,
    "repeated": 10,
    "stale": 10,
    "old": 4,
    "other": 4,
}


class Draft:
    """What is planned so far.

    Attributes:
        bodies: The machines.
        days: Days of faults.
        profile: How often what befalls them.
        dice: The one from which each topic takes one of its own.
        deeds: What is done, in the order in which it was planned.
        dial_ins: Those of them that something may befall.
        mails: Letters that something may befall.
    """

    def __init__(self, seed: int, machines: int, days: int, profile: str) -> None:
        """Begin with nothing.

        Args:
            seed: Of the plan.
            machines: How many there are.
            days: How many days.
            profile: Name of the profile of faults.
        """
        self.bodies = [str(number) for number in range(1, machines + 1)]
        self.days = days
        self.profile = PROFILES[profile]
        self.dice = Dice(seed, "plan", profile, machines, days)
        self.deeds: list[Deed] = []
        self.dial_ins: list[DialIn] = []
        self.mails: list[deeds.Mail] = []
        self._seed = seed
        self._name = profile
        self._files = 0

    def plan(self) -> Plan:
        """Give the plan, in the order of time."""
        ordered = sorted(self.deeds, key=lambda deed: deed.at_s)
        machines = len(self.bodies)
        return Plan(self._seed, machines, self.days, self._name, tuple(ordered))

    def next_file(self) -> int:
        """Number the next fund file, from 1."""
        self._files += 1
        return self._files

    def dial(self, body: str, at_s: float, dice: Dice) -> None:
        """Dial in for something, on a line with or without trouble."""
        kind = dice.weighted(_REQUESTS)
        amount_paise = dice.between(0, _STEPS_MAX[kind]) * STEP_PAISE
        trouble = tuple(self.trouble(dice) for _ in range(dice.between(1, 2)))
        attempts = dice.between(1, 3)
        deed = DialIn(at_s, body, kind, amount_paise, attempts, trouble)
        self.dial_ins.append(deed)
        self.deeds.append(deed)

    def trouble(self, dice: Dice) -> LineTrouble:
        """Choose what befalls one call."""
        if not dice.happens(0.8 * self.profile.line):
            return LineTrouble()
        kind = dice.weighted(_TROUBLES)
        octets = dice.between(0, _OCTETS_OF_A_DIAL_IN)
        if kind == "noise":
            return LineTrouble(bit_error_rate=dice.one_of((1e-4, 3e-4, 1e-3)))
        if kind == "bursts":
            return LineTrouble(burst_rate=dice.one_of((3e-5, 1e-4)))
        if kind == "cut":
            return LineTrouble(cut_after_octets=octets)
        if kind == "hang":
            late_s = dice.one_of((0.0, dice.spread(2, 40)))
            told = dice.happens(0.5)
            return LineTrouble(
                hang_after_octets=octets, machine_told=told, late_s=late_s
            )
        if kind == "repeated":
            return LineTrouble(repeated=dice.between(1, 6))
        if kind == "stale":
            return LineTrouble(stale=dice.between(1, 30))
        return LineTrouble(answer=kind)

    def near(self, dice: Dice, factor: float, rate: float) -> list[DialIn]:
        """Choose dial-ins that something befalls: so many in a machine's day."""
        chance = min(1.0, factor * rate / DIAL_INS_A_DAY)
        return [one for one in self.dial_ins if dice.happens(chance)]

    def moment(self, dice: Dice) -> float:
        """Choose when something begins that takes some hours."""
        return dice.spread(FIRST_S, max(1.0, self.days * DAY_S - 50_000))


def happens(dice: Dice, factor: float, chance: float) -> bool:
    """Say whether something of this chance happens where a profile scales it."""
    return dice.happens(factor * chance)
