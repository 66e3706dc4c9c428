"""`rmfs server credit-key` and `rmfs server hsm`, as a person types them."""

import stat
from dataclasses import replace
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hw.hsm import HsmPlace, HsmSigner, parse_place, show_place
from protocol.errors import InvariantError, RmfsError
from protocol.keys import read_server_provisioning
from protocol.messages import Capability
from protocol.registers import RequestKind
from rmfs_server.folder import open_books
from rmfs_server.key_check import check_credit_keys
from tests.desk import Desk, enrol, maker_of, office_of, recharge
from tests.hsm import a_token, hsm_at
from tests.paper_machine import LICENCE, PaperMachine


@pytest.fixture
def place(tmp_path: Path) -> HsmPlace:
    return a_token(tmp_path / "token")


@pytest.fixture
def settings(tmp_path: Path, place: HsmPlace) -> Path:
    file = tmp_path / "hsm-settings.toml"
    file.write_text(show_place(place))
    return file


@pytest.fixture
def desk(tmp_path: Path, settings: Path) -> Desk:
    """Give a server whose first credit key is in the HSM."""
    desk = Desk(tmp_path / "rmfs-server")
    desk.said("server", "init", "--name", "TEST-OEM", "--hsm", str(settings))
    return desk


@pytest.fixture
def file_desk(tmp_path: Path) -> Desk:
    """Give a server whose first credit key is in a file."""
    desk = Desk(tmp_path / "rmfs-server")
    desk.said("server", "init", "--name", "TEST-OEM")
    return desk


@pytest.fixture
def machine() -> PaperMachine:
    machine = PaperMachine()
    machine.capabilities = sum(Capability)
    return machine


def start(desk: Desk) -> None:
    """Do what a server does before it answers its first call."""
    with open_books(desk.folder) as store:
        check_credit_keys(desk.read(), store)


def test_a_server_is_made_with_a_key_that_never_was_in_a_file(desk: Desk) -> None:
    assert not list(desk.folder.glob("credit-*.pem"))
    for name in ("credit-1.toml", "hsm.toml"):
        assert stat.S_IMODE((desk.folder / name).stat().st_mode) == 0o600
    (found,) = desk.json("server", "credit-key", "list")["credit_keys"]
    assert (found["where"], found["made_there"]) == ("hsm", True)
    assert (found["file_left"], found["faults"]) == (False, [])
    said = desk.said("server", "credit-key", "list")
    assert said.endswith(f"by the id {found['object_id']}, made there\n")
    text = (desk.folder / "server.json").read_bytes()
    told = read_server_provisioning(text, [maker_of(desk).public])
    assert told.credit_key == desk.read().credit_key.signing.public


