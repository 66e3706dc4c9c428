"""The person at the terminal: asked in words, answers in a line, and never blocks."""

import os
from collections.abc import Iterator

import pytest
from twisted.internet.defer import Deferred

from hw.lab.hooks import Answer
from hw.reactor import MonotonicReactor
from rmfs_tools.lab.person import PersonAtTerminal
from rmfs_tools.lab.screen import Screen
from tests.reactor import run_on_reactor


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (b"\n", Answer.DONE),
        (b"y\n", Answer.DONE),
        (b"No\n", Answer.NOT_DONE),
        (b" r \n", Answer.REFUSED),
        (b"what?\nyes\n", Answer.DONE),
    ],
)
def test_a_line_is_an_answer_and_what_is_none_is_asked_again(
    pipe: tuple[int, int],
    capsys: pytest.CaptureFixture[str],
    typed: bytes,
    answer: Answer,
) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        person = PersonAtTerminal(reactor, Screen(is_terminal=False), pipe[0])
        asked = Deferred.fromCoroutine(person.ask("pull the plug"))
        os.write(pipe[1], typed)
        assert await asked is answer

    run_on_reactor(scenario)
    told = capsys.readouterr().err
    assert told.startswith("Please pull the plug.\n[Enter when done; ")
    assert ("Enter, n or r: " in told) == (b"?" in typed)


def test_a_call_answers_where_the_unit_was_to_dial_and_nowhere_else(
    pipe: tuple[int, int], capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario(reactor: MonotonicReactor) -> None:
        person = PersonAtTerminal(reactor, Screen(is_terminal=False), pipe[0])
        person.called()
        dialling = Deferred.fromCoroutine(person.ask("dial", ends_with_call=True))
        person.called()
        assert await dialling is Answer.DONE
        franking = Deferred.fromCoroutine(person.ask("frank one item"))
        person.called()
        assert not franking.called
        os.write(pipe[1], b"\n")
        assert await franking is Answer.DONE

    run_on_reactor(scenario)
    assert capsys.readouterr().err.count("it has dialled in") == 1


def test_nobody_at_the_terminal_does_nothing() -> None:
    """Standard input that is at its end, as in a job without a terminal."""

    async def scenario(reactor: MonotonicReactor) -> None:
        person = PersonAtTerminal(reactor, Screen(is_terminal=False), nothing)
        assert await person.ask("pull the plug") is Answer.NOT_DONE

    nothing = os.open(os.devnull, os.O_RDONLY)
    run_on_reactor(scenario)
    os.close(nothing)


def test_a_screen_writes_over_the_last_line_on_a_terminal_alone(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for is_terminal in (True, False):
        screen = Screen(is_terminal=is_terminal)
        screen.status("case 1 of 2" + 100 * ".")
        screen.result("A PASS")
    told = capsys.readouterr()
    assert told.out == "A PASS\nA PASS\n"
    written_over, lines = told.err.split(f"\r{79 * ' '}\r")
    assert (len(written_over), "\n" in written_over) == (79, False)
    assert lines == "case 1 of 2" + 100 * "." + "\n"
