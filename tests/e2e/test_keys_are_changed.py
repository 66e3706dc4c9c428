"""Every key of the exchange is changed as the documents say, between real programs.

Source: docs/running.md, docs/exchange.md ("Changing keys").
"""

import json
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.free_ports import free_port
from tests.processes import Program, Said, done, rmfs
from tests.witness.programs import needs

REASON = ("--reason", "the yearly change")
MOVED = (
    *("exchange.toml", "exchange.pem", "exchange-public.pem"),
    *("exchange-ssh", "exchange-ssh.pub"),
)


class Bench:
    """A gateway and a maker's server that exchange files by hand."""

    def __init__(self, folder: Path) -> None:
        self.gateway, self.server = folder / "gateway", folder / "server"
        self.old = folder / "old"
        self.old.mkdir()
        done("dop", "init", "--gateway", self.gateway)
        done("server", "init", "--server", self.server, "--name", "TEST-OEM")
        self.dop("party", "add", "N", "--name", "Northern", *REASON)
        # The same each time it is started: the maker is told it once.
        self.port = free_port()

    def dop(self, *words: object) -> str:
        return done("dop", "exchange", *words, "--gateway", self.gateway)

    def started(self) -> Program:
        program = Program(
            *("dop", "run", "--gateway", self.gateway),
            *("--port", 0, "--sftp-port", self.port),
        )
        program.said("listening at sftp://")
        program.said("listening at http://")
        return program

    def makes_keys(self, key_id: str) -> None:
        """Let the maker make keys, and the Department believe them."""
        told = json.loads(self.dop("keys", "--json"))
        done(
            *("server", "exchange", "init-keys", "--server", self.server),
            *("--letter", "N", "--host", "127.0.0.1", "--port", self.port),
            *("--user", "maker-n", "--key-id", key_id),
            *("--host-key", told["sftp_host_key"]),
        )
        signing = self.server / "exchange-public.pem"
        self.dop("party", "key", "N", key_id, signing, *REASON)
        account = self.server / "exchange-ssh.pub"
        self.dop("party", "account", "N", "maker-n", account, *REASON)

    def believes(self, key_id: str) -> None:
        """Let the maker believe the key by which the Department signs now."""
        text = self.dop("keys")
        assert f"signs as {key_id}\n" in text
        found = re.search(r"-----BEGIN.*?END PUBLIC KEY-----\n", text, re.DOTALL)
        assert found is not None
        (self.server / f"{key_id}.pem").write_text(found[0])

    def session(self) -> Said:
        words = ("server", "exchange", "once", "--by-hand", "--server", self.server)
        return rmfs(*words)

    def is_well(self) -> None:
        """See that our files are taken there, and their answers here."""
        said = self.session()
        assert (said.code, "REFUSED" in said.out) == (0, False), said
        assert said.out.count("  came  acknowledgement-") >= 4


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_keys_of_maker_and_department_are_changed_and_no_file_is_lost(
    bench: Bench,
) -> None:
    with bench.started() as running:
        bench.makes_keys("oem-N-1")
        bench.believes("dop-1")
        bench.is_well()
        # The maker's keys: between two sessions.
        for name in MOVED:
            (bench.server / name).rename(bench.old / name)
        bench.makes_keys("oem-N-2")
        bench.is_well()
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
    # The Department's key: made by whatever makes keys, told before it is used.
    key = bench.gateway / "exchange.key"
    key.rename(bench.old / "exchange.key")
    make = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    subprocess.run(
        [needs("openssl"), *make, "-out", str(key)], check=True, capture_output=True
    )
    settings = bench.gateway / "gateway.toml"
    text = settings.read_text()
    assert 'exchange_key_id = "dop-1"' in text
    settings.write_text(text.replace('"dop-1"', '"dop-2"'))
    with bench.started() as running:
        said = bench.session()
        assert said.code == 1
        assert "EXC-01-003" in said.out
        bench.believes("dop-2")
        # One session answers what was refused, the next judges it once more.
        bench.session()
        bench.session()
        bench.is_well()
        running.signal(signal.SIGTERM)
        assert running.ended() == 0
    # The host key of the drop.
    (bench.gateway / "sftp_host.key").rename(bench.old / "sftp_host.key")
    done("dop", "migrate", "--gateway", bench.gateway)
    with bench.started():
        said = bench.session()
        assert (said.code, "Host key is not trusted" in said.err) == (3, True)
        told = json.loads(bench.dop("keys", "--json"))["sftp_host_key"]
        place = bench.server / "exchange.toml"
        text = re.sub(r"(?m)^host_key = .*$", f'host_key = "{told}"', place.read_text())
        place.write_text(text)
        bench.is_well()
