"""`rmfs scenario`: a machine's day, week or year from a file, played and checked.

Exit codes of `run`: 0 everything was as expected; 1 something was not; 2 a file is
wrong; 130 it was stopped by Ctrl-C. `check` reads without playing: 0 or 2.
"""

import json
from contextlib import nullcontext
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from hw.clock import SystemMonotonicClock
from rmfs_tools.scenario_pace import RealPace, Stop, ctrl_c_asks

if TYPE_CHECKING:
    from collections.abc import Callable

    from fm_device.scenarios.scenario import Scenario
    from rmfs_tools.scenario_pace import Pace
    from rmfs_tools.scenarios import Played

EXIT_NOT_MET: Final = 1
EXIT_WRONG: Final = 2
EXIT_STOPPED: Final = 130
_NEW_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_ENDING: Final = ".toml"


def add_commands(root: click.Group) -> None:
    """Bring the commands about scenarios."""
    root.add_command(scenario_group)


@click.group("scenario", epilog="\b\nExample:\n  rmfs scenario run power-cut-in-print")
def scenario_group() -> None:
    """Play a machine's day, week or year from a file, and see that it went as said."""


@scenario_group.command(
    epilog="\b\nExamples:\n  rmfs scenario run ordinary-day thirty-days-of-silence\n"
    "  rmfs scenario run my-day.toml --seed 7 --pictures franks\n"
    "  rmfs scenario run --library --json\n"
    "  rmfs scenario run ordinary-day --real --hurry 60"
)
@click.argument("names", nargs=-1, metavar="FILE|NAME...")
@click.option("--library", is_flag=True, help="Play every shipped scenario too.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    help="Choose keys, marks and noise by it, in place of the file's own.",
)
@click.option(
    "--pictures", type=_NEW_FOLDER, help="Print franks as PNG and SVG into this folder."
)
@click.option("--real", is_flag=True, help="Take each step when a real clock says so.")
@click.option(
    "--hurry",
    type=click.IntRange(1, 1_000_000),
    help="With --real: so many seconds pass in one; with 60 a minute lasts a second.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def run(
    names: tuple[str, ...],
    *,
    library: bool,
    seed: int | None,
    pictures: Path | None,
    real: bool,
    hurry: int | None,
    as_json: bool,
) -> int:
    """Play scenarios, from files or from the library, and check what is expected.

    Time is virtual: a year takes seconds; with --real it passes as on the wall.
    Machine, line, server and books are the real ones. After each, the money is checked
    to the paisa. Ctrl-C stops a --real one after the step under way, with exit 130.
    """
    from fm_device.scenarios.form import ScenarioError
    from fm_device.scenarios.library import library_names
    from rmfs_tools.scenarios import play

    wanted = [*names, *(library_names() if library else ())]
    if not wanted:
        message = "name a FILE or a NAME of `rmfs scenario list`, or --library"
        raise click.UsageError(message)
    if hurry is not None and not real:
        message = "--hurry is for --real: virtual time takes no time"
        raise click.UsageError(message)
    try:
        read = [(name, _read(name)) for name in wanted]
    except ScenarioError as error:
        return _tell_wrong(error, as_json=as_json)
    stop = Stop(_tell_stopping)
    begin_pace = _real_pace(stop, hurry or 1) if real else None
    say = _say(silent=as_json)
    played = []
    with ctrl_c_asks(stop) if real else nullcontext():
        for name, scenario in read:
            if stop.wait(0):
                break
            folder = _folder_for(pictures, scenario.name)
            say(f"{scenario.name}: {scenario.title}")
            one = play(
                scenario,
                seed=seed,
                pictures=folder,
                say=say,
                called=name,
                begin_pace=begin_pace,
            )
            played.append(one)
            if not as_json:
                click.echo(_show(one))
    if as_json:
        found = [_as_json(one) for one in played]
        click.echo(json.dumps({"scenarios": found, "met": _all_met(played)}, indent=2))
    if stop.wait(0):
        return EXIT_STOPPED
    return 0 if _all_met(played) else EXIT_NOT_MET


