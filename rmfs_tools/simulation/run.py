"""One run: a plan, a world, and what came of it."""

import gc
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rmfs_tools.simulation.acting import Acting
from rmfs_tools.simulation.calm import come_to_rest
from rmfs_tools.simulation.channels import Channels, DoubleChannels
from rmfs_tools.simulation.deeds import Plan
from rmfs_tools.simulation.history import History
from rmfs_tools.simulation.server_life import Desk
from rmfs_tools.simulation.violations import Violation
from rmfs_tools.simulation.world import World

DAY_S: Final = 86_400.0


@dataclass(frozen=True)
class RunResult:
    """What came of a run.

    Attributes:
        plan: What was done.
        dial_ins: Calls that machines and strangers dialled.
        answered: Those of them that the server answered.
        violations: What the oracles found.
        history: Hash of everything that was observed.
        counts: How often each fault and rare state was really reached.
        simulated_s: How long the world lasted.
        trace: Where the product raised what it should not, or empty.
    """

    plan: Plan
    dial_ins: int
    answered: int
    violations: tuple[Violation, ...]
    history: str
    counts: dict[str, int]
    simulated_s: float
    trace: str = field(default="", repr=False)

    def as_json(self) -> dict[str, Any]:
        """Give it to a program."""
        return {
            "seed": self.plan.seed,
            "dial_ins": self.dial_ins,
            "answered": self.answered,
            "violations": [str(one) for one in self.violations],
            "history": self.history,
            "counts": self.counts,
        }


class Simulator:
    """Runs plans, one after the other, over one database file."""

    def __init__(self, folder: Path, channels: Channels | None = None) -> None:
        """Use an empty folder.

        Args:
            folder: For the database; quickest in a memory file system.
            channels: On which dial-ins run; the double when none are given.
        """
        self._desk = Desk(folder)
        self._channels: Channels = channels or DoubleChannels()

    def close(self) -> None:
        """Let go of the database."""
        self._desk.close()

    def run(
        self, plan: Plan, on_line: Callable[[str], None] | None = None
    ) -> RunResult:
        """Carry a plan out.

        Args:
            plan: What is done.
            on_line: Takes each line of the transcript.
        """
        history = History(on_line)
        world = World(plan, self._desk, self._channels, history)
        trace = ""
        try:
            self._carry_out(world)
        except Exception as error:  # noqa: BLE001 (whatever is raised is a finding)
            world.find("SOUND-1", f"{type(error).__name__}: {error}")
            trace = traceback.format_exc()
        finally:
            world.close()
            gc.collect()
        return RunResult(
            plan,
            world.telephone.calls,
            world.telephone.answered,
            tuple(world.violations),
            history.digest,
            world.counted(),
            world.seconds(),
            trace,
        )

    def _carry_out(self, world: World) -> None:
        acting = Acting(world)
        for deed in world.plan.deeds:
            world.pass_until(deed.at_s)
            acting.act(deed)
            if world.violations:
                return
        world.pass_until(world.plan.days * DAY_S)
        if not world.violations:
            come_to_rest(world, acting)
