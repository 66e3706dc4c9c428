"""The key log: the keys of test channels, for Wireshark and `rmfs watch`.

One line a channel, as in an SSLKEYLOGFILE; lines that begin with ``#`` are remarks::

    FMP1_RECORDS G_X KEY_M IV_M KEY_S IV_S

all in hexadecimal. G_X (32 octets) stands in GREETING_1 and tells which channel it is;
KEY and IV (16 and 13 octets) are those of the machine's and of the server's records.

Who has the file reads everything that was said. It is written only when it is asked
for, for its owner alone, and never in the realm of production (SPEC.md CHAN-10.4): the
channel itself refuses to tell keys there.
"""

import io
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from protocol.channel.schedule import (
    IV_OCTETS,
    KEY_OCTETS,
    ChannelKeys,
    DirectionKeys,
)
from protocol.errors import RmfsError

LABEL: Final = "FMP1_RECORDS"
CHANNELS_MAX: Final = 100_000
"""Channels of one file that are read; a line has 203 characters."""

FILE_OCTETS_MAX: Final = 32 * 1024 * 1024
"""Longest file that is read: so many channels, and remarks between them."""

WARNING: Final = (
    "WARNING: {path} takes the keys of every call from now on: whoever reads it reads "
    "all that is said. For tests only; delete it when you are done."
)

_G_X_OCTETS: Final = 32
_LENGTHS: Final = (_G_X_OCTETS, KEY_OCTETS, IV_OCTETS, KEY_OCTETS, IV_OCTETS)


BINDING: Final = "# BINDING"
"""Begins a remark with G_X and the binding of a channel. Only a lab writes it, so that
signatures in its captures can be verified; no end logs it (SPEC.md CHAN-10.2)."""
_BINDING_LINE: Final = re.compile(
    rf"{BINDING} ([0-9a-f]{{64}}) ([0-9a-f]{{64}})", re.ASCII
)


class KeyLogError(RmfsError):
    """A key log cannot be written or read."""


class KeyLog:
    """Writes a key log; a `protocol.channel.OnKeys`."""

    def __init__(self, path: Path, owner: int | None = None) -> None:
        """Open a file of its owner alone, new or to be added to.

        Args:
            path: The file.
            owner: Number of the user to whom it must belong; None for who runs this.

        Raises:
            KeyLogError: It cannot be written, or others can read it.
        """
        self._path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        # A pipe that nobody reads is refused, and not waited for.
        flags |= os.O_NONBLOCK
        try:
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror}"
            raise KeyLogError(message) from error
        status = os.fstat(self._file)
        if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
            os.close(self._file)
            raise KeyLogError(
                f"{path} can be read by others: take their rights away "
                f"(chmod 600 {path}), or choose another name"
            )
        # An administrator may write to the file of anybody.
        if status.st_uid != (os.geteuid() if owner is None else owner):
            os.close(self._file)
            raise KeyLogError(f"{path} belongs to somebody else: choose another name")

    def __call__(self, g_x: bytes, keys: ChannelKeys) -> None:
        """Write the line of one channel."""
        line = write_key_line(g_x, keys)
        try:
            os.write(self._file, line.encode("ascii"))
        except OSError as error:
            message = f"{self._path} cannot be written: {error.strerror}"
            raise KeyLogError(message) from error

    def close(self) -> None:
        """End."""
        os.close(self._file)


def write_key_line(g_x: bytes, keys: ChannelKeys) -> str:
    """Show one channel as a line with its end."""
    machine, server = keys.machine, keys.server
    values = (g_x, machine.key, machine.iv, server.key, server.iv)
    return " ".join((LABEL, *(value.hex() for value in values))) + "\n"


RecordKeys = dict[bytes, tuple[DirectionKeys, DirectionKeys]]
"""G_X -> keys of the machine's and of the server's records."""


def read_key_log(path: Path) -> RecordKeys:
    """Read a key log.

    Raises:
        KeyLogError: It cannot be read, or a line is none of ours.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_OCTETS_MAX + 1)
        if len(octets) > FILE_OCTETS_MAX:
            raise KeyLogError(
                f"{path} is no key log: it has more than {FILE_OCTETS_MAX} octets"
            )
        return parse_key_log(io.StringIO(octets.decode("ascii"), newline=None))
    except OSError as error:
        raise KeyLogError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KeyLogError(f"{path} is no key log: it is no ASCII") from error


def read_bindings(path: Path) -> dict[bytes, bytes]:
    """Read the bindings of channels that a lab's key log has, by G_X.

    Raises:
        KeyLogError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(FILE_OCTETS_MAX).decode("ascii", "replace")
    except OSError as error:
        raise KeyLogError(f"{path} cannot be read: {error.strerror}") from error
    found = map(_BINDING_LINE.fullmatch, text.splitlines())
    return {bytes.fromhex(one[1]): bytes.fromhex(one[2]) for one in found if one}


def parse_key_log(lines: Iterable[str]) -> RecordKeys:
    """Read the lines of a key log.

    A last line without its end is one that is being written, and is left out.

    Raises:
        KeyLogError: A line is none of ours, or there are too many.
    """
    found: RecordKeys = {}
    for number, line in enumerate(lines, start=1):
        if not line.endswith("\n") or not line.strip() or line.startswith("#"):
            continue
        label, *words = line.split()
        try:
            values = [bytes.fromhex(word) for word in words]
        except ValueError:
            values = []
        if label != LABEL or tuple(map(len, values)) != _LENGTHS:
            raise KeyLogError(
                f"line {number} of the key log is not {LABEL} G_X KEY_M IV_M KEY_S IV_S"
            )
        if len(found) >= CHANNELS_MAX:
            raise KeyLogError(f"the key log names more than {CHANNELS_MAX} channels")
        g_x, key_m, iv_m, key_s, iv_s = values
        found[g_x] = (DirectionKeys(key_m, iv_m), DirectionKeys(key_s, iv_s))
    return found
