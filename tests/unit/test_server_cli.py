"""`rmfs server` and `rmfs evidence`, as a person types them."""

import os
import stat
from pathlib import Path

import click
import pytest

from hw.entropy import SeededEntropy
from protocol.dialogue.server import Delivered
from protocol.errors import RmfsError
from protocol.keys import (
    MakerKey,
    Realm,
    read_server_provisioning,
    write_provisioning,
)
from protocol.registers import RequestKind
from rmfs_server.books import Books
from rmfs_server.folder import open_books
from tests.desk import WHO, Desk, enrol, maker_of, recharge
from tests.paper_machine import LICENCE, NOW, PaperMachine


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path / "rmfs-server")
    desk.said("server", "init", "--name", "TEST-OEM")
    return desk


@pytest.fixture
def machine(desk: Desk, tmp_path: Path) -> PaperMachine:
    machine = PaperMachine()
    enrol(desk, machine, tmp_path / "provisioning.json")
    return machine


def test_a_new_server_keeps_its_private_keys_to_its_owner(desk: Desk) -> None:
    for name in ("dh.pem", "credit-1.pem", "maker.pem", "server.toml"):
        mode = stat.S_IMODE((desk.folder / name).stat().st_mode)
        assert mode == 0o600, name


def test_the_owner_alone_can_look_into_a_server(tmp_path: Path) -> None:
    folder = tmp_path / "rmfs-server"
    before = os.umask(0o022)
    try:
        folder.mkdir()
        Desk(folder).said("server", "init", "--name", "TEST-OEM")
        with open_books(folder) as store, store.reading():
            modes = {
                path.name: stat.S_IMODE(path.stat().st_mode)
                for path in folder.glob("books.sqlite*")
            }
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert modes == {
        "books.sqlite": 0o600,
        "books.sqlite-wal": 0o600,
        "books.sqlite-shm": 0o600,
    }


def test_machines_can_read_what_the_maker_signed_for_them(desk: Desk) -> None:
    text = (desk.folder / "server.json").read_bytes()
    found = read_server_provisioning(text, [maker_of(desk).public])
    server = desk.read()
    assert found.credential.dh_point == server.identity.credential.dh_point
    assert found.credit_key == server.credit_key.signing.public


def test_a_server_is_not_made_over_another_one(desk: Desk) -> None:
    with pytest.raises(RmfsError, match="not empty"):
        desk.said("server", "init")


def test_a_folder_without_a_server_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RmfsError, match="rmfs server init"):
        Desk(tmp_path).said("server", "show")


