"""Real processes on lines of every kind that needs no hardware; `rmfs line`."""

import json
import os
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hw.ports.pty import PseudoTerminal
from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, EXIT_LINE, EXIT_USAGE
from tests.processes import ROOT, TIMEOUT_S, UNSIGNED, Program, Server, done, rmfs

LICENCE = "N123456"
FUND_FILE = ROOT / "rmfs_tools" / "samples" / "funds-demo.txt"
SABM = bytes.fromhex("7e013febdf7e")


@dataclass(frozen=True)
class Place:
    """A machine that is enrolled and funded, its server, and a place for a line."""

    folder: Path

    @property
    def machine(self) -> Path:
        return self.folder / "office-1"

    @property
    def server(self) -> Path:
        return self.folder / "rmfs-server"

    @property
    def pty(self) -> str:
        return f"pty:{self.folder}/line"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = Place(tmp_path_factory.mktemp("lines"))
    at_server = ("--server", place.server)
    done("server", "init", *at_server)
    done(
        *("machine", "new", place.machine, "--licence", LICENCE),
        *("--maker", place.server / "maker.pem"),
        *("--server", place.server / "server.json"),
    )
    done(
        *("server", "enrol", place.machine / "provisioning.json", *at_server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    done("server", "import-funds", FUND_FILE, *UNSIGNED, *at_server)
    return place


@pytest.fixture
def place(prepared: Place, tmp_path: Path) -> Place:
    shutil.copytree(prepared.folder, tmp_path, dirs_exist_ok=True)
    return Place(tmp_path)


def check_recharged(place: Place) -> None:
    """The oracle at rest: credited once, at both ends, and the books add up."""
    assert done("server", "verify", "--server", place.server) == "the books add up\n"
    shown = json.loads(
        done("server", "show", LICENCE, "--json", "--server", place.server)
    )
    assert shown["discrepancies"] == []
    assert shown["funds"]["available_paise"] == 300_000
    assert shown["funds"]["reserved_paise"] == 0
    registers = json.loads(done("machine", "show", place.machine, "--json"))[
        "registers"
    ]
    assert registers["control_total_paise"] == 200_000
    assert registers["descending_paise"] == 200_000


def recharge(place: Place, line: str) -> None:
    """Dial, again where the noise was too much, until Rs 2,000 are there."""
    dialled = ("machine", "dial", place.machine, line)
    said = done(*dialled, "--recharge", "2000", "--attempts", "3")
    assert said.startswith("RECHARGED\n")


@pytest.mark.parametrize(
    "before",
    ["", "virtual:speed=115200:", "virtual:speed=1200:ber=1e-3:seed=4:"],
    ids=["no pacing", "115,200 clean", "1,200 at BER 1e-3"],
)
def test_a_recharge_completes_over_a_pty(place: Place, before: str) -> None:
    with Server(place.server, line=place.pty) as server:
        assert server.line == place.pty
        recharge(place, f"{before}{server.line}")
        server.signal(signal.SIGTERM)
        assert server.ended() == EXIT_DONE
    assert not os.path.lexists(place.folder / "line")
    check_recharged(place)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param("virtual:speed=1200:ber=1e-3:seed=3:", marks=pytest.mark.long),
        "virtual:speed=115200:",
    ],
    ids=["1,200 at BER 1e-3", "115,200 clean"],
)
def test_a_recharge_completes_over_tcp(place: Place, before: str) -> None:
    with Server(place.server) as server:
        recharge(place, f"{before}{server.line}")
    check_recharged(place)


def test_a_server_answers_at_every_line_that_it_was_given(place: Place) -> None:
    with Server(place.server, "--line", place.pty) as server:
        assert server.said(f"listening at {place.pty}")
        recharge(place, server.line)
        done("machine", "dial", place.machine, place.pty)
    check_recharged(place)


def test_one_machine_after_the_other_calls_over_the_same_pty(place: Place) -> None:
    with Server(place.server, line=place.pty) as server:
        for _ in range(2):
            done("machine", "dial", place.machine, server.line)
        with Program("machine", "dial", place.machine, server.line) as machine:
            machine.said("link is up")
            machine.kill()
        done("machine", "dial", place.machine, server.line)


