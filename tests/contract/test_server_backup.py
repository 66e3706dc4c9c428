"""A server is copied while its books are open, lost, and put back, on both engines.

REG-9: a machine that is ahead of books that were put back is resolved by what it holds.
"""

import io
import json
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, select, text

from hw.clock import MemoryWallClock
from hw.database.copying import CopyError
from hw.entropy import SeededEntropy
from hw.hsm import HsmPlace, show_place
from protocol.keys import Realm
from protocol.messages import RefusalCode
from rmfs_server.folder import (
    ServerFolderError,
    Settings,
    create_server,
    open_books,
    read_server,
)
from rmfs_server.keeping import archive
from rmfs_server.keeping.archive import ArchiveError, Manifest
from rmfs_server.keeping.backing_up import make_backup, new_archive
from rmfs_server.keeping.restoring import Restored, restore
from rmfs_server.proposing import Action
from rmfs_server.store import acts, schema
from tests.frozen_books import NEWER_MARK, present, remaining_after
from tests.paper_machine import BY, LICENCE, NOW, Office, PaperMachine, office_at

CLOCK = MemoryWallClock(datetime.fromtimestamp(NOW, UTC))


class Kept:
    """A server in a folder, whose books are those of an office on paper."""

    def __init__(self, folder: Path, url: str, office: Office) -> None:
        self.folder = folder
        self.url = url
        self.office = office
        settings = Settings("TEST-OEM", Realm.TEST, database=url)
        create_server(folder, settings, entropy=SeededEntropy(b"s"), clock=CLOCK)

    def copy(self, path: Path, *, keys: bool = True) -> Manifest:
        with new_archive(path) as (target, work):
            return make_backup(self.folder, target, work, CLOCK, keys=keys)[0]

    def put_back(self, path: Path) -> Restored:
        with path.open("rb") as source:
            return restore(source, self.folder, BY)

    def lose(self) -> None:
        """Lose the disk: books and folder."""
        self.office.store.close()
        place = make_url(self.url)
        if place.get_backend_name() == "sqlite":
            for path in Path(str(place.database)).parent.glob("store.sqlite*"):
                path.unlink()
        else:
            _do(self.url, "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        self.folder.rename(self.folder.with_name("lost"))

    def rows(self) -> dict[str, list[str]]:
        with self.office.store.reading() as connection:
            return {
                table.name: sorted(map(repr, connection.execute(select(table))))
                for table in schema.metadata.sorted_tables
                if table.name != "act"
            }


def _do(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for one in statements:
            connection.execute(text(one))


@pytest.fixture
def kept(store_place: str, tmp_path: Path) -> Iterator[Kept]:
    with office_at(store_place) as office:
        yield Kept(tmp_path / "server", store_place, office)


@pytest.fixture
def machine(kept: Kept) -> PaperMachine:
    """Give a machine with Rs 1,000 and Rs 9,000 of funds."""
    return kept.office.enrolled(1_000_000, 100_000)


def test_what_is_put_back_is_what_was_copied(
    kept: Kept, machine: PaperMachine, tmp_path: Path
) -> None:
    before = kept.rows()
    manifest = kept.copy(tmp_path / "a.tar")
    files = {path.name: path.read_bytes() for path in kept.folder.glob("*.*")}
    kept.office.recharge(machine, 200_000)
    kept.lose()
    done = kept.put_back(tmp_path / "a.tar")
    assert done.manifest == manifest
    assert (list(done.findings), done.older) == ([], "")
    assert kept.rows() == before
    found = {path.name: path.read_bytes() for path in kept.folder.glob("*.*")}
    assert found == files
    assert read_server(kept.folder).makers


def test_the_books_say_that_they_were_put_back(kept: Kept, tmp_path: Path) -> None:
    manifest = kept.copy(tmp_path / "a.tar")
    kept.lose()
    kept.put_back(tmp_path / "a.tar")
    with kept.office.store.reading() as connection:
        rows = connection.execute(select(schema.act)).all()
    acted = next(row for row in rows if row.move == "restore")
    assert (acted.person, acted.licence) == (BY.person, None)
    copied = manifest.members[manifest.books].sha256
    assert json.loads(acted.detail) == {"made_at": NOW, "books": copied}


def test_a_machine_that_is_ahead_of_the_copy_is_resolved_by_its_voucher(
    kept: Kept, machine: PaperMachine, tmp_path: Path
) -> None:
    kept.copy(tmp_path / "a.tar")
    _, delivered = kept.office.state(machine, 1, 200_000)
    machine.apply(delivered.voucher)
    machine.mark = NEWER_MARK
    kept.lose()
    kept.put_back(tmp_path / "a.tar")
    assert kept.office.balances() == (900_000, 0, 100_000)

    present(kept.office, machine, delivered.voucher)
    assert remaining_after(kept.office, Action.POST) is RefusalCode.MARK_WRONG
    assert remaining_after(kept.office, Action.ADOPT) is None
    assert kept.office.balances() == (700_000, 0, 300_000)
    kept.office.inspect(machine)


def test_a_copy_is_never_put_over_a_database_that_holds_something(
    kept: Kept, machine: PaperMachine, tmp_path: Path
) -> None:
    kept.copy(tmp_path / "a.tar")
    before = kept.rows()
    kept.folder.rename(tmp_path / "lost")
    with pytest.raises(CopyError, match=r"empty|never put over"):
        kept.put_back(tmp_path / "a.tar")
    assert kept.rows() == before
    assert not kept.folder.exists()
    assert not list(tmp_path.glob(".rmfs-*"))


def test_a_copy_is_never_put_over_a_server(kept: Kept, tmp_path: Path) -> None:
    kept.copy(tmp_path / "a.tar")
    with pytest.raises(ServerFolderError, match="not empty"):
        kept.put_back(tmp_path / "a.tar")


def test_a_copy_holds_what_is_committed_while_a_writer_waits(
    kept: Kept, machine: PaperMachine, tmp_path: Path
) -> None:
    acted = kept.copy(tmp_path / "a.tar").rows["act"]
    with kept.office.store.writing("a test") as connection:
        acts.add(connection, LICENCE, "a test", BY)
        manifest = kept.copy(tmp_path / "b.tar")
    assert manifest.rows["act"] == acted
    assert kept.copy(tmp_path / "c.tar").rows["act"] == acted + 1


def test_private_keys_can_be_left_out_and_are_put_back_by_hand(
    kept: Kept, tmp_path: Path
) -> None:
    manifest = kept.copy(tmp_path / "a.tar", keys=False)
    assert manifest.left_out == ("credit-1.pem", "dh.pem", "maker.pem")
    assert b"PRIVATE KEY" not in (tmp_path / "a.tar").read_bytes()
    kept.lose()
    kept.put_back(tmp_path / "a.tar")
    for name in manifest.left_out:
        (kept.folder.with_name("lost") / name).rename(kept.folder / name)
    with open_books(kept.folder):
        assert read_server(kept.folder).credit_key.key_id == 1


def test_the_pin_of_an_hsm_is_left_out_with_the_keys(
    kept: Kept, tmp_path: Path
) -> None:
    pin = kept.folder / "hsm-pin"
    pin.write_text("8527416")
    place = HsmPlace(Path("/usr/lib/hsm.so"), "rmfs", f"file:{pin}")
    (kept.folder / "hsm.toml").write_text(show_place(place))
    manifest = kept.copy(tmp_path / "a.tar", keys=False)
    assert "hsm-pin" in manifest.left_out
    assert b"8527416" not in (tmp_path / "a.tar").read_bytes()
    kept.copy(tmp_path / "b.tar")
    assert b"8527416" in (tmp_path / "b.tar").read_bytes()


def test_an_archive_is_its_owners_and_is_never_overwritten(
    kept: Kept, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    kept.copy(path)
    assert path.stat().st_mode & 0o777 == 0o600
    octets = path.read_bytes()
    with pytest.raises(ServerFolderError, match="never overwritten"):
        kept.copy(path)
    assert path.read_bytes() == octets
    assert not list(tmp_path.glob(".rmfs-*"))


# What is no backup, or not as it was written


def _changed(path: Path, name: str, octets: bytes) -> Path:
    """Write the archive again, with other octets in one member."""
    changed = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(changed, "w") as new:
        for row in old:
            content = old.extractfile(row)
            assert content is not None
            held = octets if row.name == name else content.read()
            row.size = len(held)
            new.addfile(row, io.BytesIO(held))
    return changed


def test_a_file_that_was_changed_is_found_and_nothing_is_put_back(
    kept: Kept, tmp_path: Path
) -> None:
    kept.copy(tmp_path / "a.tar")
    kept.lose()
    for name in ("folder/dh.pem", "folder/server.toml"):
        changed = _changed(tmp_path / "a.tar", name, b"another")
        with pytest.raises(ArchiveError, match="hash differs"):
            kept.put_back(changed)
        assert not kept.folder.exists()
    kept.put_back(tmp_path / "a.tar")


@pytest.mark.parametrize("rest", [0, 100, 600, 20_000])
def test_a_backup_that_was_cut_off_is_refused(
    kept: Kept, tmp_path: Path, rest: int
) -> None:
    kept.copy(tmp_path / "a.tar")
    kept.lose()
    cut = tmp_path / "cut.tar"
    cut.write_bytes((tmp_path / "a.tar").read_bytes()[:rest])
    with pytest.raises(ArchiveError):
        kept.put_back(cut)
    assert not kept.folder.exists()
    kept.put_back(tmp_path / "a.tar")


@pytest.mark.parametrize(
    "name", ["../evil", "/evil", "folder/../evil", "folder/.evil", "folder/a/b/c"]
)
def test_a_manifest_that_leads_elsewhere_is_refused(
    kept: Kept, tmp_path: Path, name: str
) -> None:
    kept.copy(tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar") as tar:
        content = tar.extractfile(archive.MANIFEST)
        assert content is not None
        head = json.loads(content.read())
    head["members"][name] = head["members"]["folder/dh.pem"]
    octets = json.dumps(head).encode()
    kept.lose()
    with pytest.raises(ArchiveError, match="no backup has"):
        kept.put_back(_changed(tmp_path / "a.tar", archive.MANIFEST, octets))
    kept.put_back(tmp_path / "a.tar")


def test_a_copy_of_another_kind_of_database_is_refused(
    kept: Kept, tmp_path: Path
) -> None:
    kept.copy(tmp_path / "a.tar")
    kept.lose()
    other = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    if kept.url.startswith("postgresql"):
        other = f"sqlite:///{tmp_path / 'other.sqlite'}"
    with (
        (tmp_path / "a.tar").open("rb") as source,
        pytest.raises(ServerFolderError, match="name a database of its kind"),
    ):
        restore(source, kept.folder, BY, database=other)
    assert not kept.folder.exists()
    kept.put_back(tmp_path / "a.tar")