def test_a_makers_own_key_signs_and_is_not_copied(desk: Desk, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    maker = str(desk.folder / "maker.pem")
    other.said("server", "init", "--maker", maker, "--maker-name", "factory")
    assert not (other.folder / "maker.pem").exists()
    assert (other.folder / "makers" / "factory.pem").exists()


def test_a_machine_of_a_stranger_is_not_enrolled(desk: Desk, tmp_path: Path) -> None:
    stranger = MakerKey.generate("maker", Realm.TEST, SeededEntropy(b"stranger"))
    file = tmp_path / "provisioning.json"
    file.write_text(write_provisioning(PaperMachine().provisioning, stranger))
    licence = ("--number", "KN0600065", "--licensee", "Asha Traders")
    with pytest.raises(RmfsError, match="maker"):
        desk.said("server", "enrol", str(file), *licence, "--expires", "2099-12-31")


def test_show_tells_people_and_programs_the_same(
    desk: Desk, machine: PaperMachine
) -> None:
    recharge(desk, machine, 200_000)
    text = desk.said("server", "show", LICENCE)
    assert "recharge   1: RECHARGE Rs 2,000.00, POSTED by CONFIRMATION" in text
    picture = desk.json("server", "show", LICENCE)
    assert picture["funds"] == {
        "available_paise": 0,
        "later_paise": 0,
        "reserved_paise": 0,
    }
    assert "N123456     KN0600065  REGISTERED" in desk.said("server", "show")
    assert desk.json("server", "show")["licences"]


def test_the_books_verify(desk: Desk, machine: PaperMachine) -> None:
    recharge(desk, machine, 200_000)
    assert desk.said("server", "verify") == "the books add up\n"
    assert desk.json("server", "verify") == {"findings": []}


def test_books_that_do_not_add_up_make_verify_fail(
    desk: Desk, machine: PaperMachine
) -> None:
    with open_books(desk.folder) as store, store.writing("by hand") as connection:
        connection.exec_driver_sql("UPDATE balance SET balance_paise = 5 WHERE seq = 0")
    result = desk.run("server", "verify")
    assert result.return_value == 1
    assert "balance is the sum of entries" in result.stdout


def test_a_licence_is_changed_with_a_reason(desk: Desk, machine: PaperMachine) -> None:
    said = desk.said("server", "licence", LICENCE, "--state", "blocked", *WHO)
    assert said == "N123456 is BLOCKED, expires on 2099-12-31\n"
    with pytest.raises(click.UsageError, match="reason"):
        desk.said("server", "licence", LICENCE, "--state", "renewed")
    with pytest.raises(click.UsageError, match="what to change"):
        desk.said("server", "licence", LICENCE, *WHO)


@pytest.mark.parametrize(
    ("order", "kind", "value"),
    [
        (("clock",), "CLOCK", 0),
        (("lock", "3"), "LOCK", 3),
        (("unlock",), "UNLOCK", 0),
        (("next-call", "2026-12-01"), "NEXT_CALL", 1_796_063_400),
        (("next-call",), "NEXT_CALL", 0),
        (("frank-limit", "500"), "FRANK_LIMIT", 50_000),
        (("funds-limit", "0"), "FUNDS_LIMIT", 0),
        (("slogan-off", "3"), "SLOGAN_OFF", 3),
    ],
)
def test_orders_are_given(
    desk: Desk, machine: PaperMachine, order: tuple[str, ...], kind: str, value: int
) -> None:
    desk.said("server", "order", LICENCE, *order)
    picture = desk.json("server", "show", LICENCE)
    (given,) = picture["orders"]
    assert (given["serial"], given["kind"], given["value"]) == (1, kind, value)
    assert given["sent_at"] is given["acknowledged_at"] is given["held_back"] is None


@pytest.mark.parametrize(
    "order",
    [
        ("clock", "5"),
        ("lock", "x"),
        ("lock", "--", "-1"),
        ("lock", "9223372036854775808"),
        ("next-call", "x"),
        ("next-call", "1969-12-31"),
        ("next-call", "2107-01-01"),
        ("frank-limit",),
        ("frank-limit", "5.5"),
        ("slogan-off", "11"),
        ("retire-credit-key", "x"),
        ("tariff",),
        ("tariff", "a", "b"),
        ("nothing",),
        (),
    ],
)
def test_an_order_with_a_wrong_value_is_a_mistake_in_typing(
    desk: Desk, machine: PaperMachine, order: tuple[str, ...]
) -> None:
    with pytest.raises(click.UsageError):
        desk.said("server", "order", LICENCE, *order)
    assert desk.json("server", "show", LICENCE)["orders"] == []


def test_an_outstanding_voucher_is_taken_back(
    desk: Desk, machine: PaperMachine
) -> None:
    with pytest.raises(RmfsError, match="nothing is outstanding"):
        desk.said("server", "void", LICENCE, *WHO)
    recharge(desk, machine, 200_000)
    server = desk.read()
    with open_books(desk.folder) as store:
        books = Books(store, server.credit_key, SeededEntropy(b"marks"))
        stated = machine.state_registers(RequestKind.REFUND, 50_000)
        desk.said("server", "licence", LICENCE, "--refund", *WHO)
        answer = books.judge_statement(*stated, NOW)
    assert isinstance(answer, tuple)
    assert isinstance(answer[1], Delivered)
    assert "a VOID waits" in desk.said("server", "void", LICENCE, *WHO)
    assert "VOID waiting" in desk.said("server", "show", LICENCE)


def test_a_frozen_machine_is_shown_and_resolved(
    desk: Desk, machine: PaperMachine
) -> None:
    server = desk.read()
    with open_books(desk.folder) as store:
        books = Books(store, server.credit_key, SeededEntropy(b"marks"))
        books.judge_statement(*machine.state_registers(mark=b"?" * 8), NOW)
    assert "MARK_WRONG" in desk.said("server", "resolve", LICENCE)
    assert "OPEN: rmfs server resolve N123456" in desk.said("server", "show", LICENCE)
    with pytest.raises(RmfsError, match="why"):
        desk.said("server", "resolve", LICENCE, "--action", "keep", "--by", "asha")
    said = desk.said("server", "resolve", LICENCE, "--action", "keep", *WHO)
    assert said == "N123456 is resolved: keep\n"


def test_a_revoked_machine_is_shown_as_revoked(
    desk: Desk, machine: PaperMachine
) -> None:
    desk.said("server", "revoke", LICENCE, *WHO)
    assert "credential REVOKED" in desk.said("server", "show", LICENCE)


def test_evidence_is_exported_and_verified_without_the_server(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    recharge(desk, machine, 200_000)
    folder = tmp_path / "evidence"
    said = desk.said("evidence", LICENCE, "1", "--out", str(folder))
    assert f"{folder} verifies: POSTED" in said
    elsewhere = Desk(tmp_path / "nowhere")
    assert "verifies: POSTED" in elsewhere.said("evidence", "--verify", str(folder))
    voucher = folder / "voucher.octets"
    voucher.write_bytes(voucher.read_bytes()[:-1] + b"\x00")
    result = elsewhere.run("evidence", "--verify", str(folder))
    assert result.return_value == 1
    assert "voucher.octets" in result.stdout


def test_evidence_wants_a_licence_or_a_folder(desk: Desk) -> None:
    with pytest.raises(click.UsageError, match="--verify"):
        desk.said("evidence")


def test_a_setting_that_is_not_known_is_refused(desk: Desk) -> None:
    path = desk.folder / "server.toml"
    path.write_text(path.read_text() + "colour = 3\n")
    with pytest.raises(RmfsError, match="colour"):
        desk.said("server", "show")


def test_migrating_newest_books_changes_nothing(desk: Desk) -> None:
    assert "newest schema" in desk.said("server", "migrate")
