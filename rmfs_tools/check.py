"""`rmfs check`: every check there is, cheapest first, in one command.

Continuous integration calls the same command. A part that fails does not stop the
parts after it: one run tells everything.
"""

import contextlib
import json as json_format
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, NoReturn

import click

from rmfs_tools import postgres

ROOT: Final = Path(__file__).resolve().parent.parent

_LINT_IMPORTS: Final = (
    "from importlinter.cli import lint_imports_command; lint_imports_command()"
)

_EVERYWHERE: Final = {"LC_ALL": "C.UTF-8", "no_proxy": "*", "NO_PROXY": "*"}
"""Tests read UTF-8 whatever the locale is, and speak to this computer alone: no proxy
leads there."""

_WORKERS: Final = str((os.cpu_count() or 1) + 1)
"""Processes that test: a third of their time they wait for lines that take theirs."""


@dataclass(frozen=True)
class Part:
    """One part of the check: a program of the environment and its arguments."""

    name: str
    what: str
    arguments: tuple[str, ...]
    uses_postgres: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one part."""

    name: str
    passed: bool
    duration_s: float


def parts(*, long: bool) -> tuple[Part, ...]:
    """List the parts, cheapest first.

    Args:
        long: Run the tests marked `long` too.
    """
    tier = () if long else ("-m", "not long")
    return (
        Part("format", "ruff format", ("-m", "ruff", "format", "--check", ".")),
        Part("lint", "ruff check", ("-m", "ruff", "check", ".")),
        Part("imports", "import-linter", ("-c", _LINT_IMPORTS)),
        Part("types", "mypy", ("-m", "mypy")),
        Part(
            "tests",
            "pytest",
            ("-m", "pytest", "-q", "-n", _WORKERS, "--dist", "worksteal", *tier),
            uses_postgres=True,
        ),
    )


def run_parts(
    chosen: Sequence[Part],
    run: Callable[[Part], bool],
    clock: Callable[[], float],
    say: Callable[[str], None],
) -> list[Outcome]:
    """Run parts one after the other, all of them whatever happens.

    Args:
        chosen: The parts.
        run: Runs one part and says whether it passed.
        clock: Monotonic seconds.
        say: Takes one line for the person at the terminal.
    """
    outcomes = []
    for part in chosen:
        say(f"== {part.name} ({part.what})")
        start_s = clock()
        passed = run(part)
        outcome = Outcome(part.name, passed, clock() - start_s)
        result, spent = show_result(outcome), show_minutes(outcome.duration_s)
        say(f"== {part.name}: {result}, {spent}")
        outcomes.append(outcome)
    return outcomes


def show_result(outcome: Outcome) -> str:
    """Show a result in one word."""
    return "passed" if outcome.passed else "FAILED"


def show_minutes(duration_s: float) -> str:
    """Show a duration as ``0.25 min``."""
    return f"{duration_s / 60:.2f} min"


def show_summary(outcomes: Sequence[Outcome]) -> str:
    """Show all results as a table with a total."""
    total_s = sum(outcome.duration_s for outcome in outcomes)
    rows = [
        *(
            (one.name, show_result(one), show_minutes(one.duration_s))
            for one in outcomes
        ),
        ("all", "", show_minutes(total_s)),
    ]
    return "\n".join(
        f"{name:<8} {result:<7} {spent:>10}" for name, result, spent in rows
    )


@contextlib.contextmanager
def postgres_url(
    named: str | None,
    environment: Mapping[str, str],
    binaries: Path | None,
    say: Callable[[str], None],
) -> Iterator[str | None]:
    """Find or start the PostgreSQL on which the store's tests run.

    Args:
        named: The URL given on the command line.
        environment: The process environment.
        binaries: PostgreSQL's programs, when they are on this machine.
        say: Takes one line for the person at the terminal.

    Yields:
        A URL, or None on a laptop without PostgreSQL.

    Raises:
        PostgresError: There is none, and this is continuous integration, where nothing
            may be skipped; or it would not start.
    """
    given = named or environment.get(postgres.ENVIRONMENT_NAME)
    if given:
        yield given
    elif binaries is not None:
        place = postgres.folder_in_memory()
        with postgres.throw_away_cluster(binaries, place) as url:
            yield url
    else:
        message = (
            "PostgreSQL is not on this machine (Debian: apt-get install postgresql)"
        )
        if environment.get("CI"):
            raise postgres.PostgresError(message)
        say(f"{message}: the store is tested on SQLite only")
        yield None


def environment_of_tests(
    environment: Mapping[str, str], url: str | None
) -> dict[str, str]:
    """Say what the tests find in their environment.

    Args:
        environment: The process environment.
        url: The PostgreSQL on which the store's tests run.
    """
    more = {} if url is None else {postgres.ENVIRONMENT_NAME: url}
    return {**environment, **_EVERYWHERE, **more}


def add_commands(root: click.Group) -> None:
    """Add `check` to the command tree."""
    root.add_command(check)


@click.command(
    epilog="\b\nExamples:\n  rmfs check\n  rmfs check --only lint --only types"
)
@click.option("--long", is_flag=True, help="Run the tests marked long too.")
@click.option(
    "--postgres",
    "postgres_given",
    metavar="URL",
    help="Test the store on this server, in databases of its own, instead of on a "
    "throw-away cluster.",
)
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([part.name for part in parts(long=False)]),
    help="Run only this part; may be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def check(
    *, long: bool, postgres_given: str | None, only: tuple[str, ...], as_json: bool
) -> int:
    """Run every check: format, lint, imports, types, tests.

    The store is tested on SQLite and on PostgreSQL: a throw-away cluster is made where
    PostgreSQL is installed. Where it is not, its tests are skipped on a laptop and fail
    in continuous integration (when CI is set).
    """
    signal.signal(signal.SIGTERM, _terminate)
    # A shell has its background jobs ignore Ctrl-C, and all that they start; there are
    # tests that press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [part for part in parts(long=long) if not only or part.name in only]

    def say(line: str) -> None:
        click.echo(line, err=as_json)

    def run(part: Part) -> bool:
        if not part.uses_postgres:
            return _run(part, os.environ, quiet_stdout=as_json)
        binaries = postgres.find_binaries()
        try:
            with postgres_url(postgres_given, os.environ, binaries, say) as url:
                environment = environment_of_tests(os.environ, url)
                return _run(part, environment, quiet_stdout=as_json)
        except postgres.PostgresError as error:
            say(str(error))
            return False

    outcomes = run_parts(chosen, run, time.monotonic, say)
    passed = all(outcome.passed for outcome in outcomes)
    if as_json:
        result = {"passed": passed, "parts": [asdict(outcome) for outcome in outcomes]}
        click.echo(json_format.dumps(result))
    else:
        click.echo(show_summary(outcomes))
    return 0 if passed else 1


def _run(part: Part, environment: Mapping[str, str], *, quiet_stdout: bool) -> bool:
    """Run one part in the root folder, its output on the terminal."""
    # What was said so far stands above what the part prints, in a file too.
    sys.stdout.flush()
    result = subprocess.run(  # noqa: S603 (programs of our own environment)
        [sys.executable, *part.arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr if quiet_stdout else None,
        check=False,
    )
    return result.returncode == 0


def _terminate(_signal: int, _frame: object) -> NoReturn:
    """End as an exception does, so that the throw-away cluster is taken down."""
    sys.exit(128 + signal.SIGTERM)
