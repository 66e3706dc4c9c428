"""A throw-away PostgreSQL cluster for the store's tests.

It lives in a temporary folder, listens on a Unix socket in that folder and nowhere
else, and is deleted with everything in it. Nothing in it is worth a disk's time, so
fsync is off unless a bench asks for it, and the check keeps it in memory: durability is
tested elsewhere, against a model of power failure.

PostgreSQL refuses to run as root; started by root, it runs as `postgres` (or `nobody`).
"""

import contextlib
import os
import pwd
import re
import select
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from protocol.errors import NeedsAttentionError

ENVIRONMENT_NAME: Final = "RMFS_TEST_POSTGRES"
"""Where the tests find the URL of a PostgreSQL in which they may create databases."""

DEBIAN_FOLDER: Final = Path("/usr/lib/postgresql")
MEMORY: Final = Path("/dev/shm")  # noqa: S108 (a folder of its own is made there)
"""Where Linux keeps files in memory. Each database has hundreds of them, which some
disks take half a second to make."""
MEMORY_LEAST: Final = 2 << 30
"""So much has to be free there, in octets, which is ten times what the check needs;
elsewhere a disk has to do."""
_MEMINFO: Final = Path("/proc/meminfo")
_AVAILABLE: Final = re.compile(r"(?m)^MemAvailable: +(\d+) kB$")

_DATA: Final = "data"
_PID_FILE: Final = "postmaster.pid"

START_TIMEOUT_S: Final = 300
"""Enough for a loaded machine: initdb and start take about 2 s on two idle cores. One
that was killed syncs all of its thousand files first, on some disks one by one."""

_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
    # Segments elsewhere would stay behind when a cluster is killed.
    "dynamic_shared_memory_type": "mmap",
}
_FORGETFUL: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_wal_size": "128MB",
}
_DURABLE: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
}


class PostgresError(NeedsAttentionError):
    """PostgreSQL is missing or would not start."""


def find_binaries(
    debian_folder: Path = DEBIAN_FOLDER, path: str | None = None
) -> Path | None:
    """Find the folder with `initdb`, `pg_ctl` and `postgres`.

    Args:
        debian_folder: Where Debian keeps one folder a version; the newest wins.
        path: A search path to try next; the caller's PATH when it is left out.

    Returns:
        The folder, or None when PostgreSQL's server is not on this machine.
    """
    versions = (
        (int(folder.name), folder / "bin")
        for folder in debian_folder.glob("*")
        if folder.name.isdigit() and (folder / "bin" / "initdb").exists()
    )
    newest = max(versions, default=None)
    if newest is not None:
        return newest[1]
    found = shutil.which("initdb", path=path)
    return None if found is None else Path(found).resolve().parent


def folder_in_memory(
    folder: Path = MEMORY, least_octets: int = MEMORY_LEAST
) -> Path | None:
    """Find a folder in memory with room for a cluster, or whatever is thrown away.

    Args:
        folder: Where such a folder may be.
        least_octets: What has to be free in it, and of all memory.

    Returns:
        The folder; None: temporary files go where all go.
    """
    if not os.access(folder, os.W_OK | os.X_OK):
        return None
    found = os.statvfs(folder)
    room = found.f_bavail * found.f_frsize
    return folder if min(room, _memory_available()) >= least_octets else None


def _memory_available() -> int:
    """Say how much memory can be had, in octets; 0 if nobody says so."""
    try:
        found = _AVAILABLE.search(_MEMINFO.read_text("ascii"))
    except OSError:
        return 0
    return 0 if found is None else int(found[1]) * 1024


@contextlib.contextmanager
def throw_away_cluster(binaries: Path, place: Path | None = None) -> Iterator[str]:
    """Run a cluster for the length of a `with` block, which waits for no disk.

    Args:
        binaries: The folder that `find_binaries` found.
        place: Where its own folder is made; None: where temporary files go.

    Yields:
        A URL for SQLAlchemy, of a superuser and the database `postgres`.

    Raises:
        PostgresError: It would not start; the message ends with what PostgreSQL said.
    """
    with mortal_cluster(binaries, place, durable=False) as cluster:
        yield cluster.url


