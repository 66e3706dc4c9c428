"""The maker's half of the exchange over a real SFTP line, and by its commands."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from click.testing import CliRunner

from hw.clock import SystemWallClock
from hw.entropy import SystemEntropy
from protocol.exchange import read_file
from protocol.keys import Realm, write_public_key
from protocol.parameters import business_date
from rmfs_server.exchange.remote import NAMES_MAX, RemoteError
from rmfs_server.exchange.settings import (
    ExchangeSettings,
    create_exchange,
    read_exchange,
)
from rmfs_server.exchange.sftp import SftpAddress, SftpRemote
from rmfs_server.exchange.windows import Slot
from rmfs_server.folder import ServerFolderError, Settings, create_server
from rmfs_tools.cli import tree
from tests.exchange_desk import (
    DEPOSIT,
    DOP_KEY,
    ISSUED,
    LAYOUTS,
    OEM_KEY,
    PaperDepartment,
)
from tests.sftp_folder import USER, SftpFolder, sftp_folder

Run = Any


def _key() -> tuple[bytes, bytes]:
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key(), key.export_public_key()


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[tuple[SftpFolder, SftpAddress]]:
    private, public = _key()
    with sftp_folder(tmp_path / "drop", public) as served:
        yield (
            served,
            SftpAddress("127.0.0.1", served.port, USER, served.host_key, private),
        )


Drop = tuple[SftpFolder, SftpAddress]


def test_files_are_listed_read_and_handed_over_whole(drop: Drop) -> None:
    served, address = drop
    large = bytes(range(256)) * 4_000
    (served.folder / "to-oem" / "fund-1.txt").write_bytes(large)
    with SftpRemote(address) as remote:
        assert remote.names() == ["fund-1.txt"]
        assert remote.read("fund-1.txt", 2_000_000) == large
        assert remote.read("fund-1.txt", 1_000) == large[:1_001]
        remote.write("usage-1.txt", large)
        remote.write("usage-1.txt", large)
    lies = {
        path.name: path.read_bytes() for path in (served.folder / "from-oem").iterdir()
    }
    assert lies == {"usage-1.txt": large}


def test_another_file_never_takes_the_place_of_one_that_was_handed_over(
    drop: Drop,
) -> None:
    served, address = drop
    with SftpRemote(address) as remote:
        remote.write("usage-1.txt", b"first")
        with pytest.raises(RemoteError, match=r"could not hand usage-1\.txt over"):
            remote.write("usage-1.txt", b"other")
    assert (served.folder / "from-oem" / "usage-1.txt").read_bytes() == b"first"


def test_a_half_written_file_of_an_earlier_session_is_begun_anew(drop: Drop) -> None:
    served, address = drop
    (served.folder / "from-oem" / "usage-1.txt.part").write_bytes(b"x" * 99)
    with SftpRemote(address) as remote:
        remote.write("usage-1.txt", b"whole")
    (lies,) = (served.folder / "from-oem").iterdir()
    assert (lies.name, lies.read_bytes()) == ("usage-1.txt", b"whole")


def test_names_are_bounded_and_links_and_folders_are_none(drop: Drop) -> None:
    served, address = drop
    folder = served.folder / "to-oem"
    (folder / "a-folder").mkdir()
    (folder / "fund-LINK.txt").symlink_to("/etc/passwd")
    with SftpRemote(address) as remote:
        assert remote.names() == []
        for number in range(NAMES_MAX + 10):
            (folder / f"fund-{number}.txt").touch()
        assert len(remote.names()) == NAMES_MAX


def test_a_server_with_another_host_key_is_told_nothing(drop: Drop) -> None:
    _, address = drop
    other = _key()[1].decode()
    with (
        pytest.raises(RemoteError, match=r"exchange\.toml"),
        SftpRemote(replace(address, host_key=other)),
    ):
        pass


def test_a_server_that_does_not_know_our_key_does_not_let_us_in(drop: Drop) -> None:
    _, address = drop
    with (
        pytest.raises(RemoteError, match="which keys it knows"),
        SftpRemote(replace(address, client_key=_key()[0])),
    ):
        pass


def test_a_server_that_is_not_there_is_tried_again_and_then_told(drop: Drop) -> None:
    _, address = drop
    with (
        pytest.raises(RemoteError, match=r"127\.0\.0\.1 port 1"),
        SftpRemote(replace(address, port=1), waits_s=(0.0, 0.0)),
    ):
        pass


class _Silent(asyncssh.SFTPServer):
    """Lets a client in, and never answers it."""

    async def scandir(self, path: bytes) -> Any:
        await asyncio.Event().wait()
        yield path


def test_a_server_that_does_not_answer_is_left_in_time(tmp_path: Path) -> None:
    private, public = _key()
    with sftp_folder(tmp_path / "drop", public, files=_Silent) as served:
        address = SftpAddress("127.0.0.1", served.port, USER, served.host_key, private)
        with (
            SftpRemote(address, step_s_max=0.2) as remote,
            pytest.raises(RemoteError, match="no answer in time"),
        ):
            remote.names()


@pytest.fixture
def server(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    create_server(
        folder,
        Settings("n", Realm.TEST),
        entropy=SystemEntropy(),
        clock=SystemWallClock(),
    )
    (folder / "dop-1.pem").write_text(write_public_key(DOP_KEY.public.point))
    return folder


def run(*arguments: str) -> Any:
    return CliRunner().invoke(
        tree(), ["server", "exchange", *arguments], standalone_mode=False
    )


def test_a_session_by_command_brings_funds_and_hands_our_files_over(
    server: Path, tmp_path: Path
) -> None:
    _, other = _key()
    at = ("--server", str(server))
    made = run(
        *("init-keys", *at, "--letter", "N", "--host", "127.0.0.1", "--port", "2222"),
        *("--user", USER, "--host-key", other.decode().strip()),
    )
    assert made.exception is None, made.output
    assert "files are signed as oem-N-1" in made.output
    public = (server / "exchange-ssh.pub").read_bytes()
    assert (server / "exchange-ssh").stat().st_mode & 0o777 == 0o600
    assert (server / "exchange.pem").stat().st_mode & 0o777 == 0o600

    dop = PaperDepartment()
    today = Slot(business_date(SystemWallClock().now()), 0)
    dop.lay_out("license-issue", ISSUED, slot=today)
    dop.lay_out("fund", DEPOSIT, slot=today)
    with sftp_folder(tmp_path / "drop", public) as served:
        settings = server / "exchange.toml"
        text = settings.read_text().replace("2222", str(served.port))
        settings.write_text(text.replace(other.decode().strip(), served.host_key))
        for name, octets in dop.laid_out.items():
            (served.folder / "to-oem" / name).write_bytes(octets)
        done = run("once", *at, "--json")
        assert done.return_value == 0, done.output
        lies = {
            path.name.rsplit("-", 3)[0]: path
            for path in (served.folder / "from-oem").iterdir()
        }
    assert sorted(lies) == [
        "acknowledgement",
        "credit-download",
        "discrepancy",
        "remaining-fund",
        "usage",
    ]
    remaining = read_file(
        LAYOUTS["remaining-fund"], lies["remaining-fund"].read_bytes()
    )
    assert [line.values["remaining_paise"] for line in remaining.lines] == [500_000]
    report = json.loads(done.stdout)
    assert [one["state"] for one in report["judged"]] == ["TAKEN", "TAKEN"]
    shown = json.loads(run("show", *at, "--json").stdout)
    assert shown["numbers"]["IN fund"] == 2
    assert len(shown["unanswered"]) == 4
    told = run("show", *at)
    assert "went  usage-US-N-000001.txt OFFERED, 0 lines" in told.stdout


def test_a_department_that_cannot_be_reached_ends_with_three(server: Path) -> None:
    host_key = _key()[1].decode().strip()
    settings = ExchangeSettings("N", "oem-N-1", "127.0.0.1", 1, USER, host_key)
    create_exchange(server, settings, SystemEntropy())
    done = run("once", "--server", str(server))
    assert done.return_value == 3
    assert "port 1" in done.stderr


def test_a_number_is_given_up_by_a_person(server: Path) -> None:
    at = ("--server", str(server), "--reason", "no. 1 to 6 are lost", "--by", "asha")
    done = run("go-on", "in", "fund", "7", *at)
    assert done.stdout == "the next fund has number 7; it was 1\n"
    wrong = run("go-on", "out", "fund", "7", *at)
    assert "LAYOUT is one of acknowledgement, credit-download" in str(wrong.exception)


@pytest.mark.parametrize(
    ("bent", "words"),
    [
        ({"letter": "NN"}, "one capital letter"),
        ({"key_id": "a key"}, "1 to 32 letters"),
        ({"port": 0}, "port 0"),
        ({"host": ""}, "host and our account"),
        ({"host_key": "ssh-ed25519 AAAA"}, "ssh-keyscan"),
    ],
)
def test_settings_that_cannot_be_are_refused(
    server: Path, bent: dict[str, Any], words: str
) -> None:
    good = ExchangeSettings(
        "N", "oem-N-1", "dcr.example", 22, USER, _key()[1].decode().strip()
    )
    with pytest.raises(ServerFolderError, match=words):
        create_exchange(server, replace(good, **bent), SystemEntropy())
    create_exchange(server, good, SystemEntropy())
    assert read_exchange(server).settings == good
    with pytest.raises(ServerFolderError, match="is there already"):
        create_exchange(server, good, SystemEntropy())


def test_our_key_in_the_tests_is_no_key_of_a_server(server: Path) -> None:
    host_key = _key()[1].decode().strip()
    settings = ExchangeSettings("N", "oem-N-1", "dcr.example", 22, USER, host_key)
    create_exchange(server, settings, SystemEntropy())
    assert read_exchange(server).ours.key.scalar != OEM_KEY.scalar
