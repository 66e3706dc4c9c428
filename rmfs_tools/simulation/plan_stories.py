"""What seldom comes together by itself: deeds that are planned as one story."""

from typing import Final

from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.deeds import DialIn, LineTrouble
from rmfs_tools.simulation.dice import Dice
from rmfs_tools.simulation.plan_draft import (
    DAY_S,
    FIRST_DEPOSIT_PAISE,
    STEP_PAISE,
    Draft,
    happens,
)

_VOUCHER_HEARD: Final = (420, 660)
"""Octets after which the machine has its voucher and the server no CONFIRMATION."""
_VOUCHER_OUT: Final = (330, 430)
"""Octets after which the server has stored a voucher and the machine has none."""


def plan_stories(draft: Draft) -> None:
    """Plan vouchers that are taken back, and vouchers that fit again."""
    dice = draft.dice.of("stories")
    for body in draft.bodies:
        if happens(dice, draft.profile.people, 0.8):
            _voucher_taken_back(draft, body, dice)
        if happens(dice, draft.profile.line, 0.6):
            _voucher_that_fits_again(draft, body, dice)


def _voucher_taken_back(draft: Draft, body: str, dice: Dice) -> None:
    """Lose the line with a voucher out, and take it back before the redial."""
    at_s, amount_paise = draft.moment(dice), dice.between(1, 20) * STEP_PAISE
    cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_OUT))
    draft.deeds += [
        DialIn(at_s, body, "RECHARGE", amount_paise, 1, (cut,)),
        deeds.VoidGiven(at_s + 20, body),
        DialIn(at_s + 60, body),
    ]


def _voucher_that_fits_again(draft: Draft, body: str, dice: Dice) -> None:
    """Bring CT back to where it was, and put the voucher from there before it."""
    at_s, amount_paise = draft.moment(dice), dice.between(1, 20) * STEP_PAISE
    old = LineTrouble(answer="old")
    draft.deeds += [
        DialIn(at_s, body, "RECHARGE", amount_paise),
        DialIn(at_s + 30, body, "REFUND", amount_paise),
        DialIn(at_s + 60, body, "RECHARGE", 2 * amount_paise, 1, (old,)),
    ]


def plan_lives(draft: Draft) -> None:
    """Withdraw a machine, give it a new life, and money for it."""
    dice = draft.dice.of("lives")
    if happens(dice, draft.profile.people, 0.6):
        body = dice.one_of(draft.bodies)
        _new_lives(draft, body, draft.moment(dice), dice)


def _new_lives(draft: Draft, body: str, at_s: float, dice: Dice) -> None:
    for _ in range(3):
        at_s += dice.spread(200, 4_000)
        trouble = (draft.trouble(dice),)
        withdrawn = DialIn(at_s, body, "WITHDRAWAL", 0, 2, trouble)
        draft.dial_ins.append(withdrawn)
        draft.deeds += [withdrawn, deeds.NewLife(at_s + 120, body)]
    at_s += dice.spread(200, 4_000)
    paid = ((body, FIRST_DEPOSIT_PAISE),)
    draft.deeds.append(deeds.FundFileCame(at_s, draft.next_file(), paid))


def plan_cheats(draft: Draft) -> None:
    """Plan clones, images put back, forged registers and recordings played."""
    dice, cheats = draft.dice.of("cheats"), draft.profile.cheats
    if happens(dice, cheats, 0.5):
        _clone(draft, dice.one_of(draft.bodies), dice)
    if happens(dice, cheats, 0.5):
        _image(draft, dice.one_of(draft.bodies), dice)
    if happens(dice, cheats, 0.5):
        body, at_s = dice.one_of(draft.bodies), draft.moment(dice)
        by_paise = dice.one_of((-5, 5, 100)) * STEP_PAISE
        draft.deeds.append(deeds.RegistersForged(at_s, body, by_paise))
    for near in draft.near(dice, cheats, 0.4):
        at_s = near.at_s + dice.spread(0.5, 600)
        draft.deeds.append(deeds.RecordingReplayed(at_s, near.body))


def _clone(draft: Draft, body: str, dice: Dice) -> None:
    """Make a clone in or between dial-ins, which then lives its own life."""
    at_s = _copied(draft, body, dice)
    clone = f"{body}-clone"
    draft.deeds.append(deeds.Cloned(at_s, body, clone))
    if dice.happens(0.5):
        draft.dial(clone, at_s + dice.spread(5, 60), dice)
    while at_s < draft.days * DAY_S:
        at_s += dice.spread(1, 20_000)
        if dice.happens(0.4):
            draft.deeds.append(deeds.Mail(at_s, clone, dice.between(1, 6)))
        draft.dial(clone, at_s + 1, dice)


def _copied(draft: Draft, body: str, dice: Dice) -> float:
    """Choose when memories are copied: sometimes with a voucher under way."""
    if dice.happens(0.5):
        near = dice.one_of([one for one in draft.dial_ins if one.body == body])
        return near.at_s + dice.spread(-1, 3)
    at_s = draft.moment(dice)
    amount_paise = dice.between(1, 20) * STEP_PAISE
    cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_HEARD))
    deed = DialIn(at_s, body, "RECHARGE", amount_paise, 1, (cut,))
    again = DialIn(at_s + dice.spread(60, 4_000), body)
    draft.dial_ins += [deed, again]
    draft.deeds += [deed, again]
    return at_s + dice.spread(0.12, 0.22)


def _image(draft: Draft, body: str, dice: Dice) -> None:
    if dice.happens(0.4):
        _image_with_voucher_out(draft, body, dice)
        return
    kept_s = _copied(draft, body, dice)
    draft.deeds.append(deeds.ImageKept(kept_s, body))
    back_s = kept_s + dice.one_of((10.0, 5_000.0, 40_000.0))
    draft.deeds.append(deeds.ImageRestored(back_s, body))


def _image_with_voucher_out(draft: Draft, body: str, dice: Dice) -> None:
    """Put an image back across a mark, while a voucher is out and asked for."""
    at_s = draft.moment(dice)
    amount_paise = dice.between(1, 20) * STEP_PAISE
    cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_OUT))
    wanted = DialIn(at_s + 200, body, "RECHARGE", amount_paise, 1, (cut,))
    again = DialIn(at_s + 300, body, "RECHARGE", amount_paise)
    draft.deeds += [
        deeds.ImageKept(at_s, body),
        DialIn(at_s + 100, body),
        wanted,
        deeds.ImageRestored(at_s + 250, body),
        again,
    ]


def plan_backups(draft: Draft) -> None:
    """Plan a copy of the books, and that it is put back: over new lives sometimes."""
    dice = draft.dice.of("backups")
    if not happens(dice, draft.profile.backups, 0.8):
        return
    at_s = draft.moment(dice)
    draft.deeds.append(deeds.BackupMade(at_s))
    back_s = at_s + dice.one_of((100.0, 5_000.0, 20_000.0, 50_000.0))
    draft.deeds.append(deeds.BackupRestored(back_s))
    over = draft.dice.of("lives over a backup")
    if over.happens(0.4):
        _new_lives(draft, over.one_of(draft.bodies), at_s, over)
