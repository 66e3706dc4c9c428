"""From a seed to a plan: who does what, and what befalls them.

First an ordinary life is planned: letters, dial-ins, deposits. Then faults are laid
over it where they can strike: in the middle of a dial-in, at one of the next writes, at
one of the next commits. Each kind of fault has a rate for a day, which a profile
scales.
"""

from typing import Final

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.deeds import Plan
from rmfs_tools.simulation.plan_draft import (
    DAY_S,
    DIAL_INS_A_DAY,
    FIRST_DEPOSIT_PAISE,
    FIRST_S,
    STEP_PAISE,
    Draft,
    happens,
)
from rmfs_tools.simulation.plan_faults import plan_people, plan_power, plan_server
from rmfs_tools.simulation.plan_stories import (
    plan_backups,
    plan_cheats,
    plan_lives,
    plan_stories,
)
from rmfs_tools.simulation.profiles import check_profile

_WORKING_DAY_S: Final = 32_400.0
_MAIL_CHANCE: Final = 0.4


def make_plan(seed: int, *, machines: int, days: int, profile: str) -> Plan:
    """Make the plan of a seed.

    Raises:
        ProfileError: There is no such profile.
    """
    check_profile(profile)
    draft = Draft(seed, machines, days, profile)
    first = tuple((body, FIRST_DEPOSIT_PAISE) for body in draft.bodies)
    draft.deeds.append(deeds.FundFileCame(60.0, draft.next_file(), first))
    for body in draft.bodies:
        _live(draft, body)
    _fund(draft)
    plan_stories(draft)
    plan_lives(draft)
    plan_power(draft)
    plan_server(draft)
    plan_people(draft)
    plan_cheats(draft)
    plan_backups(draft)
    if profile != "none":
        for day in range(days):
            draft.deeds.append(deeds.PersonLooks((day + 1) * DAY_S - 60.0))
    return draft.plan()


def _live(draft: Draft, body: str) -> None:
    """Plan the ordinary life of a machine: dial-ins, and letters about them."""
    dice = draft.dice.of("life", body)
    for day in range(draft.days):
        began_s = FIRST_S + day * DAY_S
        for _ in range(DIAL_INS_A_DAY):
            at_s = began_s + dice.spread(0, _WORKING_DAY_S)
            draft.dial(body, at_s, dice)
            if dice.happens(_MAIL_CHANCE):
                mail_s = at_s + dice.spread(-600, 600)
                mail = deeds.Mail(mail_s, body, dice.between(1, 4))
                draft.mails.append(mail)
                draft.deeds.append(mail)


def _fund(draft: Draft) -> None:
    """Plan a fund file a day; some come twice, some correct the first."""
    dice = draft.dice.of("funds")
    for day in range(draft.days):
        number = draft.next_file()
        lines = tuple(
            (body, dice.between(10, 60) * STEP_PAISE)
            for body in draft.bodies
            if dice.happens(0.6)
        )
        at_s = day * DAY_S + dice.spread(FIRST_S, _WORKING_DAY_S)
        corrects: tuple[tuple[int, int, str, int], ...] = ()
        if draft.profile.people and dice.happens(0.4):
            body = dice.one_of(draft.bodies)
            difference = dice.one_of((-2, -1, 1, 3)) * STEP_PAISE
            corrects = ((1, int(body), body, difference),)
        file = deeds.FundFileCame(at_s, number, lines, corrects)
        draft.deeds.append(file)
        if happens(dice, draft.profile.people, 0.4):
            again_s = at_s + dice.spread(1, DAY_S)
            again = deeds.FundFileCame(again_s, number, lines, corrects)
            draft.deeds.append(again)