def test_a_server_that_was_killed_leaves_a_link_that_the_next_replaces(
    place: Place,
) -> None:
    with Server(place.server, line=place.pty) as server:
        server.kill()
    assert (place.folder / "line").is_symlink()
    with Server(place.server, line=place.pty) as server:
        done("machine", "dial", place.machine, server.line)


def test_a_server_says_why_it_cannot_listen_at_a_pty(place: Place) -> None:
    (place.folder / "line").write_text("precious")
    said = rmfs("server", "run", "--server", place.server, "--line", place.pty)
    assert said.code == EXIT_FAILED
    assert f"cannot listen at {place.pty}: {place.folder}/line is a file" in said.err
    assert (place.folder / "line").read_text() == "precious"


def tried(line: str, *options: object) -> tuple[int, dict[str, Any]]:
    """Try a line by command: the exit code, and what was found."""
    said = rmfs("line", "test", line, "--json", *options)
    return said.code, json.loads(said.out)


def test_a_line_to_a_server_is_told_to_answer(place: Place) -> None:
    with Server(place.server, line=place.pty) as server:
        code, found = tried(server.line)
        assert code == EXIT_DONE
        assert found["finding"] == "fmp"
        assert found["octets"] == 12
        assert found["frames"] == 2
        assert found["round_trip_ms"] > 0
        words = done("line", "test", f"virtual:speed=2400:{server.line}")
        assert words.startswith("FMP answers: a link was set up\n")
        assert "answer after" in words
        server.said("call of an unknown machine (pty:")


def test_a_line_on_which_nobody_speaks_is_told_to_be_silent(tmp_path: Path) -> None:
    made = PseudoTerminal()
    code, found = tried(f"serial:{made.device}", "--timeout", "0.5")
    made.close()
    assert code == EXIT_FAILED
    assert found["finding"] == "silence"
    assert found["round_trip_ms"] is None


def test_a_trial_that_is_interrupted_blames_neither_line_nor_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        line = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        with Program("line", "test", line) as probe:
            with listener.accept()[0] as peer:
                assert peer.recv(len(SABM)) == SABM
                probe.signal(signal.SIGINT)
                assert probe.ended() == EXIT_LINE
            assert "interrupted before anything was found" in probe.err
            assert probe.out == ""


@pytest.mark.parametrize(
    ("sent", "finding"), [(b"login: ", "octets"), (None, "frames")]
)
def test_a_line_on_which_somebody_else_speaks_is_told_apart(
    sent: bytes | None, finding: str
) -> None:
    """Somebody sends a prompt, or whatever was sent to it, as a loop does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT_S)
        line = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        with Program("line", "test", line, "--timeout", TIMEOUT_S, "--json") as probe:
            with listener.accept()[0] as peer:
                heard = peer.recv(len(SABM))
                assert heard == SABM
                peer.sendall(heard if sent is None else sent)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(64):
                    pass
            assert probe.ended() == EXIT_FAILED
    assert json.loads(probe.out)["finding"] == finding


def test_a_line_that_is_not_there_is_told_with_the_reason(tmp_path: Path) -> None:
    code, found = tried(f"serial:{tmp_path}/ttyUSB0")
    assert code == EXIT_LINE
    assert found["finding"] == "no_line"
    assert "No such file or directory" in found["detail"]
    said = rmfs("line", "test", "serial:ttyUSB0")
    assert said.code == EXIT_USAGE
    assert "a port is named by its whole path: /dev/ttyUSB0" in said.err


def test_ports_and_usb_devices_are_listed_with_their_line_strings() -> None:
    listed = json.loads(done("line", "list", "--json"))
    for port in listed["serial"]:
        assert port["line"].startswith("serial:/dev/")
        assert port["words"]
    assert listed["usb_trouble"] or listed["usb"] is not None
    assert done("line", "list")
