"""What a rehearsal of a failover makes of dial-ins, machines and books."""

from dataclasses import replace

import pytest

from rmfs_tools.failover.judging import (
    Booked,
    Dialled,
    Judgement,
    Rested,
    judge,
    longest_gap_s,
)
from rmfs_tools.failover.result import (
    EXIT_DOES_NOT_BITE,
    EXIT_GOOD,
    EXIT_LOST,
    Played,
    Result,
)

LICENCE = "N000001"
FIRST = Dialled(1.0, 0.1, LICENCE, 1, "INSPECTED", None, 0, "")
GRANTED = Dialled(2.0, 0.1, LICENCE, 2, "CONFIRMED", 1, 10_000, "")
BOOKED = Booked(LICENCE, 1, 10_000, is_posted=True, dial_in=2)
RESTED = Rested(LICENCE, 1, 10_000, "")


def test_a_recharge_that_machine_and_books_have_is_right() -> None:
    found = judge([FIRST, GRANTED], [RESTED], [BOOKED])
    assert found == Judgement(1, 0, 0, 0, ())


def test_a_recharge_that_the_books_have_forgotten_is_lost() -> None:
    found = judge([FIRST, GRANTED], [RESTED], [])
    assert (found.granted, found.lost, found.doubled) == (1, 1, 0)
    assert "N000001: recharge 1 of 10000 paise was granted, and is lost" in found.faults
    assert any("the books say 0" in words for words in found.faults)


def test_a_recharge_that_is_reserved_only_is_lost() -> None:
    """When all are at rest, what was applied has been posted."""
    found = judge([FIRST, GRANTED], [RESTED], [replace(BOOKED, is_posted=False)])
    assert found.lost == 1


def test_a_recharge_of_another_amount_is_lost_and_one_too_many() -> None:
    found = judge([FIRST, GRANTED], [RESTED], [replace(BOOKED, paise=20_000)])
    assert (found.lost, found.doubled) == (1, 1)


def test_a_recharge_that_no_machine_applied_is_one_too_many() -> None:
    booked = [BOOKED, Booked(LICENCE, 2, 10_000, is_posted=True, dial_in=3)]
    found = judge([FIRST, GRANTED], [RESTED], booked)
    assert (found.lost, found.doubled) == (0, 1)


def test_a_machine_that_holds_what_nobody_saw_it_take_is_a_fault() -> None:
    found = judge([FIRST, GRANTED], [replace(RESTED, number=2)], [BOOKED])
    assert found.faults == ()
    doubled = replace(RESTED, control_total_paise=20_000)
    found = judge([FIRST, GRANTED], [doubled], [BOOKED])
    assert found.faults == ("N000001: holds 20000 paise in all, and was brought 10000",)


def test_a_machine_that_is_refused_is_a_fault() -> None:
    refused = replace(RESTED, refused="NUMBER_AHEAD")
    found = judge([FIRST, GRANTED], [refused], [BOOKED])
    assert found.faults == ("N000001: did not come to rest: NUMBER_AHEAD",)


def test_a_commit_in_doubt_is_found_again_by_a_later_dial_in() -> None:
    in_doubt = Dialled(1.5, 0.5, LICENCE, 2, "IN_DOUBT", None, 0, "TIMEOUT")
    brought = replace(GRANTED, dial_in=3)
    found = judge([FIRST, in_doubt, brought], [RESTED], [BOOKED])
    assert found == Judgement(1, 0, 0, 1, ())
    # The books had nothing of it: the later dial-in asked anew.
    asked_anew = replace(BOOKED, dial_in=3)
    found = judge([FIRST, in_doubt, brought], [RESTED], [asked_anew])
    assert found == Judgement(1, 0, 0, 0, ())


@pytest.mark.parametrize(
    ("ends", "gap_s"),
    [
        ([], 10.0),
        ([3.0], 7.0),
        ([3.0, 4.0, 9.0], 5.0),
        ([11.0, 21.0], 10.0),
        ([9.5], 9.5),
    ],
)
def test_an_outage_is_the_longest_time_without_a_recharge(
    ends: list[float], gap_s: float
) -> None:
    dialled = [replace(GRANTED, at_s=at_s + 10) for at_s in ends]
    dialled.append(replace(FIRST, at_s=15.0))
    assert longest_gap_s(dialled, 10.0, 20.0) == pytest.approx(gap_s)


def played(*, synchronous: bool, lost: int, findings: tuple[str, ...] = ()) -> Played:
    faults = ("something",) if lost else ()
    return Played(
        event="leader-killed" if synchronous else "asynchronous",
        synchronous=synchronous,
        recharges=100,
        outage_s=22.5,
        in_doubt=7,
        errors=3,
        leaders=("node1", "node2"),
        judgement=Judgement(100, lost, 0, 2, faults),
        found_again=2,
        findings=findings,
    )


GOOD = played(synchronous=True, lost=0)
BITES = played(synchronous=False, lost=30)


def test_a_rehearsal_is_good_if_only_the_control_loses() -> None:
    found = Result([GOOD, BITES])
    assert found.exit_code == EXIT_GOOD
    shown = found.as_json()
    assert (shown["lost"], shown["control_lost"], shown["good"]) == (0, 30, True)
    assert shown["events"][0]["leader_after"] == "node2"


@pytest.mark.parametrize(
    "wrong",
    [
        played(synchronous=True, lost=1),
        played(synchronous=True, lost=0, findings=("the books: a sum",)),
    ],
)
def test_a_rehearsal_that_loses_is_told_from_one_that_shows_nothing(
    wrong: Played,
) -> None:
    assert Result([wrong, BITES]).exit_code == EXIT_LOST
    harmless = played(synchronous=False, lost=0)
    assert Result([GOOD, harmless]).exit_code == EXIT_DOES_NOT_BITE
    assert Result([wrong, harmless]).exit_code == EXIT_LOST


def test_a_person_reads_of_each_event_and_of_what_is_wrong() -> None:
    said: list[str] = []
    Result([played(synchronous=True, lost=1), BITES]).show(said.append)
    assert any("node1 to node2" in line for line in said)
    assert "leader-killed: something" in said
    assert said[-1] == "WRONG: see above"
