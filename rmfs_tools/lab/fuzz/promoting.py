"""A finding becomes a case of the catalogue: strict steps, and what is expected.

A fuzz case is played leniently and judged by oracles. A case of the catalogue demands
what a right unit does: so the finding is played on the product, and what that answers
is what the case expects, from the first step on at which the bench does something
wrong. The case has to pass on the product, twice in a row on the same unit, and to fail
on the faulty unit that showed the finding, where that is one of the zoo.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Case, Ends
from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase
from hw.lab.needs import needed_by
from hw.lab.player import Player
from hw.lab.steps import EXPECTS, Step, parse_step
from hw.lab.stopping import StepStoppedError
from hw.lab.taken import ENDED, Taken
from hw.lab.verbs import check_step
from hw.lab.verdicts import Level, Verdict
from protocol.errors import RmfsError
from protocol.link import Role
from rmfs_tools.lab.fuzz.processor_time import CASE_CPU_S, OverdueError, within
from rmfs_tools.lab.progress import waits_s
from rmfs_tools.lab.universe import Universe, universe
from rmfs_tools.lab.virtual_time import NothingDueError, run
from rmfs_tools.lab.zoo.stands import import_units, make_beginnings, stand_in
from rmfs_tools.planting import Edit
from rmfs_tools.simulation.clock import TimeStandsStillError

_COMES_MAX: Final = 6
"""So much is waited for behind the last step."""
_COMES_S: Final = 5
_SLOW_S: Final = 3
_CANNOT: Final = (StepStoppedError, ValueError, IndexError)
"""A step cannot be carried out here."""
_ENDS: Final = {
    "N": (Ends.UNCHANGED, Ends.SERVED, Ends.FROZEN, Ends.NOTHING),
    "P": (Ends.SERVED, Ends.NOTHING),
    "B": (Ends.SERVED, Ends.UNCHANGED, Ends.NOTHING),
}
"""What may be looked at afterwards, the most telling first."""
_SAYS: Final = frozenset({"send", "packet", "body", "frame", "octets"})


class PromotionError(RmfsError):
    """A finding cannot become a case: why, and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a case is to be called.

    Attributes:
        id: Its number.
        clause: That it tests.
        level: How binding that is.
        text: Its words.
        title: What is done, in a line.
        needs: Options beside those that follow from its steps.
    """

    id: str
    clause: str
    level: Level
    text: str
    title: str
    needs: tuple[str, ...] = ()


def promoted(
    found: FuzzCase,
    wanted: Wanted,
    shown_on: Sequence[Edit] | None = None,
    *,
    case_cpu_s: float = CASE_CPU_S,
) -> Case:
    """Make a case of a finding.

    Args:
        found: Its steps.
        wanted: How it is to be called.
        shown_on: What is wrong with the unit that showed it; None: that is not known,
            and nobody sees whether the case can fail.
        case_cpu_s: If that unit takes more processor time for the case, it fails.

    Raises:
        PromotionError: The finding needs a preset; the product itself does not pass;
            or the faulty unit passes too.
        PlantingError: The faulty unit does not fit the product's text any more.
    """
    if found.preset != NO_PRESET:
        raise PromotionError(
            f"{found.id} needs the preset {found.preset}, and a case of the catalogue "
            f"has none: keep it among the findings, where rmfs lab replay plays it"
        )
    with universe("the product", ()) as product:
        with stand_in(product, found.role) as stand:
            steps = run(stand.clock, _answered(stand.bench, found))
        cases, why = _passing(product, _cases(found.role, steps, wanted))
    if not cases:
        raise PromotionError(
            f"the product itself does not pass {found.id} as a case: {why}; mend it "
            f"first, or write the steps by hand"
        )
    if shown_on is None:
        return cases[0]
    with universe("the faulty unit", shown_on) as faulty:
        for case in cases:
            if _fails(faulty, case, case_cpu_s):
                return case
    raise PromotionError(
        f"the faulty unit passes {found.id} as a case too: its steps do not show what "
        f"the oracle saw; write by hand what is to be expected"
    )


async def _answered(bench: ServerBench | MachineBench, found: FuzzCase) -> list[Step]:
    """Give the steps that can be carried out on a right unit, and what it answers."""
    bench.begin_case()
    player = Player(bench, bench.side, found.as_case)
    kept: list[str] = []
    for step in found.steps:
        came = len(player.taken)
        try:
            await player.carry_out(step)
        except _CANNOT:
            # What a step waited for in vain is no part of a case; what came instead
            # of it is.
            if len(player.taken) > came:
                kept += [_take(one) for one in player.taken[came:]]
        else:
            kept.append(step.text.removeprefix(EXPECTS).strip())
    for _ in range(_COMES_MAX):
        came = len(player.taken)
        if came and player.taken[-1].name == ENDED:
            break
        try:
            await player.carry_out(parse_step(f"take end within={_COMES_S}"))
        except _CANNOT:
            if len(player.taken) == came:
                break
        kept += [_take(one) for one in player.taken[came:]]
    await player.hang_up()
    return [parse_step(text) for text in kept if text]


def _take(taken: Taken) -> str:
    """Write what came as a step; nothing if there is no word for it."""
    text = f"take {taken}" if taken.name == "ERROR" else f"take {taken.name}"
    step = parse_step(text)
    try:
        check_step(step, Role.MACHINE)
    except RmfsError:
        return ""
    return text


def _cases(role: Role, steps: Sequence[Step], wanted: Wanted) -> Iterator[Case]:
    """Give the cases that steps can become: they differ in how they end."""
    judged = _judged(steps)
    needs = dict.fromkeys(wanted.needs)
    if role is Role.MACHINE:
        needs |= dict.fromkeys(names[0] for step in steps if (names := needed_by(step)))
    long_s = sum(waits_s(step) for step in steps)
    case = Case(
        id=wanted.id,
        clause=wanted.clause,
        role=role,
        level=wanted.level,
        text=wanted.text,
        title=wanted.title,
        needs=tuple(needs),
        steps=judged,
        ends=Ends.NOTHING,
        slow=f"it waits {long_s:g} s" if long_s > _SLOW_S else "",
    )
    for ends in _ENDS[case.kind]:
        if ends is Ends.FROZEN and role is Role.MACHINE:
            continue
        if ends is Ends.UNCHANGED or any(step.expects for step in judged):
            yield replace(case, ends=ends)


def _judged(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Mark what is to come from the first step on at which the bench is wrong."""
    wrong = [place for place, step in enumerate(steps) if _is_wrong(step)]
    takes = [place for place, step in enumerate(steps) if step.verb == "take"]
    first = wrong[0] if wrong else takes[-1] if takes else 0
    return tuple(
        parse_step(f"{EXPECTS} {step.text}")
        if step.verb == "take" and place >= first
        else step
        for place, step in enumerate(steps)
    )


