"""From a seed to a plan: who does what, and what befalls them.

First an ordinary life is planned: letters, dial-ins, deposits. Then faults are laid
over it where they can strike: in the middle of a dial-in, at one of the next writes, at
one of the next commits. Each kind of fault has a rate for a day, which a profile
scales.
"""

from dataclasses import dataclass
from typing import Final

from protocol.errors import RmfsError
from rmfs_tools.simulation import deeds
from rmfs_tools.simulation.deeds import Deed, DialIn, LineTrouble, Plan
from rmfs_tools.simulation.dice import Dice

DAY_S: Final = 86_400.0
_FIRST_S: Final = 600.0
_WORKING_DAY_S: Final = 32_400.0
_STEP_PAISE: Final = 10_000
_FIRST_DEPOSIT_PAISE: Final = 1_000_000
_OCTETS_OF_A_DIAL_IN: Final = 900
_DIAL_INS_A_DAY: Final = 6
_VOUCHER_HEARD: Final = (420, 660)
"""Octets after which the machine has its voucher and the server no CONFIRMATION."""
_VOUCHER_OUT: Final = (330, 430)
"""Octets after which the server has stored a voucher and the machine has none."""
_MAIL_CHANCE: Final = 0.4
_STRUCK_AGAIN: Final = 0.3
_REQUESTS: Final = {"RECHARGE": 50, "INSPECTION": 37, "REFUND": 12, "WITHDRAWAL": 1}
_STEPS_MAX: Final = {"RECHARGE": 20, "INSPECTION": 0, "REFUND": 10, "WITHDRAWAL": 0}
_DATABASE_TROUBLES: Final = {
    "full": 30,
    "error": 30,
    "busy": 30,
    "gone": 30,
    "refused": 4,
    "unknown": 4,
}
"""By kind, how many statements or commits go well at most."""
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


def make_plan(seed: int, *, machines: int, days: int, profile: str) -> Plan:
    """Make the plan of a seed.

    Raises:
        ProfileError: There is no such profile.
    """
    check_profile(profile)
    return _Planner(seed, machines, days, profile).plan()


def check_profile(name: str) -> None:
    """Check the name of a profile.

    Raises:
        ProfileError: There is no such profile.
    """
    if name not in PROFILES:
        known = ", ".join(PROFILES)
        raise ProfileError(f"there is no profile of faults {name!r}: one of {known}")


