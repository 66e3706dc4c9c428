"""The whole examination: every part looks, and one that cannot says why."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from sqlalchemy import make_url

from protocol.errors import RmfsError
from protocol.values import EpochSeconds
from rmfs_server.configuration import check_file, read_toml
from rmfs_server.doctor.books import look_at_books
from rmfs_server.doctor.findings import Found, fault, good
from rmfs_server.doctor.folder import (
    look_at_exchange,
    look_at_modes,
    look_at_provisioning,
)
from rmfs_server.doctor.surroundings import FreeOctets, look_at_disks, look_at_lines
from rmfs_server.folder import SETTINGS, ServerFolder, read_server


def examine(
    folder: Path,
    run: click.Command,
    *,
    now: EpochSeconds,
    uid: int,
    free_octets: FreeOctets,
    config: Path | None = None,
    quick: bool = False,
) -> Iterator[Found]:
    """Look at a server from all sides; nothing is changed.

    Args:
        folder: The server's.
        run: The command that runs it, with its options.
        now: What the clock says.
        uid: As whom the server is to run.
        free_octets: Says how much room is left on the disk of a folder.
        config: The file with the options, if it is not server.toml.
        quick: Leave out what reads all the books.
    """
    if not (folder / SETTINGS).is_file():
        yield fault(
            "folder",
            f"there is no recharge server in {folder}",
            "name its folder with --server, or make one with rmfs server init",
        )
        return
    yield from look_at_modes(folder, uid)
    params: dict[str, Any] = {}
    try:
        file = read_toml(folder / SETTINGS if config is None else config)
        faults = check_file(file, run)
        for one in faults:
            yield fault("settings", str(one), "rmfs server config check")
        if not faults:
            yield good("settings", f"{file.path} can be used")
            params = _params(folder, run, config)
        server = read_server(folder)
    except RmfsError as error:
        yield fault("settings", str(error), "mend it, or put it back from a backup")
        return
    yield from _look_at_server(server, now, free_octets, quick=quick)
    yield from look_at_disks(_folders(server, params), free_octets)
    yield from look_at_lines(params.get("lines", ()))


def _look_at_server(
    server: ServerFolder, now: EpochSeconds, free_octets: FreeOctets, *, quick: bool
) -> Iterator[Found]:
    try:
        yield from look_at_provisioning(server)
    except RmfsError as error:
        yield fault("keys", str(error), "put the file back from a backup")
    yield from look_at_exchange(server)
    yield from look_at_books(server, now, free_octets, quick=quick)


def _folders(server: ServerFolder, params: Mapping[str, Any]) -> list[Path]:
    """List where the server writes: its folder, the books, captures, and the log."""
    folders = [server.folder]
    place = make_url(server.database_url)
    if place.get_backend_name() == "sqlite":
        folders.append(Path(str(place.database)).absolute().parent)
    for name in ("capture", "log_file"):
        path: Path | None = params.get(name)
        if path is not None:
            folders.append(path.parent if name == "log_file" else path)
    return folders


def _params(folder: Path, run: click.Command, config: Path | None) -> dict[str, Any]:
    words = ["--server", str(folder)]
    words += [] if config is None else ["--config", str(config)]
    return run.make_context("run", words).params
