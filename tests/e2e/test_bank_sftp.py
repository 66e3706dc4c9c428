"""The nightly run against banks in processes of their own: ours, and OpenSSH's sshd.

Source: RMFS-14.
"""

import asyncio
import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time
from pathlib import Path

import asyncssh
import pytest

from dop_gateway.bank import fetching, nightly, service
from dop_gateway.bank.fetching import BankUnreachableError, Standing, fetch
from dop_gateway.bank.model import Address, Bank, FileState
from dop_gateway.bank.nightly import Fetched
from dop_gateway.identity.model import GATEWAY, By
from dop_gateway.jobs.model import Ending
from dop_gateway.simulators.bank_folder import BankFolder, BankSettings, create_bank
from hw.clock import epoch_seconds
from hw.entropy import SeededEntropy
from protocol.keys import public_point
from protocol.parameters import INDIA
from protocol.values import EpochSeconds
from tests.bank_desk import BHARAT, MONDAY, SBI, TUESDAY
from tests.free_ports import free_port
from tests.gateway_desk import Gateway, new_gateway
from tests.processes import TIMEOUT_S, Program
from tests.witness.programs import needs

OUR_KEY = asyncssh.generate_private_key("ssh-ed25519")
MOST = 1_000_000
_PRIVILEGES_FOLDER = Path("/run/sshd")


@dataclass
class Server:
    """A bank's folder behind an SFTP server."""

    folder: BankFolder
    address: Address

    def bank(self) -> Bank:
        seal = self.folder.seal()
        key = public_point(seal.key.scalar)
        return replace(SBI, address=self.address, key_id=seal.key_id, key=key)

    def fetch(self) -> list[str]:
        found = fetch(self.address, private(OUR_KEY), lambda _one: MOST)
        return [one.name for one in found]


def private(key: asyncssh.SSHKey) -> str:
    return key.export_private_key("openssh").decode()


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key("openssh").decode().strip()


def made(folder: Path) -> BankFolder:
    settings = BankSettings(opening_paise=100_000)
    bank = create_bank(folder, settings, SeededEntropy(b"a bank"))
    (folder / "gateway.pub").write_text(public(OUR_KEY))
    return bank


@contextmanager
def simulated(folder: Path) -> Iterator[Server]:
    """Run `rmfs bank simulate`."""
    bank, port = made(folder), free_port()
    with Program("bank", "simulate", "--folder", folder, "--port", port) as program:
        host, _, said = program.said("listening at").rpartition(" ")[2].rpartition(":")
        assert int(said) == port
        host_key = (folder / "ssh_host.pub").read_text().strip()
        yield Server(bank, Address(host, port, "dop", host_key, "/"))


@contextmanager
def openssh(folder: Path) -> Iterator[Server]:
    """Run a real sshd for whoever runs this, on loopback."""
    sshd, bank = needs("sshd"), made(folder)
    if os.geteuid() == 0:
        # Else sshd, which Debian's own start makes it for, does not start as root.
        _PRIVILEGES_FOLDER.mkdir(mode=0o755, exist_ok=True)
    (folder / "sshd_config").write_text(
        "\n".join(
            (
                "ListenAddress 127.0.0.1",
                f"HostKey {folder / 'ssh_host.key'}",
                f"AuthorizedKeysFile {folder / 'gateway.pub'}",
                "PasswordAuthentication no",
                "UsePAM no",
                "StrictModes no",
                "PidFile none",
                "Subsystem sftp internal-sftp",
                "",
            )
        )
    )
    port = free_port()
    process = subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(folder / "sshd_config"), "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        said = ""
        while f"port {port}" not in said:
            said = process.stderr.readline()
            assert said, "sshd has ended"
        host_key = (folder / "ssh_host.pub").read_text().strip()
        user, out = getpass.getuser(), str(bank.out)
        yield Server(bank, Address("127.0.0.1", port, user, host_key, out))
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)
        if process.stderr is not None:
            process.stderr.close()


