"""Kill after kill: work for both sides, a session, SIGKILL, sessions again, a count.

The databases are closed here while a session runs: who is started after a kill is the
first to open them, and has to mend what SQLite finds.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from dop_gateway.audit import trail
from hw.clock import WallClock
from protocol.errors import RmfsError
from rmfs_tools.killing.judging import Judgement, judge
from rmfs_tools.killing.leaving import Left, is_to_apply
from rmfs_tools.killing.looking import look
from rmfs_tools.killing.plan import Kill, Plan, Victim
from rmfs_tools.killing.processes import ROOT, Launcher
from rmfs_tools.killing.relay import Relay
from rmfs_tools.killing.striking import Striker, Struck, StuckError
from rmfs_tools.killing.world import World, world_in

ATTEMPTS_MAX: Final = 6
"""At one kill, when sessions are over before it comes: each time at half the share."""

KILLS_OF_A_WORLD: Final = 50
"""Then both sides begin anew: the gateway takes 1,000 files of a maker on one day, and
a kill brings some ten."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What kills have shown.

    Attributes:
        struck: What they hit.
        judgement: Of the last round: nothing is judged after one that fails.
        failed: The number of the kill after which something did not hold, or None.
        deposits: How many were brought across, in all rounds.
        credits: How many credits were.
        files: How many files went and came.
    """

    struck: Struck
    judgement: Judgement
    failed: int | None
    deposits: int
    credits: int
    files: int

    @property
    def is_good(self) -> bool:
        """Whether everything held after every kill."""
        return self.failed is None and not self.judgement.faults

    def and_then(self, later: "Shown") -> "Shown":
        """Add what was shown later, with the same count of what was struck."""
        return Shown(
            self.struck,
            later.judgement,
            later.failed,
            self.deposits + later.deposits,
            self.credits + later.credits,
            self.files + later.files,
        )

    def summary(self) -> dict[str, Any]:
        """Give the last line for programs."""
        struck, judged = self.struck, self.judgement
        return {
            "kills": sum(struck.by_victim.values()),
            "gateway": struck.by_victim[Victim.GATEWAY],
            "server": struck.by_victim[Victim.SERVER],
            "in_a_session": struck.in_a_session,
            "in_a_start": struck.in_a_start,
            "starts_with_work": struck.with_work,
            "missed": struck.missed,
            "session_s": round(struck.session_s, 3),
            "start_s": round(struck.start_s, 3),
            "left": {one.name: struck.left[one] for one in Left},
            "deposits": self.deposits,
            "credits": self.credits,
            "files": self.files,
            "faults": len(judged.faults),
            "lost_paise": judged.lost_paise,
            "doubled_paise": judged.doubled_paise,
            "unexplained_paise": judged.unexplained_paise,
        }

    def show(self) -> str:
        """Tell a person."""
        found = self.summary()
        return (
            f"{found['kills']} kills: {found['gateway']} of the gateway, "
            f"{found['server']} of the server; {found['in_a_session']} while files "
            f"were exchanged, {found['in_a_start']} while the gateway started. "
            f"{found['deposits']} deposits, {found['credits']} credits, "
            f"{found['files']} files: lost {found['lost_paise']} paise, doubled "
            f"{found['doubled_paise']}, unexplained {found['unexplained_paise']}; "
            f"{found['faults']} faults"
        )


async def play(
    folder: Path,
    plan: Plan,
    clock: WallClock,
    environment: Mapping[str, str],
    say: Callable[[str], None],
    *,
    server_root: Path = ROOT,
) -> Shown:
    """Kill as planned, in an empty folder, until something does not hold.

    Args:
        folder: For both sides, and for the logs of their programs.
        plan: What is killed when, and what is done between kills.
        clock: The real time.
        environment: That of this process.
        say: Told how it goes on.
        server_root: Folder of the packages that the server runs: a faulty copy's, to
            see that this can fail.

    Raises:
        RmfsError: A program cannot be started.
    """
    struck = Struck()
    shown = Shown(struck, Judgement(0, 0, 0, ()), None, 0, 0, 0)
    for begin in range(0, len(plan.kills), KILLS_OF_A_WORLD):
        if not shown.is_good:
            break
        async with Relay() as relay:
            at = folder / f"from-{begin + 1}"
            with world_in(at, relay.port, clock, plan.seed) as world:
                striker = Striker(
                    at,
                    Launcher(at / "logs", environment),
                    relay,
                    partial(_waits, world),
                    struck,
                    server_root=server_root,
                )
                playing = _Playing(world, striker, say)
                try:
                    some = plan.kills[begin : begin + KILLS_OF_A_WORLD]
                    found = await playing.run(some)
                finally:
                    await striker.end()
        shown = shown.and_then(found)
    return shown


def _waits(world: World) -> bool:
    with world.department.parts.store.reading() as connection:
        found = is_to_apply(connection)
    world.close_books()
    return found


class _Playing:
    """A rehearsal on its way."""

    def __init__(
        self, world: World, striker: Striker, say: Callable[[str], None]
    ) -> None:
        self._world = world
        self._striker = striker
        self._say = say
        self._judgement = Judgement(0, 0, 0, ())
        self._files = 0

    async def run(self, kills: Sequence[Kill]) -> Shown:
        self._world.found()
        self._world.close_books()
        await self._striker.start_gateway()
        # One session as it should be: by it the lengths of those to come are known.
        await self._striker.finish()
        self._look()
        failed = None
        for kill in kills:
            if self._judgement.faults:
                break
            await self._round(kill)
            self._tell(kill)
            failed = kill.number if self._judgement.faults else None
        if failed is None:
            self._check_trail()
        done = self._world.done
        return Shown(
            self._striker.struck,
            self._judgement,
            failed,
            len(done.deposits),
            len(done.credits),
            self._files,
        )

    async def _round(self, kill: Kill) -> None:
        stuck = ""
        try:
            await self._strike(kill)
            await self._striker.finish()
        except RmfsError as error:
            stuck = str(error)
        self._look()
        if stuck:
            self._judgement = _with(self._judgement, stuck)

    async def _strike(self, kill: Kill) -> None:
        """Do new work and kill, until a kill has struck.

        Raises:
            StuckError: The exchange does not go on, or every session is over too soon.
        """
        share = kill.share
        for _ in range(ATTEMPTS_MAX):
            self._world.work(kill.number)
            self._world.close_books()
            again = Kill(kill.number, kill.victim, kill.when, share)
            if await self._striker.strike(again):
                return
            await self._striker.finish()
            share /= 2
        raise StuckError(f"no session was at work when kill {kill.number} came")

    def _look(self) -> None:
        found = look(self._world)
        self._judgement = judge(self._world.done, found)
        self._files = len(found.given[0]) + len(found.brought[0])
        self._world.close_books()

    def _check_trail(self) -> None:
        with self._world.department.parts.store.reading() as connection:
            findings = list(trail.verify(connection))
        for one in findings:
            words = f"audit trail: {one.subject}: {one.rule}: {one.detail}"
            self._judgement = _with(self._judgement, words)

    def _tell(self, kill: Kill) -> None:
        words = f"kill {kill.number}: {kill.victim.name.lower()}"
        faults = self._judgement.faults
        how = f"{len(faults)} FAULTS" if faults else "all there, once"
        self._say(f"{words}, {kill.when.value}, at {kill.share:.0%} of it: {how}")
        for fault in faults:
            self._say(f"  WRONG: {fault}")


def _with(judgement: Judgement, fault: str) -> Judgement:
    return Judgement(
        judgement.lost_paise,
        judgement.doubled_paise,
        judgement.unexplained_paise,
        (*judgement.faults, fault),
    )


def run(
    folder: Path,
    plan: Plan,
    clock: WallClock,
    environment: Mapping[str, str],
    say: Callable[[str], None],
) -> Shown:
    """Do as `play` does, to the end."""
    return asyncio.run(play(folder, plan, clock, environment, say))
