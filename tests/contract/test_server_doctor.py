"""The doctor finds what is wrong with a server, and says what to do."""

import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import pytest
from sqlalchemy import NullPool, create_engine, func, select, text

from hw.clock import SystemWallClock
from hw.entropy import SeededEntropy
from protocol.keys import Realm, SigningKey, write_private_key
from protocol.values import EpochSeconds
from rmfs_server.administration import Administration
from rmfs_server.books import Books
from rmfs_server.doctor.examining import examine
from rmfs_server.doctor.findings import Found, Level, show
from rmfs_server.doctor.growth import judge_pace, octets_a_day
from rmfs_server.exchange.settings import ExchangeSettings, create_exchange
from rmfs_server.folder import SETTINGS, Settings, create_server, read_server
from rmfs_server.keeping.restoring import RESTORE
from rmfs_server.store import acts, schema
from rmfs_tools.cli import main, tree
from tests.paper_machine import BY, NOW, Office, office_at

ROOM = 1 << 40
HOST_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsmd+7nVFn5lqRkNjmvFbNbIkI7Yl1t5r6kzqZ1nYqg"
)


def run_command() -> click.Command:
    root = tree()
    server = root.get_command(click.Context(root), "server")
    assert isinstance(server, click.Group)
    return server.commands["run"]


class Patient:
    """A server in a folder, and a doctor for it."""

    def __init__(self, folder: Path, url: str, office: Office) -> None:
        self.folder = folder
        self.url = url
        settings = Settings("TEST-OEM", Realm.TEST, database=url)
        clock = SystemWallClock()
        create_server(folder, settings, entropy=SeededEntropy(b"s"), clock=clock)
        key, store = read_server(folder).credit_key, office.store
        self.office = replace(
            office,
            books=Books(store, key, SeededEntropy(b"marks")),
            administration=Administration(store, key),
            credit_key=key,
        )
        (folder / SETTINGS).write_text(
            (folder / SETTINGS).read_text() + '[run]\nline = ["tcp:127.0.0.1:0"]\n'
        )

    def examined(
        self,
        *,
        now: int = NOW,
        free: int = ROOM,
        quick: bool = False,
        uid: int | None = None,
    ) -> list[Found]:
        owner = self.folder.stat().st_uid if uid is None else uid
        found = examine(
            self.folder,
            run_command(),
            now=EpochSeconds(now),
            uid=owner,
            free_octets=lambda _: free,
            quick=quick,
        )
        return list(found)

    def faults(self, *, now: int = NOW, uid: int | None = None) -> list[Found]:
        """Examine it; a PostgreSQL of tests need not survive a power failure."""
        found = [
            one
            for one in self.examined(now=now, uid=uid)
            if one.level is Level.FAULT and " = off: a power" not in one.what
        ]
        assert all(one.todo for one in found)
        return found

    def only_fault(self, *, now: int = NOW) -> Found:
        (found,) = self.faults(now=now)
        return found


@pytest.fixture
def patient(store_place: str, tmp_path: Path) -> Iterator[Patient]:
    with office_at(store_place) as office:
        yield Patient(tmp_path / "server", store_place, office)


@pytest.fixture
def on_sqlite(sqlite_url: str, tmp_path: Path) -> Iterator[Patient]:
    with office_at(sqlite_url) as office:
        yield Patient(tmp_path / "server", sqlite_url, office)


def test_a_server_that_was_made_just_now_has_no_fault(patient: Patient) -> None:
    patient.office.enrolled(1_000_000, 100_000)
    assert patient.faults() == []
    areas = {one.area for one in patient.examined() if one.level is Level.GOOD}
    wanted = {"folder", "settings", "keys", "database", "books", "clock", "ledger"}
    assert areas == wanted | {"disk", "lines"}


def test_looking_changes_nothing(patient: Patient) -> None:
    def files() -> dict[str, tuple[int, bytes]]:
        return {
            path.name: (path.stat().st_mode, path.read_bytes())
            for path in patient.folder.rglob("*")
            if path.is_file()
        }

    before = files()
    patient.examined()
    assert files() == before


