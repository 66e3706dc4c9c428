"""`rmfs server config`, and the commands that take settings from a file as well."""

from pathlib import Path
from typing import Any

import click

from protocol.errors import RmfsError
from rmfs_server.options_cli import EXIT_FAILED, FILE, json_option, server_option, tell


class Configured(click.Command):
    """A command whose options may also stand in server.toml, or where `--config` says.

    Their table is named after the command. What is typed goes before what is written.
    """

    def __init__(self, *args: Any, **attributes: Any) -> None:
        """Make the command, and add ``--config``."""
        super().__init__(*args, **attributes)
        self.params.append(
            click.Option(
                ["--config"],
                type=FILE,
                expose_value=False,
                help="File with settings of this command; server.toml in the server's "
                "folder when it is left out.",
            )
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the file first: what it says stands behind what is typed."""
        # A first look, at which file is named; the parser takes its list apart.
        typed, _, _ = self.make_parser(ctx).parse_args(list(args))
        helped = self.get_help_option(ctx)
        if helped is None or helped.name not in typed:
            named = {one.name: one for one in self.params}
            path = named["config"].consume_value(ctx, typed)[0]
            folder = named["server"].consume_value(ctx, typed)[0]
            # An option that was not given has a value of click's own.
            given = Path(path) if isinstance(path, str | Path) else None
            ctx.default_map = self._read(given, Path(folder))
        return super().parse_args(ctx, args)

    def _read(self, path: Path | None, folder: Path) -> dict[str, Any]:
        from rmfs_server.configuration import read_defaults

        place = _place(folder) if path is None else path
        if path is None and not place.is_file():
            # Whoever looks for the server will say it better.
            return {}
        try:
            return read_defaults(place, self)
        except RmfsError as error:
            raise click.UsageError(str(error)) from error


def add_commands(group: click.Group) -> None:
    """Add `config` to the group `rmfs server`, about its commands that are there."""
    run = group.commands["run"]

    @click.group("config", epilog="\b\nExample:\n  rmfs server config check")
    def config() -> None:
        """Write and check the file with the settings of `rmfs server run`."""

    @config.command("example", epilog="\b\nExample:\n  rmfs server config example")
    def example() -> None:
        """Print a file in which every setting is explained and none is made."""
        from rmfs_server.configuration import show_example

        click.echo(show_example(run), nl=False)

    @config.command(
        "check",
        epilog="\b\nExample:\n  rmfs server config check --config new-settings.toml",
    )
    @server_option
    @click.option(
        "--config",
        "path",
        type=FILE,
        help="The file; server.toml in the server's folder when it is left out.",
    )
    @json_option
    def check(server: Path, path: Path | None, *, as_json: bool) -> int:
        """Check a file of settings; nothing is run.

        Exit 1 when it cannot be used: each fault with file, line, key and reason.
        """
        from rmfs_server.configuration import check_file, read_toml

        place = _place(server) if path is None else path
        try:
            faults = check_file(read_toml(place), run)
        except RmfsError as error:
            tell({"faults": [{"reason": str(error)}]}, [str(error)], as_json=as_json)
            return EXIT_FAILED
        rows = [
            {
                "file": str(one.path),
                "line": one.line,
                "key": one.key,
                "reason": one.reason,
            }
            for one in faults
        ]
        lines = [str(one) for one in faults] or [f"{place} can be used"]
        tell({"faults": rows}, lines, as_json=as_json)
        return EXIT_FAILED if faults else 0

    group.add_command(config)


def _place(folder: Path) -> Path:
    from rmfs_server.folder import SETTINGS

    return folder / SETTINGS