@contextlib.contextmanager
def mortal_cluster(
    binaries: Path, place: Path | None = None, *, durable: bool = True
) -> Iterator["Cluster"]:
    """Run a cluster that can be killed and started again; see `throw_away_cluster`.

    Args:
        binaries: The folder that `find_binaries` found.
        place: Where its own folder is made; None: where temporary files go.
        durable: It waits for the disk at each commit, as in service.

    Raises:
        PostgresError: It would not start.
    """
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="rmfs-postgres-", dir=place) as name:
        folder = Path(name)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        _run(
            [
                *(str(binaries / "initdb"), "--pgdata", str(folder / _DATA)),
                *("--no-sync", "--username", "rmfs", "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8"),
            ],
            owner,
            folder,
        )
        cluster = Cluster(binaries, folder, owner, durable=durable)
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


class Cluster:
    """A cluster in a folder."""

    def __init__(
        self,
        binaries: Path,
        folder: Path,
        owner: pwd.struct_passwd | None,
        *,
        durable: bool,
    ) -> None:
        """Prepare; `mortal_cluster` makes it."""
        self._folder = folder
        self._owner = owner
        data = folder / _DATA
        self._control = (str(binaries / "pg_ctl"), "--pgdata", str(data), "--wait")
        self._settings = {
            **_SETTINGS,
            **(_DURABLE if durable else _FORGETFUL),
            "unix_socket_directories": str(folder),
        }

    @property
    def url(self) -> str:
        """A URL for SQLAlchemy, of a superuser and the database `postgres`."""
        socket = quote(str(self._folder), safe="")
        return f"postgresql+psycopg://rmfs@/postgres?host={socket}"

    @property
    def pid(self) -> int:
        """The number of its postmaster, while it runs."""
        words = (self._folder / _DATA / _PID_FILE).read_text("ascii")
        return int(words.split()[0])

    def start(self) -> None:
        """Start it, for the first time or after it was killed.

        Raises:
            PostgresError: It would not start.
        """
        options = " ".join(
            f"-c {key}='{value}'" for key, value in self._settings.items()
        )
        log = self._folder / "log"
        _run(
            [
                *(*self._control, "--timeout", str(START_TIMEOUT_S)),
                *("--log", str(log), "--options", options, "start"),
            ],
            self._owner,
            self._folder,
        )

    def stop(self) -> None:
        """End it at once, as it is thrown away."""
        if not (self._folder / _DATA / _PID_FILE).exists():
            return
        command = [*self._control, "--mode", "immediate", "stop"]
        _run(command, self._owner, self._folder)

    def kill(self) -> None:
        """Send SIGKILL to the postmaster, and wait until no process of it is left.

        Raises:
            PostgresError: One of them goes on.
        """
        pid_file = self._folder / _DATA / _PID_FILE
        postmaster = self.pid
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children")
        family = [postmaster, *map(int, children.read_text("ascii").split())]
        ends = []
        for process in family:
            with contextlib.suppress(ProcessLookupError):
                ends.append(os.pidfd_open(process))
        try:
            os.kill(postmaster, signal.SIGKILL)
            for end in ends:
                if not select.select([end], [], [], START_TIMEOUT_S)[0]:
                    raise PostgresError(
                        "a process of PostgreSQL outlived its postmaster"
                    )
        finally:
            for end in ends:
                os.close(end)
        # Nobody may have buried it yet: to PostgreSQL its number would still be alive.
        for left in (pid_file, *self._folder.glob(".s.PGSQL.*.lock")):
            left.unlink()


def _owner() -> pwd.struct_passwd | None:
    """Say as whom the cluster runs: None for whoever runs us."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    message = "PostgreSQL does not run as root, and there is no user to run it as"
    raise PostgresError(message)


def _run(command: Sequence[str], owner: pwd.struct_passwd | None, folder: Path) -> None:
    # The server inherits stdout: a pipe would stay open for as long as it runs, so the
    # words of a failure go to a file.
    said = folder / "said"
    name = Path(command[0]).name
    try:
        with said.open("w") as output:
            result = subprocess.run(  # noqa: S603 (PostgreSQL's own programs, no shell)
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
                user=None if owner is None else owner.pw_uid,
                group=None if owner is None else owner.pw_gid,
                extra_groups=None if owner is None else [],
            )
    except OSError as error:
        message = f"{name} failed: {error}"
        raise PostgresError(message) from error
    if result.returncode != 0:
        log = folder / "log"
        words = said.read_text() + (log.read_text() if log.exists() else "")
        message = f"{name} failed: {words.strip()}"
        raise PostgresError(message)
