"""`rmfs simulate`: the whole system from seeds, and what belongs to it.

Exit codes: 0 nothing was found; 1 a property was seen broken; 2 typed wrong; 130 it was
interrupted.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hw.clock import SystemMonotonicClock

if TYPE_CHECKING:
    from rmfs_tools.simulation.many import Summary, Wanted
    from rmfs_tools.simulation.run import RunResult

EXIT_VIOLATED: Final = 1
_SEEDS: Final = "1..20"
_PROGRESS_S: Final = 5.0
_FILE: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER: Final = click.Path(path_type=Path, file_okay=False)


class SeedRange(click.ParamType[range]):
    """Seeds as ``A..B``, both inclusive, or one seed."""

    name = "seeds"

    def convert(
        self,
        value: str | range,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> range:
        """Read it."""
        if isinstance(value, range):
            return value
        first, dots, last = value.partition("..")
        try:
            seeds = range(int(first), int(last if dots else first) + 1)
        except ValueError:
            self.fail(f"{value!r} is no range of seeds: write 1..300, or 7", param, ctx)
        if not seeds or seeds.start < 0:
            self.fail(f"{value!r} holds no seed: write 1..300, or 7", param, ctx)
        return seeds


def add_commands(root: click.Group) -> None:
    """Bring the commands about simulations."""
    from rmfs_tools.simulation import drill_cli
    from rmfs_tools.simulation.cuts_cli import cuts
    from rmfs_tools.simulation.ledger_file_cli import ledger_file
    from rmfs_tools.simulation.planted import planted_cli

    simulate_group.add_command(cuts)
    simulate_group.add_command(ledger_file)
    drill_cli.add_commands(simulate_group)
    planted_cli.add_commands(simulate_group)
    root.add_command(simulate_group)


@click.group(
    "simulate",
    invoke_without_command=True,
    epilog="\b\nExamples:\n  rmfs simulate --seeds 1..300\n"
    "  rmfs simulate --seeds 7 --faults power --transcript\n"
    "  rmfs simulate --replay seed-7.json --transcript\n"
    "  rmfs simulate cuts --json",
)
@click.option(
    "--seeds",
    type=SeedRange(),
    default=_SEEDS,
    show_default=True,
    metavar="A..B",
    help="Which worlds to run: each seed is one.",
)
@click.option(
    "--machines",
    type=click.IntRange(1, 200),
    default=4,
    show_default=True,
    help="Machines of each world.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 400),
    default=3,
    show_default=True,
    help="Days on which faults befall it, before calm begins.",
)
@click.option(
    "--faults",
    default="all",
    show_default=True,
    metavar="PROFILE",
    help="What befalls it: none, line, power, server, people, cheats, backups, all, "
    "or a storm of all.",
)
@click.option(
    "--channel",
    type=click.Choice(["double", "real"]),
    default="double",
    show_default=True,
    help="The double draws nothing, so that runs are the same octet for octet.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many at once; the result is the same.",
)
@click.option("--stop-at-first", is_flag=True, help="Stop at the first violation.")
@click.option("--replay", type=_FILE, help="Run the plan in this file, and no seeds.")
@click.option("--transcript", is_flag=True, help="Print what happens, line by line.")
@click.option(
    "--save",
    type=_FOLDER,
    default=Path(),
    help="Where the plans of failures are written; here if not said.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def simulate_group(
    ctx: click.Context,
    *,
    seeds: range,
    machines: int,
    days: int,
    faults: str,
    channel: str,
    processes: int,
    stop_at_first: bool,
    replay: Path | None,
    transcript: bool,
    save: Path,
    as_json: bool,
) -> int | None:
    """Show that no paisa is lost, whatever the line, the power or a person does.

    Without a command: machines, lines, a server, its database and the Department run
    in simulated time, in a world for each seed, with faults that the seed chooses and
    oracles that look on. A failure is shrunk, told, and saved with the command that
    plays it again.
    """
    if ctx.invoked_subcommand is not None:
        return None
    from rmfs_tools.simulation.many import Wanted
    from rmfs_tools.simulation.profiles import ProfileError, check_profile

    try:
        check_profile(faults)
    except ProfileError as error:
        raise click.UsageError(str(error)) from error
    if replay is not None:
        return _replay(replay, channel, transcript=transcript, as_json=as_json)
    if transcript:
        processes = 1
    wanted = Wanted(machines, days, faults, channel)
    return _simulate(
        seeds,
        wanted,
        processes,
        save,
        stop_at_first=stop_at_first,
        transcript=transcript,
        as_json=as_json,
    )


def _simulate(
    seeds: range,
    wanted: "Wanted",
    processes: int,
    save: Path,
    *,
    stop_at_first: bool,
    transcript: bool,
    as_json: bool,
) -> int:
    from rmfs_tools.simulation.many import Summary, run_seeds

    clock = SystemMonotonicClock()
    began_s = told_s = clock.now()
    summary = Summary()
    on_line = click.echo if transcript else None
    for result in run_seeds(seeds, wanted, processes=processes, on_line=on_line):
        summary.add(result)
        if result.violations:
            _tell_failure(result, wanted, save)
            if stop_at_first:
                break
        if clock.now() - told_s > _PROGRESS_S:
            told_s = clock.now()
            rate = summary.dial_ins / (told_s - began_s)
            words = f"seed {result.plan.seed}: {summary.dial_ins:,} dial-ins so far"
            click.echo(f"{words}, {rate:.0f} a second", err=True)
    _tell(summary, wanted, clock.now() - began_s, as_json=as_json)
    return EXIT_VIOLATED if summary.failed else 0


def _tell(
    summary: "Summary", wanted: "Wanted", spent_s: float, *, as_json: bool
) -> None:
    from rmfs_tools.simulation.reaching import never_reached

    never = never_reached(summary.counts, wanted.profile)
    if as_json:
        found = {
            "dial_ins": summary.dial_ins,
            "violations": len(summary.failed),
            "dial_ins_per_s": round(summary.dial_ins / spent_s, 1),
            "history": summary.history,
            "seeds": summary.seeds,
            "answered": summary.answered,
            "simulated_days": round(summary.simulated_s / 86_400, 1),
            "counts": dict(sorted(summary.counts.items())),
            "never": never,
        }
        click.echo(json.dumps(found))
        return
    for name, count in sorted(summary.counts.items()):
        click.echo(f"{count:>10,}  {name}")
    if never:
        click.echo(f"never reached in these seeds: {', '.join(never)}")
    click.echo(
        f"{summary.seeds} worlds, {summary.dial_ins:,} dial-ins "
        f"({summary.dial_ins / spent_s:.0f} a second), history {summary.history}"
    )
    failed = len(summary.failed)
    click.echo("no violation" if not failed else f"{failed} worlds with VIOLATIONS")


def _tell_failure(result: "RunResult", wanted: "Wanted", save: Path) -> None:
    """Shrink a failure, save it, and say how to see it again."""
    from rmfs_tools.simulation.failing import shrunk

    click.echo(f"seed {result.plan.seed}: {result.violations[0]}", err=True)
    if result.trace:
        click.echo(result.trace, err=True)
    plan, transcript = shrunk(result, wanted.channel)
    save.mkdir(parents=True, exist_ok=True)
    path = save / f"seed-{result.plan.seed}-{wanted.profile}.json"
    path.write_text(json.dumps(plan.as_json(), indent=1) + "\n", "utf-8")
    click.echo("\n".join(transcript), err=True)
    before, after = len(result.plan.deeds), len(plan.deeds)
    click.echo(f"shrunk from {before} deeds to {after}; play it again with", err=True)
    channel = "" if wanted.channel == "double" else f" --channel {wanted.channel}"
    click.echo(f"  rmfs simulate --replay {path} --transcript{channel}", err=True)


def _replay(path: Path, channel: str, *, transcript: bool, as_json: bool) -> int:
    from rmfs_tools.simulation.many import simulator
    from rmfs_tools.simulation.plan_file import read_plan_file

    plan = read_plan_file(path)
    with simulator(channel) as one:
        result = one.run(plan, click.echo if transcript else None)
    if as_json:
        click.echo(json.dumps(result.as_json()))
    else:
        for violation in result.violations:
            click.echo(str(violation))
        if result.trace:
            click.echo(result.trace, err=True)
        dialled = f"{result.dial_ins} dial-ins, history {result.history}"
        click.echo(f"{dialled}: {len(result.violations)} violations")
    return EXIT_VIOLATED if result.violations else 0
