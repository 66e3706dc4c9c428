"""A throw-away PostgreSQL cluster for the store's tests.

It lives in a temporary folder, listens on a Unix socket in that folder and nowhere
else, and is deleted with everything in it. Nothing in it is worth a disk's time, so
fsync is off unless a bench asks for it: durability is tested elsewhere, against a model
of power failure.

PostgreSQL refuses to run as root; started by root, it runs as `postgres` (or `nobody`).
"""

import contextlib
import os
import pwd
import shutil
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

START_TIMEOUT_S: Final = 60
"""Enough for a loaded machine: initdb and start take about 2 s on two idle cores."""

_SETTINGS: Final = {
    "listen_addresses": "",
    "max_connections": "200",
    "timezone": "UTC",
}
_FORGETFUL: Final = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
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


@contextlib.contextmanager
def throw_away_cluster(binaries: Path, *, durable: bool = False) -> Iterator[str]:
    """Run a cluster for the length of a `with` block.

    Args:
        binaries: The folder that `find_binaries` found.
        durable: It waits for the disk at each commit, as in service.

    Yields:
        A URL for SQLAlchemy, of a superuser and the database `postgres`.

    Raises:
        PostgresError: It would not start; the message ends with what PostgreSQL said.
    """
    owner = _owner()
    with tempfile.TemporaryDirectory(prefix="rmfs-postgres-") as name:
        folder = Path(name)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        _run(
            [
                *(str(binaries / "initdb"), "--pgdata", str(data), "--no-sync"),
                *("--username", "rmfs", "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8"),
            ],
            owner,
            folder,
        )
        control = [str(binaries / "pg_ctl"), "--pgdata", str(data), "--wait"]
        settings = {
            **_SETTINGS,
            **(_DURABLE if durable else _FORGETFUL),
            "unix_socket_directories": str(folder),
        }
        options = " ".join(f"-c {key}='{value}'" for key, value in settings.items())
        log = folder / "log"
        _run(
            [
                *(*control, "--timeout", str(START_TIMEOUT_S), "--log", str(log)),
                *("--options", options, "start"),
            ],
            owner,
            folder,
        )
        try:
            socket = quote(str(folder), safe="")
            yield f"postgresql+psycopg://rmfs@/postgres?host={socket}"
        finally:
            _run([*control, "--mode", "immediate", "stop"], owner, folder)


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
