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
from sqlalchemy import select

from hw.clock import MemoryWallClock
from hw.database import Store, open_store
from protocol.exchange import shipped_layouts, sign_file
from protocol.keys import Realm, SigningKey
from protocol.messages import LicenceState
from protocol.values import EpochSeconds, LicenceIdentifier, LicenceNumber, Paise
from rmfs_server.department import Department
from rmfs_server.funds_cli import add_commands
from rmfs_server.store import licences, schema
from rmfs_server.store.funds import Funds, read_funds
from rmfs_server.store.migrations import migrate

SAMPLE = Path(__file__).resolve().parents[2] / "rmfs_tools/samples/funds-demo.txt"
LICENCE = LicenceIdentifier("N123456")
KEY = SigningKey(b"\x01" * 32)
UNSIGNED = ("--unsigned", "--reason", "the sample")
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


def _department(_: Path) -> Department:
    return Department({"dop-1": KEY.public}, Realm.TEST, shipped_layouts())


def _signed(octets: bytes) -> bytes:
    return sign_file(octets, KEY, "dop-1", Realm.TEST)


def _vouched(folder: Path) -> list[str]:
    with _open(folder) as store, store.reading() as connection:
        rows = connection.execute(select(schema.fund_file.c.vouched_by))
        return list(rows.scalars())


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
        add_commands(group, _server_option, _open, _department, MemoryWallClock(NOW))
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
    result = run(str(SAMPLE), *UNSIGNED)
    assert (result.return_value, result.stderr) == (0, "")
    assert result.stdout == (
        "fund file FND-N-20261116-01\n"
        "  applied    2 lines, Rs 5,000.00\n"
        "  suspended  0 lines, Rs 0.00\n"
    )
    with _open(tmp_path) as store, store.reading() as connection:
        funds = read_funds(connection, LICENCE, date(2026, 11, 21))
    assert funds == Funds(available_paise=Paise(500_000), later_paise=Paise(0))
    assert _vouched(tmp_path) == ["unsigned: the sample"]


def test_a_file_that_a_key_of_the_department_signed_is_taken(
    run: Run, tmp_path: Path
) -> None:
    result = run("-", octets=_signed(SAMPLE.read_bytes()))
    assert (result.return_value, result.stderr) == (0, "")
    assert _vouched(tmp_path) == ["key dop-1"]


def test_what_the_department_has_not_signed_is_refused(
    run: Run, tmp_path: Path
) -> None:
    signed = _signed(SAMPLE.read_bytes())
    other = sign_file(
        SAMPLE.read_bytes(), SigningKey(b"\x02" * 32), "dop-2", Realm.TEST
    )
    for octets, code in (
        (SAMPLE.read_bytes(), "EXC-01-001"),
        (signed.replace(b"|dop-1|", b"|dop-1|x"), "EXC-01-002"),
        (other, "EXC-01-003"),
        (signed.replace(b"|3000.00|", b"|9000.00|"), "EXC-01-004"),
        (other.replace(b"|dop-2|", b"|dop-1|"), "EXC-01-004"),
    ):
        result = run("-", octets=octets)
        assert (result.return_value, result.stdout) == (1, "")
        assert result.stderr.splitlines()[1].startswith(f"{code}: ")
        told = json.loads(run("-", "--json", octets=octets).stdout)
        assert (told["refused"], told["code"]) == (True, code)
    assert _vouched(tmp_path) == []


def test_a_wrong_signature_is_refused_though_unsigned_files_are_taken(
    run: Run, tmp_path: Path
) -> None:
    octets = _signed(SAMPLE.read_bytes()).replace(b"|3000.00|", b"|9000.00|")
    assert run("-", *UNSIGNED, octets=octets).return_value == 1
    assert _vouched(tmp_path) == []


def test_an_unsigned_file_is_taken_for_a_reason_only(run: Run) -> None:
    for arguments in (("--unsigned",), ("--reason", "because"), (*UNSIGNED[:2], " ")):
        result = run(str(SAMPLE), *arguments)
        assert isinstance(result.exception, click.UsageError)


def test_the_same_file_again_is_no_failure(run: Run) -> None:
    run(str(SAMPLE), *UNSIGNED)
    result = run(str(SAMPLE), *UNSIGNED)
    assert result.return_value == 0
    assert result.stdout.startswith(
        "fund file FND-N-20261116-01: known already, nothing changed\n"
    )


def test_suspended_lines_are_told_and_are_no_failure(run: Run) -> None:
    octets = SAMPLE.read_bytes().replace(b"KN0600065", b"KN0600066", 1)
    result = run("-", *UNSIGNED, octets=octets)
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
    result = run("-", *UNSIGNED, octets=octets)
    assert (result.return_value, result.stdout) == (1, "")
    assert result.stderr.splitlines()[1:] == [
        "line 4: count: 3 is told, the file has 2 lines"
    ]
    assert "refused, nothing was changed" in result.stderr


def test_programs_get_the_report_or_the_findings_as_json(run: Run) -> None:
    taken = run(str(SAMPLE), "--json", *UNSIGNED)
    assert json.loads(taken.stdout)["applied_paise"] == 500_000
    refused = run("-", "--json", *UNSIGNED, octets=SAMPLE.read_bytes()[:-1])
    assert refused.return_value == 1
    assert json.loads(refused.stdout) == {
        "refused": True,
        "findings": [
            {
                "line_number": 4,
                "field": "",
                "reason": "the file ends within this line: a line feed is missing",
            }
        ],
        "more": 0,
    }
