"""`rmfs watch`, as people and programs use it: a file, a growing file, a tap."""

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hw.capture import LineEvent, NoFrame, create_capture
from hw.clock import SystemWallClock
from protocol.messages import TABLES, Kind
from rmfs_tools.cli import EXIT_DONE, EXIT_FAILED, EXIT_LINE, EXIT_USAGE, main
from tests.processes import ROOT, Program, Server, done, rmfs
from tests.seen import (
    DOWN,
    UP,
    RawTap,
    Recording,
    SeenSink,
    read_capture,
    record,
    run_dial,
)
from tests.system import RUPEES_2000, new_system

RECHARGE = ["STATEMENT", "VOUCHER", "CONFIRMATION", "RECEIPT"]


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    system = new_system(tmp_path_factory.mktemp("watch") / "system")
    return record(system, RUPEES_2000, "call")


def watched(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[Any]:
    """What `rmfs watch --json` prints, one object a record."""
    assert main(["watch", *map(str, arguments), "--json"]) == EXIT_DONE
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def messages(records: list[Any]) -> list[str]:
    """The names of all messages in some records."""
    return [
        packet["message"]
        for one in records
        for packet in one.get("packets", [])
        if "message" in packet
    ]


def test_a_person_reads_a_call_with_its_messages(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("watch", str(recording.capture), "--keys", str(recording.keys))
    assert main(arguments) == EXIT_DONE
    text = capsys.readouterr().out
    for words in (
        "machine ->  SABM P",
        "<- server   UA F",
        "-- the link is up",
        "I 1/1  GREETING_3 0: STATEMENT  (198 octets)",
        "amount_paise                Rs 2,000.00",
        "kind                        1 (RECHARGE)",
        "-- the line is lost: dropped here",
    ):
        assert words in text
    assert "\x1b" not in text, "no terminal, no colour"
    assert "\x1b[36m" in _coloured(recording, capsys)


def _coloured(recording: Recording, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["watch", str(recording.capture), "--color"]) == EXIT_DONE
    return capsys.readouterr().out


def test_a_program_reads_every_record_with_its_octets(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    records = watched(capsys, recording.capture, "--keys", recording.keys)
    seen = read_capture(recording.capture)
    assert len(records) == len(seen)
    for shown, one in zip(records, seen, strict=True):
        assert shown["time"] == one.time.isoformat().replace("+00:00", "Z")
        assert shown.get("raw", "") == getattr(one, "octets", b"").hex()
    assert messages(records)[:4] == RECHARGE
    statement = next(
        packet
        for one in records
        for packet in one.get("packets", [])
        if packet.get("message") == "STATEMENT"
    )
    assert statement["fields"]["amount_paise"] == 200_000
    assert statement["fields"]["licence"] == "N123456"
    assert statement["names"]["request"] == "RECHARGE"


def test_secrets_are_masked_until_they_are_asked_for(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = (recording.capture, "--keys", recording.keys)
    plain = watched(capsys, *arguments, "--secrets")
    secrets = {
        packet["fields"][field.name]
        for one in plain
        for packet in one.get("packets", [])
        for table in TABLES
        if packet.get("message") == table.type.name
        for field in table.fields
        if field.kind is Kind.SIGNATURE or field.name == "mark"
    }
    bodies = [p["body"] for one in plain for p in one.get("packets", []) if "body" in p]
    assert len(secrets) >= 5
    assert len(bodies) == len(messages(plain))
    for options in ((), ("--json",)):
        assert main(["watch", *map(str, arguments), *options]) == EXIT_DONE
        text = capsys.readouterr().out
        assert not [secret for secret in secrets if secret in text]
        assert not [body for body in bodies if body in text]


def test_without_keys_a_record_is_sealed(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    assert messages(watched(capsys, recording.capture)) == []
    assert main(["watch", str(recording.capture)]) == EXIT_DONE
    assert "GREETING_3 0: sealed  (198 octets)" in capsys.readouterr().out


def test_what_came_from_a_line_cannot_work_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.pcapng"
    with create_capture(path, SystemWallClock(), "x") as writer:
        writer.write_event(LineEvent.CONNECT, "9600\x1b]0;owned\x07")
        writer.write_no_frame(DOWN, NoFrame.BESIDE, b"\x1b[2J\r\nCONNECT\r\n")
        writer.write_no_frame(UP, NoFrame.BAD_FCS, bytes(100))
    assert main(["watch", str(path), "--color"]) == EXIT_DONE
    text = capsys.readouterr().out
    assert "\x07" not in text
    assert "\x1b[2J" not in text
    assert r"\x1b[2J\r\nCONNECT\r\n" in text
    assert "a damaged frame: its FCS is wrong: 00 00" in text


def test_a_file_that_grows_is_followed_and_keys_may_come_later(
    recording: Recording, tmp_path: Path
) -> None:
    octets = recording.capture.read_bytes()
    growing, keys = tmp_path / "growing.pcapng", tmp_path / "call.keys"
    options = ("--keys", keys, "--json")
    with Program("watch", "-f", growing, *options) as program:
        growing.write_bytes(octets[:300])
        program.said('"event": "DIALLED"')
        keys.write_text(recording.keys.read_text("ascii"), "ascii")
        with growing.open("ab") as file:
            file.write(octets[300:-20])
        program.said('"message": "RECEIPT"')
        assert '"event": "LOST"' not in program.out
        with growing.open("ab") as file:
            file.write(octets[-20:])
        program.said('"event": "LOST"')
        program.signal(signal.SIGINT)
        assert program.ended() == EXIT_DONE


def test_a_file_that_turns_out_to_be_none_ends_the_watch(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"this is no capture at all")
    said = rmfs("watch", "-f", tmp_path / "a")
    assert said.code == EXIT_FAILED
    assert "this is no capture of a line" in said.err


def test_a_file_that_ends_too_early_is_read_to_there_and_told(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a").write_bytes(recording.capture.read_bytes()[:-1])
    assert main(["watch", str(tmp_path / "a")]) == EXIT_DONE
    said = capsys.readouterr()
    assert "UA" in said.out
    assert "in the midst of a record" in said.err


@pytest.mark.parametrize("how", ["-f", "--tap"])
def test_a_reader_that_has_gone_is_no_fault_of_a_file(
    recording: Recording, how: str
) -> None:
    files = [recording.capture] if how == "-f" else [recording.capture] * 2
    gone, out = os.pipe()
    os.close(gone)
    said = subprocess.run(
        [sys.executable, "-m", "rmfs_tools", "watch", how, *map(str, files)],
        cwd=ROOT,
        stdout=out,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(out)
    assert (said.returncode, said.stderr) == (EXIT_FAILED, b"")


def test_a_file_that_cannot_be_looked_for_is_told(
    recording: Recording, capsys: pytest.CaptureFixture[str]
) -> None:
    # Whoever may not look into a folder hears of it in the same way.
    name = "a" * 300
    call = str(recording.capture)
    assert main(["watch", call, "--keys", name]) == EXIT_FAILED
    assert "cannot be read: File name too long" in capsys.readouterr().err
    assert main(["watch", "--tap", f"/{name}", f"/{name}"]) == EXIT_LINE
    assert "the tap ended" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a capture, or tap a line"),
        (("a", "--tap", "b", "c"), "name a capture, or tap a line"),
        (("a", "--capture", "b"), "--capture records a --tap"),
        (("-f", "--tap", "b", "c"), "-f follows a capture"),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["watch", *arguments]) == EXIT_USAGE
    assert words in capsys.readouterr().err


def test_a_tap_of_recorded_octets_yields_the_records_of_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = new_system(tmp_path / "system")
    heard = SeenSink()
    tap = RawTap(heard)
    run_dial(system, system.psd(), RUPEES_2000, tap)
    (tmp_path / "up").write_bytes(tap.raw[UP])
    (tmp_path / "down").write_bytes(tap.raw[DOWN])
    copy = tmp_path / "copy.pcapng"
    ends = (str(tmp_path / "up"), str(tmp_path / "down"))
    records = watched(capsys, "--tap", *ends, "--capture", copy)
    frames = [(UP if one["from"] == "machine" else DOWN, one["raw"]) for one in records]
    assert sorted(map(str, frames)) == sorted(
        str((way, octets.hex())) for way, octets in heard.frames
    )
    assert [
        one.octets.hex() for one in read_capture(copy) if hasattr(one, "octets")
    ] == [one["raw"] for one in records]
    assert main(["watch", "--tap", *ends, "--capture", str(copy)]) == EXIT_FAILED
    assert "cannot be written" in capsys.readouterr().err


def test_a_tap_of_two_ports_shows_what_passes_until_one_is_gone() -> None:
    (machine, machine_port), (server, server_port) = os.openpty(), os.openpty()
    names = [os.ttyname(port) for port in (machine_port, server_port)]
    try:
        with Program("watch", "--tap", *names, "--json") as program:
            for name in names:
                program.said(name)
            os.write(machine, bytes.fromhex("7e013febdf7e"))
            program.said('"raw": "013f"')
            os.write(server, bytes.fromhex("7e017383577e"))
            assert '"from": "server"' in program.said('"raw": "0173"')
            os.close(server_port)
            os.close(server)
            assert program.ended() == EXIT_LINE
            assert f"the tap ended: {names[1]}" in program.err
    finally:
        os.close(machine)
        os.close(machine_port)


def _enrolled(folder: Path, realm: str) -> tuple[Path, Path]:
    """A server and a machine in new folders, by commands."""
    server, machine = folder / "server", folder / "machine"
    done("server", "init", "--server", server, "--realm", realm)
    done(
        *("machine", "new", machine, "--licence", "N123456", "--realm", realm),
        *("--maker", server / "maker.pem", "--server", server / "server.json"),
    )
    done(
        *("server", "enrol", machine / "provisioning.json", "--server", server),
        *("--number", "KN0600065", "--licensee", "Bharat Stationers, Bengaluru"),
        *("--expires", "2031-08-15"),
    )
    return server, machine


def test_both_ends_of_a_call_record_it_and_tell_the_same_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server, machine = _enrolled(tmp_path, "test")
    captures, keys = tmp_path / "captures", tmp_path / "server.keys"
    own_keys, own = tmp_path / "machine.keys", tmp_path / "own.pcapng"
    with Server(server, "--capture", captures, "--key-log", keys) as running:
        running.said("WARNING")
        said = rmfs(
            *("machine", "dial", machine, running.line, "--inspect"),
            *("--capture", own, "--key-log", own_keys),
        )
        assert said.code == EXIT_DONE, said
        assert "WARNING" in said.err
        running.signal(signal.SIGTERM)
        assert running.ended() == EXIT_DONE
    assert keys.read_text("ascii") == own_keys.read_text("ascii")
    for path in (keys, own_keys):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (theirs,) = captures.iterdir()
    for capture in (own, theirs):
        found = messages(watched(capsys, capture, "--keys", keys))
        assert found == ["STATEMENT", "RECEIPT", "GOODBYE"]
    events = [one.get("event") for one in watched(capsys, theirs)]
    assert [event for event in events if event] == [
        *("UP", "LINK_UP", "LINK_DOWN", "LOST"),
    ]


def test_no_key_log_is_written_in_the_realm_of_production(tmp_path: Path) -> None:
    server, machine = _enrolled(tmp_path, "production")
    keys = tmp_path / "call.keys"
    for arguments in (
        ("machine", "dial", machine, "tcp:127.0.0.1:1", "--key-log", keys),
        ("server", "run", "--server", server, "--key-log", keys),
    ):
        said = rmfs(*arguments)
        assert said.code == EXIT_FAILED
        assert "keys of the realm PRODUCTION are never told" in said.err
    assert keys.read_text("ascii") == ""
