"""Fleets in folders: what was begun is finished, and nothing is done twice."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fm_device.folder import MACHINE, PROVISIONING, read_papers
from hw.clock import MemoryWallClock
from hw.database import CommitHook, Store, open_store
from hw.entropy import SeededEntropy
from protocol.keys import Realm
from rmfs_server.folder import ServerFolder, Settings, create_server
from rmfs_server.store import acts, ledger
from rmfs_server.store.migrations import migrate
from rmfs_server.store.verify import verify_books
from rmfs_tools.fleet import FleetError
from rmfs_tools.fleet_folder import (
    FLEET,
    FleetEnrolled,
    create_fleet,
    enrol_fleet,
    read_fleet,
)

COUNT = 3
DEPOSIT_PAISE = 500_000
FILE = b"""\
count = 3
first_licence = "N300001"
[funds]
deposit_paise = 500_000
"""
BEGAN = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
TWO_DAYS_S = 2 * 86_400
TOGETHER = 2
COMMITS = 4
"""Two machines are enrolled and then paid for, then the third."""


class DeathError(BaseException):
    """The process ends here; no handler of the product may stop it."""


class DyingHook:
    """Dies at the n-th commit, before or after it."""

    def __init__(self, when: str, number: int) -> None:
        self._when = when
        self._left = number

    def before_commit(self, _name: str) -> None:
        self._left -= 1
        if self._when == "before" and self._left == 0:
            raise DeathError

    def after_commit(self, _name: str) -> None:
        if self._when == "after" and self._left == 0:
            raise DeathError


@dataclass
class Office:
    """A fleet, its server, and the time."""

    folder: Path
    server: ServerFolder
    clock: MemoryWallClock
    url: str

    @contextmanager
    def books(self, hook: CommitHook | None = None) -> Iterator[Store]:
        store = open_store(self.url, hook)
        try:
            yield store
        finally:
            store.close()

    def enrol(self, hook: CommitHook | None = None) -> FleetEnrolled:
        with self.books(hook) as store:
            return enrol_fleet(
                self.folder, self.server, store, self.clock, together=TOGETHER
            )

    def make(self, octets: bytes = FILE) -> list[str]:
        papers = read_papers(
            self.server.folder / "maker.pem",
            self.server.folder / "server.json",
            Realm.TEST,
        )
        entropy = SeededEntropy(b"fleet in a folder")
        made = create_fleet(self.folder, octets, papers, entropy, self.clock)
        return [member.licence for member in made]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    clock = MemoryWallClock(BEGAN)
    server = create_server(
        tmp_path / "rmfs-server",
        Settings("TEST-OEM", Realm.TEST),
        entropy=SeededEntropy(b"server of a fleet"),
        clock=clock,
    )
    return Office(tmp_path / "offices", server, clock, server.database_url)


def check_complete(office: Office) -> None:
    """Every machine is enrolled once and paid once."""
    with office.books() as store, store.reading() as connection:
        assert verify_books(connection) == []
        for member in read_fleet(office.folder).members():
            moves = [act.move for act in acts.all_of(connection, member.licence)]
            assert moves.count("enrol") == 1
            account = ledger.funds_of(member.licence)
            assert ledger.balance_paise(connection, account) == DEPOSIT_PAISE


def new_books(office: Office, tmp_path: Path, name: str) -> None:
    office.url = f"sqlite:///{tmp_path / name}"
    with office.books() as store:
        migrate(store)


def test_an_enrolment_that_stops_anywhere_is_completed_by_the_next(
    office: Office, tmp_path: Path
) -> None:
    office.make()
    for when in ("before", "after"):
        for number in range(1, COMMITS + 1):
            new_books(office, tmp_path, f"{when}-{number}.sqlite")
            with suppress(DeathError):
                office.enrol(DyingHook(when, number))
                raise AssertionError(f"there is no commit {number}")
            office.clock.advance(TWO_DAYS_S)
            office.enrol()
            check_complete(office)


def test_an_enrolment_tells_what_it_did_and_does_it_once(office: Office) -> None:
    office.make()
    assert office.enrol() == FleetEnrolled(COUNT, 0, COUNT * DEPOSIT_PAISE)
    office.clock.advance(TWO_DAYS_S)
    assert office.enrol() == FleetEnrolled(0, COUNT, 0)
    check_complete(office)


@pytest.mark.parametrize("wrong", ["missing", "another's", "no papers"])
def test_papers_that_are_missing_or_wrong_stop_it_before_anything_is_changed(
    office: Office, wrong: str
) -> None:
    office.make()
    first, last = (
        office.folder / name / PROVISIONING for name in ("N300001", "N300003")
    )
    kept = last.read_bytes()
    last.unlink()
    if wrong != "missing":
        last.write_bytes(first.read_bytes() if wrong == "another's" else b"{}")
    with pytest.raises(FleetError, match=r"N300003.*nothing was changed"):
        office.enrol()
    with office.books() as store, store.reading() as connection:
        for member in read_fleet(office.folder).members():
            assert acts.all_of(connection, member.licence) == []
    last.write_bytes(kept)
    office.enrol()
    check_complete(office)


def test_a_deposit_that_the_books_do_not_take_is_told(office: Office) -> None:
    office.make(FILE.replace(b"500_000", b"100"))
    for _ in range(2):
        with pytest.raises(FleetError, match="3 first deposits wait in suspense"):
            office.enrol()


def test_a_machine_that_was_begun_is_made_anew_and_a_whole_one_stays(
    office: Office,
) -> None:
    office.make()
    whole = (office.folder / "N300001" / PROVISIONING).read_bytes()
    (office.folder / "N300003").rename(office.folder / "N300003.new")
    (office.folder / "N300003.new" / MACHINE).unlink()
    assert office.make() == ["N300001", "N300002", "N300003"]
    assert (office.folder / "N300001" / PROVISIONING).read_bytes() == whole
    assert (office.folder / "N300003" / MACHINE).is_file()
    assert not (office.folder / "N300003.new").exists()


def test_a_folder_that_holds_something_else_is_never_written_over(
    office: Office,
) -> None:
    strange = office.folder / "N300002" / "letter.txt"
    strange.parent.mkdir(parents=True)
    strange.write_text("keep me")
    with pytest.raises(FleetError, match=r"N300002 holds no finished machine"):
        office.make()
    assert strange.read_text() == "keep me"


def test_a_fleet_file_that_cannot_be_read_is_told(office: Office) -> None:
    (office.folder / FLEET).mkdir(parents=True)
    for use in (lambda: read_fleet(office.folder), office.make):
        with pytest.raises(FleetError, match=r"fleet.toml cannot be read: Is a dir"):
            use()
    with pytest.raises(FleetError, match="rmfs fleet new FILE"):
        read_fleet(office.folder / FLEET)


def test_a_fleets_folder_that_cannot_be_made_is_told(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    office.folder = tmp_path / "file" / "offices"
    with pytest.raises(FleetError, match="cannot be made: Not a directory"):
        office.make()
