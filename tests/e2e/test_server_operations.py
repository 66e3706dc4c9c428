"""A server that runs, as its operators see it: metrics, health, status, drain, log."""

import base64
import json
import socket
import sqlite3
import time
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from prometheus_client.parser import text_string_to_metric_families

from rmfs_tools.parties import MACHINE, SERVER, create_parties
from tests.processes import TIMEOUT_S, Program, Said, Server, rmfs

OPERATE = ("--operate", "127.0.0.1:0")
OPERATED = "operated at http://"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # Longer than the name of a socket may be.
    place = tmp_path / ("a folder with a name that says much " * 2).strip()
    place.mkdir()
    create_parties(place)
    return place


def operated(server: Program) -> str:
    """Where a server answers its operators."""
    return server.said(OPERATED).removeprefix(OPERATED)


def asked(server: Program, path: str, method: str = "GET", body: str = "") -> Any:
    """Give code and text of an answer."""
    connection = HTTPConnection(operated(server), timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body or None)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def figures(server: Program) -> dict[str, float]:
    """Read the metrics, summed over workers and other labels."""
    code, text = asked(server, "/metrics")
    assert code == 200
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[one.name] = found.get(one.name, 0) + one.value
    return found


def all_figures(server: Program, processes: int) -> dict[str, float]:
    """Read the metrics once all have answered: who is asked waits 2 s for others."""
    until = time.monotonic() + TIMEOUT_S
    while True:
        found = figures(server)
        if (found["rmfs_up"], found["rmfs_books_up"]) == (processes, 1):
            return found
        assert time.monotonic() < until, found


def told_of_all(folder: Path) -> Said:
    """Ask for the status until all have answered within the 2 s that they are given."""
    for _ in range(5):
        said = rmfs("server", "status", "--server", folder, "--json")
        if said.code == 0:
            break
    return said


def recharge(folder: Path, server: Server) -> None:
    """Recharge the machine; the server has seen the end of its line."""
    said = rmfs("machine", "dial", folder / MACHINE, server.line, "--recharge", "2000")
    assert said.code == 0, said


@pytest.mark.parametrize("workers", [1, 2])
def test_a_recharge_is_in_the_metrics_of_all_processes(
    folder: Path, workers: int
) -> None:
    options = (*OPERATE, "--workers", workers)
    with Server(folder / SERVER, *options) as server:
        assert asked(server, "/healthz") == (200, '{"healthy": true}\n')
        assert asked(server, "/readyz") == (200, '{"ready": true, "why": null}\n')
        before = all_figures(server, workers)
        assert before["rmfs_confirmations_total"] == 0
        recharge(folder, server)
        server.said("is complete: voucher confirmed")
        after = all_figures(server, workers)
        assert after["rmfs_line_calls_total"] == 1
        assert after["rmfs_confirmations_total"] == 1
        assert after["rmfs_dialogue_seconds_count"] == 1
        assert after["rmfs_commits_total"] >= 3
        assert after["rmfs_commit_seconds_count"] == after["rmfs_commits_total"]
        assert after["rmfs_books_questions_count"] >= 3
        assert after["rmfs_recharges_open"] == 0


def test_what_changes_the_server_is_for_the_owner_of_its_folder_alone(
    folder: Path,
) -> None:
    with Server(folder / SERVER, *OPERATE) as server:
        for path in ("/picture", "/drain", "/"):
            assert asked(server, path)[0] == 404
        assert asked(server, "/drain", "POST")[0] == 404
        assert asked(server, "/metrics", "POST")[0] == 405
        assert server.is_running
        [place] = (folder / SERVER / "running").iterdir()
        assert place.parent.stat().st_mode & 0o777 == 0o700
        assert place.stat().st_mode & 0o777 == 0o600


def test_a_request_with_a_body_is_cut_off(folder: Path) -> None:
    with Server(folder / SERVER, *OPERATE) as server:
        host, _, port = operated(server).rpartition(":")
        with socket.create_connection((host, int(port)), 30) as calling:
            head = (
                b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n\r\n"
            )
            calling.sendall(head)
            with suppress(ConnectionResetError):
                assert calling.recv(1) == b""
        assert asked(server, "/healthz")[0] == 200