class _Planner:
    def __init__(self, seed: int, machines: int, days: int, profile: str) -> None:
        self._seed = seed
        self._machines = machines
        self._days = days
        self._name = profile
        self._profile = PROFILES[profile]
        self._dice = Dice(seed, "plan", profile, machines, days)
        self._deeds: list[Deed] = []
        self._dial_ins: list[DialIn] = []
        self._mails: list[deeds.Mail] = []
        self._files = 1

    def plan(self) -> Plan:
        bodies = [str(number) for number in range(1, self._machines + 1)]
        first = tuple((body, _FIRST_DEPOSIT_PAISE) for body in bodies)
        self._deeds.append(deeds.FundFileCame(60.0, 1, first))
        for body in bodies:
            self._life(body)
        self._funds(bodies)
        self._stories(bodies)
        self._lives(bodies)
        self._power()
        self._server()
        self._people()
        self._cheats(bodies)
        self._backups(bodies)
        if self._name != "none":
            for day in range(self._days):
                self._deeds.append(deeds.PersonLooks((day + 1) * DAY_S - 60.0))
        ordered = sorted(self._deeds, key=lambda deed: deed.at_s)
        return Plan(self._seed, self._machines, self._days, self._name, tuple(ordered))

    # An ordinary life.

    def _life(self, body: str) -> None:
        dice = self._dice.of("life", body)
        for day in range(self._days):
            began_s = _FIRST_S + day * DAY_S
            for _ in range(_DIAL_INS_A_DAY):
                at_s = began_s + dice.spread(0, _WORKING_DAY_S)
                self._dial(body, at_s, dice)
                if dice.happens(_MAIL_CHANCE):
                    mail_s = at_s + dice.spread(-600, 600)
                    mail = deeds.Mail(mail_s, body, dice.between(1, 4))
                    self._mails.append(mail)
                    self._deeds.append(mail)

    def _dial(self, body: str, at_s: float, dice: Dice) -> None:
        kind = dice.weighted(_REQUESTS)
        amount_paise = dice.between(0, _STEPS_MAX[kind]) * _STEP_PAISE
        trouble = tuple(self._trouble(dice) for _ in range(dice.between(1, 2)))
        attempts = dice.between(1, 3)
        deed = DialIn(at_s, body, kind, amount_paise, attempts, trouble)
        self._dial_ins.append(deed)
        self._deeds.append(deed)

    def _funds(self, bodies: list[str]) -> None:
        dice = self._dice.of("funds")
        for day in range(self._days):
            self._files += 1
            lines = tuple(
                (body, dice.between(10, 60) * _STEP_PAISE)
                for body in bodies
                if dice.happens(0.6)
            )
            at_s = day * DAY_S + dice.spread(_FIRST_S, _WORKING_DAY_S)
            corrects: tuple[tuple[int, int, str, int], ...] = ()
            if self._profile.people and dice.happens(0.4):
                body = dice.one_of(bodies)
                difference = dice.one_of((-2, -1, 1, 3)) * _STEP_PAISE
                corrects = ((1, int(body), body, difference),)
            file = deeds.FundFileCame(at_s, self._files, lines, corrects)
            self._deeds.append(file)
            if self._happens(dice, self._profile.people, 0.4):
                again_s = at_s + dice.spread(1, DAY_S)
                again = deeds.FundFileCame(again_s, self._files, lines, corrects)
                self._deeds.append(again)

    # What seldom comes together by itself.

    def _stories(self, bodies: list[str]) -> None:
        dice = self._dice.of("stories")
        for body in bodies:
            if self._happens(dice, self._profile.people, 0.8):
                self._voucher_taken_back(body, dice)
            if self._happens(dice, self._profile.line, 0.6):
                self._voucher_that_fits_again(body, dice)

    def _voucher_taken_back(self, body: str, dice: Dice) -> None:
        """Lose the line with a voucher out, and take it back before the redial."""
        at_s, amount_paise = self._moment(dice), dice.between(1, 20) * _STEP_PAISE
        cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_OUT))
        self._deeds += [
            DialIn(at_s, body, "RECHARGE", amount_paise, 1, (cut,)),
            deeds.VoidGiven(at_s + 20, body),
            DialIn(at_s + 60, body),
        ]

    def _voucher_that_fits_again(self, body: str, dice: Dice) -> None:
        """Bring CT back to where it was, and put the voucher from there before it."""
        at_s, amount_paise = self._moment(dice), dice.between(1, 20) * _STEP_PAISE
        old = LineTrouble(answer="old")
        self._deeds += [
            DialIn(at_s, body, "RECHARGE", amount_paise),
            DialIn(at_s + 30, body, "REFUND", amount_paise),
            DialIn(at_s + 60, body, "RECHARGE", 2 * amount_paise, 1, (old,)),
        ]

    # Faults.

    def _trouble(self, dice: Dice) -> LineTrouble:
        if not dice.happens(0.8 * self._profile.line):
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

    def _power(self) -> None:
        dice = self._dice.of("power")
        for near in self._near(dice, self._profile.power, 1.6):
            self._strike(near.at_s - 0.001, near.body, dice.between(1, 14), dice)
            if dice.happens(_STRUCK_AGAIN):
                # It is off by now: the power fails again while it starts.
                self._strike(near.at_s + 2, near.body, dice.between(1, 5), dice)
        for mail in self._mails:
            if dice.happens(min(1.0, 0.2 * self._profile.power)):
                self._strike(mail.at_s - 0.001, mail.body, dice.between(1, 12), dice)
        for near in self._near(dice, self._profile.power, 0.6):
            at_s = near.at_s + dice.spread(0, 3)
            off_s = dice.spread(1, 300)
            self._deeds.append(deeds.PlugPulled(at_s, near.body, off_s))
        for near in self._near(dice, self._profile.power, 0.1):
            by_s = dice.between(-7_200, 7_200)
            self._deeds.append(deeds.ClockJumps(near.at_s - 1, near.body, by_s))

    def _strike(self, at_s: float, body: str, at_write: int, dice: Dice) -> None:
        torn = dice.one_of(("head", "tail", "scattered", "garbage"))
        part = dice.one_of((0, 1_000, dice.between(1, 999)))
        off_s = dice.spread(3, 600)
        strike = deeds.PowerFails(at_s, body, at_write, part, torn, off_s)
        self._deeds.append(strike)

    def _server(self) -> None:
        dice = self._dice.of("server")
        for near in self._near(dice, self._profile.server, 1.0):
            self._deeds.append(
                deeds.ServerDies(
                    near.at_s - 0.001,
                    dice.between(1, 4),
                    dice.happens(0.5),
                    dice.spread(0, 60),
                )
            )
        for near in self._near(dice, self._profile.server, 0.3):
            at_s = near.at_s + dice.spread(0, 2)
            down_s = dice.spread(0, 30)
            dies = deeds.ServerDies(at_s, 0, after=False, down_s=down_s)
            self._deeds.append(dies)
        for near in self._near(dice, self._profile.server, 0.6):
            kind = dice.one_of(tuple(_DATABASE_TROUBLES))
            most = _DATABASE_TROUBLES[kind]
            self._deeds.append(
                deeds.DatabaseTrouble(
                    near.at_s - 0.001,
                    kind,
                    dice.between(1, most),
                    dice.spread(1, 20),
                )
            )

    def _people(self) -> None:
        dice, people = self._dice.of("people"), self._profile.people
        for near in self._near(dice, people, 0.8):
            at_s = near.at_s + dice.one_of((dice.spread(0.1, 0.5), dice.spread(1, 30)))
            self._deeds.append(deeds.VoidGiven(at_s, near.body))
        for near in self._near(dice, people, 0.1):
            state = dice.one_of(("WITHHELD", "BLOCKED", "EXPIRED"))
            at_s = near.at_s + dice.spread(-1, 2)
            self._deeds.append(deeds.LicenceSet(at_s, near.body, state))
            later_s = at_s + dice.spread(600, 40_000)
            self._deeds.append(deeds.LicenceSet(later_s, near.body, "REGISTERED"))
        for near in self._near(dice, people, 0.01):
            self._deeds.append(deeds.LicenceSet(near.at_s + 1, near.body, "CANCELLED"))
        for near in self._near(dice, people, 0.2):
            self._deeds.append(deeds.OrderGiven(near.at_s - 5, near.body, "LOCK", 4))
            later_s = near.at_s + dice.spread(60, 20_000)
            self._deeds.append(deeds.OrderGiven(later_s, near.body, "UNLOCK", 0))
        for near in self._near(dice, people, 0.1):
            limit = dice.between(50, 100) * _STEP_PAISE
            order = deeds.OrderGiven(near.at_s - 5, near.body, "FUNDS_LIMIT", limit)
            self._deeds.append(order)

    def _lives(self, bodies: list[str]) -> None:
        """Withdraw a machine, give it a new life, and money for it."""
        dice = self._dice.of("lives")
        if self._happens(dice, self._profile.people, 0.6):
            body = dice.one_of(bodies)
            self._new_lives(body, self._moment(dice), dice)

    def _new_lives(self, body: str, at_s: float, dice: Dice) -> None:
        for _ in range(3):
            at_s += dice.spread(200, 4_000)
            trouble = (self._trouble(dice),)
            withdrawn = DialIn(at_s, body, "WITHDRAWAL", 0, 2, trouble)
            self._dial_ins.append(withdrawn)
            self._deeds += [withdrawn, deeds.NewLife(at_s + 120, body)]
        at_s += dice.spread(200, 4_000)
        self._files += 1
        paid = ((body, _FIRST_DEPOSIT_PAISE),)
        self._deeds.append(deeds.FundFileCame(at_s, self._files, paid))

    def _cheats(self, bodies: list[str]) -> None:
        dice, cheats = self._dice.of("cheats"), self._profile.cheats
        if self._happens(dice, cheats, 0.5):
            self._clone(dice.one_of(bodies), dice)
        if self._happens(dice, cheats, 0.5):
            self._image(dice.one_of(bodies), dice)
        if self._happens(dice, cheats, 0.5):
            body, at_s = dice.one_of(bodies), self._moment(dice)
            by_paise = dice.one_of((-5, 5, 100)) * _STEP_PAISE
            self._deeds.append(deeds.RegistersForged(at_s, body, by_paise))
        for near in self._near(dice, cheats, 0.4):
            at_s = near.at_s + dice.spread(0.5, 600)
            self._deeds.append(deeds.RecordingReplayed(at_s, near.body))

    def _clone(self, body: str, dice: Dice) -> None:
        """Make a clone in or between dial-ins, which then lives its own life."""
        at_s = self._copied(body, dice)
        clone = f"{body}-clone"
        self._deeds.append(deeds.Cloned(at_s, body, clone))
        if dice.happens(0.5):
            self._dial(clone, at_s + dice.spread(5, 60), dice)
        while at_s < self._days * DAY_S:
            at_s += dice.spread(1, 20_000)
            if dice.happens(0.4):
                self._deeds.append(deeds.Mail(at_s, clone, dice.between(1, 6)))
            self._dial(clone, at_s + 1, dice)

    def _copied(self, body: str, dice: Dice) -> float:
        """Choose when memories are copied: sometimes with a voucher under way."""
        if dice.happens(0.5):
            near = dice.one_of([one for one in self._dial_ins if one.body == body])
            return near.at_s + dice.spread(-1, 3)
        at_s = self._moment(dice)
        amount_paise = dice.between(1, 20) * _STEP_PAISE
        cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_HEARD))
        deed = DialIn(at_s, body, "RECHARGE", amount_paise, 1, (cut,))
        again = DialIn(at_s + dice.spread(60, 4_000), body)
        self._dial_ins += [deed, again]
        self._deeds += [deed, again]
        return at_s + dice.spread(0.12, 0.22)

    def _image(self, body: str, dice: Dice) -> None:
        if dice.happens(0.4):
            self._image_with_voucher_out(body, dice)
            return
        kept_s = self._copied(body, dice)
        self._deeds.append(deeds.ImageKept(kept_s, body))
        back_s = kept_s + dice.one_of((10.0, 5_000.0, 40_000.0))
        self._deeds.append(deeds.ImageRestored(back_s, body))

    def _image_with_voucher_out(self, body: str, dice: Dice) -> None:
        """Put an image back across a mark, while a voucher is out and asked for."""
        at_s = self._moment(dice)
        amount_paise = dice.between(1, 20) * _STEP_PAISE
        cut = LineTrouble(cut_after_octets=dice.between(*_VOUCHER_OUT))
        wanted = DialIn(at_s + 200, body, "RECHARGE", amount_paise, 1, (cut,))
        again = DialIn(at_s + 300, body, "RECHARGE", amount_paise)
        self._deeds += [
            deeds.ImageKept(at_s, body),
            DialIn(at_s + 100, body),
            wanted,
            deeds.ImageRestored(at_s + 250, body),
            again,
        ]

    def _backups(self, bodies: list[str]) -> None:
        dice = self._dice.of("backups")
        if not self._happens(dice, self._profile.backups, 0.8):
            return
        at_s = self._moment(dice)
        self._deeds.append(deeds.BackupMade(at_s))
        back_s = at_s + dice.one_of((100.0, 5_000.0, 20_000.0, 50_000.0))
        self._deeds.append(deeds.BackupRestored(back_s))
        over = self._dice.of("lives over a backup")
        if over.happens(0.4):
            self._new_lives(over.one_of(bodies), at_s, over)

    # Where and how often.

    def _near(self, dice: Dice, factor: float, rate: float) -> list[DialIn]:
        """Choose dial-ins that something befalls: so many in a machine's day."""
        chance = min(1.0, factor * rate / _DIAL_INS_A_DAY)
        return [one for one in self._dial_ins if dice.happens(chance)]

    def _moment(self, dice: Dice) -> float:
        return dice.spread(_FIRST_S, max(1.0, self._days * DAY_S - 50_000))

    @staticmethod
    def _happens(dice: Dice, factor: float, chance: float) -> bool:
        return dice.happens(factor * chance)
