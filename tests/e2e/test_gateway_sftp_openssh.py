"""OpenSSH's own sftp against a gateway that runs as a program: it bears witness."""

import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from protocol.exchange import shipped_layouts
from protocol.keys import SigningKey, write_public_key
from tests.gateway_exchange import Maker
from tests.processes import Program, done
from tests.witness.programs import needs

WITHIN_S = 300
REASON = ("--reason", "a test")


class Site:
    """A gateway's folder with a maker, and the files of that maker's OpenSSH."""

    def __init__(self, folder: Path) -> None:
        self.sftp, keygen = needs("sftp"), needs("ssh-keygen")
        self.gateway = folder / "gateway"
        self.folder = folder
        self.key = folder / "id"
        done("dop", "init", "--gateway", self.gateway)
        subprocess.run(
            [keygen, "-q", "-t", "ed25519", "-N", "", "-f", self.key], check=True
        )
        self.maker = Maker("N", SigningKey((11).to_bytes(32, "big")))
        pem = folder / "oem.pem"
        pem.write_text(write_public_key(self.maker.key.public.point))
        self.exchange("party", "add", "N", "--name", "Northern", *REASON)
        self.exchange("party", "key", "N", self.maker.key_id, pem, *REASON)
        public = f"{self.key}.pub"
        self.exchange("party", "account", "N", "maker-n", public, *REASON)

    def exchange(self, *arguments: object) -> str:
        """Run a command of the exchange."""
        return done("dop", "exchange", *arguments, "--gateway", self.gateway)

    def trust(self, port: int) -> None:
        """Pin the key of the drop, as the gateway prints it."""
        host_key = json.loads(self.exchange("keys", "--json"))["sftp_host_key"]
        known = f"[127.0.0.1]:{port} {host_key}\n"
        (self.folder / "known").write_text(known)

    def batch(self, port: int, *lines: str) -> subprocess.CompletedProcess[str]:
        """Let OpenSSH do something; it ends at the first that is refused."""
        options = {
            "UserKnownHostsFile": self.folder / "known",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
        }
        return subprocess.run(
            [
                self.sftp,
                *(f"-o{name}={value}" for name, value in options.items()),
                *("-F", "/dev/null", "-i", str(self.key), "-P", str(port), "-b", "-"),
                "maker-n@127.0.0.1",
            ],
            input="".join(f"{line}\n" for line in lines),
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=WITHIN_S,
            check=False,
        )

    def states(self) -> dict[str, str]:
        """Give the states of files by their names."""
        return {
            one["name"]: one["state"]
            for one in json.loads(self.exchange("show", "--json"))
        }


def serving(site: Site) -> Program:
    return Program(
        *("dop", "run", "--gateway", site.gateway, "--port", "0", "--sftp-port", "0")
    )


def port_of(gateway: Program) -> int:
    return int(gateway.said("listening at sftp://").rsplit(":", 1)[1])


def test_openssh_exchanges_files_with_a_gateway_that_was_killed_in_between(
    tmp_path: Path,
) -> None:
    site = Site(tmp_path)
    name, octets = site.maker.file("remaining-fund", day=date(2026, 11, 16))
    (tmp_path / name).write_bytes(octets)
    with serving(site) as gateway:
        port = port_of(gateway)
        site.trust(port)
        sent = site.batch(
            port,
            "ls -l /",
            f"put {name} /from-oem/{name}.part",
            f"rename /from-oem/{name}.part /from-oem/{name}",
            "ls /to-oem",
        )
        assert sent.returncode == 0, sent.stderr
        assert "acknowledgement-ACK-N-000001.txt" in sent.stdout
        gateway.kill()
    with serving(site) as gateway:
        port = port_of(gateway)
        site.trust(port)
        got = site.batch(port, "get /to-oem/acknowledgement-ACK-N-000001.txt answer")
        assert got.returncode == 0, got.stderr
        gateway.signal(signal.SIGTERM)
        assert gateway.ended() == 0, gateway.err
    layout = shipped_layouts()["acknowledgement"]
    read = site.maker.read(layout.file_name.format(file_id="X"), _read(tmp_path))
    assert [line.values["verdict"] for line in read.lines] == ["TAKEN"]
    # In a window others are made.
    assert site.states().items() >= {
        (name, "APPLIED"),
        ("acknowledgement-ACK-N-000001.txt", "TAKEN"),
    }


def _read(folder: Path) -> bytes:
    return (folder / "answer").read_bytes()


@pytest.mark.parametrize(
    "line",
    [
        "get /etc/passwd",
        "get ../../../../etc/passwd",
        "put id.pub /from-oem/../../tmp/x",
        "put id.pub /from-oem/id.pub",
        "put id.pub /to-oem/x.part",
        "symlink /etc/passwd /from-oem/usage-US-N-1.txt.part",
        "ln /to-oem/x /from-oem/usage-US-N-1.txt.part",
        "mkdir /from-oem/x",
        "rmdir /to-oem",
        "chmod 777 /from-oem",
        "chown 0 /from-oem",
        "df /",
        "rename /from-oem /x",
        "cd /etc",
    ],
)
def test_openssh_is_refused_what_the_drop_has_not(
    site_served: tuple[Site, int], line: str
) -> None:
    site, port = site_served
    assert site.batch(port, line).returncode == 1
    assert not (site.folder / "passwd").exists()


@pytest.fixture(scope="module")
def site_served(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Site, int]]:
    """Give a site whose gateway runs, and the port of its drop."""
    site = Site(tmp_path_factory.mktemp("drop"))
    with serving(site) as gateway:
        port = port_of(gateway)
        site.trust(port)
        yield site, port