@pytest.mark.parametrize("workers", [1, 2])
def test_status_and_drain_ask_the_server_in_the_folder(
    folder: Path, workers: int
) -> None:
    place = ("--server", folder / SERVER)
    with Server(folder / SERVER, "--workers", workers) as server:
        recharge(folder, server)
        server.said("is complete: voucher confirmed")
        said = told_of_all(folder / SERVER)
        assert said.code == 0, said
        told = json.loads(said.out)
        assert told["running"] is True
        assert len(told["processes"]) == workers
        assert sum(one["figures"]["confirmed"] for one in told["processes"]) == 1
        assert told["books"]["machines"] == 1
        assert (told["books"]["recharges_open"], told["books"]["frozen"]) == (0, 0)
        assert (
            "1 machines of 1 licences, 0 frozen" in rmfs("server", "status", *place).out
        )
        drained = rmfs("server", "drain", *place)
        assert (drained.code, drained.out) == (0, "it has ended\n")
        assert server.ended() == 0
    said = rmfs("server", "status", *place)
    assert said.code == 3
    assert said.out.startswith("not running on this computer\n")
    assert rmfs("server", "drain", *place).code == 3


def test_a_process_that_was_killed_is_forgotten(folder: Path) -> None:
    place = ("--server", folder / SERVER)
    with Server(folder / SERVER) as server:
        server.kill()
    kept = rmfs("server", "backup", folder / "kept.tar", *place)
    assert (kept.code, "no part of a server" in kept.out) == (0, False)
    assert len(list((folder / SERVER / "running").iterdir())) == 1
    assert rmfs("server", "status", *place).code == 3
    assert list((folder / SERVER / "running").iterdir()) == []


def test_a_folder_without_room_for_a_socket_keeps_nobody_from_answering(
    folder: Path,
) -> None:
    (folder / SERVER / "running").write_text("no folder")
    with Server(folder / SERVER, *OPERATE) as server:
        server.said("status and drain will not find this process")
        recharge(folder, server)
        assert figures(server)["rmfs_up"] == 1


def secrets_of(folder: Path) -> set[str]:
    """All private keys below a folder, in the ways that a program might show them."""
    found = set()
    for path in folder.rglob("*.pem"):
        text = path.read_bytes()
        if b"PRIVATE" not in text:
            continue
        key: Any = load_pem_private_key(text, None)
        scalar = key.private_numbers().private_value
        octets = scalar.to_bytes(32, "big")
        found |= {
            octets.hex(),
            str(scalar),
            base64.b64encode(octets).decode(),
            repr(octets)[2:-1],
            text.decode().splitlines()[1],
        }
    return found


def test_every_line_of_a_call_has_its_id_and_none_has_a_secret(folder: Path) -> None:
    options = ("--log-format", "json", "--log-level", "debug", "--capture")
    with Server(folder / SERVER, *options, folder / "seen") as server:
        recharge(folder, server)
        server.said("the line is lost")
        assert rmfs("server", "drain", "--server", folder / SERVER).code == 0
        assert server.ended() == 0
    lines = [line for line in server.err.splitlines() if line.startswith("{")]
    told = [json.loads(line) for line in lines]
    of_calls = [one for one in told if "call" in one]
    assert len(of_calls) >= 6
    assert len({one["call"] for one in of_calls}) == 1
    assert all("tcp:127.0.0.1:" in one["caller"] for one in of_calls)
    [capture] = (folder / "seen").iterdir()
    assert f"-{of_calls[0]['call']}-tcp-127.0.0.1-" in capture.name
    secrets = secrets_of(folder / SERVER)
    assert len(secrets) >= 10
    said = server.out + server.err
    assert [secret for secret in secrets if secret in said] == []


def test_a_server_whose_books_are_gone_is_not_ready(folder: Path) -> None:
    with Server(folder / SERVER, *OPERATE) as server:
        assert asked(server, "/readyz")[0] == 200
        with closing(sqlite3.connect(folder / SERVER / "books.sqlite")) as books:
            books.execute("ALTER TABLE recharge RENAME TO lost")
        code, text = asked(server, "/readyz")
        assert code == 503
        assert json.loads(text)["why"].startswith("the books failed: ")
        assert asked(server, "/healthz")[0] == 200
        assert figures(server)["rmfs_books_up"] == 0
        said = rmfs("server", "status", "--server", folder / SERVER)
        assert said.code == 1
        assert "process " in said.out
        assert "\nbooks      DO NOT ANSWER: " in said.out
