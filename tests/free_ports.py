"""TCP ports for programs that have to be told one before they listen."""

import socket
from pathlib import Path
from typing import Final

_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_HOST: Final = "127.0.0.1"
_GUARD: Final = "127.86.0.1"
_LOWEST: Final = 10_000
_HIGHEST: Final = 65_535


def free_port() -> int:
    """Find a TCP port that nobody listens at, and that nobody else will be given.

    The system gives ports of its range to whoever calls or names none, at any moment:
    the port is below that range. Other workers of the tests see that it is taken by
    what this process holds at another address until it ends.
    """
    given = int(_RANGE.read_text("ascii").split()[0])
    for port in range(given - 1 if given > _LOWEST else _HIGHEST, 1023, -1):
        guard = socket.socket()
        try:
            guard.bind((_GUARD, port))
            with socket.create_server((_HOST, port)):
                guard.detach()
                return port
        except OSError:
            guard.close()
    raise AssertionError("no port is free")