def test_a_machine_is_recharged_by_a_key_in_the_hsm(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    enrol(desk, machine, tmp_path / "provisioning.json")
    recharge(desk, machine, 200_000)
    assert desk.said("server", "verify") == "the books add up\n"
    said = desk.said("evidence", LICENCE, "1", "--out", str(tmp_path / "evidence"))
    assert "verifies: POSTED" in said
    start(desk)


def test_the_next_key_is_made_in_the_hsm_if_there_is_one(desk: Desk) -> None:
    assert desk.json("server", "credit-key", "new")["where"] == "hsm"
    assert desk.json("server", "credit-key", "new", "--in", "file")["where"] == "file"
    found = desk.json("server", "credit-key", "list")["credit_keys"]
    assert [one["credit_key"] for one in found] == [1, 2, 3]
    assert [one["where"] for one in found] == ["hsm", "hsm", "file"]
    assert found[0]["object_id"] != found[1]["object_id"]


def test_a_server_gets_an_hsm_later(file_desk: Desk, settings: Path) -> None:
    desk = file_desk
    with pytest.raises(RmfsError, match="rmfs server hsm set"):
        desk.said("server", "credit-key", "new", "--in", "hsm")
    assert "is token 'rmfs'" in desk.said("server", "hsm", "set", str(settings))
    assert desk.json("server", "credit-key", "new")["where"] == "hsm"
    assert desk.json("server", "hsm", "check")["token"] == "rmfs"
    assert "manufacturer  SoftHSM" in desk.said("server", "hsm", "check")


def test_a_key_is_moved_from_its_file_into_the_hsm(
    file_desk: Desk, settings: Path, machine: PaperMachine, tmp_path: Path
) -> None:
    desk = file_desk
    enrol(desk, machine, tmp_path / "provisioning.json")
    before = desk.read().credit_key.signing.public
    desk.said("server", "hsm", "set", str(settings))
    assert "destroy it" in desk.said("server", "credit-key", "import", "1")
    after = desk.read().credit_key.signing
    assert isinstance(after, HsmSigner)
    assert after.public == before
    assert "its file is still here" in desk.said("server", "credit-key", "list")
    (desk.folder / "credit-1.pem").unlink()
    assert "made elsewhere\n" in desk.said("server", "credit-key", "list")
    recharge(desk, machine, 200_000)
    with pytest.raises(RmfsError, match="in the HSM already"):
        desk.said("server", "credit-key", "import", "1")
    with pytest.raises(RmfsError, match=r"credit-2\.pem cannot be read"):
        desk.said("server", "credit-key", "import", "2")


def test_a_token_with_another_key_is_refused_at_the_start(
    desk: Desk, place: HsmPlace, tmp_path: Path
) -> None:
    signing = desk.read().credit_key.signing
    assert isinstance(signing, HsmSigner)
    other = a_token(tmp_path / "other")
    hsm_at(other).make_key(signing.object_id, "TEST-OEM credit 1")
    (desk.folder / "hsm.toml").write_text(show_place(other))
    with pytest.raises(RmfsError, match=r"credit key 1: .* is another key"):
        start(desk)
    assert desk.run("server", "credit-key", "list").return_value == 1
    # Put back, it is what it was.
    (desk.folder / "hsm.toml").write_text(show_place(place))
    start(desk)


def test_a_key_that_is_not_the_one_of_the_books_is_refused_at_the_start(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    enrol(desk, machine, tmp_path / "provisioning.json")
    recharge(desk, machine, 200_000)
    desk.json("server", "credit-key", "new")
    (desk.folder / "credit-2.toml").replace(desk.folder / "credit-1.toml")
    with pytest.raises(RmfsError, match="has signed vouchers by this id"):
        start(desk)


def test_a_token_that_does_not_answer_is_refused_at_the_start(
    desk: Desk, place: HsmPlace
) -> None:
    gone = replace(place, token="gone")
    (desk.folder / "hsm.toml").write_text(show_place(gone))
    with pytest.raises(RmfsError, match=r"credit key 1: .*NoSuchToken"):
        start(desk)
    (desk.folder / "hsm.toml").unlink()
    with pytest.raises(RmfsError, match="has no HSM"):
        desk.said("server", "credit-key", "list")


def test_another_hsm_must_have_the_keys(
    desk: Desk, settings: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.toml"
    empty.write_text(show_place(a_token(tmp_path / "empty")))
    before = (desk.folder / "hsm.toml").read_text()
    with pytest.raises(RmfsError, match="NoSuchKey"):
        desk.said("server", "hsm", "set", str(empty))
    assert (desk.folder / "hsm.toml").read_text() == before
    desk.said("server", "hsm", "set", str(settings))


def test_an_hsm_that_is_lost_with_its_keys_is_replaced(
    desk: Desk, machine: PaperMachine, tmp_path: Path
) -> None:
    enrol(desk, machine, tmp_path / "provisioning.json")
    recharge(desk, machine, 200_000)
    new = tmp_path / "new.toml"
    new.write_text(show_place(a_token(tmp_path / "new")))
    desk.said("server", "hsm", "set", str(new), "--keys-lost")
    made = desk.json("server", "credit-key", "new")
    (desk.folder / "credit-1.toml").rename(tmp_path / "credit-1.toml")
    settings = desk.folder / "server.toml"
    text = settings.read_text()
    settings.write_text(text.replace("credit_key = 1", "credit_key = 2"))
    start(desk)
    desk.said("server", "order", "--all", "credit-key", made["content"])
    with office_of(desk) as office:
        # The content is signed by the maker: it needs no key that is lost.
        office.deposit(300_000)
        with pytest.raises(InvariantError, match="no credit key that N123456 knows"):
            office.state(machine, RequestKind.RECHARGE, 300_000)
        office.inspect(machine)
        office.inspect(machine)
    recharge(desk, machine, 400_000)
    assert desk.said("server", "verify") == "the books add up\n"


def test_a_wrong_pin_is_looked_at_by_a_person(desk: Desk, place: HsmPlace) -> None:
    pin = Path(place.pin.removeprefix("file:"))
    right = pin.read_text()
    pin.write_text("9999")
    with pytest.raises(RmfsError, match="refused the PIN"):
        desk.said("server", "hsm", "check")
    pin.write_text(right)
    with pytest.raises(RmfsError, match="--pin-again"):
        desk.said("server", "hsm", "check")
    desk.said("server", "hsm", "check", "--pin-again")
    desk.said("server", "hsm", "check")


def test_the_example_can_be_read(desk: Desk) -> None:
    example = CliRunner().invoke(desk.root, ["server", "hsm", "example"]).stdout
    found = parse_place(example, "example")
    assert (found.token, found.pin) == ("rmfs", "credential:hsm-pin")
    assert "never the PIN itself" in example


@pytest.mark.parametrize(
    "text", ["", "object = 5", 'object = "zz"', 'object = "00"\npublic = "none"']
)
def test_a_file_that_names_no_key_is_refused(desk: Desk, text: str) -> None:
    (desk.folder / "credit-1.toml").write_text(text)
    with pytest.raises(RmfsError, match="names no key in an HSM"):
        desk.read()


def test_init_refuses_what_is_no_hsm(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "rmfs-server")
    file = tmp_path / "hsm.toml"
    file.write_text('module = "/m"\ntoken = "t"\npin = "1234"\n')
    with pytest.raises(RmfsError, match="never the PIN itself"):
        desk.said("server", "init", "--hsm", str(file))
    with pytest.raises(click.UsageError, match="does not exist"):
        desk.said("server", "init", "--hsm", str(tmp_path / "none"))
    assert not desk.folder.exists()
