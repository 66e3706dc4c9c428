"""`rmfs simulate ledger-file`: the power fails at every write of the ledger's file.

Exit codes: 0 all went as it must: the product's settings are clean and every control
was caught; 1 it did not; 2 typed wrong.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmfs_tools.simulation.ledger_file.modes import Mode
    from rmfs_tools.simulation.ledger_file.run import Plan, Tally

_EXIT_FOUND: Final = 1
_FOLDER: Final = click.Path(path_type=Path, file_okay=False, exists=True)
_HEADS: Final = (
    "settings",
    "operations",
    "states",
    "corrupt",
    "half",
    "lost",
    "unsent",
    "unbalanced",
    "",
)


@click.command(
    "ledger-file",
    epilog="\b\nExamples:\n  rmfs simulate ledger-file --recharges 3\n"
    "  rmfs simulate ledger-file --journal wal --synchronous full --json",
)
@click.option(
    "--recharges",
    type=click.IntRange(1, 1000),
    default=40,
    show_default=True,
    help="How many recharges are recorded.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=1,
    show_default=True,
    help="Choose keys, marks, subsets and torn places by it.",
)
@click.option(
    "--subsets",
    type=click.IntRange(0, 1000),
    default=4,
    show_default=True,
    help="How many choices are drawn for each moment with many pending writes.",
)
@click.option(
    "--journal",
    type=click.Choice(["wal", "delete"]),
    help="Try this journal mode alone, in place of the product's.",
)
@click.option(
    "--synchronous",
    type=click.Choice(["full", "normal", "off", "extra"]),
    help="Try this setting alone, in place of the product's.",
)
@click.option(
    "--images",
    type=_FOLDER,
    help="Folder for the images; when left out, one in memory where there is one.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def ledger_file(
    *,
    recharges: int,
    seed: int,
    subsets: int,
    journal: str | None,
    synchronous: str | None,
    images: Path | None,
    as_json: bool,
) -> int:
    """Cut the power after every write of the ledger's SQLite file, and recover it.

    The product's books run on a file whose every operation is recorded. After each one,
    images of what may be left on the disk are made, recovered by stock SQLite and
    checked: nothing corrupt, no half transaction, nothing lost that was acknowledged.
    Without --journal and --synchronous the product's settings come first, then controls
    that must be caught. docs/ledger-file.md tells the model and its limits.
    """
    from rmfs_tools.simulation.ledger_file.examine import Examiner
    from rmfs_tools.simulation.ledger_file.folders import folder_for_images
    from rmfs_tools.simulation.ledger_file.modes import MODES, mode_of
    from rmfs_tools.simulation.ledger_file.run import Plan, try_mode

    plan = Plan(recharges, seed, subsets)
    modes: Sequence[Mode] = MODES
    if journal is not None or synchronous is not None:
        modes = (mode_of(journal or "wal", synchronous or "full"),)
    with folder_for_images(images) as folder:
        (folder / "images").mkdir()
        examiner = Examiner(folder / "images")
        tallies = []
        for mode in modes:
            tally = try_mode(mode, plan, folder / "recorded", examiner, _tell)
            tallies.append(tally)
            _tell(f"{mode.name}: {tally.verdict}, {tally.states:,} states")
            if not tally.as_expected:
                _tell_unexpected(tally)
    if as_json:
        first, rows = tallies[0], [_as_json(one) for one in tallies]
        said = {**_as_json(first), "recharges": recharges, "seed": seed}
        expected = all(one.as_expected for one in tallies)
        click.echo(json.dumps({**said, "as_expected": expected, "modes": rows}))
    else:
        click.echo(_show(tallies, plan))
    return 0 if all(one.as_expected for one in tallies) else _EXIT_FOUND


def _tell(line: str) -> None:
    click.echo(line, err=True)


def _tell_unexpected(tally: "Tally") -> None:
    """Say what is wrong with a mode that did not go as it must."""
    for line in tally.shown:
        _tell(f"{tally.mode.name}: {line}")
    _tell(f"{tally.mode.name}: expected {tally.mode.expectation.value}")


def _as_json(tally: "Tally") -> dict[str, Any]:
    return {
        "states": tally.states,
        **{fault.name.lower(): count for fault, count in tally.faults.items()},
        "mode": tally.mode.name,
        "journal": tally.journal,
        "synchronous": tally.synchronous,
        "images": tally.images,
        "operations": tally.operations,
        "commits": tally.commits,
        "vouchers": tally.vouchers,
        "expected": tally.mode.expectation.name.lower(),
        "as_expected": tally.as_expected,
    }


def _show(tallies: "Sequence[Tally]", plan: "Plan") -> str:
    """Show all modes as a table."""
    rows = [_HEADS, *(_row(one) for one in tallies)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_HEADS))]
    lines = [
        "  ".join(
            cell.ljust(width) if place in (0, len(_HEADS) - 1) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([f"{plan.recharges} recharges, seed {plan.seed}", *lines])


def _row(tally: "Tally") -> tuple[str, ...]:
    mode = tally.mode
    running = f"{tally.journal}/{tally.synchronous}"
    name = f"{running}, {mode.name}" if mode.settings is None else mode.name
    return (
        name,
        f"{tally.operations:,}",
        f"{tally.states:,}",
        *(f"{count:,}" for count in tally.faults.values()),
        tally.verdict,
    )
