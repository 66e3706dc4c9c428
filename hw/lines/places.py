"""TCP places that are opened before there is a reactor, for others to answer at.

A parent opens a place once and hands it to several processes. They accept from one
queue: whoever is free takes the next call, and what waits there when one of them is
killed is answered by the others. With a socket for each process (SO_REUSEPORT) the
kernel deals calls out by their addresses, and resets what waits at one that is killed.

Source: docs/many-hosts.md.
"""

import errno
import socket
from typing import Final

from hw.lines.port import LineError

BACKLOG: Final = 1024
"""Calls that may wait to be answered: those of some seconds in a peak hour."""

NOT_LISTENING: Final = {
    errno.EADDRINUSE: "another program listens there: end it, or take another port",
    errno.EADDRNOTAVAIL: "this computer has no such address: 0.0.0.0 means all it has",
    errno.EACCES: "not permitted: ports below 1024 are root's, take a higher one",
}
"""What people read when the system refuses a place to a listener."""


def show_place(host: str, port: int) -> str:
    """Write a place as a line string."""
    return f"tcp:[{host}]:{port}" if ":" in host else f"tcp:{host}:{port}"


def open_place(host: str, port: int) -> socket.socket:
    """Open a place; calls wait there until somebody answers.

    Args:
        host: One of this computer's addresses, or a name of one.
        port: 0 lets the system choose.

    Raises:
        LineError: The place is taken or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    place = socket.socket(family, socket.SOCK_STREAM)
    try:
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind((host, port))
        place.listen(BACKLOG)
        place.settimeout(0)
    except OSError as error:
        place.close()
        words = NOT_LISTENING.get(error.errno or 0, error.strerror or str(error))
        message = f"cannot listen at {show_place(host, port)}: {words}"
        raise LineError(message) from error
    return place


def place_address(place: socket.socket) -> str:
    """Give the line string of an open place, with the port that is really bound."""
    host, port = place.getsockname()[:2]
    return show_place(host, port)
