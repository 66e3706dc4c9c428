"""The command that answers calls: `rmfs server run`."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from protocol.errors import RmfsError
from rmfs_server.config_cli import Configured
from rmfs_server.options_cli import FiniteRange

if TYPE_CHECKING:
    from hw.lines.strings import LineAddress
    from rmfs_server.pools import Pool

ServerOption = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Adds ``--server FOLDER``, which arrives as the argument ``server``."""


class _Line(click.ParamType[Any]):
    name = "line"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "LineAddress":
        """Read a line string; what cannot be read is a mistake in typing."""
        from hw.lines.strings import parse_line_string

        try:
            return parse_line_string(value)
        except RmfsError as error:
            self.fail(str(error), param, ctx)


class _Place(click.ParamType[Any]):
    name = "place"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read HOST:PORT, or [HOST]:PORT for IPv6."""
        from hw.lines.strings import TcpAddress, parse_line_string

        try:
            place = parse_line_string(f"tcp:{value}")
        except RmfsError:
            place = None
        if not isinstance(place, TcpAddress):
            self.fail(f"{value!r} is not HOST:PORT", param, ctx)
        return place.host, place.port


class _PoolType(click.ParamType[Any]):
    name = "pool"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Pool":
        """Read ADDRESS=LINES; what cannot be read is a mistake in typing."""
        from rmfs_server.pools import parse_pool

        try:
            return parse_pool(value)
        except RmfsError as error:
            self.fail(str(error), param, ctx)


def add_commands(group: click.Group, server_option: ServerOption) -> None:
    """Add `run` to the group `rmfs server`."""

    @group.command(
        "run",
        cls=Configured,
        epilog="\b\nExample:\n  rmfs server run --line tcp:127.0.0.1:7120",
    )
    @server_option
    @click.option(
        "--line",
        "lines",
        type=_Line(),
        multiple=True,
        default=("tcp:127.0.0.1:7120",),
        show_default=True,
        help="Where machines reach it; port 0 takes any free one. Again for each of "
        "many modems or lines.",
    )
    @click.option(
        "--calls",
        type=click.IntRange(1, 100_000),
        default=1000,
        show_default=True,
        help="Most lines in use at once, of each worker.",
    )
    @click.option(
        "--workers",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Processes that answer, beside one that keeps them running. One answers "
        "by itself.",
    )
    @click.option(
        "--wrong-per-line",
        type=click.IntRange(1, 100_000),
        default=20,
        show_default=True,
        help="Wrong authentications of one host or line in ten minutes, after which "
        "its calls are turned away. More is for a bench that tests this server.",
    )
    @click.option(
        "--pool",
        "pools",
        type=_PoolType(),
        metavar="ADDRESS=LINES",
        multiple=True,
        help="An address, or a network, behind each of whose addresses there are so "
        "many lines: a terminal server, a modem pool, an office. It may begin and fail "
        "as much as they may. Again for each.",
    )
    @click.option(
        "--drain-s",
        type=FiniteRange(0, 3600),
        default=30.0,
        show_default=True,
        help="How long calls may go on after SIGTERM.",
    )
    @click.option(
        "--capture",
        type=click.Path(path_type=Path, file_okay=False),
        help="Record each call in a file of its own there, as pcapng.",
    )
    @click.option(
        "--capture-files",
        type=click.IntRange(1, 100_000),
        default=1000,
        show_default=True,
        help="Most files kept there: the oldest go.",
    )
    @click.option(
        "--capture-days",
        type=click.IntRange(1, 36_500),
        default=180,
        show_default=True,
        help="How long a file is kept there; older ones go with the next call.",
    )
    @click.option(
        "--capture-kib",
        type=click.IntRange(16, 1_048_576),
        default=4096,
        show_default=True,
        help="Largest file; what a call says beyond it is not recorded.",
    )
    @click.option(
        "--key-log",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the keys of all calls here, to read captures; test servers only.",
    )
    @click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="Lines of the log: for people, or an object each for programs.",
    )
    @click.option(
        "--log-level",
        type=click.Choice(["debug", "info", "warning", "error"]),
        default="info",
        show_default=True,
        help="The least that is logged: a dial-in is one line at info, many at debug.",
    )
    @click.option(
        "--log-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the log here in the place of stderr, all workers to one file; it "
        "may be renamed at any time, by logrotate without copytruncate.",
    )
    @click.option(
        "--operate",
        type=_Place(),
        metavar="HOST:PORT",
        help="Answer /metrics, /healthz and /readyz over HTTP there; they tell no "
        "secret, but are not for everybody: take an address of your own network.",
    )
    def run(
        server: Path,
        lines: "tuple[LineAddress, ...]",
        *,
        calls: int,
        workers: int,
        wrong_per_line: int,
        pools: "tuple[Pool, ...]",
        drain_s: float,
        capture: Path | None,
        capture_files: int,
        capture_days: int,
        capture_kib: int,
        key_log: Path | None,
        log_format: str,
        log_level: str,
        log_file: Path | None,
        operate: tuple[str, int] | None,
    ) -> int:
        """Answer dial-ins until SIGTERM or Ctrl-C, then let running calls end.

        Prints the line that it listens at when it is ready; the log goes to stderr.
        """
        from hw.clock import SystemMonotonicClock
        from hw.lines.places import open_place, place_address
        from hw.seen.folder import CaptureLimits
        from hw.seen.keylog import WARNING
        from rmfs_server.limits import Limits
        from rmfs_server.operations.logs import LogFormat, LogLevel, begin_log
        from rmfs_server.program import run_server
        from rmfs_server.workers import Share, supervise

        def on_ready(address: str) -> None:
            click.echo(f"listening at {address}")

        if key_log is not None:
            click.echo(WARNING.format(path=key_log), err=True)
        form, level = LogFormat(log_format), LogLevel[log_level.upper()]
        keeper, place = os.getpid(), None
        if operate is not None:
            place = open_place(*operate)
            click.echo(f"operated at http://{place_address(place)[4:]}")
        share: Share | None = None
        if workers > 1:
            begin_log(None, form, level, path=log_file)
            shared = supervise(
                workers,
                lines,
                clock=SystemMonotonicClock(),
                on_ready=on_ready,
                drain_s=drain_s,
            )
            if isinstance(shared, int):
                return shared
            # From here on this is a worker.
            share = shared
        counters = run_server(
            server,
            lines,
            limits=Limits(
                calls=calls,
                wrong_per_line=wrong_per_line,
                drain_s=drain_s,
                pools=pools,
            ),
            share=share,
            on_ready=on_ready,
            capture=capture,
            capture_limits=CaptureLimits(
                capture_files, capture_kib * 1024, capture_days
            ),
            key_log=key_log,
            log_format=form,
            log_level=level,
            log_file=log_file,
            operate=place,
            keeper=None if share is None else keeper,
        )
        who = "" if share is None else f"worker {share.number}: "
        click.echo(
            f"{who}{counters.calls} calls, {counters.dialogues} dialogues, "
            f"{counters.turned_away.total()} turned away, {counters.wrong} wrong",
            err=True,
        )
        return 0