def _is_wrong(step: Step) -> bool:
    if step.verb not in _SAYS:
        return step.verb in {"drop", "power"}
    return step.verb != "send" or bool(step.fields or step.bends or step.words[1:])


def _passing(there: Universe, cases: Iterator[Case]) -> tuple[list[Case], str]:
    """Give the cases that a unit passes twice in a row, and why others do not."""
    found, why = [], "it expects nothing"
    for case in cases:
        verdicts = _verdicts(there, case, times=2)
        bad = [reason for verdict, reason in verdicts if verdict is not Verdict.PASS]
        if bad:
            why = bad[0]
        else:
            found.append(case)
    return found, why


def _fails(there: Universe, case: Case, case_cpu_s: float) -> bool:
    """Say whether a faulty unit fails a case, or has no end of it."""
    import_units(there)
    make_beginnings(there, case.role)
    try:
        (played,) = within(case_cpu_s, lambda: _verdicts(there, case, times=1))
    except (OverdueError, NothingDueError, TimeStandsStillError):
        there.forget()
        return True
    return played[0] is Verdict.FAIL


def _verdicts(there: Universe, case: Case, times: int) -> list[tuple[Verdict, str]]:
    with stand_in(there, case.role) as stand:
        results = [stand.play(case) for _ in range(times)]
    return [(result.verdict, result.reason) for result in results]
