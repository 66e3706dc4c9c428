"""Which process is killed, and when: drawn from a seed, one draw for each kill."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from rmfs_tools.simulation.dice import Dice


class Victim(Enum):
    """A process that is killed."""

    GATEWAY = "the Department's gateway"
    SERVER = "the exchange of the recharge server"


class When(Enum):
    """What the process is about when it is killed."""

    SESSION = "while files are exchanged"
    START = "while it is started after a kill, and applies what had come"


@dataclass(frozen=True, slots=True)
class Kill:
    """A kill that is to be.

    Attributes:
        number: From 1; with the seed it decides everything about it.
        share: Of the length of a session, or of a start: 0 is its first moment.
    """

    number: int
    victim: Victim
    when: When
    share: float


_WEIGHTS: Final = {
    (Victim.SERVER, When.SESSION): 5,
    (Victim.GATEWAY, When.SESSION): 3,
    (Victim.GATEWAY, When.START): 2,
}
"""The server starts with nothing to do: only the gateway catches up then."""


def draw_kill(seed: int, number: int) -> Kill:
    """Draw a kill; the same one for the same seed and number."""
    dice = Dice("kill", seed, number)
    victim, when = dice.weighted(_WEIGHTS)
    return Kill(number, victim, when, dice.fraction())


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed.

    Attributes:
        seed: Decides what is done between the kills, too.
        kills: In their order.
    """

    seed: int
    kills: Sequence[Kill]


def draw_plan(seed: int, count: int, only: int | None = None) -> Plan:
    """Draw the first kills of a seed, or only the one of a number."""
    numbers = range(1, count + 1) if only is None else [only]
    return Plan(seed, [draw_kill(seed, number) for number in numbers])
