"""A deployment's own layouts, and folders of older versions: no Python is touched."""

import json
import re
import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from dop_gateway.exchange import jobs
from dop_gateway.exchange.drop import Drop
from dop_gateway.exchange.received import Verdict
from dop_gateway.folder import (
    EXCHANGE_KEY,
    SETTINGS,
    SFTP_HOST_KEY,
    GatewayFolderError,
    create_gateway,
    migrate_gateway,
    open_gateway,
    read_gateway,
)
from dop_gateway.parts import Parts
from dop_gateway.settings import Settings
from dop_gateway.web.app import build_app
from hw.clock import MemoryWallClock
from hw.entropy import SeededEntropy
from protocol.exchange import LayoutError
from tests.exchange_values import WIDE
from tests.gateway_desk import BEGAN, CHEAP, Gateway
from tests.gateway_exchange import (
    SOURCES,
    Maker,
    add_tables,
    at,
    balance,
    let_wait,
    register,
    rows,
)

ENTROPY = SeededEntropy(b"folder")
WIDE_REMAINING = Path(__file__).parents[1] / "remaining_in_fixed_width.toml"


def made(folder: Path) -> Path:
    """Make a gateway in a folder, with a cheap password."""
    settings = Settings(
        password_memory_kib=CHEAP.memory_kib,
        password_passes=CHEAP.passes,
        password_lanes=CHEAP.lanes,
    )
    create_gateway(folder, settings, ENTROPY)
    return folder


def test_a_deployment_replaces_layouts_without_touching_python(tmp_path: Path) -> None:
    """RMFS-36: the Department's own formats, which are not public, can be put in."""
    folder = made(tmp_path / "gateway")
    (folder / "layouts").mkdir()
    (folder / "layouts" / "fund.toml").write_text(WIDE)
    shutil.copy(WIDE_REMAINING, folder / "layouts" / "remaining.toml")
    clock = MemoryWallClock(BEGAN)
    with open_gateway(folder, clock, ENTROPY) as parts:
        gateway = gateway_of(parts, clock)
        maker = Maker(layouts=parts.exchange.layouts)
        drop = register(gateway, maker)
        let_wait(gateway, 1)
        jobs.make(parts, at(gateway, 16, 9, 30), SOURCES)
        (name,) = [one for one in drop.names() if one.endswith(".DAT")]
        octets = drop.read(name)
        assert name == "FFFND-N-000001.DAT"
        assert octets.startswith(b"0116-11-2026000001")
        assert octets.count(b"\r\n") == octets.count(b"\n") == 2
        drop.take(*maker.acknowledgement({name: octets}))
        assert rows(gateway, "SELECT answers FROM told") == [(1,)]
        came, fixed = maker.file("remaining-fund", [balance("1")])
        assert fixed.startswith(b"01RF-N-000001")
        assert Drop(parts, SOURCES, "N").take(came, fixed).verdict is Verdict.NEW
        assert rows(gateway, "SELECT line_id FROM applied") == [("1",)]


def gateway_of(parts: Parts, clock: MemoryWallClock) -> Gateway:
    """Use parts that a folder gave."""
    gateway = Gateway(parts, clock, TestClient(build_app(parts)))
    add_tables(gateway)
    return gateway


def test_a_layout_that_is_none_is_told_before_anything_is_exchanged(
    tmp_path: Path,
) -> None:
    folder = made(tmp_path / "gateway")
    (folder / "layouts").mkdir()
    (folder / "layouts" / "fund.toml").write_text(WIDE.replace("licensee", "who"))
    with pytest.raises(LayoutError, match=r"fund\.toml, line deposit"):
        read_gateway(folder)


def test_a_folder_of_an_older_version_says_how_to_get_its_keys(tmp_path: Path) -> None:
    folder = made(tmp_path / "gateway")
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    for name in (EXCHANGE_KEY, SFTP_HOST_KEY):
        (older / name).unlink()
    settings = (older / SETTINGS).read_text()
    without = re.sub(r"(?m)^(realm|exchange_key_id).*\n", "", settings)
    (older / SETTINGS).write_text(without)
    with pytest.raises(GatewayFolderError, match="rmfs dop migrate"):
        read_gateway(older)
    migrate_gateway(older, ENTROPY)
    found = read_gateway(older)
    assert found.exchange.key_id == "dop-1"
    assert found.sftp_host_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    # A key that is there stays.
    migrate_gateway(older, ENTROPY)
    assert read_gateway(older).exchange.key.scalar == found.exchange.key.scalar
    for name in (EXCHANGE_KEY, SFTP_HOST_KEY):
        assert (older / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("setting", "words"),
    [('realm = "HOUSE"', "TEST or PRODUCTION"), ('exchange_key_id = "a|b"', "letters")],
)
def test_settings_of_the_exchange_are_looked_at(
    tmp_path: Path, setting: str, words: str
) -> None:
    folder = made(tmp_path / "gateway")
    name = setting.partition(" ")[0]
    text = (folder / SETTINGS).read_text()
    (folder / SETTINGS).write_text(re.sub(rf"(?m)^{name} .*$", setting, text))
    with pytest.raises(GatewayFolderError, match=words):
        read_gateway(folder)


def test_keys_of_a_gateway_are_its_own(tmp_path: Path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    scalars = {read_gateway(each).exchange.key.scalar for each in (one, two)}
    assert len(scalars) == 2
    assert json.dumps(repr(read_gateway(one))).count("PRIVATE") == 0
