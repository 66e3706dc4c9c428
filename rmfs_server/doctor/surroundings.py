"""Looks at what a server stands on: room on its disk, and the lines it is to answer."""

import errno
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from hw.lines.port_strings import ModemAddress, SerialAddress
from hw.lines.strings import LineAddress, TcpAddress
from rmfs_server.doctor.findings import Found, fault, good, note, warning

FREE_FAULT_OCTETS: Final = 256 * 1024 * 1024
FREE_WARNING_OCTETS: Final = 2 * 1024 * 1024 * 1024
"""Ours: days of a busy server, at 6 kB of books for a recharge."""

FreeOctets = Callable[[Path], int]


def look_at_disks(folders: Iterable[Path], free_octets: FreeOctets) -> Iterator[Found]:
    """Look at the disks of these folders, each once, as far as they are there."""
    seen: set[int] = set()
    for folder in folders:
        if folder.is_dir() and folder.stat().st_dev not in seen:
            seen.add(folder.stat().st_dev)
            yield look_at_disk(folder, free_octets)


def look_at_disk(folder: Path, free_octets: FreeOctets) -> Found:
    """Look at the room that is left on the disk of a folder."""
    free = free_octets(folder)
    words = f"{free // 1024**2:,} MiB are free on the disk of {folder}"
    todo = "make room: a recharge that cannot be stored is not given"
    if free < FREE_FAULT_OCTETS:
        return fault("disk", words, todo)
    if free < FREE_WARNING_OCTETS:
        return warning("disk", words, todo)
    return good("disk", words)


def look_at_lines(lines: Sequence[LineAddress]) -> Iterator[Found]:
    """Look at whether each line can be answered from here; none is."""
    for line in lines:
        if isinstance(line, TcpAddress):
            yield _look_at_port(line)
        elif isinstance(line, SerialAddress):
            yield _look_at_device(line, line.device)
        elif isinstance(line, ModemAddress) and isinstance(line.place, str):
            yield _look_at_device(line, line.place)
        else:
            yield note("lines", f"{line} is not looked at")


def _look_at_port(line: TcpAddress) -> Found:
    try:
        family, kind, protocol, _, place = _resolve(line)
        with socket.socket(family, kind, protocol) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(place)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return note(
                "lines",
                f"{line} is in use, by this server or by somebody else",
                "rmfs server status says whether the server runs",
            )
        return fault(
            "lines",
            f"{line} cannot be listened at: {error.strerror}",
            "name an address of this machine, and a port that its user may use",
        )
    return good("lines", f"{line} can be listened at")


def _resolve(line: TcpAddress) -> tuple[int, int, int, str, Any]:
    flags = socket.AI_PASSIVE
    found = socket.getaddrinfo(
        line.host, line.port, type=socket.SOCK_STREAM, flags=flags
    )
    return found[0]


def _look_at_device(line: LineAddress, device: str) -> Found:
    path = Path(device)
    if not path.exists():
        return fault(
            "lines", f"{line}: there is no {device}", "plug it in, or mend the line"
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return fault(
            "lines",
            f"{line}: {device} is not this user's to read and write",
            "let the user be in the group of the device, dialout on Debian",
        )
    return good("lines", f"{line}: {device} is there")