# Who may read it


def test_a_private_file_that_others_can_read_is_a_fault(on_sqlite: Patient) -> None:
    (on_sqlite.folder / "dh.pem").chmod(0o640)
    found = on_sqlite.only_fault()
    assert "dh.pem can be read by others: mode 640" in found.what
    assert "chmod 600" in found.todo


def test_a_folder_that_others_can_enter_is_a_fault(on_sqlite: Patient) -> None:
    on_sqlite.folder.chmod(0o755)
    assert "chmod 700" in on_sqlite.only_fault().todo


def test_files_of_another_user_are_faults(on_sqlite: Patient) -> None:
    other = on_sqlite.folder.stat().st_uid + 1
    found = on_sqlite.faults(uid=other)
    assert any(f"chown {other}" in one.todo for one in found)


# Settings and keys


def test_a_setting_that_is_wrong_is_told_with_its_line(on_sqlite: Patient) -> None:
    path = on_sqlite.folder / SETTINGS
    path.write_text(path.read_text() + "cals = 5\n")
    assert "run.cals: there is no such setting" in on_sqlite.only_fault().what


def test_where_there_is_no_server_the_doctor_says_so(on_sqlite: Patient) -> None:
    (on_sqlite.folder / SETTINGS).unlink()
    assert "no recharge server" in on_sqlite.only_fault().what


def test_a_channel_key_of_another_server_is_found(on_sqlite: Patient) -> None:
    other = write_private_key(SigningKey.generate(SeededEntropy(b"other")).scalar)
    (on_sqlite.folder / "dh.pem").write_text(other)
    assert "server.json is of another server" in on_sqlite.only_fault().what


def test_a_credit_key_that_is_not_the_one_machines_know_is_found(
    patient: Patient,
) -> None:
    """The books have one key, the folder another: both are told."""
    other = write_private_key(SigningKey.generate(SeededEntropy(b"other")).scalar)
    (patient.folder / "credit-1.pem").write_text(other)
    assert "tells another credit key 1" in patient.only_fault().what
    patient.office.enrolled(1_000_000, 100_000)
    words = [one.what for one in patient.faults()]
    assert any("another key than the one that has signed" in one for one in words)


def test_a_key_that_cannot_be_read_is_a_fault(on_sqlite: Patient) -> None:
    (on_sqlite.folder / "credit-1.pem").write_text("rust")
    assert on_sqlite.only_fault().area == "settings"


def test_provisioning_that_was_changed_is_a_fault(on_sqlite: Patient) -> None:
    path = on_sqlite.folder / "server.json"
    path.write_text(path.read_text().replace("TEST-OEM", "BEST-OEM"))
    assert "server.json: " in on_sqlite.only_fault().what


def test_a_server_that_knows_no_maker_is_told(on_sqlite: Patient) -> None:
    (on_sqlite.folder / "makers" / "maker.pem").unlink()
    assert "no maker" in on_sqlite.only_fault().what


def test_keys_of_the_exchange_that_do_not_fit_are_found(on_sqlite: Patient) -> None:
    settings = ExchangeSettings("N", "oem-n-1", "dcr.example", 22, "oem-n", HOST_KEY)
    create_exchange(on_sqlite.folder, settings, SeededEntropy(b"x"))
    assert on_sqlite.faults() == []
    listed = "a Remaining Fund file of 0 licences has 0 lines"
    assert any(listed in one.what for one in on_sqlite.examined())
    assert not any(listed in one.what for one in on_sqlite.examined(quick=True))
    public = on_sqlite.folder / "makers" / "maker.pem"
    (on_sqlite.folder / "exchange-public.pem").write_bytes(public.read_bytes())
    assert "not the public half" in on_sqlite.only_fault().what


# The books


