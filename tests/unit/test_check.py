"""The check: every part runs, and one failure is a failure."""

from pathlib import Path

import pytest

from rmfs_tools.check import (
    Outcome,
    Part,
    environment_of_tests,
    parts,
    postgres_url,
    run_parts,
    show_summary,
)
from rmfs_tools.cli import main
from rmfs_tools.postgres import ENVIRONMENT_NAME, PostgresError

PARTS = [Part("one", "first", ()), Part("two", "second", ())]


def test_a_failing_part_does_not_stop_the_parts_after_it() -> None:
    said: list[str] = []
    ticks = iter([0.0, 15.0, 20.0, 110.0])
    outcomes = run_parts(
        PARTS, lambda part: part.name == "two", lambda: next(ticks), said.append
    )
    assert outcomes == [
        Outcome("one", passed=False, duration_s=15.0),
        Outcome("two", passed=True, duration_s=90.0),
    ]
    assert said == [
        "== one (first)",
        "== one: FAILED, 0.25 min",
        "== two (second)",
        "== two: passed, 1.50 min",
    ]


def test_the_summary_shows_every_part_and_the_total() -> None:
    outcomes = [
        Outcome("one", passed=False, duration_s=15.0),
        Outcome("two", passed=True, duration_s=90.0),
    ]
    assert show_summary(outcomes) == (
        "one      FAILED    0.25 min\n"
        "two      passed    1.50 min\n"
        "all                1.75 min"
    )


def test_long_tests_run_only_when_they_are_asked_for() -> None:
    assert "not long" in parts(long=False)[-1].arguments
    assert "not long" not in parts(long=True)[-1].arguments


def test_an_unknown_part_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--only", "lnt"]) == 2
    assert "lint" in capsys.readouterr().err


def test_the_named_server_comes_before_the_environments() -> None:
    environment = {ENVIRONMENT_NAME: "postgresql:///b"}
    with postgres_url("postgresql:///a", environment, None, print) as url:
        assert url == "postgresql:///a"
    with postgres_url(None, environment, None, print) as url:
        assert url == "postgresql:///b"


def test_neither_a_proxy_nor_a_locale_stands_between_tests_and_this_computer() -> None:
    here = {"no_proxy": "example.org", "LC_ALL": "de_DE@euro", "TZ": "Asia/Kolkata"}
    found = environment_of_tests(here, "postgresql:///a")
    assert found["no_proxy"] == found["NO_PROXY"] == "*"
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["TZ"] == "Asia/Kolkata"
    assert found[ENVIRONMENT_NAME] == "postgresql:///a"
    assert ENVIRONMENT_NAME not in environment_of_tests({}, None)


def test_a_laptop_without_postgresql_is_told_and_goes_on() -> None:
    said: list[str] = []
    with postgres_url(None, {}, None, said.append) as url:
        assert url is None
    assert "apt-get install postgresql" in said[0]


def test_continuous_integration_without_postgresql_fails() -> None:
    with (
        pytest.raises(PostgresError, match="apt-get install postgresql"),
        postgres_url(None, {"CI": "true"}, None, print),
    ):
        pass


def test_a_postgresql_that_does_not_start_says_what_it_said(tmp_path: Path) -> None:
    initdb = tmp_path / "initdb"
    initdb.write_text("#!/bin/sh\necho the disk is full >&2\nexit 1\n")
    tmp_path.chmod(0o755)
    initdb.chmod(0o755)
    with (
        pytest.raises(PostgresError, match=r"initdb failed"),
        postgres_url(None, {}, tmp_path, print),
    ):
        pass
