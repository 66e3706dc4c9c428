"""`rmfs server import-funds` says what happened, to people and to programs."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hw.clock import MemoryWallClock
from hw.database import Store, open_store
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.funds_cli import add_commands
from rmfs_server.store import licences
from rmfs_server.store.funds import Funds, read_funds
from rmfs_server.store.migrations import migrate

SAMPLE = Path(__file__).resolve().parents[2] / "rmfs_tools/samples/funds-demo.txt"
LICENCE = LicenceIdentifier("N123456")
NOW = datetime(2026, 11, 21, 4, 30, tzinfo=UTC)

Run = Callable[..., Result]


def _server_option(command: Callable[..., object]) -> Callable[..., object]:
    return click.option("--server", type=click.Path(path_type=Path), required=True)(
        command
    )


@contextmanager
def _open(folder: Path) -> Iterator[Store]:
    store = open_store(f"sqlite:///{folder / 'books.sqlite'}")
    yield store
    store.close()


@pytest.fixture
def run(tmp_path: Path) -> Run:
    with _open(tmp_path) as store:
        migrate(store)
        with store.writing("test") as connection:
            licences.add(
                connection,
                licences.Licence(
                    identifier=LICENCE,
                    number=LicenceNumber("KN0600065"),
                    licensee="Bharat Stationers, Bengaluru",
                    kind="INDIVIDUAL",
                    state=LicenceState.REGISTERED,
                    expires_on=date(2030, 12, 31),
                    refund_allowed=False,
                ),
                EpochSeconds(int(NOW.timestamp())),
            )

    def run(*arguments: str, octets: bytes = b"") -> Result:
        group = click.Group()
        add_commands(group, _server_option, _open, MemoryWallClock(NOW))
        return CliRunner().invoke(
            group,
            ["import-funds", "--server", str(tmp_path), *arguments],
            input=BytesIO(octets),
            standalone_mode=False,
        )

    return run


def test_the_sample_is_taken_and_brings_five_thousand_rupees(
    run: Run, tmp_path: Path
) -> None:
    result = run(str(SAMPLE))
    assert (result.return_value, result.stderr) == (0, "")
    assert result.stdout == (
        "fund file FND-N-20261116-01\n"
        "  applied    2 lines, Rs 5,000.00\n"
        "  suspended  0 lines, Rs 0.00\n"
    )
    with _open(tmp_path) as store, store.reading() as connection:
        funds = read_funds(connection, LICENCE, date(2026, 11, 21))
    assert funds == Funds(available_paise=Paise(500_000), later_paise=Paise(0))


def test_the_same_file_again_is_no_failure(run: Run) -> None:
    run(str(SAMPLE))
    result = run(str(SAMPLE))
    assert result.return_value == 0
    assert result.stdout.startswith(
        "fund file FND-N-20261116-01: known already, nothing changed\n"
    )


def test_suspended_lines_are_told_and_are_no_failure(run: Run) -> None:
    octets = SAMPLE.read_bytes().replace(b"KN0600065", b"KN0600066", 1)
    result = run("-", octets=octets)
    assert result.return_value == 0
    assert result.stdout.splitlines()[1:] == [
        "  applied    1 line, Rs 3,000.00",
        "  suspended  1 line, Rs 2,000.00",
        (
            "  line 2 (line id 1, Rs 2,000.00): licence number KN0600066 is not that "
            "of N123456, KN0600065"
        ),
    ]


def test_a_refused_file_is_told_on_stderr_with_its_lines(run: Run) -> None:
    octets = SAMPLE.read_bytes().replace(b"T|2|5000.00", b"T|3|5000.00")
    result = run("-", octets=octets)
    assert (result.return_value, result.stdout) == (1, "")
    assert result.stderr.splitlines()[1:] == [
        "line 4: the trailer counts 3 detail lines, there are 2"
    ]
    assert "refused, nothing was changed" in result.stderr


def test_programs_get_the_report_or_the_findings_as_json(run: Run) -> None:
    taken = run(str(SAMPLE), "--json")
    assert json.loads(taken.stdout)["applied_paise"] == 500_000
    refused = run("-", "--json", octets=SAMPLE.read_bytes()[:-1])
    assert refused.return_value == 1
    assert json.loads(refused.stdout) == {
        "refused": True,
        "findings": [
            {
                "line_number": 4,
                "reason": "the file ends within this line: a line feed is missing",
            }
        ],
        "more": 0,
    }
