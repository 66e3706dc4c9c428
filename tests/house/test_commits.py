"""What is done by turns is done whole in as many commits as there are turns."""

from tests.commits import by_turns, commit_number


def test_each_is_tried_once_in_as_many_commits_as_there_are_turns() -> None:
    values = tuple("abcdefg")
    tried = [
        value
        for number in range(5, 8)
        for value, marks in by_turns(values, 3, number)
        if not marks
    ]
    assert sorted(tried) == list(values)


def test_the_longer_tier_tries_all() -> None:
    assert [value for value, _ in by_turns("abcdefg", 3)] == list("abcdefg")


def test_one_commit_has_one_number() -> None:
    assert commit_number.__wrapped__() == commit_number()
    assert 0 <= commit_number() < 1 << 32
