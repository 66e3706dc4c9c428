"""A run of the model, step by step, with the real code.

The real PSD, both real dialogues and the real books on SQLite do what the steps of a
counterexample say, over the channel's double. The planted mistake is not in the real
code, so that at some step the two must part: what the real code does not do is noted,
and the replay goes on. In the end the lines are dropped, the machines dial until it is
quiet, and the money must be right, to the paisa; where the run cheats, the account must
be frozen or its money whole.

What is lost, late or recorded is decided by the steps alone: there is no link here, and
time moves by a second at each step.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rmfs_tools.model.replay_call import Did
from rmfs_tools.model.replay_machine import MachineSteps
from rmfs_tools.model.replay_server import ServerSteps
from rmfs_tools.model.replay_start import Start
from rmfs_tools.model.replay_world import ReplayWorld
from rmfs_tools.model.spin import TakenStep
from rmfs_tools.simulation.pair_books import money_findings

CALM_CALLS: Final = 4
"""Dial-ins until everything is quiet, more than are needed."""
CALM_FROM: Final = 100
"""Calls of the end have numbers from here on."""
SETTLED: Final = "settled"
FROZEN: Final = "frozen"
_APART: Final = frozenset({"CLONE", "IMAGE", "BACKUP"})
"""Switches with which machine and books may part without a mistake of the code."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the real code said to a step.

    Attributes:
        step: Which.
        words: What it did instead, why there was nothing to do, or what it answered.
    """

    step: TakenStep
    words: str


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of a run.

    Attributes:
        steps: Of the run.
        carried_out: Steps that the real code did.
        prevented: Those that it did not do.
        remarks: What the books said to steps that were done, where it tells.
        end: ``settled`` or ``frozen``.
        findings: What is wrong with the money; nothing is well.
    """

    steps: int
    carried_out: int
    prevented: tuple[Said, ...]
    remarks: tuple[Said, ...]
    end: str
    findings: tuple[str, ...]


def replay(
    planted: str,
    parts: Sequence[str],
    run: Sequence[TakenStep],
    start: Start,
    folder: Path,
) -> Replayed:
    """Take a run of the model through the real code.

    Args:
        planted: Name of the mistake in the model, or empty; nothing is planted here.
        parts: Switches of the model, which say what the run may do.
        run: The steps.
        start: Where the real code begins.
        folder: An empty one, for the books.

    Raises:
        StoreError: The database failed.
    """
    world = ReplayWorld(folder, start)
    try:
        return _Replay(world, planted, frozenset(parts)).run(run)
    finally:
        world.close()


class _Replay:
    """A run that is being taken through the real code."""

    def __init__(self, world: ReplayWorld, planted: str, parts: frozenset[str]) -> None:
        self._world = world
        self._machine = MachineSteps(world)
        self._server = ServerSteps(world)
        self._planted = planted
        self._parts = parts
        self._apart = bool(parts & _APART)

    def run(self, run: Sequence[TakenStep]) -> Replayed:
        left_out, remarks, findings = [], [], []
        for step in run:
            self._world.pass_time()
            did = self._take(step)
            if not did.done:
                left_out.append(Said(step, did.words))
            elif did.words:
                remarks.append(Said(step, did.words))
            findings += [f"after {step}: {one}" for one in self._findings()]
        end = self._come_to_rest()
        findings += self._findings()
        claimed = not self._apart and "STALE" not in self._parts
        if end != SETTLED and (claimed or end != FROZEN):
            findings.append(f"in the end the machine is {end}")
        return Replayed(
            steps=len(run),
            carried_out=len(run) - len(left_out),
            prevented=tuple(left_out),
            remarks=tuple(remarks),
            end=end,
            findings=tuple(findings),
        )

    def _take(self, step: TakenStep) -> Did:
        name = step.name.replace("-", "_")
        if self._planted == "torn" and name == "apply":
            name = "apply_torn"
        whose = self._machine if hasattr(self._machine, name) else self._server
        act: Callable[..., Did] = getattr(whose, name)
        return act(*step.numbers)

    def _come_to_rest(self) -> str:
        """Drop every line and let each machine dial until it is quiet."""
        self._world.start_server()
        for body in range(len(self._world.bodies)):
            self._world.switch_off(body)
            if not self._until_quiet(body):
                return "not at rest"
        return FROZEN if self._world.see_books().frozen else SETTLED

    def _until_quiet(self, body: int) -> bool:
        for _ in range(CALM_CALLS):
            self._whole_call(body, len(self._world.calls) + CALM_FROM)
            books = self._world.see_books()
            if books.frozen and not self._resolved():
                return True
            pending = self._world.bodies[body].record.pending
            if pending is None and not books.opened and not books.frozen:
                return True
        return False

    def _resolved(self) -> bool:
        """Let a person resolve, where the run is about an old copy of the books."""
        return "BACKUP" in self._parts and self._server.resolve().done

    def _whole_call(self, body: int, call: int) -> None:
        """Dial in without a fault, whatever is answered."""
        self._world.pass_time()
        self._machine.dial(body, call, 0, 0)
        self._machine.state(body, call)
        self._server.judge(call)
        self._server.answer(call)
        made = self._world.calls[call]
        while made.machine is not None and made.down:
            self._machine.take_receipt(body, call)
            if made.unsent:
                self._machine.part(body, call)
            while made.up and made.server is not None:
                self._server.post(call)
                self._server.answer(call)

    def _findings(self) -> list[str]:
        """Say what is wrong with the money.

        Where a memory or the books were put back, what a machine holds is not the
        books' doing: of the books alone it is asked that they add up.
        """
        books = self._world.see_books()
        if not self._apart:
            return money_findings(self._world.bodies[0].record, books)
        held = books.funds_paise + books.reserved_paise + books.posted_paise
        deposited = -books.balance("department")
        wrong = [] if held == deposited else [f"{held} of {deposited} paise are held"]
        return [*books.faults, *wrong]
