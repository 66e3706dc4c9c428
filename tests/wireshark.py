"""Wireshark's tshark with our dissector, as a witness: a capture in, fields out."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hw.capture import CaptureDirection, CaptureWriter, create_capture
from hw.clock import MemoryWallClock
from hw.seen.keylog import write_key_line
from protocol.channel import ChannelKeys
from rmfs_tools.dissector import make_script
from tests.witness.programs import needs

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TIMEOUT_S = 120

Fields = dict[str, list[str]]
"""The fields of one frame by name, in their order."""


def run_tshark(home: Path, *arguments: str) -> str:
    """Run tshark as somebody who has set nothing; what it says on stdout."""
    done = subprocess.run(
        [needs("tshark"), *arguments],
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    assert "Lua" not in done.stderr, done.stderr
    return done.stdout


def dissect(capture: Path, keys: Path | None = None) -> list[Fields]:
    """Read a capture with the dissector made from today's tables."""
    script = capture.parent / "dissector.lua"
    script.write_text(make_script(), "utf-8")
    options = [] if keys is None else ["-o", f"fmp1.keylog:{keys}"]
    script_option = ("-X", f"lua_script:{script}")
    output = ("-T", "json", "--no-duplicate-keys")
    text = run_tshark(
        capture.parent, *script_option, *options, "-r", str(capture), *output
    )
    assert "Lua Error" not in text, text
    found = []
    for packet in json.loads(text):
        fields: Fields = {}
        for name, value in _flat(packet["_source"]["layers"]):
            fields.setdefault(name, []).append(value)
        found.append(fields)
    return found


def new_capture(path: Path) -> CaptureWriter:
    """Begin a capture at noon."""
    return create_capture(path, MemoryWallClock(NOON), "a test")


def write_frames(path: Path, frames: list[tuple[CaptureDirection, bytes]]) -> Path:
    """Write a capture of frames."""
    with new_capture(path) as writer:
        for direction, octets in frames:
            writer.write_frame(direction, octets)
    return path


def write_keys(path: Path, g_x: bytes, keys: ChannelKeys) -> Path:
    """Write a key log of one channel."""
    path.write_text(write_key_line(g_x, keys), "ascii")
    return path


def as_number(value: str) -> int:
    """Read a number as tshark shows it, times included: by ISO 8601 since 4.6."""
    if value.endswith("Z"):
        return int(datetime.fromisoformat(value).timestamp())
    if value.endswith("UTC"):
        words = value.removesuffix(".000000000 UTC") + " +0000"
        return int(datetime.strptime(words, "%b %d, %Y %H:%M:%S %z").timestamp())
    return int(value, 0)


def as_octets(value: str) -> bytes:
    """Read octets as tshark shows them."""
    return bytes.fromhex(value.replace(":", ""))


def _flat(layers: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in layers.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from _flat(one)
            else:
                yield name, str(one)
