"""Keys are told when they are asked for, to their owner alone, in the test realm."""

import os
import stat
from pathlib import Path

import pytest

from hw.seen.keylog import (
    KeyLog,
    KeyLogError,
    parse_key_log,
    read_key_log,
    write_key_line,
)
from protocol.channel import ChannelKeys, MachineChannel, ServerChannel
from protocol.channel.schedule import DirectionKeys
from protocol.errors import LocalProtocolError
from protocol.keys import Realm
from tests.spec.chan_parties import parties

G_X = bytes(range(32))
KEYS = ChannelKeys(
    DirectionKeys(b"\x0a" * 16, b"\x0b" * 13),
    DirectionKeys(b"\x0c" * 16, b"\x0d" * 13),
    b"\x0e" * 32,
)
LINE = f"FMP1_RECORDS {G_X.hex()} {'0a' * 16} {'0b' * 13} {'0c' * 16} {'0d' * 13}\n"


def test_a_line_holds_the_channel_and_the_keys_of_both_directions() -> None:
    assert write_key_line(G_X, KEYS) == LINE
    assert parse_key_log([LINE]) == {G_X: (KEYS.machine, KEYS.server)}


def test_the_binding_of_a_channel_is_not_in_the_log() -> None:
    assert KEYS.binding.hex() not in LINE


def test_the_file_is_its_owners_alone_and_grows(tmp_path: Path) -> None:
    path = tmp_path / "call.keys"
    for _ in range(2):
        log = KeyLog(path)
        log(G_X, KEYS)
        log.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("ascii") == LINE * 2
    assert read_key_log(path) == {G_X: (KEYS.machine, KEYS.server)}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "call.keys"
    path.touch()
    path.chmod(mode)
    with pytest.raises(KeyLogError, match="chmod 600"):
        KeyLog(path)


def test_a_link_to_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyLogError, match="cannot be written"):
        KeyLog(tmp_path / "link")


def test_remarks_empty_lines_and_a_line_being_written_are_passed_over() -> None:
    assert parse_key_log(["# a call\n", "\n", LINE[:40]]) == {}


@pytest.mark.parametrize(
    "line",
    [
        "CLIENT_RANDOM 00 00\n",
        LINE.replace("0a0a", "0a", 1),
        LINE.replace("0a0a", "xyzw", 1),
        LINE.replace("\n", " 00\n"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(line: str) -> None:
    with pytest.raises(KeyLogError, match="line 2"):
        parse_key_log(["# first\n", line])


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"\xff\n")
    with pytest.raises(KeyLogError, match="no ASCII"):
        read_key_log(tmp_path / "x")
    with pytest.raises(KeyLogError, match="cannot be read"):
        read_key_log(tmp_path / "y")


def test_a_file_without_an_end_is_refused() -> None:
    with pytest.raises(KeyLogError, match="has more than 33554432 octets"):
        read_key_log(Path("/dev/zero"))


def test_a_pipe_that_nobody_reads_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(KeyLogError, match="cannot be written"):
        KeyLog(tmp_path / "pipe")


def test_a_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch(0o600)
    with pytest.raises(KeyLogError, match="belongs to somebody else"):
        KeyLog(path, owner=os.geteuid() + 1)


def test_both_ends_of_a_channel_tell_the_same_keys() -> None:
    told: list[tuple[bytes, ChannelKeys]] = []

    def tell(g_x: bytes, keys: ChannelKeys) -> None:
        told.append((g_x, keys))

    one = parties()
    machine = MachineChannel(one.machine, one.trusted, tell)
    server = ServerChannel(one.server, tell)
    greeting = machine.greeting_1()
    machine.receive_greeting_2(server.receive_greeting_1(greeting))
    server.receive_greeting_3(machine.greeting_3(b"x"))
    server.prove_machine(one.machine.credential)
    assert told[0] == told[1]
    assert told[0][0] == greeting[5:37]


def test_keys_of_production_are_never_told() -> None:
    one = parties().in_realm(Realm.PRODUCTION)

    def tell(g_x: bytes, keys: ChannelKeys) -> None:
        raise AssertionError("told")

    with pytest.raises(LocalProtocolError, match=r"CHAN-10\.4"):
        MachineChannel(one.machine, one.trusted, tell)
    with pytest.raises(LocalProtocolError, match=r"CHAN-10\.4"):
        ServerChannel(one.server, tell)
    MachineChannel(one.machine, one.trusted)
    ServerChannel(one.server)
