"""The player carries single steps out, whatever became of those before."""

import pytest

from hw.lab.catalogue import Case, Ends
from hw.lab.player import Player
from hw.lab.steps import parse_step
from hw.lab.stopping import StepStoppedError
from hw.lab.verdicts import Level, Verdict
from protocol.link import Role
from rmfs_tools.lab.reference import MachineStand, machine_stand
from rmfs_tools.lab.virtual_time import run

Stop = tuple[Verdict, str]


def a_case(*steps: str) -> Case:
    return Case(
        id="TRY",
        clause="DLG-1",
        role=Role.MACHINE,
        level=Level.MUST,
        text="",
        title="steps one by one",
        needs=(),
        steps=tuple(parse_step(text) for text in steps),
        ends=Ends.NOTHING,
    )


async def leniently(player: Player, case: Case) -> list[Stop | None]:
    """Carry all steps out; what each was stopped by."""
    stops: list[Stop | None] = []
    for step in case.steps:
        try:
            await player.carry_out(step)
        except StepStoppedError as stop:
            stops.append((stop.verdict, stop.reason))
        else:
            stops.append(None)
    await player.hang_up()
    return stops


@pytest.fixture
def stand() -> MachineStand:
    return machine_stand()


def played(stand: MachineStand, *steps: str) -> tuple[Player, list[Stop | None]]:
    case = a_case(*steps)
    player = Player(stand.bench, stand.bench.side, case)
    return player, run(stand.clock, leniently(player, case))


def test_what_comes_otherwise_fails_where_it_was_expected_and_playing_goes_on(
    stand: MachineStand,
) -> None:
    player, stops = played(stand, "dial inspection", "! take GOODBYE", "finish")
    assert stops == [
        None,
        (Verdict.FAIL, "! take GOODBYE: STATEMENT came"),
        None,
    ]
    assert [taken.name for taken in player.taken] == ["STATEMENT", "GOODBYE", "end"]
    assert player.breaches == []
    assert player.talk is None


def test_silence_is_told_with_the_step_and_a_further_call_can_be_made(
    stand: MachineStand,
) -> None:
    _, stops = played(
        stand,
        "dial inspection",
        "take STATEMENT",
        "take USAGE within=1",
        "drop",
        "dial inspection",
        "take STATEMENT",
        "finish",
    )
    assert stops == [
        None,
        None,
        (Verdict.INCONCLUSIVE, "take USAGE within=1: nothing came"),
        *[None] * 4,
    ]


def test_a_step_that_needs_a_call_is_an_error_of_the_bench_without_one(
    stand: MachineStand,
) -> None:
    _, stops = played(stand, "send RECEIPT", "differs it at=0 octets=1", "drop")
    assert stops == [
        (Verdict.ERROR, "the bench: no call was begun"),
        (Verdict.ERROR, "the bench: nothing is kept as it"),
        None,
    ]


def test_a_unit_that_refuses_stops_the_step(stand: MachineStand) -> None:
    _, stops = played(stand, "frank 500", "dial inspection", "take STATEMENT", "finish")
    verdict, reason = stops[0] or (None, "")
    assert verdict is Verdict.INCONCLUSIVE
    assert reason.startswith("frank 500: ")
    assert stops[1:] == [None] * 3


def test_a_link_that_is_gone_stops_what_is_to_be_said(stand: MachineStand) -> None:
    _, stops = played(
        stand,
        "dial inspection",
        "take STATEMENT",
        "disconnect",
        "take end",
        "send RECEIPT",
        "dial inspection",
        "take STATEMENT",
        "finish",
    )
    assert [place for place, stop in enumerate(stops) if stop is not None] == [4]
    assert stops[4] is not None
    assert stops[4][0] is Verdict.ERROR


@pytest.mark.parametrize(
    ("mark", "verdict"), [("! ", Verdict.FAIL), ("", Verdict.INCONCLUSIVE)]
)
def test_a_unit_that_has_closed_the_link_is_to_blame_where_nothing_can_be_said(
    stand: MachineStand, mark: str, verdict: Verdict
) -> None:
    """It says ERROR and closes; the bench did not, and is not what failed."""
    step = f"{mark}send RECEIPT"
    _, stops = played(
        stand,
        "dial inspection",
        "take STATEMENT",
        "packet 00ff",
        "take ERROR",
        "take end",
        step,
        "dial inspection",
        "take STATEMENT",
        "finish",
    )
    assert stops == [
        *[None] * 5,
        (
            verdict,
            f"{step}: nothing can be said any more: the link has ended, closed by peer",
        ),
        *[None] * 3,
    ]


def test_what_was_stated_is_known_before_and_after(stand: MachineStand) -> None:
    player, _ = played(stand, "recharge 50000")
    assert player.before.recharge_number == 0
    assert player.stated.recharge_number == 1
    assert player.stated.registers.control_total_paise == 50_000


@pytest.mark.parametrize(
    "bend",
    [
        "send RECEIPT | flip=9999",
        "send RECEIPT | octet=9999:00",
        "packet 0x",
        "body xy",
    ],
)
def test_what_a_packet_has_no_place_for_stops_the_step(
    stand: MachineStand, bend: str
) -> None:
    begins = "dial inspection", "take STATEMENT"
    _, stops = played(stand, *begins, bend, begins[0])
    assert [stop is None for stop in stops] == [True, True, False, True]
    assert stops[2] is not None
    assert stops[2][0] is Verdict.ERROR