def _do(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for one in statements:
            connection.execute(text(one))


def test_books_of_another_schema_are_a_fault(patient: Patient) -> None:
    _do(patient.url, "UPDATE alembic_version SET version_num = '0001'")
    found = patient.only_fault()
    assert "rmfs server migrate" in found.todo


def test_a_database_that_forgets_when_the_power_fails_is_a_fault(
    postgres_url: str, tmp_path: Path
) -> None:
    names = ("fsync", "full_page_writes", "synchronous_commit")
    with office_at(postgres_url) as office:
        patient = Patient(tmp_path / "server", postgres_url, office)
        with office.store.reading() as connection:
            off = {
                name
                for name in names
                if connection.execute(text(f"SHOW {name}")).scalar_one() == "off"
            }
        words = [one.what for one in patient.examined()]
    told = {name for name in names for one in words if f"with {name} = off" in one}
    assert told == off


def test_a_sum_that_is_wrong_is_a_fault_unless_nobody_wants_to_know(
    patient: Patient,
) -> None:
    patient.office.enrolled(1_000_000, 100_000)
    change = (
        "UPDATE balance SET balance_paise = balance_paise {} 1 WHERE account ="
        " (SELECT id FROM account WHERE name = '{}')"
    )
    _do(patient.url, change.format("+", "funds:N123456"))
    found = patient.faults()
    assert {one.area for one in found} == {"ledger"}
    quick = patient.examined(quick=True)
    assert "ledger" not in {one.area for one in quick}
    _do(patient.url, change.format("-", "funds:N123456"))


def test_a_clock_that_is_behind_the_books_is_a_fault(patient: Patient) -> None:
    patient.office.enrolled(1_000_000, 100_000)
    found = patient.only_fault(now=NOW - 3600)
    assert (found.area, "3600 s after" in found.what) == ("clock", True)


def test_a_machine_that_waits_for_a_person_is_noted(patient: Patient) -> None:
    machine = patient.office.enrolled(1_000_000, 100_000)
    patient.office.state(machine, mark=b"another.")
    noted = [one for one in patient.examined() if one.level is Level.NOTE]
    assert any("1 machines are frozen" in one.what for one in noted)


def test_books_that_were_put_back_are_noted(patient: Patient) -> None:
    with patient.office.store.writing("a test") as connection:
        acts.add(connection, None, RESTORE, BY)
    noted = [one.what for one in patient.examined() if one.level is Level.NOTE]
    assert any("put back from a backup at 2026-09-21" in one for one in noted)


def test_a_page_that_the_disk_has_spoilt_is_found(on_sqlite: Patient) -> None:
    on_sqlite.office.store.close()
    path = Path(on_sqlite.url.removeprefix("sqlite:///"))
    whole = path.read_bytes()
    spoilt = bytearray(whole)
    spoilt[4096 * 3 : 4096 * 20] = bytes(4096 * 17)
    path.write_bytes(spoilt)
    assert {one.area for one in on_sqlite.faults()} & {"database", "books"}
    path.write_bytes(whole)


def test_books_that_are_gone_are_a_fault(on_sqlite: Patient) -> None:
    on_sqlite.office.store.close()
    path = Path(on_sqlite.url.removeprefix("sqlite:///"))
    kept = path.rename(path.with_suffix(".kept"))
    assert "is missing" in on_sqlite.only_fault().what
    assert not path.exists()
    kept.rename(path)


# What it stands on


def test_a_disk_that_is_nearly_full_is_a_fault(on_sqlite: Patient) -> None:
    levels = {
        free: {one.level for one in on_sqlite.examined(free=free) if one.area == "disk"}
        for free in (1 << 20, 1 << 30, 1 << 40)
    }
    assert levels == {
        1 << 20: {Level.FAULT},
        1 << 30: {Level.WARNING},
        1 << 40: {Level.GOOD},
    }


def test_a_disk_is_told_once_however_many_folders_are_on_it(
    on_sqlite: Patient,
) -> None:
    path = on_sqlite.folder / SETTINGS
    captures = on_sqlite.folder / "captures"
    captures.mkdir(mode=0o700)
    path.write_text(
        f'{path.read_text()}capture = "captures"\nlog-file = "logs/server.log"\n'
    )
    told = [one.what for one in on_sqlite.examined() if "free on" in one.what]
    assert len(told) == 1
    assert on_sqlite.faults() == []
    # The log may lie on a disk of its own, here in another file system.
    path.write_text(path.read_text().replace("logs/", "/proc/"))
    told = [one.what for one in on_sqlite.examined() if "free on" in one.what]
    assert [words.partition(" on the disk of ")[2] for words in told] == [
        str(on_sqlite.folder),
        "/proc",
    ]


def test_books_that_grow_are_told_with_their_pace(patient: Patient) -> None:
    patient.office.enrolled(1_000_000, 100_000)
    told = [
        (one.level, one.todo)
        for one in patient.examined(now=NOW + 10 * 86_400)
        if "the books grow" in one.what
    ]
    on_postgresql = (Level.NOTE, "look at the disk of PostgreSQL where it runs")
    on_sqlite = (Level.GOOD, "")
    assert told == [on_sqlite if "sqlite" in patient.url else on_postgresql]
    young = patient.examined(now=NOW + 3_600)
    assert not [one for one in young if "the books grow" in one.what]
    quick = patient.examined(now=NOW + 10 * 86_400, quick=True)
    assert not [one for one in quick if "the books grow" in one.what]


def test_a_pace_is_that_of_the_last_month(on_sqlite: Patient) -> None:
    """What came on the first day is of all the years before."""
    office = on_sqlite.office
    office.enrolled(1_000_000)
    for days in (3, 5):
        office.deposit(100_000, now=EpochSeconds(NOW + days * 86_400))
    with office.store.reading() as connection:
        journals = connection.scalar(select(func.count()).select_from(schema.journal))
        assert journals == 3
        paces = [
            octets_a_day(connection, 180_000, EpochSeconds(NOW + days * 86_400))
            for days in (0, 6, 7, 31, 34, 40)
        ]
    assert paces == [None, None, 20_000.0, 4_000.0, 2_000.0, 0.0]


def test_a_disk_that_is_full_in_less_than_three_months_is_a_warning() -> None:
    pace = 100.0 * (1 << 20)
    levels = [
        judge_pace("the books grow", one, 10 << 30) for one in (0.0, pace, 2 * pace)
    ]
    assert [one.level for one in levels] == [Level.GOOD, Level.GOOD, Level.WARNING]
    assert levels[2].what == "the books grow, and their disk is full in 51 days"


def test_a_port_in_use_is_noted_and_a_line_that_cannot_be_is_a_fault(
    on_sqlite: Patient,
) -> None:
    path = on_sqlite.folder / SETTINGS
    own = path.read_text()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        path.write_text(own.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        noted = [one for one in on_sqlite.examined() if one.area == "lines"]
        assert [one.level for one in noted] == [Level.NOTE]
    # An address of documentation (RFC 5737), which no machine has.
    path.write_text(own.replace("127.0.0.1:0", "192.0.2.1:7120"))
    assert on_sqlite.only_fault().area == "lines"
    path.write_text(own.replace("tcp:127.0.0.1:0", f"serial:{path.parent}/none"))
    assert "there is no" in on_sqlite.only_fault().what


# The command


def test_the_command_says_it_to_people_and_to_programs(
    on_sqlite: Patient, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["server", "doctor", "--server", str(on_sqlite.folder)]
    assert main(words) == 0
    assert "0 faults" in capsys.readouterr().out
    (on_sqlite.folder / "dh.pem").chmod(0o644)
    assert main([*words, "--json"]) == 1
    picture = json.loads(capsys.readouterr().out)
    assert not picture["healthy"]
    (row,) = [one for one in picture["found"] if one["level"] == "fault"]
    assert (row["area"], "chmod 600" in row["todo"]) == ("folder", True)


def test_what_is_worst_stands_last() -> None:
    found = [
        Found("a", Level.FAULT, "bad", "mend it"),
        Found("b", Level.GOOD, "well"),
    ]
    lines = list(show(found))
    assert lines[0].startswith("good")
    assert lines[-1] == "2 looked at, 0 warnings, 1 faults"
