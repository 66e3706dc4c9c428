"""A fuzz case is played: leniently, so that any part of its steps can be played too.

A step that cannot be carried out, or upon which nothing comes, is noted and passed
over. Behind the steps the unit has to be alive, to hang up in time, and to go through
a good dial-in: a machine an inspection, a server a recharge of the bench's machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from hw.lab.bench import MachineBench, ServerBench
from hw.lab.catalogue import Ends
from hw.lab.control_port import BusyError
from hw.lab.fuzz.coverage import Reached
from hw.lab.fuzz.dialogue import GOODBYE
from hw.lab.fuzz.fuzz_case import FuzzCase
from hw.lab.fuzz.hiding import secrets_seen
from hw.lab.fuzz.money import money_of
from hw.lab.fuzz.oracles import Finding, Oracle
from hw.lab.fuzz.presets import fuzz_preset
from hw.lab.fuzz.watching import Watch
from hw.lab.fuzz.wire import Did, Passed, wire
from hw.lab.operator import OperatorError
from hw.lab.player import Player
from hw.lab.server_side import ServerSide
from hw.lab.steps import Step, parse_step
from hw.lab.stopping import StepStoppedError
from hw.lab.taken import ENDED
from hw.lab.trace import Trace
from hw.lab.verdicts import Verdict
from protocol.link import Role

WAITS_S: Final = 70.0
"""Who waits for 60 s (DLG-13) has said so in this time, on any line."""
_TAKES_MAX: Final = 40
"""So much may still come of a dialogue that the bench says nothing in."""
_CANNOT: Final = (StepStoppedError, ValueError, IndexError)
"""A step cannot be carried out here: a bend that a packet has no room for, too."""
_OUR_OWN: Final = "the bench: "
"""What the bench cannot do says nothing of the unit."""
_BETWEEN_CALLS: Final = frozenset({"become", "forget", "usage"})
"""Who is somebody else, or remembers something else, has hung up before."""
_REFUSES_VALUE: Final = "ERROR VOUCHER came"
_OF_UNBALANCED: Final = frozenset({"REG-2"})
"""Broken by the preset, and not by the unit."""
_RECHARGE: Final = "dial RECHARGE 20000"


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """How one fuzz case came out.

    Attributes:
        findings: What must not be, the worst first; none: the unit did well.
        cells: What was reached.
        trace: What was seen.
        lasted_s: How long it took, in the time of the bench.
        is_overdue: It took too much processor time, and was broken off.
    """

    findings: tuple[Finding, ...]
    cells: frozenset[Reached]
    trace: Trace
    lasted_s: float
    is_overdue: bool = False


async def play_fuzz(
    bench: ServerBench | MachineBench,
    case: FuzzCase,
    *,
    waits: bool = True,
    silence_s: float | None = None,
) -> FuzzResult:
    """Play a fuzz case.

    `Bench.begin_case` is called first. The preset of the case is the target's business:
    the unit has its registers when this begins.

    Args:
        bench: Where it is played.
        case: What is played.
        waits: Wait for the unit to hang up by itself, a minute if need be; else the
            bench hangs up at once, and nothing is said of that time.
        silence_s: How long a step waits for what may never come; None: as long as the
            bench has patience, which it has in any case for the good dial-in.

    Raises:
        OperatorError: As `FuzzPlay.play`.
    """
    return await FuzzPlay(bench, case).play(waits=waits, silence_s=silence_s)


@contextmanager
def _less_patience(
    bench: ServerBench | MachineBench, silence_s: float | None
) -> Iterator[None]:
    patience_s = bench.patience_s
    bench.patience_s = patience_s if silence_s is None else silence_s
    try:
        yield
    finally:
        bench.patience_s = patience_s


class FuzzPlay:
    """The play of one case on its bench; what was seen can be had at any time.

    Attributes:
        trace: What was seen so far.
    """

    def __init__(self, bench: ServerBench | MachineBench, case: FuzzCase) -> None:
        """Begin the case; nothing is said yet."""
        bench.begin_case()
        self._bench = bench
        self._case = case
        self._side = bench.side
        self._money = money_of(bench.side)
        self._player = Player(bench, bench.side, case.as_case)
        self.trace = self._player.trace
        preset = fuzz_preset(case.preset, case.role)
        # What an honest machine does not state, and a machine that stops at it does.
        self._unbalanced = preset is not None and preset.unbalanced
        has_lied = self._unbalanced and case.role is Role.SERVER
        self._watch = Watch(case.role, has_lied=has_lied)
        self._findings: list[Finding] = []
        self._undone: OperatorError | None = None
        self._has_power = True
        self._days = 0
        self._by_frames = False

    async def play(
        self, *, waits: bool = True, silence_s: float | None = None
    ) -> FuzzResult:
        """Play it to its end, as `play_fuzz` says.

        Raises:
            OperatorError: Who is to have the unit dial in, or to say whether it lives,
                could not; and nothing was found before.
        """
        with _less_patience(self._bench, silence_s):
            for step in self._case.steps:
                await self._carry_out(step)
        if waits:
            await self._wait_for_end()
        try:
            await self._look_afterwards()
        except OperatorError as error:
            # Nothing is known of how the unit is now; what was seen before is.
            result = self._result()
            if not result.findings:
                raise
            self.trace.remark(f"no good dial-in could be had: {error}")
            return result
        return self._result()

    def broken_off(self, finding: Finding) -> FuzzResult:
        """Say how it came out when it is not played to its end.

        Nothing is judged: what half a case shows may be the bench's.

        Args:
            finding: Why.
        """
        trace, cells = self.trace, frozenset(self._watch.cells)
        trace.remark(str(finding))
        return FuzzResult((finding,), cells, trace, trace.lasted_s)

    async def _carry_out(self, step: Step) -> str:
        """Carry out a step as far as that goes; why it stopped, if it did."""
        player, watch = self._player, self._watch
        watch.before(step, player.trace.lasted_s)
        if step.verb == "dial":
            self._by_frames = "by-frames" in step.words
        elif step.verb == "power":
            self._has_power = step.words[0] == "on"
        elif step.verb == "ask" and step.words[0] == "days":
            self._days += int(step.words[1], 0)
        came, stopped = len(player.taken), ""
        self._undone = None
        try:
            if step.verb in _BETWEEN_CALLS:
                await player.hang_up()
            await player.carry_out(step)
        except _CANNOT as error:
            stopped = str(error)
            self._undone = _undone(error)
        watch.after(step, player.taken[came:], stopped, player.trace.lasted_s)
        return stopped

    async def _wait_for_end(self) -> None:
        """Say nothing more, and see whether the unit ends the call in time."""
        talk, watch = self._player.talk, self._watch
        by_itself = self._bench.unit is Role.MACHINE or watch.dialogue.state != GOODBYE
        if talk is None or self._by_frames or not by_itself:
            return
        step = parse_step(f"take end within={WAITS_S:g}")
        for _ in range(_TAKES_MAX):
            came = len(self._player.taken)
            state = watch.dialogue.state
            stopped = await self._carry_out(step)
            if len(self._player.taken) == came:
                if talk.station.is_over or "nothing came" not in stopped:
                    return
                words = f"it neither answers nor hangs up in {WAITS_S:g} s in {state}"
                self._findings.append(Finding(Oracle.TIME, "DLG-13", words))
                return
            if self._player.taken[-1].name == ENDED:
                return

    async def _look_afterwards(self) -> None:
        """See whether the unit is alive, and goes through a good dial-in."""
        await self._player.hang_up()
        if not self._has_power:
            await self._prepare("power on")
        if self._days:
            await self._prepare(f"ask days {-self._days}")
        if not await self._bench.operator.is_alive():
            self._findings.append(Finding(Oracle.ALIVE, "DLG-1", "the unit has died"))
            return
        if isinstance(self._side, ServerSide):
            await self._inspect()
        else:
            await self._recharge()
        await self._player.hang_up()

    async def _prepare(self, text: str) -> None:
        """Have something put right at the unit before the good dial-in.

        Raises:
            OperatorError: It was not done, and the unit lives for all that is known.
        """
        await self._carry_out(parse_step(text))
        await self._check_done(self._undone)

    async def _check_done(self, undone: OperatorError | None) -> None:
        """Blame the unit for what was not done only if it is dead.

        Raises:
            OperatorError: It is not.
        """
        if undone is not None and await self._bench.operator.is_alive():
            raise undone

    async def _inspect(self) -> None:
        try:
            await self._player.look_afterwards(Ends.SERVED)
        except _CANNOT as error:
            await self._check_done(_undone(error))
            if self._unbalanced and _REFUSES_VALUE in str(error):
                # A server that looks at CT would have offered it none.
                return
            words = f"no good dial-in: {error}"
            self._findings.append(Finding(Oracle.ALIVE, "DLG-1", words))

    async def _recharge(self) -> None:
        """Have the bench's machine recharged; what it has lied about, it is refused."""
        watch = self._watch
        for text in ("become itself", _RECHARGE, "send STATEMENT"):
            stopped = await self._look(text)
            if stopped:
                return
        came = len(self._player.taken)
        await self._carry_out(parse_step("take VOUCHER/REFUSAL"))
        taken = self._player.taken[came:]
        name = taken[0].name if taken else "nothing"
        honest = not (watch.has_lied or watch.has_errands)
        answers = {"VOUCHER", "REFUSAL"} if honest else {"VOUCHER", "REFUSAL", "ERROR"}
        if name not in answers:
            words = f"no good dial-in: {name} came upon the STATEMENT"
            self._findings.append(Finding(Oracle.ALIVE, "DLG-1.3", words))
        elif name == "VOUCHER" or watch.is_good:
            await self._look("finish")

    async def _look(self, text: str) -> str:
        """Carry out a step of the good dial-in; why it stopped, if it did."""
        stopped = await self._carry_out(parse_step(text))
        await self._check_done(self._undone)
        if stopped and not stopped.startswith(_OUR_OWN):
            words = f"no good dial-in: {stopped}"
            self._findings.append(Finding(Oracle.ALIVE, "DLG-1", words))
        return stopped

    def _result(self) -> FuzzResult:
        """Say how it came out."""
        trace = self.trace
        passed = list(wire(trace))
        findings = [
            *self._money.findings(passed),
            *self._findings,
            *self._secrets(passed),
        ]
        findings += self._watch.findings
        findings += [
            Finding(Oracle.CLAUSE, breach.clause, breach.words)
            for breach in self._player.breaches
            if breach.clause not in _OF_UNBALANCED or not self._unbalanced
        ]
        distinct = tuple(dict.fromkeys(findings))
        cells = frozenset(self._watch.cells)
        return FuzzResult(distinct, cells, trace, trace.lasted_s)

    def _secrets(self, passed: list[Did | Passed]) -> Iterator[Finding]:
        side = self._side
        is_server = isinstance(side, ServerSide)
        of = side.machine.credential if isinstance(side, ServerSide) else side.identity
        licence = str(of.licence_identifier)
        return secrets_seen(self.trace, passed, licence, of_machine=is_server)


def _undone(error: Exception) -> OperatorError | None:
    """Give what an operator could not do, if a step has stopped at that.

    What the unit itself has refused, or did not do because it is off or has been busy
    for a minute, is its own.
    """
    is_fault = isinstance(error, StepStoppedError) and error.verdict is Verdict.ERROR
    cause = error.__cause__
    if not is_fault or isinstance(cause, BusyError):
        return None
    return cause if isinstance(cause, OperatorError) else None
