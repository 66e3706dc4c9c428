"""What a server's folder says of the Department: keys, realm, layouts."""

from pathlib import Path

import pytest

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from protocol.exchange import LayoutError, Signed, sign_file
from protocol.keys import (
    KeyMaterialError,
    Realm,
    SigningKey,
    write_private_key,
    write_public_key,
)
from rmfs_server.department import read_department
from rmfs_server.folder import ServerFolderError, Settings, create_server
from tests.exchange_values import WIDE

KEY = SigningKey(bytes(31) + b"\x07")
FILE = b"T|0\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    settings = Settings(name="TEST-OEM", realm=Realm.TEST)
    clock, entropy = SystemWallClock(), SystemEntropy()
    create_server(tmp_path / "server", settings, entropy=entropy, clock=clock)
    return tmp_path / "server"


def test_a_key_is_known_by_the_name_of_its_file(folder: Path) -> None:
    (folder / "dop-2026.pem").write_text(write_public_key(KEY.public.point))
    department = read_department(folder)
    assert list(department.keys) == ["dop-2026"]
    signed = sign_file(FILE, KEY, "dop-2026", Realm.TEST)
    assert department.check(signed) == Signed("dop-2026")
    assert department.layouts["fund"].version == 2


def test_keys_of_the_server_itself_sign_nothing_of_the_department(folder: Path) -> None:
    assert read_department(folder).keys == {}


@pytest.mark.parametrize("text", ["", write_private_key(KEY.scalar), "x" * 100_000])
def test_a_file_that_is_no_public_key_is_told(folder: Path, text: str) -> None:
    (folder / "dop-2026.pem").write_text(text)
    with pytest.raises(KeyMaterialError):
        read_department(folder)


def test_a_layout_of_the_deployment_takes_the_place_of_ours(folder: Path) -> None:
    (folder / "layouts").mkdir()
    (folder / "layouts" / "fund.toml").write_text(WIDE)
    assert read_department(folder).layouts["fund"].version == 7

    (folder / "layouts" / "usage.toml").write_bytes(b"\xff\x00")
    with pytest.raises(LayoutError, match=r"^usage.toml: not TOML"):
        read_department(folder)


def test_a_folder_without_a_server_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerFolderError):
        read_department(tmp_path)
