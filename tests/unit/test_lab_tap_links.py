"""A tap judges frames: what it names, and what it leaves alone."""

import pytest

from hw.capture import LineEvent
from hw.lab.tap.sheet import TapVerdict
from protocol.link import Role
from protocol.link.frames import FrameKind
from tests.tap_links import BROKEN, RIGHT, heard, sends
from tests.tap_story import M, S, Story

WHOLE = b"\x03abc"


@pytest.mark.parametrize(
    ("clause", "side"),
    BROKEN,
    ids=[f"{clause}-{side.value}" for clause, side in BROKEN],
)
def test_what_is_wrong_is_named_by_its_clause_and_side(clause: str, side: Role) -> None:
    story = Story()
    BROKEN[clause, side](story)
    story.by.finish()
    assert story.verdict(clause, side) is TapVerdict.FAILED
    same = {one for one in story.failed_in("LINK") if one[1] is side}
    assert same == {(clause, side)}


@pytest.mark.parametrize(
    ("clause", "side"), RIGHT, ids=[f"{clause}-{side.value}" for clause, side in RIGHT]
)
def test_what_is_right_is_said_to_be_so(clause: str, side: Role) -> None:
    story = Story()
    RIGHT[clause, side](story)
    assert story.verdict(clause, side) is TapVerdict.EXERCISED


def test_a_good_link_exercises_clauses_and_fails_none() -> None:
    story = heard(Story()).information(M, WHOLE).ready(S).down()
    story.by.finish()
    assert story.failed_in("LINK") == set()
    for clause in ("LINK-5.1", "LINK-5.2", "LINK-5.5", "LINK-6.1", "LINK-9.1"):
        assert story.verdict(clause, S) is TapVerdict.EXERCISED, clause
    assert story.verdict("LINK-7.3", M) is TapVerdict.UNSEEN


def test_a_number_that_is_left_out_fails_only_where_nothing_was_damaged() -> None:
    kind = FrameKind.INFORMATION
    gap = Story().up().ready(M).frame(M, kind, ns=1, info=WHOLE)
    assert ("LINK-6.1", M) in gap.failed
    damaged = Story().up().ready(M).damage(M).frame(M, kind, ns=1, info=WHOLE)
    assert damaged.failed_in("LINK") == set()


def test_a_tap_that_begins_in_the_middle_judges_nothing_that_it_cannot_know() -> None:
    story = Story().frame(M, FrameKind.INFORMATION, ns=5, nr=3, info=WHOLE)
    story.frame(S, FrameKind.RR, command=False, nr=6).down()
    assert story.failed_in("LINK") == set()


def test_what_was_agreed_ends_with_the_line() -> None:
    story = heard(Story()).event(LineEvent.LOST)
    assert sends(story.up().ready(M), M, 4).failed_in("LINK") == set()


def test_a_failure_says_where_what_and_what_should_have_come() -> None:
    story = sends(Story().up().ready(M), M, 5)
    (one,) = story.by.sheet.lines["LINK-6.3", M].failures
    assert (one.clause, one.side, one.place.number) == ("LINK-6.3", M, 8)
    assert (one.expected, one.seen) == ("at most k = 4 that wait", "5 I frames")
    assert str(one.place) == "call, record 8, 2026-11-22 06:01:02.400"


def test_failures_are_counted_beyond_those_that_are_kept() -> None:
    story = heard(Story())
    for _ in range(30):
        story.octets(M, b"\x01\xe3")
    line = story.by.sheet.lines["LINK-4.4", M]
    assert (line.wrong, len(line.failures)) == (30, 20)
