"""A unit that loops for ever is found by processor time, and the campaign goes on."""

import signal
from dataclasses import replace
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from hw.lab.fuzz.fuzz_case import NO_PRESET, FuzzCase, Origin, fuzz_case
from hw.lab.fuzz.oracles import Oracle
from hw.lab.fuzz.playing import FuzzResult
from hw.lab.trace import Remark, Trace
from hw.lab.verdicts import Level
from protocol.link import Role
from rmfs_tools.lab.fuzz.campaigning import campaign
from rmfs_tools.lab.fuzz.fuzz_files import FuzzFile
from rmfs_tools.lab.fuzz.processor_time import WAITING_TIMES, OverdueError, within
from rmfs_tools.lab.fuzz.promoting import Wanted, promoted
from rmfs_tools.lab.fuzz.replaying import Outcome, Replayed, replay
from rmfs_tools.lab.fuzz.virtual_targets import VirtualTarget
from rmfs_tools.lab.universe import universe
from rmfs_tools.planting import Edit
from tests.fuzz_target import FakeTarget, finding

SHORT_S = 0.05
CASE_S = 2.0
"""Far more of the processor than a case takes that has an end."""
AT_A_WRONG_VOUCHER = Edit(
    "protocol/vouchers.py",
    "    return None if genuine else VoucherFault.SIGNATURE\n",
    "    while not genuine:\n        pass\n    return None\n",
)
AT_A_WRONG_STATEMENT = Edit(
    "protocol/dialogue/server.py",
    "        if not credential.verify(context, signed, message.signature):\n",
    "        while not credential.verify(context, signed, message.signature):\n"
    "            pass\n"
    "        if not message.signature:\n",
)
DIAL = "dial RECHARGE 20000"
WRONG_VOUCHER = (DIAL, "take STATEMENT", "send VOUCHER signature=wrong")
WRONG_STATEMENT = (DIAL, "send STATEMENT signature=wrong")


def words(trace: Trace) -> list[str]:
    return [one.words for one in trace.entries if isinstance(one, Remark)]


@pytest.mark.parametrize(
    ("role", "mistake", "texts", "place"),
    [
        (Role.MACHINE, AT_A_WRONG_VOUCHER, WRONG_VOUCHER, "vouchers:"),
        (
            Role.SERVER,
            AT_A_WRONG_STATEMENT,
            WRONG_STATEMENT,
            "protocol.dialogue.server:",
        ),
    ],
)
def test_a_unit_that_loops_for_ever_is_found_and_the_next_case_is_played(
    role: Role, mistake: Edit, texts: tuple[str, ...], place: str
) -> None:
    wrong, good = (
        fuzz_case(role, NO_PRESET, steps) for steps in (texts, (DIAL, "finish"))
    )
    with universe("endless", [mistake]) as there:
        target = VirtualTarget("endless", role, there, CASE_S)
        ended = target.play(wrong)
        assert target.play(good).findings == ()
    assert [(one.oracle, one.clause) for one in ended.findings] == [
        (Oracle.TIME, "DLG-13")
    ]
    assert str(ended.findings[0]).endswith(
        "it never ends: more than 2 s of processor time"
    )
    said = words(ended.trace)
    assert texts[-1] in said
    assert place in said[-1]


def test_a_campaign_finds_a_unit_that_loops_and_ends() -> None:
    """The seed is one with which such a voucher is drawn as the third case."""
    with universe("endless", [AT_A_WRONG_VOUCHER]) as there:
        target = VirtualTarget("endless", Role.MACHINE, there, CASE_S)
        target.shrinks_max = 0
        done = campaign(target, seed=7, cases=6, presets=[NO_PRESET])
        assert done.cases == 6
        (found,) = done.found
        assert (found.finding.oracle, found.flaky) == (Oracle.TIME, False)
        told: list[Replayed] = []
        origin = Origin(oracle="TIME", clause="DLG-13", reason=found.finding.reason)
        replay(target, [FuzzFile(Path("F.toml"), found.case, origin)], told.append)
    assert told[0].outcome is Outcome.FAILED
    assert not told[0].reason.startswith("something else")


def test_what_a_unit_loops_upon_becomes_a_case_that_it_fails() -> None:
    found = fuzz_case(Role.MACHINE, NO_PRESET, WRONG_VOUCHER)
    wanted = Wanted("REG-06-99-M-N", "REG-6", Level.MUST, "words", "a wrong voucher")
    case = promoted(found, wanted, [AT_A_WRONG_VOUCHER], case_cpu_s=CASE_S)
    assert "! take ERROR VOUCHER" in [step.text for step in case.steps]


class Endless(FakeTarget):
    """A target that has no end of any case."""

    def play(self, case: FuzzCase) -> FuzzResult:
        return replace(super().play(case), is_overdue=True)


def test_what_takes_its_whole_time_is_not_made_small_for_long() -> None:
    target = Endless(lambda _: (finding(oracle=Oracle.TIME),))
    done = campaign(target, seed=1, cases=1)
    assert len(done.found) == 1
    assert len(target.played) <= 11


# Processor time.


def handlers_and_timers() -> list[object]:
    return [
        *map(signal.getsignal, (signal.SIGALRM, signal.SIGPROF)),
        *map(signal.getitimer, (signal.ITIMER_REAL, signal.ITIMER_PROF)),
    ]


def test_what_ends_in_time_is_let_alone() -> None:
    before = handlers_and_timers()
    assert within(60.0, lambda: 7) == 7
    with pytest.raises(ValueError, match="no number"):
        within(60.0, lambda: int("no number"))
    assert handlers_and_timers() == before


def test_what_lasts_too_long_is_ended_wherever_it_is() -> None:
    before = handlers_and_timers()

    def lasts() -> None:
        for _ in count():
            pass

    with pytest.raises(OverdueError, match=r"0\.05 s of processor") as caught:
        within(SHORT_S, lasts)
    assert " lasts, called by " in caught.value.where
    assert handlers_and_timers() == before


def test_what_only_waits_is_ended_by_real_time() -> None:
    with pytest.raises(OverdueError, match=r"more than 0\.5 s of real time"):
        within(SHORT_S, Event().wait)


def test_a_process_that_is_stopped_or_has_neighbours_lasts_no_longer() -> None:
    left_s, _ = within(60.0, lambda: signal.getitimer(signal.ITIMER_REAL))
    assert 60 < left_s <= 60 * WAITING_TIMES


def test_what_takes_the_end_for_an_error_of_its_own_is_ended_again() -> None:
    heard: list[str] = []

    def lasts() -> None:
        for _ in count():
            try:
                lasts_inside()
            except BaseException as error:
                heard.append(str(error))
                if len(heard) > 1:
                    raise

    def lasts_inside() -> None:
        for _ in count():
            pass

    with pytest.raises(OverdueError):
        within(SHORT_S, lasts)
    assert len(heard) == 2


def test_what_was_overdue_is_so_whatever_it_says_then() -> None:
    def says() -> str:
        try:
            for _ in count():
                pass
        except OverdueError:
            pass
        return "all is well"

    with pytest.raises(OverdueError):
        within(SHORT_S, says)
