"""`rmfs server doctor`: is all well, and what is to be done where it is not?"""

from pathlib import Path

import click

from rmfs_server.options_cli import EXIT_FAILED, FILE, json_option, server_option, tell


def add_commands(group: click.Group) -> None:
    """Add `doctor` to the group `rmfs server`, which has `run` already."""
    run = group.commands["run"]

    @group.command(
        "doctor", epilog="\b\nExample:\n  rmfs server doctor --server rmfs-server"
    )
    @server_option
    @click.option(
        "--config",
        type=FILE,
        help="The file with the options of run, if it is not server.toml.",
    )
    @click.option("--quick", is_flag=True, help="Leave out what reads all the books.")
    @json_option
    def doctor(server: Path, *, config: Path | None, quick: bool, as_json: bool) -> int:
        """Look at a server from all sides, change nothing, and say what to do.

        At its folder, settings, keys, database, ledger, clock, disk, exchange and
        lines. It may run meanwhile. Exit 1 when there is a fault; notes and warnings
        are none.
        """
        import os
        import shutil

        from hw.clock import SystemWallClock
        from rmfs_server.doctor.examining import examine
        from rmfs_server.doctor.findings import Level, show

        found = list(
            examine(
                server,
                run,
                now=SystemWallClock().now(),
                uid=os.getuid(),
                free_octets=lambda folder: shutil.disk_usage(folder).free,
                config=config,
                quick=quick,
            )
        )
        rows = [
            {
                "area": one.area,
                "level": one.level.value,
                "what": one.what,
                "todo": one.todo,
            }
            for one in found
        ]
        bad = any(one.level is Level.FAULT for one in found)
        tell({"healthy": not bad, "found": rows}, show(found), as_json=as_json)
        return EXIT_FAILED if bad else 0
