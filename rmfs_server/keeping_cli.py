"""`rmfs server backup` and `restore`: copies of a server, made and put back."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import click

from rmfs_server.options_cli import (
    EXIT_FAILED,
    by_person,
    json_option,
    person_options,
    server_option,
    tell,
)

if TYPE_CHECKING:
    from rmfs_server.keeping.archive import Manifest

_PIPE: Final = Path("-")
_ARCHIVE: Final = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_TARGET: Final = click.Path(path_type=Path, allow_dash=True)


def add_commands(group: click.Group) -> None:
    """Add the commands to the group `rmfs server`."""
    for command in (backup, restore):
        group.add_command(command)


@click.command(
    epilog="\b\nExample:\n  rmfs server backup copies/monday.tar\n"
    "  rmfs server backup - | age -r age1... > monday.tar.age"
)
@click.argument("file", type=_TARGET)
@server_option
@click.option(
    "--keep",
    type=click.IntRange(1, 10_000),
    help="Where FILE is a folder: how many of this server's backups are kept there; "
    "older ones are deleted when the new one is complete.",
)
@click.option(
    "--without-keys",
    is_flag=True,
    help="Leave private keys out; keep them elsewhere, under lock.",
)
@json_option
def backup(
    file: Path, server: Path, *, keep: int | None, without_keys: bool, as_json: bool
) -> None:
    """Copy books, settings and keys into a new FILE, or - for a pipe.

    In a folder FILE is named after the server and the time.

    The server may go on answering. The file is not encrypted: whoever can read it can
    sign vouchers, unless keys were left out.
    """
    from hw.clock import SystemWallClock
    from rmfs_server.keeping.backing_up import make_backup, new_archive
    from rmfs_server.keeping.shelf import delete_older, name_archive

    clock = SystemWallClock()
    shelf = file if file != _PIPE and file.is_dir() else None
    if keep is not None and shelf is None:
        raise click.UsageError("--keep needs a folder that is there")
    if shelf is not None:
        file = shelf / name_archive(server, clock)
    keys = not without_keys
    if file == _PIPE:
        with TemporaryDirectory(prefix="rmfs-backup-") as work:
            target = sys.stdout.buffer
            manifest, found = make_backup(server, target, Path(work), clock, keys=keys)
            target.flush()
        click.echo("\n".join(_lines(manifest)), err=True)
        return
    with new_archive(file) as (target, work_folder):
        manifest, found = make_backup(server, target, work_folder, clock, keys=keys)
    gone = () if shelf is None or keep is None else delete_older(file, keep)
    picture = {
        **_picture(manifest),
        "file": str(file),
        "ignored": list(found.ignored),
        "deleted": [path.name for path in gone],
    }
    lines = [f"{file} is made", *_lines(manifest)]
    lines += [f"{path.name} is deleted" for path in gone]
    if found.ignored:
        lines.append(f"no part of a server: {', '.join(found.ignored)}")
    tell(picture, lines, as_json=as_json)


@click.command(
    epilog="\b\nExample:\n  rmfs server restore copies/monday.tar --server rmfs-server "
    '--reason "disk of 23.11. is lost"'
)
@click.argument("file", type=_ARCHIVE)
@server_option
@click.option(
    "--database",
    help="URL of an empty database in the place of the one in the settings.",
)
@person_options()
@json_option
def restore(
    file: Path,
    server: Path,
    *,
    database: str | None,
    person: str | None,
    reason: str,
    as_json: bool,
) -> int:
    """Put the backup in FILE, or - for a pipe, back into a new folder.

    Never over a server or into a database that holds something. Exit 1 when the books
    do not add up: they did not when they were copied.
    """
    from rmfs_server.keeping.restoring import restore as put_back

    by = by_person(person, reason)
    if file == _PIPE:
        done = put_back(sys.stdin.buffer, server, by, database=database)
    else:
        with click.open_file(str(file), "rb") as source:
            done = put_back(source, server, by, database=database)
    rows = [
        {"rule": one.rule, "subject": one.subject, "detail": one.detail}
        for one in done.findings
    ]
    picture = {
        **_picture(done.manifest),
        "findings": rows,
        "migrate": bool(done.older),
    }
    found = [f"{row['subject']}: {row['rule']}: {row['detail']}" for row in rows]
    if done.older:
        found = [f"{done.older}, then rmfs server verify"]
    lines = [
        f"the server is in {server}, as it was copied",
        *_lines(done.manifest),
        *(found or ["the books add up"]),
        *(f"put back from where you keep it: {n}" for n in done.manifest.left_out),
        "machines went on since the copy: see docs/restore-drill.md, step 2",
    ]
    tell(picture, lines, as_json=as_json)
    return EXIT_FAILED if rows else 0


def _picture(manifest: "Manifest") -> dict[str, Any]:
    return {
        "server": manifest.server,
        "realm": manifest.realm,
        "made_at": manifest.made_at,
        "database": manifest.database,
        "schema": manifest.revision,
        "rows": sum(manifest.rows.values()),
        "octets": sum(one.octets for one in manifest.members.values()),
        "files": sorted(manifest.members),
        "left_out": list(manifest.left_out),
    }


def _lines(manifest: "Manifest") -> list[str]:
    from datetime import UTC, datetime

    at = datetime.fromtimestamp(manifest.made_at, UTC)
    keys = ", ".join(manifest.left_out)
    rows, files = sum(manifest.rows.values()), len(manifest.members)
    return [
        f"server {manifest.server} at {at:%Y-%m-%d %H:%M:%S} UTC",
        f"{manifest.database} schema {manifest.revision}, {rows} rows, {files} files",
        f"without the keys {keys}" if keys else "with its private keys",
    ]
