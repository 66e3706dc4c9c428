"""Cases that need the same silence are judged in one play.

Cases whose steps are the same, but for which of them are expected, are played once, and
each has the verdict that it would have had alone: what one expects is preamble to the
other. So a minute in which nothing is said is waited out once for all its clauses.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hw.lab.catalogue import Case, Ends
from hw.lab.side import Breach
from hw.lab.steps import EXPECTS, Step
from hw.lab.stopping import StepStoppedError
from hw.lab.verdicts import Judgement, Verdict
from protocol.link import Role


@dataclass(frozen=True, slots=True)
class Judged:
    """A case in a play, and what is known of it so far.

    Attributes:
        case: The case.
        judgement: What is known.
    """

    case: Case
    judgement: Judgement = field(default_factory=Judgement)

    def came_true(self, number: int) -> None:
        """Note that a step came true, by its place from 0."""
        if self.case.steps[number].expects:
            self.judgement.met()

    def looked(self) -> None:
        """Note that what the case looks at afterwards came true."""
        if self.case.ends not in {Ends.NOTHING, Ends.SERVED}:
            self.judgement.met()

    def stopped(self, number: int, stop: StepStoppedError) -> None:
        """Note what ended the play; a place behind all steps is what is looked at."""
        verdict, steps = stop.verdict, self.case.steps
        is_preamble = number < len(steps) and not steps[number].expects
        if verdict is Verdict.FAIL and is_preamble:
            verdict = Verdict.INCONCLUSIVE
        self.judgement.worsen(verdict, stop.reason)

    def broken(self, breach: Breach) -> None:
        """Note a clause that was seen broken."""
        self.judgement.worsen(Verdict.FAIL, str(breach))


def shared_steps(cases: Sequence[Case]) -> tuple[Step, ...]:
    """Give the steps of one play: expected is what any of its cases expects."""
    return tuple(
        next((step for step in alike if step.expects), alike[0])
        for alike in zip(*(case.steps for case in cases), strict=True)
    )


def plays(cases: Iterable[Case]) -> Mapping[str, tuple[Case, ...]]:
    """Say which cases are judged in one play.

    Args:
        cases: Those that are played, in order.

    Returns:
        By the id of the first of each play: all that are judged in it.
    """
    alike: dict[tuple[Role, Ends, tuple[str, ...]], list[Case]] = {}
    for case in cases:
        texts = tuple(step.text.removeprefix(EXPECTS).strip() for step in case.steps)
        alike.setdefault((case.role, case.ends, texts), []).append(case)
    return {found[0].id: tuple(found) for found in alike.values()}