@scenario_group.command("list", epilog="\b\nExample:\n  rmfs scenario list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_scenarios(*, as_json: bool) -> None:
    """List the shipped scenarios, one a line."""
    from fm_device.scenarios.library import library_names, library_scenario

    found = [library_scenario(name) for name in library_names()]
    if as_json:
        click.echo(json.dumps([_about(one) for one in found], indent=2))
        return
    width = max(len(one.name) for one in found)
    for one in found:
        click.echo(f"{one.name:{width}}  {one.title}")


@scenario_group.command(epilog="\b\nExample:\n  rmfs scenario check my-day.toml")
@click.argument("names", nargs=-1, required=True, metavar="FILE|NAME...")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def check(names: tuple[str, ...], *, as_json: bool) -> int:
    """Read scenarios without playing them; line, place and reason of what is wrong."""
    from fm_device.scenarios.form import ScenarioError

    found = []
    for name in names:
        try:
            found.append(_read(name))
        except ScenarioError as error:
            return _tell_wrong(error, as_json=as_json)
    if as_json:
        click.echo(json.dumps([_about(one) for one in found], indent=2))
    else:
        for one in found:
            click.echo(f"{one.name}: {one.title}; {_count(one)} steps, in order")
    return 0


@scenario_group.command(
    epilog="\b\nExample:\n  rmfs scenario show ordinary-day > my-day.toml"
)
@click.argument("name", metavar="NAME")
def show(name: str) -> int:
    """Show a shipped scenario as it is written, to begin one's own with."""
    from fm_device.scenarios.form import ScenarioError
    from fm_device.scenarios.library import library_file

    try:
        click.echo(library_file(name).decode(), nl=False)
    except ScenarioError as error:
        return _tell_wrong(error, as_json=False)
    return 0


def _read(name: str) -> "Scenario":
    """Read a file where there is one, else a shipped scenario.

    Raises:
        ScenarioError: There is neither, or it is wrong.
    """
    from fm_device.scenarios.form import ScenarioError
    from fm_device.scenarios.library import library_scenario
    from fm_device.scenarios.reading import FILE_OCTETS_MAX, read_scenario

    path = Path(name)
    if not path.is_file():
        if name.endswith(_ENDING) or path.name != name:
            raise ScenarioError("", "there is no such file", file=name)
        return library_scenario(name)
    try:
        with path.open("rb") as file:
            octets = file.read(FILE_OCTETS_MAX + 1)
    except OSError as error:
        raise ScenarioError("", f"{error.strerror}", file=name) from error
    return read_scenario(octets, name)


def _folder_for(pictures: Path | None, name: str) -> Path | None:
    if pictures is None:
        return None
    folder = pictures / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{folder} cannot be made: {error.strerror}"
        raise click.UsageError(message) from error
    return folder


def _real_pace(stop: Stop, hurry: int) -> "Callable[[], Pace]":
    return lambda: RealPace(SystemMonotonicClock(), stop.wait, hurry)


def _tell_stopping() -> None:
    click.echo("rmfs: stopping; Ctrl-C once more breaks off at once", err=True)


def _say(*, silent: bool) -> Any:
    return (lambda _line: None) if silent else (lambda line: click.echo(line, err=True))


def _tell_wrong(error: Any, *, as_json: bool) -> int:
    if as_json:
        wrong = {
            "file": error.file,
            "line": error.line,
            "place": error.place,
            "reason": error.reason,
        }
        click.echo(json.dumps({"wrong": wrong}, indent=2))
    else:
        click.echo(f"rmfs: {error}", err=True)
    return EXIT_WRONG


def _all_met(played: "list[Played]") -> bool:
    return all(one.met for one in played)


def _show(one: "Played") -> str:
    lasted = timedelta(seconds=round(one.virtual_s))
    what = (
        f"{one.steps} steps, {one.franks} imprints, {one.dial_ins} dial-ins in {lasted}"
    )
    if one.met:
        return f"{one.name}: as expected; {what}"
    if one.stopped and not one.unmet:
        return f"{one.name}: stopped, as expected so far; {what}"
    unmet = "\n".join(f"  {found}" for found in one.unmet)
    return f"{one.name}: NOT as expected; {what}\n{unmet}\n  again: {one.replay}"


def _as_json(one: "Played") -> dict[str, Any]:
    return {
        "name": one.name,
        "seed": one.seed,
        "met": one.met,
        "stopped": one.stopped,
        "steps": one.steps,
        "imprints": one.franks,
        "dial_ins": one.dial_ins,
        "virtual_s": round(one.virtual_s, 3),
        "unmet": [asdict(found) for found in one.unmet],
        "reached": sorted(one.reached),
        "replay": one.replay,
    }


def _about(one: "Scenario") -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "description": one.description.strip(),
        "shows": list(one.shows),
        "seed": one.seed,
        "steps": _count(one),
    }


def _count(one: "Scenario") -> int:
    return sum(1 for _ in one.every_step())