@pytest.fixture(params=["simulated", "openssh"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    run = {"simulated": simulated, "openssh": openssh}[request.param]
    with run(tmp_path / "bank") as server:
        yield server


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    gateway = new_gateway(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    gateway.parts = replace(gateway.parts, bank_ssh_key=private(OUR_KEY))
    return gateway


def ten_o_clock(gateway: Gateway, server: Server, day: object = MONDAY) -> Fetched:
    moment = datetime.combine(MONDAY if day is MONDAY else TUESDAY, time(22), INDIA)
    gateway.clock.set(moment)
    now = epoch_seconds(moment)
    by = By(GATEWAY, now, "a-test", "a test")
    bank = server.bank()
    with gateway.store.writing("test") as connection:
        service.put(connection, bank, by)
    return nightly.fetch(gateway.parts, bank, moment.date(), by)


def test_a_night_fetches_what_the_bank_made_and_the_next_one_nothing_again(
    gateway: Gateway, server: Server
) -> None:
    """RMFS-13, RMFS-14: picked up by SFTP, at 22:00; nothing there is changed."""
    server.folder.make(MONDAY, [BHARAT], [])
    before = {one.name: one.read_bytes() for one in server.folder.out.iterdir()}
    found = ten_o_clock(gateway, server)
    assert (found.failure, found.missing) == ("", ())
    assert [one.state for one in found.files] == [FileState.TAKEN] * 2
    assert ten_o_clock(gateway, server).files == ()
    assert {one.name: one.read_bytes() for one in server.folder.out.iterdir()} == before
    server.folder.make(TUESDAY, [], [])
    assert len(ten_o_clock(gateway, server, TUESDAY).files) == len(before)


def test_the_same_octets_with_another_time_are_nothing_new(
    gateway: Gateway, server: Server
) -> None:
    server.folder.make(MONDAY, [BHARAT], [])
    ten_o_clock(gateway, server)
    for one in server.folder.out.iterdir():
        os.utime(one, (1, 1))
    again = ten_o_clock(gateway, server)
    assert (again.files, again.words) == ((), "SBI: nothing new")


def test_what_is_half_written_is_left_alone(gateway: Gateway, server: Server) -> None:
    (name, *_) = [one.name for one in server.folder.make(MONDAY, [BHARAT], []).files]
    whole = server.folder.out / name
    whole.rename(server.folder.out / f"{name}.part")
    found = ten_o_clock(gateway, server)
    assert [one.name.partition("-")[0] for one in found.files] == ["account"]
    assert found.missing == ("funds-received",)


def test_folders_and_links_are_not_followed(server: Server) -> None:
    server.folder.make(MONDAY, [], [])
    (server.folder.out / "funds-received-X.txt").mkdir()
    (server.folder.out / "funds-received-Y.txt").symlink_to("/etc/passwd")
    assert len(server.fetch()) == len(["funds", "account"])


def test_a_server_with_another_host_key_is_not_talked_to(server: Server) -> None:
    other = public(asyncssh.generate_private_key("ssh-ed25519"))
    server.address = replace(server.address, host_key=other)
    with pytest.raises(BankUnreachableError, match="another host key"):
        server.fetch()


def test_who_is_not_registered_there_is_told_so(server: Server) -> None:
    nobody = private(asyncssh.generate_private_key("ssh-ed25519"))
    with pytest.raises(BankUnreachableError, match="register it there"):
        fetch(server.address, nobody, lambda _one: MOST)


def test_a_folder_that_is_not_there_is_told(server: Server) -> None:
    server.address = replace(server.address, folder="/nowhere-at-all")
    with pytest.raises(BankUnreachableError, match="no folder"):
        server.fetch()


def test_a_file_is_read_as_far_as_it_may_be_long(server: Server) -> None:
    (server.folder.out / "funds-received-LONG.txt").write_bytes(bytes(10_000))
    seen: list[Standing] = []

    def wanted(one: Standing) -> int:
        seen.append(one)
        return 100

    (found,) = fetch(server.address, private(OUR_KEY), wanted)
    assert len(found.octets) == len(bytes(100)) + 1
    assert seen[0].octet_count == len(bytes(10_000))


def test_a_bank_that_is_down_fails_the_run_and_its_files_are_missed(
    gateway: Gateway, tmp_path: Path
) -> None:
    with simulated(tmp_path / "bank") as server:
        pass
    found = ten_o_clock(gateway, server)
    assert "is it up?" in found.failure
    assert found.missing == ("funds-received", "account-statement")
    outcome = nightly.run(gateway.parts, EpochSeconds(gateway.clock.now()))
    assert outcome.ending is Ending.FAILED
    assert "SBI" in outcome.words


def test_nothing_is_done_where_no_bank_is_in_use(gateway: Gateway) -> None:
    outcome = nightly.run(gateway.parts, EpochSeconds(gateway.clock.now()))
    assert outcome.ending is Ending.NOTHING_TO_DO


def test_the_simulated_bank_lets_nobody_write(tmp_path: Path) -> None:
    async def write(server: Server) -> None:
        at = server.address
        async with (
            asyncssh.connect(
                at.host,
                at.port,
                config=None,
                agent_path=None,
                username=at.user,
                client_keys=[OUR_KEY],
                known_hosts=([asyncssh.import_public_key(at.host_key)], [], []),
            ) as line,
            line.start_sftp_client() as sftp,
        ):
            for act in (
                sftp.mkdir("/x"),
                sftp.symlink("/etc", "/x"),
                sftp.rename("/a", "/b"),
                sftp.remove("/a"),
                sftp.open("/a", "wb"),
            ):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await act
            assert await sftp.listdir("/..") == await sftp.listdir("/")

    with simulated(tmp_path / "bank") as server:
        asyncio.run(write(server))
    assert fetching.STEP_S_MAX < fetching.RUN_S_MAX
