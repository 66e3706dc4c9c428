"""A campaign: rounds of fuzz cases against one target, and what they have found.

A round draws its cases from its own seed, which follows from that of the campaign, and
is steered by what all rounds before it have reached. It ends with the first thing that
was not known: that is shrunk, and known from then on. So the same seed gives the same
cases and findings for a target in virtual time, however often the campaign is
interrupted between two rounds.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from hw.lab.fuzz.coverage import Coverage
from hw.lab.fuzz.fuzz_case import FuzzCase
from hw.lab.fuzz.grammar import fuzz_cases
from hw.lab.fuzz.oracles import Finding
from hw.lab.fuzz.playing import FuzzResult
from protocol.errors import RmfsError
from rmfs_tools.lab.fuzz.drawing import draw_round
from rmfs_tools.lab.fuzz.leaving_out import leave_out
from rmfs_tools.lab.fuzz.targets import StoppedError, Target

ROUND_CASES: Final = 50
_OVERDUE_MAX: Final = 10
"""So many cases of a round may be broken off when it makes one small: each takes as
long as a case may take at all."""
_EMPTY_ROUNDS_MAX: Final = 3
"""Rounds in which nothing was played: the grammar has nothing more to give."""
_SEED_OCTETS: Final = 8
_VALUES: Final = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-fA-F]{8,}\b|\d+(?:\.\d+)?")

Key = tuple[str, str, str]
"""Oracle, clause, and reason without its values: what is found once, and not again."""


def key_of(finding: Finding) -> Key:
    """Say what a finding is, whatever values it came with."""
    return finding.oracle.value, finding.clause, normalised(finding.reason)


def normalised(reason: str) -> str:
    """Leave the values out of a reason."""
    return _VALUES.sub("#", reason)


@dataclass(frozen=True, slots=True)
class Found:
    """Something that a campaign has found.

    Attributes:
        case: The smallest case that shows it.
        finding: What it is.
        result: Of that case.
        drawn: The case as it was drawn.
        round: In which round, from 1.
        cases: How many cases had been played until then.
        shrinks: How many were played to make it small.
        flaky: It did not happen again when the case was played once more.
    """

    case: FuzzCase
    finding: Finding
    result: FuzzResult
    drawn: FuzzCase
    round: int
    cases: int
    shrinks: int
    flaky: bool = False

    @property
    def key(self) -> Key:
        """What it is, whatever values it came with."""
        return key_of(self.finding)


@dataclass(frozen=True, slots=True)
class Campaign:
    """How far a campaign is.

    Attributes:
        target: Its name.
        seed: What every case follows from.
        presets: Those that are drawn.
        rounds: How many are over.
        cases: How many cases were drawn and played.
        shrinks: How many more were played to make small what was found.
        lasted_s: How long it took, in real time.
        coverage: What was reached.
        known: What was found, and what was known before.
        goal: How many cases it is to draw, if that ends it.
        found: What was found, in this process.
        interrupted: Somebody ended it.
        trouble: Why it could not go on, or empty.
    """

    target: str
    seed: int
    presets: tuple[str, ...]
    coverage: Coverage
    rounds: int = 0
    cases: int = 0
    shrinks: int = 0
    lasted_s: float = 0.0
    known: frozenset[Key] = frozenset()
    goal: int | None = None
    found: tuple[Found, ...] = ()
    interrupted: bool = False
    trouble: str = ""

    @property
    def cases_per_s(self) -> float:
        """How many cases were played in a second, those that shrink included."""
        played = self.cases + self.shrinks
        return played / self.lasted_s if self.lasted_s else 0.0


@dataclass(frozen=True, slots=True)
class Limits:
    """When a campaign ends.

    Attributes:
        cases: It has drawn so many; None: that does not end it.
        lasted_s: It has taken so long in real time, seconds; None: that does not end
            it, and time is not read.
    """

    cases: int | None = None
    lasted_s: float | None = None


@dataclass(frozen=True, slots=True)
class Watching:
    """Who is told while a campaign runs.

    Attributes:
        played: A case was played; how far the campaign is.
        found: Something was found, and how far the campaign is.
        round_over: A round is over; from there it can be gone on with.
    """

    played: Callable[[Campaign], None] = lambda _: None
    found: Callable[[Found, Campaign], None] = lambda _, __: None
    round_over: Callable[[Campaign], None] = lambda _: None


UNWATCHED: Final = Watching()


def new_campaign(
    target: Target, seed: int, presets: Sequence[str] | None = None
) -> Campaign:
    """Be about to begin.

    Args:
        target: On which.
        seed: What every case follows from.
        presets: Those that are to be drawn; None for all that the target can be given.
    """
    chosen = target.presets if presets is None else tuple(presets)
    return Campaign(target.name, seed, chosen, Coverage(target.role))


def campaign(
    target: Target,
    seed: int,
    cases: int | None = None,
    *,
    lasted_s: float | None = None,
    presets: Sequence[str] | None = None,
    now_s: Callable[[], float] = lambda: 0.0,
    watching: Watching = UNWATCHED,
) -> Campaign:
    """Run a campaign from its beginning.

    Args:
        target: On which.
        seed: What every case follows from.
        cases: How many are drawn, at most.
        lasted_s: How long it may take in real time, seconds.
        presets: Those that are to be drawn; None for all that the target can be given.
        now_s: Real time, seconds; it decides nothing where `lasted_s` is None.
        watching: Told on the way.
    """
    begun = new_campaign(target, seed, presets)
    return go_on(target, begun, Limits(cases, lasted_s), now_s=now_s, watching=watching)


def go_on(
    target: Target,
    before: Campaign,
    limits: Limits,
    *,
    now_s: Callable[[], float] = lambda: 0.0,
    watching: Watching = UNWATCHED,
) -> Campaign:
    """Go on with a campaign, round by round.

    Args:
        target: On which.
        before: How far it is; nothing of it is played again.
        limits: When it ends: cases are counted from its beginning, time from now.
        now_s: Real time, seconds.
        watching: Told on the way.
    """
    began_s = now_s() - before.lasted_s
    limit_s = None if limits.lasted_s is None else now_s() + limits.lasted_s

    def is_over(now: Campaign) -> bool:
        late = limit_s is not None and now_s() >= limit_s
        done = limits.cases is not None and now.cases >= limits.cases
        return late or done

    before = replace(before, goal=limits.cases)
    now, empty = before, 0
    while not is_over(now) and empty < _EMPTY_ROUNDS_MAX:
        one = _Round(target, now, watching, is_over, lambda: now_s() - began_s)
        after = one.play()
        empty = 0 if after.cases > now.cases else empty + 1
        now = after
        if now.rounds > before.rounds:
            watching.round_over(now)
        if now.interrupted or now.trouble:
            break
        before = now
    return now


def round_seed(seed: int, number: int) -> int:
    """Give the seed of a round.

    Args:
        seed: Of the campaign.
        number: Of the round, from 1.
    """
    digest = sha256(f"{seed} {number}".encode()).digest()
    return int.from_bytes(digest[:_SEED_OCTETS], "big")


@dataclass
class _Round:
    """One round: it plays until something is found, and then to make that small."""

    target: Target
    now: Campaign
    watching: Watching
    is_over: Callable[[Campaign], bool]
    lasted_s: Callable[[], float]
    wanted: Key | None = None
    drawn: FuzzCase | None = None
    played: dict[str, FuzzResult] = field(default_factory=dict)
    shrinks: int = 0
    overdue: int = 0

    def play(self) -> Campaign:
        """Play it; how far the campaign is then."""
        number = self.now.rounds + 1
        strategy = fuzz_cases(
            self.target.role,
            self.now.coverage.steering(),
            self.now.presets,
            slow=not self.target.is_real,
        )
        seed = round_seed(self.now.seed, number)
        smallest = draw_round(
            strategy, seed, ROUND_CASES, self._is_wrong, self._is_enough
        )
        if smallest is not None:
            smallest = leave_out(smallest, self._shows)
            found = self._found(smallest, number)
            self.now = replace(
                self.now,
                known=self.now.known | {found.key},
                found=(*self.now.found, found),
                shrinks=self.now.shrinks + found.shrinks,
            )
            self.watching.found(found, self.now)
        # A round that found something is over, interrupted or not: on the way to a
        # smaller case nothing is counted that a later round follows from.
        is_cut = bool(self.now.interrupted or self.now.trouble)
        if is_cut and smallest is None:
            number -= 1
        return replace(self.now, rounds=number, lasted_s=self.lasted_s())

    def _is_enough(self) -> bool:
        """Say whether this round draws no more, or shrinks no more."""
        if self.now.interrupted or self.now.trouble:
            return True
        if self.wanted is None:
            return self.is_over(self.now)
        return self._is_small_enough

    @property
    def _is_small_enough(self) -> bool:
        """Whether no more is played to make a case small."""
        too_long = self.overdue >= _OVERDUE_MAX
        return too_long or self.shrinks >= self.target.shrinks_max

    def _is_wrong(self, case: FuzzCase) -> bool:
        """Say whether a case that was drawn shows something that was not known."""
        if self.wanted is not None:
            return self._shows(case)
        if case.id in self.played:
            return False
        result = self._result(case)
        if result is None:
            return False
        self.now.coverage.add(result.cells)
        self.now = replace(self.now, cases=self.now.cases + 1, lasted_s=self.lasted_s())
        self.watching.played(self.now)
        keys = [key_of(one) for one in result.findings]
        fresh = [key for key in keys if key not in self.now.known]
        if fresh:
            self.wanted, self.drawn = fresh[0], case
        return bool(fresh)

    def _shows(self, case: FuzzCase) -> bool:
        """Say whether a case shows what this round has found."""
        known = case.id in self.played
        if not known and self._is_small_enough:
            return False
        result = self._result(case)
        if result is None:
            return False
        self.shrinks += not known
        return any(key_of(one) == self.wanted for one in result.findings)

    def _result(self, case: FuzzCase) -> FuzzResult | None:
        """Play a case, or know it; None when nothing can be played any more."""
        if case.id in self.played:
            return self.played[case.id]
        if self.now.interrupted or self.now.trouble:
            return None
        try:
            result = self.target.play(case)
        except StoppedError:
            self.now = replace(self.now, interrupted=True)
            return None
        except RmfsError as error:
            self.now = replace(self.now, trouble=f"{case.id}: {error}")
            return None
        self.played[case.id] = result
        self.overdue += result.is_overdue
        return result

    def _found(self, case: FuzzCase, number: int) -> Found:
        """Play the smallest case once more, and say what it is that was found."""
        seen = self.played.pop(case.id)
        again = self._result(case)
        last = seen if again is None else again
        flaky = again is not None and not self._is_in(again)
        result = seen if flaky else last
        finding = next(one for one in result.findings if key_of(one) == self.wanted)
        return Found(
            case=case,
            finding=finding,
            result=result,
            drawn=self.drawn or case,
            round=number,
            cases=self.now.cases,
            shrinks=self.shrinks,
            flaky=flaky,
        )

    def _is_in(self, result: FuzzResult) -> bool:
        return any(key_of(one) == self.wanted for one in result.findings)
