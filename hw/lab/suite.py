"""A whole run: every case that was chosen, on one bench, and what comes of it.

A unit is certified when every MUST case that applies passes (*conformance*); the SHOULD
cases are an axis of their own (*compatibility*).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from hw.lab.bench import Bench, MachineBench, ServerBench
from hw.lab.catalogue import Case, Ends
from hw.lab.declaration import Declaration
from hw.lab.player import Player, Result
from hw.lab.sharing import plays
from hw.lab.side import number
from hw.lab.steps import parse_step
from hw.lab.trace import Trace
from hw.lab.verdicts import NOTHING_ASSERTED, Level, Verdict
from protocol.errors import RmfsError
from protocol.registers import MachineState

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_BENCH: Final = 3
EXIT_INCONCLUSIVE: Final = 4

_WORST: Final = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.INCONCLUSIVE,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run comes to.

    Attributes:
        conformance: The worst verdict of a MUST.
        compatibility: The worst verdict of a SHOULD.
        counts: Cases by verdict.
        unexpected: Cases that came out otherwise than was expected, in words.
    """

    conformance: Verdict
    compatibility: Verdict
    counts: dict[str, int]
    unexpected: tuple[str, ...] = ()

    def exit_code(self, *, strict: bool) -> int:
        """Say how a program ends.

        Args:
            strict: A SHOULD counts as a MUST.
        """
        axes = [self.conformance, *([self.compatibility] if strict else [])]
        if Verdict.ERROR in axes:
            return EXIT_BENCH
        if Verdict.FAIL in axes or self.unexpected:
            return EXIT_FAILED
        return EXIT_INCONCLUSIVE if Verdict.INCONCLUSIVE in axes else EXIT_PASSED


class UnknownUnitError(RmfsError):
    """The bench could not get to know the unit: no case was played."""


class ExpectedFileError(RmfsError):
    """A file of expected verdicts cannot be read."""


_FIRST_STEPS: Final = (
    "dial inspection",
    "take STATEMENT",
    # After it a machine sends its whole usage table once more (DLG-9.2).
    "send REFUSAL code=ACCOUNT_FROZEN disposition=CLEARED receipt_follows=0",
    "take GOODBYE",
    "take end",
    "dial inspection",
    "take STATEMENT",
    "finish",
)


async def get_to_know(bench: ServerBench) -> Trace:
    """Learn what a machine holds that was in use before, or is new.

    Raises:
        UnknownUnitError: It did not dial in as any machine has to.
    """
    case = Case(
        id="START",
        clause="DLG-1",
        role=bench.unit,
        level=Level.MUST,
        text="",
        title="what the machine holds",
        needs=(),
        steps=tuple(parse_step(text) for text in _FIRST_STEPS),
        ends=Ends.NOTHING,
    )
    bench.begin_case()
    result = await Player(bench, bench.side, case).play()
    if result.reason != NOTHING_ASSERTED:
        raise UnknownUnitError(
            f"the machine does not dial in as it should, so that no case is played: "
            f"{result.reason}"
        )
    state = MachineState(number(bench.side.statement, "state"))
    if state not in {MachineState.INSTALLED, MachineState.IN_SERVICE}:
        raise UnknownUnitError(
            f"the machine is {state.name}: a run begins with one that is in service"
        )
    return result.trace


async def run_suite(
    bench: ServerBench | MachineBench,
    cases: Sequence[Case],
    declaration: Declaration | None,
    tell: Callable[[Result], None],
    *,
    begins: Callable[[Case], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Play cases one after the other.

    Args:
        bench: With the unit on it.
        cases: Those of its role.
        declaration: Decides which apply; None has all apply.
        tell: Told of each result as it comes.
        begins: Told of each case that applies before it is played.
    """
    results: list[Result] = []
    if isinstance(bench, ServerBench) and not bench.side.book.is_known:
        await get_to_know(bench)
    why_not = {
        case.id: "" if declaration is None else declaration.why_not(case)
        for case in cases
    }
    together = plays(case for case in cases if not why_not[case.id])
    out: dict[str, Result] = {}
    for case in cases:
        if why_not[case.id]:
            out[case.id] = _not_applicable(bench, case, why_not[case.id])
        elif case.id not in out:
            begins(case)
            bench.begin_case()
            player = Player(bench, bench.side, case, together[case.id][1:])
            out |= {one.case.id: one for one in await player.play_all()}
        results.append(out[case.id])
        tell(out[case.id])
    return tuple(results)


def outcome_of(
    results: Iterable[Result], expected: dict[str, Verdict] | None = None
) -> Outcome:
    """Sum up.

    Args:
        results: Of all cases.
        expected: Verdicts that are known beforehand, by case: what comes out otherwise,
            better too, is told.
    """
    known = tuple(results)
    counts = Counter(result.verdict.value for result in known)
    unexpected = tuple(
        f"{result.case.id} was expected to be {wanted.value}, and is "
        f"{result.verdict.value}"
        for result in known
        if (wanted := (expected or {}).get(result.case.id)) is not None
        and wanted is not result.verdict
    )
    judged = [result for result in known if not _is_excused(result, expected)]
    return Outcome(
        _worst(result for result in judged if result.case.level is Level.MUST),
        _worst(result for result in judged if result.case.level is Level.SHOULD),
        {verdict.value: counts[verdict.value] for verdict in Verdict},
        unexpected,
    )


def _is_excused(result: Result, expected: dict[str, Verdict] | None) -> bool:
    """Whether a verdict was known beforehand, so that it says nothing new."""
    return (expected or {}).get(result.case.id) is result.verdict


def _worst(results: Iterable[Result]) -> Verdict:
    found = {result.verdict for result in results}
    return next((one for one in _WORST if one in found), Verdict.NOT_APPLICABLE)


def _not_applicable(bench: Bench, case: Case, why: str) -> Result:
    trace = Trace(lambda: float(bench.reactor.seconds()), bench.clock)
    return Result(case, Verdict.NOT_APPLICABLE, why, trace, 0.0)
