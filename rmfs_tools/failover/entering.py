"""Into namespaces of our own: what is made there is gone when the command ends.

The command has `unshare` start it again inside: with a network, a table of mounts and a
table of processes of its own. When it ends, by itself or by any signal, the kernel ends
`unshare` and every process in there, and takes the network away.

The first process of a table of processes has to bury the dead of others; bash does.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rmfs_tools.failover.network import RehearsalError
from rmfs_tools.postgres import find_binaries

ROOT: Final = Path(__file__).parents[2]
"""The folder of the product's packages."""
_MARK: Final = "RMFS_FAILOVER_INSIDE"
_PROGRAMS: Final = {
    "bash": "bash",
    "etcd": "etcd-server",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "patroni": "patroni",
    "setpriv": "util-linux",
    "unshare": "util-linux",
}
"""What it takes, and the Debian package that brings it."""
_DAEMONS: Final = "/usr/sbin"
_NAMESPACES: Final = "/run/netns"
"""Where `ip netns` keeps names; ours stand in a mount of our own over it."""


def what_is_missing(
    *, is_root: bool, path: str | None = None, daemons: str = _DAEMONS
) -> list[str]:
    """Say what keeps a rehearsal from being played here, in sentences.

    Args:
        is_root: Whether we may make namespaces.
        path: Where programs are looked for; the caller's PATH when it is left out.
        daemons: And where next.
    """
    missing = [
        f"{program} is not here (Debian: apt-get install {package})"
        for program, package in _PROGRAMS.items()
        if shutil.which(program, path=path) is None
        and shutil.which(program, path=daemons) is None
    ]
    if find_binaries() is None:
        missing.append("PostgreSQL is not here (Debian: apt-get install postgresql)")
    if not is_root:
        missing.append("only root may make network namespaces: run it with sudo")
    return missing


def find_program(name: str) -> str | None:
    """Find a program, also where daemons stand."""
    return shutil.which(name) or shutil.which(name, path=_DAEMONS)


def is_inside(environment: Mapping[str, str]) -> bool:
    """Say whether we have been started again inside."""
    return _MARK in environment


def enter(environment: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Start `rmfs` again inside, and wait for its end.

    Args:
        environment: Of this process.
        arguments: What was typed behind `rmfs`.

    Returns:
        What it ended with.

    Raises:
        RehearsalError: The kernel does not let us.
    """
    apart = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    unshare = find_program("unshare") or "unshare"
    tried = subprocess.run(  # noqa: S603  # our own words, no shell
        [unshare, *apart, "true"], capture_output=True, check=False, text=True
    )
    if tried.returncode != 0:
        raise RehearsalError(f"no namespaces are to be had: {tried.stderr.strip()}")
    Path(_NAMESPACES).mkdir(exist_ok=True)
    script = f'mount -t tmpfs rmfs {_NAMESPACES} && "$@"; exit $?'
    command = [sys.executable, "-m", "rmfs_tools", *arguments]
    # unshare itself hears no SIGTERM: it is killed when this process is gone.
    with_us = ("setpriv", "--pdeathsig", "KILL")
    words = [*with_us, unshare, *apart, "bash", "-c", script, "bash", *command]
    ours = {"PYTHONPATH": str(ROOT), "PYTHONSAFEPATH": "1", _MARK: "yes"}
    with subprocess.Popen(words, env={**environment, **ours}) as process:  # noqa: S603
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C is heard inside, too.
            return process.wait()
