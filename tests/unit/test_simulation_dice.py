"""Choices that follow from a seed: each topic has a stream that no other one moves."""

import pytest

from rmfs_tools.simulation.dice import Dice


def drawn(dice: Dice) -> list[int]:
    return [dice.below(1_000_000) for _ in range(20)]


def test_the_same_labels_are_the_same_stream() -> None:
    assert drawn(Dice(7, "plan", "all")) == drawn(Dice(7, "plan", "all"))
    assert drawn(Dice(7).of("plan", "all")) == drawn(Dice(7, "plan", "all"))


def test_every_label_makes_another_stream() -> None:
    streams = [
        Dice(7),
        Dice(8),
        Dice(7, "power"),
        Dice(7, "line"),
        Dice(8, "power"),
        Dice(7, "power", "1"),
        Dice(7, "pow", "er1"),
        Dice(7, "power1"),
        Dice("power", 7),
    ]
    assert len({tuple(drawn(dice)) for dice in streams}) == len(streams)


def test_what_one_topic_draws_does_not_move_another() -> None:
    once, again = Dice(7), Dice(7)
    drawn(again.of("power"))
    drawn(again.of("line"))
    line = again.of("line")
    drawn(line.of("below"))
    assert drawn(again) == drawn(once)
    assert drawn(line) == drawn(once.of("line"))


def test_draws_keep_to_their_bounds_and_reach_them() -> None:
    dice = Dice(1)
    assert {dice.below(3) for _ in range(100)} == {0, 1, 2}
    assert {dice.between(-1, 1) for _ in range(100)} == {-1, 0, 1}
    assert all(0 <= dice.fraction() < 1 for _ in range(100))
    assert all(2 <= dice.spread(2, 3) <= 3 for _ in range(100))
    assert {dice.one_of("ab") for _ in range(100)} == {"a", "b"}
    assert [dice.happens(0) for _ in range(100)] == [False] * 100
    assert [dice.happens(1) for _ in range(100)] == [True] * 100


def test_weights_are_how_often() -> None:
    dice = Dice(1)
    counts = [dice.weighted({"a": 3, "b": 1, "never": 0}) for _ in range(4_000)]
    assert "never" not in counts
    assert 2_850 < counts.count("a") < 3_150
    with pytest.raises(ValueError, match="nothing to choose from"):
        dice.weighted({})


def test_octets_are_as_many_as_asked() -> None:
    dice = Dice(1)
    assert [len(dice.octets(count)) for count in (0, 1, 33)] == [0, 1, 33]
