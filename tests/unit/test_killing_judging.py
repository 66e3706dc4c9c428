"""Whoever judges a kill sees what is lost, doubled, not through: RMFS-33, RMFS-35."""

from dataclasses import replace

import pytest

from rmfs_tools.killing.judging import (
    Balances,
    Done,
    Found,
    Judgement,
    SeenFile,
    judge,
)
from rmfs_tools.killing.plan import Victim, When, draw_kill, draw_plan
from rmfs_tools.killing.playing import Shown
from rmfs_tools.killing.striking import Struck

LICENCE = "N100001"
FUND = SeenFile("fund", 1, bytes(32), is_settled=True)
USAGE = SeenFile("usage", 1, bytes(32), is_settled=True)


def done() -> Done:
    return Done(
        deposits={"A": (LICENCE, 500_000), "B": (LICENCE, 300_000)},
        credits={(LICENCE, 1): 200_000},
        dial_ins={LICENCE: 2},
        descending={LICENCE: 150_000},
        standing={LICENCE: "ISSUED"},
        discrepancies={LICENCE: 1},
    )


def found() -> Found:
    return Found(
        deposits=[("A", 500_000), ("B", 300_000)],
        credits=[((LICENCE, 1), 200_000)],
        dial_ins=[LICENCE, LICENCE],
        discrepancies=[LICENCE],
        balances={LICENCE: Balances(0, 600_000, 150_000, 600_000, 0, 200_000)},
        standing={LICENCE: "ISSUED"},
        given=([FUND], [FUND]),
        brought=([USAGE], [USAGE]),
        findings=[],
        incidents=[],
        unexplained_paise=0,
    )


def of(judged: Judgement) -> tuple[int, int, int]:
    return judged.lost_paise, judged.doubled_paise, len(judged.faults)


def test_what_was_done_once_and_is_there_once_is_right() -> None:
    assert judge(done(), found()) == Judgement(0, 0, 0, ())


@pytest.mark.parametrize(
    ("deposits", "lost", "doubled"),
    [
        ([("A", 500_000)], 300_000, 0),
        ([("A", 500_000), ("B", 300_000), ("B", 300_000)], 0, 300_000),
        ([("A", 500_000), ("B", 300_000), ("line 9", 7)], 0, 7),
        ([("A", 500_000), ("B", 299_999)], 1, 0),
    ],
)
def test_a_deposit_that_is_lost_or_doubled_is_counted(
    deposits: list[tuple[str, int]], lost: int, doubled: int
) -> None:
    seen = found()
    seen.deposits = deposits
    assert of(judge(done(), seen)) == (lost, doubled, 1)


def test_two_halves_of_a_deposit_are_no_deposit() -> None:
    seen = found()
    seen.deposits = [("A", 250_000), ("A", 250_000), ("B", 300_000)]
    assert of(judge(done(), seen)) == (0, 0, 1)


def test_a_credit_that_is_lost_or_doubled_is_counted() -> None:
    seen = found()
    seen.credits = []
    assert of(judge(done(), seen)) == (200_000, 0, 1)
    seen.credits = [((LICENCE, 1), 200_000)] * 2
    assert of(judge(done(), seen)) == (0, 200_000, 1)


def test_dial_ins_are_counted_and_licences_are_as_they_were_told() -> None:
    seen = found()
    seen.dial_ins = [LICENCE]
    seen.discrepancies = []
    seen.standing = {LICENCE: "BLOCKED", "N100002": "ISSUED"}
    judged = judge(done(), seen)
    assert [fault.partition(":")[0] for fault in judged.faults] == [
        "dial-ins of N100001 at the gateway",
        "discrepancies of N100001 at the gateway",
        "licence N100001 at the server",
        "licence N100002 at the server",
    ]


@pytest.mark.parametrize(
    "balance",
    ["deposited", "remaining", "machine", "funds", "reserved", "control_total"],
)
def test_each_balance_follows_from_what_was_done(balance: str) -> None:
    seen = found()
    right = seen.balances[LICENCE]
    wrong = replace(right, **{balance: getattr(right, balance) + 1})
    seen.balances = {LICENCE: wrong}
    assert of(judge(done(), seen)) == (0, 0, 1)


@pytest.mark.parametrize(
    ("first", "second", "fault"),
    [
        ([FUND], [], "file ('fund', 1) of the gateway is not the same on both sides"),
        (
            [FUND],
            [replace(FUND, sha256=bytes(31) + b"\x01")],
            "file ('fund', 1) of the gateway is not the same on both sides",
        ),
        (
            [FUND, replace(FUND, sequence=3)],
            [FUND, replace(FUND, sequence=3)],
            "files fund of the gateway are numbered [1, 3]",
        ),
        (
            [FUND],
            [replace(FUND, is_settled=False)],
            "file fund no. 1 of the gateway is not settled",
        ),
    ],
)
def test_files_are_the_same_numbered_and_settled_on_both_sides(
    first: list[SeenFile], second: list[SeenFile], fault: str
) -> None:
    seen = found()
    seen.given = (first, second)
    assert fault in judge(done(), seen).faults


def test_an_acknowledgement_is_answered_by_no_file_of_its_own() -> None:
    seen = found()
    seen.given = ([SeenFile("acknowledgement", 1, bytes(32), is_settled=False)],) * 2
    assert judge(done(), seen).faults == ()


def test_what_the_books_and_the_gateway_say_themselves_counts() -> None:
    seen = found()
    seen.findings = ["gateway: journal 4: unbalanced"]
    seen.incidents = ["incident SEQUENCE_GAP of N usage 4"]
    seen.unexplained_paise = 12
    judged = judge(done(), seen)
    assert judged.unexplained_paise == 12
    assert len(judged.faults) == 3


def test_a_kill_is_the_same_for_its_seed_and_number_wherever_it_stands() -> None:
    plan = draw_plan(7, 40)
    assert draw_plan(7, 40, only=31).kills == [plan.kills[30]]
    assert draw_kill(8, 31) != plan.kills[30]
    assert {(one.victim, one.when) for one in plan.kills} == {
        (Victim.SERVER, When.SESSION),
        (Victim.GATEWAY, When.SESSION),
        (Victim.GATEWAY, When.START),
    }
    assert all(0 <= one.share < 1 for one in plan.kills)


def test_worlds_add_up_and_the_last_one_is_judged() -> None:
    struck = Struck()
    struck.by_victim[Victim.SERVER] += 50
    first = Shown(struck, Judgement(0, 0, 0, ()), None, 20, 10, 400)
    struck.by_victim[Victim.GATEWAY] += 7
    second = Shown(struck, Judgement(0, 300_000, 0, ("twice",)), 57, 3, 2, 60)
    both = first.and_then(second)
    assert first.is_good
    assert not both.is_good
    told = both.summary()
    assert (told["kills"], told["server"], told["gateway"]) == (57, 50, 7)
    assert (told["deposits"], told["credits"], told["files"]) == (23, 12, 460)
    assert (told["faults"], told["doubled_paise"]) == (1, 300_000)
