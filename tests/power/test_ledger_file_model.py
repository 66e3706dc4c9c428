"""The model of a disk without power, and the checks of what it leaves, have teeth."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from hw.entropy import SeededEntropy
from rmfs_tools.simulation.ledger_file.disk import Disk, Image
from rmfs_tools.simulation.ledger_file.examine import Examiner
from rmfs_tools.simulation.ledger_file.promises import Fault, Promises
from rmfs_tools.simulation.ledger_file.record import (
    Create,
    Delete,
    Operation,
    Record,
    Sent,
    Sync,
    SyncFolder,
    Truncate,
    Write,
)
from rmfs_tools.simulation.ledger_file.survivors import Survivor, survivors
from rmfs_tools.simulation.ledger_file.workload import BOOKS, record_books

DONE = 10**9
"""More operations than there are: everything was acknowledged."""


def disk_after(*operations: Operation, folder_at_once: bool = False) -> Disk:
    """Begin with a file ``a`` of eight octets, which is number 0."""
    disk = Disk({"a": b"........"}, folder_at_once=folder_at_once)
    for operation in operations:
        disk.do(operation)
    return disk


def found(disk: Disk) -> list[Image]:
    """Give every image that the choices leave, each once."""
    entropy = SeededEntropy(b"a test")
    images: list[Image] = []
    for one in survivors(disk, entropy, 4):
        image = disk.image(one.names_kept, (data for _, data in one.kept))
        if image not in images:
            images.append(image)
    return images


def test_what_was_synced_is_there_and_nothing_else_may_be() -> None:
    disk = disk_after(Write(0, 0, b"new"), Sync(0))
    assert found(disk) == [{"a": b"new....."}]


def test_two_writes_survive_in_any_choice_whatever_their_order() -> None:
    disk = disk_after(Write(0, 0, b"1"), Write(0, 1, b"2"))
    assert {image["a"][:2] for image in found(disk)} == {b"..", b"1.", b".2", b"12"}


def test_a_sync_of_one_file_is_none_of_another() -> None:
    begun = (Create("b", 1), SyncFolder())
    disk = disk_after(*begun, Write(0, 0, b"1"), Write(1, 0, b"2"), Sync(1))
    assert found(disk) == [
        {"a": b"........", "b": b"2"},
        {"a": b"1.......", "b": b"2"},
    ]


def test_a_truncate_is_pending_like_a_write() -> None:
    disk = disk_after(Truncate(0, 2))
    assert found(disk) == [{"a": b"........"}, {"a": b".."}]


def test_a_write_behind_the_end_leaves_zeros_between() -> None:
    disk = disk_after(Truncate(0, 2), Write(0, 4, b"x"))
    assert {"a": b"..\0\0x"} in found(disk)
    assert disk_after(Truncate(0, 10), Sync(0)).image(0, ()) == {"a": b"........\0\0"}


def test_a_name_is_there_once_the_folder_was_synced() -> None:
    made = (Create("b", 1), Write(1, 0, b"2"), Sync(1))
    assert found(disk_after(*made)) == [
        {"a": b"........"},
        {"a": b"........", "b": b"2"},
    ]
    assert found(disk_after(*made, SyncFolder())) == [{"a": b"........", "b": b"2"}]


def test_a_deleted_file_may_come_back_until_the_folder_was_synced() -> None:
    assert found(disk_after(Delete("a"))) == [{"a": b"........"}, {}]
    assert found(disk_after(Delete("a"), SyncFolder())) == [{}]
    assert found(disk_after(Delete("a"), folder_at_once=True)) == [{}]


def test_a_file_that_is_made_again_is_another_file() -> None:
    disk = disk_after(Delete("a"), Create("a", 1), Write(1, 0, b"new"))
    images = [image.get("a") for image in found(disk)]
    assert {b"........", None, b"", b"new"} <= set(images)
    assert not any(octets and octets.startswith(b"new.") for octets in images)


@pytest.mark.parametrize(
    ("offset", "edges"), [(0, {512, 1024}), (500, {12, 524, 1036})]
)
def test_a_torn_write_ends_where_a_sector_ends_or_inside_one(
    offset: int, edges: set[int]
) -> None:
    disk = disk_after(Write(0, offset, bytes(1200)))
    at_edges, inside = set(), set()
    for seed in range(60):
        for one in survivors(disk, SeededEntropy(b"%d" % seed), 0):
            for _, data in one.kept:
                assert isinstance(data, Write)
                if one.kind == "torn at a sector":
                    at_edges.add(len(data.octets))
                elif one.kind == "torn inside one":
                    inside.add(len(data.octets))
    assert at_edges == edges
    assert not inside & edges
    assert all(0 < octets < 1200 for octets in inside)


@pytest.mark.parametrize("octets", [1, 2, 512, 513])
def test_a_small_write_is_torn_where_it_can_be(octets: int) -> None:
    disk = disk_after(Write(0, 0, bytes(octets)))
    torn = [one for one in survivors(disk, SeededEntropy(b""), 0) if "torn" in one.kind]
    assert len(torn) == (octets > 1) + (octets > 512)


def test_many_pending_writes_leave_choices_that_the_seed_draws() -> None:
    disk = disk_after(*(Write(0, 512 * one, bytes(1024)) for one in range(40)))

    def drawn(seed: bytes) -> list[Survivor]:
        return list(survivors(disk, SeededEntropy(seed), 4))

    choices = drawn(b"1")
    assert [one.kind for one in choices] == [
        "torn at a sector",
        "torn inside one",
        "none",
        "all",
        "half",
        "most, torn",
        "half the sectors",
        "most sectors",
    ]
    assert 10 < len(choices[4].kept) < 30 < len(choices[5].kept) < 40
    assert 20 < len(choices[6].kept) < 60 < len(choices[7].kept) < 80
    assert choices == drawn(b"1") != drawn(b"2")


class Desk:
    """Books after a run, and what is found when somebody has been at them."""

    def __init__(self, folder: Path) -> None:
        (folder / "recorded").mkdir()
        (folder / "images").mkdir()
        self.record = record_books(folder / "recorded", 1, 1, ())
        self.path = self.untouched = folder / "recorded" / BOOKS
        self.examiner = Examiner(folder / "images")

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path, isolation_level=None)) as opened:
            names = "SELECT name FROM sqlite_schema WHERE type = 'trigger'"
            for (trigger,) in opened.execute(names).fetchall():
                opened.execute(f"DROP TRIGGER {trigger}")
            for statement in statements:
                opened.execute(statement)

    def fault(self, record: Record | None = None) -> Fault | None:
        promises = Promises(record or self.record)
        image = {BOOKS: self.path.read_bytes()}
        recovered = self.examiner.recover(image, promises.contents)
        broken = promises.broken(DONE, recovered)
        return None if broken is None else broken[0]

    def content(self) -> bytes:
        return self.examiner.recover({BOOKS: self.path.read_bytes()}, ()).content


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def desk(made: Desk, tmp_path: Path) -> Desk:
    """Give a desk whose books this test alone changes."""
    made.path = Path(shutil.copy(made.untouched, tmp_path))
    return made


def test_books_that_nobody_touched_keep_every_promise(desk: Desk) -> None:
    assert desk.fault() is None


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("UPDATE machine SET dial_in = dial_in + 1", Fault.HALF),
        ("DELETE FROM usage", Fault.HALF),
        ("DELETE FROM licence", Fault.CORRUPT),
        ("DROP TABLE recharge", Fault.CORRUPT),
    ],
)
def test_rows_that_never_were_are_found(
    desk: Desk, statement: str, fault: Fault
) -> None:
    desk.change(statement)
    assert desk.fault() is fault


@pytest.mark.parametrize(
    "spoil",
    [
        lambda octets: octets[:0],
        lambda octets: octets[:5000],
        lambda octets: octets[:8192] + bytes(4096) + octets[12288:],
        lambda octets: b"no database" + octets[11:],
    ],
    ids=["empty", "cut", "a page of zeros", "no header"],
)
def test_a_spoilt_file_is_corrupt(desk: Desk, spoil: Callable[[bytes], bytes]) -> None:
    desk.path.write_bytes(spoil(desk.path.read_bytes()))
    assert desk.fault() is Fault.CORRUPT


def test_an_acknowledged_transaction_that_is_missing_is_lost(desk: Desk) -> None:
    last = desk.record.commits[-1]
    one_more = replace(last, name="one more", content=b"other rows")
    record = replace(desk.record, commits=[*desk.record.commits, one_more])
    assert desk.fault(record) is Fault.LOST


def test_a_transaction_whose_commit_was_not_said_must_not_be_there(desk: Desk) -> None:
    last = replace(desk.record.commits[-1], begun=DONE + 1, acknowledged=DONE + 1)
    record = replace(desk.record, commits=[*desk.record.commits[:-1], last])
    assert desk.fault(record) is Fault.HALF


def test_a_voucher_that_was_sent_has_its_row(desk: Desk) -> None:
    record = replace(desk.record, sent=[*desk.record.sent, Sent(0, b"a voucher")])
    assert desk.fault(record) is Fault.SENT_WITHOUT_ROW
    later = replace(desk.record, sent=[*desk.record.sent, Sent(DONE + 1, b"later")])
    assert desk.fault(later) is None


def test_books_that_do_not_add_up_are_found_by_the_products_own_check(
    desk: Desk,
) -> None:
    desk.change(
        "UPDATE balance SET balance_paise = balance_paise + 1 WHERE account = 3"
    )
    last = replace(desk.record.commits[-1], content=desk.content())
    record = replace(desk.record, commits=[*desk.record.commits[:-1], last])
    assert desk.fault(record) is Fault.UNBALANCED
