"""Faults, laid over the dial-ins and letters of a plan where they can strike."""

from typing import Final

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.plan_draft import STEP_PAISE, Draft

_STRUCK_AGAIN: Final = 0.3
_DATABASE_TROUBLES: Final = {
    "full": 30,
    "error": 30,
    "busy": 30,
    "gone": 30,
    "refused": 4,
    "unknown": 4,
}
"""By kind, how many statements or commits go well at most."""


def plan_power(draft: Draft) -> None:
    """Plan power cuts at writes, plugs pulled, and clocks that jump."""
    dice = draft.dice.of("power")
    for near in draft.near(dice, draft.profile.power, 1.6):
        _strike(draft, near.at_s - 0.001, near.body, dice.between(1, 14), dice)
        if dice.happens(_STRUCK_AGAIN):
            # It is off by now: the power fails again while it starts.
            _strike(draft, near.at_s + 2, near.body, dice.between(1, 5), dice)
    for mail in draft.mails:
        if dice.happens(min(1.0, 0.2 * draft.profile.power)):
            _strike(draft, mail.at_s - 0.001, mail.body, dice.between(1, 12), dice)
    for near in draft.near(dice, draft.profile.power, 0.6):
        at_s = near.at_s + dice.spread(0, 3)
        off_s = dice.spread(1, 300)
        draft.deeds.append(deeds.PlugPulled(at_s, near.body, off_s))
    for near in draft.near(dice, draft.profile.power, 0.1):
        by_s = dice.between(-7_200, 7_200)
        draft.deeds.append(deeds.ClockJumps(near.at_s - 1, near.body, by_s))


def _strike(draft: Draft, at_s: float, body: str, at_write: int, dice: Dice) -> None:
    torn = dice.one_of(("head", "tail", "scattered", "garbage"))
    part = dice.one_of((0, 1_000, dice.between(1, 999)))
    off_s = dice.spread(3, 600)
    strike = deeds.PowerFails(at_s, body, at_write, part, torn, off_s)
    draft.deeds.append(strike)


def plan_server(draft: Draft) -> None:
    """Plan kills at commits and between them, and a database in trouble."""
    dice = draft.dice.of("server")
    for near in draft.near(dice, draft.profile.server, 1.0):
        draft.deeds.append(
            deeds.ServerDies(
                near.at_s - 0.001,
                dice.between(1, 4),
                dice.happens(0.5),
                dice.spread(0, 60),
            )
        )
    for near in draft.near(dice, draft.profile.server, 0.3):
        at_s = near.at_s + dice.spread(0, 2)
        down_s = dice.spread(0, 30)
        dies = deeds.ServerDies(at_s, 0, after=False, down_s=down_s)
        draft.deeds.append(dies)
    for near in draft.near(dice, draft.profile.server, 0.6):
        kind = dice.one_of(tuple(_DATABASE_TROUBLES))
        most = _DATABASE_TROUBLES[kind]
        draft.deeds.append(
            deeds.DatabaseTrouble(
                near.at_s - 0.001,
                kind,
                dice.between(1, most),
                dice.spread(1, 20),
            )
        )


def plan_people(draft: Draft) -> None:
    """Plan vouchers taken back, licences stated anew, and orders."""
    dice, people = draft.dice.of("people"), draft.profile.people
    for near in draft.near(dice, people, 0.8):
        at_s = near.at_s + dice.one_of((dice.spread(0.1, 0.5), dice.spread(1, 30)))
        draft.deeds.append(deeds.VoidGiven(at_s, near.body))
    for near in draft.near(dice, people, 0.1):
        state = dice.one_of(("WITHHELD", "BLOCKED", "EXPIRED"))
        at_s = near.at_s + dice.spread(-1, 2)
        draft.deeds.append(deeds.LicenceSet(at_s, near.body, state))
        later_s = at_s + dice.spread(600, 40_000)
        draft.deeds.append(deeds.LicenceSet(later_s, near.body, "REGISTERED"))
    for near in draft.near(dice, people, 0.01):
        draft.deeds.append(deeds.LicenceSet(near.at_s + 1, near.body, "CANCELLED"))
    for near in draft.near(dice, people, 0.2):
        draft.deeds.append(deeds.OrderGiven(near.at_s - 5, near.body, "LOCK", 4))
        later_s = near.at_s + dice.spread(60, 20_000)
        draft.deeds.append(deeds.OrderGiven(later_s, near.body, "UNLOCK", 0))
    for near in draft.near(dice, people, 0.1):
        limit = dice.between(50, 100) * STEP_PAISE
        order = deeds.OrderGiven(near.at_s - 5, near.body, "FUNDS_LIMIT", limit)
        draft.deeds.append(order)
